//! One thread that notices every commit to the file, by whatever process, and passes it on.
//!
//! `PRAGMA data_version` changes for a connection when *another* connection committed. So the watcher has a
//! connection of its own, which never writes.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use domain::JobEvent;
use rusqlite::{Connection, OptionalExtension, Transaction};
use tokio::sync::{mpsc, watch};

use super::error::OpenError;
use crate::{Heard, Result, Subscription};

/// Between two looks at the file. Commits of this process wake the watcher at once.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Events waiting for one subscriber; one that is slower than this hears a gap.
const SUBSCRIBER_CAPACITY: usize = 1024;

/// Events read at once.
const BATCH: usize = 256;

/// Dropping it ends the thread.
pub struct Watcher {
    commits: watch::Sender<()>,
    fanout: Arc<Mutex<Fanout>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Who hears the events, and how far they were read for all of them.
#[derive(Default)]
struct Fanout {
    position: i64,
    subscribers: Vec<Subscriber>,
}

struct Subscriber {
    sender: mpsc::Sender<Heard>,
    /// Newest event at the time of subscribing: what came before is not heard.
    after: i64,
    /// Something was lost since the last gap that was told.
    owes_gap: bool,
}

pub fn start(connection: Connection, path: &Path) -> Result<Watcher, OpenError> {
    let commits = watch::Sender::new(());
    let fanout = Arc::new(Mutex::new(Fanout::default()));
    let stop = Arc::new(AtomicBool::new(false));
    let thread = thread::Builder::new().name("cuelight-watcher".into()).spawn({
        let (commits, fanout, stop) = (commits.clone(), fanout.clone(), stop.clone());
        move || watch(&connection, &commits, &fanout, &stop)
    });
    let thread = thread.map_err(|source| OpenError::Folder { path: path.to_path_buf(), source })?;
    Ok(Watcher { commits, fanout, stop, thread: Some(thread) })
}

impl Watcher {
    /// Changes after every commit to the file. Register before you look.
    pub fn commits(&self) -> watch::Receiver<()> {
        self.commits.subscribe()
    }

    /// Unparked after a commit of this process, it saves the wait for the next look.
    pub fn waker(&self) -> Thread {
        let thread = self.thread.as_ref().expect("the thread is taken only when the watcher is dropped");
        thread.thread().clone()
    }

    /// Adds a subscriber in a reading transaction that has not looked yet. Returns what the transaction does.
    pub fn subscriber(&self) -> impl FnOnce(&Transaction<'_>) -> Result<Subscription> + Send + 'static {
        let fanout = self.fanout.clone();
        move |transaction| {
            let mut fanout = lock(&fanout);
            let newest = newest_event(transaction)?;
            if fanout.subscribers.is_empty() {
                fanout.position = newest;
            }
            let (sender, receiver) = mpsc::channel(SUBSCRIBER_CAPACITY);
            fanout.subscribers.push(Subscriber { sender, after: newest, owes_gap: false });
            Ok(Subscription::new(receiver))
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        // It is at most one look away, and then the file has no user left.
        if thread.join().is_err() {
            tracing::error!("the watcher of the database had panicked");
        }
    }
}

fn watch(connection: &Connection, commits: &watch::Sender<()>, fanout: &Mutex<Fanout>, stop: &AtomicBool) {
    let mut known_version = None;
    let mut was_failing = false;
    while !stop.load(Ordering::Acquire) {
        let version: rusqlite::Result<i64> =
            connection.query_row("PRAGMA data_version", (), |row| row.get(0));
        let looked = version.and_then(|version| {
            if known_version != Some(version) {
                commits.send_replace(());
                pass_on(connection, &mut lock(fanout))?;
            }
            Ok(version)
        });
        match looked {
            Ok(version) => known_version = Some(version),
            Err(error) => {
                // Not knowing is as good as a change: everybody looks for themselves.
                known_version = None;
                if !was_failing {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the database cannot be watched"
                    );
                }
            }
        }
        was_failing = known_version.is_none();
        lock(fanout).settle();
        thread::park_timeout(LOOK_EVERY);
    }
}

/// Reads what is new and gives it to every subscriber.
fn pass_on(connection: &Connection, fanout: &mut Fanout) -> rusqlite::Result<()> {
    if fanout.subscribers.is_empty() {
        return Ok(());
    }
    // One state of the file for all that follows, or an event between two reads would look like a pruned one.
    let transaction = connection.unchecked_transaction()?;
    loop {
        let sql = "SELECT id, record FROM events WHERE id > ?1 ORDER BY id LIMIT ?2";
        let mut statement = transaction.prepare_cached(sql)?;
        let mut rows = statement.query((fanout.position, BATCH as i64))?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            if id != fanout.position + 1 {
                fanout.gap();
            }
            match serde_json::from_str::<JobEvent>(row.get_ref(1)?.as_str()?) {
                Ok(event) => fanout.event(id, &event),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "an event cannot be read");
                    fanout.gap();
                }
            }
            fanout.position = id;
            count += 1;
        }
        if count < BATCH {
            break;
        }
    }
    // Nothing to read, yet something was published: it was pruned before we came.
    let newest = newest_event(&transaction)?;
    if newest > fanout.position {
        fanout.gap();
        fanout.position = newest;
    }
    Ok(())
}

impl Fanout {
    fn event(&mut self, id: i64, event: &JobEvent) {
        for subscriber in &mut self.subscribers {
            if id <= subscriber.after {
                continue;
            }
            subscriber.settle();
            let is_lost = subscriber.owes_gap
                || subscriber.sender.try_send(Heard::Event(Box::new(event.clone()))).is_err();
            subscriber.owes_gap = is_lost;
        }
    }

    fn gap(&mut self) {
        for subscriber in &mut self.subscribers {
            subscriber.owes_gap = true;
        }
    }

    /// Forgets who left, and tells of gaps where there is room by now.
    fn settle(&mut self) {
        self.subscribers.retain(|subscriber| !subscriber.sender.is_closed());
        for subscriber in &mut self.subscribers {
            subscriber.settle();
        }
    }
}

impl Subscriber {
    fn settle(&mut self) {
        if self.owes_gap && self.sender.try_send(Heard::Gap).is_ok() {
            self.owes_gap = false;
        }
    }
}

/// Id of the newest event ever published, pruned or not; 0 before the first.
fn newest_event(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'events'";
    let newest = connection.prepare_cached(sql)?.query_row((), |row| row.get(0)).optional()?;
    Ok(newest.unwrap_or(0))
}

fn lock(fanout: &Mutex<Fanout>) -> MutexGuard<'_, Fanout> {
    // A panic in between leaves at worst a subscriber without an event: a gap is owed then anyway.
    fanout.lock().unwrap_or_else(PoisonError::into_inner)
}
