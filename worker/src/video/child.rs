//! The child's side: confines itself, then becomes ffmpeg.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::engine::sandbox::{self, Confinement, SandboxMode};

/// How this process ends when it could not become ffmpeg; ffmpeg itself never ends so.
pub const NOT_STARTED: u8 = 70;

/// Settings of the subcommand `worker ffmpeg`, which only a parent worker calls.
#[derive(Debug, Clone, clap::Args)]
pub struct FfmpegArgs {
    #[command(flatten)]
    pub confinement: Confinement,
    /// What ffmpeg is told.
    #[arg(last = true)]
    pub arguments: Vec<OsString>,
}

/// Returns only if it failed. Call it before any thread is started.
#[allow(clippy::print_stderr)]
pub fn run(args: &FfmpegArgs) -> ExitCode {
    let Err(error) = become_ffmpeg(args);
    eprintln!("{error:#}");
    ExitCode::from(NOT_STARTED)
}

fn become_ffmpeg(args: &FfmpegArgs) -> anyhow::Result<std::convert::Infallible> {
    let program = sandbox::ffmpeg().context("ffmpeg is not installed")?;
    let lacks = sandbox::confine(&args.confinement, None)?;
    let is_complete = lacks.is_empty() || args.confinement.sandbox != SandboxMode::Required;
    anyhow::ensure!(is_complete, "the sandbox is not complete. It lacks: {}", lacks.join("; "));
    // The limits, the rules and the order to die with the parent outlive this.
    Err(Command::new(&program).args(&args.arguments).exec()).context("ffmpeg could not be started")
}
