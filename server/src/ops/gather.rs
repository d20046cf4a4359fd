//! What operators see, read from the backend. Each part by itself: when one does not answer, the others are told.

use std::collections::HashMap;
use std::time::Duration;

use app::ops::{Age, Jobs, Letter, Overview, Queue, TaskRun, Work, Worker};
use backend::{DeadLetter, JobCounts, Listing, QueueStats, WorkerRecord};
use domain::{Job, JobId, JobMessage, JobStatus, WallTime};
use futures::StreamExt as _;
use futures::stream;
use tokio::time::{Instant, timeout};

use super::SeenLetters;
use crate::Server;
use crate::error::causes;

/// What takes longer is not known. Going through the letters of SQS takes up to 15 s.
const PATIENCE: Duration = Duration::from_secs(8);
const PATIENCE_WITH_LETTERS: Duration = Duration::from_secs(18);

/// Jobs of a status that are looked at.
const LISTED: usize = 200;

/// Letters that are shown; `GET /api/v1/dead-letters` tells more.
const LETTERS: usize = 50;

/// Letters are read anew when their number changes, or after this time; sooner when others held some of them back.
const LETTERS_FRESH: Duration = Duration::from_secs(60);
const SOME_LETTERS_FRESH: Duration = Duration::from_secs(15);

/// Jobs of letters that are asked for at once.
const ASKED_AT_ONCE: usize = 8;

pub async fn read(server: &Server, seen: &mut Option<SeenLetters>) -> Overview {
    let store = &server.backend.store;
    let listed = |status| {
        let listing = Listing { status: Some(status), limit: LISTED, cursor: None };
        async move { store.recent(&listing).await.map(|page| page.jobs) }
    };
    let (queue, counts, queued, running, workers, turns) = tokio::join!(
        known("the queue", PATIENCE, server.backend.queue.stats()),
        known("the number of jobs", PATIENCE, store.counts()),
        known("queued jobs", PATIENCE, listed(JobStatus::Queued)),
        known("running jobs", PATIENCE, listed(JobStatus::Running)),
        known("workers", PATIENCE, store.workers()),
        known("periodic tasks", PATIENCE, store.turns()),
    );
    let dead_letters = match &queue {
        Some(stats) => letters(server, stats.dead, seen).await,
        None => None,
    };
    let read_at = WallTime::now();
    let mut running = works(server, running.unwrap_or_default()).await;
    let workers = workers
        .map(|workers| workers.into_iter().map(|record| worker(record, &mut running)).collect::<Vec<_>>());
    let mut untold: Vec<Work> = running.into_values().collect();
    untold.sort_by_key(|work| (work.started_at, work.job));
    Overview {
        read_at,
        queue: queue.as_ref().map(queue_of),
        jobs: counts.map(|counts| jobs_of(counts, queued.as_deref(), read_at)),
        workers,
        untold,
        day: server.ops.ended.day(read_at),
        dead_letters,
        tasks: turns.map(|turns| {
            turns.into_iter().map(|turn| TaskRun { task: turn.task, last_run_at: turn.taken_at }).collect()
        }),
    }
}

/// What was read, or nothing and a line in the log.
async fn known<T>(
    what: &'static str,
    patience: Duration,
    reading: impl Future<Output = backend::Result<T>>,
) -> Option<T> {
    let error = match timeout(patience, reading).await {
        Ok(Ok(value)) => return Some(value),
        Ok(Err(error)) => causes(&error),
        Err(_) => "it took too long".to_owned(),
    };
    tracing::warn!(error, what, "operators are told that it is not known");
    None
}

fn queue_of(stats: &QueueStats) -> Queue {
    Queue {
        waiting: stats.visible,
        delayed: stats.delayed,
        in_flight: stats.in_flight,
        dead_letters: stats.dead,
        oldest_age_ms: stats.oldest_age.map(|age| millis(age.as_millis())),
    }
}

/// `queued` are the newest ones; `None`: they are not known.
fn jobs_of(counts: JobCounts, queued: Option<&[Job]>, now: WallTime) -> Jobs {
    // One that was begun, or retried, is older than its waiting.
    let waiting = queued.unwrap_or_default().iter().filter(|job| job.attempt == 0);
    let oldest = waiting.map(|job| job.created_at).min();
    let oldest_waiting = oldest.map(|oldest| Age {
        ms: millis(now.duration_since(oldest).as_millis()),
        is_at_least: queued.is_some_and(|queued| queued.len() >= LISTED),
    });
    let JobCounts { queued, running, completed, failed, cancelled } = counts;
    Jobs { queued, running, completed, failed, cancelled, oldest_waiting }
}

/// Running jobs, with what was heard of them since they were stored.
async fn works(server: &Server, running: Vec<Job>) -> HashMap<JobId, Work> {
    let mut works = HashMap::new();
    for stored in running {
        let heard = server.hub.known_job(stored.id).await.filter(|heard| heard.version > stored.version);
        let (status, progress) = match heard {
            Some(heard) => (heard.status, heard.progress),
            None => (stored.status, stored.progress),
        };
        // The listing is a little late.
        if status != JobStatus::Running {
            continue;
        }
        let work = Work {
            job: stored.id,
            title: stored.spec.title,
            stage: progress.stage,
            progress: progress.fraction,
            eta_ms: progress.eta_ms,
            attempt: stored.attempt,
            started_at: stored.started_at,
        };
        works.insert(stored.id, work);
    }
    works
}

/// Takes the worker's jobs out of those that run.
fn worker(record: WorkerRecord, running: &mut HashMap<JobId, Work>) -> Worker {
    let jobs = record.jobs.iter().filter_map(|job| running.remove(job)).collect();
    let WorkerRecord { id, host, pid, version, mode, engine, model, slots, started_at, told_at, .. } = record;
    Worker { id, host, pid, version, mode, engine, model, slots, started_at, told_at, jobs }
}

async fn letters(server: &Server, number: u64, seen: &mut Option<SeenLetters>) -> Option<Vec<Letter>> {
    if number == 0 {
        *seen = None;
        return Some(Vec::new());
    }
    if let Some(seen) = seen {
        let is_whole = seen.letters.len() as u64 >= number.min(LETTERS as u64);
        let fresh = if is_whole { LETTERS_FRESH } else { SOME_LETTERS_FRESH };
        if seen.number == number && seen.at.elapsed() < fresh {
            return Some(seen.letters.clone());
        }
    }
    let read = server.backend.queue.dead_letters(LETTERS);
    let letters = known("dead letters", PATIENCE_WITH_LETTERS, read).await?;
    let letters: Vec<Letter> =
        stream::iter(letters).map(|letter| shown(server, letter)).buffered(ASKED_AT_ONCE).collect().await;
    *seen = Some(SeenLetters { at: Instant::now(), number, letters: letters.clone() });
    Some(letters)
}

async fn shown(server: &Server, letter: DeadLetter) -> Letter {
    let DeadLetter { id, body, reason, attempts, buried_at } = letter;
    let job_id = JobMessage::parse(&body).ok().map(|message| message.job);
    let job = match job_id {
        Some(job_id) => known("the job of a dead letter", PATIENCE, server.hub.job(job_id)).await.flatten(),
        None => None,
    };
    let spec = job.map(|job| job.spec);
    let model = spec.as_ref().and_then(|spec| spec.model.clone());
    let language = spec.as_ref().and_then(|spec| spec.language.clone());
    let title = spec.map(|spec| spec.title);
    Letter { id, job: job_id, title, reason, attempts, buried_at, model, language }
}

fn millis(millis: impl TryInto<u64>) -> u64 {
    millis.try_into().unwrap_or_default()
}
