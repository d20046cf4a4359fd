//! The transcript of a job, while it is still heard: read and followed on the page that watches it, and corrected on the
//! page that edits it.

/// A view that only the page that edits has. The WASM of the page that watches has neither it nor its code.
macro_rules! of_editing {
    ($editor:expr, $view:expr) => {{
        #[cfg(any(feature = "ssr", feature = "editor"))]
        let view = $editor.edits().then(|| $view);
        #[cfg(not(any(feature = "ssr", feature = "editor")))]
        let view = None::<()>;
        view
    }};
}

mod bar;
mod checks;
mod edits;
mod find;
mod form;
mod frame;
mod history;
mod keys;
mod line;
mod list;
mod outbox;
mod rows;
mod saving;
mod speaking;
mod stamp;
mod wave;
mod window;
pub mod words;

pub use edits::{Edits, Saved};
pub use frame::Transcript;
pub use rows::Rows;
pub use saving::read_corrections;

use std::time::Duration;

use domain::conformity::Fault;
use domain::correction::{self, Correction, ShownCue};
use domain::{Profile, Timestamp};
use leptos::html;
use leptos::prelude::*;

use crate::browser::scroll;
use crate::live::JobState;
use rows::Key;
use saving::Saving;
use wave::Wave;

/// Whether the code that changes cues is here: it is in a WASM file of its own, and on the server.
const HAS_TOOLS: bool = cfg!(any(feature = "ssr", feature = "editor"));

/// What the parts of the editor share.
#[derive(Clone, Copy)]
pub struct Editor {
    is_editing: bool,
    pub state: RwSignal<JobState>,
    pub media: NodeRef<html::Video>,
    /// Milliseconds into the media, as it plays or is sought.
    pub position: RwSignal<Option<u64>>,
    /// True in the browser, once the page is as the server rendered it.
    pub is_awake: RwSignal<bool>,
    /// What scrolls.
    pub frame: NodeRef<html::Div>,
    /// Told whenever it did.
    pub scrolled: Trigger,
    pub rows: Memo<Rows>,
    /// The cue that is spoken.
    pub active: Memo<Option<Key>>,
    /// Where the keyboard is. Its row stays in the document however far one scrolls.
    pub cursor: RwSignal<Option<Key>>,
    /// The cue that is edited.
    pub open: RwSignal<Option<Key>>,
    /// Ends when the reader scrolls or edits, so that neither fights with playing; a button resumes it.
    pub is_following: RwSignal<bool>,
    /// A row to be put into the document, since it is about to be looked at.
    pub wanted: RwSignal<Option<Key>>,
    /// Of the player; 1 is as it was spoken.
    pub speed: RwSignal<f64>,
    pub is_finding: RwSignal<bool>,
    /// The cue with the match that is shown.
    pub found: RwSignal<Option<Key>>,
    /// The rules that the cues are held against, and what is wrong with each.
    pub profile: RwSignal<Option<Profile>>,
    pub faults: Memo<Vec<Vec<Fault>>>,
    pub saving: Saving,
    pub wave: Wave,
    /// What is said aloud, politely.
    pub news: RwSignal<&'static str>,
    draft: StoredValue<Option<Draft>>,
    pause: StoredValue<Option<TimeoutHandle>>,
}

/// What is being typed and is no change yet.
#[derive(Clone)]
struct Draft {
    key: Key,
    text: String,
    /// The cue's text when typing began.
    on: String,
}

/// A pause in typing ends one step of the history.
const PAUSE: Duration = Duration::from_millis(600);

impl Editor {
    pub fn new(
        state: RwSignal<JobState>,
        rows: Memo<Rows>,
        media: NodeRef<html::Video>,
        position: RwSignal<Option<u64>>,
        is_editing: bool,
    ) -> Editor {
        let active = Memo::new(move |_| {
            let position = position.get()?;
            rows.with(|rows| rows.at(position))
        });
        let profile = RwSignal::new(None);
        Editor {
            is_editing,
            state,
            media,
            position,
            is_awake: RwSignal::new(false),
            frame: NodeRef::new(),
            scrolled: Trigger::new(),
            rows,
            active,
            cursor: RwSignal::new(None),
            open: RwSignal::new(None),
            is_following: RwSignal::new(true),
            wanted: RwSignal::new(None),
            speed: RwSignal::new(1.0),
            is_finding: RwSignal::new(false),
            found: RwSignal::new(None),
            profile,
            faults: Memo::new(move |_| rows.with(|rows| checks::faults(rows, profile.get()))),
            saving: Saving::new(),
            wave: Wave::new(),
            news: RwSignal::new(""),
            draft: StoredValue::new(None),
            pause: StoredValue::new(None),
        }
    }

    /// Whether cues can be changed here. Where it is known to be false, the compiler leaves out what asks it.
    pub fn edits(self) -> bool {
        HAS_TOOLS && self.is_editing
    }

    /// Makes a change of the cue `key` as one step. `make` is given all cues and the place of this one.
    pub fn change(self, key: Key, make: impl FnOnce(&[ShownCue], usize) -> Vec<Correction>) -> bool {
        self.commit(false);
        let rows = self.rows.get_untracked();
        let Some(at) = rows.place(key) else { return false };
        self.make(make(&rows.cues, at))
    }

    /// Makes changes as one step; false: there was nothing to change.
    pub fn make(self, changes: Vec<Correction>) -> bool {
        if changes.is_empty() {
            return false;
        }
        self.state.update(|state| state.edit(changes));
        self.save_later();
        true
    }

    pub fn undo(self) {
        self.commit(false);
        let changes = self.state.try_update(JobState::undo).flatten();
        self.turned_back(changes);
    }

    pub fn redo(self) {
        self.commit(false);
        let changes = self.state.try_update(JobState::redo).flatten();
        self.turned_back(changes);
    }

    /// Shows where something was taken back or done again.
    fn turned_back(self, changes: Option<Vec<Correction>>) {
        let Some(changes) = changes else { return };
        self.save_later();
        let from = changes.iter().map(|change| change.span().0).min().unwrap_or(Timestamp(0));
        let rows = self.rows.get_untracked();
        let at = rows.cues.iter().position(|shown| shown.span.0 >= from || shown.span.1 > from);
        let Some(key) = at.and_then(|at| rows.keys.get(at).copied()) else { return };
        match self.open.get_untracked() {
            Some(open) if rows.place(open).is_some() => {}
            Some(_) => self.edit(key),
            None => {
                self.cursor.set(Some(key));
                self.with_row(key, |frame, row| {
                    scroll::reveal(frame, row);
                    // The row that the keyboard was on may be gone.
                    if document().active_element().is_none_or(|active| active.tag_name() == "BODY") {
                        line::focus_words(row);
                    }
                });
            }
        }
    }

    /// Another text of the open cue, to be a change when the person pauses.
    pub fn typed(self, key: Key, text: String) {
        let on = match self.draft.get_value().filter(|draft| draft.key == key) {
            Some(draft) => draft.on,
            None => self
                .rows
                .with_untracked(|rows| rows.get(key).map(|shown| shown.cue.text.clone()).unwrap_or_default()),
        };
        self.draft.set_value(Some(Draft { key, text, on }));
        if let Some(pause) = self.pause.get_value() {
            pause.clear();
        }
        self.pause.set_value(set_timeout_with_handle(move || self.commit(false), PAUSE).ok());
    }

    /// The text that is typed for this cue and is no change yet.
    pub fn draft_of(self, key: Key) -> Option<String> {
        self.draft.get_value().filter(|draft| draft.key == key).map(|draft| draft.text)
    }

    /// What is typed becomes a change. Nothing typed takes the cue away, but only when it is left: whoever empties the
    /// text is about to write another one.
    pub fn commit(self, is_left: bool) {
        if !self.edits() {
            return;
        }
        let Some(Some(draft)) = self.draft.try_get_value() else { return };
        if !is_left && correction::clean(&draft.text).is_empty() {
            return;
        }
        self.draft.set_value(None);
        let rows = self.rows.get_untracked();
        let Some(at) = rows.place(draft.key) else { return };
        let changes = correction::set_text(&rows.cues, at, &draft.text);
        if rows.cues[at].cue.text == draft.on {
            self.make(changes);
        } else if !changes.is_empty() {
            // Somebody else's text came under the hands that typed.
            self.state.update(|state| state.contradict(changes));
            self.news.set(words::CONFLICT.get());
            form::show_again(self, draft.key);
        }
    }

    pub fn edit(self, key: Key) {
        self.commit(true);
        self.is_following.set(false);
        self.cursor.set(Some(key));
        self.open.set(Some(key));
        self.reveal(key);
    }

    /// Back to reading, at the same cue.
    pub fn leave(self) {
        self.commit(true);
        let Some(key) = self.open.get_untracked() else { return };
        self.open.set(None);
        self.focus(key);
    }

    /// Puts the keyboard on a row that is read.
    pub fn focus(self, key: Key) {
        self.is_following.set(false);
        self.cursor.set(Some(key));
        self.with_row(key, move |frame, row| {
            line::focus_words(row);
            scroll::reveal(frame, row);
        });
    }

    pub fn reveal(self, key: Key) {
        self.with_row(key, scroll::reveal);
    }

    /// Does something with the element of a row as soon as it is in the document.
    pub fn with_row(self, key: Key, act: impl FnOnce(&web_sys::Element, &web_sys::Element) + 'static) {
        self.wanted.set(Some(key));
        request_animation_frame(move || {
            let Some(frame) = self.frame.try_get_untracked().flatten() else { return };
            if let Ok(Some(row)) = frame.query_selector(&format!("[data-key=\"{key}\"]")) {
                act(&frame, &row);
            }
        });
    }

    /// The player to this moment.
    pub fn seek(self, time: Timestamp) {
        let Some(media) = self.media.get_untracked() else { return };
        media.set_current_time(time.as_secs_f64());
        self.position.set(Some(time.0));
    }

    /// Where the player is.
    pub fn playhead(self) -> Option<Timestamp> {
        let media = self.media.get_untracked()?;
        Some(Timestamp::from_secs_f64(media.current_time()))
    }
}
