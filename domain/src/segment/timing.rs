//! When cues appear and go.

use super::norms::Norms;
use super::{Atom, Span};
use crate::Timestamp;

/// Room that is kept for each cue where words crowd at one moment, if the window has it.
const CROWDED: u64 = 100;

/// How far a cue that would be too short or too fast may appear ahead of its words, into silence.
pub(super) const EARLY: u64 = 300;

/// How far the cue behind it may wait for it, if it can spare that: Netflix allows three frames.
const LATE: u64 = 120;

/// Start and end of each cue: inside the window, in order, without overlap.
pub(super) fn of_spans(
    spans: &[Span],
    atoms: &[Atom],
    window: (Timestamp, Timestamp),
    norms: Norms,
) -> Vec<(Timestamp, Timestamp)> {
    let (window_start, window_end) = (window.0.0, window.1.0);
    let mut starts: Vec<u64> = spans.iter().map(|span| atoms[span.first].start.0).collect();
    spread(&mut starts, window_start, window_end);

    let cue_of = |(index, span): (usize, &Span)| {
        let atoms = &atoms[span.first..span.after];
        let start = starts[index];
        let speech = Speech { start, end: atoms[atoms.len() - 1].end.0.max(start), cells: span_cells(atoms) };
        let end = speech.end_before(starts.get(index + 1).copied(), window_end, norms);
        Shown { start, end, spoken: speech.end, needed: norms.needed(speech.cells) }
    };
    let mut cues: Vec<Shown> = spans.iter().enumerate().map(cue_of).collect();
    for index in 0..cues.len() {
        appear_early(&mut cues, index, window_start, norms);
        hold_back_next(&mut cues, index, norms);
    }
    cues.iter().map(|cue| (Timestamp(cue.start), Timestamp(cue.end))).collect()
}

/// A cue in time.
struct Shown {
    start: u64,
    end: u64,
    /// When its last word ends.
    spoken: u64,
    /// How long it should stay.
    needed: u64,
}

impl Shown {
    fn lacking(&self) -> u64 {
        self.needed.saturating_sub(self.end - self.start)
    }

    /// Until when it cannot be spared.
    fn kept_until(&self) -> u64 {
        self.spoken.max(self.start.saturating_add(self.needed)).min(self.end)
    }
}

/// What a cue lacks it takes from the silence ahead of its words, and from the cue ahead what that does not need.
fn appear_early(cues: &mut [Shown], index: usize, window_start: u64, norms: Norms) {
    let cue = &cues[index];
    let earliest = match index.checked_sub(1) {
        Some(ahead) => cues[ahead].kept_until().saturating_add(norms.gap),
        None => window_start,
    };
    let start = cue.start.saturating_sub(cue.lacking().min(EARLY)).max(earliest);
    if start >= cue.start {
        return;
    }
    cues[index].start = start;
    if let Some(ahead) = index.checked_sub(1) {
        cues[ahead].end = cues[ahead].end.min(start - norms.gap);
    }
}

/// What it still lacks it takes from the cue that follows at once, if that does not need it.
fn hold_back_next(cues: &mut [Shown], index: usize, norms: Norms) {
    let Some(next) = cues.get(index + 1) else { return };
    let follows_at_once = next.start - cues[index].end == norms.gap;
    let spare = (next.end - next.start).saturating_sub(next.needed);
    let later = cues[index].lacking().min(LATE).min(spare);
    if follows_at_once {
        cues[index].end += later;
        cues[index + 1].start += later;
    }
}

/// Keeps at least [`CROWDED`] between starts, or what the window has, and leaves all others alone.
fn spread(starts: &mut [u64], window_start: u64, window_end: u64) {
    let count = starts.len() as u64;
    let Some(room) = (window_end - window_start).checked_div(count) else { return };
    let room = room.min(CROWDED);
    let mut earliest = window_start;
    for (index, start) in starts.iter_mut().enumerate() {
        let latest = window_end - room * (count - index as u64);
        *start = (*start).max(earliest).min(latest);
        earliest = *start + room;
    }
}

/// A cue's words in time, before it is decided how long the cue stays.
pub(super) struct Speech {
    pub start: u64,
    pub end: u64,
    pub cells: u64,
}

impl Speech {
    /// When the cue goes: after its last word; later where reading or the shortest duration ask for it and
    /// silence follows; earlier where the next cue starts. Never before `self.start`.
    pub(super) fn end_before(&self, next_start: Option<u64>, window_end: u64, norms: Norms) -> u64 {
        let (speech_limit, limit) = match next_start {
            Some(next) => {
                // Where the next words follow at once, the gap is taken from this cue, if it lives through it.
                let parted = next.saturating_sub(norms.gap);
                let limit = if parted > self.start { parted } else { next };
                (limit, limit)
            }
            // The first cue of the next window may start at this window's end.
            None => {
                let parted = window_end.saturating_sub(norms.gap);
                let may_part = parted >= self.start.saturating_add(norms.shortest);
                (if may_part { parted } else { window_end }, parted)
            }
        };
        let last = self.start.saturating_add(norms.longest);
        let spoken = self.end.min(speech_limit).min(last);
        let reading = self.cells * 1_000 / norms.comfortable_cells;
        let shortest = self.start.saturating_add(norms.shortest);
        let wanted =
            self.start.saturating_add(reading).min(self.end.saturating_add(norms.linger)).max(shortest);
        let end = spoken.max(wanted.min(limit)).min(last).max(self.start);
        match next_start {
            Some(next)
                if next.saturating_sub(end) < norms.closed_gap && limit - self.start <= norms.longest =>
            {
                end.max(limit)
            }
            _ => end,
        }
    }
}

pub(super) fn span_cells(atoms: &[Atom]) -> u64 {
    let spaces = atoms.iter().skip(1).filter(|atom| atom.space_before).count() as u64;
    atoms.iter().map(|atom| u64::from(atom.cells)).sum::<u64>() + spaces
}
