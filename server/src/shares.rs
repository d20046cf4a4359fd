//! Links that show a job to whoever has them: what owners do with them. What viewers see is in `viewer`.

mod known;
mod link;
mod owner;
mod viewer;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backend::AddedShare;
use domain::{Job, JobId, NewShare, Share, ShareId, ShareView, WallTime};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Server;
use crate::error::{ApiError, Result};
use crate::jobs::uncached;
use crate::query;
pub use known::KnownShares;
use link::Link;
pub use link::without_secret;
pub use owner::{make as make_by_form, page as owner_page, revoke as revoke_by_form};
pub use viewer::router;

/// Longest body of a wish for a link, in bytes.
const BODY: usize = 4096;

/// Shortest and longest time that a link may be asked for, in seconds: a minute, and a century.
const TIMES: std::ops::RangeInclusive<u64> = 60..=100 * 366 * 24 * 60 * 60;

#[derive(Serialize)]
struct Listed {
    shares: Vec<ShareView>,
}

/// `POST /api/v1/jobs/{id}/shares` with `{"expires_in"?: seconds}`: the one answer that has the secret of the link.
pub async fn create(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let id = query::job_id(&id)?;
    let body = query::body(body, BODY).await?;
    let made = server.make_share(id, expires_in(&body)?, &base(&headers)).await?;
    Ok((StatusCode::CREATED, uncached(made)).into_response())
}

/// `GET /api/v1/jobs/{id}/shares`: those that work, in the order they were made.
pub async fn list(State(server): State<Server>, Path(id): Path<String>) -> Result<Response> {
    let (_, shares) = server.shares_of(query::job_id(&id)?).await?;
    Ok(uncached(Listed { shares }).into_response())
}

/// `DELETE /api/v1/jobs/{id}/shares/{share}`
pub async fn revoke(
    State(server): State<Server>,
    Path((id, share)): Path<(String, String)>,
) -> Result<StatusCode> {
    server.revoke_share(query::job_id(&id)?, share_id(&share)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Server {
    /// `base`: where this server is found, as in `https://cuelight.example`.
    async fn make_share(&self, id: JobId, expires_in: Option<u64>, base: &str) -> Result<NewShare> {
        let created_at = WallTime::now();
        let expires_at = expires_in.map(|seconds| end_after(created_at, seconds)).transpose()?;
        let job = self.hub.job(id).await?.ok_or_else(ApiError::no_job)?;
        let link = Link::random();
        let share = Share { id: link.id, digest: link.digest(), created_at, expires_at };
        let (server, new) = (self.clone(), share.clone());
        self.to_the_end(async move {
            match server.backend.store.add_share(id, &new).await? {
                AddedShare::Done => {
                    server.shares.forget_all();
                    tracing::info!(job.id = %id, share.id = %new.id, "link made");
                    Ok(())
                }
                AddedShare::Full => Err(too_many()),
                AddedShare::Gone => Err(ApiError::no_job()),
            }
        })
        .await?;
        let url = format!("{base}{}", link.path());
        let embed = app::share::snippet(&url, &job.spec.title);
        Ok(NewShare { id: share.id, url, embed, expires_at: view(&share, &job).expires_at })
    }

    /// The job, and its links that work.
    async fn shares_of(&self, id: JobId) -> Result<(Job, Vec<ShareView>)> {
        let job = self.hub.job(id).await?.ok_or_else(ApiError::no_job)?;
        let shares = self.backend.store.shares(id).await?.ok_or_else(ApiError::no_job)?;
        let shares = shares.iter().map(|share| view(share, &job)).collect();
        Ok((job, shares))
    }

    async fn revoke_share(&self, id: JobId, share: ShareId) -> Result<()> {
        let server = self.clone();
        self.to_the_end(async move {
            let was_there = server.backend.store.revoke_share(id, share).await?;
            server.shares.forget_all();
            if !was_there {
                return Err(no_share());
            }
            tracing::info!(job.id = %id, share.id = %share, "link revoked");
            Ok(())
        })
        .await
    }
}

/// In seconds; without it the link works as long as the job is kept. Unknown fields are ignored, and so is no body.
fn expires_in(body: &[u8]) -> Result<Option<u64>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let wish: Map<String, Value> = serde_json::from_slice(body).map_err(|_| unreadable())?;
    match wish.get("expires_in") {
        None | Some(Value::Null) => Ok(None),
        Some(seconds) => Ok(Some(seconds.as_u64().ok_or_else(wrong_time)?)),
    }
}

fn view(share: &Share, job: &Job) -> ShareView {
    let expires_at = share.expires_at.map_or(job.expires_at, |expires_at| expires_at.min(job.expires_at));
    ShareView { id: share.id, created_at: share.created_at, expires_at }
}

fn end_after(moment: WallTime, seconds: u64) -> Result<WallTime> {
    if !TIMES.contains(&seconds) {
        return Err(wrong_time());
    }
    Ok(moment.checked_add(std::time::Duration::from_secs(seconds)).unwrap_or(WallTime::MAX))
}

fn share_id(text: &str) -> Result<ShareId> {
    text.parse().map_err(|_| no_share())
}

/// Where the caller finds this server. Browsers say it; of others, and of forms, only the host is known, and what stands
/// before us may say that it is reached over TLS. The caller alone reads the answer, so nobody else is misled.
fn base(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = text(header::HOST.as_str());
    let origin = text(header::ORIGIN.as_str());
    let is_ours =
        |scheme: &str| origin.strip_prefix(scheme).is_some_and(|name| name.eq_ignore_ascii_case(host));
    if is_ours("https://") || is_ours("http://") {
        return origin.to_owned();
    }
    let is_secure =
        text("x-forwarded-proto").split(',').next().is_some_and(|scheme| scheme.trim() == "https");
    format!("{}://{host}", if is_secure { "https" } else { "http" })
}

fn unreadable() -> ApiError {
    ApiError::bad_request(
        "malformed_json",
        "The body is not a wish for a link.",
        "Send {\"expires_in\": seconds}, or nothing at all.",
    )
}

fn wrong_time() -> ApiError {
    let (least, most) = (TIMES.start(), TIMES.end());
    let hint = "Leave it out, and the link works as long as the job is kept.";
    ApiError::bad_request("expires_in", format!("This must be {least} to {most} seconds: expires_in."), hint)
        .about("expires_in")
}

fn too_many() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "too_many_shares",
        format!("A job has at most {} links at once.", Share::MOST),
        "Revoke one that is not needed any more.",
    )
}

/// Unknown, revoked and expired look alike.
fn no_share() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "share_not_found",
        "The job has no such link.",
        "It may have been revoked, or be past its time.",
    )
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_link_begins_where_its_owner_is() {
        let check = |fields: &[(&'static str, &'static str)], expect: &str| {
            let fields = fields
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(base(&HeaderMap::from_iter(fields)), expect);
        };
        check(&[("host", "a.example")], "http://a.example");
        check(&[("host", "a.example"), ("x-forwarded-proto", "https, http")], "https://a.example");
        check(&[("host", "a.example"), ("x-forwarded-proto", "javascript")], "http://a.example");
        check(&[("host", "a.example:8443"), ("origin", "https://a.example:8443")], "https://a.example:8443");
        check(&[("host", "a.example"), ("origin", "https://evil.example")], "http://a.example");
        // What browsers send with forms, since nobody is told where they come from.
        check(&[("host", "a.example"), ("origin", "null")], "http://a.example");
    }
}
