//! The topic on SNS; see [`sns`](super::sns) for how a subscriber hears it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sns::types::MessageAttributeValue;
use domain::JobEvent;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::sns::signals;
use super::sns::{
    EndpointRoad, Inbox, PublicUrl, QueueRoad, Road, Secret, SnsEndpoint, Supervisor, TopicArn,
};
use crate::{BackendError, JobTopic, Reach, Result, Subscription, TopicEndpoint};

/// SNS takes 256 KB, attributes included.
const MOST_BYTES: usize = 250_000;

pub struct SnsTopic {
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    arn: TopicArn,
    /// Absent: subscribers hear through queues.
    endpoint: Option<(PublicUrl, Arc<SnsEndpoint>)>,
    ping_every: Duration,
    reach: watch::Sender<Reach>,
    stop: CancellationToken,
    supervisors: TaskTracker,
}

/// A process that stops waits so long for its subscriptions to be removed.
const LEAVING: Duration = Duration::from_millis(1500);

impl SnsTopic {
    pub fn new(
        sns: aws_sdk_sns::Client,
        sqs: aws_sdk_sqs::Client,
        arn: TopicArn,
        endpoint: Option<(PublicUrl, Arc<SnsEndpoint>)>,
        ping_every: Duration,
    ) -> SnsTopic {
        let reach = watch::Sender::new(Reach::Starting);
        let (stop, supervisors) = (CancellationToken::new(), TaskTracker::new());
        SnsTopic { sns, sqs, arn, endpoint, ping_every, reach, stop, supervisors }
    }
}

#[async_trait]
impl JobTopic for SnsTopic {
    async fn publish(&self, event: &JobEvent) -> Result<()> {
        let mut message = message(event)?;
        if message.len() > MOST_BYTES {
            // Whoever lacks the page sees that by the count, and reads it from the store.
            message = self::message(&event.without_cues())?;
        }
        let json: serde_json::Value = serde_json::from_str(&message)?;
        let attribute =
            |value: &str| MessageAttributeValue::builder().data_type("String").string_value(value).build();
        let request = self
            .sns
            .publish()
            .topic_arn(self.arn.as_str())
            .message(message)
            .message_attributes("job", attribute(&event.id.to_string())?)
            .message_attributes("event", attribute(json["event"].as_str().unwrap_or_default())?);
        request.send().await?;
        Ok(())
    }

    async fn subscribe(&self) -> Result<Subscription> {
        let (inbox, receiver) = Inbox::new();
        let inbox = Arc::new(inbox);
        let (sender, signals) = signals();
        // Names this subscriber on either road.
        let secret = Secret::random();
        let me = secret.fingerprint();
        let (sns, topic) = (self.sns.clone(), self.arn.clone());
        let mut road: Box<dyn Road> = match &self.endpoint {
            Some((url, endpoint)) => {
                let (url, endpoint) = (url.clone(), endpoint.clone());
                Box::new(EndpointRoad::new(sns, topic, url, secret, endpoint, inbox.clone(), sender))
            }
            None => {
                let sqs = self.sqs.clone();
                Box::new(QueueRoad::create(sns, sqs, topic, me.clone(), inbox.clone(), sender).await?)
            }
        };
        if let Err(error) = road.subscribe().await {
            road.leave().await;
            return Err(error);
        }
        let supervisor = Supervisor {
            sns: self.sns.clone(),
            topic: self.arn.clone(),
            me,
            road,
            inbox,
            signals,
            reach: self.reach.clone(),
            ping_every: self.ping_every,
            stop: self.stop.clone(),
        };
        let (started, has_started) = oneshot::channel();
        self.supervisors.spawn(supervisor.run(started));
        // An error: the road ended at once, which the subscription tells too.
        let _ = has_started.await;
        Ok(Subscription::new(receiver))
    }

    async fn close(&self) {
        self.stop.cancel();
        self.supervisors.close();
        if tokio::time::timeout(LEAVING, self.supervisors.wait()).await.is_err() {
            tracing::warn!("a subscription stays behind; another instance will sweep it");
        }
    }

    fn reach(&self) -> watch::Receiver<Reach> {
        self.reach.subscribe()
    }

    fn endpoint(&self) -> Option<Arc<dyn TopicEndpoint>> {
        let (_, endpoint) = self.endpoint.as_ref()?;
        Some(endpoint.clone())
    }
}

/// The event as JSON. Two code points that JSON takes are refused by SQS, so they are written as escapes.
fn message(event: &JobEvent) -> Result<String> {
    let json = serde_json::to_string(event).map_err(BackendError::from)?;
    Ok(json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
}
