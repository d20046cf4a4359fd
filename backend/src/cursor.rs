//! The cursor of a listing: time in microseconds and id of the last job listed.

use domain::{Job, JobId, WallTime};

use crate::{BackendError, InvalidCursor, Result};

/// In order of creation.
pub fn after(job: &Job) -> String {
    cursor(job.created_at, job.id)
}

/// In order of the end.
pub fn after_end(job: &Job) -> String {
    cursor(job.finished_at.unwrap_or(job.created_at), job.id)
}

fn cursor(time: WallTime, id: JobId) -> String {
    format!("{}.{id}", time.as_microsecond())
}

pub fn parse(cursor: &str) -> Result<(i64, JobId)> {
    let parts = cursor.split_once('.').and_then(|(created_us, id)| {
        let id: JobId = id.parse().ok()?;
        Some((created_us.parse().ok()?, id))
    });
    parts.ok_or_else(|| BackendError::Permanent(InvalidCursor.into()))
}
