//! The store in tables: each call is one transaction that reads the job, decides, and writes it back.

use std::sync::Arc;
use std::time::Duration;

use Ruling::{Keep, Write};
use async_trait::async_trait;
use domain::correction::Revision;
use domain::{
    Attempt, Corrections, CuePage, Job, JobId, JobSpec, Progress, Share, ShareId, Version, WallTime,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::database::{Database, Durability};
use super::{listing, record, shares, turns, workers};
use crate::rules::{self, Append, End, Ruling, Save};
use crate::{
    AddedShare, Cancelled, Claim, Created, Deleted, Finished, IdempotencyKey, JobCounts, JobPage, JobRecord,
    JobStore, Listing, Outcome, Release, Requeued, Result, Retried, SavedCorrections, Turn, WorkerRecord,
    Written,
};

pub struct EmbeddedStore {
    database: Arc<Database>,
}

impl EmbeddedStore {
    pub fn new(database: Arc<Database>) -> EmbeddedStore {
        EmbeddedStore { database }
    }

    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        self.database.write(Durability::Durable, work).await
    }

    /// Reads the job, asks the rule, and writes it back; `None` if it is gone.
    async fn change<T, F>(&self, id: JobId, rule: F) -> Result<Option<T>>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>, &mut Job) -> Result<Ruling<T>> + Send + 'static,
    {
        let change = move |transaction: &Transaction<'_>| {
            let Some(mut job) = record::live(transaction, id)? else { return Ok(None) };
            match rule(transaction, &mut job)? {
                Write(answer) => {
                    record::update(transaction, &job)?;
                    Ok(Some(answer))
                }
                Keep(answer) => Ok(Some(answer)),
            }
        };
        self.write(change).await
    }
}

#[async_trait]
impl JobStore for EmbeddedStore {
    async fn create(&self, job: &Job, key: Option<&IdempotencyKey>) -> Result<Created> {
        let (job, key) = (job.clone(), key.cloned());
        self.write(move |transaction| create(transaction, &job, key.as_ref())).await
    }

    async fn get(&self, id: JobId) -> Result<Option<Job>> {
        self.database.read(move |transaction| record::live(transaction, id)).await
    }

    async fn read(&self, id: JobId) -> Result<Option<JobRecord>> {
        let read = move |transaction: &Transaction<'_>| {
            let Some(job) = record::live(transaction, id)? else { return Ok(None) };
            let pages = pages(transaction, id, 0)?;
            Ok(Some(JobRecord { job, pages, corrections: corrections(transaction, id)? }))
        };
        self.database.read(read).await
    }

    async fn claim(&self, id: JobId, message_id: &str, receive_count: u32) -> Result<Claim> {
        let message_id = message_id.to_owned();
        let claim = move |_: &Transaction<'_>, job: &mut Job| {
            Ok(rules::claim(job, &message_id, receive_count, WallTime::now()))
        };
        let claimed = self.change(id, claim).await?;
        Ok(claimed.unwrap_or(Claim::Gone))
    }

    async fn release(&self, id: JobId, run: u32, attempt: Attempt, release: Release) -> Result<Requeued> {
        let released = self.change(id, move |_, job| Ok(rules::release(job, run, attempt, release))).await?;
        Ok(released.unwrap_or(Requeued::Fenced))
    }

    async fn requeue(&self, id: JobId, version: Version) -> Result<Requeued> {
        let requeued = self.change(id, move |_, job| Ok(rules::requeue(job, version))).await?;
        Ok(requeued.unwrap_or(Requeued::Fenced))
    }

    async fn report(&self, id: JobId, attempt: Attempt, progress: &Progress) -> Result<Written> {
        let progress = progress.clone();
        let written = self.change(id, move |_, job| Ok(rules::report(job, attempt, &progress))).await?;
        Ok(written.unwrap_or(Written::Fenced))
    }

    async fn append_cues(
        &self,
        id: JobId,
        attempt: Attempt,
        page: &CuePage,
        progress: &Progress,
    ) -> Result<Written> {
        let (page, progress) = (page.clone(), progress.clone());
        let append = move |transaction: &Transaction<'_>, job: &mut Job| {
            Ok(match rules::append(job, attempt, &page, &progress)? {
                Write(Append::Page(page)) => {
                    insert_page(transaction, job, &page)?;
                    Write(Written::At(job.version))
                }
                Keep(Append::Compare) => {
                    let stored = page_of(transaction, id, attempt, page.number)?;
                    Keep(rules::repeat(job, &page, stored.as_ref())?)
                }
                Write(_) | Keep(_) => Keep(Written::Fenced),
            })
        };
        Ok(self.change(id, append).await?.unwrap_or(Written::Fenced))
    }

    async fn finish(
        &self,
        id: JobId,
        attempt: Attempt,
        last_page: Option<&CuePage>,
        outcome: &Outcome,
    ) -> Result<Finished> {
        let (last_page, outcome) = (last_page.cloned(), outcome.clone());
        let finish = move |transaction: &Transaction<'_>, job: &mut Job| {
            Ok(match rules::finish(job, attempt, last_page.as_ref(), &outcome)? {
                Write(End { finished, page }) => {
                    if let Some(page) = page {
                        insert_page(transaction, job, &page)?;
                    }
                    Write(finished)
                }
                Keep(end) => Keep(end.finished),
            })
        };
        Ok(self.change(id, finish).await?.unwrap_or(Finished::Fenced))
    }

    async fn abandon(&self, id: JobId, run: u32, outcome: &Outcome) -> Result<Finished> {
        let outcome = outcome.clone();
        let finished = self.change(id, move |_, job| Ok(rules::abandon(job, run, &outcome))).await?;
        Ok(finished.unwrap_or(Finished::Fenced))
    }

    async fn cancel(&self, id: JobId, finished_at: WallTime) -> Result<Cancelled> {
        let cancelled = self.change(id, move |_, job| Ok(rules::cancel(job, finished_at))).await?;
        Ok(cancelled.unwrap_or(Cancelled::Gone))
    }

    async fn retry(&self, id: JobId, spec: &JobSpec, expires_at: WallTime) -> Result<Retried> {
        let spec = spec.clone();
        let retry = move |transaction: &Transaction<'_>, job: &mut Job| {
            let ruling = rules::retry(job, &spec, expires_at);
            if matches!(ruling, Write(_)) {
                transaction.execute("DELETE FROM pages WHERE job = ?1", [id.to_string()])?;
                transaction.execute("DELETE FROM corrections WHERE job = ?1", [id.to_string()])?;
            }
            Ok(ruling)
        };
        Ok(self.change(id, retry).await?.unwrap_or(Retried::Gone))
    }

    async fn link_translation(&self, id: JobId, translation: JobId) -> Result<Option<Box<Job>>> {
        self.change(id, move |_, job| Ok(rules::link_translation(job, translation))).await
    }

    async fn delete(&self, id: JobId) -> Result<Deleted> {
        let delete = move |transaction: &Transaction<'_>| {
            // Expired or not: the sweeper removes what nobody else can see. The rest goes by cascade.
            let sql = "DELETE FROM jobs WHERE id = ?1 RETURNING version";
            let version: Option<i64> =
                transaction.query_row(sql, [id.to_string()], |row| row.get(0)).optional()?;
            Ok(version.map_or(Deleted::Gone, |version| Deleted::At(Job::next_version(version as Version))))
        };
        self.write(delete).await
    }

    async fn pages(&self, id: JobId, after: Version) -> Result<Vec<CuePage>> {
        let read = move |transaction: &Transaction<'_>| match record::live(transaction, id)? {
            Some(_) => pages(transaction, id, after),
            None => Ok(Vec::new()),
        };
        self.database.read(read).await
    }

    async fn save_corrections(
        &self,
        id: JobId,
        expected: Revision,
        new: &Corrections,
    ) -> Result<SavedCorrections> {
        let new = new.clone();
        let save = move |transaction: &Transaction<'_>, job: &mut Job| {
            let ruling = rules::save_corrections(job, expected);
            if matches!(ruling, Write(_)) {
                let sql = "INSERT OR REPLACE INTO corrections (job, record) VALUES (?1, ?2)";
                transaction.execute(sql, params![id.to_string(), serde_json::to_string(&new)?])?;
            }
            Ok(match ruling {
                Write(Save::Done(job)) | Keep(Save::Done(job)) => Write(SavedCorrections::Done(job)),
                Write(Save::Conflict { job, may_be_repeat })
                | Keep(Save::Conflict { job, may_be_repeat }) => {
                    let is_repeat = may_be_repeat && corrections(transaction, id)? == new;
                    Keep(if is_repeat {
                        SavedCorrections::Done(job)
                    } else {
                        SavedCorrections::Conflict(job)
                    })
                }
            })
        };
        Ok(self.change(id, save).await?.unwrap_or(SavedCorrections::Gone))
    }

    async fn add_share(&self, id: JobId, share: &Share) -> Result<AddedShare> {
        let share = share.clone();
        self.write(move |transaction| shares::add(transaction, id, &share)).await
    }

    async fn revoke_share(&self, id: JobId, share: ShareId) -> Result<bool> {
        self.write(move |transaction| shares::revoke(transaction, id, share)).await
    }

    async fn shares(&self, id: JobId) -> Result<Option<Vec<Share>>> {
        self.database.read(move |transaction| shares::list(transaction, id)).await
    }

    async fn find_share(&self, share: ShareId) -> Result<Option<(JobId, Share)>> {
        self.database.read(move |transaction| shares::find(transaction, share)).await
    }

    async fn recent(&self, listing: &Listing) -> Result<JobPage> {
        let listing = listing.clone();
        self.database.read(move |transaction| listing::recent(transaction, &listing)).await
    }

    async fn finished_since(&self, since: WallTime, limit: usize) -> Result<Vec<Job>> {
        self.database.read(move |transaction| listing::finished_since(transaction, since, limit)).await
    }

    async fn last_finished(&self, limit: usize, cursor: Option<String>) -> Result<JobPage> {
        self.database.read(move |transaction| listing::last_finished(transaction, limit, cursor)).await
    }

    async fn expired(&self, limit: usize) -> Result<Vec<JobId>> {
        self.database.read(move |transaction| listing::expired(transaction, limit)).await
    }

    async fn take_turn(&self, task: &str, period: Duration) -> Result<bool> {
        let task = task.to_owned();
        self.write(move |transaction| turns::take(transaction, &task, period)).await
    }

    async fn give_back_turn(&self, task: &str) -> Result<()> {
        let task = task.to_owned();
        self.write(move |transaction| turns::give_back(transaction, &task)).await
    }

    async fn turns(&self) -> Result<Vec<Turn>> {
        self.database.read(|transaction| turns::list(transaction)).await
    }

    async fn counts(&self) -> Result<JobCounts> {
        self.database.read(|transaction| listing::counts(transaction)).await
    }

    async fn tell_worker(&self, worker: &WorkerRecord) -> Result<()> {
        let worker = worker.clone();
        self.database.write(Durability::Hint, move |transaction| workers::tell(transaction, &worker)).await
    }

    async fn forget_worker(&self, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.database.write(Durability::Hint, move |transaction| workers::forget(transaction, &id)).await
    }

    async fn workers(&self) -> Result<Vec<WorkerRecord>> {
        self.database.read(|transaction| workers::list(transaction)).await
    }
}

fn create(transaction: &Transaction<'_>, job: &Job, key: Option<&IdempotencyKey>) -> Result<Created> {
    if let Some(existing) = record::live(transaction, job.id)? {
        let is_repeat = rules::is_repeated_create(&existing, job);
        return Ok(if is_repeat { Created::New } else { Created::IdTaken });
    }
    if let Some(key) = key {
        let sql = "SELECT fingerprint, job FROM idempotency_keys WHERE key = ?1";
        let used: Option<(String, String)> =
            transaction.query_row(sql, [&key.key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        // A key lives as long as its job.
        if let Some((fingerprint, first_id)) = used
            && let Some(first) = record::live(transaction, record::parse_id(&first_id)?)?
        {
            let is_same = fingerprint == key.fingerprint;
            return Ok(if is_same { Created::Same(Box::new(first)) } else { Created::KeyReused });
        }
    }
    // An expired job that was not swept yet gives up its place.
    transaction.execute("DELETE FROM jobs WHERE id = ?1", [job.id.to_string()])?;
    record::insert(transaction, job)?;
    if let Some(key) = key {
        let sql = "INSERT OR REPLACE INTO idempotency_keys (key, fingerprint, job) VALUES (?1, ?2, ?3)";
        transaction.execute(sql, params![key.key, key.fingerprint, job.id.to_string()])?;
    }
    Ok(Created::New)
}

fn insert_page(transaction: &Transaction<'_>, job: &Job, page: &CuePage) -> Result<()> {
    let sql = "INSERT INTO pages (job, number, version, attempt, record) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction.prepare_cached(sql)?.execute(params![
        job.id.to_string(),
        page.number,
        page.version as i64,
        job.attempt,
        serde_json::to_string(page)?
    ])?;
    Ok(())
}

fn pages(connection: &Connection, id: JobId, after: Version) -> Result<Vec<CuePage>> {
    let sql = "SELECT record FROM pages WHERE job = ?1 AND version > ?2 ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![id.to_string(), after.min(i64::MAX as u64) as i64])?;
    let mut pages = Vec::new();
    while let Some(row) = rows.next()? {
        pages.push(record::parse(row, 0)?);
    }
    Ok(pages)
}

/// The page as it is stored, if this attempt wrote it.
fn page_of(connection: &Connection, id: JobId, attempt: Attempt, number: u32) -> Result<Option<CuePage>> {
    let sql = "SELECT record FROM pages WHERE job = ?1 AND number = ?2 AND attempt = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![id.to_string(), number, attempt])?;
    rows.next()?.map(|row| record::parse(row, 0)).transpose()
}

fn corrections(connection: &Connection, id: JobId) -> Result<Corrections> {
    let mut statement = connection.prepare_cached("SELECT record FROM corrections WHERE job = ?1")?;
    let mut rows = statement.query([id.to_string()])?;
    let Some(row) = rows.next()? else { return Ok(Corrections::default()) };
    Ok(rules::read_corrections(&row.get::<_, String>(0)?)?)
}
