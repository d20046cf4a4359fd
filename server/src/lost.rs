//! Unfinished jobs that nobody comes back to: their message is lost, or their worker.
//!
//! A job is taken for lost when it has not changed for a time, as this server saw it; clocks of other machines are
//! not asked. Then it is queued anew, on the condition that it is still the same, so that of many servers one sends a
//! message; the others see another version and begin to wait anew.
//!
//! **Queued jobs.** A message that exists waits, is delayed, or is in somebody's hands (a job that waits for its next
//! attempt is queued, and its message is hidden). So a queue with none of these has lost what is queued in the store.
//! A queue that tells the age of its oldest message has lost every job that waits longer than that. SQS does not tell
//! it, and is seldom empty where it matters: there, a job's message is sent again after half an hour, and then each
//! time the job's age has doubled, since a backlog looks the same as a loss. A duplicate costs one claim, which takes
//! the job from nobody.
//!
//! **Running jobs.** Workers store a sign of life every 30 s. One that gave none for longer than
//! [`Config::worker_silence`](crate::Config) is dead, or has lost its lease; it is fenced, and counts as a crash. If
//! its message exists after all, it is a duplicate by then.

use std::collections::HashMap;
use std::time::Duration;

use backend::{JobStore, Listing, QueueStats, Requeued, Result};
use domain::{Job, JobId, JobStatus, Version, WallTime};
use tokio::time::Instant;

use crate::{Server, metrics};

/// Jobs read at once, and how often in one look. The next look goes on where this one ended: the cost of a look is
/// bounded, and no job is starved by others, however many there are.
const BATCH: usize = 200;
const BATCHES: usize = 5;

/// The numbers of the queue lag behind by this much.
const LAG: Duration = Duration::from_secs(15);

/// The shortest and the longest time after which a message is sent again that nobody can know to be lost.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(30 * 60), Duration::from_secs(6 * 60 * 60));

pub struct LostJobs {
    queued: Scan,
    running: Scan,
}

impl LostJobs {
    pub fn new() -> LostJobs {
        LostJobs { queued: Scan::new(JobStatus::Queued), running: Scan::new(JobStatus::Running) }
    }

    pub async fn look(&mut self, server: &Server) -> Result<()> {
        // Asked before the jobs are listed: a message sent in between belongs to a job that is new to us.
        let stats = server.backend.queue.stats().await?;
        metrics::set_queue(&stats);
        for (job, unchanged) in self.queued.look(server.backend.store.as_ref()).await? {
            let age = WallTime::now().duration_since(job.created_at).unsigned_abs();
            if unchanged > patience(&stats, age) {
                requeue(server, &job, "a queued job has no message").await?;
            }
        }
        for (job, unchanged) in self.running.look(server.backend.store.as_ref()).await? {
            if unchanged > server.config.worker_silence {
                requeue(server, &job, "a running job has no worker").await?;
            }
        }
        Ok(())
    }
}

async fn requeue(server: &Server, job: &Job, finding: &str) -> Result<()> {
    // Fenced: it went on, or another server was faster.
    if let Requeued::Queued(job) = server.backend.store.requeue(job.id, job.version).await? {
        tracing::warn!(job.id = %job.id, crashes = job.crashes, finding, "sending the job's message again");
        server.announce_job(&job).await;
        // A message that could not be sent is found lost again; the error is logged there.
        let _ = server.enqueue(&job).await;
    }
    Ok(())
}

/// How long a queued job of this age may stay unchanged.
fn patience(stats: &QueueStats, age: Duration) -> Duration {
    let (least, most) = PATIENCE;
    let is_empty = stats.visible + stats.delayed + stats.in_flight == 0;
    let patience = (age / 2).clamp(least, most);
    match stats.oldest_age {
        _ if is_empty => LAG,
        Some(oldest_age) => patience.min(oldest_age + LAG),
        None => patience,
    }
}

/// Goes through the jobs of one status, again and again, and remembers since when each is unchanged.
struct Scan {
    listing: Listing,
    seen: HashMap<JobId, Seen>,
    /// Counts the times that it came to the end of the list.
    round: u64,
}

struct Seen {
    version: Version,
    since: Instant,
    round: u64,
}

impl Scan {
    fn new(status: JobStatus) -> Scan {
        let listing = Listing { status: Some(status), limit: BATCH, cursor: None };
        Scan { listing, seen: HashMap::new(), round: 0 }
    }

    /// The next jobs of the list, and for how long they are known to be as they are.
    async fn look(&mut self, store: &dyn JobStore) -> Result<Vec<(Job, Duration)>> {
        let mut jobs = Vec::new();
        for _ in 0..BATCHES {
            let page = match store.recent(&self.listing).await {
                Ok(page) => page,
                Err(error) => {
                    // Perhaps it is the cursor.
                    self.listing.cursor = None;
                    return Err(error);
                }
            };
            for job in page.jobs {
                let fresh = Seen { version: job.version, since: Instant::now(), round: self.round };
                let seen = self.seen.entry(job.id).or_insert(fresh);
                if seen.version != job.version {
                    *seen = Seen { version: job.version, since: Instant::now(), round: self.round };
                }
                seen.round = self.round;
                let unchanged = seen.since.elapsed();
                jobs.push((job, unchanged));
            }
            self.listing.cursor = page.cursor;
            if self.listing.cursor.is_none() {
                let round = self.round;
                self.seen.retain(|_, seen| seen.round == round);
                self.round += 1;
                break;
            }
        }
        Ok(jobs)
    }
}

#[cfg(test)]
mod tests {
    use backend::{BackendConfig, BackendKind};
    use domain::{JobSpec, SpecOptions};

    use super::*;

    #[test]
    fn a_queue_that_says_little_gives_a_queued_job_more_time() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let check = |(messages, oldest): (u64, Option<u64>), age: u64, expect: Duration| {
            let stats =
                QueueStats { in_flight: messages, oldest_age: oldest.map(minutes), ..QueueStats::default() };
            assert_eq!(patience(&stats, minutes(age)), expect, "{stats:?} {age}");
        };
        check((0, None), 1, LAG);
        check((0, None), 10_000, LAG);
        check((5, Some(3)), 600, minutes(3) + LAG);
        // Somebody works for hours, whose message is the oldest.
        check((5, Some(600)), 1, minutes(30));
        check((5, None), 1, minutes(30));
        check((5, None), 90, minutes(45));
        check((5, None), 10_000, minutes(6 * 60));
    }

    #[tokio::test]
    async fn every_job_is_looked_at_however_many_there_are_and_a_change_begins_anew() {
        let folder = tempfile::TempDir::new().unwrap();
        let config = BackendConfig {
            backend: BackendKind::Embedded,
            data: folder.path().to_path_buf(),
            max_receive_count: 3,
            aws: Default::default(),
        };
        let store = backend::connect(&config).await.unwrap().store;
        let now = WallTime::now();
        let spec = JobSpec::link("http://media.test/a", &SpecOptions::default()).unwrap();
        for number in 0..23 {
            let expires_at = now + Duration::from_secs(600);
            let job = Job::queued(JobId::from_bits(number), spec.clone(), now, expires_at);
            store.create(&job, None).await.unwrap();
        }
        let mut scan = Scan::new(JobStatus::Queued);
        scan.listing.limit = 2;
        let first = scan.look(store.as_ref()).await.unwrap();
        assert_eq!(first.len(), 2 * BATCHES, "one look costs so much and no more");
        let mut all: HashMap<JobId, Version> =
            first.into_iter().map(|(job, _)| (job.id, job.version)).collect();
        while scan.round == 0 {
            let next = scan.look(store.as_ref()).await.unwrap();
            all.extend(next.into_iter().map(|(job, _)| (job.id, job.version)));
        }
        assert_eq!(all.len(), 23);

        let changed = JobId::from_bits(7);
        store.requeue(changed, all[&changed]).await.unwrap();
        store.delete(JobId::from_bits(8)).await.unwrap();
        let since = |scan: &Scan, id: u128| scan.seen.get(&JobId::from_bits(id)).map(|seen| seen.since);
        let before = [since(&scan, 6), since(&scan, 7)];
        while scan.round == 1 {
            scan.look(store.as_ref()).await.unwrap();
        }
        assert_eq!(since(&scan, 6), before[0]);
        assert!(since(&scan, 7) > before[1]);
        assert_eq!(since(&scan, 8), None);
    }
}
