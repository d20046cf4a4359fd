//! Rows of a list of jobs, and what was asked for.

use domain::{JobView, WallTime};
use serde::{Deserialize, Serialize};

/// What a list shows. The address of the start page says it in the same words; empty is what was not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobQuery {
    /// Words of titles and transcripts.
    pub q: String,
    pub status: String,
    /// Where the page before ended.
    pub cursor: String,
}

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JobRows {
    pub rows: Vec<JobRow>,
    /// `None` at the end.
    pub cursor: Option<String>,
    pub searched: Option<Searched>,
    /// Nobody can answer this: an address that was changed by hand, or is too old.
    pub is_unusable: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    pub job: JobView,
    pub place: Option<Place>,
    /// Of a search, where the transcript has the words.
    pub hits: Vec<Hit>,
    /// How many more there are.
    pub more_hits: u32,
}

/// Where a waiting job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// 1 is next.
    pub position: u32,
    /// Until it begins, if the speed of the workers and the length of what waits before it are known.
    pub wait_ms: Option<u64>,
}

/// A line of a transcript, around what was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    pub start_ms: u64,
    pub before: String,
    pub words: String,
    pub after: String,
}

/// How far a search looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    pub jobs: u32,
    /// When the last of them was made; `None`: there are no more.
    pub until: Option<WallTime>,
}

impl JobQuery {
    /// `text`: what the address says under a name.
    pub fn read(text: impl Fn(&str) -> String) -> JobQuery {
        JobQuery { q: text("q"), status: text("status"), cursor: text("cursor") }
    }

    /// The address of the start page that shows this.
    pub fn address(&self) -> String {
        self.address_at("/")
    }

    /// The same question at another address.
    pub fn address_at(&self, path: &str) -> String {
        let mut address = String::from(path);
        let mut sign = '?';
        for (name, value) in [("q", &self.q), ("status", &self.status), ("cursor", &self.cursor)] {
            if !value.is_empty() {
                address.push(sign);
                address.push_str(name);
                address.push('=');
                encode(value, &mut address);
                sign = '&';
            }
        }
        address
    }

    pub fn first_page(&self) -> JobQuery {
        JobQuery { cursor: String::new(), ..self.clone() }
    }

    /// The first page of all jobs: nothing is left out.
    pub fn is_all(&self) -> bool {
        *self == JobQuery::default()
    }
}

/// Percent-encodes all but what is safe in every part of an address.
fn encode(text: &str, address: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push('%');
            for digit in [byte >> 4, byte & 15] {
                address.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_asked_for_and_nothing_else() {
        let check = |q: &str, status: &str, cursor: &str, expect: &str| {
            let query = JobQuery { q: q.into(), status: status.into(), cursor: cursor.into() };
            assert_eq!(query.address(), expect);
        };
        check("", "", "", "/");
        check("ask not & \u{e9}?", "", "", "/?q=ask%20not%20%26%20%C3%A9%3F");
        check("", "failed", "12.ab", "/?status=failed&cursor=12.ab");
    }
}
