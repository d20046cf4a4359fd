//! The only crate that serves HTTP to people: pages, the HTTP interface, and the WebSocket.
//!
//! Handlers are thin: they turn requests into the words of `domain`, ask the ports of `backend`, and answer.
//! What a server hears on the topic lives in `live`; everything slow and periodic in `sweep`.

pub mod config;
pub mod doctor;
pub mod error;
pub mod provision;

mod archive;
mod assets;
mod completed;
mod conformity;
mod connection;
mod corrections;
mod desk;
mod follow;
mod forms;
mod guard;
mod heard;
mod jobs;
mod known;
mod language;
mod letters;
mod line;
mod list;
mod live;
mod lost;
mod media;
mod metrics;
mod operators;
mod ops;
mod pages;
mod query;
mod routes;
mod search;
mod shares;
pub mod sns;
mod socket;
mod submit;
mod sweep;
mod tracks;
mod translations;
mod uploads;
mod videos;
mod watch;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use backend::Backend;
use domain::{Job, JobEvent, WallTime};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::completed::CompletedJobs;
pub use crate::config::Config;
use crate::error::{ApiError, causes};
use crate::follow::Standing;
use crate::line::Line;
use crate::live::Hub;
use crate::metrics::BackendCalls;
use crate::operators::Visitors;
use crate::ops::{EndedJobs, Ops};
use crate::shares::KnownShares;

/// How long open requests may take to end when the server is told to stop.
const GRACE: Duration = Duration::from_secs(7);

/// How long changes and sockets may take after that.
const LAST_GRACE: Duration = Duration::from_secs(2);

/// Serves on `listener` until `shutdown` completes, then ends open connections: sockets with a close frame, waits
/// with the answer of the moment, uploads within a grace of 7 s or not at all.
///
/// Requests are answered at once, from the store; `/readyz` says yes when the topic is heard and what ended lately is
/// known.
pub async fn run(
    listeners: impl Into<Listeners>,
    backend: Backend,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let Listeners { main: listener, operators, sns: sns_listener } = listeners.into();
    let address = listener.local_addr().context("the listener has no address")?;
    let server = Server::new(backend, config, address);

    let background = TaskTracker::new();
    background.spawn(follow::follow(server.clone()));
    background.spawn(follow::look_slowly(server.clone()));
    background.spawn(sweep::reconcile(server.clone()));
    let visitors = Visitors::of_main(operators.is_some(), address);
    let mut router = routes::router(&server, visitors);
    let mut others = Vec::new();
    if let Some(listener) = operators {
        let address = listener.local_addr().context("the operators' listener has no address")?;
        others.push((listener, operators::router(&Server { address, ..server.clone() })));
    }
    match (server.backend.topic.endpoint(), sns_listener) {
        (Some(endpoint), None) => router = router.merge(sns::router(endpoint)),
        (Some(endpoint), Some(listener)) => others.push((listener, sns::router(endpoint))),
        (None, None) => (),
        (None, Some(_)) => anyhow::bail!("the topic is not heard over HTTP: nothing to listen for"),
    }
    for (listener, router) in others {
        let stop = server.stop.clone();
        background.spawn(async move {
            connection::serve(listener, router, &stop, GRACE, stop.cancelled()).await;
        });
    }
    background.close();

    tracing::info!(%address, "serving");
    connection::serve(listener, router, &server.stop, GRACE, shutdown).await;
    server.tasks.close();
    let ended = async {
        server.backend.topic.close().await;
        background.wait().await;
        server.tasks.wait().await;
    };
    if tokio::time::timeout(LAST_GRACE, ended).await.is_err() {
        tracing::warn!(tasks = server.tasks.len(), "stopped before everything ended");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Sockets to serve on.
pub struct Listeners {
    /// Everything but what has a listener of its own.
    pub main: TcpListener,
    /// What operators ask and do, and nothing else. Without it that is on the main one, if only this machine reaches
    /// it.
    pub operators: Option<TcpListener>,
    /// Posts of SNS, and nothing else. Without it they are taken on the main one.
    pub sns: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(main: TcpListener) -> Listeners {
        Listeners { main, operators: None, sns: None }
    }
}

/// What every handler needs. Cheap to clone: every part is shared.
#[derive(Clone)]
pub(crate) struct Server {
    pub backend: Backend,
    pub config: Arc<Config>,
    pub hub: Arc<Hub>,
    pub completed: Arc<CompletedJobs>,
    pub line: Arc<Line>,
    pub shares: Arc<KnownShares>,
    /// How well this server knows what goes on.
    pub standing: tokio::sync::watch::Sender<Standing>,
    /// Where we listen; the port may have been chosen by the system.
    pub address: SocketAddr,
    /// What operators see, read when somebody looks.
    pub ops: Arc<Ops>,
    /// Changes that must not stop halfway because their caller went away, and open sockets.
    pub tasks: TaskTracker,
    /// Cancelled when the server is told to stop.
    pub stop: CancellationToken,
}

impl Server {
    fn new(backend: Backend, config: Config, address: SocketAddr) -> Server {
        metrics::start();
        let backend = backend::with_hook(backend, Arc::new(BackendCalls));
        let hub = Hub::new(&backend);
        let ended = Arc::new(EndedJobs::default());
        Server {
            completed: Arc::new(CompletedJobs::new(hub.clone(), backend.store.clone(), ended.clone())),
            line: Arc::default(),
            shares: Arc::new(KnownShares::new(backend.store.clone())),
            ops: Arc::new(Ops::new(ended)),
            backend,
            config: Arc::new(config),
            hub,
            standing: tokio::sync::watch::Sender::new(Standing::Starting),
            address,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Runs a change to its end even if the caller hangs up meanwhile: axum drops a handler whose client is gone.
    pub async fn to_the_end<T: Send + 'static>(
        &self,
        change: impl Future<Output = error::Result<T>> + Send + 'static,
    ) -> error::Result<T> {
        let task = self.tasks.spawn(change.in_current_span());
        task.await.unwrap_or_else(|error| {
            tracing::error!(error = %causes(&error), "a change ended early");
            Err(ApiError::internal())
        })
    }

    /// Remembers the job as it was just written, and tells its state to everybody who watches.
    pub async fn announce_job(&self, job: &Job) {
        self.hub.known.keep(job.clone()).await;
        self.announce(JobEvent::state_of(job)).await;
    }

    /// Tells everybody who watches, here and on other servers. A hint: its loss is logged and nothing else.
    pub async fn announce(&self, event: JobEvent) {
        self.hub.hear(event.clone()).await;
        if let Err(error) = self.backend.topic.publish(&event).await {
            tracing::warn!(job.id = %event.id, error = %causes(&error), "an event was not published");
        }
    }

    /// When a job made or ended at `moment` stops to exist.
    pub fn expiry_after(&self, moment: WallTime) -> WallTime {
        // The retention is at most a century, which is far from the end of time.
        moment.checked_add(self.config.retention).unwrap_or(WallTime::MAX)
    }
}
