//! The topic in a table that is read from its end; see [`watcher`](super::watcher).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use domain::JobEvent;
use rusqlite::Transaction;

use super::database::{Database, Durability};
use super::now_us;
use crate::{JobTopic, Result, Subscription};

/// What is older, or further back, is pruned: a subscriber that is so late reads the store.
const KEPT_US: i64 = 60 * 60 * 1_000_000;
const KEPT_EVENTS: i64 = 20_000;

/// Pruning costs more than publishing, so it is done now and then.
const PUBLISHED_PER_PRUNING: u32 = 256;

pub struct EmbeddedTopic {
    database: Arc<Database>,
    published: AtomicU32,
}

impl EmbeddedTopic {
    pub fn new(database: Arc<Database>) -> EmbeddedTopic {
        EmbeddedTopic { database, published: AtomicU32::new(0) }
    }
}

#[async_trait]
impl JobTopic for EmbeddedTopic {
    async fn publish(&self, event: &JobEvent) -> Result<()> {
        let record = serde_json::to_string(event)?;
        // The first of a process prunes too: many short-lived processes must not let the table grow.
        let is_pruning = self.published.fetch_add(1, Ordering::Relaxed).is_multiple_of(PUBLISHED_PER_PRUNING);
        let publish = move |transaction: &Transaction<'_>| {
            let now = now_us();
            let sql = "INSERT INTO events (published_us, record) VALUES (?1, ?2)";
            transaction.prepare_cached(sql)?.execute((now, record))?;
            if is_pruning {
                prune(transaction, now, transaction.last_insert_rowid())?;
            }
            Ok(())
        };
        // What a power cut takes, every server missed anyway: an event is a hint.
        self.database.write(Durability::Hint, publish).await
    }

    async fn subscribe(&self) -> Result<Subscription> {
        self.database.read(self.database.watcher.subscriber()).await
    }
}

/// Drops old events from the front, so that the ids left have no gaps.
fn prune(transaction: &Transaction<'_>, now: i64, newest: i64) -> Result<()> {
    let sql = "DELETE FROM events WHERE id < ?1 AND (id <= ?1 - ?2 OR id < (
                   SELECT coalesce(min(id), ?1) FROM events WHERE published_us >= ?3))";
    transaction.execute(sql, (newest, KEPT_EVENTS, now - KEPT_US))?;
    Ok(())
}
