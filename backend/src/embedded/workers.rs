//! What workers tell of themselves.

use rusqlite::{Connection, Transaction, params};

use super::{now_us, record};
use crate::{Result, WorkerRecord};

pub fn tell(transaction: &Transaction<'_>, worker: &WorkerRecord) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO workers (id, expires_us, record) VALUES (?1, ?2, ?3)";
    let expires_us = record::micros(worker.expires_at);
    transaction.execute(sql, params![worker.id, expires_us, serde_json::to_string(worker)?])?;
    transaction.execute("DELETE FROM workers WHERE expires_us <= ?1", [now_us()])?;
    Ok(())
}

pub fn forget(transaction: &Transaction<'_>, id: &str) -> Result<()> {
    transaction.execute("DELETE FROM workers WHERE id = ?1", [id])?;
    Ok(())
}

pub fn list(connection: &Connection) -> Result<Vec<WorkerRecord>> {
    let sql = "SELECT record FROM workers WHERE expires_us > ?1 ORDER BY id LIMIT 5000";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([now_us()])?;
    let mut workers = Vec::new();
    while let Some(row) = rows.next()? {
        workers.push(record::parse(row, 0)?);
    }
    Ok(workers)
}
