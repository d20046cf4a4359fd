//! The jobs that ended in the last day, counted. Learned of what the server reads of ended jobs anyway, so it costs
//! the store nothing and is the same on every server, but for the last seconds.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::ops::{Day, FailureCount, Hour};
use domain::{Failure, Job, JobId, JobStatus, WallTime};

const HOUR: Duration = Duration::from_secs(60 * 60);
const HOURS: u32 = 24;

/// Jobs remembered; with more, the oldest hour goes.
const MOST: usize = 100_000;

#[derive(Default)]
pub struct EndedJobs(Mutex<Ended>);

#[derive(Default)]
struct Ended {
    jobs: HashMap<JobId, End>,
    /// Ends before this moment are not all known.
    complete_since: Option<WallTime>,
}

struct End {
    at: WallTime,
    status: JobStatus,
    failure: Option<Failure>,
    media_ms: u64,
    /// How long it took, where that tells how fast the worker is.
    took_ms: Option<u64>,
}

impl EndedJobs {
    /// Learning of a job twice does no harm; one that ended again counts as it ended last.
    pub fn learn(&self, jobs: &[Job]) {
        let mut ended = self.lock();
        let first = first_hour(WallTime::now());
        for job in jobs {
            if let Some(end) = End::of(job).filter(|end| end.at >= first) {
                ended.jobs.insert(job.id, end);
            }
        }
        ended.jobs.retain(|_, end| end.at >= first);
        if ended.jobs.len() > MOST {
            let oldest = ended.jobs.values().map(|end| end.at).min().unwrap_or(first);
            let since = oldest.checked_add(HOUR).unwrap_or(oldest);
            ended.jobs.retain(|_, end| end.at >= since);
            ended.complete_since = Some(since);
        }
    }

    /// There are ends before those that were learned so far, and they will not be read.
    pub fn miss_earlier(&self) {
        let mut ended = self.lock();
        ended.complete_since = ended.jobs.values().map(|end| end.at).min();
    }

    pub fn day(&self, now: WallTime) -> Day {
        let ended = self.lock();
        let first = first_hour(now);
        let mut hours = vec![Sum::default(); HOURS as usize];
        let mut day = Sum::default();
        let mut failures: BTreeMap<&str, FailureCount> = BTreeMap::new();
        for end in ended.jobs.values() {
            let hour = usize::try_from((end.at.as_second() - first.as_second()).div_euclid(3600));
            let Some(hour) = hour.ok().and_then(|hour| hours.get_mut(hour)) else { continue };
            hour.add(end);
            day.add(end);
            if let Some(failure) = &end.failure {
                let code = failure.code();
                let fresh = || FailureCount { code: code.to_owned(), message: failure.message(), count: 0 };
                failures.entry(code).or_insert_with(fresh).count += 1;
            }
        }
        let mut failures: Vec<FailureCount> = failures.into_values().collect();
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
        let hours = hours.iter().zip(0..).map(|(sum, number): (&Sum, u32)| Hour {
            begin: first + HOUR * number,
            completed: sum.completed,
            failed: sum.failed,
            cancelled: sum.cancelled,
            media_ms: sum.media_ms,
            real_time_factor: sum.real_time_factor(),
        });
        Day {
            completed: day.completed,
            failed: day.failed,
            cancelled: day.cancelled,
            media_ms: day.media_ms,
            real_time_factor: day.real_time_factor(),
            failures,
            hours: hours.collect(),
            complete_since: ended.complete_since.filter(|since| *since > first),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ended> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    fn of(job: &Job) -> Option<End> {
        let at = job.finished_at?;
        let media_ms = job.progress.duration_ms.unwrap_or(0);
        let is_straight = job.status == JobStatus::Completed && job.failures == 0 && job.crashes == 0;
        let took_ms = job.started_at.filter(|_| is_straight && media_ms > 0).and_then(|start| {
            // Clocks of machines differ: what ended before it began tells nothing.
            u64::try_from(at.as_millisecond() - start.as_millisecond()).ok().filter(|took| *took > 0)
        });
        Some(End { at, status: job.status, failure: job.failure.clone(), media_ms, took_ms })
    }
}

#[derive(Clone, Default)]
struct Sum {
    completed: u64,
    failed: u64,
    cancelled: u64,
    media_ms: u64,
    took_ms: u64,
    /// Length of the media that it took this time for.
    heard_ms: u64,
}

impl Sum {
    fn add(&mut self, end: &End) {
        match end.status {
            JobStatus::Completed => {
                self.completed += 1;
                self.media_ms += end.media_ms;
            }
            JobStatus::Failed => self.failed += 1,
            JobStatus::Cancelled => self.cancelled += 1,
            JobStatus::Queued | JobStatus::Running => {}
        }
        if let Some(took_ms) = end.took_ms {
            self.took_ms += took_ms;
            self.heard_ms += end.media_ms;
        }
    }

    fn real_time_factor(&self) -> Option<f64> {
        (self.heard_ms > 0).then(|| self.took_ms as f64 / self.heard_ms as f64)
    }
}

/// When the hour began that lies 23 before this one.
fn first_hour(now: WallTime) -> WallTime {
    let hour = now.as_second().div_euclid(3600) - i64::from(HOURS - 1);
    WallTime::from_second(hour * 3600).unwrap_or(WallTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use domain::{JobSpec, SpecOptions};

    use super::*;

    /// Ended so many seconds ago, after ten seconds of work.
    fn ended(bits: u128, status: JobStatus, seconds_ago: u64, media_ms: u64) -> Job {
        let spec = JobSpec::link("http://media.test/a", &SpecOptions::default()).unwrap();
        let at = WallTime::now() - Duration::from_secs(seconds_ago);
        let mut job = Job::queued(JobId::from_bits(bits), spec, at, at);
        (job.status, job.finished_at) = (status, Some(at));
        job.started_at = Some(at - Duration::from_secs(10));
        job.progress.duration_ms = Some(media_ms);
        job.failure = (status == JobStatus::Failed).then_some(Failure::GaveUp);
        job
    }

    #[test]
    fn the_day_counts_each_job_once_in_the_hour_of_its_end() {
        let jobs = EndedJobs::default();
        let crashed = Job { crashes: 1, ..ended(3, JobStatus::Completed, 0, 60_000) };
        jobs.learn(&[
            ended(1, JobStatus::Failed, 7200, 0),
            ended(2, JobStatus::Completed, 7200, 40_000),
            crashed,
            ended(4, JobStatus::Cancelled, 0, 0),
            ended(5, JobStatus::Failed, 0, 0),
            ended(6, JobStatus::Completed, 90_000, 1_000_000),
        ]);
        jobs.learn(&[ended(1, JobStatus::Completed, 0, 20_000)]);
        let day = jobs.day(WallTime::now());
        assert_eq!((day.completed, day.failed, day.cancelled), (3, 1, 1));
        assert_eq!(day.media_ms, 120_000);
        // Twenty seconds for a minute: the crashed one tells nothing.
        assert!(day.real_time_factor.is_some_and(|factor| (factor - 1.0 / 3.0).abs() < 1e-6), "{day:?}");
        assert_eq!(day.hours.len(), 24);
        assert_eq!(day.hours.iter().map(|hour| hour.completed).sum::<u64>(), 3);
        assert_eq!(day.hours[21].completed, 1);
        let failures: Vec<_> = day.failures.iter().map(|failure| (&*failure.code, failure.count)).collect();
        assert_eq!(failures, [("gave_up", 1)]);
        assert_eq!(day.complete_since, None);
    }

    #[test]
    fn what_was_not_read_is_said_to_be_missing() {
        let jobs = EndedJobs::default();
        jobs.learn(&[ended(1, JobStatus::Completed, 3600, 1_000)]);
        jobs.miss_earlier();
        assert!(jobs.day(WallTime::now()).complete_since.is_some());
        // A day later it does not matter any more.
        assert_eq!(jobs.day(WallTime::now() + HOUR * 30).complete_since, None);
    }
}
