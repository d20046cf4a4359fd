//! What a cue costs: the further from the norms and the worse its breaks, the more.

use super::atoms::Atom;
use super::norms::Norms;
use super::syntax::Boundary;
use super::timing::{self, Speech};
use crate::Timestamp;

/// Each further cue is one more thing to look at.
const CUE: i64 = 60;

/// A sentence that ends inside a cue; less where the line ends with it.
const SENTENCE_INSIDE: i64 = 70;
const SENTENCE_AT_LINE_END: i64 = 20;

/// A cue that goes before it is read, or flickers; more for what is lacking.
const LACKING_TIME: i64 = 200;

/// A phrase broken between the lines of a cue, beyond what the break costs anyway.
const BROKEN_PHRASE: i64 = 150;

/// The costs of all cues that can be made of some atoms. Sums up to each atom make each cue cheap to judge.
pub(super) struct Costs<'a> {
    atoms: &'a [Atom],
    norms: Norms,
    window: (Timestamp, Timestamp),
    /// How bad it is to break before each atom.
    boundaries: Vec<Boundary>,
    /// Cells and spaces of all atoms before each.
    cells: Vec<u64>,
    /// Cost of the pauses and sentence ends right before each atom and all ahead of it.
    breaks: Vec<i64>,
}

impl<'a> Costs<'a> {
    pub(super) fn new(
        atoms: &'a [Atom],
        boundaries: Vec<Boundary>,
        norms: Norms,
        window: (Timestamp, Timestamp),
    ) -> Costs<'a> {
        let (mut cells, mut breaks) = (vec![0], Vec::new());
        let (mut cells_so_far, mut breaks_so_far) = (0, 0);
        for (index, atom) in atoms.iter().enumerate() {
            cells_so_far += u64::from(atom.cells) + u64::from(atom.space_before);
            cells.push(cells_so_far);
            breaks_so_far += inside_cost(pause_before(atoms, index));
            if boundaries[index].ends_sentence {
                breaks_so_far += SENTENCE_INSIDE;
            }
            breaks.push(breaks_so_far);
        }
        Costs { atoms, norms, window, boundaries, cells, breaks }
    }

    /// False for atoms too wide for two lines, and then for all wider spans too.
    pub(super) fn may_fit(&self, first: usize, after: usize) -> bool {
        // A space goes away at the line break.
        self.width(first, after) <= 2 * u64::from(self.norms.line_cells) + 1
    }

    /// The cost of a cue of these atoms, with the break that follows it; `None` where it cannot be.
    pub(super) fn of_cue(&self, first: usize, after: usize) -> Option<i64> {
        let norms = self.norms;
        let is_single = after - first == 1;
        let (opening, closing) = (&self.atoms[first], &self.atoms[after - 1]);
        let next = self.atoms.get(after);
        let is_too_long = closing.start.0 - opening.start.0 > norms.longest - 300;
        if is_too_long && !is_single {
            return None;
        }
        let width = self.width(first, after);
        let line_cost = if width <= u64::from(norms.line_cells) {
            0
        } else {
            let at = self.line_break(first, after)?;
            let credit =
                if self.boundaries[at].ends_sentence { SENTENCE_INSIDE - SENTENCE_AT_LINE_END } else { 0 };
            let phrase = if self.boundaries[at].is_inside_phrase { BROKEN_PHRASE } else { 0 };
            self.line_cost(first, at, after) / 3 + phrase - credit
        };
        let speech = Speech { start: opening.start.0, end: closing.end.0, cells: width };
        let end = speech.end_before(next.map(|atom| atom.start.0), self.window.1.0, norms);
        let duration = (end - speech.start).max(1);

        let mut cost = CUE + line_cost + self.breaks[after - 1] - self.breaks[first];
        cost += comfort_cost(width, duration, norms);
        // A cue that lacks time may appear early, if nobody speaks then.
        let silence = match first {
            0 => opening.start.saturating_sub(self.window.0),
            _ => pause_before(self.atoms, first).saturating_sub(norms.gap),
        };
        let (shown, needed) = (duration + silence.min(timing::EARLY), norms.needed(width));
        if shown < needed {
            cost += LACKING_TIME + (4 * 100 * (needed - shown) / needed) as i64;
        }
        if speech.end - speech.start > norms.longest {
            cost += 80;
        }
        let starts_sentence = first == 0 || self.boundaries[first].ends_sentence;
        let ends_sentence = next.is_none() || self.boundaries[after].ends_sentence;
        let lacking = (u64::from(norms.line_cells) * 3 / 8).saturating_sub(width) as i64;
        cost += if starts_sentence && ends_sentence { lacking } else { 4 * lacking };
        if next.is_some() {
            let boundary = self.boundaries[after];
            let share = boundary_share(pause_before(self.atoms, after));
            cost += boundary.cost * if boundary.is_inside_phrase { share.max(16) } else { share } / 24;
        }
        Some(cost)
    }

    /// The atom that starts the second line; `None` where one line holds all, or no two can.
    pub(super) fn line_break(&self, first: usize, after: usize) -> Option<usize> {
        let line = u64::from(self.norms.line_cells);
        if self.width(first, after) <= line {
            return None;
        }
        let fits = |at: &usize| self.width(first, *at) <= line && self.width(*at, after) <= line;
        // Among equals the first one: it leaves the lower line longer.
        (first + 1..after).filter(fits).min_by_key(|at| self.line_cost(first, *at, after))
    }

    fn line_cost(&self, first: usize, at: usize, after: usize) -> i64 {
        let (upper, lower) = (self.width(first, at) as i64, self.width(at, after) as i64);
        let imbalance = 40 * (upper - lower).abs() / i64::from(self.norms.line_cells);
        let is_top_heavy = upper > lower;
        // A word alone on its line looks lost.
        let lacking = (i64::from(self.norms.line_cells) / 4 - upper.min(lower)).max(0);
        self.boundaries[at].cost + imbalance + 4 * lacking + if is_top_heavy { 5 } else { 0 }
    }

    /// Cells of the atoms on one line.
    fn width(&self, first: usize, after: usize) -> u64 {
        self.cells[after] - self.cells[first] - u64::from(self.atoms[first].space_before)
    }
}

/// Milliseconds of silence ahead of an atom.
fn pause_before(atoms: &[Atom], index: usize) -> u64 {
    match index.checked_sub(1) {
        Some(ahead) => atoms[index].start.saturating_sub(atoms[ahead].end),
        None => 0,
    }
}

/// A cue over a pause says what has not been said yet: 100 for 650 ms, at most 300.
fn inside_cost(pause: u64) -> i64 {
    (pause.saturating_sub(250) / 4).min(300) as i64
}

/// Where the speaker pauses, a break is less bad than syntax says; in 24ths.
fn boundary_share(pause: u64) -> i64 {
    match pause {
        0..300 => 24,
        300..700 => 16,
        700..1500 => 8,
        _ => 3,
    }
}

/// Nothing at the comfortable speed, 50 at twice that.
fn comfort_cost(width: u64, duration: u64, norms: Norms) -> i64 {
    let percent = width * 100_000 / (duration * norms.comfortable_cells);
    percent.saturating_sub(100).min(100) as i64 / 2
}
