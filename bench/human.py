"""Subtitles made by people, and words with times out of them."""

import html
import os
import pathlib
import re
import subprocess
import sys
import tarfile

import corpus

# The player's example film «Elephants Dream» (CC BY 2.5) has captions that people made.
PLAYER = "video.js@8.24.1"
# Ten films of W3C's Web Accessibility Initiative, captioned in English and translated into French.
WAI = ("https://github.com/w3c/wai-perspective-videos", "cdcc78026d93e8638f1d010986d8a2192484e06a")
FILMS = ["captions", "contrast", "controls", "customizable", "keyboard", "layout", "notifications", "speech",
         "understandable", "voice"]
# Between two films, so that no cue spans both.
PAUSE = 5_000
# Nobody speaks slower than 12 characters a second within a sentence: the rest of a cue is silence.
SLOWEST = 1000 / 12


def elephants_dream():
    folder = corpus.FOLDER / "video.js"
    if not (folder / "whole").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", PLAYER]
        packed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        with tarfile.open(folder / packed.stdout.strip().splitlines()[-1]) as archive:
            wanted = [one for one in archive.getmembers() if "/elephantsdream/captions." in one.name]
            archive.extractall(folder, members=wanted, filter="data")
        (folder / "whole").touch()
    return read(next(folder.rglob("captions.en.vtt")))


def wai(language):
    """The captions of all films, one film after the other; nothing where the repository is out of reach."""
    link, commit = WAI
    folder = corpus.FOLDER / "wai-perspective-videos"
    if not (folder / "whole").exists():
        # Whoever has no way to it is not to be asked for a password.
        environment = dict(os.environ, GIT_TERMINAL_PROMPT="0")
        cloned = subprocess.run(["git", "clone", "--quiet", link, folder], env=environment)
        if cloned.returncode != 0:
            print(f"  {link} is out of reach: without it", file=sys.stderr)
            return []
        subprocess.run(["git", "-C", folder, "checkout", "--quiet", commit], check=True)
        (folder / "whole").touch()
    cues = []
    for film in FILMS:
        start = cues[-1][1] + PAUSE if cues else 0
        of_film = read(folder / f"_perspective-videos/cc/{language}/{film}.{language}.vtt")
        cues += [(start + begin, start + end, text) for begin, end, text in of_film]
    return cues


def read(path):
    """The cues of an SRT or WebVTT file: (start, end, text), without markup, speakers, sounds and empty ones."""
    content = pathlib.Path(path).read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    cues = []
    for block in re.split(r"\n[ \t]*\n", content):
        times, _, text = block.partition(" --> ")
        if not text:
            continue
        rest, _, text = text.partition("\n")
        text = html.unescape(re.sub(r"<[^>]*>|\{[^}]*\}|\[[^\]]*\]|♪", "", text)).replace("\u00a0", " ")
        # A mark is no word of its own, as it is in French.
        text = re.sub(r"(?<=\w) (?=[?!:;»%])|(?<=«) ", "", text)
        lines = [" ".join(line.split()) for line in text.split("\n")]
        text = "\n".join(line for line in lines if line)
        begin, end = millis(times.split("\n")[-1]), millis(rest.split()[0])
        if re.search(r"\w", text):
            # Cues of people overlap at times, by a frame or two.
            begin = max(begin, cues[-1][1] if cues else 0)
            cues.append((begin, max(end, begin + 1), text))
    return cues


def millis(clock):
    parts = clock.strip().replace(",", ".").split(":")
    return round(sum(float(part) * 60 ** place for place, part in enumerate(reversed(parts))) * 1000)


def as_words(cues):
    """Words with times: those of a cue share its time by their length, and none is slower than people speak."""
    words = []
    for begin, end, text in cues:
        tokens = text.split()
        letters = sum(len(token) + 1 for token in tokens)
        each = min((end - begin) / letters, SLOWEST)
        clock = float(begin)
        for token in tokens:
            length = (len(token) + 1) * each
            words.append({"start": round(clock), "end": round(clock + length), "text": token})
            clock += length
    return words
