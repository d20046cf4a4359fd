//! Lists of jobs, each along an index.

use domain::{Job, JobId, JobStatus, WallTime};
use rusqlite::{Connection, Params, params};

use super::{now_us, record};
use crate::{JobCounts, JobPage, Listing, Result, cursor};

pub fn recent(connection: &Connection, listing: &Listing) -> Result<JobPage> {
    let now = now_us();
    let limit = row_limit(listing.limit);
    let (created_us, id) = before(listing.cursor.as_deref())?;
    // One more than asked for tells whether another page follows.
    let mut jobs = match listing.status {
        Some(status) => {
            let sql = "SELECT record FROM jobs
                       WHERE status = ?1 AND (created_us, id) < (?2, ?3) AND expires_us > ?4
                       ORDER BY created_us DESC, id DESC LIMIT ?5";
            jobs(connection, sql, params![status.as_str(), created_us, id, now, limit + 1])?
        }
        None => {
            let sql = "SELECT record FROM jobs
                       WHERE (created_us, id) < (?1, ?2) AND expires_us > ?3
                       ORDER BY created_us DESC, id DESC LIMIT ?4";
            jobs(connection, sql, params![created_us, id, now, limit + 1])?
        }
    };
    let has_more = jobs.len() as i64 > limit;
    jobs.truncate(limit as usize);
    let cursor = jobs.last().filter(|_| has_more).map(cursor::after);
    Ok(JobPage { jobs, cursor })
}

pub fn finished_since(connection: &Connection, since: WallTime, limit: usize) -> Result<Vec<Job>> {
    let sql = "SELECT record FROM jobs WHERE finished_us >= ?1 AND expires_us > ?2
               ORDER BY finished_us, id LIMIT ?3";
    jobs(connection, sql, params![record::micros(since), now_us(), row_limit(limit)])
}

pub fn last_finished(connection: &Connection, limit: usize, cursor: Option<String>) -> Result<JobPage> {
    let limit = row_limit(limit);
    let (finished_us, id) = before(cursor.as_deref())?;
    let sql = "SELECT record FROM jobs
               WHERE finished_us IS NOT NULL AND (finished_us, id) < (?1, ?2) AND expires_us > ?3
               ORDER BY finished_us DESC, id DESC LIMIT ?4";
    let mut jobs = jobs(connection, sql, params![finished_us, id, now_us(), limit + 1])?;
    let has_more = jobs.len() as i64 > limit;
    jobs.truncate(limit as usize);
    let cursor = jobs.last().filter(|_| has_more).map(cursor::after_end);
    Ok(JobPage { jobs, cursor })
}

/// What a page lies before; without a cursor it is the end of time.
fn before(cursor: Option<&str>) -> Result<(i64, String)> {
    let Some(cursor) = cursor else { return Ok((i64::MAX, String::new())) };
    let (micros, id) = cursor::parse(cursor)?;
    Ok((micros, id.to_string()))
}

pub fn expired(connection: &Connection, limit: usize) -> Result<Vec<JobId>> {
    let sql = "SELECT id FROM jobs WHERE expires_us <= ?1 ORDER BY expires_us LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![now_us(), row_limit(limit)])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        ids.push(record::parse_id(&row.get::<_, String>(0)?)?);
    }
    Ok(ids)
}

/// Along the index alone: whether a job is past its time stands in its row.
pub fn counts(connection: &Connection) -> Result<JobCounts> {
    let mut counts = JobCounts::default();
    let mut statement = connection.prepare_cached("SELECT count(*) FROM jobs WHERE status = ?1")?;
    for status in JobStatus::ALL {
        let count: i64 = statement.query_row([status.as_str()], |row| row.get(0))?;
        *counts.of(status) = count.unsigned_abs();
    }
    Ok(counts)
}

fn jobs(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<Job>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(record::parse(row, 0)?);
    }
    Ok(jobs)
}

/// At least one row, so that a listing always gets on, and no more than fits in memory.
fn row_limit(limit: usize) -> i64 {
    limit.clamp(1, 10_000) as i64
}
