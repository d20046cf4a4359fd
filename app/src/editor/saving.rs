//! Saves changes a moment after the last one, again and again until they are saved, and hears what others saved.

use std::time::Duration;

use domain::JobId;
use leptos::ev;
use leptos::prelude::*;

use super::edits::Saved;
use super::outbox::Kept;
use super::{Editor, words};
use crate::browser::request::{self, Answer};
use crate::browser::storage;
use crate::live::{self, JobState};
use crate::tr::Text;

/// After the last change.
const REST: Duration = Duration::from_millis(800);

/// Between two tries at least.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// How often what others saved is asked for before the next look at the whole job.
const READS: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Nothing was changed here.
    Nothing,
    Saving,
    Saved,
    Retrying,
    /// The server refuses it; another change is another try.
    Refused,
    Gone,
}

#[derive(Clone, Copy)]
pub struct Saving {
    pub said: RwSignal<Said>,
    timer: StoredValue<Option<TimeoutHandle>>,
    failures: StoredValue<u32>,
}

impl Saving {
    pub fn new() -> Saving {
        Saving {
            said: RwSignal::new(Said::Nothing),
            timer: StoredValue::new(None),
            failures: StoredValue::new(0),
        }
    }
}

impl Editor {
    /// Takes up what an earlier visit left, and loses nothing of this one.
    pub fn keep_safe(self) {
        let id = self.id();
        let left = storage::read(&place(id)).and_then(|text| serde_json::from_str::<Kept>(&text).ok());
        if let Some(kept) = left {
            self.state.update(|state| state.restore(kept));
            self.save_later();
        }
        let kept = Memo::new(move |_| self.state.with(|state| state.edits.outbox.kept(state.revision)));
        Effect::new(move |before: Option<bool>| kept.with(|kept| write_down(id, kept.as_ref(), before)));
        let leaving = window_event_listener(ev::beforeunload, move |event| {
            self.commit(true);
            let unsaved = self.state.with_untracked(|state| state.edits.outbox.kept(state.revision));
            write_down(id, unsaved.as_ref(), None);
            if unsaved.is_some() {
                event.prevent_default();
            }
        });
        let hiding = window_event_listener_untyped("pagehide", move |_| {
            self.commit(true);
            self.save();
        });
        let online = window_event_listener_untyped("online", move |_| self.save());
        on_cleanup(move || {
            leaving.remove();
            hiding.remove();
            online.remove();
        });
    }

    /// An earlier visit left changes that are not saved yet.
    pub fn has_unsaved(self) -> bool {
        storage::read(&place(self.id())).is_some()
    }

    fn id(self) -> JobId {
        self.state.with_untracked(|state| state.job.id)
    }

    pub fn save_later(self) {
        self.saving.said.set(Said::Saving);
        self.try_again(REST);
    }

    fn try_again(self, wait: Duration) {
        if let Some(timer) = self.saving.timer.try_get_value().flatten() {
            timer.clear();
        }
        let timer = set_timeout_with_handle(move || self.save(), wait).ok();
        self.saving.timer.try_set_value(timer);
    }

    /// Sends what there is, unless a request is under way: its answer comes back here.
    pub fn save(self) {
        let begun = self.state.try_maybe_update(|state| {
            let revision = state.revision;
            (false, state.edits.outbox.send().map(|changes| (revision, changes)))
        });
        let Some((revision, changes)) = begun.flatten() else { return };
        let Ok(json) = serde_json::to_string(&changes) else { return };
        let tag = format!("\"{revision}\"");
        let address = address(self.id());
        request::ask("POST", &address, &[("If-Match", &tag)], Some(&json), move |answer| {
            self.answered(answer)
        });
    }

    fn answered(self, answer: Answer) {
        let (status, body) = match answer {
            Answer::Came { status, body } => (status, body),
            Answer::Lost => (0, String::new()),
        };
        let saved = serde_json::from_str::<Saved>(&body).ok();
        match (status, saved) {
            (200, Some(saved)) => {
                let held = self.merged(|state| state.saved(saved));
                self.saving.failures.try_set_value(0);
                if self.state.try_with_untracked(|state| state.edits.outbox.has_unsent()) == Some(true) {
                    return self.try_again(REST);
                }
                self.say(Said::Saved, if held { words::CONFLICT.get() } else { words::SAVED.get() });
            }
            (412, Some(saved)) => {
                let is_held = self.merged(|state| state.merge(saved));
                self.say(Said::Saved, if is_held { words::CONFLICT.get() } else { "" });
                if self.state.try_with_untracked(|state| state.edits.outbox.has_unsent()) == Some(true) {
                    self.save_later();
                }
            }
            (404, _) => self.failed(Said::Gone, words::GONE),
            (400..=499, _) if status != 408 && status != 429 => self.failed(Said::Refused, words::NOT_SAVED),
            _ => {
                self.failed(Said::Retrying, words::RETRYING);
                let failures = self.saving.failures.try_update_value(|failures| {
                    *failures = failures.saturating_add(1);
                    *failures
                });
                let wait = live::backoff(failures.unwrap_or(0), js_sys::Math::random());
                self.try_again(wait.max(SHORTEST_WAIT));
            }
        }
    }

    /// Takes over what is saved; says whether something was set aside.
    fn merged(self, take: impl FnOnce(&mut JobState)) -> bool {
        self.commit(false);
        let held = self.state.try_update(|state| {
            let before = state.edits.outbox.conflicts.len();
            take(state);
            (state.edits.outbox.conflicts.len() > before, state.job.corrections > state.revision)
        });
        let (is_held, is_behind) = held.unwrap_or_default();
        if is_behind {
            read_corrections(self.state);
        }
        is_held
    }

    fn failed(self, said: Said, news: Text) {
        self.state.try_maybe_update(|state| (false, state.edits.outbox.returned()));
        self.say(said, news.get());
    }

    fn say(self, said: Said, news: &'static str) {
        self.saving.said.try_set(said);
        self.news.try_set(news);
    }
}

/// Asks for what others saved. An event tells only that they did.
pub fn read_corrections(state: RwSignal<JobState>) {
    read(state, 0);
}

fn read(state: RwSignal<JobState>, tries: u32) {
    let Some(id) = state.try_with_untracked(|state| state.job.id) else { return };
    request::ask("GET", &address(id), &[], None, move |answer| {
        let saved = match answer {
            Answer::Came { status: 200, body } => serde_json::from_str::<Saved>(&body).ok(),
            Answer::Came { .. } | Answer::Lost => None,
        };
        let is_current = state.try_maybe_update(|state| match saved {
            // While own changes are on their way, their answer tells.
            _ if state.edits.outbox.is_sending() => (false, true),
            Some(saved) if saved.revision > state.revision => {
                state.merge(saved);
                (true, state.job.corrections <= state.revision)
            }
            Some(_) | None => (false, state.job.corrections <= state.revision),
        });
        if is_current == Some(false) && tries < READS {
            let wait = live::backoff(tries, js_sys::Math::random()).max(SHORTEST_WAIT);
            set_timeout(move || read(state, tries + 1), wait);
        }
    });
}

fn address(id: JobId) -> String {
    format!("/api/v1/jobs/{id}/corrections")
}

fn place(id: JobId) -> String {
    format!("cuelight.unsaved.{id}")
}

/// Says whether something of this page is written there: another tab's is not for us to remove.
fn write_down(id: JobId, kept: Option<&Kept>, was_written: Option<bool>) -> bool {
    match kept.and_then(|kept| serde_json::to_string(kept).ok()) {
        Some(text) => storage::write(&place(id), &text),
        None => {
            if was_written == Some(true) {
                storage::remove(&place(id));
            }
            false
        }
    }
}
