//! The files that every page loads, and how long browsers keep them.

use std::path::Path;

use app::{Assets, Part};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest as _, Sha256};

/// What is in the site folder when the server starts. A file that is missing has an address without a version.
pub fn find(site: &Path) -> Assets {
    let address = |name: &str| match std::fs::read(site.join("pkg").join(name)) {
        Ok(content) => format!("/pkg/{name}?v={}", version(&content)),
        Err(_) => format!("/pkg/{name}"),
    };
    let part = |name: &str| {
        // All islands in one file, as cargo-leptos builds them.
        let name = if site.join(format!("pkg/{name}.js")).exists() { name } else { "cuelight" };
        Part { script: address(&format!("{name}.js")), wasm: address(&format!("{name}.wasm")) }
    };
    Assets { style: address("cuelight.css"), start: part("start"), job: part("job"), editor: part("editor") }
}

/// A file that is asked for by its present version is kept for good. Of all others the names do not change with their
/// content: browsers ask each time, and mostly hear 304.
pub async fn keep(State(assets): State<Assets>, request: Request, next: Next) -> Response {
    const FOR_GOOD: &str = "public, max-age=31536000, immutable";
    let asked = request.uri().path_and_query().map_or("", |asked| asked.as_str());
    let Assets { style, start, job, editor } = &assets;
    let of_parts = [start, job, editor].into_iter().flat_map(|part| [&part.script, &part.wasm]);
    let is_versioned = asked.contains("?v=") && of_parts.chain([style]).any(|address| address == asked);
    let mut response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let value = HeaderValue::from_static(if is_versioned && !is_error { FOR_GOOD } else { "no-cache" });
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(value);
    // What is compressed on the way says so itself.
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("accept-encoding"));
    response
}

/// Enough of a checksum to tell one build from another.
fn version(content: &[u8]) -> String {
    Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
