//! Advanced SubStation Alpha, as libass and Aegisub read it.
//!
//! Times are whole hundredths of a second; a cue shorter than that gets one, and what follows starts after it.

use std::fmt::Write as _;

use super::ParseError;
use super::timing::{CueLines, excerpt, lines_of};
use crate::payload::{self, WORD_JOINER};
use crate::{Timestamp, Track};

/// The shorter side of the picture, in the units of the style.
const SHORT_SIDE: u64 = 1080;

/// What every script begins with.
const INFO: &str = "\
[Script Info]
ScriptType: v4.00+
WrapStyle: 0
ScaledBorderAndShadow: yes
";

/// White text with a black outline near the lower edge.
const STYLE: &str = "
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,58,&H00FFFFFF,&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,96,96,64,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
";

/// The track for a picture of so many pixels: letters are as large beside its shorter side, whichever that is.
pub fn write_for(track: &Track, width: u32, height: u32) -> String {
    let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
    let short = width.min(height);
    let [across, down] = [width, height].map(|side| side * SHORT_SIDE / short);
    let mut file = format!("{INFO}PlayResX: {across}\nPlayResY: {down}\n{STYLE}");
    let mut free_from = 0;
    for cue in track.normalized().cues() {
        let start = hundredths(cue.start).max(free_from);
        let end = hundredths(cue.end).max(start + 1);
        free_from = end;
        writeln!(file, "Dialogue: 0,{},{},Default,,0,0,0,,{}", time(start), time(end), escaped(&cue.text))
            .expect("a string takes everything");
    }
    file
}

pub(super) fn write(track: &Track) -> String {
    write_for(track, 1920, 1080)
}

fn hundredths(timestamp: Timestamp) -> u64 {
    timestamp.0.saturating_add(5) / 10
}

fn time(hundredths: u64) -> String {
    let seconds = hundredths / 100;
    format!("{}:{:02}:{:02}.{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60, hundredths % 100)
}

/// A brace opens an override, and a backslash starts an escape; behind a word joiner it does not.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\N"),
            '{' => safe.push_str("\\{"),
            '}' => safe.push_str("\\}"),
            '\\' => safe.extend(['\\', WORD_JOINER]),
            _ => safe.push(c),
        }
    }
    safe
}

pub(super) fn read(text: &str) -> Result<Track, ParseError> {
    let mut cues = CueLines::default();
    let mut events = Events::default();
    let mut dialogues = Vec::new();
    let lines = lines_of(text);
    let is_script = lines.iter().any(|line| line.trim().eq_ignore_ascii_case("[script info]"));
    if !is_script {
        return Err(ParseError { line: 1, problem: "an ASS file has a section [Script Info]".into() });
    }
    for (index, line) in lines.iter().enumerate() {
        if line.starts_with('[') {
            events.are_here = line.trim().eq_ignore_ascii_case("[events]");
        } else if let Some(names) = line.strip_prefix("Format:").filter(|_| events.are_here) {
            events.learn(names);
        } else if let Some(fields) = line.strip_prefix("Dialogue:").filter(|_| events.are_here) {
            let (times, text) = events.dialogue(fields).ok_or_else(|| ParseError {
                line: index + 1,
                problem: format!("this dialogue cannot be read: {}", excerpt(line)),
            })?;
            dialogues.push((index + 1, times, payload::normalized(&unescaped(text))));
        }
    }
    // Programs write events in any order.
    dialogues.sort_by_key(|(_, (start, _), _)| *start);
    for (line, times, text) in dialogues {
        cues.push(line, times, text)?;
    }
    Ok(cues.into_track(None))
}

/// Where the fields of an event stand; a `Format:` line says it.
struct Events {
    are_here: bool,
    start: usize,
    end: usize,
    count: usize,
}

impl Default for Events {
    fn default() -> Events {
        Events { are_here: false, start: 1, end: 2, count: 10 }
    }
}

impl Events {
    fn learn(&mut self, names: &str) {
        let names: Vec<String> = names.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        if let (Some(start), Some(end)) = (place("start"), place("end")) {
            (self.start, self.end, self.count) = (start, end, names.len());
        }
    }

    /// Times and text; the text is the last field, and may hold commas.
    fn dialogue<'a>(&self, fields: &'a str) -> Option<((Timestamp, Timestamp), &'a str)> {
        let fields: Vec<&str> = fields.splitn(self.count, ',').collect();
        if fields.len() < self.count {
            return None;
        }
        let times = (parse_time(fields[self.start].trim())?, parse_time(fields[self.end].trim())?);
        Some((times, fields[self.count - 1]))
    }
}

/// `hours:minutes:seconds.hundredths`
fn parse_time(text: &str) -> Option<Timestamp> {
    let (clock, hundredths) = text.split_once('.')?;
    let [hours, minutes, seconds]: [&str; 3] = clock.split(':').collect::<Vec<&str>>().try_into().ok()?;
    if hundredths.len() != 2 {
        return None;
    }
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let (minutes, seconds) = (number(minutes)?, number(seconds)?);
    if minutes > 59 || seconds > 59 {
        return None;
    }
    let seconds = number(hours)?.checked_mul(3600)?.checked_add(minutes * 60 + seconds)?;
    Some(Timestamp(seconds.checked_mul(1000)?.checked_add(number(hundredths)? * 10)?))
}

/// Text without overrides, with its line ends and braces.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '{']) {
        plain.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if rest[at..].starts_with('{') {
            match after.find('}') {
                Some(end) => rest = &after[end + 1..],
                None => {
                    plain.push('{');
                    rest = after;
                }
            }
            continue;
        }
        let escape = after.chars().next();
        match escape {
            Some('N' | 'n') => plain.push('\n'),
            Some('h') => plain.push('\u{A0}'),
            Some(brace @ ('{' | '}')) => plain.push(brace),
            Some(WORD_JOINER) => plain.push('\\'),
            _ => plain.push('\\'),
        }
        let is_escape = matches!(escape, Some('N' | 'n' | 'h' | '{' | '}' | WORD_JOINER));
        rest = &after[escape.filter(|_| is_escape).map_or(0, char::len_utf8)..];
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(events: &str) -> String {
        format!("[Script Info]\r\nTitle: a\r\n\r\n[Events]\r\n{events}")
    }

    #[test]
    fn foreign_scripts_are_read() {
        let check = |events: &str, expect: &[(u64, u64, &str)]| {
            let cues = read(&file(events)).unwrap().into_cues();
            let cues: Vec<_> = cues.iter().map(|cue| (cue.start.0, cue.end.0, cue.text.as_str())).collect();
            assert_eq!(cues, expect, "{events}");
        };
        check(
            "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\an8}Hi, \\Nyou\\h\\{there\\}",
            &[(1000, 2500, "Hi,\nyou\u{A0}{there}")],
        );
        check(
            "Format: Start, End, Text\nDialogue: 0:00:03.00,0:00:04.00,b, c\nComment: 0:00:00.00,0:00:01.00,no\n\
             Dialogue: 0:00:01.00,0:00:02.00,a",
            &[(1000, 2000, "a"), (3000, 4000, "b, c")],
        );
        check("Dialogue: 0,0:00:01.00,0:00:02.00,,,,,,,C:\\temp {plain", &[(1000, 2000, "C:\\temp {plain")]);
        check("", &[]);
    }

    #[test]
    fn letters_are_as_large_beside_the_shorter_side_of_a_picture() {
        let check = |width, height, expect: &str| {
            let file = write_for(&Track::default(), width, height);
            assert!(file.contains(expect), "{width}x{height}: {file}");
        };
        check(1920, 1080, "\nPlayResX: 1920\nPlayResY: 1080\n\n[V4+ Styles]\n");
        check(640, 480, "PlayResX: 1440\nPlayResY: 1080\n");
        check(720, 1280, "PlayResX: 1080\nPlayResY: 1920\n");
        check(0, u32::MAX, "PlayResX: 1080\n");
        assert_eq!(write_for(&Track::default(), 3840, 2160), write(&Track::default()));
    }

    #[test]
    fn what_is_no_script_is_refused_with_its_line() {
        let check = |text: &str, line: usize, problem: &str| {
            assert_eq!(read(text), Err(ParseError { line, problem: problem.into() }));
        };
        check("1\n00:00:01,000 --> 00:00:02,000\nHi", 1, "an ASS file has a section [Script Info]");
        check(
            &file("Dialogue: 0,soon,later,,,,,,,Hi"),
            5,
            "this dialogue cannot be read: Dialogue: 0,soon,later,,,,,,,Hi",
        );
        check(&file("Dialogue: 0,0:00:01.00"), 5, "this dialogue cannot be read: Dialogue: 0,0:00:01.00");
    }

    #[test]
    fn cues_closer_than_a_hundredth_stay_apart() {
        let cue = |start, end| crate::Cue {
            start: Timestamp(start),
            end: Timestamp(end),
            text: "a".into(),
            doubts: Vec::new(),
        };
        let track = Track::new(None, vec![cue(1000, 1001), cue(1001, 1004), cue(1004, 2000)]).unwrap();
        let times: Vec<(u64, u64)> =
            read(&write(&track)).unwrap().cues().iter().map(|cue| (cue.start.0, cue.end.0)).collect();
        assert_eq!(times, [(1000, 1010), (1010, 1020), (1020, 2000)]);
    }
}
