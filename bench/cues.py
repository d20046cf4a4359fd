"""./dev bench cues: our cues beside those of the tools people would use instead, out of the same words with times."""

import argparse
import collections
import datetime
import json
import pathlib
import platform
import subprocess
import sys
import tempfile
import textwrap

import corpus
import cue_judge
import cue_rivals
import human
import transcripts
from machine import machine

HERE = pathlib.Path(__file__).parent
PEOPLE = "people"
# How a worker commits, what it would be if nobody watched meanwhile, and if each window stood for itself.
OURS = {"Cuelight, as workers commit": "settled", "Cuelight, all words at once": "end",
        "Cuelight, each window by itself": "windows"}
LANGUAGES = {"en": "English", "fr": "French"}
HOUR = 3_600_000


def ours(layout, words, commit="end", profile="netflix"):
    """Our cues, and what the layout says of them."""
    task = dict(profile=profile, words=words, windows=transcripts.windows(words), commit=commit)
    output = subprocess.run([str(layout)], input=json.dumps(task), check=True, capture_output=True, text=True).stdout
    laid = json.loads(output)
    return [(cue["start"], cue["end"], cue["text"]) for cue in laid["cues"]], laid


def subtitle_edit_rate(cues, reference):
    """SubER against what people made, in percent."""
    from suber.file_readers import SRTFileReader
    from suber.metrics.suber import calculate_SubER

    with tempfile.TemporaryDirectory() as folder:
        read = []
        for name, one in (("cues", cues), ("reference", reference)):
            path = pathlib.Path(folder) / f"{name}.srt"
            path.write_text("".join(f"{number}\n{clock(start)} --> {clock(end)}\n{text}\n\n"
                                    for number, (start, end, text) in enumerate(one, 1)), encoding="utf-8")
            read.append(SRTFileReader(str(path)).read())
        return calculate_SubER(*read)


def clock(millis):
    return f"{millis // HOUR:02}:{millis // 60_000 % 60:02}:{millis // 1000 % 60:02},{millis % 1000:03}"


def measure(layout, samples):
    """For each policy and language: the sums over the samples."""
    rows = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    examples = collections.defaultdict(collections.Counter)
    for sample in samples:
        segments = cue_rivals.sentences(sample.words)
        made = {name: ours(layout, sample.words, commit)[0] for name, commit in OURS.items()}
        made |= {name: policy(segments, sample.language) for name, policy in cue_rivals.POLICIES.items()}
        if sample.cues:
            made[PEOPLE] = sample.cues
        for name, cues in made.items():
            verdict = cue_judge.judge(cues, sample.language)
            row = rows[sample.language][name]
            for faults in verdict.faults:
                faults = faults if sample.is_spoken else faults - {"speed"}
                row["cues"] += 1
                row["conform"] += not faults
                row["conform without gaps"] += not faults - {"gap"}
                row.update(faults)
            row["breaks"] += verdict.line_breaks + verdict.cue_breaks
            row["illegal"] += verdict.illegal_lines + verdict.illegal_cues
            examples[sample.language, name] += verdict.examples
            if sample.cues and name != PEOPLE:
                row["suber words"] += len(sample.words)
                row["suber"] += subtitle_edit_rate(cues, sample.cues) * len(sample.words)
    return rows, examples


def as_table(rows):
    lines = ["| policy | cues | keep every norm | gaps apart | line too long | too fast | too short or long | no gap "
             "| illegal breaks | SubER |", "| --- |" + " ---: |" * 9]
    for name, row in rows.items():
        share = lambda key: f"{row[key] / row['cues']:.1%}"
        suber = f"{row['suber'] / row['suber words']:.1f}" if row["suber words"] else "–"
        breaks = f"{row['illegal'] / max(1, row['breaks']):.1%} ({row['illegal']} of {row['breaks']})"
        shares = [share(key) for key in ("conform", "conform without gaps", "length", "speed", "duration", "gap")]
        lines.append(f"| {name} | {row['cues']} | {' | '.join(shares)} | {breaks} | {suber} |")
    return "\n".join(lines)


def early(layout, samples):
    """What committing early costs, by the sum that the layout of all words at once minimises."""
    lines = ["| sample | words | all at once | as workers commit | each window by itself |", "| --- |" + " ---: |" * 4]
    for sample in samples:
        costs = {commit: ours(layout, sample.words, commit)[1]["cost"] for commit in OURS.values()}
        told = lambda commit: f"+{costs[commit] / costs['end'] - 1:.1%}"
        cells = (sample.name, len(sample.words), costs["end"], told("settled"), told("windows"))
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def speeds(layout, samples):
    """Milliseconds to lay out an hour of words anew, by profile."""
    words, start = [], 0
    spoken = [sample for sample in samples if sample.is_spoken]
    while not words or words[-1]["end"] < HOUR:
        for sample in spoken:
            words += [dict(word, start=word["start"] + start, end=word["end"] + start) for word in sample.words]
            start = words[-1]["end"] + human.PAUSE
    words = [word for word in words if word["end"] <= HOUR]
    took = {profile: ours(layout, words, profile=profile)[1]["micros"] / 1000
            for profile in ("netflix", "bbc", "ted", "shorts")}
    return len(words), took


def plot(rows, path):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "cuelight"
    from matplotlib import pyplot

    size = (4.5 * len(rows), 5.5)
    figure, panels = pyplot.subplots(1, len(rows), figsize=size, layout="constrained", squeeze=False)
    for (language, of_language), axes in zip(rows.items(), panels[0]):
        for number, (name, row) in enumerate(of_language.items()):
            axes.scatter(100 * row["conform"] / row["cues"], 100 * row["illegal"] / max(1, row["breaks"]), s=70,
                         color=f"C{number % 10}", marker="osD^vPX<>*h"[number % 11], label=name)
        axes.set(title=LANGUAGES[language], xlabel="cues that keep every norm, % (more is better)", xlim=(-2, 102))
        axes.grid(alpha=0.3)
    panels[0][0].set_ylabel("breaks inside a phrase, % (less is better)")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="small")
    figure.savefig(path, metadata={"Date": None})


def report(rows, examples, samples, layout):
    from importlib.metadata import version

    packages = {name: version(name) for name in ("subtitle-edit-rate", "HanTa", "textblob-fr")}
    versions = {**cue_rivals.PACKAGES, **packages, "Python": platform.python_version()}
    words, took = speeds(layout, samples)
    left = [f"{pair} ×{count}" for language in rows
            for pair, count in examples[language, next(iter(OURS))].most_common(8)]
    parts = [
        "# Our cues beside others",
        f"""Written by `./dev bench cues` on {datetime.date.today()}, all in one run. All policies get the same words
        with the same times; only where cues and lines end differs, and when cues come and go.""",
        f"- Machine: {machine()}.",
        f"- Versions: {', '.join(f'{name} {number}' for name, number in versions.items())}.",
        *(f"- {sample.name}: {len(sample.words)} words, {sample.source}." for sample in samples),
        """Word times: in `speech-…` the known words stand where our engine (base, CTranslate2) heard them. Subtitles of
        people have no times of words: the words of a cue share its time by their length, none slower than 12 characters
        a second, so that silence is left behind slow ones. That is the same for every policy. The samples are small, and
        were at hand while our layout was tuned: expect somewhat less of it on fast free speech.""",
        "## Norms and breaks",
        f"""Netflix's profile: {cue_judge.LINES} lines of {cue_judge.LINE} characters; {cue_judge.SPEED["en"]}
        characters a second in English and {cue_judge.OTHER_SPEED} in French, spaces counted; {cue_judge.SHORTEST} ms to
        {cue_judge.LONGEST // 1000} s; {cue_judge.GAP} ms between two cues. «Gaps apart» forgives the last, as most
        tools let cues touch. The speed of a translation is not judged: nobody speaks it.""",
        """A break is illegal inside a phrase: article or determiner and noun, adjective and noun, first and last name,
        pronoun and verb, auxiliary or negation and verb, verb and particle, preposition or conjunction and what
        follows.
        What the words are is said by what the layout knows nothing of: for English the Hanover Tagger (HanTa), for
        French lists of small words and the tags of the Lefff lexicon. Ends of lines and of cues count alike; behind a
        mark every break is legal.""",
        """SubER is the edit rate against the subtitles of people (less is better), where there are any. Those of WAI
        are single lines of up to 90 characters, so each line break counts as an edit, and whoever breaks no line is
        nearer.""",
        *(part for language, of_language in rows.items()
          for part in (f"### {LANGUAGES[language]}", as_table(of_language))),
        "![Norms kept and breaks inside phrases](cues.svg)",
        """`openai-whisper`, `stable-ts` and `WhisperX` are their own code, as packaged, with stand-ins for what hears.
        whisper.cpp's wrapping and Subtitle Edit's splitting, merging and breaking are written again after theirs
        (`bench/cue_rivals.py`). What starts from the segments of a model gets whole sentences; so whisper.cpp, which
        breaks nowhere else without options, hardly breaks a phrase.""",
        f"What the judge still finds with ours, as workers commit: {'; '.join(left) or 'nothing'}.",
        "## Committing early",
        """A cue that was shown never changes. What that costs, by the sum of costs of which the layout of all words at
        once is the minimum. Workers commit all cues of a window but the last, whose words wait for those of the next
        (`segment::settled`). Windows end as a worker's do.""",
        early(layout, samples),
        "## Laying out anew",
        f"""An hour of speech ({words} words) in milliseconds, one thread:
        {", ".join(f"{profile} {millis:.0f}" for profile, millis in took.items())}.""",
    ]
    return "\n".join(laid_out(parts)) + "\n"


def laid_out(parts):
    """Markdown: paragraphs filled, and an empty line between all but the items of a list."""
    for part, after in zip(parts, [*parts[1:], ""]):
        is_text = not part.startswith(("#", "|", "!"))
        indent = "  " if part.startswith("- ") else ""
        filled = textwrap.fill(" ".join(part.split()), 119, break_on_hyphens=False, subsequent_indent=indent)
        yield filled if is_text else part
        if after and not (part.startswith("- ") and after.startswith("- ")):
            yield ""


def main():
    parser = argparse.ArgumentParser(prog="./dev bench cues", description=__doc__)
    parser.add_argument("--layout", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--worker", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--ctranslate2", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "docs/benchmarks", help=argparse.SUPPRESS)
    parser.add_argument("--subtitles", type=pathlib.Path,
                        help="your own SRT or WebVTT instead; writes nothing into docs/")
    parser.add_argument("--language", default="en", choices=LANGUAGES, help="its language")
    args = parser.parse_args()
    corpus.FOLDER.mkdir(parents=True, exist_ok=True)
    if args.subtitles:
        cues = human.read(args.subtitles)
        words = human.as_words(cues)
        samples = [transcripts.Sample(args.subtitles.name, args.language, words, cues, True, "given")]
    else:
        samples = transcripts.samples(args.worker, args.ctranslate2)
    rows, examples = measure(args.layout, samples)
    if args.subtitles:
        print(as_table(rows[args.language]), early(args.layout, samples), sep="\n\n")
        return
    text = report(rows, examples, samples, args.layout)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "cues.md").write_text(text)
    plot(rows, args.out / "cues.svg")
    print(text)


if __name__ == "__main__":
    sys.exit(main())
