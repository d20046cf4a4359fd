//! Changes that the server does not have yet, in the order in which they were made.

use domain::Timestamp;
use domain::correction::{Correction, Revision};
use serde::{Deserialize, Serialize};

pub type Span = (Timestamp, Timestamp);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbox {
    /// In a request that is not answered yet.
    sending: Vec<Correction>,
    /// Made since.
    unsent: Vec<Correction>,
    /// Set aside until a person decides.
    pub conflicts: Vec<Conflict>,
}

/// Changes at a place where somebody else saved something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub span: Span,
    pub mine: Vec<Correction>,
    /// The save that they were made on.
    pub base: Revision,
}

/// What is written down in the browser, so that a closed tab loses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub base: Revision,
    pub changes: Vec<Correction>,
}

impl Outbox {
    pub fn push(&mut self, changes: &[Correction]) {
        for change in changes {
            self.unsent.retain(|earlier| !is_moot(earlier, change));
            self.unsent.push(change.clone());
        }
    }

    pub fn is_sending(&self) -> bool {
        !self.sending.is_empty()
    }

    pub fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Everything that is neither saved nor set aside.
    pub fn pending(&self) -> impl Iterator<Item = &Correction> {
        self.sending.iter().chain(&self.unsent)
    }

    /// The changes of the next request; none while one is under way.
    pub fn send(&mut self) -> Option<Vec<Correction>> {
        if self.is_sending() || !self.has_unsent() {
            return None;
        }
        self.sending = std::mem::take(&mut self.unsent);
        Some(self.sending.clone())
    }

    /// They are saved.
    pub fn sent(&mut self) {
        self.sending.clear();
    }

    /// They are not: they go with the next request.
    pub fn returned(&mut self) {
        let later = std::mem::take(&mut self.unsent);
        self.unsent = std::mem::take(&mut self.sending);
        self.push(&later);
    }

    /// Sets aside what was changed in these stretches, and what was changed together with it.
    pub fn hold(&mut self, spans: &[Span], base: Revision) {
        self.returned();
        let mut held: Vec<Conflict> = Vec::new();
        for span in spans {
            join(&mut held, Conflict { span: *span, mine: Vec::new(), base });
        }
        // A change may join two stretches, so that changes before it belong to them as well.
        loop {
            let met =
                self.unsent.iter().filter(|change| held.iter().any(|held| meet(held.span, change.span())));
            let spans: Vec<Span> = met.map(Correction::span).collect();
            let before: Vec<Span> = held.iter().map(|held| held.span).collect();
            for span in spans {
                join(&mut held, Conflict { span, mine: Vec::new(), base });
            }
            if held.iter().map(|held| held.span).eq(before) {
                break;
            }
        }
        for change in std::mem::take(&mut self.unsent) {
            match held.iter_mut().find(|held| meet(held.span, change.span())) {
                Some(held) => held.mine.push(change),
                None => self.unsent.push(change),
            }
        }
        for conflict in held.into_iter().filter(|held| !held.mine.is_empty()) {
            join(&mut self.conflicts, conflict);
        }
    }

    /// `None`: everything is saved.
    pub fn kept(&self, revision: Revision) -> Option<Kept> {
        let held = self.conflicts.iter().flat_map(|conflict| &conflict.mine);
        let changes: Vec<Correction> = held.chain(self.pending()).cloned().collect();
        let base = self.conflicts.iter().map(|conflict| conflict.base).min().unwrap_or(revision);
        (!changes.is_empty()).then_some(Kept { base, changes })
    }
}

/// Whether nothing is left of a change once another one is made after it.
fn is_moot(earlier: &Correction, later: &Correction) -> bool {
    let (old, new) = (earlier.span(), later.span());
    match (earlier, later) {
        (Correction::Shift { .. }, Correction::Shift { .. }) => old.0 == new.0,
        (Correction::Shift { .. }, _) | (_, Correction::Shift { .. }) => false,
        _ => new.0 <= old.0 && old.1 <= new.1,
    }
}

pub fn meet(one: Span, other: Span) -> bool {
    one.0 < other.1 && other.0 < one.1
}

/// Puts it among the others, as one with those that it meets.
fn join(conflicts: &mut Vec<Conflict>, mut new: Conflict) {
    let mut at = 0;
    while at < conflicts.len() {
        if !meet(conflicts[at].span, new.span) {
            at += 1;
            continue;
        }
        let mut old = conflicts.remove(at);
        new.span = (old.span.0.min(new.span.0), old.span.1.max(new.span.1));
        new.base = old.base.min(new.base);
        old.mine.append(&mut new.mine);
        new.mine = old.mine;
        at = 0;
    }
    let at = conflicts.partition_point(|conflict| conflict.span.0 < new.span.0);
    conflicts.insert(at, new);
}

#[cfg(test)]
mod tests {
    use domain::Cue;

    use super::*;

    fn change(from: u64, to: u64, text: &str) -> Correction {
        let (from, to) = (Timestamp(from), Timestamp(to));
        let cue = Cue { start: from, end: to, text: text.into(), doubts: Vec::new() };
        Correction::Replace { from, to, cues: vec![cue] }
    }

    fn texts(changes: &[Correction]) -> Vec<String> {
        let replaced = changes.iter().filter_map(|change| match change {
            Correction::Replace { cues, .. } => Some(cues[0].text.clone()),
            _ => None,
        });
        replaced.collect()
    }

    #[test]
    fn what_a_later_change_replaces_is_not_sent() {
        let mut outbox = Outbox::default();
        outbox.push(&[change(0, 10, "a"), change(10, 20, "b"), change(0, 10, "c")]);
        outbox.push(&[change(10, 30, "d")]);
        assert_eq!(texts(&outbox.send().unwrap()), ["c", "d"]);
        assert_eq!(outbox.send(), None);
        assert_eq!(outbox.kept(4).unwrap().base, 4);
    }

    #[test]
    fn a_request_that_failed_goes_again_with_what_was_done_meanwhile() {
        let mut outbox = Outbox::default();
        outbox.push(&[change(0, 10, "a"), change(10, 20, "b")]);
        outbox.send();
        outbox.push(&[change(0, 10, "c")]);
        outbox.returned();
        assert_eq!(texts(&outbox.send().unwrap()), ["b", "c"]);
        outbox.sent();
        assert_eq!((outbox.kept(1), outbox.is_sending()), (None, false));
    }

    #[test]
    fn what_hangs_together_is_set_aside_together() {
        let mut outbox = Outbox::default();
        outbox.push(&[change(0, 10, "a"), change(10, 20, "b"), change(40, 50, "c"), change(5, 15, "d")]);
        outbox.send();
        outbox.hold(&[(Timestamp(0), Timestamp(10))], 3);
        let held: Vec<_> = outbox.conflicts.iter().map(|one| (one.span, texts(&one.mine))).collect();
        let all = ["a".to_owned(), "b".into(), "d".into()];
        assert_eq!(held, [((Timestamp(0), Timestamp(20)), all.to_vec())]);
        assert_eq!(texts(&outbox.pending().cloned().collect::<Vec<_>>()), ["c"]);
        assert!(!outbox.is_sending());
        // Nothing of it is lost with the tab.
        let kept = outbox.kept(9).unwrap();
        assert_eq!((kept.base, texts(&kept.changes).len()), (3, 4));
    }
}
