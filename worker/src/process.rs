//! One delivery, from receipt to acknowledgement.
//!
//! `answer → work_on`, and on in [`ending`](crate::ending): each small, each ending in what becomes of the message.
//! The end of a job is finish → publish → delete, in this order: whatever fails on the way, the message comes again
//! and finds how far it went.

use std::error::Error as StdError;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use backend::{Backend, Claim, Delivery, Release};
use domain::{Job, JobEvent, JobId, JobMessage};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::attempt::{self, Attempt, Stop};
use crate::config::WorkerConfig;
use crate::ending::End;
use crate::engine::Engine;
use crate::fetch::{AddressPolicy, Fetcher};
use crate::heartbeat::AtWork;
use crate::lease::{self, LeaseEnd, Proof};
use crate::scratch::Scratch;
use crate::speed::Speed;

/// What all slots of one worker share.
pub struct Worker {
    pub backend: Backend,
    pub config: WorkerConfig,
    pub fetcher: Fetcher,
    pub scratch: Scratch,
    pub speed: Speed,
    pub at_work: AtWork,
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
        mut config: WorkerConfig,
        policy: std::sync::Arc<dyn AddressPolicy>,
    ) -> anyhow::Result<Worker> {
        let fetcher = Fetcher::new(config.fetch.clone(), policy)?;
        let scratch = Scratch::open(&config.scratch)?;
        config.engine.readable.extend([backend.media.folder().to_owned(), config.models.clone()]);
        Ok(Worker {
            backend,
            config,
            fetcher,
            scratch,
            speed: Speed::default(),
            at_work: AtWork::default(),
            unreadable: Mutex::default(),
        })
    }
}

/// What becomes of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Nothing is left to do.
    Acknowledge,
    /// The job was given up, and whoever waits for it was told: a dead letter for the operator.
    Bury { reason: String, attempts: u32 },
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
/// The work stops at once when `lost` completes: the job is given back, before the message may be somebody else's.
/// Cancelling `shutdown` does the same; either way the next attempt starts behind the last committed window.
pub async fn process(
    worker: &Worker,
    engine: &mut Option<Engine>,
    message: Message<'_>,
    lost: impl Future<Output = LeaseEnd>,
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
        match &ending {
            Ending::Acknowledge => queue.delete(receipt).await,
            Ending::Bury { reason, attempts } => {
                queue.bury(&delivery.body, Some(receipt), reason, *attempts).await
            }
            Ending::Again(delay) => queue.set_visibility(receipt, *delay).await.map(drop),
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

/// One message of a job on its way to its [`Ending`]; the second half is in [`ending`](crate::ending).
pub struct Handling<'a> {
    pub worker: &'a Worker,
    pub message: Message<'a>,
    shutdown: &'a CancellationToken,
}

impl Handling<'_> {
    async fn answer_while_held(
        &self,
        engine: &mut Option<Engine>,
        id: JobId,
        lost: impl Future<Output = LeaseEnd>,
    ) -> Ending {
        let held = OnceLock::new();
        let end = tokio::select! {
            biased;
            ending = self.answer(engine, id, &held) => return ending,
            end = lost => end,
        };
        // Before anybody else gets the message: a job that is found running counts a crash.
        let given_back = match held.get() {
            // It would begin anew, and end here each time.
            Some(job) if job.spec.video.is_some() && end == LeaseEnd::Longest => {
                self.give_back(job, Release::Crashed, Duration::ZERO).await
            }
            Some(job) => self.give_back(job, Release::HandedBack, Duration::ZERO).await,
            None => Ending::Again(Duration::ZERO),
        };
        match end {
            LeaseEnd::Lost => Ending::Leave,
            LeaseEnd::Longest => given_back,
        }
    }

    /// `held` becomes the job once it is claimed.
    async fn answer(&self, engine: &mut Option<Engine>, id: JobId, held: &OnceLock<Job>) -> Ending {
        let Message { id: message_id, receive_count, .. } = self.message;
        match self.worker.backend.store.claim(id, message_id, receive_count).await {
            Ok(Claim::Won(job)) => {
                let job = held.get_or_init(|| *job);
                if job.crashes >= self.worker.config.retry.crash_budget {
                    return self.refuse(job).await;
                }
                self.work_on(engine, job.clone()).await
            }
            Ok(Claim::Held(job)) => {
                tracing::info!(
                    attempt = job.attempt,
                    "another message holds the job: this one is a duplicate"
                );
                Ending::Acknowledge
            }
            Ok(Claim::Duplicate(job)) => {
                tracing::info!(attempt = job.attempt, "another worker has this very delivery");
                Ending::Leave
            }
            Ok(Claim::Terminal(job)) => self.announce(&job, None).await,
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
        let _entry = self.worker.at_work.enter(job.id);
        attempt::tell(self.worker, &JobEvent::state_of(&job)).await;
        let proof = Proof::now();
        let mut attempt = Attempt::new(self.worker, engine, job.clone(), proof.clone());
        let stopped = tokio::select! {
            biased;
            // Only the work is interrupted, not the telling of its end: that takes no time.
            () = self.shutdown.cancelled() => Some(Stop::Shutdown),
            ended = attempt.run() => ended.err(),
            () = lease::watch(&self.worker.backend, &job, &self.worker.config.lease, &proof) => Some(Stop::Fenced),
        };
        if matches!(stopped, Some(Stop::Shutdown))
            && tokio::time::timeout(self.worker.config.limits.give_back, attempt.leave()).await.is_err()
        {
            tracing::info!("the store did not answer: the last page will be heard again");
        }
        let heard_before = job.progress.transcribed;
        let (job, last_page) = attempt.into_parts();
        let heard = last_page.as_ref().map_or(job.progress.transcribed, |page| page.heard_until());
        if job.spec.video.is_none() {
            self.worker.speed.add(started.elapsed(), heard.saturating_sub(heard_before));
        }
        match stopped {
            None => self.conclude(job, last_page, End::default(), started).await,
            Some(stop) => self.stopped(job, last_page, stop, started).await,
        }
    }

    /// Nothing is known of the job, or its end could not be told: what counts is how often the message came.
    pub fn again(&self) -> Ending {
        Ending::Again(self.worker.config.retry.delay_with_jitter(self.message.receive_count))
    }
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
