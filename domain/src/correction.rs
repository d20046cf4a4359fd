//! What people change of a track, kept beside what the machine heard.
//!
//! A correction names a stretch of the media and says which cues are shown instead of those that the machine laid out
//! there. So it holds whatever else changes: cues of later windows come behind it, another profile lays out its text
//! like any other, and taking it back shows the machine's cues again. A stretch is told in the machine's times, and
//! only that; the cues that a person puts there may be shown at any time.

mod edit;
mod shown;

use serde::{Deserialize, Serialize};

use crate::{Cue, Timestamp, Track};

pub(crate) use edit::replace_each;
pub use edit::{clean, delete, insert, merge, reset, set_text, set_texts, set_times, shift_from, split};
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
                let at = self.clear(*from, *to);
                self.patches.insert(at, patch);
            }
            Correction::Reset { from, to } => {
                self.clear(*from, *to);
            }
            Correction::Shift { from, by } => {
                self.shifts.retain(|shift| shift.from != *from);
                if *by != 0 {
                    let at = self.shifts.partition_point(|shift| shift.from < *from);
                    self.shifts.insert(at, Shift { from: *from, by: *by, revision });
                }
            }
        }
    }

    /// Takes everything out between `from` and `to`, and says where a patch of that stretch belongs.
    fn clear(&mut self, from: Timestamp, to: Timestamp) -> usize {
        let mut kept = Vec::with_capacity(self.patches.len() + 2);
        for patch in self.patches.drain(..) {
            if patch.to <= from || patch.from >= to {
                kept.push(patch);
            } else {
                kept.extend(patch.outside(from, to));
            }
        }
        self.patches = kept;
        self.patches.partition_point(|patch| patch.from < from)
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
        let met = self.patches.iter().filter(|patch| patch.from < to && patch.to > from);
        let restored =
            met.map(|patch| Correction::Replace { from: patch.from, to: patch.to, cues: patch.cues.clone() });
        std::iter::once(Correction::Reset { from, to }).chain(restored).collect()
    }

    /// The stretches where somebody saved something else since `base`.
    pub fn conflicts(&self, base: Revision, corrections: &[Correction]) -> Vec<(Timestamp, Timestamp)> {
        let mut spans: Vec<(Timestamp, Timestamp)> = corrections
            .iter()
            .filter(|correction| self.is_contradicted(base, correction))
            .map(Correction::span)
            .collect();
        spans.sort_unstable();
        spans.dedup();
        spans
    }

    fn is_contradicted(&self, base: Revision, correction: &Correction) -> bool {
        let (from, to) = correction.span();
        match correction {
            Correction::Shift { by, .. } => {
                let mut here = self.shifts.iter().filter(|shift| shift.from == from && shift.revision > base);
                here.any(|shift| shift.by != *by)
            }
            Correction::Replace { .. } | Correction::Reset { .. } => {
                let met = self.patches.iter().filter(|patch| patch.from < to && patch.to > from);
                let mut newer = met.filter(|patch| patch.revision > base);
                newer.any(|patch| !patch.says(correction))
            }
        }
    }

    /// Everything of `other` that these do not say, as changes that bring it about.
    pub fn changes_to(&self, other: &Corrections) -> Vec<Correction> {
        let gone = self.patches.iter().filter(|patch| !other.patches.contains(patch));
        let resets = gone.map(|patch| Correction::Reset { from: patch.from, to: patch.to });
        let new = other.patches.iter().filter(|patch| !self.patches.contains(patch));
        let replaced =
            new.map(|patch| Correction::Replace { from: patch.from, to: patch.to, cues: patch.cues.clone() });
        let taken = self.shifts.iter().filter(|shift| other.shifts.iter().all(|new| new.from != shift.from));
        let untaken = taken.map(|shift| Correction::Shift { from: shift.from, by: 0 });
        let shifts = other.shifts.iter().filter(|shift| !self.shifts.contains(shift));
        let shifted = shifts.map(|shift| Correction::Shift { from: shift.from, by: shift.by });
        resets.chain(replaced).chain(untaken).chain(shifted).collect()
    }
}

impl Patch {
    fn says(&self, correction: &Correction) -> bool {
        matches!(correction, Correction::Replace { from, to, cues }
            if (self.from, self.to) == (*from, *to) && self.cues == *cues)
    }

    /// What is left of it where another correction takes `from..to`: a person's text is rather told twice than lost.
    fn outside(self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Patch> {
        let Patch { cues, revision, .. } = self;
        let (before, rest): (Vec<Cue>, Vec<Cue>) = cues.into_iter().partition(|cue| cue.start < from);
        let after = rest.into_iter().filter(|cue| cue.start >= to).collect();
        let before =
            (self.from < from).then_some(Patch { from: self.from, to: from, cues: before, revision });
        let after = (to < self.to).then_some(Patch { from: to, to: self.to, cues: after, revision });
        before.into_iter().chain(after)
    }
}

#[cfg(test)]
mod tests;
