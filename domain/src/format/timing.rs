//! What WebVTT and SRT share: lines, times, and cues that know the line they came from.

use super::ParseError;
use crate::{Cue, Timestamp, Track};

/// The lines of a file, whatever ends them, without the byte order mark.
pub(super) fn lines_of(text: &str) -> Vec<&str> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\r', '\n']) {
        lines.push(&rest[..end]);
        rest = if rest[end..].starts_with("\r\n") { &rest[end + 2..] } else { &rest[end + 1..] };
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// Start and end of `00:00:01.000 --> 00:00:02.000`; what follows the end (settings, positions) is ignored.
pub(super) fn parse_timing(line: &str) -> Option<(Timestamp, Timestamp)> {
    let (start, end) = line.split_once("-->")?;
    let end = end.split_whitespace().next()?;
    Some((parse_time(start.trim())?, parse_time(end)?))
}

/// `[hours:]minutes:seconds[.millis]`, with a point or a comma.
fn parse_time(text: &str) -> Option<Timestamp> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let mut parts = clock.rsplit(':');
    let seconds = number(parts.next()?)?;
    let minutes = number(parts.next()?)?;
    let hours = parts.next().map_or(Some(0), number)?;
    if parts.next().is_some() || minutes > 59 || seconds > 59 || fraction.len() > 3 {
        return None;
    }
    // "5" after the point is half a second.
    let millis = number(fraction)? * 10_u64.pow(3 - fraction.len() as u32);
    let seconds = hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds)?;
    Some(Timestamp(seconds.checked_mul(1000)?.checked_add(millis)?))
}

fn number(digits: &str) -> Option<u64> {
    // parse alone would take a plus sign.
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

pub(super) fn bad_times(line: usize, text: &str) -> ParseError {
    ParseError { line, problem: format!("these times cannot be read: {}", excerpt(text)) }
}

/// A piece of a foreign file that can be shown to people.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect::<String>().trim().to_owned()
}

/// Cues with the line of their times.
#[derive(Default)]
pub(super) struct CueLines {
    cues: Vec<Cue>,
    lines: Vec<usize>,
}

impl CueLines {
    /// Takes the next cue of the file; `text` is plain, in normal form. Refuses what makes no track.
    pub(super) fn push(
        &mut self,
        line: usize,
        times: (Timestamp, Timestamp),
        text: String,
    ) -> Result<(), ParseError> {
        let (start, end) = times;
        let number = self.cues.len() + 1;
        if end < start {
            return Err(ParseError { line, problem: format!("cue {number} ends before it starts") });
        }
        if let (Some(ahead), Some(ahead_line)) = (self.cues.last(), self.lines.last())
            && start < ahead.end
        {
            let problem = format!(
                "cue {number} starts at {start}, before the one ahead of it (line {ahead_line}) ends at {}",
                ahead.end
            );
            return Err(ParseError { line, problem });
        }
        self.cues.push(Cue { start, end, text, doubts: Vec::new() });
        self.lines.push(line);
        Ok(())
    }

    pub(super) fn into_track(self, language: Option<String>) -> Track {
        Track::arranged(language, self.cues)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_other_programs_write_them() {
        let check =
            |text: &str, expect: Option<u64>| assert_eq!(parse_time(text), expect.map(Timestamp), "{text:?}");
        check("00:00:01.500", Some(1500));
        check("00:00:01,500", Some(1500));
        check("1:02:03.004", Some(3_723_004));
        check("02:03.004", Some(123_004));
        check("100:00:00.000", Some(360_000_000));
        check("00:00:01", Some(1000));
        check("00:01.5", Some(1500));
        check("00:60.000", None);
        check("60:00.000", None);
        check("1.5", None);
        check("00:00:00:01.000", None);
        check("00:00:01.0000", None);
        check("00:00:01.", None);
        check("-0:01.000", None);
        check("+1:01.000", None);
        check("99999999999999999999:00:00.000", None);
        check("9999999999999999:00:00.000", None);
        check("", None);
    }

    #[test]
    fn lines_end_in_three_ways() {
        let check = |text: &str, expect: &[&str]| assert_eq!(lines_of(text), expect);
        check("a\nb\r\nc\rd", &["a", "b", "c", "d"]);
        check("\u{FEFF}a\n\n", &["a", ""]);
        check("", &[]);
    }
}
