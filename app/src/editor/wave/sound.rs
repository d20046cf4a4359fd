//! How loud the media is, as far as it is heard, read from the server.

use std::time::Duration;

use domain::Version;
use leptos::prelude::*;
use serde::Deserialize;

use crate::browser::request::{self, Answer};
use crate::live::{self, JobState};

/// Between two reads at least, however fast cues arrive.
const REST: Duration = Duration::from_secs(5);

/// The answer of the server, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Read {
    first_page: Option<u32>,
    version: Version,
    letters: String,
}

/// What was read so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letters {
    /// See [`domain::peaks`].
    pub text: String,
    version: Version,
}

impl Letters {
    /// Takes what is new. A job that was started over begins at its first page again.
    fn take(&mut self, read: Read) {
        match read.first_page {
            None => {}
            Some(0) => self.text = read.letters,
            Some(_) => self.text.push_str(&read.letters),
        }
        self.version = self.version.max(read.version);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    /// A read is under way, or was a moment ago.
    Resting,
    /// The same, and there is more to read.
    Again,
}

/// What is said where there is nothing to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Reading,
    Here,
    Failed,
}

#[derive(Clone, Copy)]
pub struct Sound {
    pub letters: StoredValue<Letters>,
    /// Notified when there are more of them.
    pub grew: Trigger,
    pub told: RwSignal<Told>,
    due: StoredValue<Due>,
    failures: StoredValue<u32>,
}

impl Sound {
    pub fn new() -> Sound {
        Sound {
            letters: StoredValue::new(Letters::default()),
            grew: Trigger::new(),
            told: RwSignal::new(Told::Reading),
            due: StoredValue::new(Due::Nothing),
            failures: StoredValue::new(0),
        }
    }

    /// Reads what is there, and what comes, until the job has ended.
    pub fn keep_up(self, state: RwSignal<JobState>) {
        let heard = Memo::new(move |_| {
            state.with(|state| (state.job.pages, state.job.attempt, state.job.status.is_terminal()))
        });
        Effect::new(move || {
            // Not only tracked: a memo that nobody reads tells nothing.
            heard.get();
            match self.due.get_value() {
                Due::Nothing => self.read(state),
                Due::Resting | Due::Again => self.due.set_value(Due::Again),
            }
        });
    }

    fn read(self, state: RwSignal<JobState>) {
        let Some(id) = state.try_with_untracked(|state| state.job.id) else { return };
        let Some(after) = self.letters.try_with_value(|letters| letters.version) else { return };
        self.due.set_value(Due::Resting);
        let address = format!("/api/v1/jobs/{id}/peaks?after={after}");
        request::ask("GET", &address, &[], None, move |answer| {
            let read = match answer {
                Answer::Came { status: 200, body } => serde_json::from_str::<Read>(&body).ok(),
                Answer::Came { .. } | Answer::Lost => None,
            };
            let rest = self.answered(read);
            set_timeout(
                move || match self.due.try_get_value() {
                    Some(Due::Again) => self.read(state),
                    Some(_) => {
                        self.due.try_set_value(Due::Nothing);
                    }
                    None => {}
                },
                rest,
            );
        });
    }

    /// How long to wait before the next read.
    fn answered(self, read: Option<Read>) -> Duration {
        let Some(read) = read else {
            self.told.try_set(Told::Failed);
            self.due.try_set_value(Due::Again);
            let failures = self.failures.try_update_value(|failures| {
                *failures = failures.saturating_add(1);
                *failures
            });
            return live::backoff(failures.unwrap_or(0), js_sys::Math::random()).max(REST);
        };
        self.failures.try_set_value(0);
        self.told.try_set(Told::Here);
        self.letters.try_update_value(|letters| letters.take(read));
        self.grew.notify();
        REST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_follow_each_other_and_begin_again_with_the_job() {
        let mut letters = Letters::default();
        let mut check = |first_page, version, more: &str, expect: &str| {
            letters.take(Read { first_page, version, letters: more.into() });
            assert_eq!((letters.text.as_str(), letters.version), (expect, version), "{more}");
        };
        check(None, 0, "", "");
        check(Some(0), 2_000, "ab", "ab");
        check(Some(1), 4_000, "cd", "abcd");
        check(None, 4_000, "", "abcd");
        check(Some(0), 9_000, "x", "x");
    }
}
