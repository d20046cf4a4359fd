//! Pings: messages through the topic that tell their sender that it hears, and now and then others that it lives.

use aws_sdk_sns::types::MessageAttributeValue;
use domain::JobEvent;
use serde::{Deserialize, Serialize};

use super::names::{Fingerprint, TopicArn};
use crate::{Heard, Result};

/// The message attribute that only pings have. Subscriptions let through what has none, their own and loud ones.
const ATTRIBUTE: &str = "ping";
const LOUD: &str = "all";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    #[serde(rename = "ping")]
    pub from: Fingerprint,
    pub number: u64,
}

/// What a message of the topic holds.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Ping(Ping),
    Event(Box<JobEvent>),
}

#[derive(Debug)]
pub enum Read {
    Ping(Ping),
    Heard(Heard),
}

/// What cannot be read counts as a gap: it may have been an event of a newer version.
pub fn read(message: &str) -> Read {
    match serde_json::from_str(message) {
        Ok(Content::Ping(ping)) => Read::Ping(ping),
        Ok(Content::Event(event)) => Read::Heard(Heard::Event(event)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "an event cannot be read");
            Read::Heard(Heard::Gap)
        }
    }
}

/// Of a subscription's attribute `FilterPolicy`.
pub fn filter_policy(me: &Fingerprint) -> String {
    serde_json::json!({ ATTRIBUTE: [{"exists": false}, me.0, LOUD] }).to_string()
}

/// `is_loud`: every subscriber shall hear it, not only ourselves.
pub async fn publish(sns: &aws_sdk_sns::Client, topic: &TopicArn, ping: &Ping, is_loud: bool) -> Result<()> {
    let address = if is_loud { LOUD } else { &ping.from.0 };
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(address).build()?;
    let request = sns
        .publish()
        .topic_arn(topic.as_str())
        .message(serde_json::to_string(ping)?)
        .message_attributes(ATTRIBUTE, attribute);
    request.send().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_events_and_other_things_are_told_apart() {
        let ping = Ping { from: Fingerprint("f".into()), number: 3 };
        let text = serde_json::to_string(&ping).unwrap();
        assert_eq!(text, r#"{"ping":"f","number":3}"#);
        assert!(matches!(read(&text), Read::Ping(read) if read == ping));
        let event =
            JobEvent { id: domain::JobId::from_bits(1), version: 1, change: domain::JobChange::Expired };
        let text = serde_json::to_string(&event).unwrap();
        assert!(matches!(read(&text), Read::Heard(Heard::Event(read)) if *read == event));
        assert!(matches!(read("hello"), Read::Heard(Heard::Gap)));
    }
}
