//! When cues appear and go.

use super::norms::Norms;
use super::{Atom, Span};
use crate::Timestamp;

/// Room that is kept for each cue where words crowd at one moment, if the window has it.
const CROWDED: u64 = 100;

/// How far a cue that would be too short may appear ahead of its words, into silence.
const EARLY: u64 = 300;

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

    let mut times: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(spans.len());
    for (index, span) in spans.iter().enumerate() {
        let next_start = starts.get(index + 1).copied();
        let earliest = times.last().map_or(window_start, |(_, end)| end.0.saturating_add(norms.gap));
        let cue = Speech {
            start: starts[index],
            end: atoms[span.after - 1].end.0.max(starts[index]),
            cells: span_cells(&atoms[span.first..span.after]),
        };
        let end = cue.end_before(next_start, window_end, norms);
        let is_short = end - cue.start < norms.shortest;
        let start = if is_short {
            let wanted = end.saturating_sub(norms.shortest).max(cue.start.saturating_sub(EARLY));
            wanted.max(earliest).min(cue.start)
        } else {
            cue.start
        };
        times.push((Timestamp(start), Timestamp(end)));
    }
    times
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
