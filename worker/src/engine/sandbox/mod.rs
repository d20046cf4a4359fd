//! What a decoder taken over by a crafted file may do at most: compute, in so much memory, on the files it was given.
//! Where ffmpeg makes a video, it may also write into one folder, files of a limited size.
//!
//! All of it is set before the child's first thread starts, and ffmpeg, which the child starts, inherits it: limits
//! that every kernel knows (`limits`), Landlock for files (`files`) and seccomp for system calls
//! (`system_calls`). Each of the last two makes up for some of what the other cannot do or a kernel does not know.
//!
//! Deliberately missing: a limit on CPU time, since the child is warm and works for as long as there are jobs (the
//! parent ends it when it is silent or late), and one on processes, which the kernel counts by user.

mod escape;
mod files;
mod limits;
mod system_calls;
mod trial;

use std::path::{Path, PathBuf};

pub use escape::{ENVIRONMENT, Tried, run as run_escape_test};
pub use limits::hide_this_process;
pub use trial::{check, try_out, try_out_writing};

/// How much of the sandbox there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SandboxMode {
    /// All of it, or no work at all.
    Required,
    /// As much as the kernel knows.
    BestEffort,
    /// Limits only.
    Off,
}

/// What the child is told of its confinement.
#[derive(Debug, Clone, clap::Args)]
pub struct Confinement {
    /// How much of it there must be.
    #[arg(long, value_enum)]
    pub sandbox: SandboxMode,
    /// Files and folders that may be read, besides libraries.
    #[arg(long, value_name = "PATH")]
    pub readable: Vec<PathBuf>,
    /// Cap on this process's address space.
    #[arg(long, value_name = "N")]
    pub address_space_bytes: u64,
    /// The folder that files may be written into. Whoever writes may read the system's fonts, too.
    #[arg(long, value_name = "DIR")]
    pub writable: Option<PathBuf>,
    /// Cap on each file that is written.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub file_bytes: u64,
}

/// Where ffmpeg is, as it would be found; the file that a confined process may run.
pub fn ffmpeg() -> Option<PathBuf> {
    files::programs().into_iter().next()
}

/// Confines this process, which must have one thread only, for good. Says what of it the kernel lacks.
pub fn confine(confinement: &Confinement, library: Option<&Path>) -> anyhow::Result<Vec<String>> {
    limits::set(confinement.address_space_bytes, confinement.file_bytes)?;
    if confinement.sandbox == SandboxMode::Off {
        return Ok(Vec::new());
    }
    let programs = files::programs();
    // In this order: seccomp denies what Landlock is set with.
    let files = files::confine(confinement, library, &programs)?;
    let system_calls = system_calls::confine(!programs.is_empty(), confinement.writable.is_some())?;
    Ok(files.into_iter().chain(system_calls).collect())
}
