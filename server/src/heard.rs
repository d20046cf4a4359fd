//! What was heard of a job beside its cues: how loud it is, and when words begin.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use domain::peaks::PEAK_MS;
use domain::{CuePage, Timestamp, Version};
use serde::Serialize;

use crate::Server;
use crate::error::{ApiError, Result};
use crate::jobs::uncached;
use crate::query::{self, Query};

#[derive(Serialize)]
struct Peaks {
    /// What one letter stands for.
    step_ms: u64,
    /// The page that the first letter is of. Pages have numbers without gaps.
    first_page: Option<u32>,
    /// To be sent as `after` next time.
    version: Version,
    /// See [`domain::peaks`].
    letters: String,
}

/// `GET /api/v1/jobs/{id}/peaks?after=version`: how loud the media is as far as it was heard, or only what was heard
/// behind that version.
pub async fn peaks(
    State(server): State<Server>,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let (pages, version) = pages_after(&server, &id, text.as_deref()).await?;
    let first_page = pages.first().map(|page| page.number);
    let letters = pages.into_iter().map(|page| page.peaks).collect();
    Ok(uncached(Peaks { step_ms: PEAK_MS, first_page, version, letters }).into_response())
}

#[derive(Serialize)]
struct Words {
    /// The page that the first word is of. Pages have numbers without gaps.
    first_page: Option<u32>,
    /// How many there are.
    pages: usize,
    /// To be sent as `after` next time.
    version: Version,
    /// When each begins.
    starts: Vec<Timestamp>,
}

/// `GET /api/v1/jobs/{id}/words?after=version`: when the words begin that were heard so far, or only those that were heard
/// behind that version.
pub async fn word_starts(
    State(server): State<Server>,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let (pages, version) = pages_after(&server, &id, text.as_deref()).await?;
    let starts = pages.iter().flat_map(|page| &page.words).map(|word| word.start).collect();
    let first_page = pages.first().map(|page| page.number);
    Ok(uncached(Words { first_page, pages: pages.len(), version, starts }).into_response())
}

/// The pages behind the version that is asked for, and the version to ask for next.
async fn pages_after(server: &Server, id: &str, text: Option<&str>) -> Result<(Vec<CuePage>, Version)> {
    let id = query::job_id(id)?;
    let after = Query::parse(text).number("after")?.unwrap_or(0);
    server.hub.job(id).await?.ok_or_else(ApiError::no_job)?;
    let pages = server.backend.store.pages(id, after).await?;
    let version = pages.last().map_or(after, |page| page.version);
    Ok((pages, version))
}
