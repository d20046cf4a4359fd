//! One delivery, from receipt to acknowledgement.
//!
//! `process_delivery → answer → work_on → conclude → announce`, each small, each ending in what becomes of the
//! message. The end of a job is finish → publish → delete, in this order: whatever fails on the way, the message
//! comes again and finds how far it went.

use std::error::Error as StdError;
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
        Ok(Worker { backend, config, fetcher, scratch })
    }
}

/// What becomes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Nothing is left to do.
    Acknowledge,
    /// It comes again after this time.
    Again(Duration),
    /// It is somebody else's: touch nothing.
    Leave,
}

/// Works on one message until it is acknowledged, given back or lost. `engine` stays warm between jobs; it is
/// `None` afterwards when it had to be killed.
///
/// Cancelling `shutdown` stops the work at the last committed window and gives the message back.
pub async fn process_delivery(
    worker: &Worker,
    engine: &mut Option<Engine>,
    delivery: &Delivery,
    shutdown: &CancellationToken,
) {
    let ending = match parse(&delivery.body) {
        Ok(id) => {
            let span = tracing::info_span!("job", job.id = %id, delivery = delivery.receive_count);
            answer_under_lease(worker, engine, delivery, id, shutdown).instrument(span).await
        }
        Err(reason) => {
            // Never acknowledged: it becomes a dead letter, or a newer worker understands it.
            tracing::warn!(reason, bytes = delivery.body.len(), "left a message that cannot be read");
            again(worker, delivery)
        }
    };
    settle(worker, delivery, ending).await;
}

fn parse(body: &str) -> Result<JobId, &'static str> {
    #[derive(serde::Deserialize)]
    struct Version {
        v: u32,
    }
    // The version first: a newer message may have another shape.
    let version: Version = serde_json::from_str(body).map_err(|_| "no job message")?;
    if version.v != JobMessage::MAJOR {
        return Err("unknown major version");
    }
    let message: JobMessage = serde_json::from_str(body).map_err(|_| "no job message")?;
    Ok(message.job)
}

async fn answer_under_lease(
    worker: &Worker,
    engine: &mut Option<Engine>,
    delivery: &Delivery,
    id: JobId,
    shutdown: &CancellationToken,
) -> Ending {
    let queue = worker.backend.queue.as_ref();
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {
            tracing::info!("stopping: the job is given back");
            Ending::Again(Duration::ZERO)
        }
        () = lease::keep(queue, &delivery.receipt, &worker.config.lease) => Ending::Leave,
        ending = answer(worker, engine, delivery, id) => ending,
    }
}

async fn answer(worker: &Worker, engine: &mut Option<Engine>, delivery: &Delivery, id: JobId) -> Ending {
    match worker.backend.store.claim(id).await {
        Ok(Claim::Won(job)) => work_on(worker, engine, delivery, *job).await,
        Ok(Claim::Terminal(job)) => announce(worker, delivery, &job).await,
        Ok(Claim::Gone) => {
            tracing::info!("the job does not exist any more");
            Ending::Acknowledge
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn StdError, "could not claim the job");
            again(worker, delivery)
        }
    }
}

async fn work_on(worker: &Worker, engine: &mut Option<Engine>, delivery: &Delivery, job: Job) -> Ending {
    let started = Instant::now();
    tracing::debug!(attempt = job.attempt, "claimed");
    attempt::tell(worker, &JobEvent::state_of(&job)).await;
    let mut attempt = Attempt::new(worker, engine, job);
    let claimed = attempt.job.clone();
    let stopped = tokio::select! {
        biased;
        ended = attempt.run() => ended.err(),
        () = lease::watch(worker.backend.store.as_ref(), &claimed, worker.config.lease.check_every) => Some(Stop::Fenced),
    };
    let job = attempt.into_job();
    let failure = match stopped {
        None => None,
        Some(Stop::Fenced) => return superseded(worker, delivery, job.id).await,
        Some(Stop::Failed(failure)) => Some(failure),
        Some(Stop::Passing { failure, retry_after, cause }) => {
            let is_last = delivery.receive_count >= worker.config.retry.max_attempts;
            tracing::warn!(
                attempt = job.attempt,
                is_last,
                error = &*cause as &dyn StdError,
                "the attempt failed"
            );
            if !is_last {
                return again_after(worker, delivery, retry_after);
            }
            Some(failure)
        }
        Some(Stop::EngineDied(error)) => {
            let is_last = delivery.receive_count >= worker.config.retry.crash_budget;
            tracing::warn!(
                attempt = job.attempt,
                is_last,
                error = &error as &dyn StdError,
                "the engine died"
            );
            if !is_last {
                return again(worker, delivery);
            }
            Some(match error {
                EngineError::Hung { .. } => Failure::TimedOut,
                _ => Failure::EngineCrashed,
            })
        }
    };
    conclude(worker, delivery, job, failure, started).await
}

/// Ends the job in the store, once, then announces it.
async fn conclude(
    worker: &Worker,
    delivery: &Delivery,
    job: Job,
    failure: Option<Failure>,
    started: Instant,
) -> Ending {
    let mut progress = job.progress.clone();
    progress.eta_ms = None;
    if failure.is_none() {
        progress.stage = Stage::Done;
        progress.fraction = 1.0;
    }
    let outcome = Outcome { failure, progress, finished_at: WallTime::now(), expires_at: job.expires_at };
    match worker.backend.store.finish(job.id, job.attempt, &outcome).await {
        Ok(Finished::First(job)) => {
            log_finished(&job, started);
            announce(worker, delivery, &job).await
        }
        Ok(Finished::Already(job)) => announce(worker, delivery, &job).await,
        Ok(Finished::Fenced) => superseded(worker, delivery, job.id).await,
        Err(error) => {
            tracing::warn!(error = &error as &dyn StdError, "could not finish the job");
            again(worker, delivery)
        }
    }
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

/// Publishes how the job ended. Only then is the message done with: a subscriber may hear the end twice, never
/// not at all.
async fn announce(worker: &Worker, delivery: &Delivery, job: &Job) -> Ending {
    match worker.backend.topic.publish(&JobEvent::state_of(job)).await {
        Ok(()) => Ending::Acknowledge,
        Err(error) => {
            tracing::warn!(error = &error as &dyn StdError, "could not announce the end of the job");
            again(worker, delivery)
        }
    }
}

/// The store refuses our writes, or told that the job is not ours any more. Finds out why.
async fn superseded(worker: &Worker, delivery: &Delivery, id: JobId) -> Ending {
    match worker.backend.store.get(id).await {
        Ok(Some(job)) if job.status.is_terminal() => {
            tracing::info!(status = job.status.as_str(), "stopped: the job ended elsewhere");
            announce(worker, delivery, &job).await
        }
        Ok(None) => {
            tracing::info!("stopped: the job was deleted");
            // It may have been fetched while it was deleted.
            if let Err(error) = worker.backend.media.delete(id).await {
                tracing::warn!(
                    error = &error as &dyn StdError,
                    "could not delete the media of a deleted job"
                );
            }
            Ending::Acknowledge
        }
        Ok(Some(job)) => {
            tracing::warn!(attempt = job.attempt, "lease_lost: another attempt took over");
            Ending::Leave
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn StdError, "lease_lost: the store does not say why");
            Ending::Leave
        }
    }
}

fn again(worker: &Worker, delivery: &Delivery) -> Ending {
    Ending::Again(worker.config.retry.delay_with_jitter(delivery.receive_count))
}

fn again_after(worker: &Worker, delivery: &Delivery, asked: Option<Duration>) -> Ending {
    let delay = worker.config.retry.delay_with_jitter(delivery.receive_count);
    Ending::Again(delay.max(asked.unwrap_or_default()))
}

/// Tells the queue. What fails here heals itself: the message comes again when its visibility ends.
async fn settle(worker: &Worker, delivery: &Delivery, ending: Ending) {
    let queue = &worker.backend.queue;
    let told = async {
        match ending {
            Ending::Acknowledge => queue.delete(&delivery.receipt).await,
            Ending::Again(delay) => queue.set_visibility(&delivery.receipt, delay).await.map(drop),
            Ending::Leave => Ok(()),
        }
    };
    match tokio::time::timeout(worker.config.limits.give_back, told).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::info!(
                error = &error as &dyn StdError,
                ?ending,
                "the queue was not told, the message comes again"
            );
        }
        Err(_) => tracing::info!(?ending, "the queue did not answer, the message comes again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_message_of_this_major_version_names_a_job() {
        let check = |body: &str, expect: bool| assert_eq!(parse(body).is_ok(), expect, "{body}");
        let id = "0123456789abcdef0123456789abcdef";
        check(&format!(r#"{{"v":1,"job":"{id}"}}"#), true);
        check(&format!(r#"{{"v":1,"job":"{id}","later":"addition"}}"#), true);
        check(&format!(r#"{{"v":2,"job":"{id}"}}"#), false);
        check(&format!(r#"{{"job":"{id}"}}"#), false);
        check(r#"{"v":1,"job":"short"}"#, false);
        check(r#"{"v":1}"#, false);
        check("", false);
        check("null", false);
        check("\u{0}", false);
    }
}
