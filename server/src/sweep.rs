//! The slow reconcilers: whatever the quick paths lost is found here.

use std::collections::HashMap;
use std::time::Duration;

use backend::{Finished, Listing, Outcome, Result};
use domain::{Failure, Job, JobChange, JobEvent, JobId, JobMessage, JobStatus, Version, WallTime};
use tokio::time::{Instant, MissedTickBehavior};

use crate::error::causes;
use crate::{Server, metrics};

/// Taken at once; what is left comes next time.
const BATCH: usize = 200;

/// Pages of the list of queued jobs that are looked through at most.
const MAX_PAGES: usize = 50;

/// A queued job whose message must have been received by now, if the queue had it.
const SURELY_LOST: Duration = Duration::from_secs(15);

/// Looks at everything in turn until the server stops. One failing does not keep the others.
pub async fn reconcile(server: Server) {
    let mut ticks = tokio::time::interval(server.config.reconcile_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lost = LostMessages::default();
    loop {
        tokio::select! {
            () = server.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let looks = async {
            log("unheard ends", server.completed.look().await);
            log("expired jobs", sweep_expired(&server).await);
            log("dead letters", bury(&server).await);
            log("lost messages", lost.look(&server).await);
        };
        // A look may be left at any await: everything in it is repeated next time.
        tokio::select! {
            () = server.stop.cancelled() => return,
            () = looks => {}
        }
    }
}

fn log(what: &str, result: Result<()>) {
    if let Err(error) = result {
        tracing::warn!(error = %causes(&error), what, "a reconciler did not finish");
    }
}

/// Jobs past their time: out of the store, then told, then their media.
async fn sweep_expired(server: &Server) -> Result<()> {
    for id in server.backend.store.expired(BATCH).await? {
        // Media first: once the job is gone nothing names them any more.
        server.backend.media.delete(id).await?;
        if let backend::Deleted::At(version) = server.backend.store.delete(id).await? {
            server.announce(JobEvent { id, version, change: JobChange::Expired }).await;
            tracing::info!(job.id = %id, "job expired");
        }
    }
    Ok(())
}

/// Messages whose worker died each time: their jobs become visible failures. What is no job message stays, for an
/// operator to look at.
async fn bury(server: &Server) -> Result<()> {
    for letter in server.backend.queue.dead_letters(BATCH).await? {
        let Ok(JobMessage { job: id, run, .. }) = JobMessage::parse(&letter.body) else {
            continue;
        };
        if let Some(job) = server.backend.store.get(id).await? {
            let outcome = gave_up(server, &job);
            if let Finished::First(job) | Finished::Already(job) =
                server.backend.store.abandon(id, run, &outcome).await?
            {
                server.announce_job(&job).await;
                tracing::warn!(job.id = %id, status = job.status.as_str(), "a dead letter was told");
            }
        }
        server.backend.queue.delete_dead_letter(&letter.id).await?;
    }
    Ok(())
}

fn gave_up(server: &Server, job: &Job) -> Outcome {
    let finished_at = WallTime::now();
    Outcome {
        failure: Some(Failure::GaveUp),
        counted: None,
        progress: job.progress.clone(),
        finished_at,
        expires_at: server.expiry_after(finished_at),
    }
}

/// Jobs that are queued in the store and not in the queue: the server died, or the queue failed, between the two
/// writes; or the queue was lost.
#[derive(Default)]
struct LostMessages {
    /// Since when each queued job has been seen at this version: its message, if it exists, is at least so old.
    seen: HashMap<JobId, (Version, Instant)>,
}

impl LostMessages {
    async fn look(&mut self, server: &Server) -> Result<()> {
        // Asked before the jobs are listed: a message sent in between belongs to a job that is new to us.
        let stats = server.backend.queue.stats().await?;
        metrics::set_queue(&stats);
        let oldest_age = stats.oldest_age.unwrap_or_default();
        let mut still_queued = HashMap::new();
        let mut listing = Listing { status: Some(JobStatus::Queued), limit: BATCH, cursor: None };
        for _ in 0..MAX_PAGES {
            let page = server.backend.store.recent(&listing).await?;
            for job in &page.jobs {
                let seen = self.seen.get(&job.id).filter(|(version, _)| *version == job.version);
                let (_, mut since) = *seen.unwrap_or(&(job.version, Instant::now()));
                // Every message in the queue is younger than this job's would be.
                if since.elapsed() > oldest_age + SURELY_LOST {
                    tracing::warn!(job.id = %job.id, "a queued job has no message; sending it again");
                    if server.enqueue(job).await.is_ok() {
                        since = Instant::now();
                    }
                }
                still_queued.insert(job.id, (job.version, since));
            }
            listing.cursor = page.cursor;
            if listing.cursor.is_none() {
                break;
            }
        }
        self.seen = still_queued;
        Ok(())
    }
}
