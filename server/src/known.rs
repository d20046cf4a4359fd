//! The last known state of unfinished jobs, so that questions about them do not reach the store.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use backend::{JobStore, Result};
use domain::{Job, JobChange, JobEvent, JobId, JobStatus, WallTime};
use moka::future::Cache;

use crate::live::Told;

/// Jobs remembered at once.
const CAPACITY: u64 = 10_000;

/// After this long the store is asked again even if events keep coming: the slow reconcile behind the hints.
const TRUSTED_FOR: Duration = Duration::from_secs(60);

/// A hint in front of the store. Holds only what was read from the store, carried on by later events.
/// Ended jobs are not kept: edits and retries change them without an event that says all.
pub struct KnownJobs {
    store: Arc<dyn JobStore>,
    slots: Cache<JobId, Arc<Slot>>,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    /// One read of the store at a time for one job, however many ask.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// The newest event since the slot exists: it may arrive while the store is being read.
    newest: Option<Arc<Told>>,
}

struct Known {
    job: Job,
    read_at: Instant,
}

impl KnownJobs {
    pub fn new(store: Arc<dyn JobStore>) -> KnownJobs {
        let slots = Cache::builder().max_capacity(CAPACITY).time_to_idle(TRUSTED_FOR * 2).build();
        KnownJobs { store, slots }
    }

    pub async fn get(&self, id: JobId) -> Result<Option<Job>> {
        // The slot comes before the look at the store, so that no event falls between the two.
        let slot = self.slots.get_with(id, async { Arc::default() }).await;
        if let Some(job) = slot.fresh_job() {
            return Ok(Some(job));
        }
        let _reading = slot.reading.lock().await;
        if let Some(job) = slot.fresh_job() {
            return Ok(Some(job));
        }
        self.read_into(id, &slot).await
    }

    pub async fn read(&self, id: JobId) -> Result<Option<Job>> {
        let slot = self.slots.get_with(id, async { Arc::default() }).await;
        self.read_into(id, &slot).await
    }

    pub async fn hear(&self, told: &Arc<Told>) {
        if let Some(slot) = self.slots.get(&told.event.id).await {
            slot.hear(told);
        }
    }

    /// Readers on their way keep their old slot, which nobody asks any more.
    pub fn forget_all(&self) {
        self.slots.invalidate_all();
    }

    async fn read_into(&self, id: JobId, slot: &Slot) -> Result<Option<Job>> {
        let job = self.store.get(id).await?;
        if let Some(job) = &job {
            slot.keep(job.clone());
        } else {
            slot.state().known = None;
        }
        Ok(job)
    }
}

impl Slot {
    fn fresh_job(&self) -> Option<Job> {
        let state = self.state();
        let known = state.known.as_ref()?;
        let is_fresh = known.read_at.elapsed() < TRUSTED_FOR && known.job.expires_at > WallTime::now();
        is_fresh.then(|| known.job.clone())
    }

    fn keep(&self, job: Job) {
        let mut state = self.state();
        let is_older = state.known.as_ref().is_some_and(|known| known.job.version > job.version);
        if is_older {
            return;
        }
        let mut kept = (!job.status.is_terminal()).then_some(job);
        if let Some(told) = state.newest.clone() {
            kept = kept.and_then(|job| carry_on(job, &told.event));
        }
        state.known = kept.map(|job| Known { job, read_at: Instant::now() });
    }

    fn hear(&self, told: &Arc<Told>) {
        let mut state = self.state();
        let is_newest = state.newest.as_ref().is_none_or(|newest| newest.event.version < told.event.version);
        if is_newest {
            state.newest = Some(told.clone());
        }
        if let Some(Known { job, read_at }) = state.known.take() {
            state.known = carry_on(job, &told.event).map(|job| Known { job, read_at });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The job after the event; `None` where the event does not tell enough and the store must be asked.
fn carry_on(mut job: Job, event: &JobEvent) -> Option<Job> {
    if event.version <= job.version {
        return Some(job);
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
        // A retry may have changed the wish; the end has times that the event lacks.
        JobChange::Queued { .. }
        | JobChange::Completed { .. }
        | JobChange::Failed { .. }
        | JobChange::Cancelled { .. }
        | JobChange::Expired => return None,
    }
    job.version = event.version;
    Some(job)
}

#[cfg(test)]
mod tests {
    use domain::{JobSpec, Profile, Progress, Source, Stage, Task};

    use super::*;

    fn job(version: u64) -> Job {
        let spec = JobSpec {
            source: Source::Link { url: "http://example.com/a.mp4".into() },
            language: None,
            task: Task::Transcribe,
            model: None,
            profile: Profile::Netflix,
            title: "a".into(),
        };
        let now = WallTime::now();
        let expires_at = now.checked_add(Duration::from_secs(60)).unwrap();
        Job { version, ..Job::queued(JobId::from_bits(1), spec, now, expires_at) }
    }

    fn told(version: u64, change: JobChange) -> Arc<Told> {
        Told::new(JobEvent { id: JobId::from_bits(1), version, change })
    }

    fn started(version: u64) -> Arc<Told> {
        let progress = Progress { stage: Stage::Fetching, fraction: 0.5, ..Progress::default() };
        told(version, JobChange::Started { attempt: 1, progress })
    }

    #[test]
    fn later_events_carry_a_known_job_on() {
        let slot = Slot::default();
        slot.keep(job(1));
        slot.hear(&started(2));
        let known = slot.fresh_job().unwrap();
        assert_eq!((known.version, known.status, known.attempt), (2, JobStatus::Running, 1));
        assert_eq!(known.progress.fraction, 0.5);
    }

    #[test]
    fn older_events_change_nothing() {
        let slot = Slot::default();
        slot.keep(job(5));
        slot.hear(&started(4));
        assert_eq!(slot.fresh_job().unwrap().version, 5);
    }

    #[test]
    fn an_event_that_came_during_the_read_counts() {
        let slot = Slot::default();
        slot.hear(&started(2));
        slot.keep(job(1));
        assert_eq!(slot.fresh_job().unwrap().version, 2);
    }

    #[test]
    fn an_end_that_came_during_the_read_sends_the_next_question_to_the_store() {
        let slot = Slot::default();
        slot.hear(&told(3, JobChange::Cancelled { finished_at: WallTime::now() }));
        slot.keep(job(1));
        assert_eq!(slot.fresh_job(), None);
    }

    #[test]
    fn ended_jobs_are_not_kept() {
        let slot = Slot::default();
        slot.keep(Job { status: JobStatus::Completed, ..job(9) });
        assert_eq!(slot.fresh_job(), None);
    }

    #[test]
    fn a_job_past_its_time_is_not_known() {
        let slot = Slot::default();
        slot.keep(Job { expires_at: WallTime::now(), ..job(1) });
        assert_eq!(slot.fresh_job(), None);
    }
}
