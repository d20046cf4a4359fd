//! What each call of the store does to a job that is there: pure, so that it is the same whatever keeps the job.
//!
//! A job that is gone or past its time is the store's own business: these rules only see living ones.

pub mod shares;

use domain::correction::Revision;
use domain::{
    Attempt, Corrections, CuePage, Job, JobId, JobSpec, JobStatus, Progress, Stage, Version, WallTime,
};

use Ruling::{Keep, Write};

use crate::{BackendError, Cancelled, Claim, Finished, Outcome, Release, Requeued, Result, Retried, Written};

/// What a rule decided.
#[derive(Debug, PartialEq)]
pub enum Ruling<T> {
    /// The job was changed, with its version raised: store it, then this is the answer.
    Write(T),
    /// The job stays as it is.
    Keep(T),
}

impl<T> Ruling<T> {
    pub fn into_answer(self) -> T {
        match self {
            Write(answer) | Keep(answer) => answer,
        }
    }
}

pub fn claim(job: &mut Job, message_id: &str, receive_count: u32, now: WallTime) -> Ruling<Claim> {
    if job.status.is_terminal() {
        return Keep(Claim::Terminal(Box::new(job.clone())));
    }
    if job.status == JobStatus::Running {
        if job.held_by.as_deref().is_some_and(|holder| holder != message_id) {
            return Keep(Claim::Held(Box::new(job.clone())));
        }
        if receive_count <= job.held_receive {
            return Keep(Claim::Duplicate(Box::new(job.clone())));
        }
        count(job, Release::Crashed);
    }
    job.status = JobStatus::Running;
    job.held_by = Some(message_id.to_owned());
    job.held_receive = receive_count;
    job.attempt += 1;
    job.started_at.get_or_insert(now);
    job.progress.stage = Stage::Preparing;
    job.progress.eta_ms = None;
    job.version = Job::next_version(job.version);
    Write(Claim::Won(Box::new(job.clone())))
}

pub fn release(job: &mut Job, run: u32, attempt: Attempt, release: Release) -> Ruling<Requeued> {
    let is_of_attempt = job.run == run && job.attempt == attempt && attempt > 0;
    if is_of_attempt && job.status == JobStatus::Queued {
        return Keep(Requeued::Queued(Box::new(job.clone())));
    }
    if !is_of_attempt || job.status != JobStatus::Running {
        return Keep(Requeued::Fenced);
    }
    count(job, release);
    queue_anew(job)
}

pub fn requeue(job: &mut Job, version: Version) -> Ruling<Requeued> {
    if job.status.is_terminal() || job.version != version {
        return Keep(Requeued::Fenced);
    }
    if job.status == JobStatus::Running {
        count(job, Release::Crashed);
    }
    queue_anew(job)
}

fn queue_anew(job: &mut Job) -> Ruling<Requeued> {
    job.status = JobStatus::Queued;
    job.held_by = None;
    job.held_receive = 0;
    job.progress.stage = Stage::Waiting;
    job.progress.eta_ms = None;
    job.version = Job::next_version(job.version);
    Write(Requeued::Queued(Box::new(job.clone())))
}

fn count(job: &mut Job, release: Release) {
    match release {
        Release::HandedBack => {}
        Release::Failed => job.failures = job.failures.saturating_add(1),
        Release::Crashed => job.crashes = job.crashes.saturating_add(1),
    }
}

pub fn report(job: &mut Job, attempt: Attempt, progress: &Progress) -> Ruling<Written> {
    if !is_held(job, attempt) {
        return Keep(Written::Fenced);
    }
    advance(&mut job.progress, progress);
    job.version = Job::next_version(job.version);
    Write(Written::At(job.version))
}

/// What becomes of a page that an attempt wants to append.
#[derive(Debug, PartialEq)]
pub enum Append {
    Fenced,
    /// The job counts it already: the same page of the same attempt is a repeat, anything else an error.
    /// See [`repeat`].
    Compare,
    /// Store this page together with the job.
    Page(CuePage),
}

pub fn append(
    job: &mut Job,
    attempt: Attempt,
    page: &CuePage,
    progress: &Progress,
) -> Result<Ruling<Append>> {
    if !is_held(job, attempt) {
        return Ok(Keep(Append::Fenced));
    }
    if page.number.checked_add(1) == Some(job.progress.pages) {
        return Ok(Keep(Append::Compare));
    }
    if page.number != job.progress.pages {
        return Err(out_of_order(job, page));
    }
    advance(&mut job.progress, progress);
    job.progress.pages += 1;
    job.progress.cues += page.cues.len() as u32;
    job.progress.transcribed = job.progress.transcribed.max(page.heard_until());
    job.version = Job::next_version(job.version);
    Ok(Write(Append::Page(CuePage { version: job.version, ..page.clone() })))
}

/// `stored` is the last page of the job, if this attempt wrote it.
pub fn repeat(job: &Job, page: &CuePage, stored: Option<&CuePage>) -> Result<Written> {
    // Through JSON, as the stored one: not every number survives it to the last bit.
    let repeated: CuePage = serde_json::from_str(&serde_json::to_string(page)?)?;
    let is_same = stored.is_some_and(|stored| CuePage { version: stored.version, ..repeated } == *stored);
    if is_same { Ok(Written::At(job.version)) } else { Err(out_of_order(job, page)) }
}

/// How an end went, and the page to store together with the job, if there is one.
#[derive(Debug, PartialEq)]
pub struct End {
    pub finished: Finished,
    pub page: Option<CuePage>,
}

/// Two changes in one: the page is a version of its own, before that of the end.
pub fn finish(
    job: &mut Job,
    attempt: Attempt,
    last_page: Option<&CuePage>,
    outcome: &Outcome,
) -> Result<Ruling<End>> {
    if !job.status.is_terminal() && !is_held(job, attempt) {
        return Ok(Keep(End { finished: Finished::Fenced, page: None }));
    }
    let mut page = None;
    if let (Some(last_page), false) = (last_page, job.status.is_terminal()) {
        let Write(Append::Page(numbered)) = append(job, attempt, last_page, &outcome.progress)? else {
            return Err(out_of_order(job, last_page));
        };
        page = Some(numbered);
    }
    Ok(match end_once(job, outcome) {
        Write(finished) => Write(End { finished, page }),
        Keep(finished) => Keep(End { finished, page: None }),
    })
}

pub fn abandon(job: &mut Job, run: u32, outcome: &Outcome) -> Ruling<Finished> {
    if job.run != run {
        return Keep(Finished::Fenced);
    }
    end_once(job, outcome)
}

fn end_once(job: &mut Job, outcome: &Outcome) -> Ruling<Finished> {
    if job.status.is_terminal() {
        return Keep(Finished::Already(Box::new(job.clone())));
    }
    end(job, outcome.clone());
    job.version = Job::next_version(job.version);
    Write(Finished::First(Box::new(job.clone())))
}

pub fn cancel(job: &mut Job, finished_at: WallTime) -> Ruling<Cancelled> {
    if job.status.is_terminal() {
        let is_repeat = job.status == JobStatus::Cancelled && job.finished_at == Some(finished_at);
        let job = Box::new(job.clone());
        return Keep(if is_repeat { Cancelled::Done(job) } else { Cancelled::Already(job) });
    }
    job.status = JobStatus::Cancelled;
    job.finished_at = Some(finished_at);
    job.progress.stage = Stage::Done;
    job.progress.eta_ms = None;
    job.version = Job::next_version(job.version);
    Write(Cancelled::Done(Box::new(job.clone())))
}

/// With [`Ruling::Write`] the job's pages and edits go.
pub fn retry(job: &mut Job, spec: &JobSpec, expires_at: WallTime) -> Ruling<Retried> {
    if !job.status.is_terminal() && job.spec == *spec {
        let is_repeat = job.status == JobStatus::Queued && job.run > 0 && job.expires_at == expires_at;
        let job = Box::new(job.clone());
        return Keep(if is_repeat { Retried::Queued(job) } else { Retried::Unfinished(job) });
    }
    restart(job, spec.clone(), expires_at);
    job.version = Job::next_version(job.version);
    Write(Retried::Queued(Box::new(job.clone())))
}

pub fn link_translation(job: &mut Job, translation: JobId) -> Ruling<Box<Job>> {
    if job.translation == Some(translation) {
        return Keep(Box::new(job.clone()));
    }
    job.translation = Some(translation);
    job.version = Job::next_version(job.version);
    Write(Box::new(job.clone()))
}

/// What becomes of corrections that somebody saves.
#[derive(Debug, Clone, PartialEq)]
pub enum Save {
    /// There are others by now. `may_be_repeat`: when those that are stored are the same, the save was done already.
    Conflict { job: Box<Job>, may_be_repeat: bool },
    /// Store them together with the job.
    Done(Box<Job>),
}

pub fn save_corrections(job: &mut Job, expected: Revision) -> Ruling<Save> {
    if job.progress.corrections != expected {
        let may_be_repeat = expected.checked_add(1) == Some(job.progress.corrections);
        return Keep(Save::Conflict { job: Box::new(job.clone()), may_be_repeat });
    }
    job.progress.corrections = expected.saturating_add(1);
    job.version = Job::next_version(job.version);
    Write(Save::Done(Box::new(job.clone())))
}

/// Corrections as they are stored. Before there were any, people saved whole tracks.
pub fn read_corrections(json: &str) -> std::result::Result<Corrections, serde_json::Error> {
    let read = serde_json::from_str::<Corrections>(json);
    read.or_else(|error| {
        serde_json::from_str(json).map(|track| Corrections::whole(&track)).map_err(|_| error)
    })
}

/// Ids are random, so the same wish under the same id is the very same call, repeated.
pub fn is_repeated_create(existing: &Job, job: &Job) -> bool {
    existing.spec == job.spec && existing.created_at == job.created_at
}

/// This attempt may write to the job.
fn is_held(job: &Job, attempt: Attempt) -> bool {
    job.status == JobStatus::Running && job.attempt == attempt
}

fn out_of_order(job: &Job, page: &CuePage) -> BackendError {
    BackendError::Permanent(PageOutOfOrder { number: page.number, pages: job.progress.pages }.into())
}

#[derive(Debug, thiserror::Error)]
#[error("page {number} cannot follow {pages} pages")]
struct PageOutOfOrder {
    number: u32,
    pages: u32,
}

/// Takes over what a worker reports. What is known stays known, and the bar never falls.
fn advance(known: &mut Progress, reported: &Progress) {
    known.stage = reported.stage;
    // `max` ignores NaN, which JSON could not hold.
    known.fraction = known.fraction.max(reported.fraction).min(1.0);
    known.eta_ms = reported.eta_ms;
    known.duration_ms = reported.duration_ms.or(known.duration_ms);
    if reported.language.is_some() {
        known.language.clone_from(&reported.language);
        known.language_confidence = reported.language_confidence;
    }
    known.has_media |= reported.has_media;
}

/// Ends the job as the outcome says.
fn end(job: &mut Job, outcome: Outcome) {
    advance(&mut job.progress, &outcome.progress);
    job.progress.stage = Stage::Done;
    job.progress.eta_ms = None;
    if let Some(counted) = outcome.counted {
        count(job, counted);
    }
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

/// Makes the job as if nobody had worked on it. The attempt number stays: a writer of the run before is fenced in
/// the new one too.
fn restart(job: &mut Job, spec: JobSpec, expires_at: WallTime) {
    let has_media = match spec.source == job.spec.source {
        true => job.progress.has_media && spec.video.is_none(),
        false => spec.has_media_before(),
    };
    // The corrections go, which is one more change of them to whoever holds them.
    let corrections = match job.progress.corrections {
        0 => 0,
        some => some.saturating_add(1),
    };
    job.progress = Progress { has_media, corrections, ..Progress::default() };
    job.status = JobStatus::Queued;
    job.run = job.run.saturating_add(1);
    job.failures = 0;
    job.crashes = 0;
    job.held_by = None;
    job.held_receive = 0;
    job.spec = spec;
    job.failure = None;
    job.started_at = None;
    job.finished_at = None;
    job.expires_at = expires_at;
}
