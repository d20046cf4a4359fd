//! One job: the player with live captions, the transcript, the downloads.

use std::time::Duration;

use domain::{JobId, JobStatus};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{NotFound, Unavailable};
use crate::api::{Choices, JobDetail, get_choices, get_job};
use crate::components::{
    Downloads, Facts, Languages, NoPlayer, Player, Removal, RetryForm, Status, Transcript,
};
use crate::live::{self, Folded, JobState};
use crate::problem::Problem;
use crate::text;

/// Events are hints: what got lost on the way is found by looking again.
const READ_AGAIN: Duration = Duration::from_secs(30);

#[component]
pub fn JobPage() -> impl IntoView {
    let params = use_params_map();
    let id =
        Memo::new(move |_| params.with(|params| params.get("id")).and_then(|id| id.parse::<JobId>().ok()));
    let detail = Resource::new(
        move || id.get(),
        |id| async move {
            match id {
                Some(id) => get_job(id).await,
                None => Ok(None),
            }
        },
    );
    let choices = Resource::new(|| (), |()| get_choices());
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match (detail.await, choices.await) {
                    (Ok(Some(detail)), Ok(choices)) => view! { <ShownJob detail choices /> }.into_any(),
                    (Ok(None), _) => view! { <NotFound /> }.into_any(),
                    _ => view! { <main id="content" tabindex="-1"><Unavailable /></main> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn ShownJob(detail: JobDetail, choices: Choices) -> impl IntoView {
    let state = RwSignal::new(JobState::from(detail));
    let is_gone = keep_live(state);
    let choices = StoredValue::new(choices);
    let media = NodeRef::<html::Video>::new();
    // A found line leads to its moment: milliseconds.
    let start = use_query_map().with_untracked(|query| query.get("t")).and_then(|start| start.parse().ok());
    let position = RwSignal::new(start);

    let title = state.with_untracked(|state| state.job.title.clone());
    let tab_title = {
        let title = title.clone();
        move || {
            let running = state.with(|state| {
                (state.job.status == JobStatus::Running).then(|| text::percent(state.job.progress))
            });
            running.map_or_else(|| title.clone(), |percent| format!("{percent} % · {title}"))
        }
    };
    let status = Memo::new(move |_| state.with(|state| state.job.status));
    let has_media = Memo::new(move |_| state.with(|state| state.job.has_media));
    let has_cues = Memo::new(move |_| state.with(|state| state.job.cues > 0));
    // A job that ended with nothing has no use for an empty frame.
    let is_shown = Memo::new(move |_| {
        has_cues.get() || !matches!(status.get(), JobStatus::Failed | JobStatus::Cancelled)
    });

    // Without JavaScript: nobody can choose on a page that is read again meanwhile.
    let is_held = use_query_map().with_untracked(|query| query.get("hold").is_some());

    view! {
        <Title text=tab_title />
        <main id="content" class="job" tabindex="-1">
            <div class="lead">
                <h1>{title}</h1>
                <Facts state />
            </div>
            {move || is_gone.get().then(|| view! { <Gone /> })}
            <Refusal />
            <Status state />
            <Languages state choices=choices.get_value() />
            {move || {
                let wants = matches!(status.get(), JobStatus::Failed | JobStatus::Cancelled);
                wants.then(|| view! { <RetryForm state choices=choices.get_value() /> })
            }}
            <div class="watch" class:bare=move || !is_shown.get()>
                <div class="stage">
                    {move || match (is_shown.get(), has_media.get()) {
                        (true, true) => view! { <Player state media position /> }.into_any(),
                        (true, false) => view! { <NoPlayer state /> }.into_any(),
                        (false, _) => ().into_any(),
                    }}
                    {move || has_cues.get().then(|| view! { <Downloads state /> })}
                </div>
                {move || is_shown.get().then(|| view! { <Transcript state media position /> })}
            </div>
            {move || {
                (status.get() == JobStatus::Completed)
                    .then(|| {
                        view! {
                            <details class="again" open=state.with_untracked(|state| state.job.cues == 0)>
                                <summary>"Transcribe again"</summary>
                                <RetryForm state choices=choices.get_value() />
                            </details>
                        }
                    })
            }}
            <Removal state />
            {move || {
                let is_unfinished = !status.get().is_terminal() && !is_held;
                // Raw on purpose: to a browser that runs scripts this is text, and hydration must not look inside.
                is_unfinished.then(|| view! { <noscript inner_html="<meta http-equiv=\"refresh\" content=\"5\">"></noscript> })
            }}
        </main>
    }
    .into_any()
}

/// Follows the job until the page is left. True when it does not exist any more.
fn keep_live(state: RwSignal<JobState>) -> RwSignal<bool> {
    let is_gone = RwSignal::new(false);
    let reading = StoredValue::new(false);
    Effect::new(move || {
        let (id, after) = state.with_untracked(|state| (state.job.id, state.job.version));
        let token = live::watch(id, after, move |event| {
            let folded = state.try_maybe_update(|state| {
                let folded = live::fold(state, event);
                (folded != Folded::Stale, folded)
            });
            match folded {
                Some(Folded::Gap) => read_again(state, is_gone, reading),
                Some(Folded::Gone) => is_gone.set(true),
                _ => {}
            }
        });
        let again = set_interval_with_handle(
            move || {
                if state.with_untracked(|state| !state.job.status.is_terminal()) && !document().hidden() {
                    read_again(state, is_gone, reading);
                }
            },
            READ_AGAIN,
        );
        on_cleanup(move || {
            live::unwatch(token);
            if let Ok(again) = again {
                again.clear();
            }
        });
    });
    is_gone
}

fn read_again(state: RwSignal<JobState>, is_gone: RwSignal<bool>, reading: StoredValue<bool>) {
    if reading.try_update_value(|reading| std::mem::replace(reading, true)) != Some(false) {
        return;
    }
    let id = state.with_untracked(|state| state.job.id);
    spawn_local(async move {
        // Without an answer the state stays as it is; the next event or the next look comes back here.
        match get_job(id).await {
            Ok(Some(detail)) => {
                state.try_maybe_update(|state| (state.replace(detail), ()));
            }
            Ok(None) => {
                is_gone.try_set(true);
            }
            Err(_) => {}
        }
        reading.try_set_value(false);
    });
}

/// A retry, cancel or delete that was not taken leaves its code in the address.
#[component]
fn Refusal() -> impl IntoView {
    let code = use_query_map().with_untracked(|query| query.get("error"));
    code.map(|code| {
        let problem = Problem::told(&code, "form", 0);
        view! {
            <p class="gone" role="alert">
                <strong>{problem.message} " "</strong>
                {problem.hint}
            </p>
        }
    })
}

#[component]
fn Gone() -> impl IntoView {
    view! {
        <p class="gone" role="alert">
            <strong>"This job was deleted or is past its time. "</strong>
            "What you see is what this page still remembers."
        </p>
    }
}
