//! How a window is heard, whatever the model: again from its last word on when the model dropped what follows, again
//! and in another way when it repeats itself.

use domain::{Task, Timestamp, Word};

use super::voice::Window;
use super::words;
use super::{omissions, onsets};
use crate::audio::SAMPLE_RATE;

/// The context given to the model beyond the end of the window; without it the last words suffer.
const CONTEXT_MARGIN_S: f64 = 2.0;
/// Positions of the encoder in one second.
const CONTEXT_PER_S: f64 = 50.0;
/// Thirty seconds: what the model was trained on.
const MAX_CONTEXT: usize = 1500;
/// Encoders run faster on round sizes.
const CONTEXT_STEP: usize = 64;
/// Speech of this length after the model's last word was dropped and is heard again.
const DROPPED_S: f64 = 0.5;
/// How often a window is heard again from its last word on.
const MAX_PASSES: usize = 4;

/// A stretch of a window.
pub struct Stretch<'a> {
    pub samples: &'a [f32],
    /// Of its first sample, on the media's time line.
    pub start: u64,
    /// Seconds of speech in it.
    pub speech_s: f64,
}

/// What one call of the model brought.
pub struct Heard {
    pub words: Vec<Word>,
    /// How far the model's time stamps go, in seconds from the start of what it heard.
    pub end_s: f64,
}

/// How a model looks for words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// As fast as it can.
    Usual,
    /// In another way, since the usual one ended in a loop.
    Other,
}

/// A model that hears a stretch once.
pub trait Hearer {
    fn hear(
        &mut self,
        stretch: &Stretch<'_>,
        language: &str,
        task: Task,
        search: Search,
    ) -> anyhow::Result<Heard>;
}

/// The words of `window`, on the media's time line.
pub fn hear_window(
    hearer: &mut impl Hearer,
    window: &Window,
    language: &str,
    task: Task,
) -> anyhow::Result<Vec<Word>> {
    let mut words = hear_all(hearer, window, language, task, Search::Usual)?;
    let spoken_s = window.speech.iter().map(|(from, to)| to - from).sum::<u64>() as f64 / SAMPLE_RATE as f64;
    let is_loop = |words: &[Word]| words::has_loop(words) || words::are_too_many(words, spoken_s);
    if is_loop(&words) {
        tracing::debug!(start = window.start, "the model repeats itself: decoding again");
        let again = hear_all(hearer, window, language, task, Search::Other)?;
        words = if is_loop(&again) { words::collapse_loops(words) } else { again };
    }
    let at = |sample: u64| Timestamp(sample * 1000 / SAMPLE_RATE);
    let speech: Vec<_> = window.speech.iter().map(|&(from, to)| (at(from), at(to))).collect();
    if task == Task::Transcribe {
        words = with_omissions(hearer, window, words, &speech, language)?;
    }
    onsets::snap(&mut words, &window.samples, at(window.start));
    words::fit_times(&mut words, &speech, at(window.start), at(window.end()));
    Ok(words)
}

/// Hears by itself what seems to be left out, and takes it if there is more in it.
fn with_omissions(
    hearer: &mut impl Hearer,
    window: &Window,
    words: Vec<Word>,
    speech: &[(Timestamp, Timestamp)],
    language: &str,
) -> anyhow::Result<Vec<Word>> {
    let end = Timestamp(window.end() * 1000 / SAMPLE_RATE);
    let mut whole = words;
    // From the last one on, so that the places of the others stay.
    for (index, stretch) in omissions::find(&whole, speech, end).into_iter().rev() {
        let sample = |at: Timestamp| (at.0 * SAMPLE_RATE / 1000).clamp(window.start, window.end());
        let (from, to) = (sample(stretch.start), sample(stretch.end));
        let samples = &window.samples[(from - window.start) as usize..(to - window.start) as usize];
        let spoken = Stretch { samples, start: from, speech_s: samples.len() as f64 / SAMPLE_RATE as f64 };
        let mut heard = hearer.hear(&spoken, language, Task::Transcribe, Search::Usual)?;
        if words::has_loop(&heard.words) {
            heard = hearer.hear(&spoken, language, Task::Transcribe, Search::Other)?;
        }
        let is_more = heard.words.len() > 2 && !words::has_loop(&heard.words);
        tracing::debug!(
            start = from,
            words = heard.words.len(),
            is_more,
            "words seem to be left out: heard by themselves"
        );
        if is_more {
            whole.splice(index..=index, heard.words);
        }
    }
    Ok(whole)
}

/// Hears `window`, and what the model dropped at its end again.
fn hear_all(
    hearer: &mut impl Hearer,
    window: &Window,
    language: &str,
    task: Task,
    search: Search,
) -> anyhow::Result<Vec<Word>> {
    let mut words: Vec<Word> = Vec::new();
    let mut from = 0;
    for _ in 0..MAX_PASSES {
        let start = window.start + from as u64;
        let samples = &window.samples[from..];
        let left = |from: u64| -> f64 {
            let samples: u64 =
                window.speech.iter().map(|&(begin, end)| end.saturating_sub(begin.max(from))).sum();
            samples as f64 / SAMPLE_RATE as f64
        };
        let stretch = Stretch { samples, start, speech_s: left(start) };
        let heard = hearer.hear(&stretch, language, task, search)?;
        let heard_until = start + (heard.end_s * SAMPLE_RATE as f64) as u64;
        let is_empty = heard.words.is_empty();
        append_new(&mut words, heard.words);
        if is_empty || left(heard_until) < DROPPED_S {
            break;
        }
        from = (heard_until - window.start) as usize;
        if from + SAMPLE_RATE as usize / 2 > window.samples.len() {
            break;
        }
        tracing::debug!(start = window.start, from, "speech is left after the last word: hearing it again");
    }
    Ok(words)
}

/// Encoder positions for `length_s` seconds: fitting them saves time and keeps the model from giving up early.
pub fn fitted_context(length_s: f64) -> usize {
    let positions = ((length_s + CONTEXT_MARGIN_S) * CONTEXT_PER_S).ceil() as usize;
    (positions.next_multiple_of(CONTEXT_STEP)).min(MAX_CONTEXT)
}

/// Appends what was heard in a second pass, without the words that both passes heard.
fn append_new(words: &mut Vec<Word>, fresh: Vec<Word>) {
    const LONGEST_OVERLAP: usize = 4;
    let same = |a: &Word, b: &Word| a.text.eq_ignore_ascii_case(&b.text);
    let longest = LONGEST_OVERLAP.min(words.len()).min(fresh.len());
    let overlap = (1..=longest)
        .rev()
        .find(|&length| words[words.len() - length..].iter().zip(&fresh).all(|(a, b)| same(a, b)))
        .unwrap_or(0);
    words.extend(fresh.into_iter().skip(overlap));
}
