//! The queue in a table: visibility is a time, a receipt is the name of the latest delivery.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::WallTime;
use rusqlite::{OptionalExtension, Transaction, params};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::database::{Database, Durability};
use super::now_us;
use crate::queue::{LETTER_BYTES, readable};
use crate::{DeadLetter, Delivery, JobQueue, LeaseState, QueueStats, ReceiptHandle, Result};

/// The longest wait and the longest delay SQS knows.
const MAX_WAIT: Duration = Duration::from_secs(20);
const MAX_DELAY: Duration = Duration::from_secs(15 * 60);

/// The longest a message stays hidden, as in SQS.
const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);

pub struct EmbeddedQueue {
    database: Arc<Database>,
    max_receive_count: u32,
}

impl EmbeddedQueue {
    pub fn new(database: Arc<Database>, max_receive_count: u32) -> EmbeddedQueue {
        // A message that may be received no time at all could only die.
        EmbeddedQueue { database, max_receive_count: max_receive_count.max(1) }
    }

    /// When the next message can be seen, in microseconds; cheap, and takes no lock.
    async fn next_visible_us(&self) -> Result<Option<i64>> {
        let next = |transaction: &Transaction<'_>| {
            let sql = "SELECT min(visible_us) FROM messages";
            Ok(transaction.prepare_cached(sql)?.query_row((), |row| row.get(0))?)
        };
        self.database.read(next).await
    }

    /// Takes a visible message, if there is one.
    async fn take(&self, visibility: Duration) -> Result<Option<Delivery>> {
        let max_receive_count = self.max_receive_count;
        let database = self.database.clone();
        let taken = self.database.write(Durability::Durable, move |transaction| {
            let delivery = take(transaction, visibility, max_receive_count)?;
            Ok(delivery.map(|delivery| Undelivered { database, delivery: Some(delivery) }))
        });
        Ok(taken.await?.and_then(Undelivered::deliver))
    }
}

#[async_trait]
impl JobQueue for EmbeddedQueue {
    async fn send(&self, body: &str, delay: Duration) -> Result<()> {
        let body = body.to_owned();
        let send = move |transaction: &Transaction<'_>| {
            let now = now_us();
            let sql = "INSERT INTO messages (body, sent_us, visible_us) VALUES (?1, ?2, ?3)";
            transaction.prepare_cached(sql)?.execute(params![body, now, now + micros(delay, MAX_DELAY)])?;
            Ok(())
        };
        self.database.write(Durability::Durable, send).await
    }

    async fn receive(&self, wait: Duration, visibility: Duration) -> Result<Option<Delivery>> {
        let deadline = Instant::now() + wait.min(MAX_WAIT);
        let mut commits = self.database.watcher.commits();
        loop {
            // Registered before looking: a commit between the look and the wait ends the wait.
            commits.borrow_and_update();
            let mut next_visible = self.next_visible_us().await?;
            if next_visible.is_some_and(|visible| visible <= now_us()) {
                if let Some(delivery) = self.take(visibility).await? {
                    return Ok(Some(delivery));
                }
                // Somebody was faster, or only dead letters were there.
                next_visible = self.next_visible_us().await?;
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            let wake = match next_visible {
                Some(visible) => {
                    // Rounded up, since the timer counts in milliseconds.
                    let hidden_us = (visible - now_us()).max(0) as u64;
                    deadline.min(Instant::now() + Duration::from_millis(hidden_us / 1000 + 1))
                }
                None => deadline,
            };
            tokio::select! {
                // The watcher lives as long as this queue, so there is always a sender.
                _ = commits.changed() => {}
                _ = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    async fn set_visibility(&self, receipt: &ReceiptHandle, visibility: Duration) -> Result<LeaseState> {
        let receipt = receipt.0.clone();
        let set = move |transaction: &Transaction<'_>| {
            let now = now_us();
            let sql = "UPDATE messages SET visible_us = ?2 WHERE receipt = ?1 AND visible_us > ?3";
            let changed = transaction.prepare_cached(sql)?.execute(params![
                receipt,
                now + micros(visibility, MAX_VISIBILITY),
                now
            ])?;
            Ok(if changed == 1 { LeaseState::Held } else { LeaseState::Lost })
        };
        self.database.write(Durability::Durable, set).await
    }

    async fn delete(&self, receipt: &ReceiptHandle) -> Result<()> {
        let receipt = receipt.0.clone();
        let delete = move |transaction: &Transaction<'_>| {
            transaction.prepare_cached("DELETE FROM messages WHERE receipt = ?1")?.execute([receipt])?;
            Ok(())
        };
        self.database.write(Durability::Durable, delete).await
    }

    async fn stats(&self) -> Result<QueueStats> {
        let count = |transaction: &Transaction<'_>| {
            let now = now_us();
            let sql = "SELECT count(*) FILTER (WHERE visible_us <= ?1),
                              count(*) FILTER (WHERE visible_us > ?1 AND receive_count > 0),
                              count(*) FILTER (WHERE visible_us > ?1 AND receive_count = 0),
                              (SELECT count(*) FROM dead_letters),
                              min(sent_us)
                       FROM messages";
            let stats = transaction.query_row(sql, [now], |row| {
                let oldest_sent: Option<i64> = row.get(4)?;
                Ok(QueueStats {
                    visible: row.get::<_, i64>(0)? as u64,
                    in_flight: row.get::<_, i64>(1)? as u64,
                    delayed: row.get::<_, i64>(2)? as u64,
                    dead: row.get::<_, i64>(3)? as u64,
                    oldest_age: oldest_sent.map(|sent| Duration::from_micros((now - sent).max(0) as u64)),
                })
            })?;
            Ok(stats)
        };
        self.database.read(count).await
    }

    async fn bury(
        &self,
        body: &str,
        receipt: Option<&ReceiptHandle>,
        reason: &str,
        attempts: u32,
    ) -> Result<()> {
        let (body, reason, receipt) = (body.to_owned(), readable(reason), receipt.cloned());
        let bury = move |transaction: &Transaction<'_>| {
            if let Some(ReceiptHandle(receipt)) = receipt {
                let sql = "DELETE FROM messages WHERE receipt = ?1";
                let is_ours = transaction.prepare_cached(sql)?.execute([receipt])? == 1;
                // Buried before, or somebody else's by now.
                if !is_ours {
                    return Ok(());
                }
            }
            insert_letter(transaction, &body, Some(&reason), attempts)
        };
        self.database.write(Durability::Durable, bury).await
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>> {
        let list = move |transaction: &Transaction<'_>| {
            let sql = "SELECT id, body, reason, attempts, died_us FROM dead_letters ORDER BY died_us, id";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut rows = statement.query(())?;
            let (mut letters, mut bytes) = (Vec::new(), 0);
            while letters.len() < limit && bytes < LETTER_BYTES {
                let Some(row) = rows.next()? else { break };
                let body: String = row.get(1)?;
                bytes += body.len();
                letters.push(DeadLetter {
                    id: row.get::<_, i64>(0)?.to_string(),
                    body,
                    reason: row.get(2)?,
                    attempts: row.get(3)?,
                    buried_at: WallTime::from_microsecond(row.get(4)?).ok(),
                });
            }
            Ok(letters)
        };
        self.database.read(list).await
    }

    async fn delete_dead_letters(&self, ids: &[String]) -> Result<()> {
        // An id that is none of ours names nothing, and what is gone is success.
        let ids: Vec<i64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let delete = move |transaction: &Transaction<'_>| {
            for id in ids {
                transaction.prepare_cached("DELETE FROM dead_letters WHERE id = ?1")?.execute([id])?;
            }
            Ok(())
        };
        self.database.write(Durability::Durable, delete).await
    }
}

fn insert_letter(
    transaction: &Transaction<'_>,
    body: &str,
    reason: Option<&str>,
    attempts: u32,
) -> Result<()> {
    let sql = "INSERT INTO dead_letters (body, reason, attempts, died_us) VALUES (?1, ?2, ?3, ?4)";
    transaction.prepare_cached(sql)?.execute(params![body, reason, attempts, now_us()])?;
    Ok(())
}

/// Delivers the message that is visible longest; those received too often die on the way, as in SQS.
fn take(
    transaction: &Transaction<'_>,
    visibility: Duration,
    max_receive_count: u32,
) -> Result<Option<Delivery>> {
    let now = now_us();
    loop {
        let sql = "SELECT id, body, receive_count FROM messages WHERE visible_us <= ?1
                   ORDER BY visible_us, id LIMIT 1";
        let visible: Option<(i64, String, u32)> = transaction
            .prepare_cached(sql)?
            .query_row([now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, body, receive_count)) = visible else { return Ok(None) };
        if receive_count >= max_receive_count {
            insert_letter(transaction, &body, None, receive_count)?;
            transaction.prepare_cached("DELETE FROM messages WHERE id = ?1")?.execute([id])?;
            continue;
        }
        let receipt = format!("{:032x}", rand::random::<u128>());
        let sql = "UPDATE messages SET visible_us = ?2, receive_count = ?3, receipt = ?4 WHERE id = ?1";
        let receive_count = receive_count + 1;
        let visible_us = now + micros(visibility, MAX_VISIBILITY);
        transaction.prepare_cached(sql)?.execute(params![id, visible_us, receive_count, receipt])?;
        let message_id = id.to_string();
        return Ok(Some(Delivery { message_id, body, receipt: ReceiptHandle(receipt), receive_count }));
    }
}

/// A message that was taken for a caller. If the caller is gone before it gets it, the message goes back as if
/// it had never been received.
struct Undelivered {
    database: Arc<Database>,
    delivery: Option<Delivery>,
}

impl Undelivered {
    fn deliver(mut self) -> Option<Delivery> {
        self.delivery.take()
    }
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        let Some(delivery) = self.delivery.take() else { return };
        // Without a runtime the message still comes back, when its visibility ends.
        let Ok(runtime) = Handle::try_current() else { return };
        let database = self.database.clone();
        runtime.spawn(async move {
            let give_back = move |transaction: &Transaction<'_>| {
                let sql = "UPDATE messages SET visible_us = ?2, receive_count = receive_count - 1
                           WHERE receipt = ?1";
                transaction.execute(sql, params![delivery.receipt.0, now_us()])?;
                Ok(())
            };
            if let Err(error) = database.write(Durability::Durable, give_back).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a message that nobody took comes back only when its visibility ends"
                );
            }
        });
    }
}

fn micros(duration: Duration, limit: Duration) -> i64 {
    duration.min(limit).as_micros() as i64
}
