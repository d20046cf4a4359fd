"""Puts what an engine heard beside what was said, word by word."""

import re
import unicodedata


def plain_words(text):
    """Lower case, without accents and punctuation: what two spellings of a word share."""
    bare = unicodedata.normalize("NFKD", text.lower())
    return re.findall(r"[^\W_]+", "".join(char for char in bare if not unicodedata.combining(char)))


def pairs(said, heard):
    """Which of `heard` stands for each of `said`, or None, and how many were put in before each: two lists."""
    import jiwer

    partner, inserted = [None] * len(said), [0] * (len(said) + 1)
    if not heard:
        return partner, inserted
    for chunk in jiwer.process_words([" ".join(said)], [" ".join(heard)]).alignments[0]:
        if chunk.type == "insert":
            inserted[chunk.ref_start_idx] += chunk.hyp_end_idx - chunk.hyp_start_idx
        elif chunk.type != "delete":
            for offset in range(chunk.ref_end_idx - chunk.ref_start_idx):
                partner[chunk.ref_start_idx + offset] = chunk.hyp_start_idx + offset
    return partner, inserted


def wrong(said, heard):
    """Errors at each of the said words: 1 where it was missed or mistaken, and 1 for each word put in before it."""
    partner, inserted = pairs(said, heard)
    return [
        int(place is None or heard[place] != word) + extra for word, place, extra in zip(said, partner, inserted)
    ]


def timed(words):
    """The plain words of an engine's, and when each begins, in milliseconds."""
    parts = [(part, word["start"]) for word in words for part in plain_words(word["text"])]
    return [part for part, _ in parts], [start for _, start in parts]
