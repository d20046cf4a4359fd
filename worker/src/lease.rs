//! Keeps a message invisible while it is worked on, and notices when the work is not wanted any more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backend::{Backend, JobQueue, LeaseState, ReceiptHandle};
use domain::{Job, JobStatus};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

#[derive(Debug, Clone)]
pub struct LeaseConfig {
    /// How long a message stays hidden after a sign of life. Extended when a third of it is over.
    pub visibility: Duration,
    /// How often the store is asked whether the job is still ours: bounds how long a cancelled job goes on.
    pub check_every: Duration,
    /// SQS lets nobody hold a message longer than twelve hours: after this time it is given back, and the work goes
    /// on at the last page.
    pub longest: Duration,
}

/// Why a lease was kept no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseEnd {
    /// The message went to somebody else, is gone, or will soon be: touch it no more.
    Lost,
    /// It is still ours, and was held as long as it may be.
    Longest,
}

impl Default for LeaseConfig {
    fn default() -> LeaseConfig {
        LeaseConfig {
            visibility: Duration::from_secs(120),
            check_every: Duration::from_secs(1),
            longest: Duration::from_secs(11 * 60 * 60),
        }
    }
}

impl LeaseConfig {
    /// The work stops this long before the message may come to somebody else.
    fn margin(&self) -> Duration {
        self.visibility / 10
    }
}

/// Extends the lease until it is lost or was held for the longest time. Dropping the future stops the extending.
///
/// Extensions that fail for a passing reason are tried again until the lease nears its end: then it counts as
/// lost, because somebody else may hold the message by now.
pub async fn keep(queue: &dyn JobQueue, receipt: &ReceiptHandle, config: &LeaseConfig) -> LeaseEnd {
    let received = Instant::now();
    let mut held_until = received + config.visibility;
    loop {
        let left = config.longest.saturating_sub(received.elapsed());
        sleep(left.min(config.visibility / 3)).await;
        if received.elapsed() >= config.longest {
            tracing::info!("the message was held as long as it may be: the job is given back");
            return LeaseEnd::Longest;
        }
        match extend(queue, receipt, config, held_until - config.margin()).await {
            Some(until) => held_until = until,
            None => return LeaseEnd::Lost,
        }
    }
}

/// One extension; says until when the message is hidden now. `None`: the lease is lost.
async fn extend(
    queue: &dyn JobQueue,
    receipt: &ReceiptHandle,
    config: &LeaseConfig,
    give_up_at: Instant,
) -> Option<Instant> {
    let mut is_first_error = true;
    loop {
        let asked_at = Instant::now();
        match timeout_at(give_up_at, queue.set_visibility(receipt, config.visibility)).await {
            Ok(Ok(LeaseState::Held)) => return Some(asked_at + config.visibility),
            Ok(Ok(LeaseState::Lost)) => {
                tracing::warn!("lease lost: the message went to somebody else or is gone");
                return None;
            }
            Ok(Err(error)) if error.is_transient() => {
                if is_first_error {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "could not extend the lease, trying again"
                    );
                    is_first_error = false;
                }
                sleep(config.visibility / 30).await;
            }
            Ok(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "lease lost: it cannot be extended"
                );
                return None;
            }
            Err(_) => {
                tracing::warn!("lease lost: it could not be extended in time");
                return None;
            }
        }
    }
}

/// When the store said last that the job is this attempt's: by taking a write, or when it was asked.
#[derive(Clone)]
pub struct Proof(Arc<Mutex<Instant>>);

impl Proof {
    /// One that was given just now: by the claim.
    pub fn now() -> Proof {
        Proof(Arc::new(Mutex::new(Instant::now())))
    }

    pub fn renew(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn given_at(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns when the store says that `job` is not this attempt's any more: cancelled, deleted, expired, retried or
/// taken over. It is asked only when the last proof is older than the interval. A store that does not answer changes
/// nothing: the writes are fenced anyway.
pub async fn watch(backend: &Backend, job: &Job, config: &LeaseConfig, proof: &Proof) {
    loop {
        let due_at = proof.given_at() + config.check_every;
        if due_at > Instant::now() {
            sleep_until(due_at).await;
            continue;
        }
        match backend.store.get(job.id).await {
            Ok(Some(now)) if now.status == JobStatus::Running && now.attempt == job.attempt => proof.renew(),
            Ok(_) => return,
            Err(error) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "could not look whether the job is still wanted"
                );
                sleep(config.check_every).await;
            }
        }
    }
}
