//! Turns at tasks that are done once across all workers.

use std::time::Duration;

use domain::WallTime;
use rusqlite::{Connection, Transaction, params};

use super::now_us;
use crate::{Result, Turn};

/// Turns of workers that are no more, under names that nobody uses again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub fn take(transaction: &Transaction<'_>, task: &str, period: Duration) -> Result<bool> {
    let now_us = now_us();
    let before_us = |time: Duration| now_us.saturating_sub_unsigned(micros(time));
    // One that was taken in the future is from before somebody put the clock right.
    let sql = "INSERT INTO turns (task, taken_us) VALUES (?1, ?2)
               ON CONFLICT (task) DO UPDATE SET taken_us = ?2 WHERE taken_us <= ?3 OR taken_us > ?4";
    let future_us = now_us.saturating_add_unsigned(micros(period));
    let taken = transaction.execute(sql, params![task, now_us, before_us(period), future_us])? == 1;
    if taken {
        let sql = "DELETE FROM turns WHERE task <> ?1 AND taken_us < ?2";
        transaction.execute(sql, params![task, before_us(FORGOTTEN_AFTER.max(period))])?;
    }
    Ok(taken)
}

pub fn give_back(transaction: &Transaction<'_>, task: &str) -> Result<()> {
    transaction.execute("DELETE FROM turns WHERE task = ?1", [task])?;
    Ok(())
}

/// As many as workers have tasks and machines.
pub fn list(connection: &Connection) -> Result<Vec<Turn>> {
    let mut statement =
        connection.prepare_cached("SELECT task, taken_us FROM turns ORDER BY task LIMIT 500")?;
    let mut rows = statement.query(())?;
    let mut turns = Vec::new();
    while let Some(row) = rows.next()? {
        let taken_at = WallTime::from_microsecond(row.get(1)?)
            .map_err(|error| crate::BackendError::Permanent(error.into()))?;
        turns.push(Turn { task: row.get(0)?, taken_at });
    }
    Ok(turns)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
