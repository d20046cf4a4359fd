//! The media port: uploads and fetched files, one per job.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::JobId;

use crate::Result;

/// Holds at most one media file per job. A file appears whole or not at all.
#[async_trait]
pub trait MediaStore: Send + Sync {
    /// Streams a new file in; nothing is visible before [`MediaWriter::finish`]. Memory use does not depend on
    /// the file's size.
    async fn write(&self, job: JobId) -> Result<Box<dyn MediaWriter>>;

    /// Takes over a local file (it is moved where that is possible, and gone from `path` afterwards).
    async fn adopt(&self, job: JobId, path: &Path) -> Result<()>;

    /// Gives job `to` the file of job `from` too, without moving it over the network. False: there is none. Each can be
    /// deleted without the other.
    async fn link(&self, from: JobId, to: JobId) -> Result<bool>;

    /// Where the file can be read; `None` if there is none.
    async fn locate(&self, job: JobId) -> Result<Option<MediaLocation>>;

    /// Where all files lie that [`locate`](MediaStore::locate) tells of, for whoever confines who reads them.
    fn folder(&self) -> &Path;

    /// Deleting what is gone is success.
    async fn delete(&self, job: JobId) -> Result<()>;

    /// Some of the jobs whose media is older than `age`, at most `limit`, others each time: for who looks whether
    /// the jobs are still there.
    async fn sample(&self, age: Duration, limit: usize) -> Result<Vec<JobId>>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaLocation {
    /// Readable in place by this process and its children.
    File(PathBuf),
}

/// An upload on its way. Dropped unfinished, it leaves nothing behind.
#[async_trait]
pub trait MediaWriter: Send {
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Makes the file visible; says its size in bytes.
    async fn finish(self: Box<Self>) -> Result<u64>;

    async fn abort(self: Box<Self>) -> Result<()>;
}
