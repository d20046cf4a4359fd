//! The queue on SQS, with a second one for dead letters, which the redrive policy of the first fills.
//!
//! SQS counts in whole seconds (durations are rounded up), and its numbers are approximate. It holds text of at most
//! 1 MiB without control characters; any other body is a permanent error. It does not tell the age of a message:
//! [`QueueStats::oldest_age`] is for CloudWatch to say. A stale receipt may still be good there now and then; the
//! attempt number in the store is what fences. Dead letters: see [`letters`](super::letters).

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};

use super::error::code;
use super::letters::Letters;
use super::poll::{Parked, Poll, WaitedFor};
use crate::{BackendError, DeadLetter, Delivery, JobQueue, LeaseState, QueueStats, ReceiptHandle, Result};

/// What SQS allows.
const MAX_WAIT: Duration = Duration::from_secs(20);
const MAX_DELAY: Duration = Duration::from_secs(15 * 60);
const MAX_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);
pub const MESSAGES_PER_CALL: i32 = 10;

/// A receive answers this much after its wait at the latest.
const WAIT_MARGIN: Duration = Duration::from_secs(5);

/// Dead letters looked at to find the oldest, whose order SQS does not promise.
const LETTERS_LOOKED_AT: usize = 1_000;

pub struct SqsQueue {
    client: Client,
    url: String,
    letters: Letters,
    parked: Arc<Parked>,
}

impl SqsQueue {
    pub fn new(client: Client, url: String, dead_letter_url: String) -> SqsQueue {
        let letters = Letters { client: client.clone(), url: dead_letter_url };
        SqsQueue { client, url, letters, parked: Arc::default() }
    }

    /// Receives in a task of its own, so that dropping the future loses no message that is on its way.
    fn start_poll(&self, wait: Duration, visibility: Duration) -> Poll {
        let (client, url) = (self.client.clone(), self.url.clone());
        tokio::spawn(async move { receive_one(&client, &url, wait, visibility).await })
    }

    fn wait_for(&self, poll: Poll) -> WaitedFor {
        WaitedFor::new(self.client.clone(), self.url.clone(), self.parked.clone(), poll)
    }

    async fn attributes(&self, url: &str, names: &[QueueAttributeName]) -> Result<Attributes> {
        let request =
            self.client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
        Ok(Attributes(request.send().await?.attributes.unwrap_or_default()))
    }

    async fn max_receive_count(&self) -> Result<u32> {
        let attributes = self.attributes(&self.url, &[QueueAttributeName::RedrivePolicy]).await?;
        let policy = attributes.0.get(&QueueAttributeName::RedrivePolicy).ok_or_else(no_redrive_policy)?;
        let policy: serde_json::Value = serde_json::from_str(policy)?;
        // A number in quotes or without, as it was set.
        let count = &policy["maxReceiveCount"];
        let count = count.as_u64().or_else(|| count.as_str()?.parse().ok()).ok_or_else(no_redrive_policy)?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

#[async_trait]
impl JobQueue for SqsQueue {
    async fn send(&self, body: &str, delay: Duration) -> Result<()> {
        let request = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .delay_seconds(seconds(delay.min(MAX_DELAY)));
        request.send().await?;
        Ok(())
    }

    async fn receive(&self, wait: Duration, visibility: Duration) -> Result<Option<Delivery>> {
        let deadline = Instant::now() + wait.min(MAX_WAIT);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(poll) = self.parked.take(left.is_zero()) else {
                let mut poll = self.wait_for(self.start_poll(left, visibility));
                return poll.ended().await;
            };
            // One that a dropped receive left behind; it was going on all the time.
            let mut poll = self.wait_for(poll);
            let Ok(ended) = tokio::time::timeout(left.max(Duration::from_millis(1)), poll.ended()).await
            else {
                return Ok(None);
            };
            if let Some(delivery) = ended? {
                // Its visibility is that of the other receive, and some of it is over.
                if self.set_visibility(&delivery.receipt, visibility).await? == LeaseState::Held {
                    return Ok(Some(delivery));
                }
            }
        }
    }

    async fn set_visibility(&self, receipt: &ReceiptHandle, visibility: Duration) -> Result<LeaseState> {
        set_visibility(&self.client, &self.url, receipt, visibility).await
    }

    async fn delete(&self, receipt: &ReceiptHandle) -> Result<()> {
        delete(&self.client, &self.url, &receipt.0).await
    }

    async fn stats(&self) -> Result<QueueStats> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let (queue, dead) = futures::try_join!(
            self.attributes(&self.url, &names),
            self.attributes(&self.letters.url, &names)
        )?;
        let [visible, in_flight, delayed] = names.clone().map(|name| queue.number(&name));
        let dead = names.iter().map(|name| dead.number(name)).sum();
        Ok(QueueStats { visible, in_flight, delayed, dead, oldest_age: None })
    }

    async fn bury(
        &self,
        body: &str,
        receipt: Option<&ReceiptHandle>,
        reason: &str,
        attempts: u32,
    ) -> Result<()> {
        // In this order: a crash in between leaves a letter too many, not one too few.
        self.letters.bury(body, reason, attempts).await?;
        match receipt {
            Some(receipt) => self.delete(receipt).await,
            None => Ok(()),
        }
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>> {
        let moved_after = self.max_receive_count().await?;
        self.letters.list(limit, LETTERS_LOOKED_AT, moved_after).await
    }

    async fn delete_dead_letters(&self, ids: &[String]) -> Result<()> {
        self.letters.delete(ids).await
    }
}

async fn receive_one(
    client: &Client,
    url: &str,
    wait: Duration,
    visibility: Duration,
) -> Result<Option<Delivery>> {
    let wait = Duration::from_secs(seconds(wait).max(0) as u64);
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(wait + WAIT_MARGIN)
        .operation_timeout(wait + 3 * WAIT_MARGIN)
        .build();
    let request = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(1)
        .wait_time_seconds(seconds(wait))
        .visibility_timeout(seconds(visibility.min(MAX_VISIBILITY)))
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
    let overridden = aws_sdk_sqs::config::Builder::new().timeout_config(timeouts);
    let answer = request.customize().config_override(overridden).send().await?;
    let Some(message) = answer.messages.unwrap_or_default().pop() else { return Ok(None) };
    let count = message.attributes.as_ref();
    let count = count.and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    Ok(Some(Delivery {
        message_id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        receipt: ReceiptHandle(message.receipt_handle.unwrap_or_default()),
        receive_count: count.and_then(|count| count.parse().ok()).unwrap_or(1),
    }))
}

pub async fn set_visibility(
    client: &Client,
    url: &str,
    receipt: &ReceiptHandle,
    visibility: Duration,
) -> Result<LeaseState> {
    let request = client
        .change_message_visibility()
        .queue_url(url)
        .receipt_handle(&receipt.0)
        .visibility_timeout(seconds(visibility.min(MAX_VISIBILITY)));
    match request.send().await {
        Ok(_) => Ok(LeaseState::Held),
        // The last one is also said when the message was hidden for twelve hours in all, which ends the lease too.
        Err(error) => match code(&error) {
            Some("MessageNotInflight" | "ReceiptHandleIsInvalid" | "InvalidParameterValue") => {
                Ok(LeaseState::Lost)
            }
            _ => Err(error.into()),
        },
    }
}

async fn delete(client: &Client, url: &str, receipt: &str) -> Result<()> {
    match client.delete_message().queue_url(url).receipt_handle(receipt).send().await {
        Ok(_) => Ok(()),
        Err(error) => match code(&error) {
            Some("ReceiptHandleIsInvalid" | "InvalidParameterValue") => Ok(()),
            _ => Err(error.into()),
        },
    }
}

struct Attributes(std::collections::HashMap<QueueAttributeName, String>);

impl Attributes {
    fn number(&self, name: &QueueAttributeName) -> u64 {
        self.0.get(name).and_then(|value| value.parse().ok()).unwrap_or_default()
    }
}

/// Whole seconds, rounded up, so that nothing comes early.
fn seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn no_redrive_policy() -> BackendError {
    BackendError::Permanent(NoRedrivePolicy.into())
}

#[derive(Debug, thiserror::Error)]
#[error("the queue has no redrive policy: nothing ever becomes a dead letter")]
struct NoRedrivePolicy;
