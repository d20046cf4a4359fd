//! Dead letters: told to whoever waits for their jobs, shown to operators, and sent again when they say so.
//!
//! A letter stays until it is redriven or deleted, or nothing is left of what it is about: its job is gone, has ended
//! otherwise, or was retried.

use std::collections::HashSet;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use backend::{DeadLetter, Finished, Outcome, Retried};
use domain::{Failure, Job, JobId, JobMessage, JobStatus, SpecOptions, WallTime};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::Server;
use crate::error::{ApiError, Result};
use crate::jobs::uncached;
use crate::query::{self, Query};

/// Letters handled at once.
const BATCH: usize = 2_000;

/// Longest body of a redrive, in bytes: thousands of ids.
pub const BODY: usize = 256 * 1024;

/// Batches of one redrive at most: what nobody can read comes back to the dead letters in the end.
const MAX_BATCHES: usize = 50;

/// Letters that were told are looked at again after this time, even if their number has not changed: what they are
/// about may be gone by then.
const LOOK_AGAIN: Duration = Duration::from_secs(10 * 60);

/// The sweep of dead letters. Going through them costs calls, and on SQS hides them from others for a moment: so it
/// is only done when their number changes, or now and then.
#[derive(Default)]
pub struct Letters {
    told: HashSet<String>,
    /// How many there were when all of them had been looked at.
    number: Option<u64>,
    looked_at: Option<Instant>,
}

impl Letters {
    /// Messages that SQS gave up on its own become visible failures of their jobs.
    pub async fn look(&mut self, server: &Server) -> backend::Result<()> {
        let number = server.backend.queue.stats().await?.dead;
        let is_due = self.looked_at.is_none_or(|looked_at| looked_at.elapsed() >= LOOK_AGAIN);
        if number == 0 || (self.number == Some(number) && !is_due) {
            return Ok(());
        }
        if is_due {
            self.told.clear();
            self.looked_at = Some(Instant::now());
        }
        let letters = server.backend.queue.dead_letters(BATCH).await?;
        let mut obsolete = Vec::new();
        for letter in &letters {
            if self.told.contains(&letter.id) {
                continue;
            }
            match tell(server, letter).await? {
                Use::Stays => self.told.insert(letter.id.clone()),
                Use::Obsolete => {
                    obsolete.push(letter.id.clone());
                    continue;
                }
            };
        }
        if !obsolete.is_empty() {
            tracing::info!(letters = obsolete.len(), "dead letters of jobs that went on without them");
            server.backend.queue.delete_dead_letters(&obsolete).await?;
        }
        let there: HashSet<&str> = letters.iter().map(|letter| letter.id.as_str()).collect();
        self.told.retain(|id| there.contains(id.as_str()));
        // Others may have held some of them back.
        let all = letters.len() as u64 >= number || letters.len() == BATCH;
        self.number = all.then(|| number.saturating_sub(obsolete.len() as u64));
        Ok(())
    }
}

enum Use {
    Stays,
    Obsolete,
}

/// Ends the letter's job, if nobody has done so.
async fn tell(server: &Server, letter: &DeadLetter) -> backend::Result<Use> {
    // What nobody can read is for an operator to look at.
    let Ok(message) = JobMessage::parse(&letter.body) else { return Ok(Use::Stays) };
    let Some(job) = server.backend.store.get(message.job).await? else { return Ok(Use::Obsolete) };
    match job.status {
        _ if job.run != message.run => return Ok(Use::Obsolete),
        JobStatus::Failed => return Ok(Use::Stays),
        JobStatus::Completed | JobStatus::Cancelled => return Ok(Use::Obsolete),
        JobStatus::Queued | JobStatus::Running => {}
    }
    match server.backend.store.abandon(job.id, message.run, &gave_up(server, &job)).await? {
        Finished::First(job) => {
            server.announce_job(&job).await;
            tracing::warn!(job.id = %job.id, "a dead letter was told");
            Ok(Use::Stays)
        }
        Finished::Already(job) if job.status == JobStatus::Failed => Ok(Use::Stays),
        Finished::Already(_) | Finished::Fenced => Ok(Use::Obsolete),
    }
}

fn gave_up(server: &Server, job: &Job) -> Outcome {
    let finished_at = WallTime::now();
    Outcome {
        failure: Some(Failure::GaveUp),
        counted: None,
        progress: job.progress.clone(),
        finished_at,
        expires_at: server.expiry_after(finished_at),
    }
}

#[derive(Serialize)]
struct LetterList {
    dead_letters: Vec<LetterView>,
}

#[derive(Serialize)]
struct LetterView {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    /// Absent where no worker gave one: the message was received too often.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    buried_at: Option<WallTime>,
    /// The beginning of what nobody can read; absent where a job is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl From<DeadLetter> for LetterView {
    fn from(letter: DeadLetter) -> LetterView {
        let job = JobMessage::parse(&letter.body).ok().map(|message| message.job);
        let body = job.is_none().then(|| letter.body.chars().take(1_000).collect());
        let DeadLetter { id, reason, attempts, buried_at, .. } = letter;
        LetterView { id, job, reason, attempts, buried_at, body }
    }
}

/// `GET /api/v1/dead-letters?limit=`: the oldest ones.
pub async fn list(State(server): State<Server>, RawQuery(text): RawQuery) -> Result<Response> {
    let limit = Query::parse(text.as_deref()).number("limit")?.unwrap_or(50).clamp(1, 200);
    let letters = server.backend.queue.dead_letters(limit as usize).await?;
    let dead_letters = letters.into_iter().map(LetterView::from).collect();
    Ok(uncached(LetterList { dead_letters }).into_response())
}

/// Which letters, and what is to be other than before.
#[derive(Default, Deserialize)]
struct Chosen {
    /// Without it, all letters.
    ids: Option<HashSet<String>>,
    #[serde(flatten)]
    options: SpecOptions,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// Messages sent.
    pub redriven: usize,
    /// Letters that stay, since their jobs cannot be done with these options.
    pub refused: usize,
}

/// `POST /api/v1/dead-letters/redrive`, with `{"ids": […]}` in a JSON body for some of them, and with options as a
/// retry takes them.
pub async fn redrive(State(server): State<Server>, body: Body) -> Result<Response> {
    let body = query::body(body, BODY).await?;
    let chosen = match body.iter().all(u8::is_ascii_whitespace) {
        true => Chosen::default(),
        false => serde_json::from_slice(&body).map_err(|error| {
            let problem = format!("This says not which letters: {error}.");
            ApiError::bad_request("malformed_json", problem, "Send {\"ids\": [\"…\"]}, or nothing for all.")
        })?,
    };
    // A title is of one job.
    let options = SpecOptions { title: None, ..chosen.options };
    Ok(uncached(server.redrive_letters(chosen.ids, options).await?).into_response())
}

/// What became of one letter.
enum Redrive {
    Sent,
    /// Its job is gone, or went on without its letter.
    NotNeeded,
    Refused(ApiError),
}

impl Server {
    /// Does the jobs of these letters again, or of all; options that are not given stay as they were. When none can be
    /// done with them it is an error, which says why.
    pub async fn redrive_letters(
        &self,
        ids: Option<HashSet<String>>,
        options: SpecOptions,
    ) -> Result<Redriven> {
        if let Some(model) = options.model.as_deref().map(str::trim).filter(|model| !model.is_empty()) {
            self.check_offered(model)?;
        }
        let redriving = self.clone();
        let redriven = self.to_the_end(async move { redriving.redrive(ids, &options).await }).await;
        self.ops.forget().await;
        if let Ok(Redriven { redriven, refused }) = redriven {
            tracing::info!(messages = redriven, refused, "dead letters sent again");
        }
        redriven
    }

    /// A letter goes when its message is sent: a crash in between sends one twice, which does no harm.
    async fn redrive(&self, ids: Option<HashSet<String>>, options: &SpecOptions) -> Result<Redriven> {
        let queue = &self.backend.queue;
        let mut redriven = Redriven::default();
        let mut refusal = None;
        let mut tried: HashSet<String> = HashSet::new();
        for _ in 0..MAX_BATCHES {
            let letters = queue.dead_letters(BATCH).await?;
            let is_last = letters.len() < BATCH || ids.is_some();
            let mut done = Vec::new();
            let mut problem = None;
            for letter in letters {
                let is_chosen = ids.as_ref().is_none_or(|ids| ids.contains(&letter.id));
                if !is_chosen || !tried.insert(letter.id.clone()) {
                    continue;
                }
                match self.redrive_letter(&letter, options).await {
                    Ok(Redrive::Sent) => redriven.redriven += 1,
                    Ok(Redrive::NotNeeded) => {}
                    Ok(Redrive::Refused(error)) => {
                        redriven.refused += 1;
                        refusal.get_or_insert(error);
                        continue;
                    }
                    Err(error) => {
                        problem = Some(error);
                        break;
                    }
                }
                done.push(letter.id);
            }
            queue.delete_dead_letters(&done).await?;
            if let Some(problem) = problem {
                return Err(problem);
            }
            if is_last || done.is_empty() {
                break;
            }
        }
        match refusal {
            Some(refusal) if redriven.redriven == 0 => Err(refusal),
            _ => Ok(redriven),
        }
    }

    async fn redrive_letter(&self, letter: &DeadLetter, options: &SpecOptions) -> Result<Redrive> {
        let Ok(message) = JobMessage::parse(&letter.body) else {
            self.backend.queue.send(&letter.body, Duration::ZERO).await?;
            return Ok(Redrive::Sent);
        };
        let Some(job) = self.backend.store.get(message.job).await? else { return Ok(Redrive::NotNeeded) };
        if job.run != message.run || matches!(job.status, JobStatus::Completed | JobStatus::Cancelled) {
            return Ok(Redrive::NotNeeded);
        }
        let spec = match job.spec.clone().with_options(options) {
            Ok(spec) => spec,
            Err(problem) => return Ok(Redrive::Refused(query::invalid(problem))),
        };
        // One that is unfinished: its message died on its own, and nobody was told yet.
        let job = if job.status == JobStatus::Failed || job.spec != spec {
            let expires_at = self.expiry_after(WallTime::now());
            match self.backend.store.retry(job.id, &spec, expires_at).await? {
                Retried::Queued(job) => *job,
                Retried::Unfinished(_) | Retried::Gone => return Ok(Redrive::NotNeeded),
            }
        } else {
            job
        };
        self.announce_job(&job).await;
        self.enqueue(&job).await?;
        tracing::info!(job.id = %job.id, "a dead letter was redriven");
        Ok(Redrive::Sent)
    }
}
