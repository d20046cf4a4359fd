//! Expired jobs, media that no job owns, files of dead workers.

use std::time::Duration;

use backend::Backend;
use serde::Serialize;

use crate::process::Worker;

/// Taken at once.
const BATCH: usize = 200;

/// An upload may wait this long for its job.
const LOST_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cleanup {
    pub expired_jobs: usize,
    /// Media without a job.
    pub media: usize,
    /// Folders of workers that are dead, on this machine.
    pub scratch_folders: usize,
}

pub async fn run(worker: &Worker) -> anyhow::Result<Cleanup> {
    let root = worker.config.scratch.clone();
    let scratch_folders = tokio::task::spawn_blocking(move || crate::scratch::sweep(&root)).await??;
    let expired_jobs = expire(&worker.backend).await?;
    let media = drop_lost_media(&worker.backend).await?;
    let cleanup = Cleanup { expired_jobs, media, scratch_folders };
    tracing::info!(expired_jobs, media, scratch_folders, "cleaned up");
    Ok(cleanup)
}

/// Every job past its time, told to who watches it.
async fn expire(backend: &Backend) -> backend::Result<usize> {
    let mut expired = 0;
    loop {
        let ids = backend.store.expired(BATCH).await?;
        for id in &ids {
            if let Some(event) = backend.remove(*id).await? {
                expired += 1;
                tracing::info!(job.id = %id, "job expired");
                if let Err(error) = backend.topic.publish(&event).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(job.id = %id, error, "the end of a job was not published");
                }
            }
        }
        if ids.len() < BATCH {
            return Ok(expired);
        }
    }
}

/// Some of the media whose job is gone, or was never made: a delete that broke off, an upload that nobody submitted.
async fn drop_lost_media(backend: &Backend) -> backend::Result<usize> {
    let mut dropped = 0;
    for id in backend.media.sample(LOST_AFTER, BATCH).await? {
        if backend.store.get(id).await?.is_none() {
            backend.media.delete(id).await?;
            dropped += 1;
        }
    }
    Ok(dropped)
}
