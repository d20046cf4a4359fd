//! The parent side: starts a confined ffmpeg, hears how far it is, and tells why it ended.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::child::NOT_STARTED;
use crate::audio::ffmpeg::MAX_LISTING_BYTES;
use crate::audio::listing::Listing;
use crate::engine::EngineConfig;
use crate::engine::parent::{ProcessGroup, spawn_alone};

/// After its pipes closed ffmpeg is as good as gone.
const GOING: Duration = Duration::from_secs(10);

/// What ffmpeg may reach.
#[derive(Debug, Clone, Copy)]
pub struct Folders<'a> {
    /// The file that it reads.
    pub media: &'a Path,
    /// Where it works: the only folder that it may write into.
    pub scratch: &'a Path,
    /// Largest file that it may write.
    pub max_bytes: u64,
}

/// How far ffmpeg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Milliseconds of the video are written.
    At(u64),
    Done,
}

/// Why there is no video.
#[derive(Debug, thiserror::Error)]
pub enum FfmpegError {
    #[error("ffmpeg could not be started")]
    Spawn(#[source] io::Error),
    /// It ended by itself: it cannot do this with this media.
    #[error("ffmpeg gave up: {0}")]
    GaveUp(String),
    #[error("the disk is full")]
    DiskFull,
    #[error("the video is larger than it may be")]
    TooLarge,
    /// None of the fonts has this letter.
    #[error("no font has this letter: {0}")]
    NoFont(char),
    #[error("ffmpeg died: {status:?}")]
    Died { status: Option<ExitStatus> },
    #[error("ffmpeg got no further for {silence:?}")]
    Hung { silence: Duration },
}

/// What ffmpeg writes in its log, as far as it matters.
#[derive(Debug, Default)]
struct Log {
    /// The last line that tells of an error.
    error: Option<String>,
    is_disk_full: bool,
    missing_letter: Option<char>,
}

/// ffmpeg at work. Killed, with what it started, when dropped.
pub struct Ffmpeg {
    _group: ProcessGroup,
    child: Child,
    progress: Lines<BufReader<ChildStdout>>,
    log: Arc<Mutex<Log>>,
    reading_log: JoinHandle<()>,
    silence_limit: Duration,
    last_moved: Instant,
    /// Where it was then: how far in time, and how many bytes.
    was_at: (String, String),
}

impl Ffmpeg {
    pub async fn spawn(
        engine: &EngineConfig,
        folders: Folders<'_>,
        arguments: &[OsString],
        silence_limit: Duration,
    ) -> Result<Ffmpeg, FfmpegError> {
        let mut child = spawn_alone(command(engine, folders, arguments)).await.map_err(FfmpegError::Spawn)?;
        let _group = ProcessGroup(child.id());
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let log = Arc::new(Mutex::new(Log::default()));
        let reading_log = tokio::spawn(read_log(stderr, log.clone()));
        Ok(Ffmpeg {
            _group,
            child,
            progress: BufReader::new(stdout).lines(),
            log,
            reading_log,
            silence_limit,
            last_moved: Instant::now(),
            was_at: Default::default(),
        })
    }

    /// What it did next. Cancel-safe; not to be called again once it is done or failed.
    pub async fn next(&mut self) -> Result<Step, FfmpegError> {
        loop {
            let hung = FfmpegError::Hung { silence: self.silence_limit };
            let deadline = self.last_moved + self.silence_limit;
            let line = timeout_at(deadline, self.progress.next_line()).await.map_err(|_| hung)?;
            if let Some(letter) = self.log().missing_letter {
                return Err(FfmpegError::NoFont(letter));
            }
            let Ok(Some(line)) = line else { return self.ended().await };
            match line.split_once('=') {
                Some(("out_time_us", time)) if time != self.was_at.0 => {
                    self.last_moved = Instant::now();
                    self.was_at.0 = time.to_owned();
                    // Before it has written anything it is nowhere.
                    if let Ok(microseconds) = time.parse::<u64>() {
                        return Ok(Step::At(microseconds / 1000));
                    }
                }
                Some(("total_size", bytes)) if bytes != self.was_at.1 => {
                    self.last_moved = Instant::now();
                    self.was_at.1 = bytes.to_owned();
                }
                _ => {}
            }
        }
    }

    async fn ended(&mut self) -> Result<Step, FfmpegError> {
        let status = timeout(GOING, self.child.wait()).await.ok().and_then(Result::ok);
        // Its last words; somebody it started may hold the pipe open.
        let _ = timeout(GOING, &mut self.reading_log).await;
        let log = self.log();
        if let Some(letter) = log.missing_letter {
            return Err(FfmpegError::NoFont(letter));
        }
        let Some(ended) = status else { return Err(FfmpegError::Died { status }) };
        let said = log.error.clone().unwrap_or_default();
        match (ended.code(), ended.signal()) {
            (Some(0), _) => Ok(Step::Done),
            (_, Some(libc::SIGXFSZ)) => Err(FfmpegError::TooLarge),
            (Some(code), _) if code == i32::from(NOT_STARTED) => {
                Err(FfmpegError::Spawn(io::Error::other(said)))
            }
            // It was told to end, as services and their children are at once. Nobody else may say so and count nowhere.
            (Some(255), _) => Err(FfmpegError::Died { status }),
            (Some(_), _) if log.is_disk_full => Err(FfmpegError::DiskFull),
            (Some(_), _) => Err(FfmpegError::GaveUp(said)),
            (None, _) => Err(FfmpegError::Died { status }),
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        self.reading_log.abort();
    }
}

/// What ffmpeg tells of the media without decoding it.
pub async fn list(
    engine: &EngineConfig,
    folders: Folders<'_>,
    silence_limit: Duration,
) -> Result<Listing, FfmpegError> {
    let mut arguments: Vec<OsString> =
        ["-nostdin", "-hide_banner", "-protocol_whitelist", "file", "-i"].map(OsString::from).into();
    arguments.push(folders.media.into());
    let mut child = spawn_alone(command(engine, folders, &arguments)).await.map_err(FfmpegError::Spawn)?;
    let _group = ProcessGroup(child.id());
    let stderr = child.stderr.take().expect("stderr is piped");
    let mut text = Vec::new();
    // Without an output it complains and ends; what it said before is what counts.
    let listing = async {
        stderr.take(MAX_LISTING_BYTES).read_to_end(&mut text).await.map_err(FfmpegError::Spawn)?;
        child.wait().await.map_err(FfmpegError::Spawn)
    };
    let ended = timeout(silence_limit, listing).await;
    let status = ended.map_err(|_| FfmpegError::Hung { silence: silence_limit })??;
    let text = String::from_utf8_lossy(&text);
    match status.code() {
        None => Err(FfmpegError::Died { status: Some(status) }),
        Some(code) if code == i32::from(NOT_STARTED) => {
            Err(FfmpegError::Spawn(io::Error::other(text.trim().to_owned())))
        }
        Some(_) => Ok(Listing::parse(&text)),
    }
}

/// This program, as the child that confines itself and becomes ffmpeg.
fn command(engine: &EngineConfig, folders: Folders<'_>, arguments: &[OsString]) -> Command {
    let Folders { media, scratch, max_bytes } = folders;
    let path =
        |option: &'static str, path: &Path| [OsStr::new(option).to_owned(), path.as_os_str().to_owned()];
    let mut command = Command::new(&engine.program);
    command
        .arg("ffmpeg")
        .args(["--address-space-bytes", &engine.address_space_bytes.to_string()])
        .args(["--file-bytes", &max_bytes.to_string()])
        .arg("--sandbox")
        .args(engine.sandbox.to_possible_value().map(|mode| mode.get_name().to_owned()))
        .args(path("--readable", media))
        .args(path("--writable", scratch))
        .arg("--")
        .args(arguments)
        .current_dir(scratch)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Reads the log to its end whatever it holds: who cannot write a log any more ends.
async fn read_log(stderr: ChildStderr, log: Arc<Mutex<Log>>) {
    let mut stderr = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        // A line of a hostile file may have no end.
        match (&mut stderr).take(4096).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        tracing::debug!(target: "worker::ffmpeg", "{}", line.trim());
        log.lock().unwrap_or_else(PoisonError::into_inner).take(line.trim());
    }
}

impl Log {
    fn take(&mut self, line: &str) {
        self.is_disk_full |= line.contains("No space left on device");
        // A sign more or less is no loss; a letter is.
        let missing = line.split("failed to find any fallback with glyph 0x").nth(1);
        let missing = missing.and_then(|rest| u32::from_str_radix(rest.split(' ').next()?, 16).ok());
        let letter = missing.and_then(char::from_u32).filter(|letter| letter.is_alphabetic());
        self.missing_letter = self.missing_letter.or(letter);
        if !line.is_empty() && !line.contains("[warning]") {
            self.error = Some(line.chars().take(300).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_of_a_log_is_kept() {
        let font = |glyph: &str| {
            format!(
                "[Parsed_ass_1 @ 0x55aa] [warning] fontselect: failed to find any fallback with glyph 0x{glyph} \
                 for font: (Arial, 400, 0)"
            )
        };
        let check = |lines: &[&str], expect: (Option<&str>, bool, Option<char>)| {
            let mut log = Log::default();
            lines.iter().for_each(|line| log.take(line));
            assert_eq!((log.error.as_deref(), log.is_disk_full, log.missing_letter), expect, "{lines:?}");
        };
        check(&["", "[mp4 @ 0x1] [warning] odd"], (None, false, None));
        check(&["[error] a", "[fatal] b", ""], (Some("[fatal] b"), false, None));
        check(
            &["[error] av_interleaved_write_frame(): No space left on device"],
            (Some("[error] av_interleaved_write_frame(): No space left on device"), true, None),
        );
        check(&[&font("1F600"), &font("4F60"), &font("597D")], (None, false, Some('你')));
        check(&[&font("zz"), &font("FFFFFFFF"), &font("")], (None, false, None));
    }
}
