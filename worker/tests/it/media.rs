//! Every container and codec that must decode, and every file that must fail clearly.

use std::path::{Path, PathBuf};
use std::process::Command;

use domain::Failure;
use worker::audio::{AudioReader, Wanted};
use worker::engine::Engine;

use crate::engine::{config, hear, request};
use crate::support::speech;

const VIDEO: &[&str] = &["-f", "lavfi", "-i", "color=c=teal:s=160x120:r=10:d=11"];

/// Runs ffmpeg on the known speech and gives the file it made.
fn make(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-y", "-i"])
        .arg(speech())
        .args(arguments)
        .arg(&path)
        .status()
        .expect("ffmpeg is installed: ./dev installs it");
    assert!(status.success(), "ffmpeg could not make {name}");
    path
}

fn decode(path: &Path, first_sample: u64, max_duration_ms: u64) -> Result<Vec<f32>, Failure> {
    decode_wanted(path, &Wanted { first_sample, max_duration_ms, ..Wanted::default() })
}

pub fn decode_wanted(path: &Path, wanted: &Wanted<'_>) -> Result<Vec<f32>, Failure> {
    let mut reader = AudioReader::open(path, wanted)?;
    let mut samples = Vec::new();
    while reader.read(&mut samples)? {}
    Ok(samples)
}

/// By how many milliseconds `samples` lag behind `reference`, and how alike they are then, 0 to 1.
pub fn lag_of(samples: &[f32], reference: &[f32]) -> (i64, f32) {
    let alike = |lag: i64| -> f32 {
        let pairs = reference.iter().enumerate().skip(32_000).take(64_000).step_by(8).filter_map(|(i, a)| {
            let at = usize::try_from(i as i64 + lag).ok()?;
            Some((*a, *samples.get(at)?))
        });
        let (mut ab, mut aa, mut bb) = (0.0f32, 1e-9f32, 1e-9f32);
        for (a, b) in pairs {
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
        ab / (aa * bb).sqrt()
    };
    let best = (-1120..=1120).step_by(4).max_by(|&a, &b| alike(a).total_cmp(&alike(b))).unwrap();
    (best / 16, alike(best))
}

#[test]
fn every_container_decodes_on_its_time_line() {
    let folder = tempfile::tempdir().unwrap();
    let reference = decode(&speech(), 0, u64::MAX).unwrap();
    assert_eq!(reference.len(), 176_000);
    let with_video =
        |codecs: &[&'static str]| -> Vec<&'static str> { [VIDEO, &["-shortest"], codecs].concat() };
    let x264 = ["-c:v", "libx264", "-preset", "ultrafast"];
    let with_x264 = |codecs: &[&'static str]| with_video(&[&x264, codecs].concat());
    // Name, arguments of ffmpeg, tolerated lag in ms: formats without a note of the encoder's priming lag by it.
    let table: Vec<(&str, Vec<&str>, i64)> = vec![
        ("48k-stereo.wav", vec!["-ar", "48000", "-ac", "2"], 1),
        ("float.wav", vec!["-c:a", "pcm_f32le", "-ar", "44100"], 1),
        ("24bit.wav", vec!["-c:a", "pcm_s24le"], 1),
        ("mulaw.wav", vec!["-c:a", "pcm_mulaw", "-ar", "8000"], 1),
        ("speech.flac", vec!["-ar", "44100"], 1),
        ("speech.mp3", vec!["-ar", "44100"], 3),
        ("speech.ogg", vec!["-c:a", "libvorbis", "-ar", "44100"], 3),
        ("speech.opus", vec!["-c:a", "libopus"], 8),
        ("speech.m4a", vec!["-c:a", "aac", "-ar", "44100"], 3),
        ("speech.aac", vec!["-c:a", "aac", "-ar", "44100"], 30),
        ("alac.m4a", vec!["-c:a", "alac"], 1),
        ("speech.aiff", vec!["-ar", "22050"], 1),
        ("speech.caf", vec!["-c:a", "alac"], 1),
        ("video.mp4", with_x264(&["-c:a", "aac"]), 3),
        ("faststart.mp4", with_x264(&["-c:a", "aac", "-movflags", "+faststart"]), 3),
        (
            "fragmented.mp4",
            with_x264(&["-c:a", "aac", "-ar", "44100", "-movflags", "frag_keyframe+empty_moov"]),
            30,
        ),
        ("mp3.mp4", with_x264(&["-c:a", "libmp3lame", "-ar", "44100"]), 60),
        ("video.mov", with_x264(&["-c:a", "pcm_s16le"]), 1),
        ("video.mkv", with_x264(&["-c:a", "aac", "-ar", "44100"]), 30),
        ("flac.mkv", with_x264(&["-c:a", "flac"]), 3),
        ("video.webm", with_video(&["-c:v", "libvpx", "-c:a", "libopus"]), 8),
        ("vorbis.webm", with_video(&["-c:v", "libvpx", "-c:a", "libvorbis"]), 20),
        // From here on ffmpeg helps.
        ("video.ts", with_x264(&["-c:a", "aac", "-ar", "44100"]), 30),
        ("video.flv", with_x264(&["-c:a", "aac", "-ar", "44100"]), 60),
        ("video.avi", with_video(&["-c:v", "mpeg4", "-c:a", "libmp3lame", "-ar", "44100"]), 60),
        ("ac3.mp4", with_x264(&["-c:a", "ac3"]), 30),
        ("eac3.mkv", with_x264(&["-c:a", "eac3"]), 30),
        ("surround.mp4", with_x264(&["-c:a", "aac", "-ac", "6"]), 60),
        ("speech.wma", vec!["-c:a", "wmav2"], 60),
    ];
    let mut wrong = Vec::new();
    for (name, arguments, tolerance) in table {
        let path = make(folder.path(), name, &arguments);
        match decode(&path, 0, u64::MAX) {
            Err(failure) => wrong.push(format!("{name}: {failure:?}")),
            Ok(samples) => {
                let (lag, alike) = lag_of(&samples, &reference);
                let length_ms = samples.len() / 16;
                let is_right = alike > 0.85 && lag.abs() <= tolerance && length_ms.abs_diff(11_000) <= 150;
                if !is_right {
                    wrong.push(format!("{name}: {length_ms} ms, lag {lag} ms, alike {alike:.2}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn media_that_ffmpeg_decodes_has_a_length_too() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("surround.mkv", &["-c:a", "ac3", "-ac", "6"][..]),
        ("surround.mp4", &["-c:a", "aac", "-ac", "6"]),
        ("stream.ts", &["-c:a", "aac"]),
    ] {
        let path = make(folder.path(), name, arguments);
        let reader =
            AudioReader::open(&path, &Wanted { max_duration_ms: 3_600_000, ..Wanted::default() }).unwrap();
        let duration_ms = reader.duration_ms().unwrap_or(0);
        assert!(duration_ms.abs_diff(11_000) < 150, "{name}: {duration_ms} ms");
    }
}

#[test]
fn sound_that_starts_late_is_late() {
    let folder = tempfile::tempdir().unwrap();
    let reference = decode(&speech(), 0, u64::MAX).unwrap();
    for name in ["late.mp4", "late.mkv"] {
        let path = folder.path().join(name);
        let status = Command::new("ffmpeg")
            .args(["-nostdin", "-loglevel", "error"])
            .args(VIDEO)
            .args(["-itsoffset", "2", "-i"])
            .arg(speech())
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(status.success());
        let samples = decode(&path, 0, u64::MAX).unwrap();
        let (lag, alike) = lag_of(&samples[32_000..], &reference);
        assert!(lag.abs() <= 60 && alike > 0.9, "{name}: {lag} ms off, alike {alike}");
        assert!(samples[..24_000].iter().all(|sample| sample.abs() < 0.01), "{name} is not silent first");
    }
}

#[test]
fn reading_from_a_moment_gives_the_samples_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = make(folder.path(), "speech.mp3", &["-ar", "44100"]);
    let whole = decode(&path, 0, u64::MAX).unwrap();
    let rest = decode(&path, 4_321 * 16, u64::MAX).unwrap();
    assert_eq!(rest, whole[4_321 * 16..]);
}

#[test]
fn media_longer_than_allowed_is_refused_whatever_its_header_says() {
    let folder = tempfile::tempdir().unwrap();
    let honest = make(folder.path(), "speech.flac", &[]);
    // A WAV written to a pipe claims four gigabytes or nothing; ADTS claims nothing at all.
    let lying = make(folder.path(), "speech.aac", &["-c:a", "aac"]);
    for path in [honest, lying] {
        let result = decode(&path, 0, 5_000);
        assert_eq!(result.unwrap_err(), Failure::MediaTooLong { limit_ms: 5_000 });
        assert!(decode(&path, 0, 12_000).is_ok());
    }
}

#[test]
fn a_little_damage_costs_little() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [("damaged.mp3", vec![]), ("damaged.ogg", vec!["-c:a", "libvorbis"])] {
        let path = make(folder.path(), name, &arguments);
        let mut bytes = std::fs::read(&path).unwrap();
        for part in [3, 5, 7] {
            let at = bytes.len() * part / 9;
            bytes[at..at + 300].fill(0);
        }
        std::fs::write(&path, bytes).unwrap();
        let samples = decode(&path, 0, u64::MAX).unwrap();
        assert!(samples.len() / 16 > 9_500, "{name}: {} ms left", samples.len() / 16);
    }
}

#[test]
fn of_a_file_cut_off_what_is_there_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let faststart: &[&str] = &["-c:a", "aac", "-movflags", "+faststart"];
    for (name, arguments) in [("cut.mp4", faststart), ("cut.mp3", &[]), ("cut.mkv", &[]), ("cut.wav", &[])] {
        let path = make(folder.path(), name, arguments);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() * 6 / 10]).unwrap();
        let samples = decode(&path, 0, u64::MAX).unwrap();
        assert!((5_000..8_000).contains(&(samples.len() / 16)), "{name}: {} ms", samples.len() / 16);
    }
}

/// A WAV of one second with the header fields that people get wrong.
fn wav(channels: u16, rate: u32, bits: u16, claimed_bytes: u32) -> Vec<u8> {
    let mut bytes = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0".to_vec();
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate.wrapping_mul(u32::from(channels))).to_le_bytes());
    bytes.extend((channels.wrapping_mul(bits / 8)).to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(claimed_bytes.to_le_bytes());
    bytes.resize(bytes.len() + 32_000, 0);
    bytes
}

#[tokio::test]
async fn every_bad_file_fails_clearly_and_the_engine_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| std::fs::write(path(name), bytes).unwrap();
    let unsupported = |found: &str| Failure::UnsupportedFormat { found: found.into() };

    write("text.mp4", b"This is not a video.\n");
    write("page.mp4", b"<!DOCTYPE html><title>404</title>");
    write("picture.mp4", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    write("archive.mp3", b"PK\x03\x04\x14\0\0\0");
    write("empty.mp4", b"");
    write("rate0.wav", &wav(1, 0, 16, 32_000));
    write("crowd.wav", &wav(65_535, 16_000, 16, 32_000));
    write("stub.wav", &wav(1, 16_000, 16, 32_000)[..20]);
    let noise: Vec<u8> = (0..50_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    write("random.mp4", &[&b"\0\0\0\x18ftypmp42"[..], &noise].concat());
    let video: Vec<&str> = [VIDEO, &["-map", "1:v", "-c:v", "libx264", "-preset", "ultrafast"]].concat();
    make(folder.path(), "mute.mp4", &video);
    make(folder.path(), "mute.mkv", &video);
    make(folder.path(), "mute.ts", &video);
    let whole = make(folder.path(), "whole.mp4", &["-c:a", "aac"]);
    let whole = std::fs::read(whole).unwrap();
    write("headless.mp4", &whole[..whole.len() / 2]);
    let mut encrypted = whole.clone();
    let at = encrypted.windows(4).position(|four| four == b"mp4a").unwrap();
    encrypted[at..at + 4].copy_from_slice(b"enca");
    write("locked.mp4", &encrypted);

    let table = [
        ("text.mp4", unsupported("text")),
        ("page.mp4", unsupported("HTML page")),
        ("picture.mp4", unsupported("PNG image")),
        ("archive.mp3", unsupported("ZIP archive")),
        ("empty.mp4", Failure::CorruptMedia),
        ("rate0.wav", Failure::CorruptMedia),
        ("crowd.wav", Failure::CorruptMedia),
        ("stub.wav", Failure::CorruptMedia),
        ("random.mp4", Failure::CorruptMedia),
        ("mute.mp4", Failure::NoAudio),
        ("mute.mkv", Failure::NoAudio),
        ("mute.ts", Failure::NoAudio),
        ("headless.mp4", Failure::CorruptMedia),
        ("locked.mp4", Failure::Encrypted),
    ];
    let mut engine = Engine::spawn(&config()).await.unwrap();
    let mut wrong = Vec::new();
    for (name, expected) in table {
        match hear(&mut engine, &request(&path(name))).await {
            Err(failure) if failure == expected => {}
            other => wrong.push(format!("{name}: {other:?}, expected {expected:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(hear(&mut engine, &request(&speech())).await.is_ok());
}

#[tokio::test]
async fn without_speech_there_are_no_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::spawn(&config()).await.unwrap();
    for (name, source) in [
        ("silence.wav", "anullsrc=r=16000:cl=mono"),
        ("noise.wav", "anoisesrc=r=16000:a=0.2:c=pink:seed=7"),
        ("tone.wav", "sine=f=440:r=16000"),
    ] {
        let path = make(folder.path(), name, &["-f", "lavfi", "-i", source, "-map", "1:a", "-t", "70"]);
        let heard = hear(&mut engine, &request(&path)).await.unwrap();
        assert_eq!(heard.text(), "", "{name}");
        assert_eq!(heard.duration_ms, 70_000);
        // Progress moves all the same.
        assert!(heard.windows.len() >= 2, "{name}: {:?}", heard.windows);
    }
    let path = folder.path().join("claims.wav");
    std::fs::write(&path, wav(1, 16_000, 16, u32::MAX)).unwrap();
    let heard = hear(&mut engine, &request(&path)).await.unwrap();
    assert_eq!((heard.text().as_str(), heard.duration_ms), ("", 1_000));
}

#[test]
fn without_ffmpeg_the_format_is_named_and_there_is_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let surround: &[&str] = &["-c:a", "aac", "-ac", "6"];
    for (name, codecs, found) in [
        ("speech.avi", &["-c:a", "libmp3lame"][..], "AVI video"),
        ("speech.ts", &["-c:a", "aac"], "MPEG transport stream"),
        ("speech.mp4", &["-c:a", "ac3"], "AC-3 sound"),
        ("eac3.mkv", &["-c:a", "eac3"], "E-AC-3 sound"),
        ("surround.mp4", surround, "AAC sound of an unusual kind, such as surround"),
        ("surround.mkv", surround, "AAC sound of an unusual kind, such as surround"),
        ("surround.aac", surround, "AAC surround sound"),
        ("surround.opus", &["-c:a", "libopus", "-ac", "6", "-mapping_family", "1"], "Opus surround sound"),
    ] {
        let path = make(folder.path(), name, codecs);
        let check = |variable: &str, value: &str| {
            let output = Command::new(env!("CARGO_BIN_EXE_worker"))
                .args(["transcribe", "--model", "tiny.en"])
                .arg(&path)
                .env(variable, value)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let is_clear = said.contains(&format!("decoded: {found}.")) && said.contains("ffmpeg");
            assert!(!output.status.success() && is_clear, "{name}, {variable}={value}: {said}");
        };
        check("PATH", "/nowhere");
        check("CUELIGHT_MEDIA_DECODER", "symphonia");
    }
}

#[test]
fn a_file_becomes_subtitles_on_standard_output() {
    let output = Command::new(env!("CARGO_BIN_EXE_worker"))
        .args(["transcribe", "--model", "tiny.en"])
        .arg(speech())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let track = domain::format::Format::Srt.read(&text).unwrap();
    assert!(output.status.success() && track.cues().len() >= 2, "{text}");
    assert!(text.contains("country"), "{text}");
}
