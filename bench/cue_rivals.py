"""What other tools make of words with times: their own code where it runs without a model, and else its rules again.

A policy takes segments (lists of words, each `{"start", "end", "text"}` in milliseconds) and a language, and gives cues
`(start, end, text)`. Tools that start from the segments of a model get sentences: see `sentences`.
"""

import importlib
import importlib.machinery
import importlib.util
import math
import re
import subprocess
import sys
import tarfile
import types
import zipfile

import corpus

# Their own code. Unpacked and not installed: all of them ask for PyTorch, which laying out cues does not need.
PACKAGES = {"openai-whisper": "20250625", "stable-ts": "2.19.1", "whisperx": "3.8.6"}
# What this code imports and does not need for layout: it hears, or takes PyTorch. A stand-in of each is enough.
STAND_INS = ["torch", "stable_whisper.stabilization", "stable_whisper.stabilization.nonvad",
             "stable_whisper.stabilization.utils", "stable_whisper.audio.utils"]
# What Whisper's decoder hands over at once.
LONGEST_SEGMENT = 30_000
SENTENCE_END = re.compile(r"(?<!^Mr)(?<!^Mrs)(?<!^Ms)(?<!^Dr)(?<!^St)[.!?…。！？]['\"”’»)\]]*$")


def sentences(words, pause=1_000):
    """Segments as Whisper mostly gives them: whole sentences, cut where nobody speaks for a while."""
    segments, ahead = [], None
    for word in words:
        is_new = ahead is None or SENTENCE_END.search(ahead["text"]) or word["start"] - ahead["end"] > pause
        if is_new or word["end"] - segments[-1][0]["start"] > LONGEST_SEGMENT:
            segments.append([])
        segments[-1].append(word)
        ahead = word
    return segments


def text_of(words):
    return " ".join(word["text"] for word in words)


def as_cue(words):
    return words[0]["start"], words[-1]["end"], text_of(words)


def whisper_cpp(segments, language):
    """whisper.cpp without options: a segment is a cue."""
    return [as_cue(words) for words in segments]


def whisper_cpp_wrapped(segments, language, longest=42):
    """whisper.cpp's `whisper_wrap_segment` with --max-len 42 --split-on-word, again: greedy, by bytes, and a cue lasts
    until the next one of its segment begins."""
    cues = []
    for words in segments:
        parts, taken = [[]], 0
        for word in words:
            size = len((" " + word["text"]).encode())
            if parts[-1] and taken + size > longest:
                parts.append([])
                taken = 0
            parts[-1].append(word)
            taken += size
        for part, after in zip(parts, [*parts[1:], None]):
            start, end, text = as_cue(part)
            cues.append((start, after[0]["start"] if after else end, text))
    return cues


def openai_whisper(segments, language):
    """openai-whisper's own writer with --max_line_width 42 --max_line_count 2."""
    writer = load("openai-whisper", "whisper/utils.py", "openai_whisper_utils").WriteSRT(".")
    result = {"segments": [dict(seconds(words), words=[spoken(word) for word in words]) for words in segments]}
    cues = writer.iterate_result(result, max_line_width=42, max_line_count=2)
    return [(millis(start), millis(end), text.strip()) for start, end, text in cues]


def stable_ts(segments, language, regroup=True):
    """stable-ts's own regrouping, as it is without options."""
    result = package("stable-ts", "stable_whisper", "result").WhisperResult(
        dict(language=language, segments=[dict(seconds(words), words=[spoken(word) for word in words])
                                          for words in segments]))
    result.regroup(regroup)
    return [(round(one.start * 1000), round(one.end * 1000), one.text.strip()) for one in result.segments]


def stable_ts_short(segments, language):
    """The same, and then split at 42 characters, as its documentation tells those who want short lines."""
    return stable_ts(segments, language, "da_sl=42")


def whisperx(segments, language):
    """WhisperX's own SubtitlesProcessor, over sentences, as its alignment makes them."""
    module = package("whisperx", "whisperx", "SubtitlesProcessor")
    given = [dict(seconds(words), text=text_of(words), words=[
        dict(spoken(word), word=word["text"]) for word in words]) for words in segments]
    cues = module.SubtitlesProcessor(given, language).process_segments(advanced_splitting=True)
    return [(round(one["start"] * 1000), round(one["end"] * 1000), one["text"].strip()) for one in cues]


# --- Subtitle Edit ----------------------------------------------------------------------------------------------

LINE, PARAGRAPH = 43, 86


def subtitle_edit(segments, language):
    """Subtitle Edit after speech recognition, again: `AudioToTextPostProcessor` splits what is longer than two lines of
    43, merges what follows within 100 ms and is no sentence, and `TextSplit.AutoBreak` breaks in two. Split cues share
    the time by characters, as there, since it keeps no words."""
    split = [part for words in segments for part in halves(*as_cue(words))]
    merged = []
    for start, end, text in split:
        if merged and start - merged[-1][1] < 100 and not SENTENCE_END.search(merged[-1][2]) \
                and len(merged[-1][2]) + 1 + len(text) < PARAGRAPH:
            merged[-1] = (merged[-1][0], end, merged[-1][2] + " " + text)
        else:
            merged.append((start, end, text))
    return [(start, end, auto_break(text)) for start, end, text in merged]


def halves(start, end, text):
    """`SplitLongLinesInSubtitle`: equal parts, each up to the space before its share."""
    count = math.ceil(len(text) / PARAGRAPH)
    if count < 2:
        return [(start, end, text)]
    cues, begin, share = [], 0, len(text) // count
    for number in range(count):
        target = begin + share
        stop = len(text) if number == count - 1 else text.rfind(" ", begin + 1, target + 1)
        if stop <= begin:
            stop = text.find(" ", target) if text.find(" ", target) > 0 else len(text)
        at = [start + (end - start) * place // len(text) for place in (begin, stop)]
        if text[begin:stop].strip():
            cues.append((at[0], at[1], text[begin:stop].strip()))
        begin = stop
    return cues


def auto_break(text):
    """One line if it fits; else after a sentence, if both lines then fit; else where they are nearest to equal, with
    the lower one longer; else the nearest to equal."""
    if len(text) < LINE or " " not in text:
        return text
    breaks = [(text[:at], text[at + 1:]) for at, letter in enumerate(text) if letter == " "]
    fitting = [pair for pair in breaks if max(map(len, pair)) <= LINE]
    for choice in ([pair for pair in fitting if SENTENCE_END.search(pair[0])],
                   [pair for pair in fitting if len(pair[1]) >= len(pair[0])], fitting, breaks):
        if choice:
            return "\n".join(min(choice, key=lambda pair: abs(len(pair[0]) - len(pair[1]))))
    return text


POLICIES = {
    "whisper.cpp": whisper_cpp,
    "whisper.cpp --max-len 42 --split-on-word": whisper_cpp_wrapped,
    "openai-whisper --max_line_width 42 --max_line_count 2": openai_whisper,
    "stable-ts": stable_ts,
    "stable-ts, split at 42": stable_ts_short,
    "WhisperX SubtitlesProcessor": whisperx,
    "Subtitle Edit": subtitle_edit,
}


# --- their own code ---------------------------------------------------------------------------------------------

def spoken(word):
    return {"start": word["start"] / 1000, "end": word["end"] / 1000, "word": " " + word["text"]}


def seconds(words):
    return {"start": words[0]["start"] / 1000, "end": words[-1]["end"] / 1000, "text": " " + text_of(words)}


def millis(clock):
    hours, minutes, rest = clock.replace(",", ".").split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(rest)) * 1000)


def unpacked(name):
    """The folder with the package's code."""
    into = corpus.FOLDER / "rivals" / f"{name}-{PACKAGES[name]}"
    if not (into / "whole").exists():
        into.mkdir(parents=True, exist_ok=True)
        subprocess.run([*corpus.DOWNLOAD, "-d", into, f"{name}=={PACKAGES[name]}"], check=True, stdout=sys.stderr)
        archive = next(path for path in into.iterdir() if path.suffix in (".whl", ".gz"))
        if archive.suffix == ".whl":
            zipfile.ZipFile(archive).extractall(into)
        else:
            with tarfile.open(archive) as opened:
                opened.extractall(into, filter="data")
        (into / "whole").touch()
    return into


def load(name, path, module):
    """One file of a package that imports nothing but Python's own library."""
    if module not in sys.modules:
        place = next(unpacked(name).rglob(path))
        specification = importlib.util.spec_from_file_location(module, place)
        sys.modules[module] = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sys.modules[module])
    return sys.modules[module]


class StandIn(types.ModuleType):
    """A module in which every name is an empty class."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def package(name, folder, module):
    """One module of a package, without what the package itself imports when it is imported."""
    for missing in STAND_INS:
        if missing not in sys.modules:
            sys.modules[missing] = StandIn(missing)
            sys.modules[missing].__spec__ = importlib.machinery.ModuleSpec(missing, None)
    if folder not in sys.modules:
        sys.modules[folder] = types.ModuleType(folder)
        sys.modules[folder].__path__ = [str(next(path for path in unpacked(name).rglob(folder) if path.is_dir()))]
    return importlib.import_module(f"{folder}.{module}")
