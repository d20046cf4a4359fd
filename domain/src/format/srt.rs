//! SubRip, as it is found: there is no standard.

use super::ParseError;
use super::markup::{opens_tag, without_overrides, without_tags};
use super::timing::{CueLines, bad_times, excerpt, lines_of, parse_timing};
use crate::payload::{self, WORD_JOINER};
use crate::{Timestamp, Track};

pub(super) fn write(track: &Track) -> String {
    let mut file = String::new();
    for (index, cue) in track.normalized().cues().iter().enumerate() {
        let (start, end) = (time(cue.start), time(cue.end));
        file.push_str(&format!("{}\n{start} --> {end}\n{}\n\n", index + 1, guarded(&cue.text)));
    }
    file
}

fn time(timestamp: Timestamp) -> String {
    timestamp.to_string().replace('.', ",")
}

/// Text that no player takes for markup or times: see the module above.
fn guarded(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (index, c) in text.char_indices() {
        let after = &text[index + c.len_utf8()..];
        if c == '>' && text[..index].ends_with("--") {
            safe.push(WORD_JOINER);
        }
        safe.push(c);
        if (c == '<' && opens_tag(after)) || (c == '{' && after.starts_with('\\')) {
            safe.push(WORD_JOINER);
        }
    }
    safe
}

pub(super) fn read(text: &str) -> Result<Track, ParseError> {
    let lines = lines_of(text);
    let mut cues = CueLines::default();
    let Some(mut times_at) = next_times(&lines, 0)? else {
        return match lines.iter().position(|line| !line.trim().is_empty()) {
            Some(index) => Err(no_cue(index, lines[index])),
            None => Ok(Track::default()),
        };
    };
    let ahead = &lines[..head_of(&lines, times_at, 0)];
    if let Some(index) = ahead.iter().position(|line| !line.trim().is_empty()) {
        return Err(no_cue(index, lines[index]));
    }
    loop {
        let times = parse_timing(lines[times_at]).ok_or_else(|| bad_times(times_at + 1, lines[times_at]))?;
        let next = next_times(&lines, times_at + 1)?;
        // An empty line inside the text of a foreign cue ends nothing: the next times do.
        let end = next.map_or(lines.len(), |next| head_of(&lines, next, times_at + 1));
        let text = lines[times_at + 1..end].join("\n");
        cues.push(times_at + 1, times, payload::normalized(&without_overrides(&without_tags(&text))))?;
        match next {
            Some(next) => times_at = next,
            None => return Ok(cues.into_track(None)),
        }
    }
}

/// Index of the next line of times. A line that looks like times but has none is an error, not text.
fn next_times(lines: &[&str], from: usize) -> Result<Option<usize>, ParseError> {
    for (index, line) in lines.iter().enumerate().skip(from) {
        if parse_timing(line).is_some() {
            return Ok(Some(index));
        }
        let line_start = line.trim_start();
        if line.contains("-->") && line_start.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return Err(bad_times(index + 1, line));
        }
    }
    Ok(None)
}

/// Where the cue with these times begins: at its number, if it has one.
fn head_of(lines: &[&str], times_at: usize, from: usize) -> usize {
    let is_number =
        |line: &str| !line.trim().is_empty() && line.trim().bytes().all(|byte| byte.is_ascii_digit());
    if times_at > from && is_number(lines[times_at - 1]) { times_at - 1 } else { times_at }
}

fn no_cue(index: usize, line: &str) -> ParseError {
    let problem =
        format!("an SRT file starts with a number and times, and this is neither: {}", excerpt(line));
    ParseError { line: index + 1, problem }
}
