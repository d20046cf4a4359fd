//! Where SNS posts to: reads the post, and leaves the judgement to the topic.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::routing::post;
use axum::{Router, middleware};
use backend::{MAX_POST_BYTES, TopicEndpoint};

use crate::guard;

/// How long the body of a post may take.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// Serves `POST /sns/{secret}` and nothing else. It stands outside of what guards the pages: SNS sends no origin and
/// whatever host it was told, and the path must not get into a log.
pub fn router(endpoint: Arc<dyn TopicEndpoint>) -> Router {
    Router::new()
        .route("/sns/{secret}", post(take))
        .with_state(endpoint)
        .layer(middleware::from_fn(guard::secure))
}

/// Whatever content type it says: SNS says text/plain.
async fn take(
    State(endpoint): State<Arc<dyn TopicEndpoint>>,
    Path(secret): Path<String>,
    request: Request,
) -> StatusCode {
    let (head, body) = request.into_parts();
    let declared = head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
    if declared > MAX_POST_BYTES as u64 {
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    // Before the body: a stranger's is not worth reading.
    if !endpoint.is_secret(&secret) {
        return StatusCode::NOT_FOUND;
    }
    match tokio::time::timeout(BODY_PATIENCE, to_bytes(body, MAX_POST_BYTES)).await {
        Ok(Ok(body)) => endpoint.take(&secret, &head.headers, body).await,
        // Or broken off, and then nobody hears the answer.
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => StatusCode::REQUEST_TIMEOUT,
    }
}
