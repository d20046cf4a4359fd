//! The child's side of the pipe.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, mpsc};

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::protocol::{self, EngineEvent, Request};
use super::sandbox::{self, Confinement, SandboxMode};
use super::session::{self, Listener, Models, SessionError};

/// Settings of the subcommand `worker engine`, which only a parent worker calls.
#[derive(Debug, Clone, clap::Args)]
pub struct EngineArgs {
    /// Windows transcribed at once.
    #[arg(long, default_value = "1")]
    pub threads: NonZeroUsize,
    #[command(flatten)]
    pub confinement: Confinement,
    /// Transcribe with this library of CTranslate2 instead of whisper.cpp.
    #[arg(long, value_name = "FILE")]
    pub ctranslate2: Option<PathBuf>,
    /// Instead of serving requests, try to get out of the sandbox and tell what came of it.
    #[arg(long)]
    pub escape_test: bool,
}

/// Serves requests from standard input until it ends. Call it before any thread is started, and outside a
/// runtime: it confines the process, and sets up the log.
pub fn run(args: EngineArgs) -> anyhow::Result<()> {
    let Confinement { sandbox, address_space_bytes, .. } = args.confinement;
    let lacks = sandbox::confine(&args.confinement, args.ctranslate2.as_deref())?;
    if args.escape_test {
        return sandbox::run_escape_test(lacks, address_space_bytes);
    }
    let is_complete = lacks.is_empty() || sandbox != SandboxMode::Required;
    anyhow::ensure!(is_complete, "the sandbox is not complete. It lacks: {}", lacks.join("; "));
    let pipe = Pipe { file: Mutex::new(take_standard_output()?) };
    // Symphonia tells of every header it reads.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,symphonia=error"));
    let is_verbose = filter.max_level_hint().is_some_and(|level| level >= LevelFilter::DEBUG);
    // The parent reads the level off the line, and has its own clock.
    tracing_subscriber::fmt()
        .compact()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(io::stderr)
        .with_env_filter(filter)
        // Who reads the log may go: to tell so there as well would be a panic.
        .log_internal_errors(false)
        .init();
    if !is_verbose {
        // Without a backend the hooks swallow everything.
        whisper_rs::install_logging_hooks();
    }

    let requests = read_requests();
    let mut models = Models::new(args.ctranslate2);
    while let Ok(request) = requests.recv() {
        match session::transcribe(&request, &mut models, args.threads, &pipe) {
            Ok(duration_ms) => pipe.event(EngineEvent::Finished { duration_ms }),
            Err(SessionError::Failure(failure)) => pipe.event(EngineEvent::Failed { failure }),
            // The parent starts another child, which may have more luck or more memory.
            Err(SessionError::Engine(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Events to the parent.
struct Pipe {
    file: Mutex<File>,
}

impl Listener for Pipe {
    fn event(&self, event: EngineEvent) {
        let result = protocol::write(&mut *self.file(), &event);
        leave_if_deserted(result);
    }

    fn sign_of_life(&self) {
        let result = protocol::write_sign_of_life(&mut *self.file());
        leave_if_deserted(result);
    }
}

impl Pipe {
    fn file(&self) -> std::sync::MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leave_if_deserted(result: io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "the parent does not listen any more");
        leave(1);
    }
}

/// Requests as they come. When standard input ends the process does too, whatever native code is doing.
fn read_requests() -> mpsc::Receiver<Request> {
    let (sender, requests) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            match protocol::read(&mut stdin) {
                Ok(Some(request)) => {
                    if sender.send(request).is_err() {
                        return;
                    }
                }
                Ok(None) => leave(0),
                Err(error) => {
                    tracing::error!(%error, "the parent spoke nonsense");
                    leave(1);
                }
            }
        }
    });
    requests
}

/// Ends the process at once. The destructors of native libraries must not run while their threads work.
#[allow(unsafe_code)]
fn leave(code: i32) -> ! {
    let _ = io::stderr().flush();
    // SAFETY: _exit is always safe to call; nothing runs after it.
    unsafe { libc::_exit(code) }
}

/// The pipe to the parent, for the protocol alone: whatever native code prints goes to the log instead.
#[allow(unsafe_code)]
fn take_standard_output() -> anyhow::Result<File> {
    let pipe = io::stdout().as_fd().try_clone_to_owned().context("standard output is closed")?;
    // SAFETY: both descriptors are open; nobody else uses descriptor 1 yet.
    let result = unsafe { libc::dup2(io::stderr().as_raw_fd(), io::stdout().as_raw_fd()) };
    anyhow::ensure!(result >= 0, io::Error::last_os_error());
    Ok(File::from(pipe))
}
