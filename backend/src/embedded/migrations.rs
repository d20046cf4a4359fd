//! The schema, and how a file gets from an older one to it.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::OpenError;

/// "CUEL": marks the file as ours, so that another program's database is never migrated.
const APPLICATION_ID: i64 = 0x4355_454c;

/// Larger files are not read whole at a usual start: a slow disk would hold it up for minutes.
const READ_WHOLE_BYTES: i64 = 64 << 20;

/// Each step leads from the schema of its index to the next. Steps are never edited once released, only added.
const STEPS: [&str; 6] = [SCHEMA_1, TURNS_2, LETTERS_3, CORRECTIONS_4, WORKERS_5, SHARES_6];

/// Times are microseconds since 1970. `record` is the whole thing as JSON; the columns beside it repeat what is
/// searched for and are written together with it, in one place.
const SCHEMA_1: &str = "
CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    status      TEXT NOT NULL,
    created_us  INTEGER NOT NULL,
    finished_us INTEGER,
    expires_us  INTEGER NOT NULL,
    record      TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_by_creation ON jobs (created_us, id);
CREATE INDEX jobs_by_status ON jobs (status, created_us, id);
CREATE INDEX jobs_by_end ON jobs (finished_us, id) WHERE finished_us IS NOT NULL;
CREATE INDEX jobs_by_expiry ON jobs (expires_us);

CREATE TABLE pages (
    job     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    record  TEXT NOT NULL,
    PRIMARY KEY (job, number)
) STRICT;

CREATE TABLE saved_tracks (
    job    TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    record TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency_keys (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    job         TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX idempotency_keys_by_job ON idempotency_keys (job);

CREATE TABLE messages (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    body          TEXT NOT NULL,
    sent_us       INTEGER NOT NULL,
    visible_us    INTEGER NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    -- Of the latest delivery: a new delivery makes every older receipt stale.
    receipt       TEXT UNIQUE
) STRICT;
CREATE INDEX messages_by_visibility ON messages (visible_us, id);

CREATE TABLE dead_letters (
    id            INTEGER PRIMARY KEY,
    body          TEXT NOT NULL,
    receive_count INTEGER NOT NULL,
    died_us       INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: ids without gaps and never reused, so that a reader sees what pruning took from under it.
CREATE TABLE events (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    published_us INTEGER NOT NULL,
    record       TEXT NOT NULL
) STRICT;
";

/// When the turn at each periodic task was taken last.
const TURNS_2: &str = "
CREATE TABLE turns (
    task     TEXT PRIMARY KEY,
    taken_us INTEGER NOT NULL
) STRICT;
";

/// Dead letters with reasons. AUTOINCREMENT: the sweep remembers letters by their ids, so none is given twice.
const LETTERS_3: &str = "
CREATE TABLE letters (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    body     TEXT NOT NULL,
    -- None: the message was received too often.
    reason   TEXT,
    attempts INTEGER NOT NULL,
    died_us  INTEGER NOT NULL
) STRICT;
INSERT INTO letters (body, attempts, died_us)
    SELECT body, receive_count, died_us FROM dead_letters ORDER BY died_us, id;
DROP TABLE dead_letters;
ALTER TABLE letters RENAME TO dead_letters;
";

/// A whole track is one kind of corrections; see `rules::read_corrections`.
const CORRECTIONS_4: &str = "ALTER TABLE saved_tracks RENAME TO corrections;";

/// What workers told of themselves last.
const WORKERS_5: &str = "
CREATE TABLE workers (
    id         TEXT PRIMARY KEY,
    expires_us INTEGER NOT NULL,
    record     TEXT NOT NULL
) STRICT;
";

/// Links to jobs, found by their own names.
const SHARES_6: &str = "
CREATE TABLE shares (
    id     TEXT PRIMARY KEY,
    job    TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX shares_by_job ON shares (job);
";

/// Refuses files that are damaged, foreign or from the future, before anything is written to them. `is_suspect`:
/// the last to use the file ended without closing it.
pub fn check(connection: &Connection, path: &Path, is_suspect: bool) -> Result<(), OpenError> {
    let path = || path.to_path_buf();
    let failed = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => OpenError::Foreign { path: path() },
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { path: path(), finding: source.to_string() }
        }
        Some(rusqlite::ErrorCode::ReadOnly) => OpenError::ReadOnly { path: path() },
        _ => OpenError::Database { path: path(), source },
    };
    let application_id: i64 =
        connection.query_row("PRAGMA application_id", (), |row| row.get(0)).map_err(failed)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).map_err(failed)?;
    let is_new = tables == 0 && application_id == 0;
    if !is_new && application_id != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path() });
    }
    // SQLite falls back to reading when a file may not be written, and says nothing.
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(failed)? {
        return Err(OpenError::ReadOnly { path: path() });
    }
    let found = schema(connection).map_err(failed)?;
    let known = STEPS.len() as i64;
    if found > known {
        return Err(OpenError::FutureSchema { path: path(), found, known });
    }
    let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let bytes: i64 = connection.query_row(sql, (), |row| row.get(0)).map_err(failed)?;
    // Reads the whole file: a damaged page shall stop the start, not some job next week.
    if is_suspect || bytes <= READ_WHOLE_BYTES {
        let finding: String =
            connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).map_err(failed)?;
        return match finding.as_str() {
            "ok" => Ok(()),
            _ => Err(OpenError::Damaged { path: path(), finding }),
        };
    }
    // SQLite has held the header against the file's length by now. The ends of every table come on top.
    read_ends(connection).map_err(failed)
}

fn read_ends(connection: &Connection) -> rusqlite::Result<()> {
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let names = tables.query_map((), |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    for name in names {
        let sql = format!("SELECT (SELECT min(rowid) FROM \"{name}\"), (SELECT max(rowid) FROM \"{name}\")");
        connection.query_row(&sql, (), |_| Ok(()))?;
    }
    Ok(())
}

/// Brings the schema up to date in one transaction: a crash leaves the old one or the new one.
pub fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = schema(&transaction)?;
    for step in STEPS.iter().skip(found as usize) {
        transaction.execute_batch(step)?;
    }
    if found < STEPS.len() as i64 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", STEPS.len() as i64)?;
    }
    transaction.commit()
}

fn schema(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0))
}
