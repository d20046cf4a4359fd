//! Workers and engines as processes: started, watched, signalled.

use std::os::fd::{FromRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::unix::AsyncFd;

use crate::support::{Bench, MODEL, models, patiently};

/// A worker as a process of its own.
pub struct WorkerProcess {
    pub child: tokio::process::Child,
    log: PathBuf,
}

impl WorkerProcess {
    /// `worker pull` on the bench's data.
    pub fn start(bench: &Bench, name: &str, more: &[&str]) -> WorkerProcess {
        WorkerProcess::spawn(bench, name, &[&["pull"], more].concat())
    }

    /// A subcommand on the bench's data with one thread and short waits; its log has every window.
    pub fn spawn(bench: &Bench, name: &str, arguments: &[&str]) -> WorkerProcess {
        let log = bench.folder.path().join(format!("{name}.log"));
        let stderr = std::fs::File::create(&log).unwrap();
        let child = WorkerProcess::command(bench, arguments).stderr(stderr).spawn().unwrap();
        WorkerProcess { child, log }
    }

    pub fn command(bench: &Bench, arguments: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_worker"));
        command
            .args(arguments)
            .arg("--data")
            .arg(bench.data())
            .arg("--models")
            .arg(models())
            .args(["--model", MODEL, "--threads", "1", "--retry-base", "20ms"])
            .env("RUST_LOG", "worker=debug,info")
            .stdout(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("the worker was not waited for yet")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The engine, if there is one now.
    pub fn engine(&self) -> Option<u32> {
        children(self.id()).first().copied()
    }

    pub async fn wait(&mut self) -> std::process::ExitStatus {
        patiently("the worker's end", self.child.wait()).await.unwrap()
    }
}

/// Child processes of `process`, whichever of its threads started them.
pub fn children(process: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>())
        .collect()
}

pub fn send_signal(process: u32, signal: &str) {
    let status = Command::new("kill").args([format!("-{signal}"), process.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{signal} {process}");
    if signal == "STOP" {
        // Of many threads one takes the signal when it gets a processor; the others go on until then.
        while !is_stopped(process) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// All threads are stopped, or gone.
fn is_stopped(process: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return true };
    threads.flatten().all(|thread| {
        let Ok(stat) = std::fs::read_to_string(thread.path().join("stat")) else { return true };
        // The name before it may hold anything but a line of its own.
        let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
        matches!(state, Some('T' | 't' | 'Z' | 'X'))
    })
}

/// A handle on a process that becomes readable when the process ends.
pub struct ProcessEnd(AsyncFd<OwnedFd>);

impl ProcessEnd {
    #[allow(unsafe_code)]
    pub fn of(process: u32) -> ProcessEnd {
        // SAFETY: the call takes no pointers, and the descriptor it returns is new and nobody else's.
        let handle = unsafe {
            let handle = libc::syscall(libc::SYS_pidfd_open, process as libc::pid_t, 0);
            assert!(handle >= 0, "no process {process}");
            OwnedFd::from_raw_fd(handle as i32)
        };
        // SAFETY: the descriptor is owned by the value it is registered in, so it stays open as long.
        ProcessEnd(unsafe { AsyncFd::register(handle) }.unwrap())
    }

    pub async fn within(&self, limit: Duration) {
        tokio::time::timeout(limit, self.0.readable())
            .await
            .expect("the process ends in time")
            .unwrap()
            .retain_ready();
    }
}
