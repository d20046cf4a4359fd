//! Lists of jobs: by status, by words, and where those that wait stand in line.

use app::api::{Hit, JobQuery, JobRow, JobRows, Place, Searched};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use backend::{InvalidCursor, Listing};
use domain::{JobId, JobStatus, JobView};
use serde::Serialize;

use crate::Server;
use crate::error::{ApiError, Result, stems_from};
use crate::jobs::uncached;
use crate::query::Query;
use crate::search::{self, Words};

const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 100;

/// Longest text that is looked for, in bytes.
const MAX_WORDS: usize = 200;

/// What somebody wants to see.
pub struct Wanted {
    pub status: Option<JobStatus>,
    /// `None`: all jobs.
    pub words: Option<Words>,
    pub limit: usize,
    pub cursor: Option<String>,
}

impl Wanted {
    pub fn parse(query: &JobQuery, limit: usize) -> Result<Wanted> {
        let status = Some(query.status.as_str()).filter(|status| !status.is_empty());
        let status = status.map(|status| JobStatus::parse(status).ok_or_else(unknown_status)).transpose()?;
        let text = query.q.trim();
        if text.len() > MAX_WORDS {
            return Err(words_too_long());
        }
        let words = match text {
            "" => None,
            _ => Some(Words::parse(text).ok_or_else(no_words)?),
        };
        let cursor = Some(query.cursor.clone()).filter(|cursor| !cursor.is_empty());
        Ok(Wanted { status, words, limit, cursor })
    }
}

#[derive(Serialize)]
struct JobList<'a> {
    jobs: Vec<Listed<'a>>,
    /// Pass it as `cursor` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
    /// How far a search looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    searched: Option<&'a Searched>,
}

#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    job: &'a JobView,
    /// Of a waiting job, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    /// Of a search, the first places of the transcript; none where the title has the words.
    #[serde(skip_serializing_if = "<[Hit]>::is_empty")]
    hits: &'a [Hit],
}

/// `GET /api/v1/jobs?q=&status=&limit=&cursor=`
pub async fn read(State(server): State<Server>, RawQuery(text): RawQuery) -> Result<Response> {
    let query = Query::parse(text.as_deref());
    let limit = query.number("limit")?.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let rows = server.list(&Wanted::parse(&query.listing(), limit as usize)?).await?;
    let list = JobList {
        jobs: rows.rows.iter().map(listed).collect(),
        cursor: rows.cursor.as_deref(),
        searched: rows.searched.as_ref(),
    };
    Ok(uncached(list).into_response())
}

fn listed(row: &JobRow) -> Listed<'_> {
    Listed { job: &row.job, place: row.place, hits: &row.hits }
}

impl Server {
    pub async fn list(&self, wanted: &Wanted) -> Result<JobRows> {
        let found = match &wanted.words {
            Some(words) => self.search(wanted, words).await?,
            None => {
                let Wanted { status, limit, cursor, .. } = wanted;
                let listing = Listing { status: *status, limit: *limit, cursor: cursor.clone() };
                let page = self.backend.store.recent(&listing).await.map_err(unlisted)?;
                search::Found::all(page)
            }
        };
        let waiting = found.jobs.iter().filter(|(job, _)| job.status == JobStatus::Queued);
        let waiting: Vec<JobId> = waiting.map(|(job, _)| job.id).collect();
        let line = self.line_of(&waiting).await;
        let rows = found.jobs.into_iter().map(|(job, hits)| {
            let place = line.place(&job);
            JobRow { job: JobView::from(&job), place, hits: hits.shown, more_hits: hits.more }
        });
        let rows = rows.collect();
        Ok(JobRows { rows, cursor: found.cursor, searched: found.searched, is_unusable: false })
    }
}

pub fn unlisted(error: backend::BackendError) -> ApiError {
    if stems_from::<InvalidCursor>(&error) {
        return ApiError::bad_request("cursor", "This cursor is not usable.", "Start again without one.")
            .about("cursor");
    }
    error.into()
}

fn unknown_status() -> ApiError {
    let known = JobStatus::ALL.map(JobStatus::as_str).join(", ");
    ApiError::bad_request("unknown_status", "There is no such status.", &format!("Use one of: {known}."))
        .about("status")
}

fn words_too_long() -> ApiError {
    let message = format!("The text to look for is longer than it may be: {MAX_WORDS} bytes.");
    ApiError::bad_request("words_too_long", message, "Look for a few words of it.").about("q")
}

fn no_words() -> ApiError {
    ApiError::bad_request("no_words", "There is no word in the text to look for.", "Use letters or digits.")
        .about("q")
}
