//! What the queue carries: a pointer to a job, bare or in an envelope of SNS.

use serde::{Deserialize, Serialize};

use crate::{Job, JobId};

/// The body of a queue message. Only a pointer: what to do is in the store. All that can be out of date is the run
/// it was sent for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobMessage {
    /// Major version of this shape. A worker leaves a message of a newer major version to a newer worker.
    pub v: u32,
    pub job: JobId,
    /// [`Job::run`] when it was sent.
    #[serde(default)]
    pub run: u32,
}

impl JobMessage {
    pub const MAJOR: u32 = 1;

    /// For the first run of the job.
    pub fn new(job: JobId) -> JobMessage {
        JobMessage { v: JobMessage::MAJOR, job, run: 0 }
    }

    /// For the run that the job is in.
    pub fn of(job: &Job) -> JobMessage {
        JobMessage { run: job.run, ..JobMessage::new(job.id) }
    }

    /// Reads the body of a queue message: the job message itself, or a notification of SNS that holds it as text,
    /// which is what a queue gets that is subscribed to a topic without raw delivery.
    pub fn parse(body: &str) -> Result<JobMessage, UnreadableMessage> {
        match serde_json::from_str::<Envelope>(body) {
            Ok(envelope) if envelope.kind == "Notification" => parse_bare(&envelope.message),
            // It would be a confirmation that nobody asked for.
            Ok(_) => Err(UnreadableMessage::NoNotification),
            Err(_) => parse_bare(body),
        }
    }
}

/// What counts of SNS's envelope.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "Message")]
    message: String,
}

fn parse_bare(body: &str) -> Result<JobMessage, UnreadableMessage> {
    #[derive(Deserialize)]
    struct MessageVersion {
        v: u32,
    }
    // The version first: a newer message may have another shape.
    let version: MessageVersion = serde_json::from_str(body).map_err(|_| UnreadableMessage::NoJobMessage)?;
    if version.v != JobMessage::MAJOR {
        return Err(UnreadableMessage::UnknownVersion);
    }
    serde_json::from_str(body).map_err(|_| UnreadableMessage::NoJobMessage)
}

/// Why a body names no job. Such a message is never acknowledged: it becomes a dead letter, or a newer worker
/// understands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableMessage {
    #[error("no job message")]
    NoJobMessage,
    #[error("unknown major version")]
    UnknownVersion,
    #[error("a message of SNS that is no notification")]
    NoNotification,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0000000000000000000000000000002a";

    #[test]
    fn a_message_is_a_pointer() {
        let message = JobMessage::new(JobId::from_bits(42));
        let json = format!(r#"{{"v":1,"job":"{ID}","run":0}}"#);
        assert_eq!(serde_json::to_string(&message).unwrap(), json);
        assert_eq!(JobMessage::parse(&json), Ok(message));
    }

    #[test]
    fn a_job_comes_bare_or_in_a_notification_and_nothing_else_names_one() {
        use UnreadableMessage::{NoJobMessage, NoNotification, UnknownVersion};

        // The same is expected of a body, of the body in an envelope, and of the envelope with more in it.
        let check = |body: &str, expect: Result<u32, UnreadableMessage>| {
            let expect = expect.map(|run| JobMessage { run, ..JobMessage::new(JobId::from_bits(42)) });
            assert_eq!(JobMessage::parse(body), expect, "{body}");
            let envelope = json!({ "Type": "Notification", "Message": body });
            assert_eq!(JobMessage::parse(&envelope.to_string()), expect, "{envelope}");
            let signed = json!({
                "Type": "Notification",
                "MessageId": "1",
                "TopicArn": "arn:aws:sns:eu-central-1:1:jobs",
                "Subject": null,
                "Message": body,
                "Timestamp": "2026-11-01T00:00:00Z",
                "SignatureVersion": "2",
                "Signature": "…",
                "MessageAttributes": { "later": { "Type": "String", "Value": "addition" } },
            });
            assert_eq!(JobMessage::parse(&signed.to_string()), expect, "{signed}");
        };
        check(&format!(r#"{{"v":1,"job":"{ID}"}}"#), Ok(0));
        check(&format!(r#"{{"v":1,"job":"{ID}","run":3}}"#), Ok(3));
        check(&format!(r#" {{"job":"{ID}","later":"addition","v":1}}{}"#, "\n"), Ok(0));
        check(&format!(r#"{{"v":2,"job":"{ID}"}}"#), Err(UnknownVersion));
        check(r#"{"v":2,"another":"shape"}"#, Err(UnknownVersion));
        check(&format!(r#"{{"v":0,"job":"{ID}"}}"#), Err(UnknownVersion));
        check(&format!(r#"{{"job":"{ID}"}}"#), Err(NoJobMessage));
        check(&format!(r#"[{{"v":1,"job":"{ID}"}}]"#), Err(NoJobMessage));
        check(r#"{"v":1,"job":"short"}"#, Err(NoJobMessage));
        check(r#"{"v":1}"#, Err(NoJobMessage));
        check(r#"{"v":"1"}"#, Err(NoJobMessage));
        check("", Err(NoJobMessage));
        check("null", Err(NoJobMessage));
        check("\u{0}", Err(NoJobMessage));

        let check_alone = |body: &str, expect: UnreadableMessage| {
            assert_eq!(JobMessage::parse(body), Err(expect), "{body}");
        };
        check_alone(r#"{"Type":"SubscriptionConfirmation","Message":"You have chosen"}"#, NoNotification);
        check_alone(r#"{"Type":"Notification"}"#, NoJobMessage);
        check_alone(r#"{"Type":"Notification","Message":{"v":1}}"#, NoJobMessage);
        // One envelope, not any number of them.
        let bare = json!({ "v": 1, "job": ID }).to_string();
        let once = json!({ "Type": "Notification", "Message": bare }).to_string();
        let twice = json!({ "Type": "Notification", "Message": once }).to_string();
        check_alone(&twice, NoJobMessage);
    }
}
