"""Do the places where our windows meet cost words? The same words are looked at in an engine that cuts nothing."""

import aligned

REACH_MS = 3_000


def count(said, ours, single_pass):
    """Words near seams and elsewhere, each with our errors and those of the single pass: {"near": [words, ours, theirs], …}.

    A word is where we heard it; one that we missed is where the word before it was.
    """
    said = aligned.plain_words(said)
    heard, starts = aligned.timed(ours["words"])
    partner, _ = aligned.pairs(said, heard)
    errors = aligned.wrong(said, heard), aligned.wrong(said, aligned.plain_words(single_pass["text"]))
    # The last one is the end of the sound.
    seams = ours["seams"][:-1]
    counted = {"near": [0, 0, 0], "elsewhere": [0, 0, 0]}
    at = 0
    for place, our_errors, their_errors in zip(partner, *errors):
        at = starts[place] if place is not None else at
        is_near = any(abs(at - seam) <= REACH_MS for seam in seams)
        group = counted["near" if is_near else "elsewhere"]
        group[0] += 1
        group[1] += our_errors
        group[2] += their_errors
    return counted
