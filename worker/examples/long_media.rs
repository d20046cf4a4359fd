//! Whether long media takes flat memory, moves forward all the time, and is resumed anywhere: `./dev bench long`.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::Parser;
use domain::{Task, Timestamp, Word};
use worker::audio::MediaDecoder;
use worker::engine::{Engine, EngineConfig, EngineEvent, Request};
use worker::model;

#[derive(Parser)]
struct Args {
    /// The worker whose engine is watched.
    #[arg(long)]
    worker: PathBuf,
    #[arg(long, default_value = "tiny.en")]
    model: String,
    #[arg(long)]
    ctranslate2: Option<PathBuf>,
    /// Fail when the engine takes more memory than this.
    #[arg(long, default_value_t = 1_500)]
    limit_mb: u64,
    media: PathBuf,
}

/// What one window told: where it begins and ends, and its words.
type Window = (Timestamp, Timestamp, Vec<Word>);

/// Windows heard again after each resumption.
const RESUMED_WINDOWS: usize = 5;
/// Media between two lines of output.
const LINE_EVERY_MS: u64 = 30 * 60 * 1000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = model::default_folder();
    let config = EngineConfig {
        threads: 1,
        ctranslate2: args.ctranslate2.clone(),
        readable: vec![args.media.clone(), folder.clone()],
        ..EngineConfig::new(args.worker.clone())
    };
    let request = Request {
        media: args.media.clone(),
        model: model::find(&folder, &args.model)?,
        voice_model: model::voice(&folder)?,
        language: Some("en".into()),
        track_language: None,
        decoder: MediaDecoder::Auto,
        task: Task::Transcribe,
        resume_from: Timestamp(0),
        previous_words: Vec::new(),
        max_duration_ms: u64::MAX,
    };
    println!("media        elapsed     engine now    at most");
    let begin = Instant::now();
    let (windows, duration_ms, peak) = hear(&config, &request, usize::MAX, true).await?;
    let words: usize = windows.iter().map(|(_, _, words)| words.len()).sum();
    println!(
        "{} windows, {words} words, {:.2} h of media in {:.1} min, {peak} MB at most",
        windows.len(),
        duration_ms as f64 / 3_600_000.0,
        begin.elapsed().as_secs_f64() / 60.0,
    );
    ensure!(peak <= args.limit_mb, "the engine took {peak} MB, more than {} MB", args.limit_mb);

    for part in [1, 5, 9] {
        let at = windows.len() * part / 10;
        let resume_from = windows[at - 1].1;
        let words = windows[..at].iter().rev().flat_map(|(_, _, words)| words.iter().rev());
        let mut previous_words: Vec<Word> = words.take(Request::PREVIOUS_WORDS).cloned().collect();
        previous_words.reverse();
        let request = Request { resume_from, previous_words, ..request.clone() };
        let begin = Instant::now();
        let (resumed, _, peak) = hear(&config, &request, RESUMED_WINDOWS, false).await?;
        let is_same = windows[at..].starts_with(&resumed);
        println!(
            "resumed at {resume_from}: {} windows after {:.1} s, the same: {is_same}, {peak} MB at most",
            resumed.len(),
            begin.elapsed().as_secs_f64(),
        );
        ensure!(is_same, "resumed, the engine hears something else");
    }
    Ok(())
}

/// Up to `count` windows of `request`, the length of the media, and the most memory the engine took, in MB.
async fn hear(
    config: &EngineConfig,
    request: &Request,
    count: usize,
    is_told: bool,
) -> anyhow::Result<(Vec<Window>, u64, u64)> {
    let mut engine = Engine::spawn(config).await?;
    let process = engine.process_id().context("the engine is gone")?;
    let begin = Instant::now();
    engine.start(request).await?;
    let mut windows: Vec<Window> = Vec::new();
    let (mut told_ms, mut peak) = (0, 0);
    let duration_ms = loop {
        match engine.next_event().await? {
            EngineEvent::Window { start, end, words, .. } => {
                let previous = windows.last().map_or(request.resume_from, |window| window.1);
                ensure!(start >= previous && end > start, "{start} to {end} comes after {previous}");
                windows.push((start, end, words));
                if is_told && end.0 >= told_ms {
                    let (now, most) = memory(process)?;
                    let elapsed = begin.elapsed().as_secs();
                    println!("{end}  {elapsed:>6} s  {now:>8} MB  {most:>8} MB");
                    told_ms = end.0 + LINE_EVERY_MS;
                }
            }
            EngineEvent::Finished { duration_ms } => break duration_ms,
            EngineEvent::Failed { failure } => bail!("{}", failure.message()),
            EngineEvent::Opened { .. } | EngineEvent::Language { .. } => continue,
        }
        peak = memory(process)?.1;
        if windows.len() >= count {
            break 0;
        }
    };
    if count == usize::MAX {
        engine.stop(Duration::from_secs(5)).await?;
    } else {
        engine.kill().await;
    }
    Ok((windows, duration_ms, peak))
}

/// Resident memory of a process now and at most, in MB.
fn memory(process: u32) -> anyhow::Result<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    Ok((value("VmRSS:"), value("VmHWM:")))
}
