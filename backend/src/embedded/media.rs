//! Media in a folder, one file for each job, named by its id.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use async_trait::async_trait;
use bytes::Bytes;
use domain::JobId;
use object_store::local::LocalFileSystem;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use tokio::io::AsyncReadExt;
use tokio::task::spawn_blocking;

use super::error::OpenError;
use crate::{MediaLocation, MediaStore, MediaWriter, Result};

/// Bytes gathered before they go to the disk: bodies come in pieces of a few kilobytes.
const PART_BYTES: usize = 1 << 20;

/// A part that nobody wrote to for this long has no writer any more, and a file no job on its way.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

pub struct EmbeddedMedia {
    folder: PathBuf,
    files: Arc<LocalFileSystem>,
}

impl EmbeddedMedia {
    /// Opens the folder and drops what crashed processes left in it: unfinished uploads, and files whose job was
    /// never made or is gone. Blocks.
    pub fn open(folder: &Path, has_job: impl Fn(JobId) -> Result<bool>) -> Result<EmbeddedMedia> {
        let unusable = |source| OpenError::Folder { path: folder.to_path_buf(), source };
        for path in older_files(folder, STALE).map_err(unusable)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_left_over = match name.parse() {
                Ok(job) => !has_job(job)?,
                // Unfinished uploads are named `<job>#<number>` by `object_store`. Anything else is not ours.
                Err(_) => name.contains('#'),
            };
            if is_left_over && let Err(error) = fs::remove_file(&path) {
                // Another process that starts now may have been faster; the file does no harm.
                tracing::warn!(error = &error as &dyn std::error::Error, "a stale file was not removed");
            }
        }
        let files = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(EmbeddedMedia { folder: folder.to_path_buf(), files: Arc::new(files) })
    }

    fn path(&self, job: JobId) -> PathBuf {
        self.folder.join(job.to_string())
    }

    /// For a file on another file system, which cannot be moved, or on one without links.
    async fn copy(&self, job: JobId, path: &Path) -> Result<()> {
        let mut file = tokio::fs::File::open(path).await?;
        let mut writer = self.write(job).await?;
        loop {
            let mut part = Vec::with_capacity(PART_BYTES);
            if (&mut file).take(PART_BYTES as u64).read_to_end(&mut part).await? == 0 {
                break;
            }
            writer.write(part.into()).await?;
        }
        writer.finish().await?;
        Ok(())
    }
}

#[async_trait]
impl MediaStore for EmbeddedMedia {
    async fn write(&self, job: JobId) -> Result<Box<dyn MediaWriter>> {
        let upload = self.files.put_multipart(&object(job)).await?;
        Ok(Box::new(EmbeddedWriter { upload, gathered: Vec::new(), gathered_bytes: 0, total_bytes: 0 }))
    }

    async fn adopt(&self, job: JobId, path: &Path) -> Result<()> {
        let (from, to) = (path.to_path_buf(), self.path(job));
        match spawn_blocking(move || rename_durably(&from, &to)).await? {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                self.copy(job, path).await?;
                Ok(tokio::fs::remove_file(path).await?)
            }
            moved => Ok(moved?),
        }
    }

    async fn link(&self, from: JobId, to: JobId) -> Result<bool> {
        let (file, link) = (self.path(from), self.path(to));
        match spawn_blocking(move || link_durably(&file, &link)).await? {
            Ok(is_there) => Ok(is_there),
            // Not every file system has links.
            Err(_) => self.copy(to, &self.path(from)).await.map(|()| true),
        }
    }

    async fn locate(&self, job: JobId) -> Result<Option<MediaLocation>> {
        let path = self.path(job);
        match tokio::fs::metadata(&path).await {
            Ok(_) => Ok(Some(MediaLocation::File(path))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    async fn sample(&self, age: Duration, limit: usize) -> Result<Vec<JobId>> {
        let folder = self.folder.clone();
        let paths = spawn_blocking(move || older_files(&folder, age)).await??;
        let names = paths.iter().filter_map(|path| path.file_name()?.to_str());
        let mut jobs: Vec<JobId> = names.filter_map(|name| name.parse().ok()).collect();
        jobs.sort_unstable();
        let start = jobs.partition_point(|job| *job < JobId::from_bits(rand::random()));
        jobs.rotate_left(start);
        jobs.truncate(limit);
        Ok(jobs)
    }

    async fn delete(&self, job: JobId) -> Result<()> {
        match self.files.delete(&object(job)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

struct EmbeddedWriter {
    /// Removes its part when it is dropped unfinished.
    upload: Box<dyn MultipartUpload>,
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
    total_bytes: u64,
}

impl EmbeddedWriter {
    async fn put_gathered(&mut self) -> Result<()> {
        self.gathered_bytes = 0;
        let payload: PutPayload = self.gathered.drain(..).collect();
        Ok(self.upload.put_part(payload).await?)
    }
}

#[async_trait]
impl MediaWriter for EmbeddedWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.total_bytes += bytes.len() as u64;
        self.gathered_bytes += bytes.len();
        self.gathered.push(bytes);
        if self.gathered_bytes >= PART_BYTES {
            self.put_gathered().await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<u64> {
        if self.gathered_bytes > 0 {
            self.put_gathered().await?;
        }
        self.upload.complete().await?;
        Ok(self.total_bytes)
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        Ok(self.upload.abort().await?)
    }
}

fn object(job: JobId) -> object_store::path::Path {
    object_store::path::Path::from(job.to_string())
}

/// The content is on the disk before the name is, and the name before this returns.
fn rename_durably(from: &Path, to: &Path) -> io::Result<()> {
    let file = match fs::File::open(from) {
        // The repeat of a move that was done.
        Err(error) if error.kind() == io::ErrorKind::NotFound && to.exists() => return Ok(()),
        file => file?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "only a regular file can be taken over"));
    }
    file.sync_all()?;
    fs::rename(from, to)?;
    let folder = to.parent().expect("media lie in the media folder");
    fs::File::open(folder)?.sync_all()
}

/// False: there is no such file.
fn link_durably(from: &Path, to: &Path) -> io::Result<bool> {
    match fs::File::options().append(true).open(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        // Both names have one age: a new one must not look as if its job was long gone.
        file => file?.set_modified(SystemTime::now())?,
    }
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        // The repeat of a link that was made.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        linked => linked?,
    }
    let folder = to.parent().expect("media lie in the media folder");
    fs::File::open(folder)?.sync_all()?;
    Ok(true)
}

fn older_files(folder: &Path, age: Duration) -> io::Result<Vec<PathBuf>> {
    let mut older = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let modified = entry.metadata().and_then(|file| file.modified());
        let is_older = modified
            .is_ok_and(|modified| SystemTime::now().duration_since(modified).is_ok_and(|found| found >= age));
        if is_older {
            older.push(entry.path());
        }
    }
    Ok(older)
}
