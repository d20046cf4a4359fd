//! What people change of a track, kept beside what the machine heard.
//!
//! A correction names a stretch of the media and says which cues are shown instead of those that the machine laid out
//! there. So it holds whatever else changes: cues of later windows come behind it, another profile lays out its text
//! like any other, and taking it back shows the machine's cues again. A stretch is told in the machine's times, and
//! only that; the cues that a person puts there may be shown at any time.

mod edit;
mod shown;

use std::ops::RangeBounds;

use serde::{Deserialize, Serialize};

use crate::{Cue, Timestamp, Track};

pub(crate) use edit::replace_each;
pub use edit::{
    SHORTEST, clean, delete, insert, merge, reset, room, set_text, set_texts, set_times, shift_from, split,
};
pub use shown::ShownCue;
pub(crate) use shown::spoken;

/// Counts the saves of one job's corrections; 0 before the first.
pub type Revision = u32;

/// Behind everything: the largest whole number that JavaScript holds.
pub const END: Timestamp = Timestamp((1 << 53) - 1);

/// Longest text of one cue, in characters: more is a mistake, or an attack.
pub const MAX_TEXT: usize = 2_000;

/// Everything that people changed of one track.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corrections {
    /// In order, and apart from each other.
    #[serde(default)]
    patches: Vec<Patch>,
    /// In order; one for each place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shifts: Vec<Shift>,
}

/// Instead of the cues that the machine has start between `from` and `to`: these, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    pub from: Timestamp,
    pub to: Timestamp,
    pub cues: Vec<Cue>,
    /// The save that brought it.
    #[serde(default)]
    pub revision: Revision,
}

/// What the machine has start here or later is shown so many milliseconds later, or earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    pub from: Timestamp,
    pub by: i64,
    #[serde(default)]
    pub revision: Revision,
}

/// One change. Done twice, it is as if it were done once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Correction {
    Replace {
        from: Timestamp,
        to: Timestamp,
        cues: Vec<Cue>,
    },
    /// The machine's cues again.
    Reset {
        from: Timestamp,
        to: Timestamp,
    },
    /// What stands there is the whole shift of this place, not one more; 0 takes it away.
    Shift {
        from: Timestamp,
        by: i64,
    },
}

/// Why a change cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCorrection {
    #[error("a correction ends before it starts")]
    Reversed,
    #[error("a correction lies behind the end of time")]
    TooLate,
    #[error("the cues of a correction are out of order")]
    Cues,
    #[error("a cue holds more than {MAX_TEXT} characters")]
    TooLong,
    #[error("a shift is longer than a day")]
    TooFar,
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Correction {
    /// The stretch that it speaks of.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        match self {
            Correction::Replace { from, to, .. } | Correction::Reset { from, to } => (*from, *to),
            Correction::Shift { from, .. } => (*from, Timestamp(from.0 + 1)),
        }
    }

    pub fn check(&self) -> Result<(), InvalidCorrection> {
        let (from, to) = self.span();
        if from >= to {
            return Err(InvalidCorrection::Reversed);
        }
        if to > END {
            return Err(InvalidCorrection::TooLate);
        }
        match self {
            Correction::Replace { cues, .. } => {
                let mut end = Timestamp(0);
                for cue in cues {
                    if cue.start < end || cue.end < cue.start || cue.end > END {
                        return Err(InvalidCorrection::Cues);
                    }
                    if cue.text.chars().nth(MAX_TEXT).is_some() {
                        return Err(InvalidCorrection::TooLong);
                    }
                    end = cue.end;
                }
                Ok(())
            }
            Correction::Shift { by, .. } if by.unsigned_abs() > DAY_MS.unsigned_abs() => {
                Err(InvalidCorrection::TooFar)
            }
            Correction::Reset { .. } | Correction::Shift { .. } => Ok(()),
        }
    }
}

impl Corrections {
    /// A track that stands for everything, whatever the machine says. Each of its cues can be changed by itself.
    pub fn whole(track: &Track) -> Corrections {
        let mut patches: Vec<Patch> = Vec::new();
        for cue in track.cues() {
            match patches.last_mut() {
                // No two stretches begin at one moment.
                Some(last) if cue.start <= last.from => last.cues.push(cue.clone()),
                _ => {
                    let from = if patches.is_empty() { Timestamp(0) } else { cue.start };
                    patches.push(Patch { from, to: END, cues: vec![cue.clone()], revision: 0 });
                }
            }
        }
        if patches.is_empty() {
            patches.push(Patch { from: Timestamp(0), to: END, cues: Vec::new(), revision: 0 });
        }
        for at in 1..patches.len() {
            patches[at - 1].to = patches[at].from;
        }
        Corrections { patches, shifts: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.patches.is_empty() && self.shifts.is_empty()
    }

    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }

    pub fn shifts(&self) -> &[Shift] {
        &self.shifts
    }

    /// Makes a change that [`Correction::check`] found right, as part of the save `revision`.
    pub fn apply(&mut self, correction: &Correction, revision: Revision) {
        match correction {
            Correction::Replace { from, to, cues } => {
                let patch = Patch { from: *from, to: *to, cues: cues.clone(), revision };
                self.exchange(*from, *to, Some(patch));
            }
            Correction::Reset { from, to } => self.exchange(*from, *to, None),
            Correction::Shift { from, by } => {
                self.shifts.retain(|shift| shift.from != *from);
                if *by != 0 {
                    let at = self.shifts.partition_point(|shift| shift.from < *from);
                    self.shifts.insert(at, Shift { from: *from, by: *by, revision });
                }
            }
        }
    }

    /// Takes everything out between `from` and `to`, and puts this there.
    fn exchange(&mut self, from: Timestamp, to: Timestamp, new: Option<Patch>) {
        let first = self.patches.partition_point(|patch| patch.to <= from);
        let after = self.patches.partition_point(|patch| patch.from < to).max(first);
        let (mut kept, mut behind) = (Vec::new(), Vec::new());
        for patch in &self.patches[first..after] {
            let (before, after) = patch.outside(from, to);
            kept.extend(before);
            behind.extend(after);
        }
        self.patches.splice(first..after, kept.into_iter().chain(new).chain(behind));
    }

    /// What takes `corrections` back, if they are made now: to be made in this order.
    pub fn inverse(&self, corrections: &[Correction]) -> Vec<Correction> {
        let mut state = self.clone();
        let mut undo: Vec<Vec<Correction>> = Vec::new();
        for correction in corrections {
            undo.push(state.inverse_of(correction));
            state.apply(correction, 0);
        }
        undo.into_iter().rev().flatten().collect()
    }

    fn inverse_of(&self, correction: &Correction) -> Vec<Correction> {
        let (from, to) = correction.span();
        if let Correction::Shift { from, .. } = correction {
            let by = self.shifts.iter().find(|shift| shift.from == *from).map_or(0, |shift| shift.by);
            return vec![Correction::Shift { from: *from, by }];
        }
        let restored = self.patches.iter().filter(|patch| patch.meets((from, to))).map(Patch::as_correction);
        std::iter::once(Correction::Reset { from, to }).chain(restored).collect()
    }

    /// The stretches of these changes where one of the saves says something else.
    pub fn conflicts(
        &self,
        saves: impl RangeBounds<Revision>,
        corrections: &[Correction],
    ) -> Vec<(Timestamp, Timestamp)> {
        let is_contradicted = |correction: &&Correction| match correction {
            Correction::Shift { from, by } => {
                let mut here = self.shifts.iter().filter(|shift| shift.from == *from);
                here.any(|shift| saves.contains(&shift.revision) && shift.by != *by)
            }
            Correction::Replace { .. } | Correction::Reset { .. } => {
                let mut met = self.patches.iter().filter(|patch| patch.meets(correction.span()));
                met.any(|patch| saves.contains(&patch.revision) && patch.as_correction() != **correction)
            }
        };
        let mut spans: Vec<_> = corrections.iter().filter(is_contradicted).map(Correction::span).collect();
        spans.sort_unstable();
        spans.dedup();
        spans
    }
}

impl Patch {
    fn meets(&self, (from, to): (Timestamp, Timestamp)) -> bool {
        self.from < to && self.to > from
    }

    /// The change that brings it about.
    fn as_correction(&self) -> Correction {
        Correction::Replace { from: self.from, to: self.to, cues: self.cues.clone() }
    }

    /// What is left of it where another correction takes `from..to`: a person's text is rather told twice than lost.
    fn outside(&self, from: Timestamp, to: Timestamp) -> (Option<Patch>, Option<Patch>) {
        let Patch { cues, revision, .. } = self;
        let before = || cues.iter().filter(|cue| cue.start < from).cloned().collect();
        let after = || cues.iter().filter(|cue| cue.start >= to).cloned().collect();
        let patch = |from, to, cues| Patch { from, to, cues, revision: *revision };
        (
            (self.from < from).then(|| patch(self.from, from, before())),
            (to < self.to).then(|| patch(to, self.to, after())),
        )
    }
}

#[cfg(test)]
mod tests;
