//! Words with times (what the model says) to cues (what a viewer reads).
//!
//! Words become atoms: what no line is broken inside. One pass of dynamic programming over the boundaries
//! between atoms finds the cheapest row of cues, weighing reading speed, duration, length, pauses and syntax; the
//! break between the two lines of a cue is a small optimum of its own. All costs are whole numbers, so the same
//! words make the same cues on every machine.

use crate::{Cue, CuePage, Profile, Timestamp, Track, Word};

mod atoms;
mod cost;
mod grammar;
mod norms;
mod script;
mod syntax;
mod timing;

pub(crate) use script::needs_space;

use atoms::Atom;
use cost::Costs;
use norms::Norms;
use script::Script;

/// Lays out the words of one window as cues that lie inside `start..=end`, in order and without overlap.
///
/// Takes anything: words outside the window or out of order are moved to the nearest time that fits, and all
/// text is kept, in the order of `words`. A word longer than a line is broken; nothing else makes a line longer
/// than the profile allows. A cue outlasts its words where silence follows, as far as reading takes.
pub fn into_cues(words: &[Word], start: Timestamp, end: Timestamp, profile: Profile) -> Vec<Cue> {
    let window = (start.min(end), start.max(end));
    let script = Script::of(words.iter().map(|word| word.text.as_str()));
    let norms = Norms::of(profile, script);
    let atoms = atoms::of_words(words, window, norms.line_cells);
    let costs = Costs::new(&atoms, norms, window.1);
    let spans = cheapest_spans(&costs, atoms.len());
    let times = timing::of_spans(&spans, &atoms, window, norms);
    let laid_out = spans.iter().zip(times).map(|(span, (start, end))| {
        let line_break = costs.line_break(span.first, span.after);
        Cue {
            start,
            end,
            text: text_of(&atoms[span.first..span.after], line_break.map(|at| at - span.first)),
        }
    });
    laid_out.collect()
}

/// Lays a whole track out anew from the words that its pages keep. For the profile of the job this gives the
/// very cues that were committed; a page without words keeps its cues.
pub fn relayout(pages: &[CuePage], profile: Profile) -> Vec<Cue> {
    let mut cues = Vec::new();
    for page in in_order(pages) {
        match page.words.as_slice() {
            [] => cues.extend_from_slice(&page.cues),
            words => cues.extend(into_cues(words, page.start, page.end, profile)),
        }
    }
    Track::arranged(None, cues).into_cues()
}

/// The track that stored pages make. Pages that overlap, which a correct store never holds, are put in order.
pub fn track_of(pages: &[CuePage], language: Option<String>) -> Track {
    let cues = in_order(pages).into_iter().flat_map(|page| page.cues.iter().cloned());
    Track::arranged(language, cues.collect())
}

/// Each page once, by number.
pub(crate) fn in_order(pages: &[CuePage]) -> Vec<&CuePage> {
    let mut pages: Vec<&CuePage> = pages.iter().collect();
    pages.sort_by_key(|page| page.number);
    pages.dedup_by_key(|page| page.number);
    pages
}

/// The atoms of one cue: `first..after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: usize,
    after: usize,
}

/// The row of spans over all atoms that costs least. Among equals, the one with the shorter last cue.
fn cheapest_spans(costs: &Costs<'_>, count: usize) -> Vec<Span> {
    // For each boundary: the least cost of everything ahead of it, and where its last cue begins.
    let mut best: Vec<(i64, usize)> = vec![(0, 0)];
    for after in 1..=count {
        let mut cheapest = (i64::MAX, after - 1);
        for first in (0..after).rev() {
            if !costs.may_fit(first, after) {
                break;
            }
            if let Some(cost) = costs.of_cue(first, after) {
                let total = best[first].0.saturating_add(cost);
                if total < cheapest.0 {
                    cheapest = (total, first);
                }
            }
        }
        best.push(cheapest);
    }
    let mut spans = Vec::new();
    let mut after = count;
    while after > 0 {
        let first = best[after].1;
        spans.push(Span { first, after });
        after = first;
    }
    spans.reverse();
    spans
}

fn text_of(atoms: &[Atom], line_break: Option<usize>) -> String {
    let mut text = String::new();
    for (index, atom) in atoms.iter().enumerate() {
        if line_break == Some(index) {
            text.push('\n');
        } else if index > 0 && atom.space_before {
            text.push(' ');
        }
        text.push_str(&atom.text);
    }
    text
}

#[cfg(test)]
mod tests;
