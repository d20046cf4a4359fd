//! What this worker tells of itself, for operators to read: at its start, every half minute, and when it stops.
//!
//! Beside the work and never in its way: a job costs the store nothing more for it.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backend::WorkerRecord;
use domain::{JobId, WallTime};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::process::Worker;

/// One write to the store in this time.
const EVERY: Duration = Duration::from_secs(30);

/// Three in a row may be lost.
const KEPT: Duration = Duration::from_secs(2 * 60);

/// How a worker gets its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Pull,
    Push,
}

/// The jobs that are worked on right now.
#[derive(Debug, Default)]
pub struct AtWork(Mutex<Vec<JobId>>);

/// One of them, until it is dropped.
pub struct Entry<'a> {
    at_work: &'a AtWork,
    job: JobId,
}

impl AtWork {
    pub fn enter(&self, job: JobId) -> Entry<'_> {
        self.lock().push(job);
        Entry { at_work: self, job }
    }

    pub fn jobs(&self) -> Vec<JobId> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JobId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut jobs = self.at_work.lock();
        if let Some(index) = jobs.iter().position(|job| *job == self.job) {
            jobs.swap_remove(index);
        }
    }
}

/// Tells until `shutdown` is cancelled.
pub async fn keep(worker: Arc<Worker>, mode: Mode, shutdown: CancellationToken) {
    let mut record = record_of(&worker, mode);
    let store = &worker.backend.store;
    let mut is_told = true;
    loop {
        record.jobs = worker.at_work.jobs();
        record.told_at = WallTime::now();
        record.expires_at = record.told_at + KEPT;
        match timeout(EVERY, store.tell_worker(&record)).await {
            Ok(Ok(())) => is_told = true,
            // Once for each time that it begins: the store's trouble shows where it matters.
            Ok(Err(error)) if is_told => {
                tracing::warn!(error = &error as &dyn StdError, "operators are not told of this worker");
                is_told = false;
            }
            Ok(Err(_)) | Err(_) => is_told = false,
        }
        if shutdown.run_until_cancelled(sleep(EVERY)).await.is_none() {
            break;
        }
    }
    // What is not forgotten now is past its time soon.
    match timeout(worker.config.limits.give_back, store.forget_worker(&record.id)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(error = &error as &dyn StdError, "operators see this worker a while longer");
        }
        Err(_) => tracing::debug!("operators see this worker a while longer"),
    }
}

fn record_of(worker: &Worker, mode: Mode) -> WorkerRecord {
    let config = &worker.config;
    let now = WallTime::now();
    WorkerRecord {
        id: format!("{:016x}", rand::random::<u64>()),
        host: host(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mode: match mode {
            Mode::Pull => "pull",
            Mode::Push => "push",
        }
        .to_owned(),
        engine: match config.engine.ctranslate2 {
            Some(_) => "CTranslate2",
            None => "whisper.cpp",
        }
        .to_owned(),
        model: config.model.clone(),
        slots: u32::try_from(config.slots).unwrap_or(u32::MAX),
        jobs: Vec::new(),
        started_at: now,
        told_at: now,
        expires_at: now + KEPT,
    }
}

/// The name of this machine; empty where there is none.
pub fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_at_work_until_its_entry_is_dropped() {
        let at_work = AtWork::default();
        let [one, two] = [1, 2].map(JobId::from_bits);
        let first = at_work.enter(one);
        let _second = at_work.enter(two);
        // The same job may be taken again before its first attempt has let go.
        let _again = at_work.enter(one);
        drop(first);
        let mut jobs = at_work.jobs();
        jobs.sort();
        assert_eq!(jobs, [one, two]);
    }
}
