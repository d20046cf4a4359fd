//! What is done from time to time beside the jobs: posted to a worker, or by its own schedule. Each is done once in
//! its period, by whichever worker takes the turn.

mod cleanup;
mod statistics;
mod update_model;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::heartbeat;
use crate::process::Worker;
use cleanup::Cleanup;
use statistics::Statistics;
pub use update_model::{Updated, update};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Removes what nobody needs: expired jobs, media without a job, files of dead workers.
    Cleanup,
    /// Counts the jobs of the last hour, and what waits.
    Stats,
    /// Holds the models of this machine against their checksums.
    UpdateModel,
}

impl Task {
    pub const ALL: [Task; 3] = [Task::Cleanup, Task::Stats, Task::UpdateModel];

    /// As in the address it is posted to.
    pub fn name(self) -> &'static str {
        match self {
            Task::Cleanup => "cleanup",
            Task::Stats => "stats",
            Task::UpdateModel => "update-model",
        }
    }

    pub fn parse(name: &str) -> Option<Task> {
        Task::ALL.into_iter().find(|task| task.name() == name)
    }

    /// The longest it may take; what is left then is done next time.
    fn limit(self) -> Duration {
        match self {
            Task::Cleanup => Duration::from_secs(5 * 60),
            Task::Stats => Duration::from_secs(60),
            // Gigabytes over a slow line.
            Task::UpdateModel => Duration::from_secs(2 * 60 * 60),
        }
    }
}

/// How often each task is done. `None`: never by schedule, and as often as it is posted.
#[derive(Debug, Clone)]
pub struct TaskConfig {
    pub cleanup_every: Option<Duration>,
    pub stats_every: Option<Duration>,
    pub update_model_every: Option<Duration>,
    /// By the worker's own clock, not only when they are posted.
    pub is_scheduled: bool,
}

impl TaskConfig {
    pub fn period(&self, task: Task) -> Option<Duration> {
        match task {
            Task::Cleanup => self.cleanup_every,
            Task::Stats => self.stats_every,
            Task::UpdateModel => self.update_model_every,
        }
    }
}

/// What a task did; one line of the log, and the answer to who posted it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Report {
    Cleanup(Cleanup),
    Stats(Box<Statistics>),
    UpdateModel(Updated),
}

/// It failed, and that was logged; it may be done again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskFailed;

/// Does the task if nobody did in this period; `None` if somebody did. Cancelling `shutdown` leaves it to others.
pub async fn run(
    worker: &Worker,
    task: Task,
    shutdown: &CancellationToken,
) -> Result<Option<Report>, TaskFailed> {
    let store = &worker.backend.store;
    let turn = turn(task);
    if let Some(period) = worker.config.tasks.period(task) {
        // A clock that posts a little early must not lose the whole period.
        let free_after = period.mul_f64(0.9);
        let is_ours =
            store.take_turn(&turn, free_after).await.map_err(|error| failed(task, &error.into()))?;
        if !is_ours {
            tracing::debug!(task = task.name(), "done in this period already");
            return Ok(None);
        }
    }
    let done = timeout(task.limit(), done(worker, task));
    let error = match shutdown.run_until_cancelled(done).await {
        Some(Ok(Ok(report))) => return Ok(Some(report)),
        Some(Ok(Err(error))) => error,
        Some(Err(_)) => anyhow::anyhow!("it took longer than {:?}", task.limit()),
        None => anyhow::anyhow!("the worker stops"),
    };
    if let Err(error) = store.give_back_turn(&turn).await {
        tracing::debug!(task = task.name(), error = &error as &dyn std::error::Error, "the turn is lost");
    }
    Err(failed(task, &error))
}

async fn done(worker: &Worker, task: Task) -> anyhow::Result<Report> {
    match task {
        Task::Cleanup => cleanup::run(worker).await.map(Report::Cleanup),
        Task::Stats => statistics::run(worker).await.map(|statistics| Report::Stats(Box::new(statistics))),
        Task::UpdateModel => update_model::run(worker).await.map(Report::UpdateModel),
    }
}

/// Models lie on a machine, so each machine has its own turn at them.
fn turn(task: Task) -> String {
    match task {
        Task::Cleanup | Task::Stats => task.name().to_owned(),
        Task::UpdateModel => format!("{}@{}", task.name(), heartbeat::host()),
    }
}

fn failed(task: Task, error: &anyhow::Error) -> TaskFailed {
    let error: &dyn std::error::Error = error.as_ref();
    tracing::warn!(task = task.name(), error, "a task failed");
    TaskFailed
}

/// Does each task in each of its periods, until `shutdown` is cancelled.
pub async fn keep_schedule(worker: Arc<Worker>, shutdown: CancellationToken) {
    let mut schedules = JoinSet::new();
    for task in Task::ALL {
        if let Some(period) = worker.config.tasks.period(task) {
            schedules.spawn(repeat(worker.clone(), task, period, shutdown.clone()));
        }
    }
    while schedules.join_next().await.is_some() {}
}

async fn repeat(worker: Arc<Worker>, task: Task, period: Duration, shutdown: CancellationToken) {
    // Workers that start together do not ask together.
    let mut pause = period.mul_f64(rand::random::<f64>());
    while shutdown.run_until_cancelled(sleep(pause)).await.is_some() {
        // What failed was logged, and its turn is free for whoever comes next.
        let _ = run(&worker, task, &shutdown).await;
        pause = period;
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
