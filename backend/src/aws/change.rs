//! One change of one job: read it, ask the rule, put it back on the condition that nobody wrote in between.
//!
//! A worker remembers the jobs it claimed, so that while nobody interferes a step of a job costs one write and no
//! read; a refused write brings along what is there now.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use Ruling::{Keep, Write};
use domain::{CuePage, JobId, JobStatus};

use super::item::{self, Stored};
use super::table::{Condition, PutResult, Table};
use crate::rules::Ruling;
use crate::{BackendError, Result};

/// Tries of one write against others who write the same job. More than a handful of writers at one job is a fault.
pub const ROUNDS: u32 = 40;

/// Jobs remembered by a worker: far more than it has slots.
const REMEMBERED: usize = 256;

pub struct Jobs {
    table: Table,
    claimed: Claimed,
}

impl Jobs {
    pub fn new(table: Table) -> Jobs {
        Jobs { table, claimed: Claimed::default() }
    }

    /// What is remembered of a job that is deleted is of no use.
    pub fn forget(&self, id: JobId) {
        self.claimed.take(id);
    }

    /// `None` if the job is gone.
    pub async fn change<T: Send>(
        &self,
        id: JobId,
        rule: impl FnMut(&mut Stored) -> Result<Ruling<T>> + Send,
    ) -> Result<Option<T>> {
        self.change_with_page(id, rule, |_| None).await
    }

    /// Puts the page that `page` finds in the answer together with the job.
    pub async fn change_with_page<T: Send>(
        &self,
        id: JobId,
        mut rule: impl FnMut(&mut Stored) -> Result<Ruling<T>> + Send,
        page: impl Fn(&T) -> Option<&CuePage> + Send,
    ) -> Result<Option<T>> {
        let mut remembered = self.claimed.take(id);
        let mut current = None;
        for round in 0..ROUNDS {
            let is_remembered = remembered.is_some();
            let mut stored = match remembered.take().or(current.take()) {
                Some(stored) => stored,
                None => match self.table.job(id).await? {
                    Some(stored) => stored,
                    None => return Ok(None),
                },
            };
            let ruled = match stored.is_live() {
                true => {
                    let before = std::mem::replace(&mut stored.write, item::token());
                    rule(&mut stored).map(|ruling| Some((ruling, before)))
                }
                false => Ok(None),
            };
            let (answer, before) = match ruled {
                Ok(Some((Write(answer), before))) => (answer, before),
                // What was remembered is good enough to write on a condition, not to refuse.
                _ if is_remembered => continue,
                Ok(Some((Keep(answer), _))) => return Ok(Some(answer)),
                Ok(None) => return Ok(None),
                Err(error) => return Err(error),
            };
            match self.table.put_job(&stored, Condition::Follows(&before), page(&answer)).await? {
                PutResult::Done => {
                    self.claimed.remember(stored);
                    return Ok(Some(answer));
                }
                PutResult::Refused(items) => {
                    let Some(item) = items.into_iter().flatten().next() else { continue };
                    let there = Stored::from_item(&item)?;
                    // An earlier try of this very call got through, and its answer was lost.
                    if there.write == stored.write {
                        self.claimed.remember(stored);
                        return Ok(Some(answer));
                    }
                    current = Some(there);
                }
                PutResult::Busy => {}
            }
            pause(round).await;
        }
        Err(contended())
    }
}

pub fn contended() -> BackendError {
    BackendError::Transient(Contended.into())
}

/// The jobs that this process works on, as it wrote them last.
#[derive(Default)]
struct Claimed {
    jobs: Mutex<HashMap<JobId, Stored>>,
}

impl Claimed {
    fn take(&self, id: JobId) -> Option<Stored> {
        self.lock().remove(&id)
    }

    fn remember(&self, stored: Stored) {
        if stored.job.status != JobStatus::Running {
            return;
        }
        let mut jobs = self.lock();
        if jobs.len() >= REMEMBERED {
            // Jobs that were handed back stay behind; forgetting one that is not costs a read.
            jobs.clear();
        }
        jobs.insert(stored.job.id, stored);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Stored>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever was refused a few times lets the others go first.
pub async fn pause(round: u32) {
    if round >= 2 {
        let most_ms = u64::from(round.min(10)) * 10;
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..most_ms))).await;
    }
}

#[derive(Debug, thiserror::Error)]
#[error("too many write to the same job at once")]
struct Contended;
