//! One cue, to be read or edited.

use domain::correction::ShownCue;
use leptos::either::Either;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::bar::tool;
use super::checks::Faults;
use super::form::Form;
use super::outbox::{Conflict, meet};
use super::rows::Key;
use super::{Editor, words};
use crate::components::media_at;
use crate::erase::EraseOnServer as _;
use crate::text;
use crate::tr::tr;

#[component]
pub fn Line(editor: Editor, key: Key) -> impl IntoView {
    let row = Memo::new(move |_| editor.rows.with(|rows| rows.get(key).cloned()));
    let is_open = Memo::new(move |_| editor.open.get() == Some(key));
    let is_active = Memo::new(move |_| editor.active.get() == Some(key));
    let class = move || {
        let is_corrected = row.with(|row| row.as_ref().is_some_and(|row| row.corrected.is_some()));
        let is = |is: bool, name: &'static str| if is { name } else { "" };
        let (open, found) = (is(is_open.get(), " open"), is(editor.found.get() == Some(key), " found"));
        format!("line{open}{found}{}", is(is_corrected, " corrected"))
    };
    view! {
        <div
            class=class
            role="listitem"
            data-key=key.to_string()
            aria-current=move || is_active.get().then_some("true")
            on:focusin=move |_| editor.cursor.set(Some(key))
        >
            {of_editing!(editor, {
                let conflict = Memo::new(move |_| editor.conflict_at(key));
                move || conflict.get().map(|conflict| view! { <Decision conflict /> })
            })}
            {move || match is_open.get() {
                true => Either::Left(of_editing!(editor, view! { <Form editor key row /> })),
                false => Either::Right(row.get().map(|shown| view! { <Reading editor shown /> })),
            }}
            {of_editing!(editor, view! { <Faults editor key /> })}
        </div>
    }
    .erase_on_server()
}

/// The time is a link, so that it works without JavaScript: the browser opens the media at this moment.
#[component]
fn Reading(editor: Editor, shown: ShownCue) -> impl IntoView {
    let (id, cue) = (editor.state.with_untracked(|state| state.job.id), shown.cue);
    let start = cue.start;
    let has_media = move || editor.state.with(|state| state.job.has_media);
    let address = move || has_media().then(|| media_at(id, start.0));
    let piece = |(text, is_doubted): (String, bool)| match is_doubted {
        true => Either::Left(view! { <mark class="doubt" title=tr!("Perhaps misheard")>{text}</mark> }),
        false => Either::Right(text),
    };
    let pieces = cue.pieces().into_iter().map(piece).collect_view();
    let is_button = move || editor.is_awake.get().then_some("button");
    view! {
        <a class="cue" rel="external" href=address data-start=start.0.to_string() tabindex=move || editor.is_awake.get().then_some("-1")>
            <time>{text::clock(start.0)}</time>
        </a>
        <p class="words" dir="auto" tabindex="-1" role=is_button>{pieces}</p>
    }
    .erase_on_server()
}

/// The same as HTML, for a page that nothing makes live.
pub fn plain(shown: &ShownCue) -> String {
    let (clock, text) = (text::clock(shown.cue.start.0), text::escape_markup(&shown.cue.text));
    format!(
        "<div class=\"line\"><span class=\"cue\"><time>{clock}</time></span><p class=\"words\" dir=\"auto\">{text}</p></div>"
    )
}

/// Both texts, and the choice.
#[component]
fn Decision(conflict: Conflict) -> impl IntoView {
    view! {
        <div class="decision" role="group" aria-label=words::CONFLICT>
            <p><strong>{words::CONFLICT}</strong></p>
            <p>{words::YOURS} " " <q dir="auto">{words::said_by(&conflict.mine)}</q></p>
            <p class="note">{words::THEIRS_BELOW}</p>
            {tool("keep-mine", words::KEEP_MINE, words::KEEP_MINE)}
            {tool("take-theirs", words::TAKE_THEIRS, words::TAKE_THEIRS)}
        </div>
    }
    .erase_on_server()
}

impl Editor {
    /// Ends the conflict that is told at this cue.
    pub fn decide(self, key: Key, keep: bool) {
        self.commit(false);
        if let Some(conflict) = untrack(|| self.conflict_at(key)) {
            self.state.update(|state| state.decide(conflict.span, keep));
            self.save_later();
        }
    }

    /// A conflict is told at the first cue of its stretch, or the last one ahead of it.
    fn conflict_at(self, key: Key) -> Option<Conflict> {
        let conflicts = self.state.with(|state| {
            let conflicts = &state.edits.outbox.conflicts;
            (!conflicts.is_empty()).then(|| conflicts.clone())
        })?;
        self.rows.with(|rows| {
            let is_here = |conflict: &Conflict| {
                let met = rows.cues.iter().position(|shown| meet(shown.span, conflict.span));
                let ahead =
                    || rows.cues.partition_point(|shown| shown.span.0 < conflict.span.0).saturating_sub(1);
                rows.place(key) == Some(met.unwrap_or_else(ahead))
            };
            conflicts.into_iter().find(is_here)
        })
    }
}

/// The row that an element is in.
pub fn key_of(element: &Element) -> Option<Key> {
    element.closest("[data-key]").ok().flatten()?.get_attribute("data-key")?.parse().ok()
}

/// Puts the keyboard on a row.
pub fn focus_words(row: &Element) {
    if let Ok(Some(words)) = row.query_selector(".words") {
        focus(&words);
    }
}

pub fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.focus();
    }
}

/// Whoever marks words wants to copy them, not to edit.
pub fn is_selecting() -> bool {
    let selection = window().get_selection().ok().flatten();
    selection.is_some_and(|selection| !selection.is_collapsed())
}
