use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use worker::{config, doctor, engine, model, pull, push, transcribe, video};

/// Takes jobs off the queue and turns media into subtitles.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Work on jobs until told to stop.
    Pull(Box<config::PullArgs>),
    /// Take jobs and periodic tasks that a daemon posts, until told to stop.
    Push(Box<config::PushArgs>),
    /// Look at everything a pulling worker needs; print a line for each, and what to do about it. Ends with 1 if
    /// something would fail.
    Doctor(Box<config::PullArgs>),
    /// Transcribe one file to standard output.
    Transcribe(transcribe::TranscribeArgs),
    /// Fetch and list models.
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// The child process of a worker.
    #[command(hide = true)]
    Engine(engine::child::EngineArgs),
    /// The child process of a worker that becomes ffmpeg.
    #[command(hide = true)]
    Ffmpeg(video::child::FfmpegArgs),
}

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        // Before any thread exists: the child confines itself, and threads inherit it.
        Command::Engine(args) => engine::child::run(args).map(|()| ExitCode::SUCCESS),
        Command::Ffmpeg(args) => Ok(video::child::run(&args)),
        command => run(command),
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

/// What went wrong and why, for the person at the terminal: a backtrace would not help them.
#[allow(clippy::print_stderr)]
fn tell(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("because: {cause}");
    }
}

#[tokio::main]
async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    tracing_subscriber::fmt()
        .compact()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter)
        // Who reads the log may go: to tell so there as well would be a panic.
        .log_internal_errors(false)
        .init();
    // It may have been given credentials, and its child must not find them.
    engine::sandbox::hide_this_process()?;
    match command {
        Command::Pull(args) => pull::main(*args).await?,
        Command::Push(args) => push::main(*args).await?,
        Command::Doctor(args) => return doctor::run(&args).await,
        Command::Transcribe(args) => transcribe::run(args).await?,
        Command::Model(command) => model::run(command).await?,
        Command::Engine(args) => engine::child::run(args)?,
        Command::Ffmpeg(args) => return Ok(video::child::run(&args)),
    }
    Ok(ExitCode::SUCCESS)
}
