//! Whether cues keep to a house style, and what can be done where they do not.

use serde::{Deserialize, Serialize};

use crate::correction::{self, Correction, ShownCue};
use crate::segment::{self, Norms};
use crate::{Cue, Profile, Timestamp};

/// What is wrong with a cue: what it has, and what the profile asks for. Widths in cells, of which a Latin letter takes
/// one and a Chinese character two; times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    Empty,
    TooManyLines {
        is: u64,
        most: u64,
    },
    LineTooLong {
        is: u64,
        most: u64,
    },
    /// Cells a second.
    TooFast {
        is: u64,
        most: u64,
    },
    TooShort {
        is: u64,
        least: u64,
    },
    TooLong {
        is: u64,
        most: u64,
    },
    /// To the next cue.
    GapTooSmall {
        is: u64,
        least: u64,
    },
}

const MOST_LINES: u64 = 2;

/// Subtitles are written down in whole milliseconds, and some formats in frames.
const ROUNDING: u64 = 1;

/// The faults of each cue. The profile's numbers are those for the language of the text, as far as it shows.
pub fn check(cues: &[Cue], profile: Profile) -> Vec<Vec<Fault>> {
    let norms = segment::norms_of(cues.iter().map(|cue| cue.text.as_str()), profile);
    let nexts = cues.iter().skip(1).map(Some).chain([None]);
    cues.iter().zip(nexts).map(|(cue, next)| of_cue(cue, next, norms)).collect()
}

fn of_cue(cue: &Cue, next: Option<&Cue>, norms: Norms) -> Vec<Fault> {
    let mut faults = Vec::new();
    let lines = || cue.text.split('\n');
    if cue.text.trim().is_empty() {
        faults.push(Fault::Empty);
    }
    let count = lines().count() as u64;
    if count > MOST_LINES {
        faults.push(Fault::TooManyLines { is: count, most: MOST_LINES });
    }
    let widest = lines().map(|line| u64::from(segment::cells(line))).max().unwrap_or(0);
    if widest > u64::from(norms.line_cells) {
        faults.push(Fault::LineTooLong { is: widest, most: norms.line_cells.into() });
    }
    let length = cue.end.saturating_sub(cue.start);
    // A line break counts as the space that it stands for.
    let cells = lines().map(|line| u64::from(segment::cells(line))).sum::<u64>() + count - 1;
    if cells * 1_000 > norms.fastest_cells * (length + ROUNDING) {
        let is = (cells * 1_000).div_ceil(length.max(1));
        faults.push(Fault::TooFast { is, most: norms.fastest_cells });
    }
    if length + ROUNDING < norms.shortest {
        faults.push(Fault::TooShort { is: length, least: norms.shortest });
    }
    if length > norms.longest + ROUNDING {
        faults.push(Fault::TooLong { is: length, most: norms.longest });
    }
    if let Some(gap) = next.map(|next| next.start.saturating_sub(cue.end))
        && gap + ROUNDING < norms.gap
    {
        faults.push(Fault::GapTooSmall { is: gap, least: norms.gap });
    }
    faults
}

/// Lays out the cues at fault anew, each in its own time and the silence behind it. What is spoken too fast stays so.
pub fn fix(shown: &[ShownCue], profile: Profile) -> Vec<Correction> {
    let cues: Vec<Cue> = shown.iter().map(|shown| shown.cue.clone()).collect();
    let found = check(&cues, profile);
    let fixed = found.iter().enumerate().filter(|(_, faults)| !faults.is_empty()).filter_map(|(at, _)| {
        let cue = &cues[at];
        let room = cues.get(at + 1).map_or(Timestamp(cue.end.0 + LINGER), |next| next.start);
        let new = segment::into_cues(&correction::spoken(cue, &[]), cue.start, room.max(cue.end), profile);
        (new != [cue.clone()]).then_some((at, new))
    });
    correction::replace_each(shown, fixed.collect())
}

/// How far the last cue of all may stay behind its words.
const LINGER: u64 = 3_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start: u64, end: u64, text: &str) -> Cue {
        Cue { start: Timestamp(start), end: Timestamp(end), text: text.into(), doubts: Vec::new() }
    }

    #[test]
    fn each_norm_is_held_against_each_cue() {
        let check = |cues: &[Cue], profile: Profile, expect: &[Fault]| {
            assert_eq!(super::check(cues, profile)[0], expect, "{cues:?}");
        };
        let english = "This is what they said to us.";
        check(&[cue(0, 2_000, english)], Profile::Netflix, &[]);
        check(&[cue(0, 1_000, english)], Profile::Netflix, &[Fault::TooFast { is: 29, most: 20 }]);
        check(&[cue(0, 8_000, english)], Profile::Netflix, &[Fault::TooLong { is: 8_000, most: 7_000 }]);
        check(&[cue(0, 500, "Yes.")], Profile::Netflix, &[Fault::TooShort { is: 500, least: 833 }]);
        check(&[cue(0, 900, "  ")], Profile::Netflix, &[Fault::Empty]);
        check(
            &[cue(0, 1_000, "Yes."), cue(1_010, 2_000, "No.")],
            Profile::Netflix,
            &[Fault::GapTooSmall { is: 10, least: 83 }],
        );
        check(&[cue(0, 1_000, "Yes."), cue(1_000, 2_000, "No.")], Profile::Shorts, &[]);
        let long = "This is what they said to us and to everybody else";
        check(&[cue(0, 5_000, long)], Profile::Netflix, &[Fault::LineTooLong { is: 50, most: 42 }]);
        check(&[cue(0, 5_000, "a\nb\nc")], Profile::Netflix, &[Fault::TooManyLines { is: 3, most: 2 }]);
        assert!(super::check(&[], Profile::Netflix).is_empty());
    }
}
