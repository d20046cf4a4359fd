//! The calls about jobs: submit, read, wait, cancel, retry, delete.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backend::{Cancelled, Deleted, Retried};
use domain::{Job, JobChange, JobEvent, JobId, JobSpec, JobStatus, JobView, SpecOptions, WallTime};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::Server;
use crate::error::{ApiError, Result, causes};
use crate::query::{self, Query, Wish};
use crate::submit::{self, Submitted};
use crate::{translations, videos};

/// Longest body of a call that carries JSON, in bytes.
const BODY: usize = 64 * 1024;

/// Longest wait for the end of a job, in seconds.
const MAX_WAIT: u64 = 120;

/// `POST /api/v1/jobs`
pub async fn submit(State(server): State<Server>, headers: HeaderMap, body: Body) -> Result<Response> {
    let key = query::idempotency_key(&headers)?;
    let wish = Wish::parse(&query::body(body, BODY).await?)?;
    let (options, is_translated) = translations::take_both(server.with_offered_model(wish.options)?)?;
    let spec = JobSpec::link(wish.url.as_deref().unwrap_or_default(), &options).map_err(query::invalid)?;
    let key = key.map(|key| submit::keyed(key, &spec, None));
    let submitting = server.clone();
    let submit = async move { submitting.submit_with(submit::new_id(), spec, key, is_translated).await };
    Ok(created(&server.to_the_end(submit).await?))
}

/// 201 with the job; a repeat is answered like the first time and marked.
pub fn created(submitted: &Submitted) -> Response {
    let Submitted { job, is_repeat } = submitted;
    let mut response = (StatusCode::CREATED, uncached(JobView::from(job))).into_response();
    let headers = response.headers_mut();
    let location = HeaderValue::try_from(format!("/api/v1/jobs/{}", job.id));
    headers.insert(header::LOCATION, location.expect("an id is hexadecimal digits"));
    if *is_repeat {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// `GET /api/v1/jobs/{id}?wait=`
pub async fn read(
    State(server): State<Server>,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let id = query::job_id(&id)?;
    let wait = Query::parse(text.as_deref()).number("wait")?.unwrap_or(0).min(MAX_WAIT);
    let job = if wait == 0 {
        server.hub.job(id).await?
    } else {
        wait_for_end(&server, id, Duration::from_secs(wait)).await?
    };
    let job = job.ok_or_else(ApiError::no_job)?;
    Ok(uncached(JobView::from(&job)).into_response())
}

/// The job when it ended, or as it is after the wait.
async fn wait_for_end(server: &Server, id: JobId, wait: Duration) -> Result<Option<Job>> {
    let deadline = Instant::now() + wait;
    let mut watcher = server.hub.watcher();
    // Register interest, then look: the end may come in between.
    watcher.watch(id);
    let job = server.hub.job(id).await?;
    if job.as_ref().is_none_or(|job| job.status.is_terminal()) {
        return Ok(job);
    }
    loop {
        let fetched = tokio::select! {
            fetched = timeout_at(deadline, watcher.fetch()) => fetched,
            () = server.stop.cancelled() => return Ok(server.hub.job(id).await?),
        };
        let Ok(fetched) = fetched else { return Ok(server.hub.job(id).await?) };
        let ended = fetched.events.iter().filter(|told| is_end(&told.event.change));
        let heard = ended.map(|told| told.event.version).max();
        if heard.is_none() && fetched.behind.is_empty() {
            continue;
        }
        let job = server.hub.job_since(id, heard.unwrap_or_default()).await?;
        if job.as_ref().is_none_or(|job| job.status.is_terminal()) {
            return Ok(job);
        }
    }
}

fn is_end(change: &JobChange) -> bool {
    match change {
        JobChange::Completed { .. }
        | JobChange::Failed { .. }
        | JobChange::Cancelled { .. }
        | JobChange::Expired => true,
        JobChange::Queued { .. }
        | JobChange::Started { .. }
        | JobChange::Progress { .. }
        | JobChange::Cues { .. } => false,
    }
}

/// `POST /api/v1/jobs/{id}/cancel`
pub async fn cancel(State(server): State<Server>, Path(id): Path<String>) -> Result<Response> {
    let id = query::job_id(&id)?;
    let job = server.cancel(id).await?;
    Ok(uncached(JobView::from(&job)).into_response())
}

/// `POST /api/v1/jobs/{id}/retry`, with changed options in a JSON body, if any. With changed options an unfinished job
/// starts over.
pub async fn retry(State(server): State<Server>, Path(id): Path<String>, body: Body) -> Result<Response> {
    let id = query::job_id(&id)?;
    let options =
        Wish::parse(&query::body(body, BODY).await?)?.without_url("A retry keeps the media of its job.")?;
    let job = server.retry(id, options).await?;
    Ok(uncached(JobView::from(&job)).into_response())
}

/// `DELETE /api/v1/jobs/{id}`
pub async fn delete(State(server): State<Server>, Path(id): Path<String>) -> Result<StatusCode> {
    let id = query::job_id(&id)?;
    server.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Server {
    /// The cancelled job. One that had ended before is an error: there was nothing to cancel.
    pub async fn cancel(&self, id: JobId) -> Result<Job> {
        let server = self.clone();
        self.to_the_end(async move {
            match server.backend.store.cancel(id, WallTime::now()).await? {
                Cancelled::Done(job) => {
                    server.announce_job(&job).await;
                    tracing::info!(job.id = %id, "job cancelled");
                    Ok(*job)
                }
                // A repeat of the same wish is no mistake.
                Cancelled::Already(job) if job.status == JobStatus::Cancelled => Ok(*job),
                Cancelled::Already(_) => Err(ApiError::new(
                    StatusCode::CONFLICT,
                    "job_ended",
                    "The job has ended already.",
                    "Delete it, or retry it.",
                )),
                Cancelled::Gone => Err(ApiError::no_job()),
            }
        })
        .await
    }

    /// Queues an ended job again; options that are not given stay as they were. Options that change the wish start an
    /// unfinished one over too: nobody waits for the end of a transcript in the wrong language.
    pub async fn retry(&self, id: JobId, options: SpecOptions) -> Result<Job> {
        let server = self.clone();
        self.to_the_end(async move {
            let job = server.backend.store.get(id).await?.ok_or_else(ApiError::no_job)?;
            if let Some(model) = options.model.as_deref().map(str::trim).filter(|model| !model.is_empty()) {
                server.check_offered(model)?;
            }
            if job.spec.video.is_some() {
                videos::check_retry(&options)?;
            }
            let spec = job.spec.with_options(&options).map_err(query::invalid)?;
            let expires_at = server.expiry_after(WallTime::now());
            match server.backend.store.retry(id, &spec, expires_at).await? {
                Retried::Queued(job) => {
                    let queued = server.enqueue(&job).await;
                    server.announce_job(&job).await;
                    queued?;
                    tracing::info!(job.id = %id, "job retried");
                    Ok(*job)
                }
                // Asked for twice: it is worked on as wished already.
                Retried::Unfinished(job) if options != SpecOptions::default() => Ok(*job),
                Retried::Unfinished(_) => Err(ApiError::new(
                    StatusCode::CONFLICT,
                    "job_unfinished",
                    "The job has not ended yet.",
                    "Wait for it, cancel it first, or say what to do otherwise.",
                )),
                Retried::Gone => Err(ApiError::no_job()),
            }
        })
        .await
    }

    /// Removes these jobs; those that are gone already are no error.
    pub async fn delete_all(&self, ids: &[JobId]) -> Result<()> {
        for id in ids {
            match self.delete(*id).await {
                Err(error) if error.status != StatusCode::NOT_FOUND => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes the job and its media; watchers hear that it is gone.
    pub async fn delete(&self, id: JobId) -> Result<()> {
        let server = self.clone();
        self.to_the_end(async move {
            let before = server.backend.store.get(id).await?;
            let version = match (server.backend.store.delete(id).await?, before) {
                (Deleted::At(version), _) => version,
                // It was there a moment ago: our own delete, whose answer was lost and which was sent again.
                (Deleted::Gone, Some(job)) => Job::next_version(job.version),
                (Deleted::Gone, None) => return Err(ApiError::no_job()),
            };
            server.announce(JobEvent { id, version, change: JobChange::Expired }).await;
            // The job is gone whatever becomes of its media.
            if let Err(error) = server.backend.media.delete(id).await {
                tracing::error!(job.id = %id, error = %causes(&error), "the media of a deleted job was left behind");
            }
            tracing::info!(job.id = %id, "job deleted");
            Ok(())
        })
        .await
    }
}

/// JSON that no cache keeps: it is about this moment.
pub fn uncached<T: Serialize>(value: T) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(value))
}
