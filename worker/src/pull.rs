//! `worker pull`: takes messages off the queue, one for each idle slot.

use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backend::{Backend, Delivery};
use futures::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{PullArgs, WorkerConfig};
use crate::engine::{Engine, sandbox};
use crate::fetch::Open;
use crate::heartbeat::{self, Mode};
use crate::model;
use crate::process::{Worker, process_delivery};
use crate::retry::RetryConfig;
use crate::{stop, tasks};

/// Waits between polls of a queue that fails.
const QUEUE_TROUBLE: RetryConfig = RetryConfig {
    max_attempts: u32::MAX,
    crash_budget: u32::MAX,
    base: Duration::from_millis(500),
    cap: Duration::from_secs(30),
};

/// Pulls until `shutdown` is cancelled: then polling stops at once, running jobs are given back at their last
/// committed window, and it returns. Fails only before the first poll.
pub async fn run(backend: Backend, config: WorkerConfig, shutdown: CancellationToken) -> anyhow::Result<()> {
    check_models(&config)?;
    let slots = config.slots;
    let scratch = config.scratch.display().to_string();
    let worker = Worker::new(backend, config, Arc::new(Open))
        .with_context(|| format!("the worker cannot start; its scratch folder: {scratch}"))?;
    let worker = Arc::new(worker);
    tracing::info!(slots, model = worker.config.model, "pulling");

    let mut running = JoinSet::new();
    for _ in 0..slots {
        running.spawn(pull(worker.clone(), shutdown.clone()));
    }
    running.spawn(heartbeat::keep(worker.clone(), Mode::Pull, shutdown.clone()));
    if worker.config.tasks.is_scheduled {
        running.spawn(tasks::keep_schedule(worker.clone(), shutdown.clone()));
    }
    while let Some(ended) = running.join_next().await {
        ended.context("a slot ended abnormally")?;
    }
    tracing::info!("stopped");
    Ok(())
}

/// The subcommand `worker pull`: runs until SIGTERM or SIGINT. A second signal ends the process at once.
pub async fn main(args: PullArgs) -> anyhow::Result<()> {
    let shutdown = stop::on_signals()?;
    let config = WorkerConfig::from_args(&args)?;
    sandbox::check(&config.engine).await?;
    let backend = backend::connect(&args.backend).await.context("cannot open the backend")?;
    stop::within_grace(shutdown.clone(), run(backend, config, shutdown)).await
}

/// Without its models a worker would fail every job it takes.
pub fn check_models(config: &WorkerConfig) -> anyhow::Result<()> {
    model::find(&config.models, &config.model)?;
    model::voice(&config.models)?;
    Ok(())
}

/// One slot: holds at most one message, and asks for one only while it is idle.
async fn pull(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut engine = None;
    let mut failures = 0;
    while let Some(received) = receive(&worker, &shutdown).await {
        match received {
            Ok(delivery) => {
                if failures > 0 {
                    tracing::info!("the queue answers again");
                    failures = 0;
                }
                if let Some(delivery) = delivery {
                    engine = process(&worker, engine, &delivery, &shutdown).await;
                }
            }
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(
                        error = &error as &dyn StdError,
                        "the queue does not answer, trying again"
                    );
                }
                failures += 1;
                let pause = QUEUE_TROUBLE.delay_with_jitter(failures);
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
}

/// One poll. `None`: it is time to stop.
async fn receive(worker: &Worker, shutdown: &CancellationToken) -> Option<backend::Result<Option<Delivery>>> {
    let config = &worker.config;
    tokio::select! {
        biased;
        () = shutdown.cancelled() => None,
        received = worker.backend.queue.receive(config.poll_wait, config.lease.visibility) => Some(received),
    }
}

/// One message; hands the engine back if it is still warm. A panic loses only the engine: the message comes again
/// when its lease ends.
async fn process(
    worker: &Worker,
    mut engine: Option<Engine>,
    delivery: &Delivery,
    shutdown: &CancellationToken,
) -> Option<Engine> {
    let processed = process_delivery(worker, &mut engine, delivery, shutdown);
    let is_well = AssertUnwindSafe(processed).catch_unwind().await.is_ok();
    if !is_well {
        tracing::error!("processing a message panicked; the worker goes on");
        return None;
    }
    engine
}
