//! What operators measure: names and meanings of all metrics, and the page that tells them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use backend::{BackendError, Call, CallHook, QueueStats};
use domain::{JobChange, JobEvent, JobStatus};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::Server;
use crate::follow::Standing;

const REQUESTS: &str = "cuelight_http_requests_total";
const SOCKETS: &str = "cuelight_sockets";
const WATCHED: &str = "cuelight_watched_jobs";
const KNOWN: &str = "cuelight_known_jobs";
const READY: &str = "cuelight_ready";
const CLUSTERED: &str = "cuelight_notify_clustered";
const HEARD: &str = "cuelight_events_heard_total";
const DROPPED: &str = "cuelight_events_dropped_total";
const GAPS: &str = "cuelight_topic_gaps_total";
const ENDED: &str = "cuelight_jobs_ended_total";
const CALLS: &str = "cuelight_backend_calls_total";
const QUEUE: &str = "cuelight_queue_messages";
const SWEEPS: &str = "cuelight_sweeps_total";
const OLDEST: &str = "cuelight_queue_oldest_age_seconds";

/// From now on everything is counted.
pub fn start() {
    recorder();
}

/// The one recorder of this process, made by whoever asks first.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::error!("something else records the metrics; /metrics stays empty");
        }
        describe();
        handle
    })
}

fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by route, method and status.");
    describe_gauge!(SOCKETS, "Open WebSockets.");
    describe_gauge!(WATCHED, "Jobs that an open socket or a waiting request watches.");
    describe_gauge!(KNOWN, "Jobs that are answered without a look at the store.");
    describe_gauge!(READY, "1 when this server knows what ended lately, as /readyz says.");
    describe_gauge!(
        CLUSTERED,
        "1 when events of other processes reach this server, 0 when the store is read slowly."
    );
    describe_counter!(HEARD, "Events heard on the topic, repeats included.");
    describe_counter!(DROPPED, "Events that found a watcher too far behind; it reads the store instead.");
    describe_counter!(GAPS, "Times that events may have been missed.");
    describe_counter!(
        ENDED,
        "Ends of jobs that this server heard of, by outcome. Saving a track ends a job anew."
    );
    describe_counter!(
        CALLS,
        "Calls of the backend, by port and method, kind (read, write) and outcome (ok, transient, permanent)."
    );
    describe_gauge!(QUEUE, "Messages by state, as the last sweep counted them.");
    describe_counter!(SWEEPS, "Rounds of the slow reconcilers, whether or not all of it worked.");
    describe_gauge!(
        OLDEST,
        Unit::Seconds,
        "Age of the oldest message, as of the last sweep; 0 when there is none. Missing where the queue does not tell."
    );
}

/// `GET /metrics`: nothing is asked of the backend for it.
pub async fn read(State(server): State<Server>) -> Response {
    let standing = *server.standing.borrow();
    gauge!(WATCHED).set(server.hub.watched_jobs() as f64);
    gauge!(KNOWN).set(server.hub.known.count() as f64);
    gauge!(READY).set(f64::from(standing != Standing::Starting));
    gauge!(CLUSTERED).set(f64::from(standing == Standing::Clustered));
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4"), (header::CACHE_CONTROL, "no-store")];
    (headers, recorder().render()).into_response()
}

/// Counts the answer under the route's pattern: addresses with ids would be a metric each.
pub async fn count_request(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<axum::extract::MatchedPath>();
    let route = route.map_or_else(|| "other".to_owned(), |route| route.as_str().to_owned());
    let method = match request.method().as_str() {
        method @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS") => method.to_owned(),
        _ => "other".to_owned(),
    };
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    counter!(REQUESTS, "route" => route, "method" => method, "status" => status).increment(1);
    response
}

pub fn count_heard() {
    counter!(HEARD).increment(1);
}

pub fn count_dropped() {
    counter!(DROPPED).increment(1);
}

pub fn count_sweep() {
    counter!(SWEEPS).increment(1);
}

pub fn count_gap() {
    counter!(GAPS).increment(1);
}

/// Counts what an event tells for the first time.
pub fn count_news(event: &JobEvent) {
    let outcome = match event.change {
        JobChange::Completed { .. } => JobStatus::Completed,
        JobChange::Failed { .. } => JobStatus::Failed,
        JobChange::Cancelled { .. } => JobStatus::Cancelled,
        JobChange::Queued { .. }
        | JobChange::Started { .. }
        | JobChange::Progress { .. }
        | JobChange::Cues { .. }
        | JobChange::Expired => return,
    };
    counter!(ENDED, "outcome" => outcome.as_str()).increment(1);
}

/// Counts every call of the backend.
pub struct BackendCalls;

#[async_trait]
impl CallHook for BackendCalls {
    async fn before(&self, _: Call) -> backend::Result<()> {
        Ok(())
    }

    async fn after(&self, call: Call, error: Option<&BackendError>) -> backend::Result<()> {
        let kind = match call.name {
            "store.get"
            | "store.read"
            | "store.pages"
            | "store.recent"
            | "store.finished_since"
            | "store.last_finished"
            | "store.expired"
            | "store.turns"
            | "store.counts"
            | "store.workers"
            | "store.shares"
            | "store.find_share"
            | "queue.stats"
            | "queue.dead_letters"
            | "media.locate" => "read",
            _ => "write",
        };
        let outcome = match error {
            None => "ok",
            Some(BackendError::Transient(_)) => "transient",
            Some(BackendError::Permanent(_)) => "permanent",
        };
        counter!(CALLS, "call" => call.name, "kind" => kind, "outcome" => outcome).increment(1);
        Ok(())
    }
}

/// The queue told once how old its oldest message is.
static AGE_IS_TOLD: AtomicBool = AtomicBool::new(false);

pub fn set_queue(stats: &QueueStats) {
    let states = [
        ("visible", stats.visible),
        ("in_flight", stats.in_flight),
        ("delayed", stats.delayed),
        ("dead", stats.dead),
    ];
    for (state, count) in states {
        gauge!(QUEUE, "state" => state).set(count as f64);
    }
    // A queue that told an age before has no message now; one that never does, as SQS, must not look empty.
    let is_told = stats.oldest_age.is_some();
    if AGE_IS_TOLD.fetch_or(is_told, Ordering::SeqCst) || is_told {
        gauge!(OLDEST).set(stats.oldest_age.unwrap_or_default().as_secs_f64());
    }
}

/// One open socket, until it is dropped.
pub struct OpenSocket;

impl OpenSocket {
    pub fn count() -> OpenSocket {
        gauge!(SOCKETS).increment(1);
        OpenSocket
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        gauge!(SOCKETS).decrement(1);
    }
}
