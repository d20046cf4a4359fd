//! What is told of a job while it changes.

use serde::{Deserialize, Serialize};

use crate::{
    Attempt, Cue, CuePage, Failure, FailureView, Job, JobId, JobStatus, Progress, Version, WallTime,
};

/// One change of one job, as it goes over the topic and the WebSocket. Versions of one job only rise;
/// whoever hears an older one than it knows drops it. Not every event was stored: see [`Version`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobEvent {
    pub id: JobId,
    pub version: Version,
    #[serde(flatten)]
    pub change: JobChange,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JobChange {
    /// Submitted, asked for again (no page is left), or given back by a worker (its pages stay).
    Queued {
        #[serde(flatten)]
        progress: Progress,
    },
    Started {
        attempt: Attempt,
        #[serde(flatten)]
        progress: Progress,
    },
    Progress {
        #[serde(flatten)]
        progress: Progress,
    },
    /// A page was committed. `progress.pages` counts it, so `page + 1 <= progress.pages`.
    Cues {
        page: u32,
        cues: Vec<Cue>,
        #[serde(flatten)]
        progress: Progress,
    },
    Completed {
        finished_at: WallTime,
        #[serde(flatten)]
        progress: Progress,
        /// All of it, so that whoever hears of an end needs no store to answer for the job. An older sender has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<Box<Job>>,
    },
    Failed {
        finished_at: WallTime,
        failure: FailureView,
        #[serde(flatten)]
        progress: Progress,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<Box<Job>>,
    },
    Cancelled {
        finished_at: WallTime,
        #[serde(flatten)]
        progress: Progress,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<Box<Job>>,
    },
    /// Deleted or past its time: the job does not exist any more.
    Expired,
}

impl JobEvent {
    /// The event that tells the state of `job` as it is stored.
    pub fn state_of(job: &Job) -> JobEvent {
        let progress = job.progress.clone();
        let finished_at = job.finished_at.unwrap_or(job.created_at);
        let whole = || Some(Box::new(job.clone()));
        let change = match (job.status, &job.failure) {
            (JobStatus::Queued, _) => JobChange::Queued { progress },
            (JobStatus::Running, _) => JobChange::Started { attempt: job.attempt, progress },
            (JobStatus::Completed, _) => JobChange::Completed { finished_at, progress, job: whole() },
            (JobStatus::Failed, failure) => JobChange::Failed {
                finished_at,
                failure: FailureView::from(failure.as_ref().unwrap_or(&Failure::GaveUp)),
                progress,
                job: whole(),
            },
            (JobStatus::Cancelled, _) => JobChange::Cancelled { finished_at, progress, job: whole() },
        };
        JobEvent { id: job.id, version: job.version, change }
    }

    /// The job as it ended, if this event is its end and tells all of it.
    pub fn ended_job(&self) -> Option<&Job> {
        match &self.change {
            JobChange::Completed { job, .. }
            | JobChange::Failed { job, .. }
            | JobChange::Cancelled { job, .. } => job.as_deref(),
            JobChange::Queued { .. }
            | JobChange::Started { .. }
            | JobChange::Progress { .. }
            | JobChange::Cues { .. }
            | JobChange::Expired => None,
        }
    }

    pub fn cues_of(job: &Job, page: &CuePage) -> JobEvent {
        let change =
            JobChange::Cues { page: page.number, cues: page.cues.clone(), progress: job.progress.clone() };
        JobEvent { id: job.id, version: page.version, change }
    }

    /// The event without its cues: whoever needs them sees by `progress.pages` that a page is missing, and reads it
    /// from the store. For a topic that cannot carry so much.
    pub fn without_cues(&self) -> JobEvent {
        let change = match &self.change {
            JobChange::Cues { progress, .. } => JobChange::Progress { progress: progress.clone() },
            other => other.clone(),
        };
        JobEvent { change, ..*self }
    }

    /// What a viewer who knows everything up to version `after` has missed, oldest first: its pages, then
    /// the state of the job. `pages` may hold more than is needed.
    pub fn missed(job: &Job, pages: &[CuePage], after: Version) -> Vec<JobEvent> {
        if job.version <= after {
            return Vec::new();
        }
        let mut events: Vec<JobEvent> = pages
            .iter()
            .filter(|page| page.version > after)
            .map(|page| JobEvent::cues_of(job, page))
            .collect();
        // The last page told the state already when nothing happened since.
        let told = events.last().map_or(after, |event| event.version);
        if told < job.version {
            events.push(JobEvent::state_of(job));
        }
        events
    }
}

#[cfg(test)]
mod tests;
