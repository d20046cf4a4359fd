//! What people change of a track, cue by cue, while the job runs or when it is done.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backend::{JobRecord, SavedCorrections};
use domain::correction::{Correction, Corrections, Revision};
use domain::{JobEvent, JobId, Timestamp, Version};
use serde::Serialize;

use crate::Server;
use crate::error::{ApiError, Result};
use crate::jobs::uncached;
use crate::tracks::expected_version;
use crate::{query, videos};

/// Most that one save may bring, in bytes: every cue of a very long film.
const MAX_SAVE: usize = 8 << 20;

/// Most patches of one track: more cues than a day of speech has.
const MOST_PATCHES: usize = 50_000;

/// How often a save begins anew because somebody else saved other places meanwhile.
const ROUNDS: usize = 8;

#[derive(Serialize)]
struct Saved<'a> {
    /// To be sent back as `If-Match` with the next save.
    revision: Revision,
    corrections: &'a Corrections,
}

/// `GET /api/v1/jobs/{id}/corrections`
pub async fn read(State(server): State<Server>, Path(id): Path<String>) -> Result<Response> {
    let known = server.hub.record(query::job_id(&id)?, 0).await?.ok_or_else(ApiError::no_job)?;
    let stored = &known.stored;
    Ok(answer(stored.job.progress.corrections, &stored.corrections))
}

/// `POST /api/v1/jobs/{id}/corrections` with a list of corrections and `If-Match: revision`, that of the corrections
/// they were made on. What others saved since at other places stays; at the same place it is 412, and nothing is saved.
pub async fn save(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let id = query::job_id(&id)?;
    let base = Revision::try_from(expected_version(&headers)?).map_err(|_| no_revision())?;
    let body = query::body(body, MAX_SAVE).await?;
    let changes: Vec<Correction> =
        serde_json::from_slice(&body).map_err(|error| unreadable(error.to_string()))?;
    for (number, change) in changes.iter().enumerate() {
        change.check().map_err(|error| unreadable(format!("number {}: {error}", number + 1)))?;
    }
    let saving = server.clone();
    server.to_the_end(async move { saving.save_corrections(id, base, &changes).await }).await
}

impl Server {
    async fn save_corrections(&self, id: JobId, base: Revision, changes: &[Correction]) -> Result<Response> {
        let mut at_least: Version = 0;
        for _ in 0..ROUNDS {
            let known = self.hub.record(id, at_least).await?.ok_or_else(ApiError::no_job)?;
            let stored = known.stored;
            if stored.job.spec.video.is_some() {
                return Err(videos::already_video());
            }
            let revision = stored.job.progress.corrections;
            let conflicts = stored.corrections.conflicts(base.saturating_add(1).., changes);
            // A base of the future is that of a run before the job was retried, or an invention.
            if !conflicts.is_empty() || base > revision {
                return Ok(conflicting(revision, &stored.corrections, &conflicts));
            }
            let mut corrections = stored.corrections.clone();
            for change in changes {
                corrections.apply(change, revision.saturating_add(1));
            }
            if corrections.patches().len() + corrections.shifts().len() > MOST_PATCHES {
                return Err(too_many());
            }
            match self.backend.store.save_corrections(id, revision, &corrections).await? {
                SavedCorrections::Done(job) => {
                    self.announce(JobEvent::state_of(&job)).await;
                    let revision = job.progress.corrections;
                    tracing::info!(job.id = %id, revision, changes = changes.len(), "corrections saved");
                    let answer = answer(revision, &corrections);
                    self.hub
                        .known
                        .corrected(&stored, JobRecord { job: *job, corrections, pages: Vec::new() })
                        .await;
                    return Ok(answer);
                }
                SavedCorrections::Conflict(job) => at_least = job.version,
                SavedCorrections::Gone => return Err(ApiError::no_job()),
            }
        }
        Err(ApiError::unavailable())
    }
}

fn answer(revision: Revision, corrections: &Corrections) -> Response {
    let mut response = uncached(Saved { revision, corrections }).into_response();
    let tag = HeaderValue::try_from(format!("\"{revision}\"")).expect("digits are plain ASCII");
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// The error, what there is now, and where it contradicts.
fn conflicting(
    revision: Revision,
    corrections: &Corrections,
    conflicts: &[(Timestamp, Timestamp)],
) -> Response {
    let body = serde_json::json!({
        "error": {
            "code": "corrections_changed",
            "message": "Somebody else changed the same cues meanwhile.",
            "hint": "Look at their text, then save again on top of it, or leave it.",
        },
        "revision": revision,
        "corrections": corrections,
        "conflicts": conflicts,
    });
    (StatusCode::PRECONDITION_FAILED, Json(body)).into_response()
}

fn unreadable(problem: String) -> ApiError {
    ApiError::bad_request(
        "unreadable_corrections",
        format!("The corrections cannot be read: {problem}."),
        "Send a list of corrections as JSON.",
    )
}

fn no_revision() -> ApiError {
    ApiError::bad_request(
        "if_match",
        "The If-Match header is not a revision.",
        "Send the revision that was told with the corrections.",
    )
}

fn too_many() -> ApiError {
    ApiError::bad_request(
        "too_many_corrections",
        format!("A track holds at most {MOST_PATCHES} corrections."),
        "Download the track, and correct it elsewhere.",
    )
}
