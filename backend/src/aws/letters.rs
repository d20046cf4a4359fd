//! Dead letters on SQS: a second queue that nobody works on.
//!
//! A worker sends a letter there with its reason and the number of attempts as attributes; the redrive policy of the
//! queue of jobs moves messages there on its own, which then have neither.
//!
//! Letters are looked at by receiving them: they are hidden from others who look for a moment, and their number of
//! receives tells nothing. A letter is deleted by its latest receipt, so deleting means going through them as well:
//! once, however many are to go.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageAttributeValue,
    MessageSystemAttributeName,
};
use domain::WallTime;

use super::queue::MESSAGES_PER_CALL;
use crate::queue::{LETTER_BYTES, readable};
use crate::{DeadLetter, Result};

const REASON: &str = "reason";
const ATTEMPTS: &str = "attempts";

/// While somebody goes through the letters. Each look ends well before.
const LOOK_VISIBILITY: Duration = Duration::from_secs(30);
const LONGEST_LOOK: Duration = Duration::from_secs(15);

/// A receive that waits asks every machine that holds a part of the queue; one that does not asks some of them.
const LOOK_WAIT_SECONDS: i32 = 1;

pub struct Letters {
    pub client: Client,
    pub url: String,
}

impl Letters {
    pub async fn bury(&self, body: &str, reason: &str, attempts: u32) -> Result<()> {
        let request = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .message_attributes(REASON, attribute("String", readable(reason))?)
            .message_attributes(ATTEMPTS, attribute("Number", attempts.to_string())?);
        request.send().await?;
        Ok(())
    }

    /// The oldest of the letters that one look finds, whose order SQS does not promise. `moved_after` is the number
    /// of receives after which SQS moved those that nobody buried.
    pub async fn list(&self, limit: usize, at_least: usize, moved_after: u32) -> Result<Vec<DeadLetter>> {
        let (start, mut bytes) = (Instant::now(), 0);
        let mut letters = Vec::new();
        while letters.len() < limit.max(at_least) && bytes < LETTER_BYTES && start.elapsed() < LONGEST_LOOK {
            let batch = self.take().await?;
            if batch.is_empty() {
                break;
            }
            bytes += batch.iter().map(|letter| letter.body.as_ref().map_or(0, String::len)).sum::<usize>();
            letters.extend(batch);
        }
        self.show(&letters).await?;
        letters.sort_by_key(sent_ms);
        letters.truncate(limit);
        Ok(letters.into_iter().map(|letter| dead_letter(letter, moved_after)).collect())
    }

    pub async fn delete(&self, ids: &[String]) -> Result<()> {
        let start = Instant::now();
        let mut wanted: HashSet<&str> = ids.iter().map(String::as_str).collect();
        let mut others = Vec::new();
        while !wanted.is_empty() && start.elapsed() < LONGEST_LOOK {
            let batch = self.take().await?;
            if batch.is_empty() {
                break;
            }
            let (found, rest): (Vec<Message>, Vec<Message>) = batch
                .into_iter()
                .partition(|letter| letter.message_id.as_deref().is_some_and(|id| wanted.remove(id)));
            self.drop_all(&found).await?;
            others.extend(rest);
        }
        self.show(&others).await
    }

    /// Some letters, hidden for a while.
    async fn take(&self) -> Result<Vec<Message>> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(MESSAGES_PER_CALL)
            .wait_time_seconds(LOOK_WAIT_SECONDS)
            .visibility_timeout(LOOK_VISIBILITY.as_secs() as i32)
            .message_attribute_names(REASON)
            .message_attribute_names(ATTEMPTS)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        Ok(request.send().await?.messages.unwrap_or_default())
    }

    async fn show(&self, letters: &[Message]) -> Result<()> {
        for letters in letters.chunks(MESSAGES_PER_CALL as usize) {
            let mut entries = Vec::new();
            for (number, letter) in letters.iter().enumerate() {
                entries.push(
                    ChangeMessageVisibilityBatchRequestEntry::builder()
                        .id(number.to_string())
                        .receipt_handle(letter.receipt_handle.as_deref().unwrap_or_default())
                        .visibility_timeout(0)
                        .build()?,
                );
            }
            // One that could not be shown at once shows itself when its time is over.
            let request = self.client.change_message_visibility_batch().queue_url(&self.url);
            request.set_entries(Some(entries)).send().await?;
        }
        Ok(())
    }

    async fn drop_all(&self, letters: &[Message]) -> Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let mut entries = Vec::new();
        for (number, letter) in letters.iter().enumerate() {
            entries.push(
                DeleteMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .receipt_handle(letter.receipt_handle.as_deref().unwrap_or_default())
                    .build()?,
            );
        }
        let request = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let failed = request.send().await?.failed.len();
        if failed > 0 {
            tracing::warn!(failed, "dead letters were not deleted; they show again");
        }
        Ok(())
    }
}

fn dead_letter(letter: Message, moved_after: u32) -> DeadLetter {
    let sent_ms = sent_ms(&letter);
    let mut attributes = letter.message_attributes.unwrap_or_default();
    let reason = value(&mut attributes, REASON);
    let attempts = value(&mut attributes, ATTEMPTS).and_then(|attempts| attempts.parse().ok());
    // What SQS moved keeps the time of its first sending.
    let buried_at = reason.is_some().then(|| WallTime::from_millisecond(sent_ms).ok()).flatten();
    DeadLetter {
        id: letter.message_id.unwrap_or_default(),
        body: letter.body.unwrap_or_default(),
        reason,
        attempts: attempts.unwrap_or(moved_after),
        buried_at,
    }
}

fn value(attributes: &mut HashMap<String, MessageAttributeValue>, name: &str) -> Option<String> {
    attributes.remove(name)?.string_value
}

fn attribute(kind: &str, value: String) -> Result<MessageAttributeValue> {
    Ok(MessageAttributeValue::builder().data_type(kind).string_value(value).build()?)
}

fn sent_ms(letter: &Message) -> i64 {
    let sent = letter.attributes.as_ref().and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp));
    sent.and_then(|sent| sent.parse().ok()).unwrap_or_default()
}
