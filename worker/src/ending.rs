//! The end of an attempt: the job's end, or another attempt; and what becomes of the message.
//!
//! `stopped → conclude → announce`, or `stopped → give_back`.

use std::error::Error as StdError;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use backend::{Finished, Outcome, Release, Requeued};
use domain::{CuePage, Failure, Job, JobEvent, JobId, Stage, WallTime};

use crate::attempt::{self, Stop};
use crate::engine::EngineError;
use crate::process::{Ending, Handling};

/// How a job ends; by default, well.
#[derive(Default)]
pub struct End {
    failure: Option<Failure>,
    counted: Option<Release>,
    /// For the operator who reads the dead letter.
    cause: Option<String>,
}

impl Handling<'_> {
    /// The job's workers died as often as they may: nobody works on it again.
    pub async fn refuse(&self, job: &Job) -> Ending {
        tracing::warn!(attempt = job.attempt, crashes = job.crashes, "the job's workers died too often");
        let cause = Some("its workers died".to_owned());
        let failure = if job.spec.video.is_some() { Failure::GaveUp } else { Failure::EngineCrashed };
        let end = End { failure: Some(failure), counted: None, cause };
        self.conclude(job.clone(), None, end, Instant::now()).await
    }

    /// The attempt ended before the media did: is it the job's end too?
    pub async fn stopped(
        &self,
        job: Job,
        last_page: Option<CuePage>,
        stop: Stop,
        started: Instant,
    ) -> Ending {
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
                    _ => crash_of(&job),
                };
                End { failure: Some(failure), counted: Some(Release::Crashed), cause: Some(chain(&cause)) }
            }
        };
        self.conclude(job, last_page, end, started).await
    }

    /// Queues the job again in the store; then its message comes again after `delay`.
    pub async fn give_back(&self, job: &Job, release: Release, delay: Duration) -> Ending {
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
    pub async fn conclude(&self, job: Job, last_page: Option<CuePage>, end: End, started: Instant) -> Ending {
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
    pub async fn announce(&self, job: &Job, cause: Option<String>) -> Ending {
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
}

/// What people read when the child that works on the job dies each time.
fn crash_of(job: &Job) -> Failure {
    if job.spec.video.is_some() { Failure::VideoFailed } else { Failure::EngineCrashed }
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
