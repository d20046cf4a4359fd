//! What operators and their tools ask: alive, ready.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use domain::JobId;
use serde::Serialize;

use crate::error::causes;
use crate::follow::Standing;
use crate::jobs::uncached;
use crate::{Server, guard, metrics};

/// A backend slower than this is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    /// `clustered`: events of other processes reach us. `isolated`: they do not, and the store is read slowly.
    notify: &'static str,
    /// Jobs that are answered without a look at the store.
    known: usize,
}

/// What operators ask on a listener of their own.
pub fn router(server: &Server) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::read))
        .with_state(server.clone())
        .layer(middleware::from_fn(guard::secure))
}

/// `GET /healthz`: this process answers.
pub async fn alive() -> Response {
    uncached(Health { status: "alive" }).into_response()
}

/// `GET /readyz`: what ended lately is known, and store and queue answer. A server that hears no events is ready: what
/// it tells is right, and late by seconds.
pub async fn ready(State(server): State<Server>) -> Response {
    let standing = *server.standing.borrow();
    let notify = match standing {
        Standing::Starting => {
            return (StatusCode::SERVICE_UNAVAILABLE, uncached(Health { status: "starting" }))
                .into_response();
        }
        Standing::Clustered => "clustered",
        Standing::Isolated => "isolated",
    };
    let asked = async {
        server.backend.store.get(JobId::from_bits(0)).await?;
        server.backend.queue.stats().await
    };
    let problem = match tokio::time::timeout(PATIENCE, asked).await {
        _ if server.stop.is_cancelled() => "stopping".to_owned(),
        Ok(Ok(_)) => {
            let known = server.hub.known.count();
            return uncached(Ready { status: "ready", notify, known }).into_response();
        }
        Ok(Err(error)) => causes(&error),
        Err(_) => "the backend took too long".to_owned(),
    };
    tracing::warn!(error = %problem, "not ready");
    (StatusCode::SERVICE_UNAVAILABLE, uncached(Health { status: "not ready" })).into_response()
}
