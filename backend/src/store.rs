//! The store port: the truth about jobs and their cues.

use std::time::Duration;

use async_trait::async_trait;
use domain::correction::Revision;
use domain::cue::InvalidTrack;
use domain::{
    Attempt, Corrections, CuePage, Failure, Job, JobId, JobSpec, JobStatus, Profile, Progress, Share,
    ShareId, Track, Version, WallTime, segment,
};
use serde::{Deserialize, Serialize};

use crate::{Result, cursor};

/// Every write is atomic and durable when it returns. A job past its `expires_at` does not exist for any call
/// but [`expired`](JobStore::expired) and [`delete`](JobStore::delete), however late it is swept. Every change
/// raises the job's version as [`Job::next_version`] says.
///
/// A write that failed with a transient error may have happened: callers repeat it, and implementations
/// recognise the repeat of the same write by the same attempt as the success it was.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Stores a new job. With a key: the same key and fingerprint again yield the job they made first.
    async fn create(&self, job: &Job, key: Option<&IdempotencyKey>) -> Result<Created>;

    async fn get(&self, id: JobId) -> Result<Option<Job>>;

    /// The job with all its pages and its saved track, as they were together at one moment. One call, however much
    /// there is: whoever needs more than the job asks for this instead of one after another.
    async fn read(&self, id: JobId) -> Result<Option<JobRecord>>;

    /// Takes the job for a new attempt on behalf of one delivery of a message: it is running, and earlier attempts
    /// can write no more. A running job is taken only by a later delivery of the message that it was taken for before,
    /// since that one comes again when its worker died, which counts as a crash. So neither a duplicate message nor a
    /// delivery that reaches two workers takes a job from its worker.
    async fn claim(&self, id: JobId, message_id: &str, receive_count: u32) -> Result<Claim>;

    /// Gives a running job back: it is queued, and its pages and progress stay. `run` and `attempt` are those of
    /// the claim. The repeat is success, and counts nothing.
    async fn release(&self, id: JobId, run: u32, attempt: Attempt, release: Release) -> Result<Requeued>;

    /// Queues an unfinished job anew that has not changed since `version`: its message or its worker is lost. Of
    /// many callers one succeeds, and has to send a message. A running job counts a crash.
    async fn requeue(&self, id: JobId, version: Version) -> Result<Requeued>;

    /// Stores how far an attempt is. `pages`, `cues` and `transcribed` of the argument are ignored: only
    /// [`append_cues`](JobStore::append_cues) moves them. What is known stays known: `fraction` never falls until a
    /// retry, `has_media` stays true, `duration_ms` and `language` keep their value where the argument has none.
    async fn report(&self, id: JobId, attempt: Attempt, progress: &Progress) -> Result<Written>;

    /// Commits the next page together with the progress it makes. The page's number must be the count of pages
    /// so far (anything else is a permanent error); the repeat of the last page by the same attempt is success.
    async fn append_cues(
        &self,
        id: JobId,
        attempt: Attempt,
        page: &CuePage,
        progress: &Progress,
    ) -> Result<Written>;

    /// Ends the job, once. With a page: both in one write, the page one version before the end. It must be the next
    /// page (anything else is a permanent error), and its progress is that of the outcome.
    async fn finish(
        &self,
        id: JobId,
        attempt: Attempt,
        last_page: Option<&CuePage>,
        outcome: &Outcome,
    ) -> Result<Finished>;

    /// Ends a job that nobody works on any more: the message of this run is a dead letter. Fenced by the run alone,
    /// which [`retry`](JobStore::retry) raises: whoever holds the job loses it.
    async fn abandon(&self, id: JobId, run: u32, outcome: &Outcome) -> Result<Finished>;

    /// Ends an unfinished job by a person's wish.
    async fn cancel(&self, id: JobId, finished_at: WallTime) -> Result<Cancelled>;

    /// Makes a terminal job queued again with this spec and this new end of life; its pages and edits go. So is an
    /// unfinished one, if the spec is another: whoever works on it is fenced.
    async fn retry(&self, id: JobId, spec: &JobSpec, expires_at: WallTime) -> Result<Retried>;

    /// Names the job that translates this one, and answers the job as it is then; `None` if it is gone.
    async fn link_translation(&self, id: JobId, translation: JobId) -> Result<Option<Box<Job>>>;

    /// Removes the job, its pages and its edits; a late write of a worker does not bring it back. Works on expired
    /// jobs too: sweeping is deleting what [`expired`](JobStore::expired) names.
    async fn delete(&self, id: JobId) -> Result<Deleted>;

    /// Committed pages with a version above `after`, in order. All of them: `after` = 0.
    async fn pages(&self, id: JobId, after: Version) -> Result<Vec<CuePage>>;

    /// Saves what people corrected in place of what was saved before, if the job still counts `expected` such saves.
    /// Whatever the job is doing: no worker is hindered by it.
    async fn save_corrections(
        &self,
        id: JobId,
        expected: Revision,
        corrections: &Corrections,
    ) -> Result<SavedCorrections>;

    /// Keeps a link that shows the job. Links lie beside the job: they leave its version as it is, outlive a retry, and go
    /// with it. Those past their time are not there any more for any call.
    async fn add_share(&self, id: JobId, share: &Share) -> Result<AddedShare>;

    /// False: there is no such link of this job.
    async fn revoke_share(&self, id: JobId, share: ShareId) -> Result<bool>;

    /// The links of a job in the order they were made; `None` if the job is gone.
    async fn shares(&self, id: JobId) -> Result<Option<Vec<Share>>>;

    /// A link by its own name, and the job that it shows.
    async fn find_share(&self, share: ShareId) -> Result<Option<(JobId, Share)>>;

    /// Newest first. A cursor that is none of this store's is a permanent error from [`InvalidCursor`].
    async fn recent(&self, listing: &Listing) -> Result<JobPage>;

    /// Jobs that ended at or after `since`, oldest first, at most `limit`.
    async fn finished_since(&self, since: WallTime, limit: usize) -> Result<Vec<Job>>;

    /// Ended jobs, the newest end first, walked by the cursor as [`recent`](JobStore::recent) is.
    async fn last_finished(&self, limit: usize, cursor: Option<String>) -> Result<JobPage>;

    /// Ids of jobs past their time that still take space, at most `limit`.
    async fn expired(&self, limit: usize) -> Result<Vec<JobId>>;

    /// Takes the turn at a task that is done once across all workers: true for one caller, and then for nobody until
    /// `period` is over. Periods go by the callers' clocks. A turn whose taker dies, or got a transient error for an
    /// answer, is lost until then.
    async fn take_turn(&self, task: &str, period: Duration) -> Result<bool>;

    /// Frees a turn before its time, for a taker that could not do the task.
    async fn give_back_turn(&self, task: &str) -> Result<()>;

    /// The turns that were taken last and not given back, by task; at most some hundreds. For people to read.
    async fn turns(&self) -> Result<Vec<Turn>>;

    /// How many jobs there are. Moments late, and with those past their time that nobody swept yet.
    async fn counts(&self) -> Result<JobCounts>;

    /// Keeps what a worker tells of itself, in place of what it told before, until the record's `expires_at`. A hint:
    /// it may be lost with the power.
    async fn tell_worker(&self, worker: &WorkerRecord) -> Result<()>;

    /// Forgets a worker that stops; one that is gone is success.
    async fn forget_worker(&self, id: &str) -> Result<()>;

    /// Workers that told of themselves and are not past their time, by id; at most some thousands.
    async fn workers(&self) -> Result<Vec<WorkerRecord>>;
}

/// The last turn at a periodic task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub task: String,
    pub taken_at: WallTime,
}

/// Jobs by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    pub queued: u64,
    pub running: u64,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
}

impl JobCounts {
    pub fn of(&mut self, status: JobStatus) -> &mut u64 {
        match status {
            JobStatus::Queued => &mut self.queued,
            JobStatus::Running => &mut self.running,
            JobStatus::Completed => &mut self.completed,
            JobStatus::Failed => &mut self.failed,
            JobStatus::Cancelled => &mut self.cancelled,
        }
    }
}

/// A worker, as it tells of itself from time to time. Nothing depends on it: leases and fences say who works on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// New with each start.
    pub id: String,
    pub host: String,
    pub pid: u32,
    pub version: String,
    /// How it gets its messages: `pull` or `push`.
    pub mode: String,
    pub engine: String,
    pub model: String,
    /// Jobs it works on at once at most.
    pub slots: u32,
    /// What it worked on when it told.
    pub jobs: Vec<JobId>,
    pub started_at: WallTime,
    pub told_at: WallTime,
    pub expires_at: WallTime,
}

/// Everything that is stored of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    pub job: Job,
    /// As many as the job counts.
    pub pages: Vec<CuePage>,
    /// What people changed of it.
    pub corrections: Corrections,
}

impl JobRecord {
    /// The track so far with what people changed of it, in the layout of the job or another. Fails where a new layout is
    /// no track, which is a mistake of ours.
    pub fn track(&self, profile: Option<Profile>) -> std::result::Result<Track, InvalidTrack> {
        let JobRecord { job, pages, corrections } = self;
        let language = job.track_language().map(str::to_owned);
        match profile.filter(|profile| *profile != job.spec.profile) {
            None => Ok(corrections.track(pages, language)),
            Some(profile) => Track::new(language, segment::relayout(pages, corrections, profile)),
        }
    }
}

/// Makes a repeated submit harmless: the same key returns the job it made first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    /// Digest of what was asked: the same key for another wish is a mistake of the caller.
    pub fingerprint: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    New,
    /// The key was used before for the same wish.
    Same(Box<Job>),
    /// The key was used before for another wish.
    KeyReused,
    /// There is a job with this id.
    IdTaken,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// The job as it is now; its `attempt` is the fence of every write that follows.
    Won(Box<Job>),
    /// Another message holds it: this one is a duplicate, to be acknowledged.
    Held(Box<Job>),
    /// Somebody else has it for this very delivery, or for a later one: the message is theirs, to be left alone.
    Duplicate(Box<Job>),
    /// It ended already: announce it again and acknowledge.
    Terminal(Box<Job>),
    /// Deleted, expired or never there.
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Done; the job has this version now.
    At(Version),
    /// Another attempt took over, or the job ended or is gone: stop working on it.
    Fenced,
}

/// Why a worker gives up an attempt, which tells where it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The worker stops; counts nowhere.
    HandedBack,
    /// A passing failure: [`Job::failures`].
    Failed,
    /// [`Job::crashes`]
    Crashed,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Requeued {
    Queued(Box<Job>),
    /// It is somebody else's by now, ended, changed or gone.
    Fenced,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// `None`: completed.
    pub failure: Option<Failure>,
    /// What the last attempt counts as, where the end is not the media's own doing.
    pub counted: Option<Release>,
    /// As in [`JobStore::report`].
    pub progress: Progress,
    pub finished_at: WallTime,
    pub expires_at: WallTime,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    /// This call ended the job.
    First(Box<Job>),
    /// It had ended, by this attempt or otherwise; the job as it ended.
    Already(Box<Job>),
    /// Another attempt works on it, or another run has begun, or it is gone.
    Fenced,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Cancelled {
    Done(Box<Job>),
    /// It had ended before.
    Already(Box<Job>),
    Gone,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Retried {
    Queued(Box<Job>),
    /// It is queued or running by this very spec: there is nothing to retry.
    Unfinished(Box<Job>),
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// The version a last `Expired` event carries.
    At(Version),
    Gone,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SavedCorrections {
    /// The job with the save counted.
    Done(Box<Job>),
    /// Somebody else saved first; the job as it is now.
    Conflict(Box<Job>),
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedShare {
    Done,
    /// The job has [`Share::MOST`] links.
    Full,
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub status: Option<JobStatus>,
    pub limit: usize,
    /// Where the page before ended; opaque.
    pub cursor: Option<String>,
}

impl Listing {
    /// The cursor that goes on behind this job, wherever in a page it stands.
    pub fn cursor_after(job: &Job) -> String {
        cursor::after(job)
    }
}

/// Source of the error for a cursor that nobody gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor of a listing")]
pub struct InvalidCursor;

#[derive(Debug, Clone, PartialEq)]
pub struct JobPage {
    pub jobs: Vec<Job>,
    /// Pass it on for the next page; `None` at the end.
    pub cursor: Option<String>,
}
