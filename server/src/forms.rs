//! The plain HTML forms, for browsers without JavaScript: every answer is a redirect to a page.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use app::api::JobQuery;
use axum::body::Body;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest as _, Path, RawQuery, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::{JobId, JobSpec, SpecOptions};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::time::{Instant, timeout_at};

use crate::Server;
use crate::archive;
use crate::error::{ApiError, Result};
use crate::query;
use crate::submit;
use crate::translations;
use crate::uploads::{self, Upload};
use crate::videos::VideoWish;

/// Longest value of a text field, and of the one with links, in bytes. Links come back in an address when one is wrong.
const TEXT: usize = 4096;
const LINKS: usize = 16 * 1024;

/// Links and files in one form.
const MAX_AT_ONCE: usize = 50;

/// Everything before the content of the next file, in bytes: fields, and the heads of parts. Far above what a form has,
/// since the reader of forms may be some chunks ahead.
const BEFORE_FILE: usize = 1 << 20;

/// And the time it may take.
const BEFORE_FILE_PATIENCE: Duration = Duration::from_secs(15);

/// `POST /submit`: text fields first, then files, so that everything is known before their first byte. Each link, one
/// a line, and each file becomes a job.
pub async fn submit(State(server): State<Server>, request: Request) -> Redirect {
    let mut filled = Filled::default();
    let result = submit_form(&server, request, &mut filled).await;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    match result {
        Ok(()) if filled.made.len() == 1 => return Redirect::to(&format!("/jobs/{}", filled.made[0])),
        Ok(()) => {}
        Err(error) => {
            query.append_pair("error", error.code);
            query.append_pair("field", error.field.unwrap_or("form"));
            if !filled.links.is_empty() {
                query.append_pair("url", &filled.links);
            }
        }
    }
    if !filled.made.is_empty() {
        query.append_pair("accepted", &filled.made.len().to_string());
    }
    Redirect::to(&format!("/?{}", query.finish()))
}

/// What a form brought so far.
#[derive(Default)]
struct Filled {
    /// As they were typed, but for those that jobs were made of.
    links: String,
    options: SpecOptions,
    made: Vec<JobId>,
}

async fn submit_form(server: &Server, request: Request, filled: &mut Filled) -> Result<()> {
    // The form adds little to the files.
    server.check_length(request.headers(), MAX_AT_ONCE)?;
    let (request, allowance) = limited(request);
    let mut form = Multipart::from_request(request, &()).await.map_err(|rejection| {
        tracing::info!(error = %rejection.body_text(), "a form could not be read");
        unreadable()
    })?;
    let mut deadline = Instant::now() + BEFORE_FILE_PATIENCE;
    let mut is_link_submitted = false;
    let mut empty = None;
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
            // A link that is wrong is told before files are taken.
            if !std::mem::replace(&mut is_link_submitted, true) {
                submit_links(server, filled).await?;
            }
            if filled.made.len() >= MAX_AT_ONCE {
                return Err(too_many("file"));
            }
            let filename = if filename.is_empty() { "upload" } else { &filename };
            let upload = Upload::new(server, filename, filled.options.clone(), None)?;
            // From here on the limits of uploads count.
            allowance.store(usize::MAX, Ordering::Relaxed);
            let first = futures::stream::iter(first.map(Ok));
            let chunks = first.chain(field.into_stream());
            match server.take_upload(upload, Box::pin(chunks)).await {
                Ok(submitted) => filled.made.push(submitted.job.id),
                // The others may be fine.
                Err(error) if error.code == uploads::EMPTY => empty = Some(error),
                Err(error) => return Err(error),
            }
            allowance.store(BEFORE_FILE, Ordering::Relaxed);
            deadline = Instant::now() + BEFORE_FILE_PATIENCE;
            continue;
        }
        let limit = if name == "url" { LINKS } else { TEXT };
        let value = timeout_at(deadline, text(field, limit)).await.map_err(|_| ApiError::too_slow())??;
        match name.as_str() {
            "url" => filled.links = value,
            "language" => filled.options.language = Some(value),
            "task" => filled.options.task = Some(value),
            "model" => filled.options.model = Some(value),
            "profile" => filled.options.profile = Some(value),
            "title" => filled.options.title = Some(value),
            _ => {}
        }
    }
    if !is_link_submitted {
        submit_links(server, filled).await?;
    }
    match empty {
        Some(error) => Err(error),
        None if filled.made.is_empty() => Err(uploads::nothing_given()),
        None => Ok(()),
    }
}

/// All of them or, where one is wrong, none. What was made is not asked for again.
async fn submit_links(server: &Server, filled: &mut Filled) -> Result<()> {
    let links: Vec<String> = filled.links.split_whitespace().map(str::to_owned).collect();
    if links.is_empty() {
        return Ok(());
    }
    if links.len() > MAX_AT_ONCE {
        return Err(too_many("url"));
    }
    let options = server.with_offered_model(filled.options.clone())?;
    let (options, is_translated) = translations::take_both(options)?;
    let specs: Result<Vec<JobSpec>, _> = links.iter().map(|link| JobSpec::link(link, &options)).collect();
    for (spec, behind) in specs.map_err(query::invalid)?.into_iter().zip(1..) {
        let submitting = server.clone();
        let submit = async move { submitting.submit_with(submit::new_id(), spec, None, is_translated).await };
        filled.made.push(server.to_the_end(submit).await?.job.id);
        filled.links = links[behind..].join("\n");
    }
    Ok(())
}

fn too_many(field: &'static str) -> ApiError {
    let message = format!("These are more than can be taken at once: {MAX_AT_ONCE}.");
    ApiError::bad_request("too_many", message, "Submit the rest afterwards.").about(field)
}

async fn text(mut field: Field<'_>, limit: usize) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(malformed)? {
        if bytes.len() + chunk.len() > limit {
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
            // The other side raises it to the top for a file, and sets it back behind it.
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

/// `POST /jobs/{id}/video`: leads to the page of the video.
pub async fn video(State(server): State<Server>, Path(id): Path<String>, body: Body) -> Redirect {
    let result = async {
        let job_id = query::job_id(&id)?;
        let body = query::body(body, 64 * 1024).await?;
        let wish = VideoWish::of_form(&query::Query::parse(std::str::from_utf8(&body).ok()))?;
        server.make_video(job_id, wish).await
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

/// `POST /jobs/delete`: those that are checked in the list, which is shown again as it was.
pub async fn delete_all(State(server): State<Server>, body: Body) -> Redirect {
    let mut shown = JobQuery::default();
    let result = async {
        let body = query::body(body, 64 * 1024).await?;
        let text = std::str::from_utf8(&body).ok();
        shown = query::Query::parse(text).listing().first_page();
        server.delete_all(&query::ids(text)?).await
    };
    match result.await {
        Ok(()) => Redirect::to(&shown.address()),
        Err(error) => back_to_list(&error),
    }
}

/// `GET /jobs/archive`: the same as that of the interface, for who reads pages.
pub async fn archive(server: State<Server>, text: RawQuery) -> Response {
    match archive::read(server, text).await {
        Ok(response) => response,
        Err(error) => back_to_list(&error).into_response(),
    }
}

fn back_to_list(error: &ApiError) -> Redirect {
    Redirect::to(&format!("/?error={}&field=list", error.code))
}

fn back_to_job(id: &str, result: Result<()>) -> Redirect {
    let Ok(id) = query::job_id(id) else { return Redirect::to("/") };
    match result {
        Ok(()) => Redirect::to(&format!("/jobs/{id}")),
        Err(error) => Redirect::to(&format!("/jobs/{id}?error={}", error.code)),
    }
}
