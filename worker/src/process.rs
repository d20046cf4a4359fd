//! One delivery, from receipt to acknowledgement.
//!
//! `answer → work_on → conclude → announce`, each small, each ending in what becomes of the message.
//! The end of a job is finish → publish → delete, in this order: whatever fails on the way, the message comes again
//! and finds how far it went.

use std::error::Error as StdError;
use std::os::unix::process::ExitStatusExt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use backend::{Backend, Claim, Delivery, Finished, Outcome, Release, Requeued};
use domain::{CuePage, Failure, Job, JobEvent, JobId, JobMessage, Stage, WallTime};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::attempt::{self, Attempt, Stop};
use crate::config::WorkerConfig;
use crate::engine::{Engine, EngineError};
use crate::fetch::{AddressPolicy, Fetcher};
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
        Ok(Worker {
            backend,
            config,
            fetcher,
            scratch,
            speed: Speed::default(),
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

/// How a job ends; by default, well.
#[derive(Default)]
struct End {
    failure: Option<Failure>,
    counted: Option<Release>,
    /// For the operator who reads the dead letter.
    cause: Option<String>,
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
        match self.worker.backend.store.claim(id, self.message.id).await {
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
        let heard = last_page.as_ref().map_or(job.progress.transcribed, |page| page.end);
        self.worker.speed.add(started.elapsed(), heard.saturating_sub(heard_before));
        match stopped {
            None => self.conclude(job, last_page, End::default(), started).await,
            Some(stop) => self.stopped(job, last_page, stop, started).await,
        }
    }

    /// The job's workers died as often as they may: nobody works on it again.
    async fn refuse(&self, job: &Job) -> Ending {
        tracing::warn!(attempt = job.attempt, crashes = job.crashes, "the job's workers died too often");
        let cause = Some("its workers died".to_owned());
        let end = End { failure: Some(Failure::EngineCrashed), counted: None, cause };
        self.conclude(job.clone(), None, end, Instant::now()).await
    }

    /// The attempt ended before the media did: is it the job's end too?
    async fn stopped(&self, job: Job, last_page: Option<CuePage>, stop: Stop, started: Instant) -> Ending {
        let retry = &self.worker.config.retry;
        let Job { attempt, failures, crashes, .. } = job;
        let end = match stop {
            Stop::Shutdown => {
                tracing::info!("stopping: the job is given back");
                return self.give_back(&job, Release::HandedBack, Duration::ZERO).await;
            }
            Stop::Fenced => return self.superseded(job.id).await,
            Stop::Failed(failure) => End { failure: Some(failure), counted: None, cause: None },
            Stop::Passing { failure, retry_after, cause } => {
                let failures = failures + 1;
                tracing::warn!(attempt, failures, error = &*cause as &dyn StdError, "the attempt failed");
                if failures < retry.max_attempts {
                    let delay = retry.delay_with_jitter(failures).max(retry_after.unwrap_or_default());
                    return self.give_back(&job, Release::Failed, delay).await;
                }
                End { failure: Some(failure), counted: Some(Release::Failed), cause: Some(chain(&*cause)) }
            }
            Stop::EngineDied(cause) if was_told_to_stop(&cause) => {
                // Ctrl-C and service managers tell the worker and its children at the same time.
                tracing::info!("the engine was told to stop: the job is given back");
                return self.give_back(&job, Release::HandedBack, Duration::ZERO).await;
            }
            Stop::EngineDied(cause) => {
                let crashes = crashes + 1;
                tracing::warn!(attempt, crashes, error = &cause as &dyn StdError, "the engine died");
                if crashes < retry.crash_budget {
                    return self.give_back(&job, Release::Crashed, retry.delay_with_jitter(crashes)).await;
                }
                let failure = match &cause {
                    EngineError::Hung { .. } => Failure::TimedOut,
                    _ => Failure::EngineCrashed,
                };
                End { failure: Some(failure), counted: Some(Release::Crashed), cause: Some(chain(&cause)) }
            }
        };
        self.conclude(job, last_page, end, started).await
    }

    /// Queues the job again in the store; then its message comes again after `delay`.
    async fn give_back(&self, job: &Job, release: Release, delay: Duration) -> Ending {
        match self.release(job, release).await {
            Ok(Requeued::Queued(job)) => {
                attempt::tell(self.worker, &JobEvent::state_of(&job)).await;
                Ending::Again(delay)
            }
            Ok(Requeued::Fenced) => self.superseded(job.id).await,
            Err(error) => {
                // Whoever gets the message next takes us for dead, and counts a crash.
                tracing::warn!(error = &*error as &dyn StdError, "could not give the job back");
                Ending::Again(delay)
            }
        }
    }

    /// Tries for as long as giving back may take: a lost one costs the job a crash.
    async fn release(
        &self,
        job: &Job,
        release: Release,
    ) -> Result<Requeued, Box<dyn StdError + Send + Sync>> {
        let deadline = tokio::time::Instant::now() + self.worker.config.limits.give_back;
        loop {
            let released = self.worker.backend.store.release(job.id, job.run, job.attempt, release);
            let error = match tokio::time::timeout_at(deadline, released).await? {
                Err(error) if error.is_transient() => error,
                released => return Ok(released?),
            };
            let again_at = tokio::time::Instant::now() + Duration::from_millis(200);
            if again_at >= deadline {
                return Err(error.into());
            }
            tokio::time::sleep_until(again_at).await;
        }
    }

    /// Ends the job in the store, once and together with its last page if that is not there yet, then announces it.
    async fn conclude(&self, job: Job, last_page: Option<CuePage>, end: End, started: Instant) -> Ending {
        let mut progress = job.progress.clone();
        progress.eta_ms = None;
        let End { failure, counted, cause } = end;
        if failure.is_none() {
            progress.stage = Stage::Done;
            progress.fraction = 1.0;
        }
        let finished_at = WallTime::now();
        let outcome = Outcome { failure, counted, progress, finished_at, expires_at: job.expires_at };
        match self.worker.backend.store.finish(job.id, job.attempt, last_page.as_ref(), &outcome).await {
            Ok(Finished::First(ended)) => {
                log_finished(&ended, started);
                if let Some(page) = last_page {
                    attempt::tell(self.worker, &attempt::last_cues(job, &ended, page)).await;
                }
                self.announce(&ended, cause).await
            }
            Ok(Finished::Already(ended)) => self.announce(&ended, cause).await,
            Ok(Finished::Fenced) => self.superseded(job.id).await,
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "could not finish the job");
                self.again()
            }
        }
    }

    /// Publishes how the job ended. Only then is the message done with: a subscriber may hear the end twice, never
    /// not at all. `cause` is what the operator reads of a job that was given up.
    async fn announce(&self, job: &Job, cause: Option<String>) -> Ending {
        if let Err(error) = self.worker.backend.topic.publish(&JobEvent::state_of(job)).await {
            tracing::warn!(error = &error as &dyn StdError, "could not announce the end of the job");
            return self.again();
        }
        let Some(failure) = &job.failure else { return Ending::Acknowledge };
        // A duplicate of the message that the job ended with makes no second letter.
        let is_ours = job.held_by.as_deref() == Some(self.message.id);
        if !is_ours || !self.worker.config.retry.is_exhausted(job) {
            return Ending::Acknowledge;
        }
        let reason = match cause {
            Some(cause) => format!("{}: {cause}", failure.code()),
            None => failure.code().to_owned(),
        };
        Ending::Bury { reason, attempts: job.failures + job.crashes }
    }

    /// The store refuses our writes, or told that the job is not ours any more. Finds out why.
    async fn superseded(&self, id: JobId) -> Ending {
        match self.worker.backend.store.get(id).await {
            Ok(Some(job)) if job.status.is_terminal() => {
                tracing::info!(status = job.status.as_str(), "stopped: the job ended elsewhere");
                self.announce(&job, None).await
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
            Ok(Some(job)) if job.held_by.as_deref() == Some(self.message.id) => {
                tracing::warn!(attempt = job.attempt, "lease_lost: another worker has the message");
                Ending::Leave
            }
            Ok(Some(job)) => {
                // Whoever holds the job, or will, has a message of its own: a retry sends one.
                tracing::warn!(attempt = job.attempt, "lease_lost: another attempt took over");
                Ending::Acknowledge
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "lease_lost: the store does not say why");
                Ending::Leave
            }
        }
    }

    /// Nothing is known of the job, or its end could not be told: what counts is how often the message came.
    fn again(&self) -> Ending {
        Ending::Again(self.worker.config.retry.delay_with_jitter(self.message.receive_count))
    }
}

/// The error and what caused it, in one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
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
