//! What can be done with the whole transcript, and whether it is saved.

use leptos::prelude::*;

use super::checks::Checks;
use super::saving::Said;
use super::{Editor, words};
use crate::erase::EraseOnServer as _;

#[component]
pub fn Bar(editor: Editor) -> impl IntoView {
    let can_undo = Memo::new(move |_| editor.state.with(|state| state.edits.history.can_undo()));
    let can_redo = Memo::new(move |_| editor.state.with(|state| state.edits.history.can_redo()));
    let follow = move |_| {
        editor.is_following.set(true);
        if editor.active.get_untracked().is_none() {
            editor.to_end();
        }
    };
    view! {
        <p class="saving" data-said=move || format!("{:?}", editor.saving.said.get())>
            {move || match editor.saving.said.get() {
                Said::Nothing => "",
                Said::Saving => words::SAVING,
                Said::Saved => words::SAVED,
                Said::Retrying => words::RETRYING,
                Said::Refused => words::NOT_SAVED,
                Said::Gone => words::GONE,
            }}
        </p>
        <div class="tools" role="toolbar" aria-label="Editing">
            <button class="tool" type="button" title="Undo (Ctrl Z)" disabled=move || !can_undo.get() on:click=move |_| editor.undo()>
                "Undo"
            </button>
            <button class="tool" type="button" title="Redo (Ctrl Shift Z)" disabled=move || !can_redo.get() on:click=move |_| editor.redo()>
                "Redo"
            </button>
            <button class="tool" type="button" title="Find and replace (Ctrl F)" on:click=move |_| editor.find()>
                {words::FIND}
            </button>
            <Checks editor />
            <Speed editor />
            <button class="tool" type="button" title="All keys (?)" on:click=move |_| editor.is_helping.set(true)>"Keys"</button>
            {move || {
                (!editor.is_following.get())
                    .then(|| view! { <button class="tool" type="button" on:click=follow>"Follow along"</button> })
            }}
        </div>
    }
    .erase_on_server()
}

/// Not every browser's own player has it in reach.
#[component]
fn Speed(editor: Editor) -> impl IntoView {
    const SPEEDS: [&str; 7] = ["0.5", "0.75", "1", "1.25", "1.5", "1.75", "2"];
    let chosen = move |event| {
        if let (Some(media), Ok(speed)) = (editor.media.get_untracked(), event_target_value(&event).parse()) {
            media.set_playback_rate(speed);
            editor.speed.set(speed);
        }
    };
    let options = SPEEDS.map(|speed| {
        let is_chosen = move || speed.parse() == Ok(editor.speed.get());
        view! { <option value=speed selected=is_chosen>{speed} "×"</option> }
    });
    let has_media = move || editor.state.with(|state| state.job.has_media);
    view! {
        <label hidden=move || !has_media()>
            <span class="unseen">{words::SPEED}</span>
            <select class="tool" title=words::SPEED on:change=chosen>{options.into_iter().collect_view()}</select>
        </label>
    }
    .erase_on_server()
}
