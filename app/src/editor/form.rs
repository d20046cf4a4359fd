//! A cue that is edited: its text, its times, and what can be done with it.

use domain::Timestamp;
use domain::correction::{self, ShownCue};
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};

use super::bar::{sign, tool};
use super::rows::Key;
use super::{Editor, stamp, words};
use crate::erase::EraseOnServer as _;

/// What a button, or an arrow key in a time, moves it by.
pub const STEP_MS: i64 = 100;

#[component]
pub fn Form(editor: Editor, key: Key, row: Memo<Option<ShownCue>>) -> impl IntoView {
    let area = NodeRef::<html::Textarea>::new();
    let text = move || row.with(|row| row.as_ref().map(|row| row.cue.text.clone()).unwrap_or_default());
    Effect::new(move |was_there: Option<bool>| {
        let Some(area) = area.get() else { return false };
        let text = text();
        // What is being typed is never overwritten, and what was typed never tidied up under the cursor.
        if editor.draft_of(key).is_none() && correction::clean(&area.value()) != text {
            put(&area, &text);
        }
        if was_there != Some(true) {
            area.set_value(&text);
            request_animation_frame(move || {
                let _ = area.focus();
            });
        }
        true
    });
    let typed = move |_| {
        if let Some(area) = area.get_untracked() {
            editor.typed(key, area.value());
        }
    };
    on_cleanup(move || editor.commit(true));
    view! {
        <div class="form">
            <div class="times">
                <Time editor key row is_start=true />
                <Time editor key row is_start=false />
            </div>
            <textarea
                node_ref=area
                rows="2"
                dir="auto"
                maxlength=correction::MAX_TEXT.to_string()
                aria-label=words::TEXT
                spellcheck="true"
                on:input=typed
                on:blur=move |_| editor.commit(false)
            ></textarea>
            <div class="tools">
                {tool("split", words::SPLIT, words::SPLIT_KEYS)}
                {tool("merge", words::MERGE, words::MERGE_KEYS)}
                {tool("insert", words::INSERT, words::INSERT_KEYS)}
                {tool("delete", words::DELETE, words::DELETE_KEYS)}
                <details class="shift">
                    <summary class="tool" title=words::SHIFT_HINT>{words::SHIFT_NAME} " …"</summary>
                    <label>{words::SHIFT} " " <input type="number" step="100" value="500" /></label>
                    {tool("shift", words::SHIFT_NAME, words::SHIFT_HINT)}
                </details>
                {tool("reset", words::RESET, words::RESET_HINT)}
                {tool("leave", words::DONE, words::DONE_KEYS)}
            </div>
        </div>
    }
    .erase_on_server()
}

/// Start or end.
#[component]
fn Time(editor: Editor, key: Key, row: Memo<Option<ShownCue>>, is_start: bool) -> impl IntoView {
    let time_of = move |row: &Option<ShownCue>| {
        row.as_ref().map(|row| if is_start { row.cue.start } else { row.cue.end }).unwrap_or_default()
    };
    let is_wrong = RwSignal::new(false);
    let set = move |time: Timestamp| {
        editor.set_times(key, |start, end| if is_start { (time, end) } else { (start, time) });
    };
    let changed = move |event: leptos::ev::Event| {
        let Some(field) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
            return;
        };
        let read = stamp::read(&field.value());
        is_wrong.set(read.is_none());
        let Some(moment) = read else { return };
        set(moment);
        // It may have been moved only as far as there is room.
        field.set_value(&stamp::write(row.with_untracked(time_of)));
    };
    let pressed = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowUp" => STEP_MS,
            "ArrowDown" => -STEP_MS,
            _ => return,
        };
        event.prevent_default();
        editor.nudge(key, is_start, if event.shift_key() { 10 * by } else { by });
    };
    let name = if is_start { words::START } else { words::END };
    let tools = match is_start {
        true => [
            sign("start-earlier", "−", words::START_EARLIER),
            sign("start-later", "+", words::START_LATER),
            sign("start-here", "⇤", words::START_HERE),
        ],
        false => [
            sign("end-earlier", "−", words::END_EARLIER),
            sign("end-later", "+", words::END_LATER),
            sign("end-here", "⇥", words::END_HERE),
        ],
    };
    view! {
        <div class="time" role="group" aria-label=name>
            <span aria-hidden="true">{name}</span>
            <input
                type="text"
                inputmode="decimal"
                autocomplete="off"
                aria-label=name
                aria-invalid=move || is_wrong.get().then_some("true")
                prop:value=move || stamp::write(row.with(time_of))
                on:change=changed
                on:keydown=pressed
            />
            {tools.into_iter().collect_view()}
        </div>
    }
    .erase_on_server()
}

impl Editor {
    pub fn set_times(self, key: Key, to: impl FnOnce(Timestamp, Timestamp) -> (Timestamp, Timestamp)) {
        self.change(key, |shown, at| {
            let (start, end) = to(shown[at].cue.start, shown[at].cue.end);
            correction::set_times(shown, at, start, end)
        });
    }

    /// A start or an end, so many milliseconds later.
    pub fn nudge(self, key: Key, is_start: bool, by: i64) {
        let moved = |time: Timestamp| Timestamp(time.0.saturating_add_signed(by));
        self.set_times(key, |start, end| if is_start { (moved(start), end) } else { (start, moved(end)) });
    }
}

/// Parts the open cue at its cursor, and goes on in the second part.
pub fn split(editor: Editor, key: Key) {
    let Some(area) = editor.area() else { return };
    let (typed, place) = (area.value(), area.selection_start().ok().flatten().unwrap_or(0));
    let is_split = editor.change(key, |shown, at| {
        let character = stamp::characters_ahead(&typed, place, &shown[at].cue.text);
        correction::split(shown, at, character)
    });
    let second = editor.rows.with_untracked(|rows| rows.beside(key, 1));
    if let Some(second) = second.filter(|_| is_split) {
        editor.edit(second);
        // To its beginning, where the text was parted.
        request_animation_frame(move || {
            request_animation_frame(move || {
                if let Some(area) = editor.area() {
                    let _ = area.set_selection_range(0, 0);
                }
            });
        });
    }
}

/// A cue behind this one, to be written in.
pub fn insert(editor: Editor, key: Key) {
    let is_inserted =
        editor.change(key, |shown, at| correction::insert(shown, shown[at].cue.end, words::NEW_CUE));
    let new = editor.rows.with_untracked(|rows| rows.beside(key, 1));
    if let Some(new) = new.filter(|_| is_inserted) {
        editor.edit(new);
        request_animation_frame(move || {
            request_animation_frame(move || {
                if let Some(area) = editor.area() {
                    area.select();
                }
            });
        });
    }
}

/// This cue and all behind it, by the milliseconds in its field.
pub fn shift(editor: Editor, key: Key) {
    let field =
        editor.frame.get_untracked().and_then(|frame| frame.query_selector(".shift input").ok().flatten());
    let field = field.and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
    let Some(by) = field.and_then(|field| field.value().trim().parse::<i64>().ok()) else { return };
    editor.change(key, |shown, at| {
        let corrections = editor.state.with_untracked(|state| state.corrections.clone());
        correction::shift_from(shown, &corrections, at, by)
    });
}

impl Editor {
    fn area(self) -> Option<HtmlTextAreaElement> {
        let frame = self.frame.get_untracked()?;
        frame.query_selector(".form textarea").ok().flatten()?.dyn_into().ok()
    }
}

/// The text of the cue as it is now, instead of what was typed.
pub fn show_again(editor: Editor, key: Key) {
    let is_open = editor.open.get_untracked() == Some(key);
    let text = editor.rows.with_untracked(|rows| rows.get(key).map(|shown| shown.cue.text.clone()));
    if let (Some(area), Some(text)) = (editor.area().filter(|_| is_open), text) {
        put(&area, &text);
    }
}

/// Another text where a person may be: the cursor stays, as far as there is text.
fn put(area: &HtmlTextAreaElement, text: &str) {
    let place = area.selection_start().ok().flatten();
    area.set_value(text);
    if let Some(place) = place {
        let _ = area.set_selection_range(place, place);
    }
}
