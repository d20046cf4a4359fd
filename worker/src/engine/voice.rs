//! Decoded sound to windows worth transcribing: runs the voice activity model in bounded memory.

use std::ops::Range;
use std::path::Path;

use whisper_rs::{WhisperVadContext, WhisperVadContextParams};

use super::windows::{Cutter, FRAME_MS, FRAME_SAMPLES, Frame, MAX_WINDOW, Span};

/// Frames handed to the model at once: 8 s.
const BLOCK: usize = 250;
/// The model forgets everything between calls, so each block begins with the end of the one before: 1 s.
const WARM_UP: usize = 32;

const FRAME: usize = FRAME_SAMPLES as usize;

/// The voice activity model; stays loaded between requests.
pub struct VoiceModel {
    context: WhisperVadContext,
}

impl VoiceModel {
    pub fn load(path: &Path) -> anyhow::Result<VoiceModel> {
        let path = path.to_str().ok_or_else(|| anyhow::anyhow!("the model's path is not UTF-8"))?;
        let mut params = WhisperVadContextParams::new();
        params.set_n_threads(1);
        Ok(VoiceModel { context: WhisperVadContext::new(path, params)? })
    }
}

/// Sound on its way to the model. All positions are in samples of the media's time line.
pub enum Item {
    Window(Window),
    /// A long stretch without speech.
    Silence {
        start: u64,
        end: u64,
    },
}

impl Item {
    /// Where the next item's own part begins, at the earliest.
    pub fn end(&self) -> u64 {
        match self {
            Item::Window(window) => window.own.end,
            Item::Silence { end, .. } => *end,
        }
    }
}

/// Sound handed to the model at once.
pub struct Window {
    pub start: u64,
    pub samples: Vec<f32>,
    /// The part whose words are this window's. What it hears beyond is its neighbours'.
    pub own: Range<u64>,
    /// Where there is speech in it.
    pub speech: Vec<(u64, u64)>,
}

impl Window {
    pub fn end(&self) -> u64 {
        self.start + self.samples.len() as u64
    }

    /// Forgets what is its neighbours'.
    pub fn keep_own(&mut self) {
        let Range { start, end } = self.own;
        self.samples.truncate((end - self.start) as usize);
        self.samples.drain(..(start - self.start) as usize);
        self.start = start;
        for (from, to) in &mut self.speech {
            (*from, *to) = ((*from).max(start), (*to).min(end));
        }
    }
}

/// The first frame of the block before that of sample `first`: what is said there tells whether somebody speaks when
/// `first` comes.
fn first_block(first: u64) -> u64 {
    let block = BLOCK as u64;
    (first.div_ceil(FRAME_SAMPLES) / block * block).saturating_sub(block)
}

/// Cuts a stream of samples into windows.
pub struct Windows<'a> {
    model: &'a mut VoiceModel,
    cutter: Cutter,
    /// Samples from `dropped` on.
    samples: Vec<f32>,
    dropped: u64,
    /// The model has judged everything before this sample.
    judged: u64,
}

impl<'a> Windows<'a> {
    /// The stream is to begin at [`Windows::origin`] of `first`; no window begins before sample `first`. Media whose
    /// whole length is that of one window is not cut for the sake of an early caption.
    pub fn new(model: &'a mut VoiceModel, first: u64, duration_ms: Option<u64>) -> Windows<'a> {
        let is_one_window = duration_ms.is_some_and(|duration| duration <= MAX_WINDOW * FRAME_MS);
        let first_frame = first.div_ceil(FRAME_SAMPLES);
        let judged = first_block(first);
        let short_first = first == 0 && !is_one_window;
        Windows {
            model,
            cutter: Cutter::new(judged, first_frame, short_first),
            samples: Vec::new(),
            dropped: Windows::origin(first),
            judged: judged * FRAME_SAMPLES,
        }
    }

    /// Where the stream begins if no window begins before sample `first`: so early that the model judges what
    /// comes as if it had heard everything before. A resumed request then has the windows of the whole one.
    pub fn origin(first: u64) -> u64 {
        first_block(first).saturating_sub(WARM_UP as u64) * FRAME_SAMPLES
    }

    /// Where new samples go.
    pub fn buffer(&mut self) -> &mut Vec<f32> {
        &mut self.samples
    }

    /// Judges full blocks of what is in the buffer, or with `is_end` everything, and gives the finished windows.
    pub fn take(&mut self, is_end: bool) -> anyhow::Result<Vec<Item>> {
        let mut items = Vec::new();
        loop {
            let fresh = (self.dropped + self.samples.len() as u64).saturating_sub(self.judged) as usize;
            let has_block = fresh >= BLOCK * FRAME || (is_end && fresh > 0);
            if !has_block {
                break;
            }
            self.judge(fresh.min(BLOCK * FRAME))?;
            self.collect(&mut items);
        }
        if is_end {
            self.cutter.finish();
            self.collect(&mut items);
        }
        Ok(items)
    }

    /// Feeds the next `count` samples to the model and their frames to the cutter.
    fn judge(&mut self, count: usize) -> anyhow::Result<()> {
        let at = (self.judged - self.dropped) as usize;
        let warm_up = (at / FRAME).min(WARM_UP);
        let block = &self.samples[at - warm_up * FRAME..at + count];
        self.model.context.detect_speech(block)?;
        let probabilities = &self.model.context.probabilities()[warm_up..];
        for (samples, probability) in block[warm_up * FRAME..].chunks(FRAME).zip(probabilities) {
            let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
            let level = 10.0 * power.max(1e-10).log10();
            // What the model makes of broken sound is not a number either.
            let probability = if probability.is_finite() { *probability } else { 0.0 };
            self.cutter.push(Frame { probability, level });
        }
        self.judged += count as u64;
        Ok(())
    }

    fn collect(&mut self, items: &mut Vec<Item>) {
        // The last frame may be a part of one.
        let total = self.dropped + self.samples.len() as u64;
        let sample = |frame: u64| (frame * FRAME_SAMPLES).min(total);
        while let Some(span) = self.cutter.next_span() {
            items.push(match span {
                Span::Silence { start, end } => Item::Silence { start: sample(start), end: sample(end) },
                Span::Speech { start, end, heard, speech } => {
                    let absolute = |(from, to)| (sample(from), sample(to));
                    let (from, to) = absolute(heard);
                    Item::Window(Window {
                        start: from,
                        samples: self.samples[(from - self.dropped) as usize..(to - self.dropped) as usize]
                            .to_vec(),
                        own: sample(start)..sample(end),
                        speech: speech.into_iter().map(absolute).collect(),
                    })
                }
            });
        }
        let warm_up = (WARM_UP * FRAME) as u64;
        let keep_from = sample(self.cutter.keep_from()).min(self.judged.saturating_sub(warm_up));
        // Whole frames, so that warming up starts at the edge of one.
        let keep_from = keep_from / FRAME_SAMPLES * FRAME_SAMPLES;
        let surplus = keep_from.saturating_sub(self.dropped) as usize;
        self.samples.drain(..surplus);
        self.dropped += surplus as u64;
    }
}
