//! The numbers of each house style.

use super::script::Script;
use crate::Profile;

/// What a cue should keep to. Times in milliseconds; widths in cells, of which a Latin letter takes one and a
/// Chinese character two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Norms {
    /// Cells a line holds. Never exceeded.
    pub line_cells: u32,
    /// Cells a second that nearly everybody can read.
    pub comfortable_cells: u64,
    /// Cells a second that the profile allows.
    pub fastest_cells: u64,
    pub shortest: u64,
    /// Never exceeded.
    pub longest: u64,
    /// Between two cues that follow each other at once.
    pub gap: u64,
    /// Smaller gaps are closed to `gap`: a flicker of nothing disturbs more than a cue that stays.
    pub closed_gap: u64,
    /// How long a cue may stay after its last word, where reading takes that long.
    pub linger: u64,
}

/// Two frames at 24 frames a second.
const TWO_FRAMES: u64 = 83;

impl Norms {
    /// Netflix's timed text guides, TED's and the BBC's subtitle guidelines; where a guide is silent (TED and
    /// the BBC on durations and gaps) Netflix's number stands in. The BBC counts words: 180 a minute are about
    /// 17 characters a second. Netflix allows 20 in English and 17 elsewhere; a little less is comfortable.
    pub(super) fn of(profile: Profile, script: Script, is_english: bool) -> Norms {
        let netflix = Norms {
            line_cells: 42,
            comfortable_cells: if is_english { 17 } else { 15 },
            fastest_cells: if is_english { 20 } else { 17 },
            shortest: 833,
            longest: 7_000,
            gap: TWO_FRAMES,
            closed_gap: 500,
            linger: 1_500,
        };
        let norms = match profile {
            Profile::Netflix => netflix,
            Profile::Ted => Norms { comfortable_cells: 17, fastest_cells: 21, ..netflix },
            Profile::Bbc => Norms { line_cells: 37, comfortable_cells: 15, fastest_cells: 17, ..netflix },
            Profile::Shorts => Norms {
                line_cells: 24,
                comfortable_cells: 20,
                fastest_cells: 25,
                shortest: 700,
                longest: 5_000,
                gap: 0,
                linger: 1_000,
                ..netflix
            },
        };
        norms.for_script(script)
    }

    /// How long so many cells should stay.
    pub(super) fn needed(&self, cells: u64) -> u64 {
        (cells * 1_000).div_ceil(self.fastest_cells).max(self.shortest)
    }

    /// Netflix: 16 characters a line in Chinese and Korean, 13 in Japanese; 9, 12 and 4 characters a second. 35 in Thai,
    /// read as fast as letters. Other profiles keep their proportion to Netflix.
    fn for_script(self, script: Script) -> Norms {
        let (line, fastest) = match script {
            Script::Alphabetic => return self,
            Script::Thai => return Norms { line_cells: 35 * self.line_cells / 42, ..self },
            Script::Chinese => (16, 9),
            Script::Korean => (16, 12),
            Script::Japanese => (13, 4),
        };
        // No such text is English, so Netflix's speed is 17 here.
        let speed = |cells: u64| (2 * fastest * cells / 17).max(2);
        Norms {
            line_cells: 2 * (line * self.line_cells / 42),
            comfortable_cells: speed(self.comfortable_cells),
            fastest_cells: speed(self.fastest_cells),
            ..self
        }
    }
}
