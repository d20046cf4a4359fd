//! The transcript with what stands around it; what keys and clicks do in it.

use domain::JobStatus;
use domain::correction;
use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::bar::Bar;
use super::checks::Summary;
use super::find::Find;
use super::help::Help;
use super::keys::{self, Command, Place};
use super::list::{List, Rest};
use super::rows::Key;
use super::{Editor, form, line, words};
use crate::browser::scroll;
use crate::erase::EraseOnServer as _;
use crate::live::JobState;

#[component]
pub fn Transcript(
    state: RwSignal<JobState>,
    media: NodeRef<html::Video>,
    position: RwSignal<Option<u64>>,
) -> impl IntoView {
    let editor = Editor::new(state, media, position);
    let following = editor.is_following;
    Effect::new(move || {
        editor.is_awake.set(true);
        editor.keep_safe();
    });
    editor.follow_player();
    let scrolled = move || following.set(false);
    view! {
        <section
            class="transcript"
            aria-labelledby="transcript"
            on:keydown=move |event| editor.pressed(&event)
            on:click=move |event| editor.clicked(&event)
        >
            <header>
                <h2 id="transcript">"Transcript"</h2>
                {move || editor.is_awake.get().then(|| view! { <Bar editor /> })}
            </header>
            {move || editor.is_finding.get().then(|| view! { <Find editor /> })}
            {move || editor.profile.get().map(|profile| view! { <Summary editor profile /> })}
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
            <p class="unseen" id="transcript-hint">{words::HINT}</p>
            <p class="unseen" role="status">{move || editor.news.get()}</p>
            {move || editor.is_helping.get().then(|| view! { <Help editor /> })}
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

    pub fn to_end(self) {
        request_animation_frame(move || {
            if let Some(frame) = self.frame.try_get_untracked().flatten() {
                scroll::to_end(&frame);
            }
        });
    }

    fn clicked(self, event: &MouseEvent) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
            return;
        };
        let is_in = |selector: &str| target.closest(selector).ok().flatten().is_some();
        let Some(key) = line::key_of(&target) else { return };
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
            self.edit(key);
        }
    }

    fn pressed(self, event: &KeyboardEvent) {
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
        if let Some(command) = command
            && self.act(command, key, place)
        {
            event.prevent_default();
        }
    }

    /// False: there is nothing to do, so the key is the browser's.
    fn act(self, command: Command, key: Option<Key>, place: Place) -> bool {
        match command {
            Command::Help => self.is_helping.set(true),
            Command::Undo => self.undo(),
            Command::Redo => self.redo(),
            Command::Play | Command::Jump(_) | Command::Slower | Command::Faster => {
                return self.play(command);
            }
            Command::Leave => {
                if self.open.get_untracked().is_none() || self.is_helping.get_untracked() {
                    return false;
                }
                self.leave();
            }
            Command::Find => self.find(),
            Command::NextProblem => return self.to_problem(),
            Command::Walk(by) => return self.walk(key, by, place),
            _ => {
                let Some(key) = key.or(self.active.get_untracked()) else { return false };
                self.act_on(command, key);
            }
        }
        true
    }

    pub fn act_on(self, command: Command, key: Key) {
        let was_open = self.open.get_untracked().is_some();
        match command {
            Command::Open => self.edit(key),
            Command::Hear => {
                let start = self.rows.with_untracked(|rows| rows.get(key).map(|shown| shown.cue.start));
                start.into_iter().for_each(|start| self.seek(start));
            }
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
            Command::StartHere | Command::EndHere => {
                let Some(time) = self.playhead() else { return };
                self.set_times(key, |start, end| match command {
                    Command::StartHere => (time, end.max(time)),
                    _ => (start.min(time), time),
                });
            }
            _ => {}
        }
        if !was_open && self.open.get_untracked().is_none() && command != Command::Delete {
            self.focus(key);
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
            Place::Writing => self.edit(next),
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

fn waiting(state: &JobState) -> Option<&'static str> {
    let is_empty = state.pages.iter().all(|page| page.is_empty());
    match state.job.status {
        JobStatus::Completed if is_empty => {
            Some("No speech was found in this media, so there is nothing to read.")
        }
        JobStatus::Queued | JobStatus::Running if is_empty => {
            Some("The first words appear here as soon as they are heard.")
        }
        JobStatus::Running => Some("…"),
        _ => None,
    }
}
