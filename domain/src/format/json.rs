//! JSON: the track as it is, times in milliseconds.
//!
//! `{"language": "en", "cues": [{"start": 0, "end": 1500, "text": "Hello."}]}`

use super::ParseError;
use crate::Track;

pub(super) fn write(track: &Track) -> String {
    let mut file = serde_json::to_string_pretty(track).expect("strings and whole numbers always make JSON");
    file.push('\n');
    file
}

pub(super) fn read(text: &str) -> Result<Track, ParseError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    serde_json::from_str(text).map_err(|error| {
        let problem = error.to_string();
        // The line stands in its own field.
        let problem =
            problem.rsplit_once(" at line ").map_or(problem.as_str(), |(problem, _)| problem).to_owned();
        ParseError { line: error.line().max(1), problem }
    })
}
