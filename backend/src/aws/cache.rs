//! Copies of media on this machine, named by job and entity tag, so that a copy is never out of date.
//!
//! The folder may be shared by server and workers. The copies used least recently go when it grows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use domain::JobId;
use tokio::task::spawn_blocking;

use super::item::token;
use crate::{BackendError, Result};

/// Above this the oldest go.
const MOST_BYTES: u64 = 20 << 30;

/// A copy located so recently may not be opened yet. Open ones survive their removal anyway.
const IN_USE: Duration = Duration::from_secs(10 * 60);

pub struct Cache {
    folder: PathBuf,
    /// One fetch for each job at a time: a player asks for many ranges at once.
    fetching: Mutex<HashMap<JobId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Cache {
    pub async fn open(folder: PathBuf) -> Result<Cache> {
        let create = move || {
            fs::create_dir_all(&folder)?;
            folder.canonicalize()
        };
        let folder = spawn_blocking(create).await?.map_err(|error: io::Error| BackendError::from(error))?;
        Ok(Cache { folder, fetching: Mutex::default() })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn path(&self, job: JobId, e_tag: &str) -> PathBuf {
        // An entity tag may hold anything; only its letters and digits matter.
        let e_tag: String = e_tag.chars().filter(|sign| sign.is_ascii_alphanumeric()).take(64).collect();
        self.folder.join(format!("{job}-{e_tag}"))
    }

    /// The copy of `bytes` bytes; fetched into the path it gives to `fetch`, if it is not there.
    pub async fn get(
        &self,
        job: JobId,
        e_tag: &str,
        bytes: u64,
        fetch: impl AsyncFnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let path = self.path(job, e_tag);
        let turn =
            self.fetching.lock().unwrap_or_else(PoisonError::into_inner).entry(job).or_default().clone();
        let guard = turn.lock().await;
        let found = touch(&path, bytes);
        let got = match found {
            true => Ok(path),
            false => self.fetch(&path, bytes, fetch).await,
        };
        drop(guard);
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours and the map's: nobody else waits.
        if Arc::strong_count(&turn) <= 2 {
            fetching.remove(&job);
        }
        got
    }

    async fn fetch(
        &self,
        path: &Path,
        bytes: u64,
        fetch: impl AsyncFnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let folder = self.folder.clone();
        spawn_blocking(move || make_room(&folder, bytes)).await?;
        let part = Part(self.folder.join(format!("{}.part", token())));
        fetch(&part.0).await?;
        tokio::fs::rename(&part.0, path).await?;
        Ok(path.to_path_buf())
    }

    /// Removes the copies of a job.
    pub fn forget(&self, job: JobId) {
        let prefix = format!("{job}-");
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                remove(&entry.path());
            }
        }
    }
}

/// A file on its way; gone when its fetch ends without it having got its name.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // Renamed, most of the time.
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether the copy is there; marks it as used now.
fn touch(path: &Path, bytes: u64) -> bool {
    let Ok(file) = fs::File::open(path) else { return false };
    let is_whole = file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes);
    if is_whole && let Err(error) = file.set_modified(SystemTime::now()) {
        tracing::warn!(error = &error as &dyn std::error::Error, "a copy of media was not marked as used");
    }
    is_whole
}

fn make_room(folder: &Path, bytes: u64) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let copies = entries.flatten().filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len(), entry.path()))
    });
    let mut copies: Vec<(SystemTime, u64, PathBuf)> = copies.collect();
    copies.sort();
    let mut total = bytes + copies.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
    for (used, bytes, path) in copies {
        let is_in_use = used.elapsed().is_ok_and(|age| age < IN_USE);
        if total <= MOST_BYTES || is_in_use {
            break;
        }
        remove(&path);
        total -= bytes;
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "a copy of media was not removed");
    }
}
