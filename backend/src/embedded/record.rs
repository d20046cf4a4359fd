//! Jobs as rows: the record as JSON, and beside it the columns that are searched.

use domain::{Job, JobId, WallTime};
use rusqlite::{Connection, Row, params};
use serde::de::DeserializeOwned;

use super::now_us;
use crate::{BackendError, Result};

/// The job, unless it is gone or past its time.
pub fn live(connection: &Connection, id: JobId) -> Result<Option<Job>> {
    let sql = "SELECT record FROM jobs WHERE id = ?1 AND expires_us > ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![id.to_string(), now_us()])?;
    rows.next()?.map(|row| parse(row, 0)).transpose()
}

pub fn insert(connection: &Connection, job: &Job) -> Result<()> {
    let sql = "INSERT INTO jobs (id, version, status, created_us, finished_us, expires_us, record)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    write(connection, sql, job)
}

/// Writes the changed job back.
pub fn update(connection: &Connection, job: &Job) -> Result<()> {
    let sql = "UPDATE jobs SET version = ?2, status = ?3, created_us = ?4, finished_us = ?5, expires_us = ?6,
               record = ?7 WHERE id = ?1";
    write(connection, sql, job)
}

fn write(connection: &Connection, sql: &str, job: &Job) -> Result<()> {
    connection.prepare_cached(sql)?.execute(params![
        job.id.to_string(),
        job.version as i64,
        job.status.as_str(),
        micros(job.created_at),
        job.finished_at.map(micros),
        micros(job.expires_at),
        serde_json::to_string(job)?
    ])?;
    Ok(())
}

pub fn micros(time: WallTime) -> i64 {
    time.as_microsecond()
}

/// Reads the JSON in a column.
pub fn parse<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|error| BackendError::Permanent(error.into()))?;
    Ok(serde_json::from_str(text)?)
}

pub fn parse_id(text: &str) -> Result<JobId> {
    text.parse().map_err(|error: domain::job::InvalidJobId| BackendError::Permanent(error.into()))
}
