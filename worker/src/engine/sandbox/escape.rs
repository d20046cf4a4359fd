//! The child's side of the escape test: once confined, it tries what a decoder that was taken over would try.

#![allow(unsafe_code)]

use std::fs::{self, Permissions};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rlimit::Resource;
use serde::{Deserialize, Serialize};

use crate::engine::protocol;

/// Names of variables that the child is given.
pub const ENVIRONMENT: [&str; 2] = ["PATH", "RUST_LOG"];

/// What there is to reach, for who could.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bait {
    /// Somebody listens here.
    pub tcp: SocketAddr,
    pub udp: SocketAddr,
    /// A file that the child was not given, alone in its folder.
    pub secret: PathBuf,
    /// A file that the child may read, alone in its folder.
    pub given: PathBuf,
    /// A process of the same user that nobody needs.
    pub victim: Option<u32>,
    /// Whether ffmpeg is to be run, if it is installed.
    pub runs_ffmpeg: bool,
}

/// What came of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Tried {
    /// Parts of the sandbox that the kernel lacks.
    pub lacks: Vec<String>,
    /// How many ways out were tried.
    pub ways: usize,
    /// Those that are open: what the engine can do and should not.
    pub open: Vec<String>,
    /// What the engine must be able to do and cannot.
    pub broken: Vec<String>,
}

impl Tried {
    /// Refused, as by a sandbox? Anything else, success or another error, says that the way is open.
    fn refuses<T>(&mut self, way: &str, result: io::Result<T>) {
        let errno = result.as_ref().err().and_then(io::Error::raw_os_error);
        self.holds(way, matches!(errno, Some(libc::EPERM | libc::EACCES | libc::ENOSYS)));
    }

    fn holds(&mut self, way: &str, is_closed: bool) {
        self.ways += 1;
        if !is_closed {
            self.open.push(way.to_owned());
        }
    }

    fn needs<T>(&mut self, what: &str, result: io::Result<T>) {
        if let Err(error) = result {
            self.broken.push(format!("{what}: {error}"));
        }
    }
}

/// Reads a `Bait` from standard input and writes a [`Tried`] to standard output. `lacks` and `address_space_bytes`
/// are those of the confinement, which is done.
pub fn run(lacks: Vec<String>, address_space_bytes: u64) -> anyhow::Result<()> {
    let Some(bait) = protocol::read::<Bait>(&mut io::stdin().lock())? else { return Ok(()) };
    let mut tried = Tried { lacks, ..Tried::default() };
    inherited(&mut tried);
    network(&mut tried, &bait);
    files(&mut tried, &bait);
    processes(&mut tried, &bait);
    limits(&mut tried, address_space_bytes);
    tried.needs("read what it is given", fs::read(&bait.given));
    if bait.runs_ffmpeg {
        tried.needs("run ffmpeg", ffmpeg());
    }
    protocol::write(&mut io::stdout().lock(), &tried)?;
    Ok(())
}

/// What the child was born with. First, while it has opened nothing itself.
fn inherited(tried: &mut Tried) {
    let is_open = |descriptor| {
        // SAFETY: it only asks for the flags of a descriptor.
        unsafe { libc::fcntl(descriptor, libc::F_GETFD) >= 0 }
    };
    tried.holds("use files that the worker's parent left open", !(3..1024).any(is_open));
    let is_known = |name: &std::ffi::OsStr| ENVIRONMENT.iter().any(|known| name == *known);
    tried.holds("find more in its environment", std::env::vars_os().all(|(name, _)| is_known(&name)));
}

fn network(tried: &mut Tried, bait: &Bait) {
    tried.refuses("connect by TCP", TcpStream::connect_timeout(&bait.tcp, Duration::from_secs(2)));
    tried.refuses("listen for TCP", TcpListener::bind("127.0.0.1:0"));
    let send = || UdpSocket::bind("127.0.0.1:0")?.send_to(b"secret", bait.udp);
    tried.refuses("send by UDP", send());
    tried.refuses("make a Unix socket", UnixDatagram::unbound());
}

fn files(tried: &mut Tried, bait: &Bait) {
    tried.refuses("read any file", fs::read(&bait.secret));
    tried.refuses("list any folder", fs::read_dir(bait.secret.parent().unwrap_or(Path::new("/"))));
    tried.refuses("write any file", fs::write(bait.secret.with_extension("new"), ""));
    tried.refuses("make files beside what it reads", fs::write(bait.given.with_extension("new"), ""));
    tried.refuses("remove what it reads", fs::rename(&bait.given, bait.given.with_extension("old")));
    tried.refuses("change what it reads", fs::set_permissions(&bait.given, Permissions::from_mode(0o666)));
}

fn processes(tried: &mut Tried, bait: &Bait) {
    let worker = std::os::unix::process::parent_id();
    tried.refuses("read the worker's environment", fs::read(format!("/proc/{worker}/environ")));
    let worker = worker as libc::c_long;
    // A seized process goes on.
    let traced = system_call(libc::SYS_ptrace, [libc::PTRACE_SEIZE.into(), worker, 0, 0]);
    tried.refuses("trace the worker", traced);
    tried.refuses("signal the worker", system_call(libc::SYS_kill, [worker, 0, 0, 0]));
    if let Some(victim) = bait.victim {
        let kill = [victim.into(), libc::SIGKILL.into(), 0, 0];
        tried.refuses("kill other processes", system_call(libc::SYS_kill, kill));
    }
    tried.refuses("run a shell", Command::new("/bin/sh").args(["-c", "exit"]).status());
    tried.refuses("leave its process group", system_call(libc::SYS_setpgid, [0; 4]));
    // Nonsense for arguments: who may call it gets another answer than who may not.
    for (name, call) in [
        ("bpf", libc::SYS_bpf),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("keyctl", libc::SYS_keyctl),
        ("memfd_create", libc::SYS_memfd_create),
        ("mount", libc::SYS_mount),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("pidfd_open", libc::SYS_pidfd_open),
        ("process_vm_readv", libc::SYS_process_vm_readv),
        ("setns", libc::SYS_setns),
        ("userfaultfd", libc::SYS_userfaultfd),
    ] {
        tried.refuses(&format!("call {name}"), system_call(call, [-1; 4]));
    }
    // Last: it changes who one is.
    let namespace = [libc::CLONE_NEWUSER.into(), 0, 0, 0];
    tried.refuses("make a user namespace", system_call(libc::SYS_unshare, namespace));
}

fn limits(tried: &mut Tried, address_space_bytes: u64) {
    let infinity = rlimit::INFINITY;
    tried.refuses("raise its limits", Resource::AS.set(infinity, infinity));
    let size = usize::try_from(address_space_bytes).unwrap_or(usize::MAX);
    // SAFETY: a new mapping that nobody touches; it goes with the process.
    let mapped = unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        libc::mmap(std::ptr::null_mut(), size, libc::PROT_NONE, flags, -1, 0)
    };
    tried.holds("take more memory than it may", mapped == libc::MAP_FAILED);
    // SAFETY: it only asks for a flag.
    let is_dumpable = unsafe { libc::prctl(libc::PR_GET_DUMPABLE) } != 0;
    tried.holds("leave a core dump", !is_dumpable);
}

fn system_call(number: libc::c_long, [a, b, c, d]: [libc::c_long; 4]) -> io::Result<()> {
    // SAFETY: those who call this hand over no pointers, or -1, which is none.
    match unsafe { libc::syscall(number, a, b, c, d) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn ffmpeg() -> io::Result<()> {
    let mut command = Command::new("ffmpeg");
    command.arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if !status.success() => Err(io::Error::other(status.to_string())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
