"""Words with times, the same for every policy: of real speech, and of subtitles that people made."""

import collections
import difflib
import json
import re
import subprocess

import corpus
import human

# `cues` are those of people, if there are any. Nobody speaks a translation, so its speed says nothing of a layout.
Sample = collections.namedtuple("Sample", "name language words cues is_spoken source")
# As in worker/src/engine/windows.rs, in milliseconds.
FIRST_WINDOW, WINDOW, PADDING, SILENCE, SEPARATE = 9_000, 15_000, 416, 320, 2_000


def samples(worker, ctranslate2):
    found = []
    for language in corpus.VOICES:
        wav, text = corpus.speech(language)
        words = aligned(text.read_text().split(), heard(worker, ctranslate2, wav, language))
        found.append(Sample(f"speech-{language}", language, words, None, True,
                            "prompts of a telephone exchange" + (" and a sonnet" if language == "en" else "")))
    of_people = [("Elephants Dream", "en", human.elephants_dream(), "captions of a film (CC BY), out of video.js"),
                 ("WAI", "en", human.wai("en"), "captions of ten short films of W3C's"),
                 ("WAI", "fr", human.wai("fr"), "their translation, which nobody speaks")]
    for name, language, cues, source in of_people:
        if cues:
            found.append(Sample(f"{name}-{language}", language, human.as_words(cues), cues, language == "en", source))
    return found


def heard(worker, ctranslate2, wav, language):
    command = [worker, "transcribe", wav, "--model", "base", "--format", "json", "--threads", "1",
               "--language", language, "--ctranslate2", ctranslate2]
    output = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE).stdout
    return json.loads(output)["words"]


def aligned(known, heard):
    """The words that were said, at the times at which the engine heard them. Where it heard others, those that were
    said share their time by their length."""
    plain = lambda text: re.sub(r"\W", "", text.lower())
    matcher = difflib.SequenceMatcher(a=[plain(word) for word in known], b=[plain(word["text"]) for word in heard],
                                      autojunk=False)
    words = []
    for kind, first, after, heard_first, heard_after in matcher.get_opcodes():
        if kind == "equal":
            for text, word in zip(known[first:after], heard[heard_first:heard_after]):
                words.append({"start": word["start"], "end": word["end"], "text": text})
        elif first < after:
            begin = heard[heard_first]["start"] if heard_first < heard_after else heard[max(heard_first - 1, 0)]["end"]
            end = heard[heard_after - 1]["end"] if heard_first < heard_after else \
                heard[min(heard_after, len(heard) - 1)]["start"]
            words += human.as_words([(begin, max(end, begin + 1), " ".join(known[first:after]))])
    for word, after in zip(words, words[1:]):
        after["start"] = max(after["start"], word["start"])
        word["end"] = max(min(word["end"], after["start"]), word["start"])
    return words


def windows(words):
    """Where a worker's windows of these words would end: at a silence of 2 s, or when 15 s are full at the last silence
    of 320 ms, or else at the longest pause of the last third."""
    pairs = list(zip(words, words[1:]))
    ends, start, longest = [], words[0]["start"], FIRST_WINDOW
    for ahead, word in pairs:
        if word["start"] - ahead["end"] > SEPARATE:
            ends.append(ahead["end"] + PADDING)
            start, longest = word["start"] - PADDING, WINDOW
        elif word["end"] - start > longest:
            inside = [pair for pair in pairs if start <= pair[0]["start"] and pair[1]["start"] <= word["start"]]
            silent = [(one, two) for one, two in inside
                      if two["start"] - one["end"] >= SILENCE and one["end"] - start >= longest / 3]
            late = [(one, two) for one, two in inside if one["start"] >= start + longest * 2 / 3]
            one, two = silent[-1] if silent else max(
                late or [(ahead, word)], key=lambda pair: pair[1]["start"] - pair[0]["end"])
            end = min((one["end"] + two["start"]) // 2, one["end"] + PADDING)
            if not ends or end > ends[-1]:
                ends.append(end)
                start, longest = end, WINDOW
    return ends
