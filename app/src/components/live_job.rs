//! One job, live: the player with its captions, the transcript, the downloads.

use std::time::Duration;

use domain::JobStatus;
use leptos::either::Either;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Facts, Languages, NoPlayer, Player, Status};
use crate::api::{Choices, JobDetail};
use crate::browser::reading::get_job;
use crate::editor::{self, Rows, Transcript};
use crate::erase::EraseOnServer as _;
use crate::given::Given;
use crate::live::{self, Folded, JobState};
use crate::problem::Problem;
use crate::text;
use crate::tr::tr;

/// Events are hints: what got lost on the way is found by looking again.
const READ_AGAIN: Duration = Duration::from_secs(30);

#[island]
pub fn LiveJob(
    detail: Given<JobDetail>,
    choices: Given<Choices>,
    /// Why the last wish was not taken.
    refusal: Given<Option<Problem>>,
    /// Without JavaScript the page reads itself again, unless somebody chooses on it.
    is_held: bool,
    /// Where the player starts, in milliseconds.
    start_ms: Option<u64>,
    /// The cues can be changed.
    is_editing: bool,
) -> impl IntoView {
    let state = RwSignal::new(JobState::from(detail.0));
    let is_gone = keep_live(state);
    let choices = StoredValue::new(choices.0);
    let media = NodeRef::<html::Video>::new();
    let position = RwSignal::new(start_ms);
    let rows = Memo::new(move |_| Rows::of(state.with(JobState::shown_cues)));

    let title = state.with_untracked(|state| state.job.title.clone());
    let tab_title = Memo::new(move |_| state.with(|state| text::tab_title(&text::tab_name(&state.job))));
    Effect::new(move || document().set_title(&tab_title.get()));
    let status = Memo::new(move |_| state.with(|state| state.job.status));
    let has_media = Memo::new(move |_| state.with(|state| state.job.has_media));
    let has_cues = Memo::new(move |_| state.with(|state| state.job.cues > 0));
    // A job that ended with nothing has no use for an empty frame.
    let is_shown = Memo::new(move |_| {
        has_cues.get() || !matches!(status.get(), JobStatus::Failed | JobStatus::Cancelled)
    });

    view! {
        <div class="lead">
            <h1>{title}</h1>
            <Facts state />
        </div>
        {move || is_gone.get().then(|| view! { <Gone /> })}
        {refusal.0.map(|refusal| view! { <Refusal refusal /> })}
        <Status state />
        <Languages state choices=choices.get_value() />
        <div class="watch" class:bare=move || !is_shown.get() class:empty=move || !has_cues.get()>
            <div class="stage">
                {move || match (is_shown.get(), has_media.get()) {
                    (true, true) => Some(Either::Left(view! { <Player state rows media position /> })),
                    (true, false) => Some(Either::Right(view! { <NoPlayer state /> })),
                    (false, _) => None,
                }}
            </div>
            {move || is_shown.get().then(|| view! { <Transcript state rows media position is_editing /> })}
        </div>
        {move || {
            let is_unfinished = !status.get().is_terminal() && !is_held;
            // Raw on purpose: to a browser that runs scripts this is text, and hydration must not look inside.
            is_unfinished.then(|| view! { <noscript inner_html="<meta http-equiv=\"refresh\" content=\"5\">"></noscript> })
        }}
    }
    .erase_on_server()
}

/// Follows the job until the page is left. True when it does not exist any more.
pub(super) fn keep_live(state: RwSignal<JobState>) -> RwSignal<bool> {
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
                Some(Folded::Corrected) => editor::read_corrections(state),
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

#[component]
pub(super) fn Refusal(refusal: Problem) -> impl IntoView {
    view! {
        <p class="gone" role="alert">
            <strong>{refusal.message} " "</strong>
            {refusal.hint}
        </p>
    }
    .erase_on_server()
}

#[component]
pub(super) fn Gone() -> impl IntoView {
    view! {
        <p class="gone" role="alert">
            <strong>{tr!("This job was deleted or is past its time.")}</strong>
            " "
            {tr!("What you see is what this page still remembers.")}
        </p>
    }
    .erase_on_server()
}
