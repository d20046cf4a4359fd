//! What is right and wrong with the file, without changing or migrating it.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::task::spawn_blocking;

use super::database::{IN_USE, NAME, STARTING};
use super::migrations;
use crate::doctor::{Finding, causes};

const BUSY: Duration = Duration::from_secs(5);

pub async fn examine(data: &Path) -> Vec<Finding> {
    let data = data.to_path_buf();
    let examined = spawn_blocking(move || vec![database(&data.join(NAME)), lock(&data)]).await;
    examined.unwrap_or_else(|error| vec![Finding::fail("database", causes(&error), "")])
}

fn database(path: &Path) -> Finding {
    let shown = path.display();
    if !path.exists() {
        return Finding::ok("database", format!("{shown}: made at the first start"));
    }
    let restore = "restore it from a backup, or move it away to start with an empty one";
    match look(path) {
        Ok(Look { finding, bytes, jobs }) if finding == "ok" => {
            Finding::ok("database", format!("{shown}: whole, {:.1} MB, {jobs} jobs", bytes as f64 / 1e6))
        }
        Ok(Look { finding, .. }) => {
            Finding::fail("database", format!("{shown}: damaged ({finding})"), restore)
        }
        Err(error) => Finding::fail("database", causes(&error), restore),
    }
}

struct Look {
    /// `ok`, or the first damage.
    finding: String,
    bytes: i64,
    jobs: i64,
}

/// Reads the whole file.
fn look(path: &Path) -> Result<Look, super::error::OpenError> {
    let failed = |source| super::error::OpenError::Database { path: path.to_path_buf(), source };
    // Opened for writing, as the server does, but nothing is written.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.pragma_update(None, "query_only", true).map_err(failed)?;
    migrations::check(&connection, path, false)?;
    let finding = connection.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0)).map_err(failed)?;
    let jobs = connection.query_row("SELECT count(*) FROM jobs", (), |row| row.get(0)).map_err(failed)?;
    let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let bytes = connection.query_row(sql, (), |row| row.get(0)).map_err(failed)?;
    Ok(Look { finding, bytes, jobs })
}

/// Who else has the folder: many may use it, but only one at a time may start.
fn lock(data: &Path) -> Finding {
    let is_held = |file: &File| matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    // Held to the end of this look: whoever starts now waits, and does not take us for another user.
    let starting = File::open(data.join(STARTING));
    if starting.as_ref().is_ok_and(is_held) {
        let found = format!("a process is just opening {}", data.display());
        return Finding::warn("lock", found, "look again; if this stays, that process hangs: stop it");
    }
    match File::open(data.join(IN_USE)) {
        Ok(in_use) if is_held(&in_use) => Finding::ok("lock", "in use by a server or a worker, as it may be"),
        _ => Finding::ok("lock", "free: neither server nor worker runs on it"),
    }
}
