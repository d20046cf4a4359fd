//! The parent side: spawns the child, hands it requests, hears its events, ends it.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::protocol::{self, EngineEvent, Request};
use super::sandbox::{self, SandboxMode};

/// How to start a child.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The worker's own binary; the child is its subcommand `engine`.
    pub program: PathBuf,
    /// How many windows are transcribed at once; each takes one CPU.
    pub threads: usize,
    /// A child that shows no sign of life for this long while it has a request is hung.
    pub silence_limit: Duration,
    /// Cap on the child's address space: the weights, the buffers of `threads` windows, and room.
    pub address_space_bytes: u64,
    /// The library of CTranslate2, if it transcribes instead of whisper.cpp.
    pub ctranslate2: Option<PathBuf>,
    pub sandbox: SandboxMode,
    /// Files and folders that requests may name; the child can read nothing else. They must be there when it starts.
    pub readable: Vec<PathBuf>,
}

impl EngineConfig {
    /// Settings for `program` that suit a job in production.
    pub fn new(program: impl Into<PathBuf>) -> EngineConfig {
        EngineConfig {
            program: program.into(),
            threads: std::thread::available_parallelism().map_or(1, |count| count.get()),
            silence_limit: Duration::from_secs(120),
            address_space_bytes: 8 << 30,
            ctranslate2: None,
            sandbox: SandboxMode::BestEffort,
            readable: Vec::new(),
        }
    }
}

/// The child could not do its work, whoever is at fault. The engine is of no use any more: drop or kill it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the engine could not be started")]
    Spawn(#[source] io::Error),
    #[error("the engine died: {status:?}")]
    Died { status: Option<ExitStatus> },
    #[error("the engine showed no sign of life for {silence:?}")]
    Hung { silence: Duration },
    #[error("the engine spoke nonsense: {0}")]
    Protocol(String),
}

/// A warm child process. Serves one request at a time; killed when dropped.
pub struct Engine {
    _group: ProcessGroup,
    child: Child,
    stdin: ChildStdin,
    events: mpsc::Receiver<Result<EngineEvent, String>>,
    last_heard: Arc<Mutex<Instant>>,
    silence_limit: Duration,
}

impl Engine {
    /// Starts a child. It loads nothing before its first request.
    pub async fn spawn(config: &EngineConfig) -> Result<Engine, EngineError> {
        let mut child = spawn(config, &[]).await.map_err(EngineError::Spawn)?;
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");

        let _group = ProcessGroup(child.id());
        let last_heard = Arc::new(Mutex::new(Instant::now()));
        let (sender, events) = mpsc::channel(16);
        tokio::spawn(forward_events(stdout, sender, last_heard.clone()));
        tokio::spawn(forward_log(stderr));
        Ok(Engine { _group, child, stdin, events, last_heard, silence_limit: config.silence_limit })
    }

    /// Hands the child a request. Only after the last event of the one before: see [`EngineEvent::is_last`].
    pub async fn start(&mut self, request: &Request) -> Result<(), EngineError> {
        let frame = protocol::encode(request).map_err(|error| EngineError::Protocol(error.to_string()))?;
        self.set_heard();
        let written = async {
            self.stdin.write_all(&frame).await?;
            self.stdin.flush().await
        };
        match tokio::time::timeout(self.silence_limit, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.died().await),
            Err(_) => Err(EngineError::Hung { silence: self.silence_limit }),
        }
    }

    /// The next event of the request. Cancel-safe: an event is not lost when the future is dropped.
    pub async fn next_event(&mut self) -> Result<EngineEvent, EngineError> {
        loop {
            let deadline = self.heard() + self.silence_limit;
            match tokio::time::timeout_at(deadline, self.events.recv()).await {
                Ok(Some(Ok(event))) => return Ok(event),
                Ok(Some(Err(message))) => return Err(EngineError::Protocol(message)),
                Ok(None) => return Err(self.died().await),
                // A sign of life moved the deadline while we slept.
                Err(_) if self.heard() + self.silence_limit > Instant::now() => {}
                Err(_) => return Err(EngineError::Hung { silence: self.silence_limit }),
            }
        }
    }

    /// Kills the child with a signal it cannot refuse, and waits until it is gone. Harmless on a dead child.
    pub async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "could not kill the engine");
        }
    }

    /// Ends an idle child politely: it leaves when its input ends, or is killed after `limit`. Waits until it is gone,
    /// so that the CPU time and the memory it took count as those of a child of ours, which a drop does not see to.
    pub async fn stop(mut self, limit: Duration) -> io::Result<ExitStatus> {
        drop(self.stdin);
        if tokio::time::timeout(limit, self.child.wait()).await.is_err() {
            tracing::warn!(?limit, "the engine did not leave when it was asked to");
            self.child.start_kill()?;
        }
        self.child.wait().await
    }

    /// The child's process id, until it was seen dead.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its pipes are closed, so it is dead or as good as dead.
    async fn died(&mut self) -> EngineError {
        let status = tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await;
        EngineError::Died { status: status.ok().and_then(Result::ok) }
    }

    fn heard(&self) -> Instant {
        *self.last_heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_heard(&self) {
        *self.last_heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// The child and what it started, by the number of the child; killed when dropped. A child that was taken over may have
/// made others, which nobody else would end; seccomp keeps them in the group.
pub struct ProcessGroup(pub Option<u32>);

impl Drop for ProcessGroup {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        let Some(id) = self.0.and_then(|id| libc::pid_t::try_from(id).ok()) else { return };
        // SAFETY: the call takes no pointers. Nobody else gets the number while one of the group is left; and if none is,
        // not before all other numbers were used.
        unsafe { libc::kill(-id, libc::SIGKILL) };
    }
}

/// Frames of the child to `sender`, until the pipe ends or carries something that is no frame.
async fn forward_events(
    stdout: ChildStdout,
    sender: mpsc::Sender<Result<EngineEvent, String>>,
    last_heard: Arc<Mutex<Instant>>,
) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut head = [0; 4];
        if stdout.read_exact(&mut head).await.is_err() {
            return;
        }
        *last_heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let length = match protocol::body_length(head) {
            Ok(0) => continue,
            Ok(length) => length,
            Err(error) => {
                let _ = sender.send(Err(error.to_string())).await;
                return;
            }
        };
        let mut body = vec![0; length];
        if stdout.read_exact(&mut body).await.is_err() {
            return;
        }
        let event = protocol::decode(&body).map_err(|error| error.to_string());
        let is_nonsense = event.is_err();
        if sender.send(event).await.is_err() || is_nonsense {
            return;
        }
    }
}

/// The child's log becomes ours; each line names its level first. It is read to its end whatever it holds: a
/// child that cannot write its log any more dies. Native code logs halves of characters, too.
async fn forward_log(stderr: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        match line.split_once(' ') {
            Some(("ERROR", message)) => tracing::error!(target: "worker::engine", "{}", message.trim()),
            Some(("WARN", message)) => tracing::warn!(target: "worker::engine", "{}", message.trim()),
            Some(("INFO", message)) => tracing::info!(target: "worker::engine", "{}", message.trim()),
            _ => tracing::debug!(target: "worker::engine", "{line}"),
        }
    }
}

/// Starts the child process as `config` says, with `more` arguments.
pub(super) async fn spawn(config: &EngineConfig, more: &[&str]) -> io::Result<Child> {
    let mut command = Command::new(&config.program);
    command
        .arg("engine")
        .args(["--threads", &config.threads.max(1).to_string()])
        .args(["--address-space-bytes", &config.address_space_bytes.to_string()])
        .arg("--sandbox")
        .args(config.sandbox.to_possible_value().map(|mode| mode.get_name().to_owned()))
        .args(config.readable.iter().flat_map(|path| [OsStr::new("--readable"), path.as_os_str()]))
        .args(config.ctranslate2.iter().flat_map(|path| [OsStr::new("--ctranslate2"), path.as_os_str()]))
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    spawn_alone(command).await
}

/// Starts a child in a process group and an environment of its own. It is killed when it is dropped.
pub async fn spawn_alone(mut command: Command) -> io::Result<Child> {
    command
        .kill_on_drop(true)
        // Ctrl-C in a terminal is for this process to answer: the engine ends when it is told to.
        .process_group(0)
        // No credentials, no proxies, no loader settings. PATH is how ffmpeg is found.
        .env_clear();
    for name in sandbox::ENVIRONMENT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    spawn_from_lasting_thread(command).await
}

type SpawnJob = Box<dyn FnOnce() + Send>;

/// Spawns `command` from a thread that lives as long as the process. The child asks the kernel to be killed
/// with its parent, and the kernel means the parent's *thread*: one of the runtime's may end any time.
async fn spawn_from_lasting_thread(mut command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<std::sync::mpsc::Sender<SpawnJob>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, jobs) = std::sync::mpsc::channel::<SpawnJob>();
        std::thread::Builder::new()
            .name("engine-spawner".into())
            .spawn(move || jobs.into_iter().for_each(|job| job()))
            .expect("a thread can be started while the process starts");
        sender
    });
    let (answer, spawned) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let job: SpawnJob = Box::new(move || {
        let _entered = runtime.enter();
        // Nobody waits any more: the child is dropped with the answer, and killed by that.
        let _ = answer.send(command.spawn());
    });
    spawner.send(job).map_err(|_| io::Error::other("the spawning thread is gone"))?;
    spawned.await.map_err(|_| io::Error::other("the spawning thread is gone"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a character in a line once ended the reading, and the child with it.
    #[tokio::test]
    async fn a_log_is_read_to_its_end_whatever_bytes_it_holds() {
        let log = b"INFO half a character: \xd0\nWARN one\n".repeat(2_000);
        let mut left = log.as_slice();
        forward_log(&mut left).await;
        assert!(left.is_empty(), "{} bytes were not read", left.len());
    }
}
