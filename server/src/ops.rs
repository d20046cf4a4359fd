//! The page of operators, what it tells as JSON, and its form.

mod ended;
mod gather;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use app::ops::{Letter, Notice, Overview, Surroundings};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::SpecOptions;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{ApiError, Result};
use crate::jobs::uncached;
use crate::letters::{BODY, Redriven};
use crate::query::{self, Query};
use crate::{Server, language};
pub use ended::EndedJobs;

/// However many look, everything is read once in this time.
const FRESH: Duration = Duration::from_secs(4);

/// What was read for operators last. Nothing is read while nobody looks.
pub struct Ops {
    pub ended: Arc<EndedJobs>,
    /// One reading at a time; the others wait for what it finds.
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    overview: Option<(Instant, Arc<Overview>)>,
    letters: Option<SeenLetters>,
}

/// Looking at letters costs calls, and on SQS hides them from others for a moment.
struct SeenLetters {
    at: Instant,
    /// How many there were.
    number: u64,
    letters: Vec<Letter>,
}

impl Ops {
    pub fn new(ended: Arc<EndedJobs>) -> Ops {
        Ops { ended, seen: Mutex::default() }
    }

    /// The next look reads everything.
    pub async fn forget(&self) {
        *self.seen.lock().await = Seen::default();
    }
}

impl Server {
    async fn overview(&self) -> Arc<Overview> {
        let mut seen = self.ops.seen.lock().await;
        if let Some((at, overview)) = &seen.overview
            && at.elapsed() < FRESH
        {
            return overview.clone();
        }
        let overview = Arc::new(gather::read(self, &mut seen.letters).await);
        seen.overview = Some((Instant::now(), overview.clone()));
        overview
    }
}

/// `GET /api/v1/ops`
pub async fn read(State(server): State<Server>) -> Response {
    let overview = server.overview().await;
    (status(&overview), uncached(&*overview)).into_response()
}

/// `GET /ops`
pub async fn page(
    State(server): State<Server>,
    headers: HeaderMap,
    RawQuery(text): RawQuery,
    has_job_pages: bool,
) -> Response {
    let overview = server.overview().await;
    let nonce = format!("{:032x}", rand::random::<u128>());
    let surroundings = Surroundings {
        models: server.config.models.clone(),
        notice: notice(text.as_deref()),
        has_job_pages,
        nonce,
    };
    let html = app::ops::page(language::of(&headers), &overview, &surroundings);
    (status(&overview), document(html, &surroundings.nonce)).into_response()
}

/// The page where it is not to be had.
pub async fn refuse(headers: HeaderMap) -> Response {
    let html = app::ops::refusal(language::of(&headers));
    (StatusCode::FORBIDDEN, document(html, "none")).into_response()
}

/// `POST /ops/redrive`: the ticked letters, or all, with other options if some were chosen.
pub async fn redrive(State(server): State<Server>, body: Body) -> Redirect {
    let told = match redrive_form(&server, body).await {
        Ok(Redriven { redriven, refused }) => format!("redriven={redriven}&refused={refused}"),
        Err(error) => format!("error={}", error.code),
    };
    Redirect::to(&format!("/ops?{told}"))
}

async fn redrive_form(server: &Server, body: Body) -> Result<Redriven> {
    let body = query::body(body, BODY).await?;
    let mut ids = HashSet::new();
    let mut is_all = false;
    for (name, value) in url::form_urlencoded::parse(&body) {
        match (&*name, &*value) {
            ("id", id) => {
                ids.insert(id.to_owned());
            }
            ("which", "all") => is_all = true,
            _ => {}
        }
    }
    if ids.is_empty() && !is_all {
        return Err(ApiError::bad_request(
            "nothing_chosen",
            "No letter was chosen.",
            "Tick one, or redrive all.",
        ));
    }
    let SpecOptions { model, language, .. } = Query::parse(std::str::from_utf8(&body).ok()).options();
    let options = SpecOptions { model, language, ..SpecOptions::default() };
    server.redrive_letters((!is_all).then_some(ids), options).await
}

fn notice(query: Option<&str>) -> Option<Notice> {
    let query = Query::parse(query);
    if let Some(code) = query.text("error") {
        return Some(Notice::Refused(code.to_owned()));
    }
    let number = |name| query.number(name).ok().flatten().and_then(|number| usize::try_from(number).ok());
    Some(Notice::Redriven { sent: number("redriven")?, refused: number("refused").unwrap_or(0) })
}

/// Nothing at all could be read: then it is our trouble.
fn status(overview: &Overview) -> StatusCode {
    match overview.queue.is_none() && overview.jobs.is_none() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::OK,
    }
}

/// Like the other pages, but for their scripts: only its own runs.
fn document(html: String, nonce: &str) -> Response {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("a nonce is hexadecimal digits");
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (headers, Html(html)).into_response();
    language::vary(response.headers_mut());
    response
}
