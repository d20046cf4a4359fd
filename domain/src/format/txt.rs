//! Plain text: each cue on a line of its own.

use super::ParseError;
use crate::{Track, payload};

pub(super) fn write(track: &Track) -> String {
    let mut file = String::new();
    for cue in track.normalized().cues() {
        file.push_str(&payload::in_one_line(&cue.text));
        file.push('\n');
    }
    file
}

/// The lines of text in a plain text file, without empty ones: the cues' texts, if we wrote it. This is all that
/// can be read back, as their times are not there.
pub fn lines(text: &str) -> Vec<String> {
    let normal = payload::normalized(text);
    normal.lines().map(str::to_owned).collect()
}

pub(super) fn no_times() -> ParseError {
    ParseError {
        line: 1,
        problem: "plain text has no times, so it makes no track: use VTT, SRT or JSON".into(),
    }
}
