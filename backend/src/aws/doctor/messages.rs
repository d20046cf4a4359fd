//! Queue, dead-letter queue, and topic.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_sqs::types::QueueAttributeName;

use super::clock::Dates;
use super::not_seen;
use crate::aws::config::Settings;
use crate::doctor::Finding;

/// A worker tries a job several times and may lose some to crashes before it buries the job itself.
const FEWEST_RECEIVES: u64 = 5;
const DAY: u64 = 24 * 60 * 60;

const MAKE: &str = "correct the setting, or make it with the template in deploy/aws";

pub async fn examine(sdk: &SdkConfig, settings: &Settings) -> Vec<Finding> {
    let sqs = aws_sdk_sqs::Client::new(sdk);
    let dates = Dates::default();
    let look = async |subject, url: &str| {
        let request = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
        match request.customize().interceptor(dates.clone()).send().await {
            Ok(answer) => Ok(Attributes(answer.attributes.unwrap_or_default())),
            Err(error) => Err(not_seen(subject, name_of(url), &error, "sqs:GetQueueAttributes", MAKE)),
        }
    };
    let (queue, dead) = tokio::join!(
        look("queue", &settings.queue_url),
        look("dead letters", &settings.dead_letter_queue_url)
    );
    let topic = topic(sdk, settings.topic_arn.as_str()).await;
    let mut findings = Vec::new();
    findings.extend(dates.judge());
    findings.push(match &queue {
        Ok(attributes) => judge_queue("queue", name_of(&settings.queue_url), attributes),
        Err(finding) => finding.clone(),
    });
    findings.push(match &dead {
        Ok(attributes) => judge_queue("dead letters", name_of(&settings.dead_letter_queue_url), attributes),
        Err(finding) => finding.clone(),
    });
    if let Ok(queue) = &queue {
        findings.push(judge_redrive(queue, dead.as_ref().ok()));
        findings.push(judge_retention(queue, dead.as_ref().ok()));
    }
    findings.push(topic);
    findings
}

struct Attributes(HashMap<QueueAttributeName, String>);

impl Attributes {
    fn text(&self, name: QueueAttributeName) -> Option<&str> {
        self.0.get(&name).map(String::as_str)
    }

    fn number(&self, name: QueueAttributeName) -> u64 {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

fn judge_queue(subject: &'static str, name: &str, attributes: &Attributes) -> Finding {
    if name.ends_with(".fifo") {
        let found = format!("{name} is a FIFO queue, which delays no single message");
        return Finding::fail(subject, found, "make a standard queue");
    }
    let waiting = attributes.number(QueueAttributeName::ApproximateNumberOfMessages)
        + attributes.number(QueueAttributeName::ApproximateNumberOfMessagesDelayed);
    let hidden = attributes.number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
    let found = format!("{name}: {waiting} waiting, {hidden} in flight");
    match subject {
        "dead letters" if waiting > 0 => Finding::warn(
            subject,
            found,
            "see GET /api/v1/dead-letters; redrive them when their cause is gone",
        ),
        _ => Finding::ok(subject, found),
    }
}

fn judge_redrive(queue: &Attributes, dead: Option<&Attributes>) -> Finding {
    const SUBJECT: &str = "redrive policy";
    let policy = queue.text(QueueAttributeName::RedrivePolicy).unwrap_or_default();
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap_or_default();
    let target = policy["deadLetterTargetArn"].as_str().unwrap_or_default();
    let count = &policy["maxReceiveCount"];
    let Some(count) = count.as_u64().or_else(|| count.as_str()?.parse().ok()).filter(|_| !target.is_empty())
    else {
        let found = "there is none: a message that kills its worker comes again until it expires";
        return Finding::fail(SUBJECT, found, "name the dead-letter queue in it, with maxReceiveCount 10");
    };
    let found = format!("after {count} receives to {}", target.rsplit(':').next().unwrap_or_default());
    if dead.and_then(|dead| dead.text(QueueAttributeName::QueueArn)).is_some_and(|arn| arn != target) {
        let advice = "name the same queue here and in --dead-letter-queue-url";
        return Finding::fail(SUBJECT, format!("{found}, which is not the configured one"), advice);
    }
    match count {
        0..FEWEST_RECEIVES => {
            let advice = format!("raise maxReceiveCount to 10; at least {FEWEST_RECEIVES}");
            Finding::warn(SUBJECT, format!("{found}: sooner than a worker gives up itself"), advice)
        }
        _ => Finding::ok(SUBJECT, found),
    }
}

fn judge_retention(queue: &Attributes, dead: Option<&Attributes>) -> Finding {
    const SUBJECT: &str = "retention";
    let visibility = queue.number(QueueAttributeName::VisibilityTimeout);
    let kept = queue.number(QueueAttributeName::MessageRetentionPeriod);
    let dead_kept = dead.map(|dead| dead.number(QueueAttributeName::MessageRetentionPeriod));
    let found = format!("messages {}, dead letters {}", time(kept), dead_kept.map_or("?".into(), time));
    if kept < DAY {
        let advice = "keep messages for 4 days or longer, so that a backlog outlives a bad weekend";
        return Finding::warn(SUBJECT, found, advice);
    }
    if dead_kept.is_some_and(|dead_kept| dead_kept < kept) {
        // SQS counts from the first time a message was sent.
        let found = format!("{found}: a letter that waited long dies with its message");
        return Finding::warn(SUBJECT, found, "keep dead letters for 14 days");
    }
    if visibility == 0 {
        let advice = "set the queue's visibility timeout to 120 s";
        return Finding::warn(SUBJECT, "the queue hides no message that is worked on", advice);
    }
    Finding::ok(SUBJECT, format!("{found}, visibility timeout {visibility} s"))
}

fn time(seconds: u64) -> String {
    match seconds {
        0..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / DAY),
    }
}

async fn topic(sdk: &SdkConfig, arn: &str) -> Finding {
    let name = name_of(arn);
    let request = aws_sdk_sns::Client::new(sdk).get_topic_attributes().topic_arn(arn);
    match request.send().await {
        Ok(_) if name.ends_with(".fifo") => {
            Finding::fail("topic", format!("{name} is a FIFO topic"), "make a standard topic")
        }
        Ok(answer) => {
            let attributes = answer.attributes.unwrap_or_default();
            let subscriptions = attributes.get("SubscriptionsConfirmed").map_or("0", String::as_str);
            Finding::ok("topic", format!("{name}: {subscriptions} subscriptions"))
        }
        Err(error) => not_seen("topic", name, &error, "sns:GetTopicAttributes", MAKE),
    }
}

/// The last part of an address or an ARN.
fn name_of(address: &str) -> &str {
    address.rsplit([':', '/']).next().unwrap_or(address)
}
