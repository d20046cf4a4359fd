//! Jobs, pages and tracks as items of one table.
//!
//! | `pk` | `sk` | what |
//! | --- | --- | --- |
//! | `JOB#<id>` | `JOB` | the job: its record as JSON, and beside it the attributes that are searched |
//! | `JOB#<id>` | `PAGE#<pages>#<number>` | one page of cues |
//! | `JOB#<id>` | `TRACK#<track>#<part>` | part of a track that somebody saved |
//! | `SHARE#<id>` | `SHARE` | the job that a link shows; the link itself is in the job's item |
//! | `KEY#<key>` | `KEY` | the job that an idempotency key made |
//! | `TURN` | `<task>` | when somebody took the turn at a task |
//! | `WORKER` | `<id>` | what a worker tells of itself |
//!
//! A job names its pages and its saved track by random tokens, so that a retry or a save changes all of them with
//! one write of the job's item; what nothing names any more is invisible, and is removed afterwards.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Attempt, Corrections, CuePage, Job, JobId, Share, ShareId, WallTime};
use serde::de::DeserializeOwned;

use crate::{BackendError, JobRecord, Result, rules};

pub type Item = HashMap<String, AttributeValue>;

/// A DynamoDB item holds at most 400 KB, names included. A page of half a minute of speech has a tenth of it.
const MAX_RECORD_BYTES: usize = 380_000;

/// Sweeping is ours, since media must go with the job; DynamoDB's own is the net under it, for what nobody swept.
const SWEPT_BY_TABLE_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Parts must not go before their job, whose end of life moves when it finishes.
const PART_SWEPT_BY_TABLE_AFTER: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// All jobs: the partition of the indexes over ends.
pub const KIND: &str = "job";

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub job: Job,
    /// Names the pages that count. Not [`Job::run`], which a job made anew under an old id would share.
    pub pages: String,
    pub track: Option<TrackName>,
    /// In the order they were made. So few and small that they cost nobody a read or a write of their own.
    pub shares: Vec<Share>,
    /// New with every write: it is the condition of the next one, and tells a writer its own write.
    pub write: String,
}

/// Names the parts of a saved track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackName {
    pub token: String,
    pub parts: usize,
}

impl Stored {
    pub fn new(job: Job) -> Stored {
        Stored { job, pages: token(), track: None, shares: Vec::new(), write: token() }
    }

    pub fn is_live(&self) -> bool {
        self.job.expires_at > WallTime::now()
    }

    pub fn to_item(&self) -> Result<Item> {
        let job = &self.job;
        let mut item = Item::from([
            ("pk".into(), text(job_key(job.id))),
            ("sk".into(), text("JOB")),
            ("kind".into(), text(KIND)),
            ("record".into(), text(record(job)?)),
            ("pages".into(), text(&self.pages)),
            ("write".into(), text(&self.write)),
            ("status".into(), text(job.status.as_str())),
            ("created".into(), text(position(job.created_at, Some(job.id)))),
            ("expires".into(), text(position(job.expires_at, Some(job.id)))),
            ("ttl".into(), ttl(job.expires_at, SWEPT_BY_TABLE_AFTER)),
        ]);
        if let Some(finished_at) = job.finished_at {
            item.insert("finished".into(), text(position(finished_at, Some(job.id))));
        }
        if let Some(track) = &self.track {
            item.insert("track".into(), text(&track.token));
            item.insert("parts".into(), AttributeValue::N(track.parts.to_string()));
        }
        if !self.shares.is_empty() {
            item.insert("shares".into(), text(record(&self.shares)?));
        }
        Ok(item)
    }

    pub fn from_item(item: &Item) -> Result<Stored> {
        let track = match item.contains_key("track") {
            true => {
                Some(TrackName { token: attribute(item, "track")?.to_owned(), parts: number(item, "parts")? })
            }
            false => None,
        };
        let shares = match item.contains_key("shares") {
            true => serde_json::from_str(attribute(item, "shares")?)?,
            false => Vec::new(),
        };
        Ok(Stored {
            job: parse_record(item)?,
            pages: attribute(item, "pages")?.to_owned(),
            track,
            shares,
            write: attribute(item, "write")?.to_owned(),
        })
    }
}

pub fn job_key(id: JobId) -> String {
    format!("JOB#{id}")
}

/// The id in a partition key.
pub fn parse_job_key(key: &str) -> Result<JobId> {
    key.strip_prefix("JOB#")
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| BackendError::Permanent(NoAttribute("pk").into()))
}

pub fn page_key(pages: &str, number: u32) -> String {
    format!("PAGE#{pages}#{number:010}")
}

pub fn track_key(track: &str, part: usize) -> String {
    format!("TRACK#{track}#{part:05}")
}

pub fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([("pk".into(), text(pk)), ("sk".into(), text(sk))])
}

pub fn share_key(share: ShareId) -> Item {
    key(format!("SHARE#{share}"), "SHARE")
}

pub fn share_item(share: ShareId, job: &Job) -> Item {
    let mut item = share_key(share);
    item.insert("job".into(), text(job.id.to_string()));
    item.insert("ttl".into(), ttl(job.expires_at, PART_SWEPT_BY_TABLE_AFTER));
    item
}

pub fn page_item(stored: &Stored, page: &CuePage) -> Result<Item> {
    let mut item = key(job_key(stored.job.id), page_key(&stored.pages, page.number));
    item.insert("record".into(), text(record(page)?));
    item.insert("attempt".into(), AttributeValue::N(stored.job.attempt.to_string()));
    item.insert("ttl".into(), ttl(stored.job.expires_at, PART_SWEPT_BY_TABLE_AFTER));
    Ok(item)
}

pub fn parse_page(item: &Item) -> Result<(Attempt, CuePage)> {
    Ok((number(item, "attempt")?, parse_record(item)?))
}

/// A partition's items: the living job, which sorts first, and its parts.
pub fn split_job(items: &[Item]) -> Result<Option<(Stored, &[Item])>> {
    let Some((first, parts)) = items.split_first() else { return Ok(None) };
    if attribute(first, "sk")? != "JOB" {
        return Ok(None);
    }
    let stored = Stored::from_item(first)?;
    Ok(stored.is_live().then_some((stored, parts)))
}

/// The pages among the parts that the job counts, in order.
pub fn pages_of(stored: &Stored, parts: &[Item]) -> Result<Vec<CuePage>> {
    let prefix = format!("PAGE#{}#", stored.pages);
    let mut pages = Vec::new();
    for part in parts {
        if attribute(part, "sk")?.starts_with(&prefix) {
            let (_, page) = parse_page(part)?;
            if page.number < stored.job.progress.pages {
                pages.push(page);
            }
        }
    }
    Ok(pages)
}

/// The job with all of its parts; `None` when one that it names is not among them.
pub fn record_of(stored: &Stored, parts: &[Item]) -> Result<Option<JobRecord>> {
    let job = stored.job.clone();
    let pages = pages_of(stored, parts)?;
    if pages.len() != job.progress.pages as usize {
        return Ok(None);
    }
    let Some(track) = &stored.track else {
        return Ok(Some(JobRecord { job, pages, corrections: Corrections::default() }));
    };
    let prefix = format!("TRACK#{}#", track.token);
    let mut found = 0;
    let mut json = String::new();
    for part in parts {
        if attribute(part, "sk")?.starts_with(&prefix) {
            json.push_str(attribute(part, "record")?);
            found += 1;
        }
    }
    if found != track.parts {
        return Ok(None);
    }
    Ok(Some(JobRecord { job, pages, corrections: rules::read_corrections(&json)? }))
}

/// The parts of a track's JSON, in order.
pub fn track_items(job: &Job, track: &str, json: &str) -> Vec<Item> {
    let mut parts = Vec::new();
    let mut rest = json;
    while !rest.is_empty() {
        let (part, next) = rest.split_at(rest.floor_char_boundary(MAX_RECORD_BYTES));
        let mut item = key(job_key(job.id), track_key(track, parts.len()));
        item.insert("record".into(), text(part));
        item.insert("ttl".into(), ttl(job.expires_at, PART_SWEPT_BY_TABLE_AFTER));
        parts.push(item);
        rest = next;
    }
    parts
}

pub fn ttl(expires_at: WallTime, grace: Duration) -> AttributeValue {
    AttributeValue::N(expires_at.as_second().saturating_add_unsigned(grace.as_secs()).to_string())
}

/// For an idempotency key, which is worthless after its job.
pub fn key_ttl(expires_at: WallTime) -> AttributeValue {
    ttl(expires_at, SWEPT_BY_TABLE_AFTER)
}

/// A moment as the indexes sort it: microseconds since 1970, and the id to tell jobs of one moment apart.
pub fn position(time: WallTime, id: Option<JobId>) -> String {
    let micros = time.as_microsecond().max(0);
    match id {
        Some(id) => format!("{micros:020}.{id}"),
        None => format!("{micros:020}"),
    }
}

pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub fn attribute<'a>(item: &'a Item, name: &'static str) -> Result<&'a str> {
    match item.get(name) {
        Some(AttributeValue::S(value)) => Ok(value),
        _ => Err(BackendError::Permanent(NoAttribute(name).into())),
    }
}

pub fn number<T: std::str::FromStr>(item: &Item, name: &'static str) -> Result<T> {
    let value = item.get(name).and_then(|value| value.as_n().ok()).and_then(|value| value.parse().ok());
    value.ok_or_else(|| BackendError::Permanent(NoAttribute(name).into()))
}

pub fn record(value: &impl serde::Serialize) -> Result<String> {
    let json = serde_json::to_string(value)?;
    if json.len() > MAX_RECORD_BYTES {
        return Err(BackendError::Permanent(RecordTooLarge { bytes: json.len() }.into()));
    }
    Ok(json)
}

pub fn parse_record<T: DeserializeOwned>(item: &Item) -> Result<T> {
    Ok(serde_json::from_str(attribute(item, "record")?)?)
}

/// Random enough that no two are ever the same.
pub fn token() -> String {
    format!("{:032x}", rand::random::<u128>())
}

#[derive(Debug, thiserror::Error)]
#[error("an item of the table has no {0} that can be read")]
struct NoAttribute(&'static str);

#[derive(Debug, thiserror::Error)]
#[error("a record of {bytes} bytes is too large for an item of the table, which holds {MAX_RECORD_BYTES}")]
struct RecordTooLarge {
    bytes: usize,
}
