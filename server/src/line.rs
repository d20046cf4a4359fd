//! Where waiting jobs stand, and how long they will wait: by what the jobs before them and the workers tell.
//!
//! **Position.** Fresh jobs are taken in the order in which they were made (nearly so on SQS). A job that somebody
//! retried or a worker gave back comes again at a moment that is not known here: it counts as one before the others and
//! is told no place itself.
//!
//! **Time.** The workers' speed is what the running jobs measure: the remaining time they tell, by the media they have
//! left. Each of them frees a place when it ends. A waiting job takes its length at this speed; where the length is not
//! known, that of the jobs that completed last. What is missing of these is not guessed: then no time is told.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use app::api::Place;
use backend::Listing;
use domain::{Job, JobId, JobStatus};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::Server;
use crate::error::causes;

/// However many look at their lists, the store is asked this often at most.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// A longer line is not counted, and nobody in it is told a place.
const LONGEST: usize = 200;

/// Jobs that tell how long media is here.
const COMPLETED: usize = 20;

/// Less media than this that is left says nothing of the speed.
const LEAST_LEFT_MS: u64 = 5_000;

/// As it was counted last. Whoever asks meanwhile waits for the one who counts.
#[derive(Default)]
pub struct Line(Mutex<Option<(Instant, Arc<Counted>)>>);

/// The line at one moment; empty where nothing is known.
#[derive(Default)]
pub struct Counted {
    /// Those that waited, with a place or without. `None`: too many to count.
    waiting: Option<HashSet<JobId>>,
    places: HashMap<JobId, Place>,
}

impl Counted {
    pub fn place(&self, job: &Job) -> Option<Place> {
        self.places.get(&job.id).copied().filter(|_| job.status == JobStatus::Queued)
    }

    /// Nobody joined the line since.
    fn has(&self, jobs: &[JobId]) -> bool {
        self.waiting.as_ref().is_none_or(|waiting| jobs.iter().all(|job| waiting.contains(job)))
    }
}

impl Server {
    /// The line that these jobs wait in.
    pub async fn line_of(&self, jobs: &[JobId]) -> Arc<Counted> {
        if jobs.is_empty() {
            return Arc::default();
        }
        let mut last = self.line.0.lock().await;
        if let Some((at, counted)) = last.as_ref() {
            // Each job that joins is counted once, when it is asked about first.
            if at.elapsed() < FRESH_FOR && counted.has(jobs) {
                return counted.clone();
            }
        }
        let counted = self.count_line().await.unwrap_or_else(|error| {
            tracing::warn!(error = %causes(&error), "who waits how long is not known");
            Counted::default()
        });
        let counted = Arc::new(counted);
        *last = Some((Instant::now(), counted.clone()));
        counted
    }

    async fn count_line(&self) -> backend::Result<Counted> {
        let of = |status, limit| Listing { status: Some(status), limit, cursor: None };
        let store = &self.backend.store;
        let queued = store.recent(&of(JobStatus::Queued, LONGEST)).await?;
        if queued.cursor.is_some() {
            return Ok(Counted::default());
        }
        let stored = store.recent(&of(JobStatus::Running, LONGEST)).await?.jobs;
        let mut running = Vec::new();
        for job in stored {
            // What is heard is newer than what is stored.
            running.push(self.hub.known_job(job.id).await.unwrap_or(job));
        }
        let completed = store.recent(&of(JobStatus::Completed, COMPLETED)).await?.jobs;
        let waiting = queued.jobs.iter().map(|job| job.id).collect();
        Ok(Counted { waiting: Some(waiting), places: places(&queued.jobs, &running, &completed) })
    }
}

/// `queued` are all that wait, the newest first.
fn places(queued: &[Job], running: &[Job], completed: &[Job]) -> HashMap<JobId, Place> {
    let is_fresh = |job: &&Job| job.attempt == 0 && job.run == 0;
    let usual_ms = mean(completed.iter().filter_map(|job| job.progress.duration_ms));
    let factor = real_time_factor(running);
    let mut free_at = workers(running, usual_ms, factor);

    let again = queued.iter().filter(|job| !is_fresh(job));
    let line = again.chain(queued.iter().filter(is_fresh).rev());
    let mut places = HashMap::new();
    for (position, job) in (1..).zip(line) {
        let next = free_at.iter_mut().flatten().min();
        let wait_ms = next.as_deref().copied();
        if is_fresh(&job) {
            places.insert(job.id, Place { position, wait_ms });
        }
        let takes_ms = takes_ms(job.progress.duration_ms.or(usual_ms), factor);
        match (next, takes_ms) {
            (Some(next), Some(takes_ms)) => *next += takes_ms,
            // From here on nothing is known.
            _ => free_at = None,
        }
    }
    places
}

/// When each worker is done with what it has; `None` where nobody can say.
fn workers(running: &[Job], usual_ms: Option<u64>, factor: Option<f64>) -> Option<Vec<u64>> {
    let left =
        |job: &Job| job.progress.eta_ms.or_else(|| takes_ms(job.progress.duration_ms.or(usual_ms), factor));
    let left: Option<Vec<u64>> = running.iter().map(left).collect();
    left.filter(|left| !left.is_empty())
}

fn real_time_factor(running: &[Job]) -> Option<f64> {
    let mut left_ms = 0;
    let mut takes_ms = 0;
    for job in running {
        let progress = &job.progress;
        if let (Some(duration_ms), Some(eta_ms)) = (progress.duration_ms, progress.eta_ms) {
            left_ms += duration_ms.saturating_sub(progress.transcribed.0);
            takes_ms += eta_ms;
        }
    }
    (left_ms >= LEAST_LEFT_MS).then(|| takes_ms as f64 / left_ms as f64)
}

fn takes_ms(duration_ms: Option<u64>, factor: Option<f64>) -> Option<u64> {
    Some((duration_ms? as f64 * factor?) as u64)
}

fn mean(values: impl Iterator<Item = u64>) -> Option<u64> {
    let (mut sum, mut count) = (0u64, 0u64);
    for value in values {
        sum = sum.saturating_add(value);
        count += 1;
    }
    sum.checked_div(count)
}

#[cfg(test)]
mod tests {
    use domain::{JobSpec, Timestamp, WallTime};

    use super::*;

    fn job(number: u128, duration_ms: Option<u64>) -> Job {
        let spec = JobSpec::link("http://media.test/a", &Default::default()).unwrap();
        let mut job = Job::queued(JobId::from_bits(number), spec, WallTime::UNIX_EPOCH, WallTime::MAX);
        job.progress.duration_ms = duration_ms;
        job
    }

    /// Half of a minute is heard, at half of real time.
    fn running(number: u128, eta_ms: Option<u64>) -> Job {
        let mut job = job(number, Some(60_000));
        job.progress.eta_ms = eta_ms;
        job.progress.transcribed = Timestamp(30_000);
        job
    }

    #[track_caller]
    fn check(queued: &[Job], running: &[Job], completed: &[Job], expect: &[(u128, u32, Option<u64>)]) {
        let mut told: Vec<_> = places(queued, running, completed).into_iter().collect();
        told.sort_by_key(|(_, place)| place.position);
        let expect = expect.iter().map(|(number, position, wait_ms)| {
            (JobId::from_bits(*number), Place { position: *position, wait_ms: *wait_ms })
        });
        assert_eq!(told, expect.collect::<Vec<_>>());
    }

    #[test]
    fn the_oldest_is_next_and_each_waits_for_those_before_it() {
        let queued = [job(3, None), job(2, Some(20_000)), job(1, None)];
        let one = [running(9, Some(15_000))];
        check(
            &queued,
            &one,
            &[job(8, Some(100_000))],
            &[(1, 1, Some(15_000)), (2, 2, Some(65_000)), (3, 3, Some(75_000))],
        );
        let two = [running(9, Some(15_000)), running(10, Some(15_000))];
        check(
            &queued,
            &two,
            &[job(8, Some(100_000))],
            &[(1, 1, Some(15_000)), (2, 2, Some(15_000)), (3, 3, Some(25_000))],
        );
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let queued = [job(2, None), job(1, None)];
        // Nobody works, or nobody knows yet how fast.
        check(&queued, &[], &[job(8, Some(1_000))], &[(1, 1, None), (2, 2, None)]);
        check(&queued, &[running(9, None)], &[job(8, Some(1_000))], &[(1, 1, None), (2, 2, None)]);
        // How long the first one is.
        check(&queued, &[running(9, Some(15_000))], &[], &[(1, 1, Some(15_000)), (2, 2, None)]);
        check(&[], &[running(9, Some(15_000))], &[], &[]);
    }

    #[test]
    fn a_job_that_comes_again_counts_and_is_told_no_place() {
        let again = Job { attempt: 1, ..job(2, Some(10_000)) };
        let queued = [job(3, None), again, job(1, None)];
        let one = [running(9, Some(15_000))];
        check(&queued, &one, &[job(8, Some(20_000))], &[(1, 2, Some(20_000)), (3, 3, Some(30_000))]);
    }
}
