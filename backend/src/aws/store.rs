//! The store in one DynamoDB table; see [`item`](super::item) for its shape and [`change`](super::change) for how a
//! job is written.

use std::time::Duration;

use Ruling::{Keep, Write};
use async_trait::async_trait;
use domain::correction::Revision;
use domain::{
    Attempt, Corrections, CuePage, Job, JobId, JobSpec, Progress, Share, ShareId, Version, WallTime,
};

use super::change::{Jobs, ROUNDS, contended, pause};
use super::item::{self, Item, Stored, TrackName};
use super::listing;
use super::table::{Condition, PutResult, Table};
use super::{shares, turns, workers};
use crate::rules::{self, Append, End, Ruling, Save};
use crate::{
    AddedShare, BackendError, Cancelled, Claim, Created, Deleted, Finished, IdempotencyKey, JobCounts,
    JobPage, JobRecord, JobStore, Listing, Outcome, Release, Requeued, Result, Retried, SavedCorrections,
    Turn, WorkerRecord, Written,
};

pub struct DynamoStore {
    table: Table,
    jobs: Jobs,
}

impl DynamoStore {
    pub fn new(table: Table) -> DynamoStore {
        DynamoStore { jobs: Jobs::new(table.clone()), table }
    }

    async fn live(&self, id: JobId) -> Result<Option<Stored>> {
        Ok(self.table.job(id).await?.filter(Stored::is_live))
    }

    async fn page_of(&self, id: JobId, attempt: Attempt, number: u32) -> Result<Option<CuePage>> {
        let Some(stored) = self.live(id).await? else { return Ok(None) };
        let key = item::key(item::job_key(id), item::page_key(&stored.pages, number));
        let Some(item) = self.table.read(key).await? else { return Ok(None) };
        let (written_by, page) = item::parse_page(&item)?;
        Ok((written_by == attempt).then_some(page))
    }

    /// What is saved now are these. Read only when an answer was lost, so that the parts cost nobody else.
    async fn has_saved(&self, id: JobId, corrections: &Corrections) -> Result<bool> {
        Ok(self.read(id).await?.is_some_and(|record| record.corrections == *corrections))
    }

    /// Removes items of the job that nothing names any more. Whatever fails is removed by the table itself, later.
    async fn drop_parts(&self, id: JobId, keys: Vec<Item>) {
        if keys.is_empty() {
            return;
        }
        if let Err(error) = self.table.delete_all(keys).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(job.id = %id, error, "parts of a job that nobody needs were not removed");
        }
    }

    async fn create_once(
        &self,
        stored: &Stored,
        key: Option<&IdempotencyKey>,
        replaced: &Replaced,
    ) -> Result<PutResult> {
        let job_condition = match &replaced.job {
            Some(write) => Condition::Follows(write),
            None => Condition::IsNew,
        };
        let Some(key) = key else { return self.table.put_job(stored, job_condition, None).await };
        let key_condition = match &replaced.key {
            Some(job) => Condition::Names(job),
            None => Condition::IsNew,
        };
        let mut key_item = item::key(format!("KEY#{}", key.key), "KEY");
        key_item.insert("fingerprint".into(), item::text(&key.fingerprint));
        key_item.insert("job".into(), item::text(stored.job.id.to_string()));
        key_item.insert("ttl".into(), item::key_ttl(stored.job.expires_at));
        let job_item = stored.to_item()?;
        self.table.put_all(vec![(job_item, Some(job_condition)), (key_item, Some(key_condition))]).await
    }
}

/// What a new job takes the place of: an expired job's last write, and the id of a gone job that held the key.
#[derive(Default)]
struct Replaced {
    job: Option<String>,
    key: Option<String>,
}

#[async_trait]
impl JobStore for DynamoStore {
    async fn create(&self, job: &Job, key: Option<&IdempotencyKey>) -> Result<Created> {
        let stored = Stored::new(job.clone());
        let mut replaced = Replaced::default();
        for round in 0..ROUNDS {
            let refused = match self.create_once(&stored, key, &replaced).await? {
                PutResult::Done => return Ok(Created::New),
                PutResult::Busy => Vec::new(),
                PutResult::Refused(items) => items,
            };
            let mut refused = refused.into_iter();
            let (there, used) = (refused.next().flatten(), refused.next().flatten());
            if let Some(there) = there {
                let there = Stored::from_item(&there)?;
                if there.is_live() {
                    let is_repeat = rules::is_repeated_create(&there.job, job);
                    return Ok(if is_repeat { Created::New } else { Created::IdTaken });
                }
                // An expired job that was not swept yet gives up its place.
                replaced.job = Some(there.write);
            } else if used.is_none() {
                replaced = Replaced::default();
            }
            if let (Some(key), Some(used)) = (key, used) {
                let first_id = item::attribute(&used, "job")?;
                let first = self.live(item::parse_job_key(&format!("JOB#{first_id}"))?).await?;
                if let Some(first) = first {
                    let is_same = item::attribute(&used, "fingerprint")? == key.fingerprint;
                    return Ok(if is_same { Created::Same(Box::new(first.job)) } else { Created::KeyReused });
                }
                // A key lives as long as its job.
                replaced.key = Some(first_id.to_owned());
            }
            pause(round).await;
        }
        Err(contended())
    }

    async fn get(&self, id: JobId) -> Result<Option<Job>> {
        Ok(self.live(id).await?.map(|stored| stored.job))
    }

    async fn read(&self, id: JobId) -> Result<Option<JobRecord>> {
        let mut seen = None;
        for round in 0..ROUNDS {
            // Everything of a job is in one partition, and the job's item sorts first.
            let items = self.table.items(id, "JOB", "TRACK#~").await?;
            let Some((stored, parts)) = item::split_job(&items)? else { return Ok(None) };
            if let Some(record) = item::record_of(&stored, parts)? {
                return Ok(Some(record));
            }
            // A query is no snapshot: a retry or a save came between the job and its parts. If there was none, they
            // are lost.
            if seen.as_ref() == Some(&stored.write) {
                return Err(BackendError::Permanent(PartsLost.into()));
            }
            seen = Some(stored.write);
            pause(round).await;
        }
        Err(contended())
    }

    async fn claim(&self, id: JobId, message_id: &str, receive_count: u32) -> Result<Claim> {
        let now = WallTime::now();
        let rule = |stored: &mut Stored| Ok(rules::claim(&mut stored.job, message_id, receive_count, now));
        Ok(self.jobs.change(id, rule).await?.unwrap_or(Claim::Gone))
    }

    async fn release(&self, id: JobId, run: u32, attempt: Attempt, release: Release) -> Result<Requeued> {
        let rule = |stored: &mut Stored| Ok(rules::release(&mut stored.job, run, attempt, release));
        Ok(self.jobs.change(id, rule).await?.unwrap_or(Requeued::Fenced))
    }

    async fn requeue(&self, id: JobId, version: Version) -> Result<Requeued> {
        let rule = |stored: &mut Stored| Ok(rules::requeue(&mut stored.job, version));
        Ok(self.jobs.change(id, rule).await?.unwrap_or(Requeued::Fenced))
    }

    async fn report(&self, id: JobId, attempt: Attempt, progress: &Progress) -> Result<Written> {
        let rule = |stored: &mut Stored| Ok(rules::report(&mut stored.job, attempt, progress));
        Ok(self.jobs.change(id, rule).await?.unwrap_or(Written::Fenced))
    }

    async fn append_cues(
        &self,
        id: JobId,
        attempt: Attempt,
        page: &CuePage,
        progress: &Progress,
    ) -> Result<Written> {
        let rule = |stored: &mut Stored| {
            let ruling = rules::append(&mut stored.job, attempt, page, progress)?;
            let job = stored.job.clone();
            Ok(match ruling {
                Write(append) => Write((append, job)),
                Keep(append) => Keep((append, job)),
            })
        };
        let Some((append, job)) = self.jobs.change_with_page(id, rule, |answer| page_in(&answer.0)).await?
        else {
            return Ok(Written::Fenced);
        };
        match append {
            Append::Fenced => Ok(Written::Fenced),
            Append::Page(page) => Ok(Written::At(page.version)),
            Append::Compare => {
                let stored = self.page_of(id, attempt, page.number).await?;
                rules::repeat(&job, page, stored.as_ref())
            }
        }
    }

    async fn finish(
        &self,
        id: JobId,
        attempt: Attempt,
        last_page: Option<&CuePage>,
        outcome: &Outcome,
    ) -> Result<Finished> {
        let rule = |stored: &mut Stored| rules::finish(&mut stored.job, attempt, last_page, outcome);
        let end = self.jobs.change_with_page(id, rule, |end: &End| end.page.as_ref()).await?;
        Ok(end.map_or(Finished::Fenced, |end| end.finished))
    }

    async fn abandon(&self, id: JobId, run: u32, outcome: &Outcome) -> Result<Finished> {
        let abandoned =
            self.jobs.change(id, |stored| Ok(rules::abandon(&mut stored.job, run, outcome))).await?;
        Ok(abandoned.unwrap_or(Finished::Fenced))
    }

    async fn cancel(&self, id: JobId, finished_at: WallTime) -> Result<Cancelled> {
        let cancelled =
            self.jobs.change(id, |stored| Ok(rules::cancel(&mut stored.job, finished_at))).await?;
        Ok(cancelled.unwrap_or(Cancelled::Gone))
    }

    async fn retry(&self, id: JobId, spec: &JobSpec, expires_at: WallTime) -> Result<Retried> {
        // Read before: afterwards there may be parts of the new run among them.
        let parts = self.table.part_keys(id).await?;
        let rule = |stored: &mut Stored| {
            let ruling = rules::retry(&mut stored.job, spec, expires_at);
            if matches!(ruling, Write(_)) {
                // From here on the pages and the track are nobody's.
                stored.pages = item::token();
                stored.track = None;
                return Ok(Write((true, ruling.into_answer())));
            }
            Ok(Keep((false, ruling.into_answer())))
        };
        let Some((is_restarted, retried)) = self.jobs.change(id, rule).await? else {
            return Ok(Retried::Gone);
        };
        if is_restarted {
            self.drop_parts(id, parts).await;
        }
        Ok(retried)
    }

    async fn link_translation(&self, id: JobId, translation: JobId) -> Result<Option<Box<Job>>> {
        let rule = |stored: &mut Stored| Ok(rules::link_translation(&mut stored.job, translation));
        self.jobs.change(id, rule).await
    }

    async fn delete(&self, id: JobId) -> Result<Deleted> {
        self.jobs.forget(id);
        let deleted = self.table.delete_job(id).await?;
        // Even when the job is gone: the call before this one may have got no further.
        let mut parts = self.table.part_keys(id).await?;
        // Of links whose delete got no further, names stay that lead nowhere, until the table sweeps them.
        parts.extend(deleted.iter().flat_map(|stored| &stored.shares).map(|share| item::share_key(share.id)));
        self.table.delete_all(parts).await?;
        Ok(deleted.map_or(Deleted::Gone, |stored| Deleted::At(Job::next_version(stored.job.version))))
    }

    async fn pages(&self, id: JobId, after: Version) -> Result<Vec<CuePage>> {
        let items = self.table.items(id, "JOB", "PAGE#~").await?;
        let Some((stored, parts)) = item::split_job(&items)? else { return Ok(Vec::new()) };
        let mut pages = item::pages_of(&stored, parts)?;
        pages.retain(|page| page.version > after);
        Ok(pages)
    }

    async fn save_corrections(
        &self,
        id: JobId,
        expected: Revision,
        corrections: &Corrections,
    ) -> Result<SavedCorrections> {
        let Some(stored) = self.live(id).await? else { return Ok(SavedCorrections::Gone) };
        // Refused before anything is written. What is written is found by nobody until the job names it.
        let is_due = matches!(rules::save_corrections(&mut stored.job.clone(), expected), Write(_));
        let token = item::token();
        let parts = match is_due {
            true => item::track_items(&stored.job, &token, &serde_json::to_string(corrections)?),
            false => Vec::new(),
        };
        let keys: Vec<Item> = (0..parts.len())
            .map(|part| item::key(item::job_key(id), item::track_key(&token, part)))
            .collect();
        for part in parts {
            self.table.put(part).await?;
        }
        let name = TrackName { token, parts: keys.len() };
        let rule = |stored: &mut Stored| {
            let old = stored.track.clone();
            Ok(match rules::save_corrections(&mut stored.job, expected) {
                Write(save) => {
                    stored.track = Some(name.clone());
                    Write((save, old))
                }
                Keep(save) => Keep((save, old)),
            })
        };
        let Some((save, old)) = self.jobs.change(id, rule).await? else {
            self.drop_parts(id, keys).await;
            return Ok(SavedCorrections::Gone);
        };
        match save {
            Save::Done(job) => {
                let old =
                    old.into_iter().flat_map(|old| (0..old.parts).map(move |part| (old.token.clone(), part)));
                let old =
                    old.map(|(token, part)| item::key(item::job_key(id), item::track_key(&token, part)));
                self.drop_parts(id, old.collect()).await;
                Ok(SavedCorrections::Done(job))
            }
            Save::Conflict { job, may_be_repeat } => {
                self.drop_parts(id, keys).await;
                let is_repeat = may_be_repeat && self.has_saved(id, corrections).await?;
                Ok(if is_repeat { SavedCorrections::Done(job) } else { SavedCorrections::Conflict(job) })
            }
        }
    }

    async fn add_share(&self, id: JobId, share: &Share) -> Result<AddedShare> {
        shares::add(&self.table, &self.jobs, id, share).await
    }

    async fn revoke_share(&self, id: JobId, share: ShareId) -> Result<bool> {
        shares::revoke(&self.table, &self.jobs, id, share).await
    }

    async fn shares(&self, id: JobId) -> Result<Option<Vec<Share>>> {
        Ok(self.live(id).await?.map(|stored| rules::shares::living(stored.shares, WallTime::now())))
    }

    async fn find_share(&self, share: ShareId) -> Result<Option<(JobId, Share)>> {
        shares::find(&self.table, share).await
    }

    async fn recent(&self, listing: &Listing) -> Result<JobPage> {
        listing::recent(&self.table, listing).await
    }

    async fn finished_since(&self, since: WallTime, limit: usize) -> Result<Vec<Job>> {
        listing::finished_since(&self.table, since, limit).await
    }

    async fn last_finished(&self, limit: usize, cursor: Option<String>) -> Result<JobPage> {
        listing::last_finished(&self.table, limit, cursor).await
    }

    async fn expired(&self, limit: usize) -> Result<Vec<JobId>> {
        listing::expired(&self.table, limit).await
    }

    async fn take_turn(&self, task: &str, period: Duration) -> Result<bool> {
        turns::take(&self.table, task, period).await
    }

    async fn give_back_turn(&self, task: &str) -> Result<()> {
        turns::give_back(&self.table, task).await
    }

    async fn turns(&self) -> Result<Vec<Turn>> {
        turns::list(&self.table).await
    }

    async fn counts(&self) -> Result<JobCounts> {
        listing::counts(&self.table).await
    }

    async fn tell_worker(&self, worker: &WorkerRecord) -> Result<()> {
        workers::tell(&self.table, worker).await
    }

    async fn forget_worker(&self, id: &str) -> Result<()> {
        workers::forget(&self.table, id).await
    }

    async fn workers(&self) -> Result<Vec<WorkerRecord>> {
        workers::list(&self.table).await
    }
}

fn page_in(append: &Append) -> Option<&CuePage> {
    match append {
        Append::Page(page) => Some(page),
        Append::Fenced | Append::Compare => None,
    }
}

#[derive(Debug, thiserror::Error)]
#[error("parts of the job are not there")]
struct PartsLost;
