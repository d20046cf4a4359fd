//! How the last hour went, and what waits.

use std::collections::BTreeMap;
use std::time::Duration;

use backend::QueueStats;
use domain::{Failure, Job, JobStatus, WallTime};
use serde::Serialize;

use crate::process::Worker;

/// The time that is counted.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Jobs counted at most: reading them costs.
const LIMIT: usize = 10_000;

/// Counts of the jobs that ended in the last hour, and of the queue now.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Statistics {
    pub completed: usize,
    pub failed: usize,
    pub cancelled: usize,
    /// By the codes of their failures.
    pub failures: BTreeMap<String, usize>,
    /// Length of the media of completed jobs.
    pub media_minutes: f64,
    /// Half of the completed jobs took less, from their creation to their end, and so waited and worked.
    pub median_turnaround_ms: Option<u64>,
    /// Working time by length of media, of what this worker did since it was asked last.
    pub real_time_factor: Option<f64>,
    pub waiting: u64,
    pub in_flight: u64,
    pub delayed: u64,
    pub dead_letters: u64,
    pub oldest_age_ms: Option<u64>,
    /// More jobs ended than are counted.
    pub is_truncated: bool,
}

pub async fn run(worker: &Worker) -> anyhow::Result<Statistics> {
    let since = WallTime::now() - HOUR;
    let jobs = worker.backend.store.finished_since(since, LIMIT).await?;
    let queue = worker.backend.queue.stats().await?;
    let statistics = Statistics { real_time_factor: worker.speed.take(), ..count(&jobs, &queue) };
    tracing::info!(
        completed = statistics.completed,
        failed = statistics.failed,
        cancelled = statistics.cancelled,
        failures = ?statistics.failures,
        media_minutes = statistics.media_minutes,
        median_turnaround_ms = statistics.median_turnaround_ms,
        rtf = statistics.real_time_factor,
        queue.waiting = statistics.waiting,
        queue.in_flight = statistics.in_flight,
        queue.delayed = statistics.delayed,
        queue.dead_letters = statistics.dead_letters,
        queue.oldest_age_ms = statistics.oldest_age_ms,
        is_truncated = statistics.is_truncated,
        "statistics of the last hour",
    );
    Ok(statistics)
}

fn count(jobs: &[Job], queue: &QueueStats) -> Statistics {
    let mut statistics = Statistics {
        waiting: queue.visible,
        in_flight: queue.in_flight,
        delayed: queue.delayed,
        dead_letters: queue.dead,
        oldest_age_ms: queue.oldest_age.map(|age| age.as_millis() as u64),
        is_truncated: jobs.len() >= LIMIT,
        ..Statistics::default()
    };
    let mut media_ms = 0;
    let mut turnarounds_ms = Vec::new();
    for job in jobs {
        match job.status {
            JobStatus::Completed => {
                statistics.completed += 1;
                media_ms += job.progress.duration_ms.unwrap_or(0);
                let turnaround = job.finished_at.map(|end| end.duration_since(job.created_at).as_millis());
                turnarounds_ms.push(u64::try_from(turnaround.unwrap_or(0)).unwrap_or(0));
            }
            JobStatus::Failed => {
                statistics.failed += 1;
                let code = job.failure.as_ref().map_or("unknown", Failure::code);
                *statistics.failures.entry(code.to_owned()).or_default() += 1;
            }
            JobStatus::Cancelled => statistics.cancelled += 1,
            JobStatus::Queued | JobStatus::Running => {}
        }
    }
    turnarounds_ms.sort_unstable();
    statistics.median_turnaround_ms = turnarounds_ms.get(turnarounds_ms.len() / 2).copied();
    statistics.media_minutes = (media_ms as f64 / 6_000.0).round() / 10.0;
    statistics
}

#[cfg(test)]
mod tests {
    use domain::{JobId, JobSpec, Profile, Source, Task};

    use super::*;

    #[test]
    fn jobs_are_counted_by_how_they_ended() {
        let job = |status, failure: Option<Failure>, took_s: u64, media_ms: Option<u64>| {
            let spec = JobSpec {
                source: Source::Link { url: "http://media.test/talk.mp4".into() },
                language: None,
                task: Task::Transcribe,
                model: None,
                profile: Profile::default(),
                title: String::new(),
                translation_of: None,
                video: None,
            };
            let begin = WallTime::UNIX_EPOCH;
            let mut job = Job::queued(JobId::from_bits(1), spec, begin, begin);
            (job.status, job.failure, job.progress.duration_ms) = (status, failure, media_ms);
            job.finished_at = Some(begin + Duration::from_secs(took_s));
            job
        };
        let jobs = [
            job(JobStatus::Completed, None, 10, Some(60_000)),
            job(JobStatus::Completed, None, 30, Some(90_000)),
            job(JobStatus::Completed, None, 20, None),
            job(JobStatus::Failed, Some(Failure::GaveUp), 5, Some(1)),
            job(JobStatus::Failed, Some(Failure::MediaNotFound), 5, None),
            job(JobStatus::Failed, Some(Failure::GaveUp), 5, None),
            job(JobStatus::Cancelled, None, 5, None),
        ];
        let queue = QueueStats { visible: 4, dead: 1, oldest_age: Some(HOUR), ..QueueStats::default() };
        let failures = [(Failure::GaveUp.code(), 2), (Failure::MediaNotFound.code(), 1)];
        let expect = Statistics {
            completed: 3,
            failed: 3,
            cancelled: 1,
            failures: failures.map(|(code, count)| (code.to_owned(), count)).into(),
            media_minutes: 2.5,
            median_turnaround_ms: Some(20_000),
            waiting: 4,
            dead_letters: 1,
            oldest_age_ms: Some(3_600_000),
            ..Statistics::default()
        };
        assert_eq!(count(&jobs, &queue), expect);
        assert_eq!(count(&[], &QueueStats::default()), Statistics::default());
    }
}
