//! Sound is where a player presents it, in every container, from its start and from the middle.

use std::path::{Path, PathBuf};
use std::process::Command;

use domain::Failure;
use worker::audio::{MediaDecoder, Wanted};

use crate::media::{decode_wanted, lag_of};
use crate::support::speech;

/// A frame of AAC lasts 23 ms.
const TOLERANCE_MS: i64 = 5;

const VIDEO: &[&str] = &["-f", "lavfi", "-i", "testsrc=s=160x120:r=25:d=11"];
const X264: &[&str] = &["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"];

/// Runs ffmpeg, in the words of its command line; `SPEECH` stands for the known speech.
pub fn ffmpeg(arguments: &[&str], to: &Path) {
    let speech = speech();
    let arguments =
        arguments.iter().map(|&word| if word == "SPEECH" { speech.to_str().unwrap() } else { word });
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-loglevel", "error", "-y"]).args(arguments).arg(to);
    assert!(command.status().unwrap().success(), "ffmpeg could not make {}", to.display());
}

/// A file, and which moment of the speech is heard at which moment of the media, in milliseconds.
struct Case {
    path: PathBuf,
    heard_at: usize,
    spoken_at: usize,
}

/// Decodes each file, from its start and from the middle, and compares it with the speech.
fn check(cases: &[Case]) {
    let reference = decode_wanted(&speech(), &Wanted::default()).unwrap();
    let mut wrong = Vec::new();
    for Case { path, heard_at, spoken_at } in cases {
        let name = path.file_name().unwrap().to_string_lossy();
        let whole = match decode_wanted(path, &Wanted::default()) {
            Ok(whole) => whole,
            Err(failure) => {
                wrong.push(format!("{name}: {failure:?}"));
                continue;
            }
        };
        let (lag, alike) = lag_of(&whole[heard_at * 16..], &reference[spoken_at * 16..]);
        if alike < 0.7 || lag.abs() > TOLERANCE_MS {
            wrong.push(format!("{name}: {lag} ms late, alike {alike:.2}"));
        }
        let first_sample = 4_321 * 16;
        let rest = decode_wanted(path, &Wanted { first_sample, ..Wanted::default() }).unwrap();
        if rest != whole[first_sample as usize..] {
            wrong.push(format!("{name}: from the middle it is something else"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sound_is_heard_when_a_player_presents_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    let mut case = |name: &str, heard_at: usize, arguments: &[&[&str]]| {
        let path = folder.path().join(name);
        ffmpeg(&arguments.concat(), &path);
        cases.push(Case { path, heard_at, spoken_at: 0 });
    };
    let both: &[&str] = &["-i", "SPEECH", "-shortest"];
    let late: &[&str] = &["-itsoffset", "1.5", "-i", "SPEECH"];
    let aac: &[&str] = &["-c:a", "aac", "-ar", "44100"];
    let vpx: &[&str] = &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"];
    case("aac.mp4", 0, &[VIDEO, both, X264, aac]);
    case("late.mp4", 1500, &[VIDEO, late, X264, aac]);
    case("late.m4a", 1500, &[late, aac]);
    case("late-video.mp4", 0, &[&["-itsoffset", "1.5"], VIDEO, &["-i", "SPEECH"], X264, aac]);
    let variable = &["-vf", "select='not(mod(n,7))+lt(n,60)'", "-vsync", "vfr"];
    case("variable-frame-rate.mp4", 0, &[VIDEO, both, X264, variable, aac]);
    case("opus.mp4", 0, &[VIDEO, both, X264, &["-c:a", "libopus"]]);
    case("mp3.mp4", 0, &[VIDEO, both, X264, &["-c:a", "libmp3lame", "-ar", "44100"]]);
    case("ac3.mp4", 0, &[VIDEO, both, X264, &["-c:a", "ac3"]]);
    case("late-ac3.mp4", 1500, &[VIDEO, late, X264, &["-c:a", "ac3"]]);
    // The muxer shifts both streams until nothing is below zero.
    case("opus.webm", 5, &[VIDEO, both, vpx, &["-c:a", "libopus"]]);
    case("late.webm", 1500, &[VIDEO, late, vpx, &["-c:a", "libopus"]]);
    // The first packet of Vorbis makes no sound, and browsers do not wait for it.
    case("vorbis.webm", 0, &[VIDEO, both, vpx, &["-c:a", "libvorbis"]]);
    case("offset.mkv", 1500, &[VIDEO, both, X264, &["-c:a", "flac", "-output_ts_offset", "1.5"]]);
    case("late-eac3.mkv", 1500, &[VIDEO, late, X264, &["-c:a", "eac3"]]);
    case("opus.ogg", 0, &[&["-i", "SPEECH", "-c:a", "libopus"]]);
    case("vorbis.ogg", 0, &[&["-i", "SPEECH", "-c:a", "libvorbis", "-ar", "44100"]]);
    case("lame.mp3", 0, &[&["-i", "SPEECH", "-ar", "44100"]]);
    case("half-rate.mp3", 0, &[&["-i", "SPEECH", "-ar", "22050"]]);
    // Without its note, nobody knows of the encoder's 1105 samples.
    case("bare.mp3", 25, &[&["-i", "SPEECH", "-ar", "44100", "-write_xing", "0", "-q:a", "3"]]);
    let fragmented = "frag_keyframe+empty_moov+delay_moov";
    case("fragmented.mp4", 0, &[VIDEO, both, X264, aac, &["-movflags", fragmented]]);
    // No edit list, so the 1024 samples of priming are heard.
    case("no-edits.mp4", 23, &[VIDEO, both, X264, aac, &["-movflags", "frag_keyframe+empty_moov"]]);
    case("late-ac3.ts", 1500, &[VIDEO, late, X264, &["-c:a", "ac3", "-output_ts_offset", "36000"]]);
    case("aac.ts", 23, &[VIDEO, both, X264, aac, &["-output_ts_offset", "36000"]]);
    check(&cases);
}

/// Sound with spectral band replication, by another encoder than ffmpeg's, which knows none. The delay of encoder and
/// decoder is 5058 samples of 44.1 kHz, and the file has no note of it.
#[test]
fn he_aac_is_as_late_as_its_whole_decoder_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let he_aac = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/assets/he-aac.aac");
    let cases = ["he.aac", "he.m4a", "he.mkv", "he.ts"].map(|name| {
        let path = folder.path().join(name);
        ffmpeg(&["-i", he_aac, "-c", "copy"], &path);
        Case { path, heard_at: 115, spoken_at: 0 }
    });
    check(&cases);
}

#[test]
fn edits_cut_and_splice_the_sound() {
    let folder = tempfile::tempdir().unwrap();
    let case = |name: &str, edits: &[(u32, i32)], heard_at: usize, spoken_at: usize| {
        let path = folder.path().join(name);
        ffmpeg(&["-i", "SPEECH", "-c:a", "aac", "-ar", "44100"], &path);
        set_edits(&path, edits);
        Case { path, heard_at, spoken_at }
    };
    const PRIMING: i32 = 1024;
    const SECOND: i32 = 44_100;
    let spliced = [(3000, PRIMING), (1000, -1), (6000, PRIMING + 5 * SECOND)];
    let cut = folder.path().join("cut.mp4");
    ffmpeg(&[VIDEO, &["-i", "SPEECH"], X264, &["-c:a", "aac"]].concat(), &folder.path().join("whole.mp4"));
    let whole = folder.path().join("whole.mp4");
    ffmpeg(&["-ss", "3.3", "-i", whole.to_str().unwrap(), "-c", "copy"], &cut);
    check(&[
        case("far-cut.m4a", &[(5000, PRIMING + 6 * SECOND)], 0, 6000),
        case("cut-and-late.m4a", &[(2500, -1), (8000, PRIMING + 3 * SECOND)], 2500, 3000),
        case("spliced.m4a", &spliced, 4000, 5000),
        Case { path: cut, heard_at: 0, spoken_at: 3300 },
    ]);
    let spliced = decode_wanted(&folder.path().join("spliced.m4a"), &Wanted::default()).unwrap();
    assert!((spliced.len() / 16).abs_diff(10_000) <= 1, "{} ms", spliced.len() / 16);
    let gap = &spliced[3010 * 16..3990 * 16];
    assert!(gap.iter().all(|sample| sample.abs() < 0.01), "the gap is not silent");

    // Stretches out of their order take ffmpeg, whose joints are not as exact.
    let Case { path, .. } = case("turned.m4a", &[(1000, PRIMING + 2 * SECOND), (9000, PRIMING)], 1000, 0);
    let turned = decode_wanted(&path, &Wanted::default()).unwrap();
    assert!((turned.len() / 16).abs_diff(10_000) <= 50, "{} ms", turned.len() / 16);
    let wanted = Wanted { decoder: MediaDecoder::Symphonia, ..Wanted::default() };
    assert!(matches!(decode_wanted(&path, &wanted), Err(Failure::UnsupportedFormat { .. })));
}

/// Replaces the edit list of a file with one track whose header comes last: lengths in ms, and starts in samples.
fn set_edits(path: &Path, edits: &[(u32, i32)]) {
    let mut bytes = std::fs::read(path).unwrap();
    let find = |kind: &[u8]| bytes.windows(4).rposition(|four| four == kind).unwrap() - 4;
    let boxes = [find(b"moov"), find(b"trak"), find(b"edts"), find(b"elst")];
    let size = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let old = size(boxes[3]);
    let grown: Vec<u32> = boxes.iter().map(|&at| size(at) + 16 + 12 * edits.len() as u32 - old).collect();
    let mut list = (edits.len() as u32).to_be_bytes().to_vec();
    for (duration, media_time) in edits {
        list.extend(duration.to_be_bytes());
        list.extend(media_time.to_be_bytes());
        list.extend(0x1_0000u32.to_be_bytes());
    }
    bytes.splice(boxes[3] + 12..boxes[3] + old as usize, list);
    for (at, size) in boxes.iter().zip(grown) {
        bytes[*at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    std::fs::write(path, bytes).unwrap();
}

/// Podcasts are put together by joining files, and then the header of the first one tells the length of that alone.
#[test]
fn of_joined_files_all_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("one.mp3");
    ffmpeg(&["-i", "SPEECH", "-ar", "44100"], &one);
    let one = std::fs::read(one).unwrap();
    let joined = folder.path().join("joined.mp3");
    std::fs::write(&joined, [&one[..], &one[..]].concat()).unwrap();
    let samples = decode_wanted(&joined, &Wanted::default()).unwrap();
    assert!((samples.len() / 16).abs_diff(22_050) < 100, "{} ms", samples.len() / 16);
    let reference = decode_wanted(&speech(), &Wanted::default()).unwrap();
    let (lag, alike) = lag_of(&samples[11_050 * 16..], &reference);
    assert!(alike > 0.9, "{lag} ms, alike {alike}");
}
