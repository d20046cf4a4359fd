//! WebVTT: <https://www.w3.org/TR/webvtt1/>.

use super::markup::{without_entities, without_tags};
use super::timing::{CueLines, bad_times, excerpt, lines_of, parse_timing};
use super::{ParseError, language_tag};
use crate::{Cue, Track, payload};

/// The language goes into a comment: the format itself has no place for it.
pub(super) fn write(track: &Track) -> String {
    write_with(track, |cue| escaped(&cue.text))
}

/// `payload` makes the text of a cue, escaped.
pub(super) fn write_with(track: &Track, mut payload: impl FnMut(&Cue) -> String) -> String {
    let track = track.normalized();
    let mut file = "WEBVTT\n".to_owned();
    if let Some(language) = track.language.as_deref().and_then(language_tag) {
        file.push_str(&format!("\nNOTE Language: {language}\n"));
    }
    for cue in track.cues() {
        file.push_str(&format!("\n{} --> {}\n{}\n", cue.start, cue.end, payload(cue)));
    }
    file
}

/// Without a bare `>` there is no `-->` either.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub(super) fn read(text: &str) -> Result<Track, ParseError> {
    let lines = lines_of(text);
    let is_signed = lines.first().and_then(|line| line.strip_prefix("WEBVTT"));
    if !is_signed.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return Err(ParseError { line: 1, problem: "a WebVTT file starts with the word WEBVTT".into() });
    }
    let mut cues = CueLines::default();
    let mut language = None;
    let mut is_header = true;
    let mut index = 1;
    while index < lines.len() {
        if lines[index].trim().is_empty() {
            is_header = false;
            index += 1;
            continue;
        }
        let length = lines[index..].iter().take_while(|line| !line.trim().is_empty()).count();
        let block = &lines[index..index + length];
        // Times may follow the signature at once, and each other: some programs leave empty lines out.
        let timing = block.iter().take(2).position(|line| line.contains("-->"));
        let Some(timing) = timing.filter(|_| !is_comment(block[0])) else {
            if is_header || is_comment(block[0]) {
                language = language.or_else(|| block.iter().find_map(|line| noted_language(line)));
            } else if !is_definition(block[0]) {
                let problem = format!("this is neither a cue nor a comment: {}", excerpt(block[0]));
                return Err(ParseError { line: index + 1, problem });
            }
            is_header = false;
            index += length;
            continue;
        };
        let times_at = index + timing;
        let times = parse_timing(lines[times_at]).ok_or_else(|| bad_times(times_at + 1, lines[times_at]))?;
        let body = block[timing + 1..].iter().take_while(|line| !line.contains("-->")).count();
        // A number just ahead of the next times is that cue's name, not this cue's text.
        let is_next_named = timing + 1 + body < length
            && body > 0
            && block[timing + body].trim().bytes().all(|byte| byte.is_ascii_digit());
        let body = if is_next_named { body - 1 } else { body };
        let text = block[timing + 1..timing + 1 + body].join("\n");
        cues.push(times_at + 1, times, payload::normalized(&without_entities(&without_tags(&text))))?;
        is_header = false;
        index = times_at + 1 + body;
    }
    Ok(cues.into_track(language))
}

fn is_comment(line: &str) -> bool {
    line.strip_prefix("NOTE").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn is_definition(line: &str) -> bool {
    ["STYLE", "REGION"].contains(&line.trim_end())
}

/// Our own comment, and the header that some sites write.
fn noted_language(line: &str) -> Option<String> {
    let line = line.strip_prefix("NOTE").unwrap_or(line).trim();
    language_tag(line.strip_prefix("Language:")?.trim()).map(str::to_owned)
}
