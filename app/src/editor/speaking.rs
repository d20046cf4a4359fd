//! Marks the word that is spoken, in the cue where it stands.

use std::time::Duration;

use domain::{JobId, Timestamp, Version};
use js_sys::{Array, Function, Reflect};
use leptos::prelude::*;
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Range};

use super::Editor;
use super::rows::Key;
use crate::browser::request::{self, Answer};

/// What the style sheet calls the mark. It is no element: the text and its selection stay as they are.
const MARK: &str = "spoken";

/// Where the machine heard words begin, as far as was asked.
#[derive(Default)]
struct Heard {
    starts: Vec<Timestamp>,
    pages: u32,
    version: Version,
    is_asking: bool,
}

/// In the words of the server.
#[derive(Deserialize)]
struct Told {
    first_page: Option<u32>,
    pages: u32,
    version: Version,
    starts: Vec<Timestamp>,
}

impl Heard {
    /// What was heard since, or, of a job that started over, everything.
    fn take(&mut self, told: Told) {
        match told.first_page {
            Some(first) if first != self.pages => *self = Heard::default(),
            Some(first) => {
                self.starts.extend(told.starts);
                self.pages = first + told.pages;
                self.version = told.version;
            }
            None => {}
        }
    }
}

impl Editor {
    /// Follows the player, once it is played.
    pub fn mark_words(self) {
        let heard = StoredValue::new(Heard::default());
        let next = StoredValue::new(None::<TimeoutHandle>);
        Effect::new(move || {
            self.position.track();
            let active = self.active.get();
            self.mark(active, heard, next);
        });
        on_cleanup(move || clear(next));
    }

    fn mark(self, active: Option<Key>, heard: StoredValue<Heard>, next: StoredValue<Option<TimeoutHandle>>) {
        clear(next);
        let Some(media) = self.media.try_get_untracked().flatten() else { return };
        if !media.paused() {
            self.hear_more(heard);
        }
        let time = Timestamp::from_secs_f64(media.current_time());
        let found = active.and_then(|key| {
            self.rows.try_with_untracked(|rows| {
                let shown = rows.get(key)?;
                let (word, until) = heard.with_value(|heard| shown.word_at(&heard.starts, time))?;
                Some((range_of(&self.words_of(key)?, &shown.cue.text, word)?, until))
            })?
        });
        let until = found.as_ref().map(|(_, until)| *until);
        show(found.map(|(range, _)| range).as_ref());
        // The player tells its place four times a second, which is late for a short word.
        if let Some(until) = until.filter(|_| !media.paused()) {
            let wait = until.saturating_sub(time) as f64 / media.playback_rate().max(0.1);
            let again = move || self.mark(active, heard, next);
            next.set_value(set_timeout_with_handle(again, Duration::from_millis(wait as u64 + 1)).ok());
        }
    }

    /// Asks for the words of pages that came since, one request at a time.
    fn hear_more(self, heard: StoredValue<Heard>) {
        let known = self.state.with_untracked(|state| (state.job.id, state.job.pages));
        let asks = heard.try_update_value(|heard| {
            let asks = !heard.is_asking && heard.pages < known.1;
            heard.is_asking |= asks;
            asks.then_some(heard.version)
        });
        let Some(after) = asks.flatten() else { return };
        request::ask("GET", &address(known.0, after), &[], None, move |answer| {
            let told = match answer {
                Answer::Came { status: 200, body } => serde_json::from_str::<Told>(&body).ok(),
                Answer::Came { .. } | Answer::Lost => None,
            };
            // Without an answer it is asked again when the player goes on.
            heard.try_update_value(|heard| {
                heard.is_asking = false;
                told.into_iter().for_each(|told| heard.take(told));
            });
        });
    }

    fn words_of(self, key: Key) -> Option<Element> {
        let frame = self.frame.try_get_untracked().flatten()?;
        frame.query_selector(&format!("[data-key=\"{key}\"] .words")).ok().flatten()
    }
}

fn address(id: JobId, after: Version) -> String {
    format!("/api/v1/jobs/{id}/words?after={after}")
}

fn clear(next: StoredValue<Option<TimeoutHandle>>) {
    if let Some(waiting) = next.try_update_value(Option::take).flatten() {
        waiting.clear();
    }
}

/// Where a word of the text begins and ends, in units of UTF-16.
fn place(text: &str, word: usize) -> Option<(u32, u32)> {
    let word = text.split_whitespace().nth(word)?;
    let ahead = word.as_ptr() as usize - text.as_ptr() as usize;
    let begin = text[..ahead].encode_utf16().count() as u32;
    Some((begin, begin + word.encode_utf16().count() as u32))
}

/// The word in the pieces of text that a row is made of.
fn range_of(words: &Element, text: &str, word: usize) -> Option<Range> {
    let (begin, end) = place(text, word)?;
    let range = document().create_range().ok()?;
    let (mut passed, mut has_begun) = (0, false);
    let pieces = words.child_nodes();
    for at in 0..pieces.length() {
        let piece = pieces.item(at)?;
        // A doubted word is in an element of its own.
        let piece = piece.first_child().unwrap_or(piece);
        let Some(piece) = piece.dyn_ref::<web_sys::Text>() else { continue };
        let length = piece.length();
        if !has_begun && begin < passed + length {
            range.set_start(piece, begin - passed).ok()?;
            has_begun = true;
        }
        if has_begun && end <= passed + length {
            range.set_end(piece, end - passed).ok()?;
            return Some(range);
        }
        passed += length;
    }
    None
}

/// Browsers that know no such marks show none.
fn show(range: Option<&Range>) {
    let _ = try_show(range);
}

fn try_show(range: Option<&Range>) -> Result<(), JsValue> {
    let marks = Reflect::get(&Reflect::get(&window(), &"CSS".into())?, &"highlights".into())?;
    let function = |name: &str| Reflect::get(&marks, &name.into())?.dyn_into::<Function>();
    match range {
        Some(range) => {
            let make: Function = Reflect::get(&window(), &"Highlight".into())?.dyn_into()?;
            let mark = Reflect::construct(&make, &Array::of1(range))?;
            function("set")?.call2(&marks, &MARK.into(), &mark)?;
        }
        None => {
            function("delete")?.call1(&marks, &MARK.into())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_among_lines_and_letters_of_any_width() {
        let text = "𝒮o Ärger\nist da.";
        let check = |word, expect: Option<(u32, u32)>| assert_eq!(place(text, word), expect, "{word}");
        check(0, Some((0, 3)));
        check(1, Some((4, 9)));
        check(2, Some((10, 13)));
        check(3, Some((14, 17)));
        check(4, None);
    }

    #[test]
    fn words_of_later_pages_are_added_and_a_job_that_started_over_is_asked_about_anew() {
        let told = |first: u32, pages: u32, version: Version, starts: &[u64]| Told {
            first_page: Some(first),
            pages,
            version,
            starts: starts.iter().copied().map(Timestamp).collect(),
        };
        let mut heard = Heard::default();
        heard.take(told(0, 2, 3_000, &[10, 20]));
        heard.take(Told { first_page: None, ..told(0, 0, 3_000, &[]) });
        heard.take(told(2, 1, 4_000, &[30]));
        assert_eq!((heard.starts.len(), heard.pages, heard.version), (3, 3, 4_000));
        heard.take(told(0, 1, 7_000, &[15]));
        assert_eq!((heard.starts.len(), heard.pages, heard.version), (0, 0, 0));
    }
}
