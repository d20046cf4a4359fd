//! What operators and their tools ask: alive, ready; and where they may ask and do more.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use axum::{Router, middleware};
use domain::JobId;
use serde::Serialize;
use tower_http::services::ServeFile;
use tower_http_csrf::csrf::CsrfLayer;

use crate::error::{ApiError, causes};
use crate::follow::Standing;
use crate::jobs::uncached;
use crate::pages::{STYLE, style};
use crate::{Server, guard, letters, metrics, ops};

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

/// Who reaches a listener. There is no login: what operators may do is told by where they ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitors {
    Operators,
    Anybody,
}

impl Visitors {
    /// Where operators have a listener of their own, the main one is for everybody; without one it is theirs if nobody
    /// else reaches it.
    pub fn of_main(have_own: bool, address: SocketAddr) -> Visitors {
        match !have_own && address.ip().is_loopback() {
            true => Visitors::Operators,
            false => Visitors::Anybody,
        }
    }
}

/// What operators ask and do under `/api/v1`.
pub fn api(visitors: Visitors) -> Router<Server> {
    match visitors {
        Visitors::Operators => Router::new()
            .route("/ops", get(ops::read))
            .route("/dead-letters", get(letters::list))
            .route("/dead-letters/redrive", post(letters::redrive)),
        Visitors::Anybody => ["/ops", "/dead-letters", "/dead-letters/redrive"]
            .into_iter()
            .fold(Router::new(), |router, path| router.route(path, any(async || refused()))),
    }
}

/// Their page and its form. `has_job_pages`: it may lead to pages of jobs.
pub fn pages(visitors: Visitors, has_job_pages: bool) -> Router<Server> {
    let pages = match visitors {
        Visitors::Operators => Router::new()
            .route(
                "/ops",
                get(move |server, headers, query| ops::page(server, headers, query, has_job_pages)),
            )
            .route("/ops/redrive", post(ops::redrive))
            .method_not_allowed_fallback(async || ApiError::method_not_allowed()),
        Visitors::Anybody => {
            Router::new().route("/ops", any(ops::refuse)).route("/ops/redrive", any(ops::refuse))
        }
    };
    pages.layer(middleware::from_fn(guard::in_time))
}

fn refused() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "operators_only",
        "This is for operators, and everybody can ask here.",
        "Start the server with --operators-listen, and ask there.",
    )
}

/// What operators ask on a listener of their own. `server` listens there.
pub fn router(server: &Server) -> Router {
    let site = &server.config.site;
    // Addresses that change something or show titles; the others are asked by machines, by whatever name.
    let guarded = Router::new()
        .route("/", get(async || Redirect::to("/ops")))
        .nest("/api/v1", api(Visitors::Operators))
        .merge(pages(Visitors::Operators, false))
        .with_state(server.clone())
        .route_service(STYLE, style(site))
        .route_service("/favicon.svg", ServeFile::new(site.join("favicon.svg")))
        .layer(CsrfLayer::new().with_rejection_response(guard::foreign))
        .layer(middleware::from_fn_with_state(server.clone(), guard::check_operators_host));
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::read))
        .with_state(server.clone())
        .merge(guarded)
        .layer(middleware::from_fn(guard::secure))
        .layer(middleware::from_fn(guard::log))
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
