//! What can be done with the whole transcript, and whether it is saved.

use leptos::prelude::*;

use super::checks::Checks;
use super::saving::Said;
use super::{Editor, words};
use crate::erase::EraseOnServer as _;
use crate::tr::{self, Text};

/// A button that does what a key does. It has no ear of its own: the transcript hears all of them, and each would bring
/// code of its own into the WASM.
pub fn tool(does: &'static str, label: Text, title: Text) -> impl IntoView {
    sign(does, label.get(), title)
}

/// The same with a sign for a label.
pub fn sign(does: &'static str, label: &'static str, title: Text) -> impl IntoView {
    view! { <button class="tool" type="button" data-do=does aria-label=title title=title>{label}</button> }
}

#[component]
pub fn Bar(editor: Editor) -> impl IntoView {
    let follow = move || (!editor.is_following.get()).then(|| tool("follow", words::FOLLOW, words::FOLLOW));
    let (edit, edit_keys) = match editor.edits() {
        true => (words::WATCH, words::WATCH),
        false if editor.has_unsaved() => (words::EDIT_UNSAVED, words::EDIT_KEYS),
        false => (words::EDIT, words::EDIT_KEYS),
    };
    view! {
        {follow}
        {of_editing!(editor, view! { <Saved editor /> })}
        <a class="button small switch" href=move || editor.other_page() title=edit_keys>{edit}</a>
        <div class="tools" role="toolbar" aria-label=words::TOOLBAR>
            {of_editing!(editor, view! { <Turns editor /> <Checks editor /> })}
            <Speed editor />
            {tool("help", words::HELP, words::HELP_KEYS)}
        </div>
    }
    .erase_on_server()
}

/// Whether what was changed is saved.
#[component]
fn Saved(editor: Editor) -> impl IntoView {
    let said = move || match editor.saving.said.get() {
        Said::Nothing => "",
        Said::Saving => words::SAVING.get(),
        Said::Saved => words::SAVED.get(),
        Said::Retrying => words::RETRYING.get(),
        Said::Refused => words::NOT_SAVED.get(),
        Said::Gone => words::GONE.get(),
    };
    view! { <p class="saving" data-said=move || format!("{:?}", editor.saving.said.get())>{said}</p> }
}

#[component]
fn Turns(editor: Editor) -> impl IntoView {
    let can_undo = Memo::new(move |_| editor.state.with(|state| state.edits.history.can_undo()));
    let can_redo = Memo::new(move |_| editor.state.with(|state| state.edits.history.can_redo()));
    let turn = |does: &'static str, label: Text, title: Text, can: Memo<bool>| {
        view! { <button class="tool" type="button" data-do=does title=title disabled=move || !can.get()>{label}</button> }
    };
    view! {
        {turn("undo", words::UNDO, words::UNDO_KEYS, can_undo)}
        {turn("redo", words::REDO, words::REDO_KEYS, can_redo)}
        {tool("find", words::FIND, words::FIND_KEYS)}
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
        view! { <option value=speed selected=is_chosen>{tr::decimal(speed.into())} "×"</option> }
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
