//! The store in tables: each call is one transaction that reads the job, decides, and writes it back.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Attempt, CuePage, Job, JobId, JobSpec, JobStatus, Progress, Stage, Track, Version, WallTime};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::database::{Database, Durability};
use super::{listing, record, rules};
use crate::{
    BackendError, Cancelled, Claim, Created, Deleted, Finished, IdempotencyKey, JobPage, JobStore, Listing,
    Outcome, Result, Retried, SavedTrack, Written,
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

    async fn claim(&self, id: JobId) -> Result<Claim> {
        let claim = move |transaction: &Transaction<'_>| {
            let Some(mut job) = record::live(transaction, id)? else { return Ok(Claim::Gone) };
            if job.status.is_terminal() {
                return Ok(Claim::Terminal(Box::new(job)));
            }
            job.status = JobStatus::Running;
            job.attempt += 1;
            job.progress.stage = Stage::Preparing;
            job.progress.eta_ms = None;
            record::update(transaction, &mut job)?;
            Ok(Claim::Won(Box::new(job)))
        };
        self.write(claim).await
    }

    async fn report(&self, id: JobId, attempt: Attempt, progress: &Progress) -> Result<Written> {
        let progress = progress.clone();
        let report = move |transaction: &Transaction<'_>| {
            let Some(mut job) = held(transaction, id, attempt)? else { return Ok(Written::Fenced) };
            rules::advance(&mut job.progress, &progress);
            record::update(transaction, &mut job)?;
            Ok(Written::At(job.version))
        };
        self.write(report).await
    }

    async fn append_cues(
        &self,
        id: JobId,
        attempt: Attempt,
        page: &CuePage,
        progress: &Progress,
    ) -> Result<Written> {
        let (page, progress) = (page.clone(), progress.clone());
        let append = move |transaction: &Transaction<'_>| {
            let Some(mut job) = held(transaction, id, attempt)? else { return Ok(Written::Fenced) };
            let is_last = page.number.checked_add(1) == Some(job.progress.pages);
            if is_last && is_repeat(transaction, id, attempt, &page)? {
                return Ok(Written::At(job.version));
            }
            append(transaction, &mut job, page, &progress)
        };
        self.write(append).await
    }

    async fn finish(&self, id: JobId, attempt: Attempt, outcome: &Outcome) -> Result<Finished> {
        let outcome = outcome.clone();
        let finish = move |transaction: &Transaction<'_>| {
            let Some(mut job) = record::live(transaction, id)? else { return Ok(Finished::Fenced) };
            if job.status.is_terminal() {
                return Ok(Finished::Already(Box::new(job)));
            }
            let is_held = job.status == JobStatus::Running && job.attempt == attempt;
            if !is_held {
                return Ok(Finished::Fenced);
            }
            rules::end(&mut job, outcome);
            record::update(transaction, &mut job)?;
            Ok(Finished::First(Box::new(job)))
        };
        self.write(finish).await
    }

    async fn abandon(&self, id: JobId, run: u32, outcome: &Outcome) -> Result<Finished> {
        let outcome = outcome.clone();
        let abandon = move |transaction: &Transaction<'_>| {
            let Some(mut job) = record::live(transaction, id)? else { return Ok(Finished::Fenced) };
            if job.run != run {
                return Ok(Finished::Fenced);
            }
            if job.status.is_terminal() {
                return Ok(Finished::Already(Box::new(job)));
            }
            rules::end(&mut job, outcome);
            record::update(transaction, &mut job)?;
            Ok(Finished::First(Box::new(job)))
        };
        self.write(abandon).await
    }

    async fn cancel(&self, id: JobId, finished_at: WallTime) -> Result<Cancelled> {
        let cancel = move |transaction: &Transaction<'_>| {
            let Some(mut job) = record::live(transaction, id)? else { return Ok(Cancelled::Gone) };
            if job.status.is_terminal() {
                let is_repeat = job.status == JobStatus::Cancelled && job.finished_at == Some(finished_at);
                let job = Box::new(job);
                return Ok(if is_repeat { Cancelled::Done(job) } else { Cancelled::Already(job) });
            }
            job.status = JobStatus::Cancelled;
            job.finished_at = Some(finished_at);
            job.progress.stage = Stage::Done;
            job.progress.eta_ms = None;
            record::update(transaction, &mut job)?;
            Ok(Cancelled::Done(Box::new(job)))
        };
        self.write(cancel).await
    }

    async fn retry(&self, id: JobId, spec: &JobSpec, expires_at: WallTime) -> Result<Retried> {
        let spec = spec.clone();
        let retry = move |transaction: &Transaction<'_>| {
            let Some(mut job) = record::live(transaction, id)? else { return Ok(Retried::Gone) };
            if !job.status.is_terminal() {
                let is_repeat = job.status == JobStatus::Queued
                    && job.attempt > 0
                    && job.spec == spec
                    && job.expires_at == expires_at;
                let job = Box::new(job);
                return Ok(if is_repeat { Retried::Queued(job) } else { Retried::Unfinished(job) });
            }
            transaction.execute("DELETE FROM pages WHERE job = ?1", [id.to_string()])?;
            transaction.execute("DELETE FROM saved_tracks WHERE job = ?1", [id.to_string()])?;
            rules::restart(&mut job, spec, expires_at);
            record::update(transaction, &mut job)?;
            Ok(Retried::Queued(Box::new(job)))
        };
        self.write(retry).await
    }

    async fn delete(&self, id: JobId) -> Result<Deleted> {
        let delete = move |transaction: &Transaction<'_>| {
            // Expired or not: the sweeper removes what nobody else can see. The rest goes by cascade.
            let sql = "DELETE FROM jobs WHERE id = ?1 RETURNING version";
            let version: Option<i64> =
                transaction.query_row(sql, [id.to_string()], |row| row.get(0)).optional()?;
            Ok(version.map_or(Deleted::Gone, |version| Deleted::At(version as Version + 1)))
        };
        self.write(delete).await
    }

    async fn pages(&self, id: JobId, after: Version) -> Result<Vec<CuePage>> {
        let pages = move |transaction: &Transaction<'_>| {
            if record::live(transaction, id)?.is_none() {
                return Ok(Vec::new());
            }
            let sql = "SELECT record FROM pages WHERE job = ?1 AND version > ?2 ORDER BY number";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut rows = statement.query(params![id.to_string(), after.min(i64::MAX as u64) as i64])?;
            let mut pages = Vec::new();
            while let Some(row) = rows.next()? {
                pages.push(record::parse(row, 0)?);
            }
            Ok(pages)
        };
        self.database.read(pages).await
    }

    async fn saved_track(&self, id: JobId) -> Result<Option<Track>> {
        let saved = move |transaction: &Transaction<'_>| match record::live(transaction, id)? {
            Some(_) => saved_track(transaction, id),
            None => Ok(None),
        };
        self.database.read(saved).await
    }

    async fn save_track(&self, id: JobId, expected: Version, track: &Track) -> Result<SavedTrack> {
        let track = track.clone();
        let save = move |transaction: &Transaction<'_>| {
            let Some(mut job) = record::live(transaction, id)? else { return Ok(SavedTrack::Gone) };
            if job.status != JobStatus::Completed {
                return Ok(SavedTrack::NotCompleted);
            }
            if job.version != expected {
                let is_repeat = expected.checked_add(1) == Some(job.version)
                    && saved_track(transaction, id)?.as_ref() == Some(&track);
                return Ok(match is_repeat {
                    true => SavedTrack::At(job.version),
                    false => SavedTrack::Conflict(job.version),
                });
            }
            let sql = "INSERT OR REPLACE INTO saved_tracks (job, record) VALUES (?1, ?2)";
            transaction.execute(sql, params![id.to_string(), serde_json::to_string(&track)?])?;
            record::update(transaction, &mut job)?;
            Ok(SavedTrack::At(job.version))
        };
        self.write(save).await
    }

    async fn recent(&self, listing: &Listing) -> Result<JobPage> {
        let listing = listing.clone();
        self.database.read(move |transaction| listing::recent(transaction, &listing)).await
    }

    async fn finished_since(&self, since: WallTime, limit: usize) -> Result<Vec<Job>> {
        self.database.read(move |transaction| listing::finished_since(transaction, since, limit)).await
    }

    async fn expired(&self, limit: usize) -> Result<Vec<JobId>> {
        self.database.read(move |transaction| listing::expired(transaction, limit)).await
    }
}

fn create(transaction: &Transaction<'_>, job: &Job, key: Option<&IdempotencyKey>) -> Result<Created> {
    if let Some(existing) = record::live(transaction, job.id)? {
        // Ids are random, so the same wish under the same id is this very call, repeated.
        let is_repeat = existing.spec == job.spec && existing.created_at == job.created_at;
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

/// The job, if this attempt may write to it.
fn held(connection: &Connection, id: JobId, attempt: Attempt) -> Result<Option<Job>> {
    let job = record::live(connection, id)?;
    Ok(job.filter(|job| job.status == JobStatus::Running && job.attempt == attempt))
}

fn append(
    transaction: &Transaction<'_>,
    job: &mut Job,
    mut page: CuePage,
    progress: &Progress,
) -> Result<Written> {
    if page.number != job.progress.pages {
        return Err(BackendError::Permanent(
            PageOutOfOrder { number: page.number, pages: job.progress.pages }.into(),
        ));
    }
    rules::advance(&mut job.progress, progress);
    job.progress.pages += 1;
    job.progress.cues += page.cues.len() as u32;
    job.progress.transcribed = job.progress.transcribed.max(page.end);
    record::update(transaction, job)?;
    page.version = job.version;
    let sql = "INSERT INTO pages (job, number, version, attempt, record) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction.prepare_cached(sql)?.execute(params![
        job.id.to_string(),
        page.number,
        page.version as i64,
        job.attempt,
        serde_json::to_string(&page)?
    ])?;
    Ok(Written::At(job.version))
}

/// The page is stored already, by this attempt and with this content.
fn is_repeat(connection: &Connection, id: JobId, attempt: Attempt, page: &CuePage) -> Result<bool> {
    let sql = "SELECT record FROM pages WHERE job = ?1 AND number = ?2 AND attempt = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![id.to_string(), page.number, attempt])?;
    let Some(row) = rows.next()? else { return Ok(false) };
    let stored: CuePage = record::parse(row, 0)?;
    // Through JSON, as the stored one: not every number survives it to the last bit.
    let repeated: CuePage = serde_json::from_str(&serde_json::to_string(page)?)?;
    Ok(CuePage { version: stored.version, ..repeated } == stored)
}

#[derive(Debug, thiserror::Error)]
#[error("page {number} cannot follow {pages} pages")]
struct PageOutOfOrder {
    number: u32,
    pages: u32,
}

fn saved_track(connection: &Connection, id: JobId) -> Result<Option<Track>> {
    let mut statement = connection.prepare_cached("SELECT record FROM saved_tracks WHERE job = ?1")?;
    let mut rows = statement.query([id.to_string()])?;
    rows.next()?.map(|row| record::parse(row, 0)).transpose()
}
