//! Links to jobs as rows.

use domain::{JobId, Share, ShareId, WallTime};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::record;
use crate::rules::Ruling::{Keep, Write};
use crate::rules::shares;
use crate::{AddedShare, Result};

pub fn add(transaction: &Transaction<'_>, id: JobId, share: &Share) -> Result<AddedShare> {
    if record::live(transaction, id)?.is_none() {
        return Ok(AddedShare::Gone);
    }
    let mut all = stored(transaction, id)?;
    match shares::add(&mut all, share, WallTime::now()) {
        Keep(added) => Ok(added),
        Write(added) => {
            store(transaction, id, &all)?;
            Ok(added)
        }
    }
}

pub fn revoke(transaction: &Transaction<'_>, id: JobId, share: ShareId) -> Result<bool> {
    if record::live(transaction, id)?.is_none() {
        return Ok(false);
    }
    let mut all = stored(transaction, id)?;
    match shares::revoke(&mut all, share, WallTime::now()) {
        Keep(was_there) => Ok(was_there),
        Write(was_there) => {
            store(transaction, id, &all)?;
            Ok(was_there)
        }
    }
}

pub fn list(connection: &Connection, id: JobId) -> Result<Option<Vec<Share>>> {
    if record::live(connection, id)?.is_none() {
        return Ok(None);
    }
    Ok(Some(shares::living(stored(connection, id)?, WallTime::now())))
}

pub fn find(connection: &Connection, share: ShareId) -> Result<Option<(JobId, Share)>> {
    let sql = "SELECT job FROM shares WHERE id = ?1";
    let job: Option<String> = connection.query_row(sql, [share.to_string()], |row| row.get(0)).optional()?;
    let Some(job) = job else { return Ok(None) };
    let id = record::parse_id(&job)?;
    let found = list(connection, id)?.unwrap_or_default().into_iter().find(|found| found.id == share);
    Ok(found.map(|found| (id, found)))
}

fn stored(connection: &Connection, id: JobId) -> Result<Vec<Share>> {
    let mut statement =
        connection.prepare_cached("SELECT record FROM shares WHERE job = ?1 ORDER BY rowid")?;
    let mut rows = statement.query([id.to_string()])?;
    let mut shares = Vec::new();
    while let Some(row) = rows.next()? {
        shares.push(record::parse(row, 0)?);
    }
    Ok(shares)
}

/// At most [`Share::MOST`], so all of them are written anew.
fn store(transaction: &Transaction<'_>, id: JobId, shares: &[Share]) -> Result<()> {
    transaction.execute("DELETE FROM shares WHERE job = ?1", [id.to_string()])?;
    let sql = "INSERT INTO shares (id, job, record) VALUES (?1, ?2, ?3)";
    for share in shares {
        let record = serde_json::to_string(share)?;
        transaction.prepare_cached(sql)?.execute(params![share.id.to_string(), id.to_string(), record])?;
    }
    Ok(())
}
