//! What waits and who works.

use domain::{Attempt, JobId, JobStatus, Stage, WallTime};
use leptos::prelude::*;
use serde::Serialize;

use super::words;
use crate::text;
use crate::tr::Text;

/// Messages by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Queue {
    pub waiting: u64,
    /// Waiting for their next attempt.
    pub delayed: u64,
    pub in_flight: u64,
    pub dead_letters: u64,
    /// Of any message, those that are worked on too; `None` where the queue does not tell, or is empty.
    pub oldest_age_ms: Option<u64>,
}

/// Jobs by status, of all that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Jobs {
    pub queued: u64,
    pub running: u64,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    /// Of the jobs that nobody has begun yet. `None`: there is none, or it is not known.
    pub oldest_waiting: Option<Age>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Age {
    pub ms: u64,
    /// So many wait that the oldest was not looked for.
    pub is_at_least: bool,
}

/// A worker that told of itself in the last two minutes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worker {
    pub id: String,
    pub host: String,
    pub pid: u32,
    pub version: String,
    /// `pull` or `push`.
    pub mode: String,
    pub engine: String,
    pub model: String,
    pub slots: u32,
    pub started_at: WallTime,
    /// It tells every half minute.
    pub told_at: WallTime,
    /// Those it told of that still run.
    pub jobs: Vec<Work>,
}

/// A running job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Work {
    pub job: JobId,
    pub title: String,
    pub stage: Stage,
    /// 0 to 1.
    pub progress: f32,
    pub eta_ms: Option<u64>,
    pub attempt: Attempt,
    /// `None` where the worker is of a version that does not tell.
    pub started_at: Option<WallTime>,
}

/// The last run of a periodic task that did not fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRun {
    /// With `@` and the machine, where each has its own.
    pub task: String,
    pub last_run_at: WallTime,
}

pub fn numbers(queue: Option<&Queue>, jobs: Option<&Jobs>, workers: Option<&[Worker]>) -> impl IntoView {
    let unknown = || words::NOT_KNOWN.into();
    let of = |status: JobStatus, count: fn(&Jobs) -> u64| {
        number(words::status(status), jobs.map_or_else(unknown, |jobs| count(jobs).to_string()), Some(status))
    };
    let oldest = match (jobs, jobs.and_then(|jobs| jobs.oldest_waiting)) {
        (_, Some(age)) => words::age(age),
        (Some(jobs), None) if jobs.queued == 0 => "–".to_owned(),
        (_, None) => unknown(),
    };
    let dead = queue.map(|queue| queue.dead_letters);
    let has_dead = dead.is_some_and(|dead| dead > 0).then_some(JobStatus::Failed);
    let busy = workers.map(|workers| workers.iter().map(|worker| worker.jobs.len()).sum::<usize>());
    let slots = workers.map(|workers| workers.iter().map(|worker| worker.slots).sum::<u32>());
    let slots = busy.zip(slots).map_or_else(unknown, |(busy, slots)| words::of(busy, slots));
    view! {
        <dl class="numbers">
            {of(JobStatus::Queued, |jobs| jobs.queued)}
            {number(words::OLDEST, oldest, None)}
            {of(JobStatus::Running, |jobs| jobs.running)}
            {number(words::SLOTS, slots, None)}
            {of(JobStatus::Completed, |jobs| jobs.completed)}
            {of(JobStatus::Failed, |jobs| jobs.failed)}
            {of(JobStatus::Cancelled, |jobs| jobs.cancelled)}
            {number(words::DEAD, dead.map_or_else(unknown, |dead| dead.to_string()), has_dead)}
        </dl>
        <p class="note">{words::messages(queue)}</p>
    }
}

/// One number with its name. The status lends it a lamp.
fn number(name: Text, value: String, status: Option<JobStatus>) -> AnyView {
    view! {
        <div data-status=status.map(JobStatus::as_str)>
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
    .into_any()
}

pub fn workers(
    workers: Option<&[Worker]>,
    untold: &[Work],
    now: WallTime,
    has_job_pages: bool,
) -> impl IntoView {
    let told = match workers {
        None => view! { <p class="empty">{words::WORKERS_NOT_KNOWN}</p> }.into_any(),
        Some([]) => view! { <p class="empty">{words::NO_WORKERS}</p> }.into_any(),
        Some(workers) => {
            let rows = workers.iter().map(|told| worker(told, now, has_job_pages)).collect_view();
            view! { <ul class="workers">{rows}</ul> }.into_any()
        }
    };
    let untold = (!untold.is_empty()).then(|| {
        view! {
            <h3>{words::UNTOLD}</h3>
            <p class="note">{words::UNTOLD_WHY}</p>
            <ul class="workers"><li data-status="running">{works(untold, now, has_job_pages)}</li></ul>
        }
    });
    view! { {told} {untold} }
}

fn worker(worker: &Worker, now: WallTime, has_job_pages: bool) -> AnyView {
    let Worker { host, pid, version, mode, engine, model, slots, started_at, told_at, jobs, .. } = worker;
    let facts = [
        words::slots(jobs.len(), *slots),
        words::engine(engine, model),
        words::process(mode, version, *pid),
        words::up(&words::since(*started_at, now)),
        words::told(&words::since(*told_at, now)),
    ];
    let status = if jobs.is_empty() { "queued" } else { "running" };
    let host = if host.is_empty() { words::NOT_KNOWN.into() } else { host.clone() };
    view! {
        <li data-status=status>
            <p class="lamp-line"><span class="lamp" aria-hidden="true"></span><strong>{host}</strong></p>
            <ul class="facts">{facts.map(|fact| view! { <li>{fact}</li> }).collect_view()}</ul>
            {match jobs.is_empty() {
                true => view! { <p class="note">{words::IDLE}</p> }.into_any(),
                false => works(jobs, now, has_job_pages),
            }}
        </li>
    }
    .into_any()
}

fn works(works: &[Work], now: WallTime, has_job_pages: bool) -> AnyView {
    let rows = works.iter().map(|work| {
        let facts = [
            Some(words::stage(work)),
            work.started_at.map(|start| words::running_for(&words::since(start, now))),
            work.eta_ms.map(text::remaining),
            (work.attempt > 1).then(|| words::attempt(work.attempt)),
        ];
        let facts = facts.into_iter().flatten().map(|fact| view! { <li>{fact}</li> }).collect_view();
        let label = words::progress_of(&work.title);
        view! {
            <li>
                {job_link(work.job, &work.title, has_job_pages)}
                <ul class="facts">{facts}</ul>
                <progress max="100" value=text::percent(work.progress).to_string() aria-label=label></progress>
            </li>
        }
    });
    view! { <ul class="works">{rows.collect_view()}</ul> }.into_any()
}

/// The title, leading to the job where its page is.
pub fn job_link(job: JobId, title: &str, has_job_pages: bool) -> AnyView {
    let title = title.to_owned();
    match has_job_pages {
        true => view! { <a class="title" href=format!("/jobs/{job}")>{title}</a> }.into_any(),
        false => view! { <span class="title">{title} " " <code>{job.to_string()}</code></span> }.into_any(),
    }
}

pub fn tasks(tasks: Option<&[TaskRun]>, now: WallTime) -> AnyView {
    let tasks = match tasks {
        None => return view! { <p class="empty">{words::TASKS_NOT_KNOWN}</p> }.into_any(),
        Some([]) => return view! { <p class="empty">{words::NO_TASKS}</p> }.into_any(),
        Some(tasks) => tasks,
    };
    let rows = tasks.iter().map(|run| {
        let (task, does) = words::task(&run.task);
        let (task, at) = (task.to_owned(), run.last_run_at);
        view! {
            <li>
                <strong>{task}</strong>
                <span>{does}</span>
                <time datetime=at.to_string() title=text::moment(at)>{words::ago(at, now)}</time>
            </li>
        }
    });
    view! { <ul class="tasks">{rows.collect_view()}</ul> }.into_any()
}
