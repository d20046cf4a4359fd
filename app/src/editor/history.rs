//! What was done, to be taken back and done again, as often as one likes.

use domain::correction::Correction;

use super::outbox::{Span, meet};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    done: Vec<Step>,
    undone: Vec<Step>,
}

/// What a person takes for one deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub changes: Vec<Correction>,
    /// Takes them back.
    pub inverse: Vec<Correction>,
}

impl History {
    /// A new deed leaves nothing to do again.
    pub fn push(&mut self, step: Step) {
        self.undone.clear();
        self.done.push(step);
    }

    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// The changes that take the last deed back.
    pub fn undo(&mut self) -> Option<Vec<Correction>> {
        let step = self.done.pop()?;
        let changes = step.inverse.clone();
        self.undone.push(step);
        Some(changes)
    }

    pub fn redo(&mut self) -> Option<Vec<Correction>> {
        let step = self.undone.pop()?;
        let changes = step.changes.clone();
        self.done.push(step);
        Some(changes)
    }

    /// Somebody else changed these stretches: to take back what was done there would take theirs back.
    pub fn forget(&mut self, spans: &[Span]) {
        let mut spans = spans.to_vec();
        loop {
            let known = spans.len();
            let is_met = |step: &Step| step.spans().any(|span| spans.iter().any(|other| meet(*other, span)));
            let met: Vec<Span> = self
                .done
                .iter()
                .chain(&self.undone)
                .filter(|step| is_met(step))
                .flat_map(Step::spans)
                .collect();
            self.done.retain(|step| !is_met(step));
            self.undone.retain(|step| !is_met(step));
            spans.extend(met);
            if spans.len() == known {
                return;
            }
        }
    }
}

impl Step {
    fn spans(&self) -> impl Iterator<Item = Span> {
        self.changes.iter().chain(&self.inverse).map(Correction::span)
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn step(spans: &[(u64, u64)]) -> Step {
        let reset =
            |(from, to): &(u64, u64)| Correction::Reset { from: Timestamp(*from), to: Timestamp(*to) };
        Step { changes: spans.iter().map(reset).collect(), inverse: Vec::new() }
    }

    #[test]
    fn what_was_taken_back_is_done_again_until_something_else_is_done() {
        let mut history = History::default();
        history.push(step(&[(0, 1)]));
        history.push(step(&[(2, 3)]));
        assert!(history.undo().is_some() && history.undo().is_some() && history.undo().is_none());
        assert_eq!(history.redo(), Some(step(&[(0, 1)]).changes));
        history.push(step(&[(4, 5)]));
        assert_eq!((history.can_undo(), history.can_redo()), (true, false));
    }

    #[test]
    fn what_hangs_on_the_change_of_somebody_else_is_forgotten() {
        let mut history = History::default();
        history.push(step(&[(0, 10)]));
        history.push(step(&[(5, 25)]));
        history.push(step(&[(40, 50)]));
        history.forget(&[(Timestamp(20), Timestamp(22))]);
        assert_eq!(history.done, [step(&[(40, 50)])]);
    }
}
