//! In which language a page is answered.

use app::tr::Language;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use crate::error::{ApiError, Result};
use crate::query::Query;

/// `GET /texts/{tag}?v=version`: what pages say in that language. Kept for good by who asks for the present version.
pub async fn texts(Path(tag): Path<String>, RawQuery(text): RawQuery) -> Result<Response> {
    let language = Language::of_tag(&tag).ok_or_else(ApiError::not_found)?;
    let is_present = Query::parse(text.as_deref()).text("v") == Some(&language.version);
    let keep = if is_present { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, keep)];
    Ok((headers, language.lines).into_response())
}

/// What a browser would rather read; `None` is English.
pub fn of(headers: &HeaderMap) -> Option<&'static Language> {
    Language::accepted(headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?)
}

/// Tells caches that the answer is for those who asked in its language. Beside what else it depends on.
pub fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
}
