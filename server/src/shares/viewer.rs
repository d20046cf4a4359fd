//! What whoever has a link sees. All of it lies under `/share/`, so that a proxy can let that through alone.
//!
//! A link that opens nothing (wrong, revoked, past its time, of a job that is gone) is the same page everywhere.

use std::path::Path as FilePath;

use app::share::{Address, Shared};
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use domain::{Format, Timestamp, WallTime};
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeFile;

use super::link::Link;
use crate::error::{ApiError, Result};
use crate::guard::{self, Frameable};
use crate::known::KnownRecord;
use crate::query::Query;
use crate::{Server, language, media, pages, tracks};

/// Everything under `/share/`.
pub fn router(site: &FilePath) -> Router<Server> {
    let texts = Router::new()
        .route("/{link}", get(page))
        .route("/{link}/embed", get(embed))
        // track.vtt and track.srt: the router takes no ending after a name.
        .route("/{link}/{file}", get(track))
        .route_service("/cuelight.css", pages::style(site))
        .layer(middleware::from_fn(guard::in_time))
        .layer(CompressionLayer::new());
    let shared = Router::new()
        .merge(texts)
        .route_service("/favicon.svg", ServeFile::new(site.join("favicon.svg")))
        // Not compressed, and as long as it takes.
        .route("/{link}/media", get(media))
        .fallback(async |headers: HeaderMap| gone(&headers))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(middleware::map_response(quietly));
    Router::new().nest("/share", shared)
}

/// `GET /share/{link}?t=`, where the player starts, in milliseconds.
async fn page(
    State(server): State<Server>,
    Path(link): Path<String>,
    headers: HeaderMap,
    RawQuery(text): RawQuery,
) -> Response {
    match open(&server, &link).await {
        Ok(record) => {
            let address = address(&link, text.as_deref());
            let html = app::share::page(language::of(&headers), &shared(&record), &address);
            document(&html, &address.nonce, "'none'")
        }
        Err(refusal) => refusal.answer(&headers),
    }
}

/// `GET /share/{link}/embed`: the one page that any site may frame. There is nothing on it that a stolen click could do.
async fn embed(
    State(server): State<Server>,
    Path(link): Path<String>,
    headers: HeaderMap,
    RawQuery(text): RawQuery,
) -> Response {
    let mut response = match open(&server, &link).await {
        Ok(record) => {
            let address = address(&link, text.as_deref());
            let html = app::share::embed(language::of(&headers), &shared(&record), &address);
            document(&html, &address.nonce, "*")
        }
        // A frame that says why, instead of the browser's broken one.
        Err(refusal) => refusal.framed(&headers),
    };
    response.extensions_mut().insert(Frameable);
    response
}

/// `GET /share/{link}/track.{vtt|srt}?download=1`
async fn track(
    State(server): State<Server>,
    Path((link, file)): Path<(String, String)>,
    RawQuery(text): RawQuery,
    headers: HeaderMap,
) -> Response {
    let format = match file.as_str() {
        "track.vtt" => Format::WebVtt,
        "track.srt" => Format::Srt,
        _ => return gone(&headers),
    };
    let record = match open(&server, &link).await {
        Ok(record) => record,
        Err(refusal) => return refusal.answer(&headers),
    };
    let job = &record.job;
    let tag = tracks::entity_tag(job.version, None, 0, false);
    let mut response = match tracks::is_known(&headers, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            let track = record.stored.corrections.track(&record.stored.pages, spoken(&record));
            ([(header::CONTENT_TYPE, format.content_type())], format.write(&track)).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::try_from(tag).expect("a tag is plain ASCII"));
    if Query::parse(text.as_deref()).text("download") == Some("1") {
        let name = tracks::attachment(&job.spec.title, format.extension());
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// `GET /share/{link}/media`, with ranges.
async fn media(State(server): State<Server>, Path(link): Path<String>, request: Request) -> Response {
    let record = match open(&server, &link).await {
        Ok(record) => record,
        Err(refusal) => return refusal.answer(request.headers()),
    };
    let headers = request.headers().clone();
    // By its title: the name that a file was uploaded by is its owner's.
    match media::serve(&server, &record.job, &record.job.spec.title, request).await {
        Ok(response) => response,
        Err(error) => Refusal::of(&error).answer(&headers),
    }
}

/// The job that the link shows, with its cues.
async fn open(server: &Server, link: &str) -> Result<KnownRecord, Refusal> {
    let link = Link::parse(link).ok_or(Refusal::Gone)?;
    let found = server.shares.find(link.id).await.map_err(|error| Refusal::of(&error))?;
    let found = found.filter(|found| link.opens(&found.share)).ok_or(Refusal::Gone)?;
    if !found.share.is_live(WallTime::now()) {
        return Err(Refusal::Gone);
    }
    let record = server.hub.record(found.job, 0).await;
    record.map_err(|error| Refusal::of(&ApiError::from(error)))?.ok_or(Refusal::Gone)
}

enum Refusal {
    Gone,
    /// Our trouble, which may pass.
    Unavailable,
}

impl Refusal {
    fn of(error: &ApiError) -> Refusal {
        if error.status.is_server_error() { Refusal::Unavailable } else { Refusal::Gone }
    }

    /// `headers` of who asked.
    fn with_ancestors(self, headers: &HeaderMap, ancestors: &str) -> Response {
        let language = language::of(headers);
        let (status, html) = match self {
            Refusal::Gone => (StatusCode::NOT_FOUND, app::share::gone(language)),
            Refusal::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, app::share::unavailable(language)),
        };
        let mut response = document(&html, "none", ancestors);
        *response.status_mut() = status;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    fn framed(self, headers: &HeaderMap) -> Response {
        self.with_ancestors(headers, "*")
    }

    fn answer(self, headers: &HeaderMap) -> Response {
        self.with_ancestors(headers, "'none'")
    }
}

fn gone(headers: &HeaderMap) -> Response {
    Refusal::Gone.answer(headers)
}

fn address(link: &str, query: Option<&str>) -> Address {
    let start = Query::parse(query).number("t").ok().flatten().map(Timestamp);
    Address { link: format!("/share/{link}"), start, nonce: format!("{:032x}", rand::random::<u128>()) }
}

fn spoken(record: &KnownRecord) -> Option<String> {
    record.job.track_language().map(str::to_owned)
}

fn shared(record: &KnownRecord) -> Shared {
    let KnownRecord { job, stored } = record;
    let track = stored.corrections.track(&stored.pages, spoken(record));
    Shared {
        title: job.spec.title.clone(),
        status: job.status,
        fraction: job.progress.fraction,
        duration_ms: job.progress.duration_ms,
        language: spoken(record),
        has_media: job.progress.has_media,
        is_video: job.spec.video.is_some(),
        cues: track.into_cues(),
        cues_version: format!("{}.{}.{}", job.run, job.progress.pages, job.progress.corrections),
    }
}

/// `ancestors`: whose pages may frame it.
fn document(html: &str, nonce: &str, ancestors: &str) -> Response {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
         connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors {ancestors}"
    );
    let policy = HeaderValue::try_from(policy).expect("a nonce is hexadecimal digits");
    let mut response = ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html.to_owned())).into_response();
    language::vary(response.headers_mut());
    response
}

/// No search engine keeps what is under a link, and no cache between us and a viewer; a browser asks each time.
async fn quietly(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    response
}
