//! What SNS posts: a JSON object, and the text over which it is signed.

use domain::WallTime;
use serde::Deserialize;

use super::Forgery;

/// A message as it came: nothing in it is true before its signature was checked.
///
/// A field that is there twice is an error, so that nobody reads another one than was signed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Envelope {
    #[serde(rename = "Type")]
    pub kind: Kind,
    pub message_id: String,
    pub topic_arn: String,
    pub message: String,
    /// Absent and empty are two things to the signature.
    pub subject: Option<String>,
    pub timestamp: String,
    #[serde(default)]
    pub signature_version: String,
    #[serde(default)]
    pub signature: String,
    #[serde(rename = "SigningCertURL", default)]
    pub signing_cert_url: String,
    /// Never visited: it is here because it is signed.
    #[serde(rename = "SubscribeURL")]
    pub subscribe_url: Option<String>,
    pub token: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Kind {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Notification => "Notification",
            Kind::SubscriptionConfirmation => "SubscriptionConfirmation",
            Kind::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

/// A UUID has 36 characters.
const LONGEST_ID: usize = 64;

impl Envelope {
    pub fn parse(body: &[u8]) -> Result<Envelope, Forgery> {
        let envelope: Envelope = serde_json::from_slice(body).map_err(|_| Forgery::Malformed)?;
        let has_its_fields = match envelope.kind {
            Kind::Notification => true,
            _ => envelope.token.is_some() && envelope.subscribe_url.is_some(),
        };
        // Every field ends with its line in the text that is signed. Only the message may have more lines: it is
        // the first field, so the others are found from the end, and the text can be read in one way only.
        let one_liners = [
            Some(&envelope.message_id),
            Some(&envelope.topic_arn),
            envelope.subject.as_ref(),
            Some(&envelope.timestamp),
            envelope.subscribe_url.as_ref(),
            envelope.token.as_ref(),
        ];
        let has_clean_fields = !one_liners.into_iter().flatten().any(|field| field.contains(['\n', '\r']));
        let has_an_id = (1..=LONGEST_ID).contains(&envelope.message_id.len());
        if !has_its_fields || !has_clean_fields || !has_an_id {
            return Err(Forgery::Malformed);
        }
        Ok(envelope)
    }

    pub fn moment(&self) -> Option<WallTime> {
        self.timestamp.parse().ok()
    }

    /// The text under the signature: names and values, each on its line, in an order of their own for each kind.
    pub fn string_to_sign(&self) -> String {
        let subject = self.subject.as_deref();
        let is_notification = self.kind == Kind::Notification;
        let of_confirmation = |value| if is_notification { None } else { value };
        let fields = [
            ("Message", Some(self.message.as_str())),
            ("MessageId", Some(&self.message_id)),
            ("Subject", if is_notification { subject } else { None }),
            ("SubscribeURL", of_confirmation(self.subscribe_url.as_deref())),
            ("Timestamp", Some(&self.timestamp)),
            ("Token", of_confirmation(self.token.as_deref())),
            ("TopicArn", Some(&self.topic_arn)),
            ("Type", Some(self.kind.as_str())),
        ];
        let mut text = String::with_capacity(self.message.len() + 512);
        for (name, value) in fields {
            let Some(value) = value else { continue };
            text.extend([name, "\n", value, "\n"]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_that_is_signed_has_the_fields_of_its_kind_in_their_order() {
        let check = |body: &str, expect: &str| {
            assert_eq!(Envelope::parse(body.as_bytes()).unwrap().string_to_sign(), expect);
        };
        let common = r#""MessageId": "i", "TopicArn": "a", "Message": "m\n2", "Timestamp": "t""#;
        check(
            &format!(r#"{{"Type": "Notification", {common}}}"#),
            "Message\nm\n2\nMessageId\ni\nTimestamp\nt\nTopicArn\na\nType\nNotification\n",
        );
        check(
            &format!(
                r#"{{"Type": "Notification", "Subject": "", {common}, "Token": "k", "SubscribeURL": "u"}}"#
            ),
            "Message\nm\n2\nMessageId\ni\nSubject\n\nTimestamp\nt\nTopicArn\na\nType\nNotification\n",
        );
        for kind in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
            check(
                &format!(
                    r#"{{"Type": "{kind}", "Subject": "s", {common}, "Token": "k", "SubscribeURL": "u"}}"#
                ),
                &format!(
                    "Message\nm\n2\nMessageId\ni\nSubscribeURL\nu\nTimestamp\nt\nToken\nk\nTopicArn\na\nType\n{kind}\n"
                ),
            );
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        let check =
            |body: &str| assert_eq!(Envelope::parse(body.as_bytes()), Err(Forgery::Malformed), "{body}");
        check("");
        check("[]");
        check(r#"{"Type": "Notification"}"#);
        check(r#"{"Type": "Other", "MessageId": "i", "TopicArn": "a", "Message": "m", "Timestamp": "t"}"#);
        check(
            r#"{"Type": "Notification", "MessageId": "i\n", "TopicArn": "a", "Message": "m", "Timestamp": "t"}"#,
        );
        check(
            r#"{"Type": "Notification", "MessageId": "", "TopicArn": "a", "Message": "m", "Timestamp": "t"}"#,
        );
        check(
            r#"{"Type": "Notification", "MessageId": "i", "TopicArn": "a", "Message": "m", "Message": "n", "Timestamp": "t"}"#,
        );
        check(
            r#"{"Type": "Notification", "MessageId": 1, "TopicArn": "a", "Message": "m", "Timestamp": "t"}"#,
        );
        check(
            r#"{"Type": "SubscriptionConfirmation", "MessageId": "i", "TopicArn": "a", "Message": "m", "Timestamp": "t"}"#,
        );
        check(&"[".repeat(100_000));
    }
}
