//! The operators' page: what waits, who works, how the last day went, and the dead letters.
//!
//! Rendered on the server alone. Nothing of it is in the WASM, and without JavaScript it is whole; a few lines of
//! script read it again (`refresh.js`).

mod letters;
mod plots;
mod words;
mod work;

use domain::WallTime;
use leptos::prelude::*;
use serde::Serialize;

use crate::pages::{self, Header};
use crate::problem::Problem;
use crate::text;
use crate::tr::{Language, html_attributes, in_language};
pub use letters::Letter;
pub use plots::{Day, FailureCount, Hour};
pub use work::{Age, Jobs, Queue, TaskRun, Work, Worker};

/// What operators see, as the page and `GET /api/v1/ops` tell it. What could not be read is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    pub read_at: WallTime,
    pub queue: Option<Queue>,
    pub jobs: Option<Jobs>,
    pub workers: Option<Vec<Worker>>,
    /// Running jobs that no worker told of: it began less than half a minute ago, or is dead.
    pub untold: Vec<Work>,
    pub day: Day,
    /// The oldest ones.
    pub dead_letters: Option<Vec<Letter>>,
    /// By task.
    pub tasks: Option<Vec<TaskRun>>,
}

/// What became of the last wish, from the page's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    Redriven {
        sent: usize,
        /// Letters that stay, since their jobs cannot be done with the chosen options.
        refused: usize,
    },
    /// The code of an error.
    Refused(String),
}

/// What the page needs besides the overview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Names of the models that jobs may be redriven with.
    pub models: Vec<String>,
    pub notice: Option<Notice>,
    /// Pages of jobs are served where this page is.
    pub has_job_pages: bool,
    /// Of the policy that lets the script run.
    pub nonce: String,
}

/// The page as an HTML document.
pub fn page(language: Option<&'static Language>, overview: &Overview, surroundings: &Surroundings) -> String {
    in_language(language, || shown(overview, surroundings))
}

fn shown(overview: &Overview, surroundings: &Surroundings) -> String {
    let Surroundings { models, notice, has_job_pages, nonce } = surroundings;
    let Overview { read_at, queue, jobs, workers, untold, day, dead_letters, tasks } = overview;
    // Whoever chooses letters without JavaScript must not lose the choice.
    let is_calm = dead_letters.as_ref().is_none_or(Vec::is_empty);
    let content = view! {
        <main id="content" class="ops" tabindex="-1">
            <div class="lead">
                <h1>{words::TITLE}</h1>
                <p data-live="read">{words::read_at(*read_at)} " " <a href="/ops">{words::READ_AGAIN}</a></p>
            </div>
            <div role="status" class="reconnecting"><p id="lost" hidden>{words::LOST}</p></div>
            {notice.as_ref().map(told)}
            <section data-live="numbers" aria-label=words::NOW>
                {work::numbers(queue.as_ref(), jobs.as_ref(), workers.as_deref())}
            </section>
            <section data-live="workers" aria-labelledby="workers">
                <h2 id="workers">{words::WORKERS}</h2>
                {work::workers(workers.as_deref(), untold, *read_at, *has_job_pages)}
            </section>
            <section data-live="day" aria-labelledby="day">
                <h2 id="day">{words::DAY}</h2>
                {plots::day(day)}
            </section>
            <section data-live="letters" aria-labelledby="letters">
                <h2 id="letters">{words::LETTERS}</h2>
                {letters::letters(dead_letters.as_deref(), queue.as_ref(), models, *has_job_pages)}
            </section>
            <section data-live="tasks" aria-labelledby="tasks">
                <h2 id="tasks">{words::TASKS}</h2>
                {work::tasks(tasks.as_deref(), *read_at)}
            </section>
        </main>
        <script nonce=nonce.clone() inner_html=include_str!("ops/refresh.js")></script>
    };
    let refresh =
        is_calm.then(|| view! { <noscript><meta http-equiv="refresh" content="10; url=/ops" /></noscript> });
    document(refresh, content)
}

/// The page for whoever has not the right of operators.
pub fn refusal(language: Option<&'static Language>) -> String {
    in_language(language, || {
        let content = view! {
            <main id="content" class="lone" tabindex="-1">
                <h1>{words::NOT_HERE}</h1>
                <p>{words::NOT_HERE_WHY}</p>
                <p>{words::NOT_HERE_WHAT_TO_DO}</p>
                <p><a class="button" href="/">{words::TO_THE_START}</a></p>
            </main>
        };
        document((), content)
    })
}

fn document(more: impl IntoView, content: impl IntoView) -> String {
    let (lang, dir) = html_attributes();
    let document = view! {
        <!DOCTYPE html>
        <html lang=lang dir=dir>
            <head>
                {pages::head("/favicon.svg", "/pkg/cuelight.css".into())}
                <title>{text::tab_title(words::TITLE.get())}</title>
                {more.into_any()}
            </head>
            <body>
                <Header />
                {content.into_any()}
            </body>
        </html>
    };
    document.to_html()
}

fn told(notice: &Notice) -> AnyView {
    match notice {
        Notice::Redriven { sent, refused } => view! {
            <p class="notice" role="status">{words::redriven(*sent, *refused)}</p>
        }
        .into_any(),
        Notice::Refused(code) => {
            let Problem { message, hint, .. } = words::problem(code);
            view! { <p class="gone" role="alert"><strong>{message}</strong> " " {hint}</p> }.into_any()
        }
    }
}

#[cfg(test)]
mod tests;
