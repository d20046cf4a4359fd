//! The files we write, read by the parsers that other programs use: ttconv (IMSC), pysubs2 (ASS, SRT) and
//! webvtt-py, installed from PyPI into the user's cache.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::{Cue, CuePage, Format, Profile, Timestamp, Track, Word, format, segment};

const PARSERS: [&str; 3] = ["ttconv==1.2.3", "pysubs2==1.8.1", "webvtt-py==0.6.0"];

const SPEECH: &str = "And so, my fellow Americans: ask not what your country can do for you — \
    ask what you can do for your country. R&D costs <more> than 5 > 3, \"they\" said; l'été, größer, \
    字幕は二行。 مرحبا بالعالم. The end.";

#[test]
fn other_programs_read_the_cues_we_wrote() {
    let words: Vec<Word> = SPEECH.split(' ').enumerate().map(word).collect();
    let end = Timestamp(words.len() as u64 * 400 + 3000);
    let mut page = CuePage {
        number: 0,
        version: 1,
        start: Timestamp(0),
        end,
        words,
        cues: Vec::new(),
        open: None,
        peaks: String::new(),
    };
    page.cues = segment::into_cues(&page.words, page.start, page.end, Profile::Netflix);
    let track = segment::track_of(std::slice::from_ref(&page), Some("en".into()));

    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("foreign");
    std::fs::create_dir_all(&folder).unwrap();
    for format in [Format::WebVtt, Format::Srt, Format::Ttml, Format::Ass] {
        std::fs::write(folder.join(format!("track.{}", format.extension())), format.write(&track)).unwrap();
    }
    let timed = format::words::write(&track, &page.words);
    std::fs::write(folder.join("words.vtt"), timed).unwrap();

    let read = read(&folder);
    let check = |format: &str, expect: &Track, slack: u64| {
        let cues: Vec<Cue> = serde_json::from_value(read[format].clone())
            .map(|cues: Vec<(u64, u64, String)>| {
                let cue = |(start, end, text)| Cue {
                    start: Timestamp(start),
                    end: Timestamp(end),
                    text,
                    doubts: Vec::new(),
                };
                cues.into_iter().map(cue).collect()
            })
            .unwrap();
        let texts = |cues: &[Cue]| cues.iter().map(|cue| cue.normalized().text).collect::<Vec<_>>();
        assert_eq!(texts(&cues), texts(expect.cues()), "{format}");
        for (read, written) in cues.iter().zip(expect.cues()) {
            let is_near = |one: Timestamp, other: Timestamp| one.0.abs_diff(other.0) <= slack;
            let is_same = is_near(read.start, written.start) && is_near(read.end, written.end);
            assert!(is_same, "{format}: {read:?} instead of {written:?}");
        }
    };
    check("vtt", &track, 0);
    check("srt", &track, 0);
    check("ttml", &track, 0);
    check("words", &track, 0);
    check("ass", &track, 5);
}

fn word((number, text): (usize, &str)) -> Word {
    let start = number as u64 * 400 + 123;
    Word { start: Timestamp(start), end: Timestamp(start + 350), text: text.into(), probability: 0.9 }
}

/// The cues of each file in the folder as the parsers see them: start, end, text.
fn read(folder: &Path) -> serde_json::Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/read.py");
    let output = Command::new(parsers().join("bin/python")).arg(script).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The environment that holds the parsers, made if it is missing.
fn parsers() -> PathBuf {
    let home = PathBuf::from(std::env::var_os("HOME").expect("there is a home for the cache"));
    let tools = home.join(".cache/cuelight/tools");
    std::fs::create_dir_all(&tools).unwrap();
    let folder = tools.join("subtitle-parsers-1");
    let lock = File::create(tools.join("subtitle-parsers.lock")).unwrap();
    lock.lock().unwrap();
    let is_whole = folder.join("whole");
    if !is_whole.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        let mut pip = Command::new(folder.join("bin/python"));
        run(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PARSERS));
        File::create(is_whole).unwrap();
    }
    folder
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?} failed: {status}");
}
