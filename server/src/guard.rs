//! What stands around every handler: the request's span and log line, the host, the headers of every answer.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tower_http_csrf::csrf::ProtectionError;
use tracing::Instrument as _;

use crate::Server;
use crate::error::{ApiError, Result};
use crate::shares::without_secret;

/// Pages and server functions answer within this time.
const PAGE_PATIENCE: Duration = Duration::from_secs(30);

/// One span a request; one line for every change and every failure of ours. Never the query: it may hold links.
pub async fn log(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    // Nor what opens a shared link.
    let path = without_secret(request.uri().path());
    let span = tracing::info_span!("request", %method, path = &*path);
    let started = Instant::now();
    async move {
        let response = next.run(request).await;
        let status = response.status().as_u16();
        let latency_ms = started.elapsed().as_millis() as u64;
        let is_change = !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
        if is_change || response.status().is_server_error() {
            tracing::info!(status, latency_ms, "answered");
        } else {
            tracing::debug!(status, latency_ms, "answered");
        }
        response
    }
    .instrument(span)
    .await
}

/// Refuses names that are not ours: a page whose name was rebound to our address must not become our page.
pub async fn check_host(State(server): State<Server>, request: Request, next: Next) -> Response {
    let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    // Open to everybody and without a name: there is nothing to hold the host against.
    let is_open = !server.address.ip().is_loopback() && server.config.public_hosts.is_empty();
    if is_probe || is_open || host(&request).is_some_and(|host| is_ours(&server, host)) {
        return next.run(request).await;
    }
    unknown_host().into_response()
}

/// The same where operators ask, which is never open to every name. An address cannot be rebound.
pub async fn check_operators_host(State(server): State<Server>, request: Request, next: Next) -> Response {
    let is_fine = host(&request).is_some_and(|host| is_ours(&server, host) || is_address(host));
    if is_fine { next.run(request).await } else { unknown_host().into_response() }
}

fn unknown_host() -> ApiError {
    ApiError::new(
        StatusCode::MISDIRECTED_REQUEST,
        "unknown_host",
        "This server is not known by this name.",
        "Use the address it was started with, or start it with --public-host.",
    )
}

fn host(request: &Request) -> Option<&str> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    authority.or(host)
}

fn is_address(host: &str) -> bool {
    let name = host_name(host);
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.parse::<IpAddr>().is_ok()
}

fn is_ours(server: &Server, host: &str) -> bool {
    let name = host_name(host);
    let is_local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| name.eq_ignore_ascii_case(local));
    let is_public = |public: &String| public.eq_ignore_ascii_case(host) || public.eq_ignore_ascii_case(name);
    is_local || name == host_of(server) || server.config.public_hosts.iter().any(is_public)
}

fn host_of(server: &Server) -> String {
    host_name(&server.address.to_string()).to_owned()
}

/// `host[:port]` without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Marks an answer that pages of other sites may frame, which its own policy says too.
#[derive(Clone, Copy)]
pub struct Frameable;

/// Headers of every answer; a handler that set its own policy keeps it.
pub async fn secure(request: Request, next: Next) -> Response {
    const FIXED: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let mut response = next.run(request).await;
    let is_frameable = response.extensions().get::<Frameable>().is_some();
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_frameable {
        headers.remove(header::X_FRAME_OPTIONS);
    }
    let strict = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(strict);
    response
}

/// Ends what takes too long; nothing in a page may hang a browser.
pub async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(PAGE_PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::unavailable().into_response(),
    }
}

/// The answer to a change that another site's page asked for.
pub fn foreign(_: ProtectionError) -> Response {
    tracing::info!("a change asked for by another site was refused");
    ApiError::new(
        StatusCode::FORBIDDEN,
        "foreign_origin",
        "Pages of other sites may not change anything here.",
        "Open Cuelight's own pages, or call without an Origin header.",
    )
    .into_response()
}

/// Pages of other sites may not listen. Programs other than browsers send no origin, and are no danger here.
pub fn check_origin(headers: &HeaderMap) -> Result<()> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if authority.is_some_and(|authority| !host.is_empty() && authority.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        "foreign_origin",
        "Pages of other sites may not use this socket.",
        "Open Cuelight's own pages.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_loses_its_port() {
        for (host, name) in [
            ("localhost", "localhost"),
            ("localhost:8080", "localhost"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("a.example:", "a.example"),
        ] {
            assert_eq!(host_name(host), name, "{host}");
        }
    }

    #[test]
    fn an_address_is_told_from_a_name() {
        for (host, expect) in [
            ("10.0.0.5:9090", true),
            ("[fd00::5]:9090", true),
            ("[::1]", true),
            ("evil.example:9090", false),
            ("10.0.0.5.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_address(host), expect, "{host}");
        }
    }

    #[test]
    fn only_our_own_pages_may_listen() {
        let check = |origin: Option<&'static str>, is_fine: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("cuelight.example:8080"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(check_origin(&headers).is_ok(), is_fine, "{origin:?}");
        };
        check(None, true);
        check(Some("http://cuelight.example:8080"), true);
        check(Some("https://cuelight.example:8080"), true);
        check(Some("https://evil.example"), false);
        check(Some("null"), false);
        check(Some(""), false);
        check(Some("http://cuelight.example"), false);
        check(Some("http://cuelight.example:80801"), false);
        check(Some("http://cuelight.example:8080.evil.example"), false);
        check(Some("http://evil@cuelight.example:8080"), false);
        check(Some("ftp://cuelight.example:8080"), false);
    }
}
