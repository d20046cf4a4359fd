//! The queue port: a to-do list that loses nothing and repeats itself at times.

use std::time::Duration;

use async_trait::async_trait;
use domain::WallTime;

use crate::Result;

/// At-least-once delivery, as SQS gives it. Order is not promised. Durations have a resolution of one second or
/// better.
///
/// A caller acknowledges last, with [`delete`](JobQueue::delete), and must survive a message that comes twice.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Durable when it returns. `delay` keeps the message invisible at first; at most 15 minutes.
    async fn send(&self, body: &str, delay: Duration) -> Result<()>;

    /// Waits up to `wait` (at most 20 s) for one message and hides it for `visibility`. Prompt: a message sent
    /// while somebody waits is delivered at once. A message received more than the configured number of times
    /// becomes a dead letter instead of a delivery. Dropping the future while it waits takes no message.
    async fn receive(&self, wait: Duration, visibility: Duration) -> Result<Option<Delivery>>;

    /// Counts from now. Zero gives the message back. There is no `nack`: SQS has none.
    async fn set_visibility(&self, receipt: &ReceiptHandle, visibility: Duration) -> Result<LeaseState>;

    /// Deleting what is gone, or what another receiver holds by now, is success without effect.
    async fn delete(&self, receipt: &ReceiptHandle) -> Result<()>;

    async fn stats(&self) -> Result<QueueStats>;

    /// Makes a dead letter of a message, with a reason for people and how many attempts were made. `receipt`: the
    /// delivery that ends by it; without one the caller sees to the message's end. A repeat may leave two letters.
    async fn bury(
        &self,
        body: &str,
        receipt: Option<&ReceiptHandle>,
        reason: &str,
        attempts: u32,
    ) -> Result<()>;

    /// The oldest dead letters: at most `limit`, and about 64 MiB. They stay.
    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>>;

    /// Drops dead letters; what is gone is success.
    async fn delete_dead_letters(&self, ids: &[String]) -> Result<()>;
}

/// Bodies that one look at the dead letters reads: whatever is in the queue, it fits in memory.
pub(crate) const LETTER_BYTES: usize = 64 << 20;

const REASON_CHARACTERS: usize = 500;

/// The reason as every adapter can keep it: one line of some length, never empty.
pub(crate) fn readable(reason: &str) -> String {
    let reason = reason.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
    let reason: String = reason.collect::<Vec<_>>().join(" ").chars().take(REASON_CHARACTERS).collect();
    if reason.is_empty() { "no reason was given".to_owned() } else { reason }
}

/// One message in the hands of one receiver. The body stays raw, so that what nobody can parse reaches the one
/// place that rejects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The same at every delivery of one message, and no other's.
    pub message_id: String,
    pub body: String,
    pub receipt: ReceiptHandle,
    /// 1 at the first delivery.
    pub receive_count: u32,
}

/// Names one delivery, not the message: it is stale as soon as the message is delivered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptHandle(pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    Held,
    /// The visibility ran out, or the message is gone: whoever holds this receipt must stop.
    Lost,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueStats {
    pub visible: u64,
    pub in_flight: u64,
    pub delayed: u64,
    pub dead: u64,
    /// Age of the oldest message that is not deleted.
    pub oldest_age: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub id: String,
    pub body: String,
    /// Why a worker buried it. `None`: the queue moved it here itself, after too many receives.
    pub reason: Option<String>,
    /// Attempts at the job; receives of the message where the queue moved it.
    pub attempts: u32,
    /// `None` where the queue does not tell: SQS, of what it moved itself.
    pub buried_at: Option<WallTime>,
}
