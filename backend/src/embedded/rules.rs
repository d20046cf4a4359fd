//! What each step of its life does to a job: pure, so that it is the same whatever keeps the job.

use domain::{Job, JobSpec, JobStatus, Progress, Source, Stage, WallTime};

use crate::Outcome;

/// Takes over what a worker reports. What is known stays known, and the bar never falls.
pub fn advance(known: &mut Progress, reported: &Progress) {
    known.stage = reported.stage;
    // `max` ignores NaN, which JSON could not hold.
    known.fraction = known.fraction.max(reported.fraction).min(1.0);
    known.eta_ms = reported.eta_ms;
    known.duration_ms = reported.duration_ms.or(known.duration_ms);
    if reported.language.is_some() {
        known.language.clone_from(&reported.language);
    }
    known.has_media |= reported.has_media;
}

/// Ends the job as the outcome says.
pub fn end(job: &mut Job, outcome: Outcome) {
    advance(&mut job.progress, &outcome.progress);
    job.progress.stage = Stage::Done;
    job.progress.eta_ms = None;
    match outcome.failure {
        Some(failure) => {
            job.status = JobStatus::Failed;
            job.failure = Some(failure);
        }
        None => {
            job.status = JobStatus::Completed;
            job.progress.fraction = 1.0;
        }
    }
    job.finished_at = Some(outcome.finished_at);
    job.expires_at = outcome.expires_at;
}

/// Makes the job as if nobody had worked on it. The attempt number stays: a writer of the run before is fenced in the new one too.
pub fn restart(job: &mut Job, spec: JobSpec, expires_at: WallTime) {
    let has_media = match spec.source == job.spec.source {
        true => job.progress.has_media,
        false => matches!(spec.source, Source::Upload { .. }),
    };
    job.progress = Progress { has_media, ..Progress::default() };
    job.status = JobStatus::Queued;
    job.run = job.run.saturating_add(1);
    job.spec = spec;
    job.failure = None;
    job.finished_at = None;
    job.expires_at = expires_at;
}
