//! `worker push`: jobs and periodic tasks are posted by a daemon, such as Elastic Beanstalk's, that reads the queue.
//!
//! The daemon deletes a message when it is answered with 200, and otherwise makes it visible again after a moment.
//! It gives up on an answer after its inactivity timeout; so work that takes longer is left in time, at its last
//! committed window, and goes on there when the message comes again.

mod connection;
mod slots;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use backend::Backend;
use serde::Serialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::config::{PushArgs, WorkerConfig};
use crate::engine::sandbox;
use crate::fetch::Open;
use crate::heartbeat::{self, Mode};
use crate::process::{Ending, Message, Worker, process};
use crate::pull::check_models;
use crate::stop;
use crate::tasks::{self, Task};
use slots::{Slot, Slots};

/// The largest body: a message of SQS holds 256 KiB, unless its queue was told to take more.
pub const MAX_BODY_BYTES: usize = 300_000;

/// For a body to arrive, from the machine that we are on.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// What the daemon waits anyway before a refused message is visible again; its default, and what
/// `deploy/elasticbeanstalk` says.
pub const ERROR_VISIBILITY: Duration = Duration::from_secs(2);

/// An answer that is held back takes up one of the daemon's connections.
const LONGEST_HOLD: Duration = Duration::from_secs(30);

/// Who posts: the daemon names the message and counts its deliveries.
const MESSAGE_ID: &str = "x-aws-sqsd-msgid";
const RECEIVE_COUNT: &str = "x-aws-sqsd-receive-count";
const TASK_NAME: &str = "x-aws-sqsd-taskname";

/// For who posts by hand: it may post the same job again and be taken for the same delivery.
const NO_MESSAGE_ID: &str = "posted by hand";

/// Serves on `listener` until `shutdown` is cancelled: then running jobs are left at their last committed window
/// and answered as unfinished, and it returns. Fails only before the first request.
pub async fn run(
    listener: TcpListener,
    backend: Backend,
    config: WorkerConfig,
    patience: Duration,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    check_models(&config)?;
    let scratch = config.scratch.display().to_string();
    let slots = Slots::new(config.slots);
    let worker = Worker::new(backend, config, Arc::new(Open))
        .with_context(|| format!("the worker cannot start; its scratch folder: {scratch}"))?;
    let desk = Desk {
        worker: Arc::new(worker),
        slots,
        patience,
        shutdown: shutdown.clone(),
        works: TaskTracker::new(),
    };
    let address = listener.local_addr().context("the listener has no address")?;
    tracing::info!(%address, slots = desk.slots.count(), model = desk.worker.config.model, "taking posts");
    desk.works.spawn(heartbeat::keep(desk.worker.clone(), Mode::Push, shutdown.clone()));
    if desk.worker.config.tasks.is_scheduled {
        desk.works.spawn(tasks::keep_schedule(desk.worker.clone(), shutdown.clone()));
    }
    let works = desk.works.clone();
    connection::serve(listener, router(desk), &shutdown).await;
    works.close();
    works.wait().await;
    tracing::info!("stopped");
    Ok(())
}

/// The subcommand `worker push`: runs until SIGTERM or SIGINT. A second signal ends the process at once.
pub async fn main(args: PushArgs) -> anyhow::Result<()> {
    let shutdown = stop::on_signals()?;
    let config = WorkerConfig::from_push_args(&args)?;
    sandbox::check(&config.engine).await?;
    let backend = backend::connect(&args.pull.backend).await.context("cannot open the backend")?;
    let listener =
        TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    let serving = run(listener, backend, config, args.patience, shutdown.clone());
    stop::within_grace(shutdown, serving).await
}

fn router(desk: Desk) -> Router {
    Router::new()
        .route("/", get(health).post(job))
        .route("/tasks/{task}", post(task))
        .layer(middleware::from_fn(refuse_browsers))
        .with_state(desk)
}

/// What every handler needs. Cheap to clone: every part is shared.
#[derive(Clone)]
struct Desk {
    worker: Arc<Worker>,
    slots: Slots,
    /// From a request to its answer.
    patience: Duration,
    shutdown: CancellationToken,
    /// Work goes to its own end when the daemon hangs up: it is told to stop, not cut off.
    works: TaskTracker,
}

#[derive(Serialize)]
struct Health<'a> {
    status: &'static str,
    slots: usize,
    busy: usize,
    model: &'a str,
}

/// `GET /`: this process takes jobs.
async fn health(State(desk): State<Desk>) -> Response {
    let (code, status) = match desk.shutdown.is_cancelled() {
        false => (StatusCode::OK, "ready"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
    };
    let Desk { slots, worker, .. } = &desk;
    let model = &worker.config.model;
    (code, Json(Health { status, slots: slots.count(), busy: slots.busy(), model })).into_response()
}

/// `POST /`: a job message, bare or in an envelope. 200 when nothing is left to do for it, 500 when it must come
/// again, 503 when no slot became free.
async fn job(State(desk): State<Desk>, headers: HeaderMap, request: Request) -> Response {
    let arrived = Instant::now();
    let span = tracing::info_span!("post", message.id = text(&headers, MESSAGE_ID));
    answer(desk, headers, request, arrived).instrument(span).await
}

async fn answer(desk: Desk, headers: HeaderMap, request: Request, arrived: Instant) -> Response {
    let Ok(body) = timeout(BODY_PATIENCE, axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES)).await
    else {
        return refused(StatusCode::REQUEST_TIMEOUT);
    };
    let Ok(body) = body else { return refused(StatusCode::PAYLOAD_TOO_LARGE) };
    let posted = Posted {
        body: String::from_utf8_lossy(&body).into_owned(),
        id: text(&headers, MESSAGE_ID).unwrap_or(NO_MESSAGE_ID).to_owned(),
        receive_count: text(&headers, RECEIVE_COUNT).and_then(|count| count.parse().ok()).unwrap_or(1),
    };

    // A refused message has one delivery less before it becomes a dead letter: so it rather waits in line.
    let line = timeout_at(arrived + desk.patience / 2, desk.slots.take());
    let Some(Ok(slot)) = desk.shutdown.run_until_cancelled(line).await else {
        tracing::warn!(slots = desk.slots.count(), "no slot became free: the message comes again");
        return refused(StatusCode::SERVICE_UNAVAILABLE);
    };
    let deadline = arrived + desk.patience;
    let stop = desk.shutdown.child_token();
    // The daemon's hanging up drops this future, and with it the guard.
    let hung_up = stop.clone().drop_guard();
    let work = work(desk.worker.clone(), slot, posted, deadline, stop).in_current_span();
    let ending = desk.works.spawn(work).await;
    hung_up.disarm();
    match ending {
        Ok(Ending::Acknowledge) => (StatusCode::OK, Json(json!({ "outcome": "done" }))).into_response(),
        Ok(Ending::Again(delay)) => {
            hold(delay.saturating_sub(ERROR_VISIBILITY).min(LONGEST_HOLD), deadline, &desk.shutdown).await;
            refused(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Ok(Ending::Leave | Ending::Bury { .. }) => refused(StatusCode::INTERNAL_SERVER_ERROR),
        Err(_) => {
            tracing::error!("processing a message panicked; the worker goes on");
            refused(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// A message, as the daemon tells it.
struct Posted {
    body: String,
    id: String,
    receive_count: u32,
}

/// Works on one message until it is done or `deadline` is near; goes to its own end even if nobody waits for it.
async fn work(
    worker: Arc<Worker>,
    mut slot: Slot,
    posted: Posted,
    deadline: Instant,
    stop: CancellationToken,
) -> Ending {
    let Posted { body, id, receive_count } = &posted;
    let message = Message { body, id, receive_count: *receive_count };
    // The daemon holds the message for as long as it waits for us; when it stops waiting, `stop` is cancelled.
    let working = process(&worker, &mut slot.engine, message, pending(), &stop);
    let mut working = std::pin::pin!(working);
    let ending = tokio::select! {
        ending = &mut working => ending,
        () = sleep_until(deadline) => {
            tracing::info!("the daemon would not wait longer: the job goes on when its message comes again");
            stop.cancel();
            working.await
        }
    };
    match ending {
        Ending::Bury { reason, attempts } => bury(&worker, body, &reason, attempts).await,
        ending => ending,
    }
}

/// The daemon makes dead letters without a reason: so the letter is ours, and the message is done with.
async fn bury(worker: &Worker, body: &str, reason: &str, attempts: u32) -> Ending {
    let burying = worker.backend.queue.bury(body, None, reason, attempts);
    match timeout(worker.config.limits.give_back, burying).await {
        Ok(Ok(())) => Ending::Acknowledge,
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "could not make a dead letter: the message comes again for it");
            Ending::Leave
        }
        Err(_) => {
            tracing::warn!("the dead letter was not taken in time: the message comes again for it");
            Ending::Leave
        }
    }
}

/// Holds an answer back, so that the next attempt does not come too early: the daemon knows one pause for all.
async fn hold(delay: Duration, deadline: Instant, shutdown: &CancellationToken) {
    let until = (Instant::now() + delay).min(deadline);
    let _ = shutdown.run_until_cancelled(sleep_until(until)).await;
}

/// `POST /tasks/{task}`: 200 when it is done, here or by another worker in this period; 500 when it must come again.
async fn task(State(desk): State<Desk>, headers: HeaderMap, Path(name): Path<String>) -> Response {
    let Some(task) = Task::parse(&name) else { return refused(StatusCode::NOT_FOUND) };
    tracing::debug!(task = task.name(), schedule = text(&headers, TASK_NAME), "a task was posted");
    let worker = desk.worker.clone();
    let shutdown = desk.shutdown.clone();
    let doing = async move { tasks::run(&worker, task, &shutdown).await };
    match timeout(desk.patience, desk.works.spawn(doing)).await {
        Ok(Ok(Ok(Some(report)))) => Json(json!({ "task": task.name(), "report": report })).into_response(),
        Ok(Ok(Ok(None))) => {
            Json(json!({ "task": task.name(), "outcome": "done in this period already" })).into_response()
        }
        // It was logged where it failed. When it takes longer than this, it goes on here.
        _ => refused(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Says what to do, and nothing of why: that is in the log.
fn refused(status: StatusCode) -> Response {
    let again = Json(json!({ "outcome": "again" }));
    (status, [(header::RETRY_AFTER, ERROR_VISIBILITY.as_secs().to_string())], again).into_response()
}

/// A page in a browser on this machine could post here too; a daemon has no origin.
async fn refuse_browsers(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
