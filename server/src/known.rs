//! The last known state of jobs, so that questions about them do not reach the store.

mod record;
mod slot;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use backend::{BackendError, JobRecord, JobStore, Result};
use domain::{Job, JobChange, JobEvent, JobId, JobStatus, Version, WallTime};
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use crate::error::causes;
use slot::{Heard, Known, Slot};

/// Jobs remembered at once; the one that nobody asked about for longest goes first.
pub const CAPACITY: usize = 10_000;

/// Memory for the cues of jobs that are read or watched, in bytes.
const CUES_CAPACITY: u64 = 64 << 20;

/// After this long the store is asked again about an unfinished job even if events keep coming: the slow reconcile
/// behind the hints.
const TRUSTED_FOR: Duration = Duration::from_secs(60);

/// The same for an ended one, which changes by a person's wish only: the one event that it was deleted may be lost.
const END_TRUSTED_FOR: Duration = Duration::from_secs(10 * 60);

/// While events do not reach us the store is read this often, and any copy is this old at most.
pub const UNHEARD_EVERY: Duration = Duration::from_secs(5);

/// An end that is older, or that far in the future, makes no job known that was not: it may have been told late, and
/// what came after it before we listened.
const END_IS_NEWS: i64 = 120;

/// Longest wait for one read of the store.
const PATIENCE: Duration = Duration::from_secs(10);

/// Jobs that events may name during one read of many jobs.
const HEARD_MEANWHILE: usize = 50_000;

/// The completed-jobs cache, and the unfinished ones with it: a hint in front of the store. Holds what was read from
/// the store or written by this server, and what an end told, carried on by later events.
pub struct KnownJobs {
    store: Arc<dyn JobStore>,
    slots: Cache<JobId, Arc<Slot>>,
    /// Cues of some of these jobs. A record counts as long as its job is known at its stored version.
    records: Cache<JobId, Arc<JobRecord>>,
    /// Whether events reach us.
    is_followed: AtomicBool,
    /// Reads of many jobs that are under way.
    readings: Mutex<Vec<Weak<Meanwhile>>>,
    /// How often everything was forgotten.
    gaps: AtomicU64,
}

/// What was heard during a read of many jobs: the newest event of each. `None`: too much, or a gap.
type Meanwhile = Mutex<Option<HashMap<JobId, JobEvent>>>;

impl KnownJobs {
    pub fn new(store: Arc<dyn JobStore>) -> KnownJobs {
        // The usual policy would refuse a new job for one that is asked about often; the newest are the likeliest.
        let slots =
            Cache::builder().max_capacity(CAPACITY as u64).eviction_policy(EvictionPolicy::lru()).build();
        let records = Cache::builder()
            .max_capacity(CUES_CAPACITY)
            .weigher(|_: &JobId, record: &Arc<JobRecord>| record::weight(record));
        KnownJobs {
            store,
            slots,
            records: records.build(),
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
        let mut reading = slot.reading.lock().await;
        // What was read while we waited for our turn is as new as what we would read.
        if let Some(job) = slot.job_if(|known| is_new_enough(known) || known.read_at >= asked_at) {
            return Ok(Some(job));
        }
        let read = self.in_time(&mut reading, asked_at, self.store.get(id)).await;
        match read {
            Ok(Some(job)) => Ok(Some(slot.keep(job))),
            Ok(None) => {
                self.nothing(id, &slot).await;
                Ok(None)
            }
            Err(error) => {
                let job = slot.job_if(|known| known.job.version >= version && self.is_followed(known));
                if job.is_some() {
                    let error = causes(&error);
                    tracing::warn!(job.id = %id, error, "the store does not answer; telling what events told");
                }
                job.map(Some).ok_or(error)
            }
        }
    }

    /// What can be said without the store.
    pub async fn peek(&self, id: JobId) -> Option<Job> {
        self.slots.get(&id).await?.job_if(|known| self.is_trusted(known))
    }

    /// The job at this version or a later one with its cues: without the store where they are known, else in one call,
    /// however many ask at once.
    pub async fn record(&self, id: JobId, version: Version) -> Result<Option<KnownRecord>> {
        let asked_at = Instant::now();
        let slot = self.slots.get_with(id, async { Arc::default() }).await;
        let is_new_enough = |known: &Known| known.job.version >= version && self.is_trusted(known);
        if let Some(record) = self.known_record(slot.job_if(is_new_enough)).await {
            return Ok(Some(record));
        }
        let mut reading = slot.reading.lock().await;
        let known = slot.job_if(|known| is_new_enough(known) || known.read_at >= asked_at);
        if let Some(record) = self.known_record(known).await {
            return Ok(Some(record));
        }
        let read = self.in_time(&mut reading, asked_at, self.store.read(id)).await?;
        let Some(stored) = read.map(record::without_words).map(Arc::new) else {
            self.nothing(id, &slot).await;
            return Ok(None);
        };
        let job = slot.keep(stored.job.clone());
        self.records.insert(id, stored.clone()).await;
        // What was hinted since is newer by its progress alone. After a later change these pages would not be all.
        let is_all = Job::stored_version(job.version) == Job::stored_version(stored.job.version);
        Ok(Some(KnownRecord { job: if is_all { job } else { stored.job.clone() }, stored }))
    }

    /// Its cues are in memory, or were a moment ago.
    pub fn has_cues(&self, id: JobId) -> bool {
        self.records.contains_key(&id)
    }

    /// Takes over corrections that this server saved on top of `before`, so that the next save needs no read. `saved` has
    /// no pages: those of `before` are its own, unless something else was stored in between.
    pub async fn corrected(&self, before: &JobRecord, saved: JobRecord) {
        if saved.job.version == Job::next_version(before.job.version) {
            let record = JobRecord { pages: before.pages.clone(), ..saved };
            self.records.insert(record.job.id, Arc::new(record)).await;
        }
    }

    async fn known_record(&self, job: Option<Job>) -> Option<KnownRecord> {
        let job = job?;
        if let Some(stored) = self.records.get(&job.id).await
            && Job::stored_version(stored.job.version) == Job::stored_version(job.version)
        {
            return Some(KnownRecord { job, stored });
        }
        let has_none = record::has_none(&job) && job.status != JobStatus::Completed;
        has_none.then(|| KnownRecord { stored: Arc::new(record::without_pages(&job)), job })
    }

    /// One read of the store. Who asked before another's read failed shares its fate: a store that does not answer is
    /// not asked by everybody in turn.
    async fn in_time<T>(
        &self,
        failed_at: &mut Option<Instant>,
        asked_at: Instant,
        read: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if failed_at.is_some_and(|failed_at| failed_at >= asked_at) {
            return Err(BackendError::Transient(NoAnswer.into()));
        }
        let read = tokio::time::timeout(PATIENCE, read).await;
        let read = read.unwrap_or_else(|_| Err(BackendError::Transient(NoAnswer.into())));
        *failed_at = read.is_err().then(Instant::now);
        read
    }

    /// Ids that lead nowhere take no place, but for those that events named.
    async fn nothing(&self, id: JobId, slot: &Slot) {
        self.records.invalidate(&id).await;
        if !slot.forget() {
            self.slots.invalidate(&id).await;
        }
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
        let is_followed = self.is_followed.load(Ordering::SeqCst);
        // The last event of a job stays, lest a late one brings the job back.
        let makes_known = event.change == JobChange::Expired || event.ended_job().is_some_and(is_news);
        let slot = match self.slots.get(&event.id).await {
            Some(slot) => slot,
            None if is_followed && makes_known => {
                self.slots.get_with(event.id, async { Arc::default() }).await
            }
            None => return true,
        };
        let Some(Heard { before, after }) = slot.hear(event, is_followed && makes_known) else {
            return false;
        };
        // Who asks while it is taken out reads the store.
        let stored = self.records.remove(&event.id).await;
        if let (Some(before), Some(after)) = (before, after)
            && let Some(record) = record::carry_on(stored, &before, event, &after)
        {
            self.records.insert(event.id, record).await;
        }
        true
    }

    /// Events may have been missed: nothing known counts any more. Readers on their way keep their old slot, which
    /// nobody asks any more.
    pub fn forget_all(&self) {
        self.gaps.fetch_add(1, Ordering::SeqCst);
        for reading in lock(&self.readings).iter().filter_map(Weak::upgrade) {
            *lock(&reading) = None;
        }
        self.slots.invalidate_all();
        self.records.invalidate_all();
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

    /// Jobs known here, ended or not.
    pub fn count(&self) -> usize {
        self.slots.iter().filter(|(_, slot)| slot.job_if(|_| true).is_some()).count()
    }

    fn is_trusted(&self, known: &Known) -> bool {
        let is_alive = known.job.expires_at > WallTime::now();
        is_alive && known.read_at.elapsed() < self.trusted_for(known.job.status)
    }

    fn trusted_for(&self, status: JobStatus) -> Duration {
        match self.is_followed.load(Ordering::SeqCst) {
            true if status.is_terminal() => END_TRUSTED_FOR,
            true => TRUSTED_FOR,
            false => UNHEARD_EVERY,
        }
    }

    /// Events tell of it, though it is time to ask the store.
    fn is_followed(&self, known: &Known) -> bool {
        self.is_followed.load(Ordering::SeqCst) && known.job.expires_at > WallTime::now()
    }
}

/// The job as it is known, and its cues.
pub struct KnownRecord {
    pub job: Job,
    /// As it was last stored, its pages without their words.
    pub stored: Arc<JobRecord>,
}

#[derive(Debug, thiserror::Error)]
#[error("the store did not answer in time")]
struct NoAnswer;

fn is_news(ended: &Job) -> bool {
    let now = WallTime::now().as_second();
    ended.finished_at.is_some_and(|end| (now - END_IS_NEWS..=now + END_IS_NEWS).contains(&end.as_second()))
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
