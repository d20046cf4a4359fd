//! Words with times (what the model says) to cues (what a viewer reads).
//!
//! Words become atoms: what no line is broken inside. One pass of dynamic programming over the boundaries
//! between atoms finds the cheapest row of cues, weighing reading speed, duration, length, pauses and syntax; the
//! break between the two lines of a cue is a small optimum of its own. All costs are whole numbers, so the same
//! words make the same cues on every machine.

use crate::{Corrections, Cue, CuePage, Profile, Timestamp, Track, Word};

mod atoms;
mod cost;
mod grammar;
mod lexicon;
mod norms;
mod script;
mod syntax;
mod timing;

pub(crate) use script::{cells, needs_space};

use atoms::Atom;
use cost::Costs;
use grammar::Grammar;
pub(crate) use norms::Norms;
use script::Script;
use syntax::Boundary;

/// Lays out the words of one window as cues that lie inside `start..=end`, in order and without overlap.
///
/// Takes anything: words outside the window or out of order are moved to the nearest time that fits, and all
/// text is kept, in the order of `words`. A word longer than a line is broken; nothing else makes a line longer
/// than the profile allows. A cue outlasts its words where silence follows, as far as reading takes.
pub fn into_cues(words: &[Word], start: Timestamp, end: Timestamp, profile: Profile) -> Vec<Cue> {
    let window = (start.min(end), start.max(end));
    let Text { norms, atoms, boundaries } = Text::of(words, window, profile);
    let costs = Costs::new(&atoms, boundaries, norms, window);
    let best = cheapest(&costs, atoms.len());
    cues_of(&spans_to(atoms.len(), &best), &atoms, &costs, window, norms)
}

/// The head of a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub cues: Vec<Cue>,
    /// How many of the words they hold. The rest belong in front of the words to come.
    pub words: usize,
    /// The cues lie before it, and the rest is laid out from here on.
    pub end: Timestamp,
}

/// Lays out words of which more follow, and keeps back the last cue, which words to come may join. Few other cues would
/// stand differently if those words were known (`./dev bench cues` tells how much it costs), and nobody waits long.
pub fn settled(words: &[Word], start: Timestamp, end: Timestamp, profile: Profile) -> Settled {
    let window = (start.min(end), start.max(end));
    let Text { norms, atoms, boundaries } = Text::of(words, window, profile);
    let costs = Costs::new(&atoms, boundaries, norms, window);
    let spans = spans_to(atoms.len(), &cheapest(&costs, atoms.len()));
    // A word longer than a line may be parted between two cues.
    let is_word_start = |at: usize| at == 0 || atoms[at].word != atoms[at - 1].word;
    let count = spans.iter().rposition(|span| is_word_start(span.first)).unwrap_or(0);
    // The cue kept back is laid out too, as the one ahead of it has to make room for it.
    let mut cues = cues_of(&spans, &atoms, &costs, window, norms);
    let Some(end) = cues.get(count).map(|cue| cue.start) else {
        return Settled { cues, words: 0, end: window.0 };
    };
    cues.truncate(count);
    Settled { cues, words: atoms[spans[count].first].word, end }
}

/// Lays a whole track out anew for `profile` from the words that its pages keep and those that people wrote instead,
/// over the seams between pages; a page without words keeps its cues.
pub fn relayout(pages: &[CuePage], corrections: &Corrections, profile: Profile) -> Vec<Cue> {
    if !corrections.is_empty() {
        return relayout_corrected(pages, corrections, profile);
    }
    let mut cues = Vec::new();
    for pages in in_order(pages).chunk_by(|page, next| !page.words.is_empty() && !next.words.is_empty()) {
        match pages {
            [page] if page.words.is_empty() => cues.extend_from_slice(&page.cues),
            [first, ..] => {
                let words: Vec<Word> = pages.iter().flat_map(|page| page.words.iter().cloned()).collect();
                let end = pages.iter().map(|page| page.end).max().unwrap_or(first.end);
                cues.extend(into_cues(&words, first.start, end, profile));
            }
            [] => {}
        }
    }
    Track::arranged(None, cues).into_cues()
}

/// Where people wrote, the pages are one text: their words may stand anywhere.
fn relayout_corrected(pages: &[CuePage], corrections: &Corrections, profile: Profile) -> Vec<Cue> {
    let words = corrections.words(&words_of(pages));
    let ends = pages.iter().map(|page| page.end).chain(words.iter().map(|word| word.end));
    into_cues(&words, Timestamp(0), ends.max().unwrap_or_default(), profile)
}

/// The track that stored pages make. Pages that overlap, which a correct store never holds, are put in order.
pub fn track_of(pages: &[CuePage], language: Option<String>) -> Track {
    let cues = in_order(pages).into_iter().flat_map(|page| page.cues.iter().cloned());
    Track::arranged(language, cues.collect())
}

/// All words that the pages keep.
pub fn words_of(pages: &[CuePage]) -> Vec<Word> {
    in_order(pages).into_iter().flat_map(|page| page.words.iter().cloned()).collect()
}

/// Each page once, by number.
fn in_order(pages: &[CuePage]) -> Vec<&CuePage> {
    let mut pages: Vec<&CuePage> = pages.iter().collect();
    pages.sort_by_key(|page| page.number);
    pages.dedup_by_key(|page| page.number);
    pages
}

/// What a layout of `words` costs, by the measure of which [`into_cues`] finds the minimum: to compare two of them.
/// `None` where the cues do not hold these very words, or one of them is more than a cue can hold.
pub fn cost_of(
    cues: &[Cue],
    words: &[Word],
    start: Timestamp,
    end: Timestamp,
    profile: Profile,
) -> Option<i64> {
    let window = (start, end);
    let Text { norms, atoms, boundaries } = Text::of(words, window, profile);
    let costs = Costs::new(&atoms, boundaries, norms, window);
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
    let (mut first, mut total) = (0, 0);
    for cue in cues {
        let (mut after, mut missing) = (first, letters(&cue.text));
        while missing > 0 {
            missing = missing.checked_sub(letters(&atoms.get(after)?.text))?;
            after += 1;
        }
        total += costs.of_cue(first, after)?;
        first = after;
    }
    (first == atoms.len()).then_some(total)
}

/// The numbers of a house style for these texts.
pub(crate) fn norms_of<'a>(texts: impl Iterator<Item = &'a str> + Clone, profile: Profile) -> Norms {
    let grammar = Grammar::of(texts.clone().flat_map(str::split_whitespace));
    Norms::of(profile, Script::of(texts), grammar.is_some_and(Grammar::is_english))
}

/// Words made ready for the search.
struct Text {
    norms: Norms,
    atoms: Vec<Atom>,
    /// The place ahead of each atom.
    boundaries: Vec<Boundary>,
}

impl Text {
    fn of(words: &[Word], window: (Timestamp, Timestamp), profile: Profile) -> Text {
        let texts = || words.iter().map(|word| word.text.as_str());
        let grammar = Grammar::of(texts().flat_map(str::split_whitespace));
        let norms = norms_of(texts(), profile);
        let atoms = atoms::of_words(words, window, norms.line_cells);
        let boundaries = syntax::boundaries(&atoms, grammar);
        Text { norms, atoms, boundaries }
    }
}

/// The atoms of one cue: `first..after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: usize,
    after: usize,
}

/// For each boundary between `count` atoms: the least cost of everything ahead of it, and where its last cue begins.
/// Among equals, the one with the shorter last cue.
fn cheapest(costs: &Costs<'_>, count: usize) -> Vec<(i64, usize)> {
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
    best
}

/// The cheapest row of spans over all atoms ahead of a boundary.
fn spans_to(boundary: usize, best: &[(i64, usize)]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut after = boundary;
    while after > 0 {
        let first = best[after].1;
        spans.push(Span { first, after });
        after = first;
    }
    spans.reverse();
    spans
}

fn cues_of(
    spans: &[Span],
    atoms: &[Atom],
    costs: &Costs<'_>,
    window: (Timestamp, Timestamp),
    norms: Norms,
) -> Vec<Cue> {
    let times = timing::of_spans(spans, atoms, window, norms);
    let laid_out = spans.iter().zip(times).map(|(span, (start, end))| {
        let line_break = costs.line_break(span.first, span.after);
        let (text, doubts) = text_of(&atoms[span.first..span.after], line_break.map(|at| at - span.first));
        Cue { start, end, text, doubts }
    });
    laid_out.collect()
}

/// The text of a cue, and where in it the doubtful atoms stand.
fn text_of(atoms: &[Atom], line_break: Option<usize>) -> (String, Vec<(u32, u32)>) {
    let (mut text, mut doubts) = (String::new(), Vec::new());
    let mut length = 0;
    for (index, atom) in atoms.iter().enumerate() {
        if line_break == Some(index) {
            text.push('\n');
            length += 1;
        } else if index > 0 && atom.space_before {
            text.push(' ');
            length += 1;
        }
        text.push_str(&atom.text);
        let from = length;
        length += atom.text.chars().count() as u32;
        if atom.is_doubtful {
            doubts.push((from, length));
        }
    }
    (text, doubts)
}

#[cfg(test)]
mod tests;
