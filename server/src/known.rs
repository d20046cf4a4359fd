//! The last known state of jobs, so that questions about them do not reach the store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use backend::{JobRecord, JobStore, Result};
use domain::{Job, JobChange, JobEvent, JobId, JobStatus, Version, WallTime};
use moka::future::Cache;
use moka::policy::EvictionPolicy;

/// Jobs remembered at once; the one that nobody asked about for longest goes first.
pub const CAPACITY: usize = 10_000;

/// After this long the store is asked again about an unfinished job even if events keep coming: the slow reconcile
/// behind the hints. An ended one changes by a person's wish only, and is trusted until it expires.
const TRUSTED_FOR: Duration = Duration::from_secs(60);

/// While events do not reach us, any copy is this old at most.
const TRUSTED_UNHEARD: Duration = Duration::from_secs(5);

/// Jobs that events may name during one read of many jobs.
const HEARD_MEANWHILE: usize = 50_000;

/// The completed-jobs cache, and the unfinished ones with it: a hint in front of the store. Holds only what was read
/// from the store or written by this server, carried on by later events.
pub struct KnownJobs {
    store: Arc<dyn JobStore>,
    slots: Cache<JobId, Arc<Slot>>,
    /// Whether events reach us.
    is_followed: AtomicBool,
    /// Reads of many jobs that are under way.
    readings: Mutex<Vec<Weak<Meanwhile>>>,
    /// How often everything was forgotten.
    gaps: AtomicU64,
}

/// What was heard during a read of many jobs: the newest event of each. `None`: too much, or a gap.
type Meanwhile = Mutex<Option<HashMap<JobId, JobEvent>>>;

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    /// One read of the store at a time for one job, however many ask.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// The newest event since the slot exists, without its cues: it may arrive while the store is being read.
    newest: Option<JobEvent>,
}

struct Known {
    job: Job,
    read_at: Instant,
}

impl KnownJobs {
    pub fn new(store: Arc<dyn JobStore>) -> KnownJobs {
        // The usual policy would refuse a new job for one that is asked about often; the newest are the likeliest.
        let slots =
            Cache::builder().max_capacity(CAPACITY as u64).eviction_policy(EvictionPolicy::lru()).build();
        KnownJobs {
            store,
            slots,
            is_followed: AtomicBool::new(false),
            readings: Mutex::default(),
            gaps: AtomicU64::new(0),
        }
    }

    pub async fn get(&self, id: JobId) -> Result<Option<Job>> {
        self.get_since(id, 0).await
    }

    /// The job at this version or a later one, as far as the store has it: what is known here may be older than what
    /// the caller has heard of.
    pub async fn get_since(&self, id: JobId, version: Version) -> Result<Option<Job>> {
        let asked_at = Instant::now();
        // The slot comes before the look at the store, so that no event falls between the two.
        let slot = self.slots.get_with(id, async { Arc::default() }).await;
        let is_new_enough = |known: &Known| known.job.version >= version && self.is_trusted(known);
        if let Some(job) = slot.job_if(is_new_enough) {
            return Ok(Some(job));
        }
        let _reading = slot.reading.lock().await;
        // What was read while we waited for our turn is as new as what we would read.
        if let Some(job) = slot.job_if(|known| is_new_enough(known) || known.read_at >= asked_at) {
            return Ok(Some(job));
        }
        match self.store.get(id).await? {
            Some(job) => Ok(Some(slot.keep(job))),
            None => {
                // Ids that lead nowhere take no place.
                self.slots.invalidate(&id).await;
                Ok(None)
            }
        }
    }

    /// What can be said without the store.
    pub async fn peek(&self, id: JobId) -> Option<Job> {
        self.slots.get(&id).await?.job_if(|known| self.is_trusted(known))
    }

    /// The job with its pages from the store, in one call.
    pub async fn record(&self, id: JobId) -> Result<Option<JobRecord>> {
        let slot = self.slots.get_with(id, async { Arc::default() }).await;
        let Some(mut record) = self.store.read(id).await? else {
            self.slots.invalidate(&id).await;
            return Ok(None);
        };
        let job = slot.keep(record.job.clone());
        // What was hinted since is newer by its progress alone. After a later change these pages would not be all.
        if Job::stored_version(job.version) == Job::stored_version(record.job.version) {
            record.job = job;
        }
        Ok(Some(record))
    }

    /// Remembers what this server wrote or read itself.
    pub async fn keep(&self, job: Job) {
        if self.is_followed.load(Ordering::SeqCst) {
            self.slots.get_with(job.id, async { Arc::default() }).await.keep(job);
        }
    }

    /// True: it is news, newer than what was heard of the job before.
    pub async fn hear(&self, event: &JobEvent) -> bool {
        for reading in lock(&self.readings).iter().filter_map(Weak::upgrade) {
            note(&reading, event);
        }
        if event.change == JobChange::Expired {
            self.slots.invalidate(&event.id).await;
            return true;
        }
        match self.slots.get(&event.id).await {
            Some(slot) => slot.hear(event),
            None => true,
        }
    }

    /// Events may have been missed: nothing known counts any more. Readers on their way keep their old slot, which
    /// nobody asks any more.
    pub fn forget_all(&self) {
        self.gaps.fetch_add(1, Ordering::SeqCst);
        for reading in lock(&self.readings).iter().filter_map(Weak::upgrade) {
            *lock(&reading) = None;
        }
        self.slots.invalidate_all();
    }

    /// How often everything was forgotten: tells whether that happened between two moments.
    pub fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::SeqCst)
    }

    /// Says whether events reach us from now on.
    pub fn follow(&self, is_followed: bool) {
        if !self.is_followed.swap(is_followed, Ordering::SeqCst) && is_followed {
            self.forget_all();
        }
    }

    /// Before many jobs are read from the store at once: from now on every event is noted.
    pub fn start_reading(&self) -> Reading<'_> {
        let meanwhile = Arc::new(Mutex::new(Some(HashMap::new())));
        let mut readings = lock(&self.readings);
        readings.retain(|reading| reading.strong_count() > 0);
        readings.push(Arc::downgrade(&meanwhile));
        Reading { known: self, meanwhile }
    }

    /// Jobs known here, ended or not. Counts what is asked for in vain too, for a moment.
    pub async fn count(&self) -> u64 {
        self.slots.run_pending_tasks().await;
        self.slots.entry_count()
    }

    fn is_trusted(&self, known: &Known) -> bool {
        let Known { job, read_at } = known;
        let is_recent = match self.is_followed.load(Ordering::SeqCst) {
            true => job.status.is_terminal() || read_at.elapsed() < TRUSTED_FOR,
            false => read_at.elapsed() < TRUSTED_UNHEARD,
        };
        is_recent && job.expires_at > WallTime::now()
    }
}

/// A read of many jobs at once.
pub struct Reading<'a> {
    known: &'a KnownJobs,
    meanwhile: Arc<Meanwhile>,
}

impl Reading<'_> {
    /// Makes what was read known, carried on by what was heard meanwhile, in whatever order the two came. False where
    /// too much was missed: nothing was made known.
    pub async fn learn(self, jobs: &[Job]) -> bool {
        if lock(&self.meanwhile).is_none() {
            return false;
        }
        for job in jobs {
            self.known.slots.get_with(job.id, async { Arc::default() }).await.keep(job.clone());
        }
        // Taken after the jobs are in their slots: what comes later finds the slot.
        let Some(heard) = lock(&self.meanwhile).take() else {
            self.known.forget_all();
            return false;
        };
        for event in heard.values() {
            self.known.hear(event).await;
        }
        true
    }
}

fn note(meanwhile: &Meanwhile, event: &JobEvent) {
    let mut meanwhile = lock(meanwhile);
    let Some(heard) = meanwhile.as_mut() else { return };
    let is_newest = heard.get(&event.id).is_none_or(|newest| newest.version < event.version);
    if is_newest {
        heard.insert(event.id, event.without_cues());
    }
    if heard.len() > HEARD_MEANWHILE {
        *meanwhile = None;
    }
}

impl Slot {
    fn job_if(&self, condition: impl FnOnce(&Known) -> bool) -> Option<Job> {
        let state = lock(&self.state);
        state.known.as_ref().filter(|known| condition(known)).map(|known| known.job.clone())
    }

    /// Takes over what the store has. What is known by now, where that is newer.
    fn keep(&self, read: Job) -> Job {
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

    fn hear(&self, event: &JobEvent) -> bool {
        let mut state = lock(&self.state);
        let is_newest = state.newest.as_ref().is_none_or(|newest| newest.version < event.version);
        if is_newest {
            state.newest = Some(event.without_cues());
        }
        if let Some(Known { job, read_at }) = state.known.take() {
            state.known = carry_on(job, event).map(|job| Known { job, read_at });
        }
        is_newest
    }
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
            job.progress = progress.clone();
        }
        JobChange::Progress { progress } | JobChange::Cues { progress, .. } => {
            // Whoever reports works on it: the event that said so may be late or lost, and with it the attempt.
            if job.status != JobStatus::Running {
                return None;
            }
            job.progress = progress.clone();
        }
        // A retry may have changed the wish; an older sender's end does not tell its times.
        JobChange::Queued { .. }
        | JobChange::Completed { .. }
        | JobChange::Failed { .. }
        | JobChange::Cancelled { .. }
        | JobChange::Expired => return None,
    }
    job.version = event.version;
    Some(job)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
