//! The road through an SQS queue of the subscriber's own, which needs no public address.
//!
//! What a killed process leaves behind is swept by the next one that subscribes: a queue whose owner is alive
//! carries the time of its last sign of life as a tag.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, QueueAttributeName};
use domain::WallTime;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::endpoint_road::subscriptions;
use super::inbox::Inbox;
use super::names::{Fingerprint, TopicArn};
use super::ping::{self, Read};
use super::{Road, Signal};
use crate::aws::error::code;
use crate::aws::item::token;
use crate::{Heard, Result};

/// Every queue of a subscriber is named so, and then after its topic.
const PREFIX: &str = "cuelight-events";

/// Tag of a subscriber's queue: seconds since 1970.
const ALIVE: &str = "cuelight-alive";
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_secs(5 * 60);
const DEAD_AFTER: Duration = Duration::from_secs(20 * 60);

const WAIT_SECONDS: i32 = 20;
const MESSAGES_PER_CALL: i32 = 10;
/// An event that waits longer is of no use: whoever was away reads the store.
const RETENTION_SECONDS: u32 = 10 * 60;
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

pub struct QueueRoad {
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    topic: TopicArn,
    me: Fingerprint,
    url: String,
    arn: String,
    subscription: Option<String>,
    listening: AbortHandle,
}

impl QueueRoad {
    /// Makes the queue and listens to it.
    pub async fn create(
        sns: aws_sdk_sns::Client,
        sqs: aws_sdk_sqs::Client,
        topic: TopicArn,
        me: Fingerprint,
        inbox: Arc<Inbox>,
        signals: mpsc::Sender<Signal>,
    ) -> Result<QueueRoad> {
        let created = sqs
            .create_queue()
            .queue_name(prefix(&topic) + &token())
            .attributes(QueueAttributeName::MessageRetentionPeriod, RETENTION_SECONDS.to_string())
            .tags(ALIVE, now())
            .send()
            .await?;
        let url = created.queue_url.unwrap_or_default();
        let request =
            sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let mut attributes = request.send().await?.attributes.unwrap_or_default();
        let arn = attributes.remove(&QueueAttributeName::QueueArn).unwrap_or_default();
        let queue = EventQueue { sqs: sqs.clone(), url: url.clone() };
        let listening = tokio::spawn(async move {
            queue.listen(&inbox, &signals).await;
            // Without room the supervisor is busy, and gone soon.
            let _ = signals.send(Signal::Over).await;
        });
        let listening = listening.abort_handle();
        Ok(QueueRoad { sns, sqs, topic, me, url, arn, subscription: None, listening })
    }
}

fn prefix(topic: &TopicArn) -> String {
    // SQS takes 80 characters, and the token has 32 of them.
    format!("{PREFIX}-{}-", topic.name().chars().take(30).collect::<String>())
}

#[async_trait]
impl Road for QueueRoad {
    async fn subscribe(&mut self) -> Result<()> {
        let policy = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": self.arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": self.topic.as_str()}},
            }],
        });
        let request = self
            .sqs
            .set_queue_attributes()
            .queue_url(&self.url)
            .attributes(QueueAttributeName::Policy, policy.to_string());
        request.send().await?;
        // Whoever owns the queue's name and the topic is known here, so messages need no envelope.
        let request = self
            .sns
            .subscribe()
            .topic_arn(self.topic.as_str())
            .protocol("sqs")
            .endpoint(&self.arn)
            .attributes("RawMessageDelivery", "true")
            .attributes("FilterPolicy", ping::filter_policy(&self.me))
            .return_subscription_arn(true);
        self.subscription = request.send().await?.subscription_arn;
        Ok(())
    }

    async fn confirm(&mut self, _: &str) -> Result<()> {
        // A queue in the topic's account is not asked.
        Ok(())
    }

    fn hear_of(&mut self, _: Fingerprint) {
        // The tags of queues tell who lives.
    }

    fn sweep(&mut self) {
        let sweep = sweep(self.sns.clone(), self.sqs.clone(), self.topic.clone());
        tokio::spawn(async move {
            if let Err(error) = sweep.await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "queues of dead subscribers were not swept");
            }
        });
    }

    async fn leave(&mut self) {
        self.listening.abort();
        if let Some(subscription) = &self.subscription
            && let Err(error) = self.sns.unsubscribe().subscription_arn(subscription).send().await
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a subscription was not removed");
        }
        if let Err(error) = self.sqs.delete_queue().queue_url(&self.url).send().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the queue of a subscription was not removed");
        }
    }
}

struct EventQueue {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl EventQueue {
    /// Passes on what comes, until the subscriber goes or the queue is lost.
    async fn listen(&self, inbox: &Inbox, signals: &mpsc::Sender<Signal>) {
        let mut last_sign = Instant::now();
        let mut was_failing = false;
        loop {
            if last_sign.elapsed() > SIGN_OF_LIFE_EVERY && self.give_sign_of_life().await.is_ok() {
                last_sign = Instant::now();
            }
            let messages = match self.receive().await {
                Ok(messages) => messages,
                Err(error) => {
                    let is_lost = !error.is_transient();
                    if !was_failing {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, is_lost, "the topic is not heard");
                    }
                    if is_lost {
                        return;
                    }
                    was_failing = true;
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                    continue;
                }
            };
            // What waited too long is gone by now.
            if std::mem::take(&mut was_failing) && inbox.put(Heard::Gap).await.is_err() {
                return;
            }
            let mut done = Vec::new();
            for (number, message) in messages.into_iter().enumerate() {
                let is_gone = match ping::read(message.body().unwrap_or_default()) {
                    Read::Heard(heard) => inbox.put(heard).await.is_err(),
                    Read::Ping(ping) => signals.send(Signal::Ping(ping)).await.is_err(),
                };
                if is_gone {
                    return;
                }
                let receipt = message.receipt_handle.unwrap_or_default();
                let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
                done.extend(entry.receipt_handle(receipt).build());
            }
            if !done.is_empty() {
                let request = self.sqs.delete_message_batch().queue_url(&self.url);
                if let Err(error) = request.set_entries(Some(done)).send().await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "events that were heard were not deleted; they come again");
                }
            }
        }
    }

    async fn receive(&self) -> Result<Vec<Message>> {
        let timeouts = aws_sdk_sqs::config::timeout::TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(WAIT_SECONDS as u64 + 5))
            .operation_timeout(Duration::from_secs(WAIT_SECONDS as u64 + 15))
            .build();
        let request = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(MESSAGES_PER_CALL)
            .wait_time_seconds(WAIT_SECONDS)
            .customize()
            .config_override(aws_sdk_sqs::config::Builder::new().timeout_config(timeouts));
        Ok(request.send().await?.messages.unwrap_or_default())
    }

    async fn give_sign_of_life(&self) -> Result<()> {
        self.sqs.tag_queue().queue_url(&self.url).tags(ALIVE, now()).send().await?;
        Ok(())
    }
}

/// Removes the subscriptions and the queues of subscribers of this topic that gave no sign of life for long.
async fn sweep(sns: aws_sdk_sns::Client, sqs: aws_sdk_sqs::Client, topic: TopicArn) -> Result<()> {
    let subscriptions = subscriptions(&sns, &topic).await?;
    let listed =
        sqs.list_queues().queue_name_prefix(prefix(&topic)).send().await?.queue_urls.unwrap_or_default();
    for url in &listed {
        if is_alive(&sqs, url).await? {
            continue;
        }
        let name = url.rsplit('/').next();
        // The queue goes last: as long as it is there, a later sweep finds what this one left. The listing of queues
        // lags, so a subscription whose queue is not listed may be a living one's.
        for subscription in &subscriptions {
            let queue = subscription.endpoint().and_then(|endpoint| endpoint.rsplit(':').next());
            if queue == name {
                let arn = subscription.subscription_arn().unwrap_or_default();
                sns.unsubscribe().subscription_arn(arn).send().await?;
            }
        }
        sqs.delete_queue().queue_url(url).send().await?;
    }
    Ok(())
}

async fn is_alive(sqs: &aws_sdk_sqs::Client, url: &str) -> Result<bool> {
    let tags = match sqs.list_queue_tags().queue_url(url).send().await {
        Ok(answer) => answer.tags.unwrap_or_default(),
        // Its owner has just removed it.
        Err(error) if matches!(code(&error), Some("QueueDoesNotExist" | "NonExistentQueue")) => {
            return Ok(true);
        }
        Err(error) => return Err(error.into()),
    };
    // Without the tag it is none that we made.
    let Some(seen) = tags.get(ALIVE).and_then(|seen| seen.parse::<i64>().ok()) else { return Ok(true) };
    Ok(WallTime::now().as_second() - seen < DEAD_AFTER.as_secs() as i64)
}

fn now() -> String {
    WallTime::now().as_second().to_string()
}
