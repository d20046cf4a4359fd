//! The one file: who may write it when, who reads it, and how it is opened.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::JobId;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::task::spawn_blocking;

use super::error::OpenError;
use super::watcher::Watcher;
use super::{migrations, watcher};
use crate::Result;

/// Connections kept for reading. Reads are short; more would only hold memory.
const READERS: usize = 4;

/// Looked at every [`COMMITS_PER_LOOK`] commits: a reader that is always there keeps SQLite from starting the
/// log anew on its own.
const WAL_LIMIT_BYTES: u64 = 16 << 20;
const COMMITS_PER_LOOK: u32 = 128;

/// SQLite's own waiting sleeps up to 100 ms between tries, which starves a writer beside a busy one.
const BUSY_PAUSE: Duration = Duration::from_millis(2);
const BUSY_PAUSES: i32 = 5_000;

/// Inside the data folder.
pub const NAME: &str = "cuelight.db";
/// Locked by one process at a time, while it opens the database.
pub const STARTING: &str = "cuelight.lock";
/// Locked by all processes together that have it open.
pub const IN_USE: &str = "cuelight.in-use";

/// How sure a commit has to be when it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On the disk: survives the loss of power.
    Durable,
    /// Survives a crash of every process, but perhaps not of the machine. For hints.
    Hint,
}

/// Shared by the ports of one opened backend. When the last of them goes, the watcher's thread ends.
pub struct Database {
    path: PathBuf,
    /// One writer a process: waiting for each other costs less in here than on the file's lock. An async mutex
    /// whose guard moves into the blocking work, so that waiting writers hold no thread.
    writer: Arc<tokio::sync::Mutex<Writer>>,
    readers: Arc<Mutex<Vec<Connection>>>,
    reader_permits: Arc<Semaphore>,
    pub watcher: Watcher,
    /// Locked, shared with others, for as long as the file is in use here. The system unlocks it whatever happens.
    _in_use: File,
}

struct Writer {
    connection: Connection,
    durability: Durability,
    commits: u32,
}

impl Database {
    /// Opens or creates `cuelight.db` in the folder `data`. Blocks.
    pub fn open(data: &Path) -> Result<Database, OpenError> {
        // Taken while the file is checked and migrated: two processes that start at once take turns.
        let lock_path = data.join(STARTING);
        let unusable = |source| OpenError::Folder { path: lock_path.clone(), source };
        let lock = open_lock(&lock_path).map_err(unusable)?;
        lock.lock().map_err(unusable)?;
        let in_use = open_lock(&data.join(IN_USE)).map_err(unusable)?;
        let is_alone = in_use.try_lock().is_ok();
        in_use.lock_shared().map_err(unusable)?;

        let path = data.join(NAME);
        let failed = |source| OpenError::Database { path: path.clone(), source };
        // The last one to close the file removes its log. With others at work, they have checked it.
        let is_suspect = is_alone && std::fs::metadata(log_of(&path)).is_ok_and(|log| log.len() > 0);
        let mut connection = open_file(&path).map_err(failed)?;
        migrations::check(&connection, &path, is_suspect)?;
        prepare_writer(&mut connection).map_err(failed)?;
        migrations::migrate(&mut connection).map_err(failed)?;
        let watcher = watcher::start(open_connection(&path).map_err(failed)?, &path)?;
        let writer = Writer { connection, durability: Durability::Durable, commits: 0 };
        Ok(Database {
            path,
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            readers: Arc::default(),
            reader_permits: Arc::new(Semaphore::new(READERS)),
            watcher,
            _in_use: in_use,
        })
    }

    /// Whether the job is stored, past its time or not. Blocks.
    pub fn has_job(&self, id: JobId) -> Result<bool> {
        let connection = open_connection(&self.path)?;
        Ok(connection.prepare("SELECT 1 FROM jobs WHERE id = ?1")?.exists([id.to_string()])?)
    }

    /// Runs `work` in one transaction and commits it, or rolls all of it back when it fails. Goes on to the end
    /// when the future is dropped.
    pub async fn write<T, F>(&self, durability: Durability, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let writer = self.writer.clone().lock_owned().await;
        let path = self.path.clone();
        let waker = self.watcher.waker();
        let value = spawn_blocking(move || {
            let value = write_blocking(writer, &path, durability, work);
            waker.unpark();
            value
        });
        value.await?
    }

    /// Runs `work` on one consistent state of the file.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let permit =
            self.reader_permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        let readers = self.readers.clone();
        let path = self.path.clone();
        let value = spawn_blocking(move || {
            let idle = readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match idle {
                Some(connection) => connection,
                None => open_connection(&path)?,
            };
            let value = work(&connection.transaction()?)?;
            readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(permit);
            Ok(value)
        });
        value.await?
    }
}

fn write_blocking<T>(
    mut writer: OwnedMutexGuard<Writer>,
    path: &Path,
    durability: Durability,
    work: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> Result<T> {
    if writer.durability != durability {
        let synchronous = match durability {
            Durability::Durable => "FULL",
            Durability::Hint => "NORMAL",
        };
        writer.connection.pragma_update(None, "synchronous", synchronous)?;
        writer.durability = durability;
    }
    let transaction = writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    writer.commits = writer.commits.wrapping_add(1);
    if writer.commits.is_multiple_of(COMMITS_PER_LOOK) {
        shorten_log(&mut writer.connection, path);
    }
    Ok(value)
}

/// Starts the log anew when it has grown. The commit before it is done, so a failure here is only logged.
fn shorten_log(connection: &mut Connection, path: &Path) {
    let is_long = std::fs::metadata(log_of(path)).is_ok_and(|log| log.len() > WAL_LIMIT_BYTES);
    if !is_long {
        return;
    }
    // Readers of ours are gone soon; a stranger's long one must not hold up every write.
    let shortened = connection
        .busy_timeout(Duration::from_millis(200))
        .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())));
    let shortened = wait_when_busy(connection).and(shortened);
    if let Err(error) = shortened {
        tracing::warn!(error = &error as &dyn std::error::Error, "the database's log was not shortened");
    }
}

/// SQLite's write-ahead log of the file.
fn log_of(path: &Path) -> PathBuf {
    let mut log_path = path.as_os_str().to_owned();
    log_path.push("-wal");
    log_path.into()
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    File::options().create(true).truncate(false).read(true).write(true).open(path)
}

fn open_file(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    wait_when_busy(&mut connection)?;
    Ok(connection)
}

fn wait_when_busy(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(|pauses| {
        std::thread::sleep(BUSY_PAUSE);
        pauses < BUSY_PAUSES
    }))
}

/// What is kept in the file (WAL) and what only this connection knows (the rest).
fn prepare_writer(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT_BYTES as i64)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// A connection that only reads.
fn open_connection(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open_file(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}
