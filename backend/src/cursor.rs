//! The cursor of a listing: creation time in microseconds and id of the last job listed.

use domain::{Job, JobId};

use crate::{BackendError, InvalidCursor, Result};

pub fn after(job: &Job) -> String {
    format!("{}.{}", job.created_at.as_microsecond(), job.id)
}

pub fn parse(cursor: &str) -> Result<(i64, JobId)> {
    let parts = cursor.split_once('.').and_then(|(created_us, id)| {
        let id: JobId = id.parse().ok()?;
        Some((created_us.parse().ok()?, id))
    });
    parts.ok_or_else(|| BackendError::Permanent(InvalidCursor.into()))
}
