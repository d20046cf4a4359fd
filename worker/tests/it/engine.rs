//! The engine as a parent sees it: a real child, a real model, and children that misbehave.

use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use domain::peaks::PEAK_MS;
use domain::{Failure, Task, Timestamp, Word};
use sha2::{Digest, Sha256};
use worker::audio::MediaDecoder;
use worker::engine::{Engine, EngineConfig, EngineError, EngineEvent, Request};

use crate::process_support::{ProcessEnd, send_signal};
use crate::support::{MODEL, PATIENCE, cache, long_speech, models, speech};

const HOUR_MS: u64 = 3_600_000;

pub fn config() -> EngineConfig {
    let readable = vec![std::env::temp_dir(), cache(), models()];
    EngineConfig { threads: 1, readable, ..EngineConfig::new(env!("CARGO_BIN_EXE_worker")) }
}

/// The same, with the other engine, which `./dev test` fetches.
#[cfg(target_arch = "x86_64")]
pub fn config_of_ctranslate2() -> EngineConfig {
    let source = Sha256::digest(include_bytes!("../../native/ctranslate2.cpp"));
    let hex: String = source[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("libcuelight-{hex}.so");
    let library = cache().join("tools/ctranslate2-4.8.4").join(name);
    assert!(library.is_file(), "{} is missing: run ./dev engine ctranslate2", library.display());
    EngineConfig { ctranslate2: Some(library), ..config() }
}

/// Tests of what both engines must keep; each takes the settings of its engine.
macro_rules! with_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod whisper_cpp {
            $(#[tokio::test] async fn $test() { super::$test(crate::engine::config()).await })+
        }
        #[cfg(target_arch = "x86_64")]
        mod ctranslate2 {
            $(#[tokio::test] async fn $test() { super::$test(crate::engine::config_of_ctranslate2()).await })+
        }
    };
}
pub(crate) use with_both_engines;

pub fn request(media: &Path) -> Request {
    Request {
        media: media.to_owned(),
        model: installed("ggml-tiny.en.bin"),
        voice_model: installed("ggml-silero-v6.2.0.bin"),
        language: None,
        track_language: None,
        decoder: MediaDecoder::Auto,
        task: Task::Transcribe,
        resume_from: Timestamp(0),
        previous_words: Vec::new(),
        max_duration_ms: HOUR_MS,
    }
}

/// A model file, or a panic that says how to get it.
pub fn installed(file: &str) -> PathBuf {
    let path = models().join(file);
    assert!(path.is_file(), "{} is missing: run ./dev test, which pulls the models", path.display());
    path
}

/// What one request told.
#[derive(Debug, Default)]
pub struct Heard {
    pub language: Option<String>,
    /// How probable a detected language is.
    pub probability: Option<f32>,
    pub windows: Vec<(Timestamp, Timestamp, Vec<Word>)>,
    /// How loud it was, by windows.
    pub peaks: Vec<String>,
    pub duration_ms: u64,
}

impl Heard {
    pub fn words(&self) -> Vec<Word> {
        self.windows.iter().flat_map(|(_, _, words)| words.clone()).collect()
    }

    pub fn text(&self) -> String {
        self.words().iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// Runs `request` to its end and checks what every request must keep.
pub async fn hear(engine: &mut Engine, request: &Request) -> Result<Heard, Failure> {
    engine.start(request).await.unwrap();
    let mut heard = Heard::default();
    let mut is_open = false;
    let mut previous = request.resume_from;
    loop {
        match engine.next_event().await.unwrap() {
            EngineEvent::Opened { .. } => is_open = true,
            EngineEvent::Language { tag, probability } => {
                (heard.language, heard.probability) = (Some(tag), probability);
            }
            EngineEvent::Window { start, end, words, peaks } => {
                assert!(is_open && start >= previous && end > start, "{start}..{end} after {previous}");
                assert!(words.is_empty() || heard.language.is_some(), "words before the language");
                let mut inner = start;
                for word in &words {
                    assert!(word.start >= inner && word.end >= word.start && word.end <= end, "{words:?}");
                    assert!(!word.text.trim().is_empty() && (0.0..=1.0).contains(&word.probability));
                    inner = word.end;
                }
                previous = end;
                heard.windows.push((start, end, words));
                heard.peaks.push(peaks);
                let told: usize = heard.peaks.iter().map(String::len).sum();
                let heard_from = request.resume_from.0 / PEAK_MS;
                assert_eq!(told as u64, end.0 / PEAK_MS - heard_from, "peaks up to {end}");
            }
            EngineEvent::Finished { duration_ms } => {
                assert!(
                    heard.windows.is_empty() || previous.0 <= duration_ms,
                    "a window ends at {previous} of {duration_ms} ms"
                );
                heard.duration_ms = duration_ms;
                return Ok(heard);
            }
            EngineEvent::Failed { failure } => return Err(failure),
        }
    }
}

#[tokio::test]
async fn one_engine_serves_many_requests_and_survives_bad_ones() {
    let mut engine = Engine::spawn(&config()).await.unwrap();
    let process = engine.process_id();
    let first = hear(&mut engine, &request(&speech())).await.unwrap();
    let missing = hear(&mut engine, &request(Path::new("/nowhere/at/all.mp4"))).await;
    assert_eq!(missing.unwrap_err(), Failure::CorruptMedia);
    let no_model = Request { model: "/nowhere/ggml-huge.bin".into(), ..request(&speech()) };
    let failure = hear(&mut engine, &no_model).await.unwrap_err();
    assert_eq!(failure, Failure::UnknownModel { model: "huge".into() });
    let second = hear(&mut engine, &request(&speech())).await.unwrap();
    assert_eq!(first.words(), second.words());
    assert_eq!(engine.process_id(), process);
}

#[tokio::test]
async fn the_first_window_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let media = long_speech(folder.path(), 40);
    let mut engine = Engine::spawn(&config()).await.unwrap();
    let heard = hear(&mut engine, &request(&media)).await.unwrap();
    let (_, end, words) = &heard.windows[0];
    assert!(end.0 <= 9_000 && !words.is_empty(), "{:?}", heard.windows[0]);
}

with_both_engines![two_threads_hear_what_one_hears, a_resumed_request_hears_the_rest_as_the_whole_one_did,];

async fn two_threads_hear_what_one_hears(config: EngineConfig) {
    let folder = tempfile::tempdir().unwrap();
    let media = long_speech(folder.path(), 40);
    let mut engine = Engine::spawn(&config).await.unwrap();
    let one = hear(&mut engine, &request(&media)).await.unwrap();
    let mut engine = Engine::spawn(&EngineConfig { threads: 2, ..config }).await.unwrap();
    let two = hear(&mut engine, &request(&media)).await.unwrap();
    assert_eq!(one.windows, two.windows);
}

async fn a_resumed_request_hears_the_rest_as_the_whole_one_did(config: EngineConfig) {
    let folder = tempfile::tempdir().unwrap();
    let media = long_speech(folder.path(), 44);
    let mut engine = Engine::spawn(&config).await.unwrap();
    let whole = hear(&mut engine, &request(&media)).await.unwrap();
    let (_, resume_from, ref words) = whole.windows[1];
    let previous_words = words.clone();
    let rest = hear(&mut engine, &Request { resume_from, previous_words, ..request(&media) }).await.unwrap();
    let bounds = |windows: &[(Timestamp, Timestamp, Vec<Word>)]| -> Vec<(Timestamp, Timestamp)> {
        windows.iter().map(|&(start, end, _)| (start, end)).collect()
    };
    assert_eq!(bounds(&rest.windows), bounds(&whole.windows[2..]));
    assert_eq!(rest.peaks, whole.peaks[2..]);
    let expected: Vec<Word> = whole.windows[2..].iter().flat_map(|(_, _, words)| words.clone()).collect();
    assert!(expected.len() > 20, "{}", whole.text());
    // The comma after a word may depend on a sample more or less.
    let clean = |word: &Word| word.text.to_lowercase().replace([',', '.'], "");
    let text = |words: &[Word]| words.iter().map(clean).collect::<Vec<_>>();
    assert_eq!(text(&rest.words()), text(&expected));
    for (word, expected) in rest.words().iter().zip(&expected) {
        assert!(word.start.0.abs_diff(expected.start.0) <= 300, "{word:?} {expected:?}");
    }
    assert_eq!(rest.duration_ms, whole.duration_ms);
}

#[tokio::test]
async fn resuming_at_or_beyond_the_end_finishes_without_a_word() {
    let mut engine = Engine::spawn(&config()).await.unwrap();
    for resume_from in [Timestamp(11_000), Timestamp(60_000)] {
        let heard = hear(&mut engine, &Request { resume_from, ..request(&speech()) }).await.unwrap();
        assert_eq!(heard.words(), vec![]);
    }
}

#[tokio::test]
async fn a_child_that_dies_is_reported_and_the_next_one_works() {
    let folder = tempfile::tempdir().unwrap();
    let media = long_speech(folder.path(), 60);
    for (signal, number) in [("KILL", 9), ("ABRT", 6)] {
        let mut engine = Engine::spawn(&config()).await.unwrap();
        engine.start(&request(&media)).await.unwrap();
        assert!(matches!(engine.next_event().await.unwrap(), EngineEvent::Opened { .. }));
        send_signal(engine.process_id().unwrap(), signal);
        let error = loop {
            match engine.next_event().await {
                Ok(event) => assert!(!event.is_last()),
                Err(error) => break error,
            }
        };
        let EngineError::Died { status: Some(status) } = error else { panic!("{error}") };
        assert_eq!(status.signal(), Some(number));
    }
    let mut engine = Engine::spawn(&config()).await.unwrap();
    assert!(hear(&mut engine, &request(&speech())).await.is_ok());
}

#[tokio::test]
async fn a_child_that_falls_silent_is_hung() {
    let config = EngineConfig { silence_limit: Duration::from_millis(500), ..config() };
    let mut engine = Engine::spawn(&config).await.unwrap();
    send_signal(engine.process_id().unwrap(), "STOP");
    engine.start(&request(&speech())).await.unwrap();
    let error = engine.next_event().await.unwrap_err();
    assert!(matches!(error, EngineError::Hung { .. }), "{error}");
    let end = ProcessEnd::of(engine.process_id().unwrap());
    engine.kill().await;
    end.within(Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_dropped_engine_leaves_no_child() {
    let mut engine = Engine::spawn(&config()).await.unwrap();
    engine.start(&request(&speech())).await.unwrap();
    engine.next_event().await.unwrap();
    let end = ProcessEnd::of(engine.process_id().unwrap());
    drop(engine);
    end.within(Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_stopped_engine_leaves_by_itself_or_is_killed() {
    let mut engine = Engine::spawn(&config()).await.unwrap();
    hear(&mut engine, &request(&speech())).await.unwrap();
    let status = engine.stop(PATIENCE).await.unwrap();
    assert!(status.success(), "{status}");

    let engine = Engine::spawn(&config()).await.unwrap();
    send_signal(engine.process_id().unwrap(), "STOP");
    let status = engine.stop(Duration::from_millis(100)).await.unwrap();
    assert_eq!(status.signal(), Some(9), "{status}");
}

/// `worker transcribe` once ended before its engine did, and seemed to take neither time nor memory.
#[test]
// It is waited for by hand: the standard library keeps the usage to itself.
#[allow(unsafe_code, clippy::zombie_processes)]
fn what_the_engine_took_counts_as_taken_by_transcribe() {
    let mut transcribe = Command::new(env!("CARGO_BIN_EXE_worker"));
    transcribe
        .arg("transcribe")
        .arg(speech())
        .args(["--model", MODEL, "--threads", "1"])
        .arg("--models")
        .arg(models());
    let child = transcribe.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: the child is ours and nobody waited for it; both places outlive the call; zeros are a valid rusage.
    let (waited, usage) = unsafe {
        (libc::wait4(child.id().cast_signed(), &mut status, 0, usage.as_mut_ptr()), usage.assume_init())
    };
    assert_eq!((waited, status), (child.id().cast_signed(), 0));
    let micros = usage.ru_utime.tv_sec * 1_000_000 + usage.ru_utime.tv_usec;
    assert!(micros > 500_000, "11 s of speech took a model {micros} µs");
    let kilobytes = usage.ru_maxrss;
    assert!(kilobytes > 75_000, "a process that holds a model of 75 MB took {kilobytes} kB");
}

#[tokio::test]
async fn a_program_that_is_no_engine_is_an_error() {
    let spawned = Engine::spawn(&EngineConfig::new("/nowhere/worker")).await;
    assert!(matches!(spawned, Err(EngineError::Spawn(_))));

    let mut engine = Engine::spawn(&EngineConfig::new("/bin/echo")).await.unwrap();
    let error = engine.next_event().await.unwrap_err();
    assert!(matches!(error, EngineError::Protocol(_)), "{error}");

    let mut engine = Engine::spawn(&EngineConfig::new("/bin/true")).await.unwrap();
    let error = engine.next_event().await.unwrap_err();
    assert!(matches!(error, EngineError::Died { .. }), "{error}");
}

#[tokio::test]
async fn a_child_out_of_memory_dies_and_takes_nobody_along() {
    let config = EngineConfig { address_space_bytes: 300 << 20, ..config() };
    let mut engine = Engine::spawn(&config).await.unwrap();
    engine.start(&request(&speech())).await.unwrap();
    let error = loop {
        match engine.next_event().await {
            Ok(event) => assert!(!event.is_last(), "{event:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, EngineError::Died { .. }), "{error}");
}
