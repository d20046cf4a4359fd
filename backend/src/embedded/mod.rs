//! One SQLite file and one folder: the product on one machine, without an account.
//!
//! Server and workers are several processes on the same file at once. Every write is one short `BEGIN IMMEDIATE`
//! transaction, so nobody ever upgrades a lock; what a process must hear of another's writes it learns from
//! `PRAGMA data_version` (see [`watcher`]).

mod database;
pub mod doctor;
mod error;
mod listing;
mod media;
mod migrations;
mod queue;
mod record;
mod shares;
mod store;
mod topic;
mod turns;
mod watcher;
mod workers;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Backend, Result};
use database::Database;
use error::OpenError;

/// Opens the backend in the folder `data`; creates what is missing, refuses what it does not understand.
pub async fn open(data: &Path, max_receive_count: u32) -> Result<Backend> {
    let data = data.to_path_buf();
    let (database, media) = tokio::task::spawn_blocking(move || open_blocking(&data)).await??;
    Ok(Backend {
        queue: Arc::new(queue::EmbeddedQueue::new(database.clone(), max_receive_count)),
        store: Arc::new(store::EmbeddedStore::new(database.clone())),
        topic: Arc::new(topic::EmbeddedTopic::new(database)),
        media: Arc::new(media),
    })
}

fn open_blocking(data: &Path) -> Result<(Arc<Database>, media::EmbeddedMedia)> {
    let unusable = |source| OpenError::Folder { path: data.to_path_buf(), source };
    let media_folder = data.join("media");
    std::fs::create_dir_all(&media_folder).map_err(unusable)?;
    // An absolute path: the working directory may change, and children get paths from us.
    let data: PathBuf = data.canonicalize().map_err(unusable)?;
    let database = Database::open(&data)?;
    let media = media::EmbeddedMedia::open(&data.join("media"), |job| database.has_job(job))?;
    Ok((Arc::new(database), media))
}

/// Wall-clock time as the database keeps it: microseconds since 1970. Only a wall clock means the same to every
/// process and survives a restart.
fn now_us() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since_epoch.as_micros() as i64
}
