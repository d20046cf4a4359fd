//! The transcript with what stands around it; what keys and clicks do in it.

use domain::JobStatus;
use domain::correction;
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement};

use super::bar::Bar;
use super::checks::Summary;
use super::find::Find;
use super::keys::{self, Command, Place};
use super::list::{List, Rest};
use super::rows::Key;
use super::rows::Rows;
use super::wave::{Waveform, ZOOM};
use super::{Editor, form, line, words};
use crate::browser::{address, scroll};
use crate::erase::EraseOnServer as _;
use crate::live::JobState;
use crate::tr::tr;

#[component]
pub fn Transcript(
    state: RwSignal<JobState>,
    rows: Memo<Rows>,
    media: NodeRef<html::Video>,
    position: RwSignal<Option<u64>>,
    is_editing: bool,
) -> impl IntoView {
    let editor = Editor::new(state, rows, media, position, is_editing);
    let following = editor.is_following;
    Effect::new(move || {
        editor.is_awake.set(true);
        if editor.edits() {
            editor.keep_safe();
            editor.begin();
        }
    });
    editor.follow_player();
    editor.mark_words();
    let has_bar = Memo::new(move |_| editor.is_awake.get() && editor.rows.with(|rows| !rows.keys.is_empty()));
    let scrolled = move || following.set(false);
    view! {
        {of_editing!(editor, {
            let has_media = Memo::new(move |_| state.with(|state| state.job.has_media));
            move || has_media.get().then(|| view! { <Waveform editor /> })
        })}
        <section
            class="transcript"
            class:editing=is_editing
            aria-labelledby="transcript"
            on:keydown=move |event| editor.pressed(&event)
            on:click=move |event| editor.clicked(&event)
        >
            <header>
                <h2 id="transcript">{tr!("Transcript")}</h2>
                {move || has_bar.get().then(|| view! { <Bar editor /> })}
            </header>
            {of_editing!(editor, move || editor.is_finding.get().then(|| view! { <Find editor /> }))}
            {of_editing!(editor, move || editor.profile.get().map(|profile| view! { <Summary editor profile /> }))}
            <div
                node_ref=editor.frame
                class="frame"
                tabindex="0"
                role="group"
                aria-labelledby="transcript"
                aria-describedby="transcript-hint"
                on:scroll=move |_| editor.scrolled.notify()
                on:wheel=move |_| scrolled()
                on:touchmove=move |_| scrolled()
            >
                <List editor />
                <Rest editor />
                {move || state.with(waiting).map(|words| view! { <p class="waiting">{words}</p> })}
            </div>
            <p class="unseen" id="transcript-hint">{if is_editing { words::HINT } else { words::WATCH_HINT }}</p>
            <p class="unseen" role="status">{move || editor.news.get()}</p>
        </section>
    }
    .erase_on_server()
}

impl Editor {
    /// Keeps the cue that is spoken in view, or before anything is played, the newest.
    fn follow_player(self) {
        Effect::new(move || {
            if let (Some(active), true) = (self.active.get(), self.is_following.get()) {
                self.with_row(active, scroll::center);
            }
        });
        let count = Memo::new(move |_| self.rows.with(|rows| rows.keys.len()));
        Effect::new(move |before: Option<usize>| {
            let count = count.get();
            let grew = before.is_some_and(|before| count > before);
            // Nobody watches yet: the newest words are what is worth seeing.
            if grew && self.is_following.get_untracked() && self.active.get_untracked().is_none() {
                self.to_end();
            }
            count
        });
    }

    fn follow(self) {
        self.is_following.set(true);
        if self.active.get_untracked().is_none() {
            self.to_end();
        }
    }

    pub fn to_end(self) {
        request_animation_frame(move || {
            if let Some(frame) = self.frame.try_get_untracked().flatten() {
                scroll::to_end(&frame);
            }
        });
    }

    pub fn clicked(self, event: &MouseEvent) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
            return;
        };
        let is_in = |selector: &str| target.closest(selector).ok().flatten().is_some();
        let key = line::key_of(&target);
        let button = target.closest("[data-do]").ok().flatten();
        let command = button.and_then(|button| Command::named(&button.get_attribute("data-do")?));
        if let Some(command) = command {
            self.act(command, key.or(self.cursor.get_untracked()), Place::Field);
            return;
        }
        let Some(key) = key else { return };
        if is_in("a.cue") {
            let Some(start) = self.rows.with_untracked(|rows| rows.get(key).map(|shown| shown.cue.start))
            else {
                return;
            };
            if self.media.get_untracked().is_some() {
                event.prevent_default();
                self.is_following.set(true);
                self.seek(start);
            }
        } else if is_in(".words") && !line::is_selecting() {
            self.act(Command::Open, Some(key), Place::Reading);
        }
    }

    pub fn pressed(self, event: &KeyboardEvent) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
            return;
        };
        let place = match target.tag_name().as_str() {
            "TEXTAREA" => Place::Writing,
            "INPUT" | "SELECT" | "BUTTON" | "A" | "SUMMARY" | "DIALOG" => Place::Field,
            _ => Place::Reading,
        };
        let control = event.ctrl_key() || event.meta_key();
        let command = keys::command(place, &event.key(), control, event.shift_key(), event.alt_key());
        let key = line::key_of(&target).or(self.open.get_untracked()).or(self.cursor.get_untracked());
        let is_shift = event.key() == "Enter" && target.closest(".shift input").ok().flatten().is_some();
        let command = if is_shift { Some(Command::Shift) } else { command };
        if let Some(command) = command
            && self.act(command, key, place)
        {
            event.prevent_default();
        }
    }

    /// False: there is nothing to do, so the key is the browser's.
    fn act(self, command: Command, key: Option<Key>, place: Place) -> bool {
        match command {
            Command::Help => help(),
            Command::Play | Command::Jump(_) | Command::Slower | Command::Faster => {
                return self.play(command);
            }
            Command::Follow => self.follow(),
            Command::Walk(by) => return self.walk(key, by, place),
            _ if self.edits() => return self.change_by(command, key),
            Command::Hear | Command::Open => match key.or(self.active.get_untracked()) {
                Some(key) => {
                    self.hear(key);
                    self.focus(key);
                    self.is_following.set(true);
                }
                None => return false,
            },
            Command::Edit => self.to_editor(key),
            // Where no times are changed, the arrows are those of a player.
            Command::Nudge { by, .. } => return self.play(Command::Jump(if by < 0 { -5 } else { 5 })),
            _ => return false,
        }
        true
    }

    /// What only the page that edits can do.
    fn change_by(self, command: Command, key: Option<Key>) -> bool {
        match command {
            Command::Undo => self.undo(),
            Command::Redo => self.redo(),
            Command::Leave => {
                // What is drawn is let go of first.
                if self.open.get_untracked().is_none() || self.is_dragging() {
                    return false;
                }
                self.leave();
            }
            Command::Find => self.find(),
            Command::NextProblem => return self.to_problem(),
            Command::FixAll => self.fix_all(),
            Command::ZoomIn => self.zoom(1.0 / ZOOM),
            Command::ZoomOut => self.zoom(ZOOM),
            _ => {
                let Some(key) = key.or(self.active.get_untracked()) else { return false };
                self.act_on(command, key);
            }
        }
        true
    }

    fn hear(self, key: Key) {
        let start = self.rows.with_untracked(|rows| rows.get(key).map(|shown| shown.cue.start));
        start.into_iter().for_each(|start| self.seek(start));
    }

    /// The keyboard to where the page that watches was left.
    fn begin(self) {
        if let Some(key) = self.active.get_untracked() {
            self.focus(key);
            self.is_following.set(true);
        }
    }

    /// To the page that edits, at this cue.
    fn to_editor(self, key: Option<Key>) {
        let start = self.rows.with_untracked(|rows| rows.get(key?).map(|shown| shown.cue.start.0));
        if let Some(start) = start {
            self.position.set(Some(start));
        }
        address::go(&self.other_page());
    }

    /// The page that edits, seen from the one that watches, and the other way round; both at this moment.
    pub fn other_page(self) -> String {
        let id = self.state.with(|state| state.job.id);
        let edit = if self.edits() { "" } else { "edit&" };
        match self.position.get() {
            Some(position) => format!("/jobs/{id}?{edit}t={position}"),
            None => format!("/jobs/{id}?{edit}").trim_end_matches(['?', '&']).to_owned(),
        }
    }

    pub fn act_on(self, command: Command, key: Key) {
        let was_open = self.open.get_untracked().is_some();
        match command {
            Command::Open | Command::Edit => self.edit(key),
            Command::Hear => self.hear(key),
            Command::Split => form::split(self, key),
            Command::Merge => {
                self.change(key, correction::merge);
            }
            Command::Insert => form::insert(self, key),
            Command::Delete => {
                let next = self.rows.with_untracked(|rows| {
                    rows.beside(key, 1).filter(|next| *next != key).or(rows.beside(key, -1))
                });
                if self.change(key, correction::delete) {
                    self.open.set(None);
                    if let Some(next) = next.filter(|next| *next != key) {
                        self.focus(self.rows.with_untracked(|rows| rows.place(next).map_or(key, |_| next)));
                    }
                }
            }
            Command::Reset => {
                self.change(key, correction::reset);
            }
            Command::Shift => form::shift(self, key),
            Command::Snap => self.snap(key),
            Command::Nudge { is_start, by } => self.nudge(key, is_start, by),
            Command::StartEarlier => self.nudge(key, true, -form::STEP_MS),
            Command::StartLater => self.nudge(key, true, form::STEP_MS),
            Command::EndEarlier => self.nudge(key, false, -form::STEP_MS),
            Command::EndLater => self.nudge(key, false, form::STEP_MS),
            Command::KeepMine => self.decide(key, true),
            Command::TakeTheirs => self.decide(key, false),
            Command::StartHere | Command::EndHere => {
                let Some(time) = self.playhead() else { return };
                self.set_times(key, |start, end| match command {
                    Command::StartHere => (time, end.max(time)),
                    _ => (start.min(time), time),
                });
            }
            _ => {}
        }
        if was_open || self.open.get_untracked().is_some() {
            return;
        }
        match command {
            Command::Delete => {}
            // Whoever looks at the waveform stays there.
            Command::Snap | Command::Nudge { .. } => self.cursor.set(Some(key)),
            _ => self.focus(key),
        }
    }

    fn walk(self, key: Option<Key>, by: isize, place: Place) -> bool {
        let first = self.active.get_untracked();
        let rows = self.rows.get_untracked();
        let next = match key.filter(|key| rows.place(*key).is_some()) {
            Some(key) => rows.beside(key, by),
            None => first.or(rows.keys.first().copied()),
        };
        let Some(next) = next else { return false };
        match place {
            Place::Writing if self.edits() => self.edit(next),
            _ => self.focus(next),
        }
        true
    }

    fn play(self, command: Command) -> bool {
        let Some(media) = self.media.get_untracked() else { return false };
        match command {
            Command::Play if media.paused() => {
                // Refused only where there is nothing to play.
                let _ = media.play();
            }
            Command::Play => {
                let _ = media.pause();
            }
            Command::Jump(seconds) => {
                media.set_current_time((media.current_time() + f64::from(seconds)).max(0.0))
            }
            _ => {
                let step = if command == Command::Faster { 0.25 } else { -0.25 };
                let speed = (media.playback_rate() + step).clamp(0.5, 2.0);
                media.set_playback_rate(speed);
                self.speed.set(speed);
            }
        }
        true
    }
}

/// Shows all keys. The window for it stands in the document as the server wrote it.
fn help() {
    let dialog = document().query_selector("dialog.help").ok().flatten();
    if let Some(dialog) = dialog.as_ref().and_then(|dialog| dialog.dyn_ref::<HtmlDialogElement>()) {
        // Fails only if it is open already.
        let _ = dialog.show_modal();
    }
}

fn waiting(state: &JobState) -> Option<&'static str> {
    let is_empty = state.pages.iter().all(|page| page.is_empty());
    match state.job.status {
        JobStatus::Completed if is_empty => {
            Some(tr!("No speech was found in this media, so there is nothing to read."))
        }
        JobStatus::Queued | JobStatus::Running if is_empty => {
            Some(tr!("The first words appear here as soon as they are heard."))
        }
        JobStatus::Running => Some("…"),
        _ => None,
    }
}
