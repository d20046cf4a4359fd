//! What is known of one job.

use std::sync::Mutex;
use std::time::Instant;

use domain::{Job, JobChange, JobEvent, JobStatus, Progress};

use super::lock;

#[derive(Default)]
pub struct Slot {
    state: Mutex<State>,
    /// One read of the store at a time for one job, however many ask; when the last one failed, if it did.
    pub reading: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// The newest event since the slot exists, without its cues: it may arrive while the store is being read.
    newest: Option<JobEvent>,
}

pub struct Known {
    pub job: Job,
    pub read_at: Instant,
}

/// The job before and after an event, as far as it is known.
pub struct Heard {
    pub before: Option<Job>,
    pub after: Option<Job>,
}

impl Slot {
    pub fn job_if(&self, condition: impl FnOnce(&Known) -> bool) -> Option<Job> {
        let state = lock(&self.state);
        state.known.as_ref().filter(|known| condition(known)).map(|known| known.job.clone())
    }

    /// Takes over what the store has. What is known by now, where that is newer.
    pub fn keep(&self, read: Job) -> Job {
        let mut state = lock(&self.state);
        let newest = match state.known.take() {
            // Events were quicker than the read, or told of what is not stored.
            Some(known) if known.job.version > read.version => known.job,
            _ => read,
        };
        let carried_on = match &state.newest {
            Some(event) => carry_on(newest.clone(), event),
            None => Some(newest.clone()),
        };
        let answer = carried_on.clone().unwrap_or(newest);
        state.known = carried_on.map(|job| Known { job, read_at: Instant::now() });
        answer
    }

    /// `None`: it is no news. An end makes a job known that was not, where that is wanted.
    pub fn hear(&self, event: &JobEvent, makes_known: bool) -> Option<Heard> {
        let mut state = lock(&self.state);
        let is_newest = state.newest.as_ref().is_none_or(|newest| newest.version < event.version);
        if !is_newest {
            return None;
        }
        state.newest = Some(event.without_cues());
        let before = state.known.take();
        let read_at = before.as_ref().map_or_else(Instant::now, |known| known.read_at);
        let after = match &before {
            Some(known) => carry_on(known.job.clone(), event),
            None => event.ended_job().filter(|_| makes_known).cloned(),
        };
        state.known = after.clone().map(|job| Known { job, read_at });
        Some(Heard { before: before.map(|known| known.job), after })
    }

    /// The store has no such job. True: an event named it, and the slot must stay.
    pub fn forget(&self) -> bool {
        let mut state = lock(&self.state);
        state.known = None;
        state.newest.is_some()
    }
}

/// A worker does not know what people saved meanwhile.
fn told(progress: &Progress, known: &Progress) -> Progress {
    Progress { corrections: progress.corrections.max(known.corrections), ..progress.clone() }
}

/// The job after the event; `None` where the event does not tell enough and the store must be asked.
fn carry_on(mut job: Job, event: &JobEvent) -> Option<Job> {
    if event.version <= job.version {
        return Some(job);
    }
    if let Some(ended) = event.ended_job() {
        return Some(ended.clone());
    }
    match &event.change {
        JobChange::Started { attempt, progress } => {
            job.attempt = *attempt;
            job.status = JobStatus::Running;
            job.progress = told(progress, &job.progress);
        }
        JobChange::Progress { progress } | JobChange::Cues { progress, .. } => {
            // Whoever reports works on it: the event that said so may be late or lost, and with it the attempt.
            if job.status != JobStatus::Running {
                return None;
            }
            job.progress = told(progress, &job.progress);
        }
        JobChange::Queued { progress }
            if job.status == JobStatus::Running
                && event.version == Job::next_version(job.version)
                && progress.pages > 0 =>
        {
            // Given back by its worker: a job that starts over has no pages.
            job.status = JobStatus::Queued;
            job.progress = told(progress, &job.progress);
        }
        // Starting over may have changed the wish; an older sender's end does not tell its times.
        JobChange::Queued { .. }
        | JobChange::Completed { .. }
        | JobChange::Failed { .. }
        | JobChange::Cancelled { .. }
        | JobChange::Expired => return None,
    }
    job.version = event.version;
    Some(job)
}
