//! `worker transcribe`: one file to subtitles on standard output, by the same engine that serves jobs.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use domain::format::Format;
use domain::{Profile, Task, Timestamp, Track, Word, segment};
use serde::Serialize;

use crate::audio::MediaDecoder;
use crate::engine::{Engine, EngineConfig, EngineEvent, Request, SandboxMode, sandbox};
use crate::model;

/// An idle engine leaves within milliseconds; the result is written by then, and nobody should wait for long.
const STOP_LIMIT: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    Srt,
    /// Words, times and measures.
    Json,
}

/// Settings of the subcommand `worker transcribe`.
#[derive(Debug, Clone, clap::Args)]
pub struct TranscribeArgs {
    /// The media file.
    pub file: PathBuf,
    /// Name of an installed model.
    #[arg(long, default_value = "base")]
    pub model: String,
    /// Folder of the models.
    #[arg(long, env = "CUELIGHT_MODELS", default_value_os_t = model::default_folder())]
    pub models: PathBuf,
    /// What is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Srt)]
    pub format: OutputFormat,
    /// BCP 47 tag of the speech; detected if not given. Of several sound tracks, the first one in it is heard.
    #[arg(long)]
    pub language: Option<String>,
    /// Windows transcribed at once; each takes one CPU.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Transcribe with this library, which `./dev engine ctranslate2` makes, instead of whisper.cpp.
    #[arg(long, value_name = "FILE", env = "CUELIGHT_CTRANSLATE2")]
    pub ctranslate2: Option<PathBuf>,
    /// How the engine is confined: `required`, `best-effort` or `off`.
    #[arg(long, value_name = "MODE", env = "CUELIGHT_SANDBOX", default_value = "best-effort")]
    pub sandbox: SandboxMode,
    /// `auto` leaves to ffmpeg what symphonia cannot decode, where ffmpeg is installed; `symphonia` starts no other program.
    #[arg(long, value_name = "NAME", env = "CUELIGHT_MEDIA_DECODER", value_enum, default_value_t)]
    pub media_decoder: MediaDecoder,
    /// Translate into English.
    #[arg(long)]
    pub translate: bool,
}

/// What `--format json` writes: the transcript, and how long it took from the start of the engine on.
#[derive(Debug, Default, Serialize)]
struct Transcript {
    language: Option<String>,
    duration_ms: u64,
    words: Vec<Word>,
    /// Where one window ended and the next began.
    seams: Vec<Timestamp>,
    first_window_ms: Option<u64>,
    elapsed_ms: u64,
    /// Working time by length of media.
    real_time_factor: f64,
}

/// Transcribes `args.file` and writes the result to standard output.
pub async fn run(args: TranscribeArgs) -> anyhow::Result<()> {
    let mut config = EngineConfig::new(std::env::current_exe()?);
    config.ctranslate2 = args.ctranslate2;
    config.sandbox = args.sandbox;
    config.readable = vec![args.file.clone(), args.models.clone()];
    if let Some(threads) = args.threads {
        config.threads = threads;
    }
    let request = Request {
        media: args.file,
        model: model::find(&args.models, &args.model)?,
        voice_model: model::voice(&args.models)?,
        track_language: args.language.clone(),
        language: args.language,
        decoder: args.media_decoder,
        task: if args.translate { Task::Translate } else { Task::Transcribe },
        resume_from: Timestamp(0),
        previous_words: Vec::new(),
        max_duration_ms: u64::MAX,
    };
    sandbox::check(&config).await?;
    let begin = Instant::now();
    let mut engine = Engine::spawn(&config).await?;
    engine.start(&request).await?;
    let mut transcript = Transcript::default();
    loop {
        match engine.next_event().await? {
            EngineEvent::Opened { .. } => {}
            EngineEvent::Language { tag, .. } => transcript.language = Some(tag),
            EngineEvent::Window { end, words, .. } => {
                let now_ms = begin.elapsed().as_millis() as u64;
                transcript.first_window_ms.get_or_insert(now_ms);
                transcript.words.extend(words);
                transcript.seams.push(end);
            }
            EngineEvent::Finished { duration_ms } => {
                transcript.duration_ms = duration_ms;
                break;
            }
            EngineEvent::Failed { failure } => bail!("{} {}", failure.message(), failure.hint()),
        }
    }
    transcript.elapsed_ms = begin.elapsed().as_millis() as u64;
    transcript.real_time_factor = transcript.elapsed_ms as f64 / transcript.duration_ms.max(1) as f64;

    let text = match args.format {
        OutputFormat::Srt => {
            let end = Timestamp(transcript.duration_ms);
            let cues = segment::into_cues(&transcript.words, Timestamp(0), end, Profile::default());
            Format::Srt.write(&Track::new(transcript.language, cues)?)
        }
        OutputFormat::Json => serde_json::to_string_pretty(&transcript)? + "\n",
    };
    std::io::stdout().write_all(text.as_bytes()).context("could not write the result")?;
    // Whoever measures this process (`time`, `./dev bench engine`) wants the engine's share in it.
    if let Err(error) = engine.stop(STOP_LIMIT).await {
        tracing::warn!(%error, "could not end the engine");
    }
    Ok(())
}
