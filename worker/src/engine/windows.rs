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
/// A window this long ends at the next pause, or soon within speech: 15 s.
pub const MAX_WINDOW: u64 = 468;
/// The first one is short, so that the first caption comes early: 9 s. With 6 s many first sentences were cut
/// in the middle, and their halves misheard.
pub const MAX_FIRST_WINDOW: u64 = 280;
/// How far the windows on both sides of a cut within speech are heard beyond it, so that both hear its words whole:
/// 0.5 to 1.5 s, to where it is quietest, since a window that begins in the midst of a word is misheard.
const LEAST_OVERLAP: u64 = 16;
const OVERLAP: u64 = 47;
/// Frames on each side of a cut that should be quiet too.
const CUT_REACH: u64 = 3;
/// Frames on each side of a cut that are quiet if it lies between words: 160 ms in all.
const BREATH: u64 = 2;
/// Of the way from the quietest to the loudest frame in the seconds before: what lies below is quiet.
const QUIET: f32 = 0.3;
/// In dB: where the loudest is no further from the quietest, nothing tells speech from silence.
const LEAST_RANGE: f32 = 12.0;
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
    /// To be transcribed. `heard` is what the model should hear: more than the span where it was cut within speech.
    /// `speech` holds the regions of speech in that, in order.
    Speech { start: u64, end: u64, heard: (u64, u64), speech: Vec<(u64, u64)> },
    /// A long stretch without speech. Short ones are passed over.
    Silence { start: u64, end: u64 },
}

/// Takes frames one by one and gives spans as soon as they are certain.
pub struct Cutter {
    /// Index of the next frame to come.
    now: u64,
    /// Frames before this one only tell whether somebody is speaking when it comes.
    first: u64,
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
    /// Before its start if speech goes on from the window before.
    heard_from: u64,
    /// Finished regions in it.
    speech: Vec<(u64, u64)>,
}

impl Cutter {
    /// The first frame to come is number `now`; no span begins before frame `first`. With `short_first` the first
    /// window is short.
    pub fn new(now: u64, first: u64, short_first: bool) -> Cutter {
        Cutter {
            now,
            first,
            recent: VecDeque::new(),
            region: None,
            open: None,
            given_until: first,
            is_first: short_first,
            spans: VecDeque::new(),
        }
    }

    /// The next certain span.
    pub fn next_span(&mut self) -> Option<Span> {
        self.spans.pop_front()
    }

    /// Nothing before this frame will have to be heard.
    pub fn keep_from(&self) -> u64 {
        match (&self.open, self.region) {
            (Some(open), _) => open.heard_from,
            // It may turn out to be what an earlier request cut off.
            _ if self.now < self.first + MIN_SILENCE => self.first.saturating_sub(OVERLAP),
            (None, Some((start, _))) => start.saturating_sub(PADDING).max(self.given_until),
            (None, None) => self.now.saturating_sub(PADDING).max(self.given_until),
        }
    }

    pub fn push(&mut self, frame: Frame) {
        self.recent.push_back(frame);
        if self.recent.len() as u64 > MAX_WINDOW + OVERLAP + 2 * PADDING {
            self.recent.pop_front();
        }
        let at = self.now;
        self.now += 1;

        match &mut self.region {
            None if frame.probability >= ONSET => self.region = Some((at, at)),
            Some((_, last_voiced)) if frame.probability >= RELEASE => *last_voiced = at,
            _ => {}
        }
        let mut is_cut_off = false;
        if let Some((start, last_voiced)) = self.region
            && start < self.first
            && last_voiced >= self.first
            && at >= self.first + BREATH
        {
            is_cut_off = true;
            self.region = Some((self.first, last_voiced));
        }
        if let Some((start, last_voiced)) = self.region {
            let is_speech = start >= self.first && (is_cut_off || last_voiced + 1 - start >= MIN_SPEECH);
            if is_speech && self.open.is_none() {
                let start = start.saturating_sub(PADDING).max(self.given_until);
                let heard_from = if is_cut_off { self.reach_back(start) } else { start };
                self.open = Some(Open { start, heard_from, speech: Vec::new() });
            }
            if at - last_voiced >= MIN_SILENCE {
                self.region = None;
                if is_speech && let Some(open) = &mut self.open {
                    open.speech.push((start, last_voiced + 1));
                }
            }
        }
        if at < self.first {
            return;
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
            let end = (last_end + PADDING).min(self.now);
            self.give(open, end, end);
        }
    }

    fn close_what_is_full(&mut self) {
        let Some(open) = &self.open else { return };
        let max = if self.is_first { MAX_FIRST_WINDOW } else { MAX_WINDOW };
        let length = self.now - open.start;
        match self.region {
            None => {
                let Some(&(_, last_end)) = open.speech.last() else {
                    // What went on beyond the last cut was no more than a click.
                    self.open = None;
                    return;
                };
                if length >= max || self.now - last_end >= MERGE_GAP {
                    self.cut_at((last_end + PADDING).min(self.now));
                }
            }
            Some((region_start, _)) if length >= max => {
                // Between regions if the part before is worth a window of its own, else within the speech.
                let last_end = open.speech.last().map(|&(_, end)| end);
                match last_end {
                    Some(last_end) if last_end - open.start >= max / 3 => {
                        let middle = (last_end + region_start) / 2;
                        self.cut_at(middle.min(last_end + PADDING));
                    }
                    _ if length >= max + OVERLAP => {
                        self.cut_at(self.quietest(open.start + max * 2 / 3, open.start + max));
                    }
                    _ => {}
                }
            }
            Some(_) => {}
        }
    }

    /// Ends the open window at `end`; speech that goes on beyond it opens the next one.
    fn cut_at(&mut self, end: u64) {
        let Some(mut open) = self.open.take() else { return };
        let Some((start, last_voiced)) = &mut self.region else { return self.give(open, end, end) };
        if *start >= end {
            let start = start.saturating_sub(PADDING).max(end);
            self.give(open, end, end);
            self.open = Some(Open { start, heard_from: start, speech: Vec::new() });
            return;
        }
        let begun = std::mem::replace(start, end);
        *last_voiced = (*last_voiced).max(end);
        let is_between_words = self.is_quiet(end);
        let heard_to = if is_between_words { end } else { self.quietest(end + LEAST_OVERLAP, end + OVERLAP) };
        open.speech.push((begun, heard_to));
        self.give(open, end, heard_to);
        self.open = Some(Open { start: end, heard_from: self.reach_back(end), speech: Vec::new() });
    }

    /// Where a window begins to hear that was cut off from speech at `cut`.
    fn reach_back(&self, cut: u64) -> u64 {
        if self.is_quiet(cut) {
            return cut;
        }
        let from = cut.saturating_sub(OVERLAP);
        self.quietest(from, cut.saturating_sub(LEAST_OVERLAP)).clamp(from, cut)
    }

    /// Whether nothing is said at `cut`, as far as the last seconds tell.
    fn is_quiet(&self, cut: u64) -> bool {
        let levels: Vec<f32> = self.levels(cut.saturating_sub(2 * OVERLAP), cut + BREATH + 1).collect();
        let low = levels.iter().copied().fold(f32::INFINITY, f32::min);
        let high = levels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut around = self.levels(cut.saturating_sub(BREATH), cut + BREATH + 1);
        high - low >= LEAST_RANGE && around.all(|level| level <= low + QUIET * (high - low))
    }

    fn levels(&self, from: u64, to: u64) -> impl Iterator<Item = f32> {
        let oldest = self.now - self.recent.len() as u64;
        let range = from.max(oldest)..to.min(self.now);
        range.filter_map(move |at| self.recent.get((at - oldest) as usize)).map(|frame| frame.level)
    }

    fn give(&mut self, mut open: Open, end: u64, heard_to: u64) {
        self.is_first = false;
        self.given_until = end;
        let heard = (open.heard_from, heard_to);
        if let Some((first, _)) = open.speech.first_mut().filter(|_| open.heard_from < open.start) {
            *first = heard.0;
        }
        self.spans.push_back(Span::Speech { start: open.start, end, heard, speech: open.speech });
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
        let levels: Vec<f32> = self.levels(from, to).collect();
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
