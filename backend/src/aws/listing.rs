//! Lists of jobs: an index gives the ids, the table the jobs.
//!
//! The indexes hold keys only and are written when a job changes its status, not with every page. They lag behind
//! the table by moments; so what they name is read from the table and looked at again, and whoever keeps a
//! watermark reads some time before it again.

use std::collections::BTreeMap;

use domain::{Job, JobId, JobStatus, WallTime};

use super::item::{self, KIND, attribute, position};
use super::table::{BY_END, BY_EXPIRY, BY_STATUS, Search, Table};
use crate::{JobCounts, JobPage, Listing, Result, cursor};

pub async fn recent(table: &Table, listing: &Listing) -> Result<JobPage> {
    let limit = row_limit(listing.limit);
    let mut before = before(listing.cursor.as_deref())?;
    let mut jobs: Vec<Job> = Vec::new();
    // One more than asked for tells whether another page follows.
    while jobs.len() <= limit {
        let wanted = limit + 1 - jobs.len();
        let found = newest(table, listing.status, before.as_deref(), wanted).await?;
        let is_end = found.len() < wanted;
        let ids: Vec<JobId> = found.values().rev().copied().collect();
        let mut living = living(table, &ids).await?;
        // One whose status changed since it was indexed belongs to another list by now.
        living.retain(|job| listing.status.is_none_or(|status| job.status == status));
        jobs.extend(living);
        before = found.into_keys().next();
        if is_end {
            break;
        }
    }
    let has_more = jobs.len() > limit;
    jobs.truncate(limit);
    let cursor = jobs.last().filter(|_| has_more).map(cursor::after);
    Ok(JobPage { jobs, cursor })
}

/// The newest `wanted` jobs created before a position, by position. Of all statuses: the newest of each, merged.
async fn newest(
    table: &Table,
    status: Option<JobStatus>,
    before: Option<&str>,
    wanted: usize,
) -> Result<BTreeMap<String, JobId>> {
    let statuses = status.map_or(JobStatus::ALL.to_vec(), |status| vec![status]);
    let searches = statuses.into_iter().map(async |status| {
        let search = Search {
            index: BY_STATUS,
            partition: ("status", status.as_str()),
            range: before.map(|before| ("created", "<", before.to_owned())),
            is_backward: true,
        };
        table.index(&search, wanted).await
    });
    let mut found = BTreeMap::new();
    for keys in futures::future::try_join_all(searches).await? {
        for key in keys {
            found
                .insert(attribute(&key, "created")?.to_owned(), item::parse_job_key(attribute(&key, "pk")?)?);
        }
    }
    while found.len() > wanted {
        found.pop_first();
    }
    Ok(found)
}

pub async fn finished_since(table: &Table, since: WallTime, limit: usize) -> Result<Vec<Job>> {
    let limit = row_limit(limit);
    let mut jobs = Vec::new();
    let mut range = ("finished", ">=", position(since, None));
    while jobs.len() < limit {
        let wanted = limit - jobs.len();
        let search =
            Search { index: BY_END, partition: ("kind", KIND), range: Some(range), is_backward: false };
        let keys = table.index(&search, wanted).await?;
        let ids: Result<Vec<JobId>> =
            keys.iter().map(|key| item::parse_job_key(attribute(key, "pk")?)).collect();
        let living = living(table, &ids?).await?;
        // One that was retried since it was indexed has no end.
        jobs.extend(living.into_iter().filter(|job| job.finished_at.is_some_and(|end| end >= since)));
        let Some(last) = keys.last().filter(|_| keys.len() == wanted) else { break };
        range = ("finished", ">", attribute(last, "finished")?.to_owned());
    }
    Ok(jobs)
}

pub async fn last_finished(table: &Table, limit: usize, cursor: Option<String>) -> Result<JobPage> {
    let limit = row_limit(limit);
    let mut before = before(cursor.as_deref())?;
    let mut jobs: Vec<Job> = Vec::new();
    // One more than asked for tells whether another page follows.
    while jobs.len() <= limit {
        let wanted = limit + 1 - jobs.len();
        let search = Search {
            index: BY_END,
            partition: ("kind", KIND),
            range: before.map(|before| ("finished", "<", before)),
            is_backward: true,
        };
        let keys = table.index(&search, wanted).await?;
        let ids: Result<Vec<JobId>> =
            keys.iter().map(|key| item::parse_job_key(attribute(key, "pk")?)).collect();
        // One that was retried since it was indexed has no end.
        jobs.extend(living(table, &ids?).await?.into_iter().filter(|job| job.finished_at.is_some()));
        let Some(last) = keys.last().filter(|_| keys.len() == wanted) else { break };
        before = Some(attribute(last, "finished")?.to_owned());
    }
    let has_more = jobs.len() > limit;
    jobs.truncate(limit);
    let cursor = jobs.last().filter(|_| has_more).map(cursor::after_end);
    Ok(JobPage { jobs, cursor })
}

/// The position that a page lies before, if there is a cursor.
fn before(cursor: Option<&str>) -> Result<Option<String>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let (micros, id) = cursor::parse(cursor)?;
    Ok(Some(format!("{:020}.{id}", micros.max(0))))
}

pub async fn expired(table: &Table, limit: usize) -> Result<Vec<JobId>> {
    let now = position(WallTime::now(), None);
    let search = Search {
        index: BY_EXPIRY,
        partition: ("kind", KIND),
        // A position with an id sorts after the bare moment.
        range: Some(("expires", "<=", now + "~")),
        is_backward: false,
    };
    let keys = table.index(&search, row_limit(limit)).await?;
    keys.iter().map(|key| item::parse_job_key(attribute(key, "pk")?)).collect()
}

pub async fn counts(table: &Table) -> Result<JobCounts> {
    let counting =
        JobStatus::ALL.map(async |status| table.count(BY_STATUS, ("status", status.as_str())).await);
    let found = futures::future::try_join_all(counting).await?;
    let mut counts = JobCounts::default();
    for (status, count) in JobStatus::ALL.into_iter().zip(found) {
        *counts.of(status) = count;
    }
    Ok(counts)
}

/// The jobs with these ids that are there and not past their time, in the order of the ids.
async fn living(table: &Table, ids: &[JobId]) -> Result<Vec<Job>> {
    let stored = table.jobs(ids).await?;
    let mut jobs: BTreeMap<JobId, Job> = stored
        .into_iter()
        .filter(|stored| stored.is_live())
        .map(|stored| (stored.job.id, stored.job))
        .collect();
    Ok(ids.iter().filter_map(|id| jobs.remove(id)).collect())
}

/// At least one row, so that a listing always gets on, and no more than fits in memory.
fn row_limit(limit: usize) -> usize {
    limit.clamp(1, 10_000)
}
