//! From a curve of speech probability to windows cut at silences: pure, and streaming.
//!
//! The numbers were measured with Whisper tiny.en and base: windows of up to 15 s with 400 ms of padding lose
//! the fewest words and cost half of what 30 s windows cost.

use std::collections::VecDeque;

/// Samples in one frame of the voice activity model; at 16 kHz it lasts 32 ms.
pub const FRAME_SAMPLES: u64 = 512;

/// The same in milliseconds.
pub const FRAME_MS: u64 = 32;

/// Speech begins at this probability …
const ONSET: f32 = 0.5;
/// … and goes on until the probability stays below this one.
const RELEASE: f32 = 0.35;
/// Shorter silences do not end a region: 320 ms.
const MIN_SILENCE: u64 = 10;
/// Shorter regions are clicks: 128 ms.
const MIN_SPEECH: u64 = 4;
/// Kept around speech, so that soft beginnings and endings are heard: 416 ms.
const PADDING: u64 = 13;
/// Regions further apart than this go into different windows: 2 s.
const MERGE_GAP: u64 = 62;
/// The longest window: 15 s.
pub const MAX_WINDOW: u64 = 468;
/// The first one is short, so that the first caption comes early: 9 s. With 6 s many first sentences were cut
/// in the middle, and their halves misheard.
pub const MAX_FIRST_WINDOW: u64 = 280;
/// Frames on each side of a cut that should be quiet too.
const CUT_REACH: u64 = 3;
/// Silence that lasts longer than this is told, so that progress moves: 30 s.
pub const TOLD_SILENCE: u64 = 938;

/// What the voice activity model and the ear say of 32 ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Of speech, 0 to 1.
    pub probability: f32,
    /// Loudness in dB; only differences count.
    pub level: f32,
}

/// A stretch of frames, `start` included, `end` not. Spans come in order and never overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// To be transcribed. `speech` holds the regions of speech in it, in order.
    Speech { start: u64, end: u64, speech: Vec<(u64, u64)> },
    /// A long stretch without speech. Short ones are passed over.
    Silence { start: u64, end: u64 },
}

/// Takes frames one by one and gives spans as soon as they are certain.
pub struct Cutter {
    /// Index of the next frame to come.
    now: u64,
    /// The frames from `now - recent.len()` on: as many as a cut may look back.
    recent: VecDeque<Frame>,
    /// The region being spoken, if any: its first frame and its last voiced one.
    region: Option<(u64, u64)>,
    open: Option<Open>,
    /// End of the last span: nothing may begin before it.
    given_until: u64,
    is_first: bool,
    spans: VecDeque<Span>,
}

/// The window being filled.
struct Open {
    start: u64,
    /// Finished regions in it.
    speech: Vec<(u64, u64)>,
}

impl Cutter {
    /// Frames count from `first_frame`. With `short_first` the first window is short.
    pub fn new(first_frame: u64, short_first: bool) -> Cutter {
        Cutter {
            now: first_frame,
            recent: VecDeque::new(),
            region: None,
            open: None,
            given_until: first_frame,
            is_first: short_first,
            spans: VecDeque::new(),
        }
    }

    /// The next certain span.
    pub fn next_span(&mut self) -> Option<Span> {
        self.spans.pop_front()
    }

    /// No span to come begins before this frame.
    pub fn keep_from(&self) -> u64 {
        let earliest = match (&self.open, self.region) {
            (Some(open), _) => open.start,
            (None, Some((start, _))) => start.saturating_sub(PADDING),
            (None, None) => self.now.saturating_sub(PADDING),
        };
        earliest.max(self.given_until)
    }

    pub fn push(&mut self, frame: Frame) {
        self.recent.push_back(frame);
        if self.recent.len() as u64 > MAX_WINDOW + 2 * PADDING {
            self.recent.pop_front();
        }
        let at = self.now;
        self.now += 1;

        match &mut self.region {
            None if frame.probability >= ONSET => self.region = Some((at, at)),
            Some((_, last_voiced)) if frame.probability >= RELEASE => *last_voiced = at,
            _ => {}
        }
        if let Some((start, last_voiced)) = self.region {
            let is_speech = last_voiced + 1 - start >= MIN_SPEECH;
            if is_speech && self.open.is_none() {
                let start = start.saturating_sub(PADDING).max(self.given_until);
                self.open = Some(Open { start, speech: Vec::new() });
            }
            if at - last_voiced >= MIN_SILENCE {
                self.region = None;
                if is_speech && let Some(open) = &mut self.open {
                    open.speech.push((start, last_voiced + 1));
                }
            }
        }
        self.close_what_is_full();
        self.tell_silence();
    }

    /// The media ends: everything is certain now.
    pub fn finish(&mut self) {
        if let Some((start, last_voiced)) = self.region.take()
            && last_voiced + 1 - start >= MIN_SPEECH
            && let Some(open) = &mut self.open
        {
            open.speech.push((start, last_voiced + 1));
        }
        if let Some(open) = self.open.take()
            && let Some(&(_, last_end)) = open.speech.last()
        {
            self.give(open, (last_end + PADDING).min(self.now));
        }
    }

    fn close_what_is_full(&mut self) {
        let Some(open) = &self.open else { return };
        let max = if self.is_first { MAX_FIRST_WINDOW } else { MAX_WINDOW };
        let is_full = self.now - open.start >= max;
        match self.region {
            None => {
                let Some(&(_, last_end)) = open.speech.last() else {
                    // What went on beyond the last cut was no more than a click.
                    self.open = None;
                    return;
                };
                if is_full || self.now - last_end >= MERGE_GAP {
                    self.cut_at((last_end + PADDING).min(self.now));
                }
            }
            Some((region_start, _)) if is_full => {
                // Between regions if the part before is worth a window of its own, else within the speech.
                let last_end = open.speech.last().map(|&(_, end)| end);
                match last_end {
                    Some(last_end) if last_end - open.start >= max / 3 => {
                        let middle = (last_end + region_start) / 2;
                        self.cut_at(middle.min(last_end + PADDING));
                    }
                    _ => self.cut_at(self.quietest(open.start + max * 2 / 3, open.start + max)),
                }
            }
            Some(_) => {}
        }
    }

    /// Ends the open window at `end`; speech that goes on beyond it opens the next one.
    fn cut_at(&mut self, end: u64) {
        let Some(mut open) = self.open.take() else { return };
        if let Some((start, last_voiced)) = &mut self.region {
            if *start < end {
                open.speech.push((*start, end));
                *start = end;
                *last_voiced = (*last_voiced).max(end);
            }
            let next_start = start.saturating_sub(PADDING).max(end);
            self.give(open, end);
            self.open = Some(Open { start: next_start, speech: Vec::new() });
        } else {
            self.give(open, end);
        }
    }

    fn give(&mut self, open: Open, end: u64) {
        self.is_first = false;
        self.given_until = end;
        self.spans.push_back(Span::Speech { start: open.start, end, speech: open.speech });
    }

    fn tell_silence(&mut self) {
        if self.open.is_some() || self.region.is_some() {
            return;
        }
        let end = self.now.saturating_sub(PADDING);
        if end >= self.given_until + TOLD_SILENCE {
            self.spans.push_back(Span::Silence { start: self.given_until, end });
            self.given_until = end;
        }
    }

    /// The frame in `from..to` at which a cut hurts least: improbable speech, low level, over 224 ms:
    /// a stop consonant is quiet for less, a breath for longer.
    fn quietest(&self, from: u64, to: u64) -> u64 {
        let oldest = self.now - self.recent.len() as u64;
        let frame = |at: u64| self.recent.get((at - oldest) as usize).copied();
        let from = from.max(oldest + CUT_REACH);
        let levels: Vec<f32> = (from..to).filter_map(frame).map(|frame| frame.level).collect();
        let low = levels.iter().copied().fold(f32::INFINITY, f32::min);
        let high = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let range = (high - low).max(1.0);
        let cost = |at: u64| -> f32 {
            let cost_of = |near: u64| {
                let frame = frame(near)?;
                let weight = (CUT_REACH + 1 - near.abs_diff(at)) as f32;
                Some(weight * (frame.probability + (frame.level - low) / range))
            };
            (at.saturating_sub(CUT_REACH)..=at + CUT_REACH).filter_map(cost_of).sum()
        };
        // The frames at the very end have no neighbours yet.
        (from..to.saturating_sub(CUT_REACH)).min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(to)
    }
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
