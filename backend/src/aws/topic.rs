//! The topic on SNS; a subscriber hears it through an SQS queue of its own, which needs no public address.
//!
//! The queue is made by [`subscribe`](JobTopic::subscribe) and removed when the subscription is dropped. What a
//! killed process leaves behind is swept by the next one that subscribes: a queue whose owner is alive carries
//! the time of its last sign of life as a tag.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, QueueAttributeName};
use domain::{JobEvent, WallTime};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::error::code;
use super::item::token;
use crate::{BackendError, Heard, JobTopic, Result, Subscription};

/// Every queue of a subscriber is named so, and then after its topic.
const PREFIX: &str = "cuelight-events";

/// Tag of a subscriber's queue: seconds since 1970.
const ALIVE: &str = "cuelight-alive";
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_secs(5 * 60);
const DEAD_AFTER: Duration = Duration::from_secs(60 * 60);

/// Events waiting for one subscriber in this process; more wait in its queue.
const SUBSCRIBER_CAPACITY: usize = 1024;

const WAIT_SECONDS: i32 = 20;
const MESSAGES_PER_CALL: i32 = 10;
/// An event that waits longer is of no use: whoever was away reads the store.
const RETENTION_SECONDS: u32 = 10 * 60;
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

pub struct SnsTopic {
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    arn: String,
}

impl SnsTopic {
    pub fn new(sns: aws_sdk_sns::Client, sqs: aws_sdk_sqs::Client, arn: String) -> SnsTopic {
        SnsTopic { sns, sqs, arn }
    }

    fn queue_prefix(&self) -> String {
        let topic = self.arn.rsplit(':').next().unwrap_or_default();
        // SQS takes 80 characters, and the token has 32 of them.
        format!("{PREFIX}-{}-", topic.chars().take(30).collect::<String>())
    }

    async fn create_queue(&self) -> Result<EventQueue> {
        let name = self.queue_prefix() + &token();
        let created = self
            .sqs
            .create_queue()
            .queue_name(&name)
            .attributes(QueueAttributeName::MessageRetentionPeriod, RETENTION_SECONDS.to_string())
            .tags(ALIVE, now())
            .send()
            .await?;
        let url = created.queue_url.unwrap_or_default();
        let request =
            self.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let mut attributes = request.send().await?.attributes.unwrap_or_default();
        let arn = attributes.remove(&QueueAttributeName::QueueArn).unwrap_or_default();
        Ok(EventQueue { sns: self.sns.clone(), sqs: self.sqs.clone(), url, arn, subscription: None })
    }

    async fn subscribe_queue(&self, queue: &mut EventQueue) -> Result<()> {
        let policy = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue.arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": self.arn}},
            }],
        });
        let request = self
            .sqs
            .set_queue_attributes()
            .queue_url(&queue.url)
            .attributes(QueueAttributeName::Policy, policy.to_string());
        request.send().await?;
        let request = self
            .sns
            .subscribe()
            .topic_arn(&self.arn)
            .protocol("sqs")
            .endpoint(&queue.arn)
            .attributes("RawMessageDelivery", "true")
            .return_subscription_arn(true);
        queue.subscription = request.send().await?.subscription_arn;
        Ok(())
    }
}

#[async_trait]
impl JobTopic for SnsTopic {
    async fn publish(&self, event: &JobEvent) -> Result<()> {
        let json = serde_json::to_value(event)?;
        let attribute =
            |value: &str| MessageAttributeValue::builder().data_type("String").string_value(value).build();
        let request = self
            .sns
            .publish()
            .topic_arn(&self.arn)
            .message(message(event)?)
            .message_attributes("job", attribute(&event.id.to_string())?)
            .message_attributes("event", attribute(json["event"].as_str().unwrap_or_default())?);
        request.send().await?;
        Ok(())
    }

    async fn subscribe(&self) -> Result<Subscription> {
        let mut queue = self.create_queue().await?;
        if let Err(error) = self.subscribe_queue(&mut queue).await {
            queue.remove().await;
            return Err(error);
        }
        let (sender, receiver) = mpsc::channel(SUBSCRIBER_CAPACITY);
        let sweep = sweep(self.sns.clone(), self.sqs.clone(), self.arn.clone(), self.queue_prefix());
        tokio::spawn(async move {
            let listening = async {
                if let Err(error) = sweep.await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "queues of dead subscribers were not swept");
                }
                queue.listen(&sender).await;
            };
            tokio::select! {
                () = sender.closed() => (),
                () = listening => (),
            }
            queue.remove().await;
        });
        Ok(Subscription::new(receiver))
    }
}

/// The queue of one subscriber.
struct EventQueue {
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    url: String,
    arn: String,
    subscription: Option<String>,
}

impl EventQueue {
    /// Passes on what comes, until the subscriber goes or the queue is lost.
    async fn listen(&self, sender: &mpsc::Sender<Heard>) {
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
            if std::mem::take(&mut was_failing) && sender.send(Heard::Gap).await.is_err() {
                return;
            }
            let mut done = Vec::new();
            for (number, message) in messages.into_iter().enumerate() {
                if sender.send(heard(&message)).await.is_err() {
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

    /// Whatever is not removed is swept by another subscriber.
    async fn remove(&self) {
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

/// Removes the subscriptions and the queues of subscribers of this topic that gave no sign of life for long.
async fn sweep(
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    topic: String,
    prefix: String,
) -> Result<()> {
    let mut subscriptions = Vec::new();
    let mut next = None;
    loop {
        let request = sns.list_subscriptions_by_topic().topic_arn(&topic).set_next_token(next);
        let answer = request.send().await?;
        subscriptions.extend(answer.subscriptions.unwrap_or_default());
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            break;
        }
    }
    let listed = sqs.list_queues().queue_name_prefix(&prefix).send().await?.queue_urls.unwrap_or_default();
    let mut dead = Vec::new();
    for url in &listed {
        if !is_alive(&sqs, url).await? {
            dead.push(url.rsplit('/').next().unwrap_or_default());
            sqs.delete_queue().queue_url(url).send().await?;
        }
    }
    // The listing of queues lags; so only a queue that is known to be dead, or that has none of our names any
    // more after an hour, loses its subscription.
    for subscription in subscriptions {
        let name =
            subscription.endpoint().and_then(|endpoint| endpoint.rsplit(':').next()).unwrap_or_default();
        if dead.contains(&name) {
            let arn = subscription.subscription_arn().unwrap_or_default();
            sns.unsubscribe().subscription_arn(arn).send().await?;
        }
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

fn heard(message: &Message) -> Heard {
    match serde_json::from_str::<JobEvent>(message.body().unwrap_or_default()) {
        Ok(event) => Heard::Event(Box::new(event)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "an event cannot be read");
            Heard::Gap
        }
    }
}

/// The event as JSON. Two code points that JSON takes are refused by SQS, so they are written as escapes.
fn message(event: &JobEvent) -> Result<String> {
    let json = serde_json::to_string(event).map_err(BackendError::from)?;
    Ok(json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
}

fn now() -> String {
    WallTime::now().as_second().to_string()
}
