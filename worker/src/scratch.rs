//! Folders for files on their way, that no crash leaves behind for ever.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const PREFIX: &str = "worker-";
const LOCK: &str = "lock";

/// This process's own folder inside the scratch folder. Gone when dropped; after a kill, the next worker that
/// starts removes it.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    /// Locked while this process lives, however it ends: so a stale folder is told from a living one.
    _lock: File,
}

impl Scratch {
    /// Makes this process's folder inside `root`, after removing those of dead workers.
    pub fn open(root: &Path) -> io::Result<Scratch> {
        fs::create_dir_all(root)?;
        // One start at a time: a folder that is not locked yet looks stale.
        let starting = File::create(root.join(LOCK))?;
        starting.lock()?;
        remove_stale(root)?;
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(root)?;
        let lock = File::create(folder.path().join(LOCK))?;
        lock.try_lock()?;
        Ok(Scratch { folder, _lock: lock })
    }

    /// A fresh folder for one attempt, removed with what is in it when dropped.
    pub fn attempt(&self) -> io::Result<TempDir> {
        tempfile::Builder::new().prefix("job-").tempdir_in(self.folder.path())
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

/// Removes the folders of dead workers inside `root`; says how many.
pub fn sweep(root: &Path) -> io::Result<usize> {
    let starting = File::create(root.join(LOCK))?;
    starting.lock()?;
    remove_stale(root)
}

fn remove_stale(root: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        match remove_if_stale(&path) {
            Ok(is_removed) => removed += usize::from(is_removed),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "could not remove a stale scratch folder");
            }
        }
    }
    Ok(removed)
}

/// Removes a folder of ours whose process is dead; says whether it was one.
fn remove_if_stale(path: &Path) -> io::Result<bool> {
    let is_ours =
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX));
    if !is_ours {
        return Ok(false);
    }
    // Without a lock file its process died while it made it.
    let is_alive = File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
    if is_alive {
        return Ok(false);
    }
    fs::remove_dir_all(path)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_go_and_those_of_the_living_stay() {
        let root = tempfile::tempdir().unwrap();
        let living = Scratch::open(root.path()).unwrap();
        let dead = root.path().join("worker-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("media"), "half a file").unwrap();
        let foreign = root.path().join("something else");
        fs::create_dir(&foreign).unwrap();

        let next = Scratch::open(root.path()).unwrap();
        assert!(living.path().exists());
        assert!(next.path().exists());
        assert!(!dead.exists());
        assert!(foreign.exists());

        let path = living.path();
        drop(living);
        assert!(!path.exists());
    }

    #[test]
    fn an_attempt_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(root.path()).unwrap();
        let attempt = scratch.attempt().unwrap();
        fs::write(attempt.path().join("media"), "bytes").unwrap();
        let path = attempt.path().to_owned();
        drop(attempt);
        assert!(!path.exists());
    }
}
