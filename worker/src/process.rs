//! One delivery, from receipt to acknowledgement.
//!
//! `answer → work_on → conclude → announce`, each small, each ending in what becomes of the message.
//! The end of a job is finish → publish → delete, in this order: whatever fails on the way, the message comes again
//! and finds how far it went.

use std::error::Error as StdError;
use std::os::unix::process::ExitStatusExt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use backend::{Backend, Claim, Delivery, Finished, Outcome};
use domain::{Failure, Job, JobEvent, JobId, JobMessage, Stage, WallTime};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::attempt::{self, Attempt, Stop};
use crate::config::WorkerConfig;
use crate::engine::{Engine, EngineError};
use crate::fetch::{AddressPolicy, Fetcher};
use crate::lease;
use crate::scratch::Scratch;

/// What all slots of one worker share.
pub struct Worker {
    pub backend: Backend,
    pub config: WorkerConfig,
    pub fetcher: Fetcher,
    pub scratch: Scratch,
    unreadable: Mutex<Unreadable>,
}

/// Messages that cannot be read, counted so that a flood of them does not drown the log.
#[derive(Default)]
struct Unreadable {
    warned: Option<Instant>,
    /// Since the last warning.
    unmentioned: u64,
}

/// At most one warning of unreadable messages in this time.
const WARNING_PAUSE: Duration = Duration::from_secs(60);

impl Unreadable {
    /// Whether this message is worth a line, and how many before it were not.
    fn warn(&mut self, now: Instant) -> Option<u64> {
        if self.warned.is_some_and(|warned| now.duration_since(warned) < WARNING_PAUSE) {
            self.unmentioned += 1;
            return None;
        }
        self.warned = Some(now);
        Some(std::mem::take(&mut self.unmentioned))
    }
}

impl Worker {
    /// Prepares the scratch folder and the fetcher.
    pub fn new(
        backend: Backend,
        config: WorkerConfig,
        policy: std::sync::Arc<dyn AddressPolicy>,
    ) -> anyhow::Result<Worker> {
        let fetcher = Fetcher::new(config.fetch.clone(), policy)?;
        let scratch = Scratch::open(&config.scratch)?;
        Ok(Worker { backend, config, fetcher, scratch, unreadable: Mutex::default() })
    }
}

/// What becomes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing is left to do.
    Acknowledge,
    /// It comes again after this time.
    Again(Duration),
    /// It is somebody else's: touch nothing.
    Leave,
}

/// One message in the hands of one slot, however it came.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    pub body: &'a str,
    /// The queue's name for it, the same each time it comes.
    pub id: &'a str,
    /// 1 at the first delivery.
    pub receive_count: u32,
}

/// Works on one message of the queue until it is acknowledged, given back or lost; keeps its lease meanwhile.
/// `engine` and `shutdown` as in [`process`].
pub async fn process_delivery(
    worker: &Worker,
    engine: &mut Option<Engine>,
    delivery: &Delivery,
    shutdown: &CancellationToken,
) {
    let Delivery { message_id: id, body, receive_count, .. } = delivery;
    let message = Message { body, id, receive_count: *receive_count };
    let lost = lease::keep(worker.backend.queue.as_ref(), &delivery.receipt, &worker.config.lease);
    let ending = process(worker, engine, message, lost, shutdown).await;
    settle(worker, delivery, ending).await;
}

/// Works on one message; says what is to become of it. `engine` stays warm between jobs; it is `None` afterwards
/// when it had to be killed.
///
/// The work stops at once when `lost` completes, because the message may be somebody else's by then. Cancelling
/// `shutdown` stops the work at the last committed window.
pub async fn process(
    worker: &Worker,
    engine: &mut Option<Engine>,
    message: Message<'_>,
    lost: impl Future<Output = ()>,
    shutdown: &CancellationToken,
) -> Ending {
    let handling = Handling { worker, message, shutdown };
    let error = match JobMessage::parse(message.body) {
        Ok(JobMessage { job, .. }) => {
            let span = tracing::info_span!("job", job.id = %job, delivery = message.receive_count);
            return handling.answer_while_held(engine, job, lost).instrument(span).await;
        }
        Err(error) => error,
    };
    // Never acknowledged: it becomes a dead letter, or a newer worker understands it.
    let bytes = message.body.len();
    let mut unreadable = worker.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
    match unreadable.warn(Instant::now()) {
        Some(unmentioned) => {
            tracing::warn!(%error, bytes, unmentioned, "left a message that cannot be read");
        }
        None => tracing::debug!(%error, bytes, "left a message that cannot be read"),
    }
    drop(unreadable);
    handling.again()
}

/// Tells the queue. What fails here heals itself: the message comes again when its visibility ends.
async fn settle(worker: &Worker, delivery: &Delivery, ending: Ending) {
    let queue = &worker.backend.queue;
    let receipt = &delivery.receipt;
    let told = async {
        match ending {
            Ending::Acknowledge => queue.delete(receipt).await,
            Ending::Again(delay) => queue.set_visibility(receipt, delay).await.map(drop),
            Ending::Leave => Ok(()),
        }
    };
    match tokio::time::timeout(worker.config.limits.give_back, told).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let error = &error as &dyn StdError;
            tracing::info!(error, ?ending, "the queue was not told, the message comes again");
        }
        Err(_) => tracing::info!(?ending, "the queue did not answer, the message comes again"),
    }
}

struct Handling<'a> {
    worker: &'a Worker,
    message: Message<'a>,
    shutdown: &'a CancellationToken,
}

impl Handling<'_> {
    async fn answer_while_held(
        &self,
        engine: &mut Option<Engine>,
        id: JobId,
        lost: impl Future<Output = ()>,
    ) -> Ending {
        tokio::select! {
            biased;
            ending = self.answer(engine, id) => ending,
            () = lost => Ending::Leave,
        }
    }

    async fn answer(&self, engine: &mut Option<Engine>, id: JobId) -> Ending {
        match self.worker.backend.store.claim(id, self.message.id).await {
            Ok(Claim::Won(job)) => self.work_on(engine, *job).await,
            Ok(Claim::Held(job)) => {
                tracing::info!(
                    attempt = job.attempt,
                    "another message holds the job: this one is a duplicate"
                );
                Ending::Acknowledge
            }
            Ok(Claim::Terminal(job)) => self.announce(&job).await,
            Ok(Claim::Gone) => {
                tracing::info!("the job does not exist any more");
                Ending::Acknowledge
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "could not claim the job");
                self.again()
            }
        }
    }

    async fn work_on(&self, engine: &mut Option<Engine>, job: Job) -> Ending {
        let started = Instant::now();
        attempt::tell(self.worker, &JobEvent::state_of(&job)).await;
        let mut attempt = Attempt::new(self.worker, engine, job.clone());
        let stopped = tokio::select! {
            biased;
            // Only the work is interrupted, not the telling of its end: that takes no time.
            () = self.shutdown.cancelled() => Some(Stop::Shutdown),
            ended = attempt.run() => ended.err(),
            () = lease::watch(&self.worker.backend, &job, &self.worker.config.lease) => Some(Stop::Fenced),
        };
        let job = attempt.into_job();
        match stopped {
            None => self.conclude(job, None, started).await,
            Some(stop) => self.stopped(job, stop, started).await,
        }
    }

    /// The attempt ended before the media did: is it the job's end too?
    async fn stopped(&self, job: Job, stop: Stop, started: Instant) -> Ending {
        let retry = &self.worker.config.retry;
        let receive_count = self.message.receive_count;
        let failure = match stop {
            Stop::Shutdown => {
                tracing::info!("stopping: the job is given back");
                return Ending::Again(Duration::ZERO);
            }
            Stop::Fenced => return self.superseded(job.id).await,
            Stop::Failed(failure) => failure,
            Stop::Passing { failure, retry_after, cause } => {
                let error = &*cause as &dyn StdError;
                tracing::warn!(attempt = job.attempt, receive_count, error, "the attempt failed");
                if receive_count < retry.max_attempts {
                    return self.again_after(retry_after.unwrap_or_default());
                }
                failure
            }
            Stop::EngineDied(cause) if was_told_to_stop(&cause) => {
                // Ctrl-C and service managers tell the worker and its children at the same time.
                tracing::info!("the engine was told to stop: the job is given back");
                return Ending::Again(Duration::ZERO);
            }
            Stop::EngineDied(cause) => {
                let error = &cause as &dyn StdError;
                tracing::warn!(attempt = job.attempt, receive_count, error, "the engine died");
                if receive_count < retry.crash_budget {
                    return self.again();
                }
                match cause {
                    EngineError::Hung { .. } => Failure::TimedOut,
                    _ => Failure::EngineCrashed,
                }
            }
        };
        self.conclude(job, Some(failure), started).await
    }

    /// Ends the job in the store, once, then announces it.
    async fn conclude(&self, job: Job, failure: Option<Failure>, started: Instant) -> Ending {
        let mut progress = job.progress.clone();
        progress.eta_ms = None;
        if failure.is_none() {
            progress.stage = Stage::Done;
            progress.fraction = 1.0;
        }
        let outcome = Outcome {
            failure,
            counted: None,
            progress,
            finished_at: WallTime::now(),
            expires_at: job.expires_at,
        };
        match self.worker.backend.store.finish(job.id, job.attempt, None, &outcome).await {
            Ok(Finished::First(job)) => {
                log_finished(&job, started);
                self.announce(&job).await
            }
            Ok(Finished::Already(job)) => self.announce(&job).await,
            Ok(Finished::Fenced) => self.superseded(job.id).await,
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "could not finish the job");
                self.again()
            }
        }
    }

    /// Publishes how the job ended. Only then is the message done with: a subscriber may hear the end twice, never
    /// not at all.
    async fn announce(&self, job: &Job) -> Ending {
        match self.worker.backend.topic.publish(&JobEvent::state_of(job)).await {
            Ok(()) => Ending::Acknowledge,
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "could not announce the end of the job");
                self.again()
            }
        }
    }

    /// The store refuses our writes, or told that the job is not ours any more. Finds out why.
    async fn superseded(&self, id: JobId) -> Ending {
        match self.worker.backend.store.get(id).await {
            Ok(Some(job)) if job.status.is_terminal() => {
                tracing::info!(status = job.status.as_str(), "stopped: the job ended elsewhere");
                self.announce(&job).await
            }
            Ok(None) => {
                tracing::info!("stopped: the job was deleted");
                // It may have been fetched while it was deleted.
                if let Err(error) = self.worker.backend.media.delete(id).await {
                    let error = &error as &dyn StdError;
                    tracing::warn!(error, "could not delete the media of a deleted job");
                }
                Ending::Acknowledge
            }
            Ok(Some(job)) => {
                // Whoever holds the job, or will, has a message of its own: a retry sends one. Ours would only take
                // the job away again. Where it is the same message, our receipt is stale and deletes nothing.
                tracing::warn!(attempt = job.attempt, "lease_lost: another attempt took over");
                Ending::Acknowledge
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "lease_lost: the store does not say why");
                Ending::Leave
            }
        }
    }

    fn again(&self) -> Ending {
        self.again_after(Duration::ZERO)
    }

    /// At the earliest after `least`: a site may have asked for it.
    fn again_after(&self, least: Duration) -> Ending {
        let delay = self.worker.config.retry.delay_with_jitter(self.message.receive_count);
        Ending::Again(delay.max(least))
    }
}

fn was_told_to_stop(error: &EngineError) -> bool {
    let EngineError::Died { status: Some(status) } = error else { return false };
    matches!(status.signal(), Some(libc::SIGINT | libc::SIGTERM | libc::SIGHUP))
}

/// The one line that answers most questions about a job.
fn log_finished(job: &Job, started: Instant) {
    let wall_ms = started.elapsed().as_millis() as u64;
    let media_ms = job.progress.duration_ms;
    let rtf = media_ms.filter(|ms| *ms > 0).map(|ms| wall_ms as f64 / ms as f64);
    tracing::info!(
        attempt = job.attempt,
        failure = job.failure.as_ref().map(Failure::code),
        media.duration_ms = media_ms,
        rtf,
        cues = job.progress.cues,
        wall_ms,
        "job finished",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_unreadable_messages_is_one_line_a_minute() {
        let mut unreadable = Unreadable::default();
        let begin = Instant::now();
        let lines: Vec<u64> =
            (0..130).filter_map(|second| unreadable.warn(begin + Duration::from_secs(second))).collect();
        assert_eq!(lines, [0, 59, 59]);
    }
}
