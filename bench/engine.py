"""./dev bench engine: our engine beside the ones people would use instead, on the same audio, weights and threads.

Every measure is of a process of its own, run alone, one after the other: all engines on one sample, then on the next.
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import corpus
import onsets
import seams
from machine import machine

HERE = pathlib.Path(__file__).parent
MODELS = pathlib.Path(os.environ.get("CUELIGHT_MODELS") or pathlib.Path.home() / ".local/share/cuelight/models")
OURS = "cuelight whisper.cpp"
FASTER = "cuelight ctranslate2"
BASELINE = "faster-whisper int8 greedy"
RIVALS = {
    BASELINE: dict(beam=1, vad=False),
    "faster-whisper int8 greedy, VAD": dict(beam=1, vad=True),
    "faster-whisper int8 beam 5": dict(beam=5, vad=False),
    "faster-whisper int8 beam 5, VAD": dict(beam=5, vad=True),
    # It cuts the audio by voice activity itself, and takes eight pieces at once.
    "faster-whisper int8 greedy, batched": dict(beam=1, vad=True, batched=True),
}
# Only to compare the times of words.
WORD_TIMES = "faster-whisper int8 greedy, word times"
LANGUAGES = {"en": "English", "fr": "French"}
Sample = collections.namedtuple("Sample", "name language audio words seconds")


def measured(command, environment=None):
    """Runs to the end; output, CPU seconds, wall seconds, and the peak of memory of the largest process in MB.

    CPU and memory are those of the process and of all that it waited for. Linux counts what this process holds while it
    starts another as that other's, so nothing large may be imported before the last measure.
    """
    begun = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=errors, env=environment
        )
        output = []
        reader = threading.Thread(target=lambda: output.append(process.stdout.read()))
        reader.start()
        _, status, usage = os.wait4(process.pid, 0)
        reader.join()
        wall = time.monotonic() - begun
        if status != 0:
            errors.seek(0)
            sys.exit(f"{command[0]} failed:\n{errors.read().decode(errors='replace')[-2000:]}")
    return output[0], usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def ours(worker, options, model, sample, threads):
    command = [worker, "transcribe", sample.audio, "--model", model, "--format", "json",
               "--threads", threads, "--language", sample.language, *options]
    output, cpu, wall, peak = measured(command)
    heard = json.loads(output)
    text = " ".join(word["text"] for word in heard["words"])
    return dict(text=text, cpu_s=cpu, wall_s=wall, peak_mb=peak, words=heard["words"], seams=heard["seams"])


def plain(binary, model, sample, threads):
    weights = MODELS / f"ggml-{model}.bin"
    output, cpu, wall, peak = measured([binary, weights, wav_of(sample), sample.language, threads])
    return dict(text=output.decode(), cpu_s=cpu, wall_s=wall, peak_mb=peak)


def wav_of(sample):
    """16 kHz and mono, which is all that plain whisper-rs reads."""
    if corpus.FOLDER in sample.audio.parents:
        return sample.audio
    into = corpus.FOLDER / "given.wav"
    corpus.to_wav(sample.audio, into)
    return into


def rival(options, model, sample, threads):
    settings = dict(options, weights=str(corpus.weights(model)), audio=str(sample.audio),
                    language=sample.language, threads=threads)
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    output, _, _, peak = measured([sys.executable, HERE / "rival.py", json.dumps(settings)], environment)
    return dict(json.loads(output), peak_mb=peak)


def word_errors(reference, text, language):
    """Errors of words and words of the reference, both brought into Whisper's normal form."""
    import jiwer
    from whisper_normalizer.basic import BasicTextNormalizer
    from whisper_normalizer.english import EnglishTextNormalizer

    normal = EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()
    counted = jiwer.process_words([normal(reference) or "-"], [normal(text)])
    errors = counted.substitutions + counted.deletions + counted.insertions
    return errors, counted.substitutions + counted.deletions + counted.hits


def words_of(path):
    """The words of a plain text or of an SRT file."""
    text = path.read_text(encoding="utf-8-sig")
    if "-->" in text:
        # Above the times stands the cue's number; a number below them is spoken.
        text = re.sub(r"^(?:\d+\s*\n)?.*-->.*$", "", text.replace("\r\n", "\n"), flags=re.MULTILINE)
        text = re.sub(r"<[^>]*>|\{[^}]*\}", "", text)
    return text


def row(engine, model, threads, samples, results):
    """One line of the table: sums over the samples, and the largest peak."""
    errors = [word_errors(sample.words, result["text"], sample.language) for sample, result in zip(samples, results)]
    wall, seconds = sum(result["wall_s"] for result in results), sum(sample.seconds for sample in samples)
    return {
        "engine": engine, "model": model, "threads": threads,
        "cpu_s": round(sum(result["cpu_s"] for result in results), 2), "wall_s": round(wall, 2),
        "peak_mb": round(max(result["peak_mb"] for result in results)),
        "wer": round(sum(wrong for wrong, _ in errors) / max(1, sum(count for _, count in errors)), 4),
        "rtf": round(wall / seconds, 4),
    }


def compare(engines, model, threads, samples):
    results = {name: [] for name in engines}
    for sample in samples:
        for name, run in engines.items():
            tell(f"{name}, {model}, {threads} thread(s), {sample.name}")
            results[name].append(run(model, sample, threads))
    return [row(name, model, threads, samples, of_one) for name, of_one in results.items()]


def two_at_once(worker, options, model, sample):
    """Throughput of two of our engines at once by that of one."""
    command = [str(worker), "transcribe", str(sample.audio), "--model", model, "--threads", "1",
               "--language", sample.language, *options]

    def seconds(count):
        tell(f"{FASTER}, {model}, {count} at once, {sample.name}")
        begun = time.monotonic()
        unheard = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running = [subprocess.Popen(command, **unheard) for _ in range(count)]
        if any([process.wait() != 0 for process in running]):
            sys.exit("an engine failed")
        return time.monotonic() - begun

    return 2 * seconds(1) / seconds(2)


def invented(engines, model, sounds):
    """Words a minute out of sounds without any, by engine and sound."""
    words = {name: {} for name in engines}
    for sound, audio in sounds.items():
        sample = Sample(sound, "en", audio, "", corpus.seconds(audio))
        for name, run in engines.items():
            tell(f"{name}, {model}, {sound}")
            words[name][sound] = len(run(model, sample, 1)["text"].split()) / (sample.seconds / 60)
    return words


def at_seams(engines, model, samples):
    """Lines of a table: word errors near the seams of our windows, and those of a single pass in the same words."""
    lines = ["| speech, base | words within 3 s of a seam | ours | faster-whisper greedy | words elsewhere | ours "
             "| faster-whisper greedy |", "| --- |" + " ---: |" * 6]
    for sample in samples:
        heard = {}
        for name in (FASTER, BASELINE):
            tell(f"{name}, {model}, {sample.name}, for its seams")
            heard[name] = engines[name](model, sample, 1)
        counted = seams.count(sample.words, heard[FASTER], heard[BASELINE])
        cells = [f"{words} | {ours / max(1, words):.1%} | {theirs / max(1, words):.1%}"
                 for words, ours, theirs in counted.values()]
        lines.append(f"| {sample.name} | {' | '.join(cells)} |")
    return lines


def word_times(engines, models):
    """Lines of a table: how far words are off on speech with known onsets."""
    wav, words, begun = onsets.sample("en")
    sample = Sample("synthesised", "en", wav, "", corpus.seconds(wav))
    lines = ["| engine | model | median, ms | 95th percentile, ms | words heard right |", "| --- | --- |" + " ---: |" * 3]
    for model in models:
        for name in (FASTER, OURS, WORD_TIMES):
            tell(f"{name}, {model}, word times")
            median, high, share = onsets.off(words, begun, engines[name](model, sample, 1)["words"])
            lines.append(f"| {name} | {model} | {median:.0f} | {high:.0f} | {share:.0%} |")
    return lines


def tell(what):
    print(f"  {what} …", file=sys.stderr, flush=True)


class Others:
    """What else ran on this machine since this began: it makes wall seconds longer and CPU seconds a little."""

    def __init__(self):
        self.begun, self.before = time.monotonic(), self.seconds()

    @staticmethod
    def seconds():
        user, nice, system, _, _, irq, softirq, *_ = map(int, open("/proc/stat").readline().split()[1:])
        own = os.times()
        return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK") - sum(own[:4])

    def share(self):
        taken = (self.seconds() - self.before) / (time.monotonic() - self.begun) / os.cpu_count()
        return max(0.0, taken)


def versions():
    from importlib.metadata import version

    lock = (HERE.parent / "Cargo.lock").read_text()
    crates = {name: re.search(rf'^name = "{name}"\nversion = "(.*)"', lock, re.MULTILINE)[1]
              for name in ("worker", "whisper-rs", "whisper-rs-sys")}
    packages = {name: version(name) for name in ("faster-whisper", "ctranslate2")}
    everything = {**crates, **packages, "Python": platform.python_version()}
    return ", ".join(f"{name} {number}" for name, number in everything.items())


def as_table(rows):
    lines = ["| engine | model | threads | CPU s | CPU, faster-whisper greedy = 1 | wall s | peak MB | word error rate "
             "| real-time factor |", "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    baselines = {(one["model"], one["threads"]): one["cpu_s"] for one in rows if one["engine"] == BASELINE}
    for one in rows:
        ratio = one["cpu_s"] / baselines[one["model"], one["threads"]]
        lines.append(f"| {one['engine']} | {one['model']} | {one['threads']} | {one['cpu_s']:.1f} | {ratio:.2f} "
                     f"| {one['wall_s']:.1f} | {one['peak_mb']} | {one['wer']:.1%} | {one['rtf']:.3f} |")
    return "\n".join(lines)


def plot(rows, path):
    """A panel for each model: they hear different samples, so their seconds do not compare."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "cuelight"
    from matplotlib import pyplot

    models = list(dict.fromkeys(one["model"] for one in rows))
    threads = rows[0]["threads"]
    engines = list(dict.fromkeys(one["engine"] for one in rows))
    figure, panels = pyplot.subplots(1, len(models), figsize=(4.5 * len(models), 5), layout="constrained", squeeze=False)
    for model, axes in zip(models, panels[0]):
        for one in rows:
            if (one["model"], one["threads"]) == (model, threads):
                number = engines.index(one["engine"])
                axes.scatter(one["cpu_s"], one["wer"] * 100, s=70, color=f"C{number}", marker="osD^vPX"[number % 7],
                             label=one["engine"])
        axes.set(title=f"{model}, {threads} thread(s)", xlabel="CPU seconds (less is better)")
        axes.set_xlim(0, axes.get_xlim()[1])
        axes.set_ylim(0, axes.get_ylim()[1] * 1.1)
        axes.grid(alpha=0.3)
    panels[0][0].set_ylabel("word error rate, % (less is better)")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="small")
    figure.savefig(path, metadata={"Date": None})


def report(rows, samples, throughput, words, seam_lines, time_lines, others):
    lengths = ", ".join(f"{sample.seconds / 60:.1f} {LANGUAGES[sample.language]}" for sample in samples)
    sounds = list(next(iter(words.values())))
    header = ["| engine, base | " + " | ".join(sounds) + " |", "| --- |" + " ---: |" * len(sounds)]
    lines = [f"| {name} | " + " | ".join(f"{of_one[sound]:.1f}" for sound in sounds) + " |"
             for name, of_one in words.items()]
    return f"""# The engine beside others

Written by `./dev bench engine` on {datetime.date.today()}, all in one run.

- Machine: {machine()}. All else on it took {others.share():.1%} of its CPU time during the run.
- Versions: {versions()}.
- Weights: the same for all engines; whisper.cpp and plain whisper-rs hold them as 16-bit floats, the others make them
  int8.
- Speech: {sum(sample.seconds for sample in samples) / 60:.1f} minutes with known words ({lengths}): prompts of a
  telephone exchange, by one voice a language, and a sonnet read for LibriVox. tiny.en hears the English part only.

## Speech

{as_table(rows)}

![CPU seconds and word error rate](engine.svg)

Seconds count loading the model and decoding the audio, for each sample anew. Starting the process counts, too, but not
for faster-whisper: there neither starting Python nor importing it does. Its peak memory holds Python. Memory is that of the
largest process: ours are two, and the engine is the larger one. The word error rate is taken over both texts in the
form of Whisper's own normaliser. Batched: 8 pieces at once. Only ours give each word its time; the others were asked
for text and the times of segments.

Two of our engines at once have {throughput:.2f} times the throughput of one ({FASTER}, base, one thread each).

## Where windows meet

We hear speech in windows of up to 16 s. Word errors within 3 s of the places where they meet, beside those that
faster-whisper, which does not cut there, makes in the same words. In «without pauses» all silence longer than 80 ms was
cut down to 50 ms. Words are compared without case, accents and punctuation, but numbers as they are spelt.

{chr(10).join(seam_lines)}

## Times of words

How far from its onset each word begins that was heard right, on {onsets.WORDS_A_MINUTE} words a minute of espeak-ng's
English, which tells when it begins each word. About three in four words are heard right: it is a synthesiser.

{chr(10).join(time_lines)}

## Sounds without words

Words a minute that the engines made up out of {corpus.NOISE_SECONDS // 60} minutes of each. Noise is pink; applause is
made of noise, too; music is what a telephone exchange plays to those who wait.

""" + "\n".join(header + lines) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="./dev bench engine", description=__doc__)
    parser.add_argument("--worker", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--ctranslate2", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--plain", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "docs/benchmarks", help=argparse.SUPPRESS)
    parser.add_argument("--audio", type=pathlib.Path, help="your own audio instead of the public samples")
    parser.add_argument("--text", type=pathlib.Path, help="its words, plain or SRT")
    parser.add_argument("--language", default="en", help="their BCP 47 tag")
    parser.add_argument("--json", type=pathlib.Path, help="write the rows here, and nothing into docs/")
    parser.add_argument("--models", default="tiny.en,base", help="one or both of them")
    parser.add_argument("--threads", default="1", help="one or more numbers, with commas")
    parser.add_argument("--quick", action="store_true",
                        help="only us and faster-whisper greedy, on speech alone; writes nothing into docs/")
    args = parser.parse_args()
    if bool(args.audio) != bool(args.text):
        parser.error("--audio and --text belong together")
    models, threads = args.models.split(","), [int(number) for number in args.threads.split(",")]
    if not set(models) <= set(corpus.WEIGHTS):
        parser.error(f"--models wants some of {', '.join(corpus.WEIGHTS)}")

    # A build meanwhile must not change what is measured.
    scratch = tempfile.TemporaryDirectory()
    worker, whisper = (shutil.copy(binary, scratch.name) for binary in (args.worker, args.plain))
    faster = ["--ctranslate2", args.ctranslate2]
    engines = {FASTER: lambda *run: ours(worker, faster, *run), OURS: lambda *run: ours(worker, [], *run)}
    engines |= {name: lambda *run, options=options: rival(options, *run) for name, options in RIVALS.items()}
    engines["plain whisper-rs"] = lambda *run: plain(whisper, *run)
    if args.quick:
        engines = {name: engines[name] for name in (FASTER, OURS, BASELINE)}
    corpus.FOLDER.mkdir(parents=True, exist_ok=True)
    if args.audio:
        audio = args.audio.resolve()
        samples = [Sample(audio.name, args.language, audio, words_of(args.text), corpus.seconds(audio))]
    else:
        speech = {language: corpus.speech(language) for language in corpus.VOICES}
        samples = [Sample(f"speech-{language}", language, wav, words_of(text), corpus.seconds(wav))
                   for language, (wav, text) in speech.items()]
    # What the samples and the weights take to fetch and to make is not to disturb the first measure.
    for model in models:
        corpus.weights(model)
    others = Others()
    rows = []
    for model in models:
        heard = [sample for sample in samples if sample.language == "en" or not model.endswith(".en")]
        for number in threads if heard else []:
            rows += compare(engines, model, number, heard)

    if args.json:
        args.json.write_text(json.dumps({"rows": rows}, indent=2) + "\n")
    if args.json or args.audio or args.quick:
        print(f"{as_table(rows)}\n\nAll else on this machine took {others.share():.1%} of its CPU time meanwhile.")
        return
    print(as_table(rows), flush=True)
    sonnet, words = corpus.sonnet()
    sonnet = Sample("sonnet", "en", sonnet, words_of(words), corpus.seconds(sonnet))
    throughput = two_at_once(worker, faster, "base", sonnet)
    quiet = {name: engines[name] for name in (FASTER, OURS, BASELINE, "faster-whisper int8 greedy, VAD")}
    dense = [sample._replace(name=f"{sample.name} without pauses", audio=corpus.without_pauses(sample.audio))
             for sample in samples]
    seam_lines = at_seams(engines, "base", samples + dense)
    engines[WORD_TIMES] = lambda *run: rival(dict(RIVALS[BASELINE], words=True), *run)
    time_lines = word_times(engines, models)
    text = report(rows, samples, throughput, invented(quiet, "base", corpus.noises()), seam_lines, time_lines, others)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "engine.md").write_text(text)
    plot(rows, args.out / "engine.svg")
    print(text)


main()
