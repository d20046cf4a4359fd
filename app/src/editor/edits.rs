//! A job with a person's own changes on top of what is saved: pure, so that it is tested without a browser.

use std::collections::BTreeMap;
use std::ops::Range;

use domain::correction::{Correction, Revision};
use domain::{Corrections, Cue, Timestamp};

use super::HAS_TOOLS;
use super::history::{History, Step};
use super::outbox::{Conflict, Kept, Outbox, Span};
use crate::live::JobState;

/// What a person did here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    pub outbox: Outbox,
    pub history: History,
}

/// The corrections as they are saved, in the words of the server.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Saved {
    pub revision: Revision,
    pub corrections: Corrections,
    /// Where a save contradicts them; nothing of it was saved.
    #[serde(default)]
    pub conflicts: Vec<Span>,
}

impl JobState {
    /// Makes changes as one deed. They show at once.
    pub fn edit(&mut self, changes: Vec<Correction>) {
        let inverse = self.corrections.inverse(&changes);
        self.make(&changes);
        self.edits.history.push(Step { changes, inverse });
    }

    /// Takes the last deed back; what that changed.
    pub fn undo(&mut self) -> Option<Vec<Correction>> {
        let changes = self.edits.history.undo()?;
        self.make(&changes);
        Some(changes)
    }

    pub fn redo(&mut self) -> Option<Vec<Correction>> {
        let changes = self.edits.history.redo()?;
        self.make(&changes);
        Some(changes)
    }

    fn make(&mut self, changes: &[Correction]) {
        for change in changes {
            self.corrections.apply(change, 0);
        }
        self.edits.outbox.push(changes);
    }

    /// What others saved, with the own unsaved changes on top; those that contradict are set aside.
    pub fn merge(&mut self, saved: Saved) {
        self.merge_others(saved, self.revision + 1..Revision::MAX);
    }

    /// Those of others are of these saves.
    fn merge_others(&mut self, saved: Saved, others: Range<Revision>) {
        let Saved { revision, mut corrections, conflicts } = saved;
        // On the page that watches there is nothing of its own.
        if HAS_TOOLS {
            self.put_own_upon(&mut corrections, others, conflicts);
        }
        self.corrections = corrections;
        self.revision = revision;
        self.job.corrections = self.job.corrections.max(revision);
    }

    fn put_own_upon(&mut self, saved: &mut Corrections, others: Range<Revision>, conflicts: Vec<Span>) {
        let outbox = &mut self.edits.outbox;
        outbox.returned();
        let pending: Vec<Correction> = outbox.pending().cloned().collect();
        if !is_within(saved, &pending) {
            let mut spans = saved.conflicts(others, &pending);
            spans.extend(conflicts);
            outbox.hold(&spans, self.revision);
        }
        for change in outbox.pending() {
            saved.apply(change, 0);
        }
        self.edits.history.forget(&differing(&self.corrections, saved));
    }

    /// The answer to a save that was taken.
    pub fn saved(&mut self, saved: Saved) {
        self.edits.outbox.sent();
        // The last save of all is ours: what was typed since does not contradict it.
        let others = self.revision + 1..saved.revision;
        self.merge_others(saved, others);
    }

    /// Sets own changes aside that were begun before somebody else changed the same place.
    pub fn contradict(&mut self, mine: Vec<Correction>) {
        let Some(first) = mine.first() else { return };
        let span = mine
            .iter()
            .map(Correction::span)
            .fold(first.span(), |all, one| (all.0.min(one.0), all.1.max(one.1)));
        self.edits.outbox.conflicts.push(Conflict { span, mine, base: self.revision.saturating_sub(1) });
    }

    /// Ends a conflict, with what this person wrote or without.
    pub fn decide(&mut self, span: Span, keep: bool) {
        let conflicts = &mut self.edits.outbox.conflicts;
        let Some(at) = conflicts.iter().position(|conflict| conflict.span == span) else { return };
        let conflict = conflicts.remove(at);
        if keep {
            self.edit(conflict.mine);
        }
    }

    /// Takes up what an earlier visit left unsaved.
    pub fn restore(&mut self, kept: Kept) {
        let right = kept.changes.into_iter().filter(|change| change.check().is_ok());
        self.edits.outbox.push(&right.collect::<Vec<_>>());
        let saved =
            Saved { revision: self.revision, corrections: self.corrections.clone(), conflicts: Vec::new() };
        self.revision = kept.base.min(self.revision);
        self.merge(saved);
    }
}

/// Whether the changes would change nothing: a save of ours whose answer was lost is no conflict.
fn is_within(corrections: &Corrections, changes: &[Correction]) -> bool {
    let mut after = corrections.clone();
    for change in changes {
        after.apply(change, 0);
    }
    differing(corrections, &after).is_empty()
}

/// The stretches where the two do not say the same.
fn differing(one: &Corrections, other: &Corrections) -> Vec<Span> {
    let patches = |corrections: &Corrections| -> BTreeMap<Span, Vec<Cue>> {
        corrections.patches().iter().map(|patch| ((patch.from, patch.to), patch.cues.clone())).collect()
    };
    let (ones, others) = (patches(one), patches(other));
    let only = |these: &BTreeMap<Span, Vec<Cue>>, those: &BTreeMap<Span, Vec<Cue>>| {
        let lone = these.iter().filter(|(span, cues)| those.get(span) != Some(cues));
        lone.map(|(span, _)| *span).collect::<Vec<_>>()
    };
    let shifts = |corrections: &Corrections| -> Vec<(Timestamp, i64)> {
        corrections.shifts().iter().map(|shift| (shift.from, shift.by)).collect()
    };
    let (here, there) = (shifts(one), shifts(other));
    let moved = here.iter().filter(|shift| !there.contains(shift));
    let moved = moved.chain(there.iter().filter(|shift| !here.contains(shift)));
    let moved = moved.map(|(from, _)| (*from, Timestamp(from.0 + 1)));
    only(&ones, &others).into_iter().chain(only(&others, &ones)).chain(moved).collect()
}

#[cfg(test)]
mod tests;
