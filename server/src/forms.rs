//! The plain HTML forms, for browsers without JavaScript: every answer is a redirect to a page.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::response::Redirect;
use domain::{JobSpec, SpecOptions};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::time::{Instant, timeout_at};

use crate::Server;
use crate::error::{ApiError, Result};
use crate::query;
use crate::submit::{self, Submitted};
use crate::translations;
use crate::uploads::{self, Upload};

/// Longest value of a text field, in bytes.
const TEXT: usize = 4096;

/// Everything before the content of the file, in bytes: fields, and the heads of all parts. Far above what a form
/// has, since the reader of forms may be some chunks ahead.
const BEFORE_FILE: usize = 1 << 20;

/// And the time it may take.
const BEFORE_FILE_PATIENCE: Duration = Duration::from_secs(15);

/// `POST /submit`: text fields first, the file last, so that everything is known before its first byte.
pub async fn submit(State(server): State<Server>, request: Request) -> Redirect {
    let mut filled = Filled::default();
    match submit_form(&server, request, &mut filled).await {
        Ok(submitted) => Redirect::to(&format!("/jobs/{}", submitted.job.id)),
        Err(error) => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("error", error.code);
            query.append_pair("field", error.field.unwrap_or("form"));
            if !filled.url.is_empty() {
                query.append_pair("url", &filled.url);
            }
            Redirect::to(&format!("/?{}", query.finish()))
        }
    }
}

/// The text fields so far.
#[derive(Default)]
struct Filled {
    url: String,
    options: SpecOptions,
}

async fn submit_form(server: &Server, request: Request, filled: &mut Filled) -> Result<Submitted> {
    // The form adds little to the file: a body beyond the limit holds a file beyond it, give or take.
    server.check_length(request.headers())?;
    let (request, allowance) = limited(request);
    let mut form = Multipart::from_request(request, &()).await.map_err(|rejection| {
        tracing::info!(error = %rejection.body_text(), "a form could not be read");
        unreadable()
    })?;
    let deadline = Instant::now() + BEFORE_FILE_PATIENCE;
    loop {
        let field = timeout_at(deadline, form.next_field()).await.map_err(|_| ApiError::too_slow())?;
        let Some(mut field) = field.map_err(malformed)? else { break };
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            // Browsers send the field even when no file was chosen: without a name, and empty.
            let filename = field.file_name().unwrap_or_default().to_owned();
            let first = timeout_at(deadline, field.chunk()).await.map_err(|_| ApiError::too_slow())?;
            let first = first.map_err(malformed)?.filter(|chunk| !chunk.is_empty());
            if filename.is_empty() && first.is_none() {
                continue;
            }
            let filename = if filename.is_empty() { "upload" } else { &filename };
            let upload = Upload::new(server, filename, filled.options.clone(), None)?;
            // From here on the limits of uploads count.
            allowance.store(usize::MAX, Ordering::Relaxed);
            let first = futures::stream::iter(first.map(Ok));
            let chunks = first.chain(field.into_stream());
            return server.take_upload(upload, Box::pin(chunks)).await;
        }
        let value = timeout_at(deadline, text(field)).await.map_err(|_| ApiError::too_slow())??;
        match name.as_str() {
            "url" => filled.url = value,
            "language" => filled.options.language = Some(value),
            "task" => filled.options.task = Some(value),
            "model" => filled.options.model = Some(value),
            "profile" => filled.options.profile = Some(value),
            "title" => filled.options.title = Some(value),
            _ => {}
        }
    }
    if filled.url.trim().is_empty() {
        return Err(uploads::nothing_given());
    }
    let options = server.with_offered_model(filled.options.clone())?;
    let (options, is_translated) = translations::take_both(options)?;
    let spec = JobSpec::link(&filled.url, &options).map_err(query::invalid)?;
    let submitting = server.clone();
    let submit = async move { submitting.submit_with(submit::new_id(), spec, None, is_translated).await };
    server.to_the_end(submit).await
}

async fn text(mut field: Field<'_>) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(malformed)? {
        if bytes.len() + chunk.len() > TEXT {
            return Err(ApiError::bad_request(
                "field_too_long",
                "A field of the form is too long.",
                "Shorten it.",
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The request with a body that breaks off when it is longer than the allowance says: the reader of forms gathers
/// the head of a part in memory, however long it is.
fn limited(request: Request) -> (Request, Arc<AtomicUsize>) {
    let allowance = Arc::new(AtomicUsize::new(BEFORE_FILE));
    let left = allowance.clone();
    let request = request.map(|body| {
        let chunks = body.into_data_stream().map(move |chunk| {
            let chunk = chunk.map_err(std::io::Error::other)?;
            let allowed = left.load(Ordering::Relaxed);
            if allowed == usize::MAX {
                return Ok(chunk);
            }
            // Only ever raised by the other side, and then to the top.
            let rest = allowed.checked_sub(chunk.len());
            let rest = rest.ok_or_else(|| std::io::Error::other("too much before the file"))?;
            let _ = left.compare_exchange(allowed, rest, Ordering::Relaxed, Ordering::Relaxed);
            Ok::<_, std::io::Error>(chunk)
        });
        Body::from_stream(chunks)
    });
    (request, allowance)
}

fn malformed(error: MultipartError) -> ApiError {
    tracing::info!(error = %error.body_text(), "a form could not be read");
    unreadable()
}

fn unreadable() -> ApiError {
    ApiError::bad_request("malformed_form", "The form could not be read.", "Try again.")
}

/// `POST /jobs/{id}/cancel`: whatever the outcome, the job's page tells it.
pub async fn cancel(State(server): State<Server>, Path(id): Path<String>) -> Redirect {
    let result = match query::job_id(&id) {
        Ok(id) => server.cancel(id).await.map(drop),
        Err(error) => Err(error),
    };
    back_to_job(&id, result)
}

/// `POST /jobs/{id}/retry`: the form may bring changed options, as submitting does.
pub async fn retry(State(server): State<Server>, Path(id): Path<String>, body: Body) -> Redirect {
    let result = async {
        let job_id = query::job_id(&id)?;
        let body = query::body(body, 64 * 1024).await?;
        let fields = query::Query::parse(std::str::from_utf8(&body).ok());
        server.retry(job_id, fields.options()).await.map(drop)
    };
    let result = result.await;
    back_to_job(&id, result)
}

/// `POST /jobs/{id}/translate`: leads to the page of the translation.
pub async fn translate(State(server): State<Server>, Path(id): Path<String>, body: Body) -> Redirect {
    let result = async {
        let job_id = query::job_id(&id)?;
        let body = query::body(body, 64 * 1024).await?;
        let fields = query::Query::parse(std::str::from_utf8(&body).ok());
        server.translate(job_id, fields.options()).await
    };
    match result.await {
        Ok(submitted) => Redirect::to(&format!("/jobs/{}", submitted.job.id)),
        Err(error) => back_to_job(&id, Err(error)),
    }
}

/// `POST /jobs/{id}/delete`
pub async fn delete(State(server): State<Server>, Path(id): Path<String>) -> Redirect {
    let result = match query::job_id(&id) {
        Ok(id) => server.delete(id).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Redirect::to("/"),
        Err(error) => back_to_job(&id, Err(error)),
    }
}

fn back_to_job(id: &str, result: Result<()>) -> Redirect {
    let Ok(id) = query::job_id(id) else { return Redirect::to("/") };
    match result {
        Ok(()) => Redirect::to(&format!("/jobs/{id}")),
        Err(error) => Redirect::to(&format!("/jobs/{id}?error={}", error.code)),
    }
}
