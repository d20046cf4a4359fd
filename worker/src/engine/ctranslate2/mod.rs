//! Whisper behind the [`Transcriber`] trait, by way of CTranslate2, which computes in int8. It takes whisper.cpp's model
//! files. No other folder knows its types.
//!
//! Word times come from cross-attention, aligned by dynamic time warping: CTranslate2 does not tell the probabilities
//! of time tokens.

mod features;
mod library;
mod weights;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use domain::{Task, Timestamp, Word};

pub use self::library::check;

use self::features::Features;
use self::library::{Encoded, Generated, Model};
use self::weights::ModelFiles;
use super::ggml::Ggml;
use super::hearing::{self, Heard, Hearer, Search, Stretch};
use super::tokens::{TIMESTAMP_MS, Tokens};
use super::transcriber::{LanguageProbability, SpeechModel, Transcriber};
use super::voice::Window;
use super::words::{self, Token};
use crate::audio::SAMPLE_RATE;

/// A text that is less probable than this is looked for again; Whisper's own threshold.
const LEAST_SCORE: f32 = -1.0;
/// How wide a second search is. Whisper would draw lots, which gives other words each time.
const BEAMS: usize = 5;
/// Frames of the spectrogram for each position of the encoder.
const FRAMES_PER_POSITION: usize = 2;

pub struct Ctranslate2Model(Arc<Shared>);

/// What all transcribers use.
struct Shared {
    model: Arc<Model>,
    features: Features,
    tokens: Tokens,
    /// The bytes of each text token.
    words: Vec<Vec<u8>>,
    /// Milliseconds by which attention looks at words too late.
    lag_ms: i64,
}

impl Ctranslate2Model {
    /// `weights` is a model file of whisper.cpp, in float16. `threads` transcribers can work at once.
    pub fn load(library: &Path, weights: &Path, threads: NonZeroUsize) -> anyhow::Result<Ctranslate2Model> {
        let file = std::fs::read(weights).context("could not read the model")?;
        let ggml = Ggml::read(&file).context("could not read the model")?;
        let tokens = Tokens::of(ggml.sizes.tokens);
        let features = Features::new(&ggml.filters);
        let words = ggml.words.iter().map(|word| word.to_vec()).collect();
        let files = ModelFiles::of(&ggml, &tokens)?;
        let lag_ms = weights::lag_ms(&ggml);
        drop(file);
        let model =
            Arc::new(Model::load(library, &files, threads.get()).context("could not load the model")?);
        Ok(Ctranslate2Model(Arc::new(Shared { model, features, tokens, words, lag_ms })))
    }
}

impl SpeechModel for Ctranslate2Model {
    fn is_multilingual(&self) -> bool {
        self.0.tokens.is_multilingual
    }

    fn transcriber(&self) -> anyhow::Result<Box<dyn Transcriber>> {
        Ok(Box::new(Ctranslate2Transcriber(self.0.clone())))
    }
}

struct Ctranslate2Transcriber(Arc<Shared>);

impl Transcriber for Ctranslate2Transcriber {
    fn detect_language(&mut self, window: &Window) -> anyhow::Result<Vec<LanguageProbability>> {
        let shared = &self.0;
        if !shared.tokens.is_multilingual {
            return Ok(vec![("en", 1.0)]);
        }
        let probabilities = shared.encode(&window.samples)?.detect_language(shared.tokens.languages)?;
        let language =
            |(id, probability): (usize, f32)| Some((whisper_rs::get_lang_str(id as i32)?, probability));
        Ok(probabilities.into_iter().enumerate().filter_map(language).collect())
    }

    fn transcribe(&mut self, window: &Window, language: &str, task: Task) -> anyhow::Result<Vec<Word>> {
        hearing::hear_window(self, window, language, task)
    }
}

impl Hearer for Ctranslate2Transcriber {
    fn hear(
        &mut self,
        stretch: &Stretch<'_>,
        language: &str,
        task: Task,
        search: Search,
    ) -> anyhow::Result<Heard> {
        let shared = &self.0;
        let encoded = shared.encode(stretch.samples)?;
        let prompt = shared.prompt(language, task)?;
        let generated = shared.decode(&encoded, &prompt, search)?;

        let length_s = stretch.samples.len() as f64 / SAMPLE_RATE as f64;
        let (text, end_s) = shared.text_and_end(&generated.tokens, length_s);
        if text.is_empty() {
            return Ok(Heard { words: Vec::new(), end_s });
        }
        let frames = ((length_s * 100.0).ceil() as usize).max(FRAMES_PER_POSITION);
        let aligned = encoded.align(&prompt, &text, frames)?;
        let mut tokens = Vec::with_capacity(text.len());
        let mut at = 0;
        for (index, token) in text.iter().enumerate() {
            let start = aligned.starts[index].unwrap_or(at).max(at);
            let end = aligned.starts[index + 1].unwrap_or(start).max(start);
            tokens.push(Token {
                bytes: shared.words.get(*token).cloned().unwrap_or_default(),
                probability: aligned.probabilities[index],
                start_ms: ((start * TIMESTAMP_MS) as i64 - shared.lag_ms).max(0),
                end_ms: ((end * TIMESTAMP_MS) as i64 - shared.lag_ms).max(0),
            });
            at = end;
        }
        let start = Timestamp(stretch.start * 1000 / SAMPLE_RATE);
        let mut words = words::drop_sounds(words::join(&tokens, start, language));
        if words::are_invented(&words, generated.no_speech_probability, stretch.speech_s) {
            words.clear();
        }
        Ok(Heard { words, end_s })
    }
}

impl Shared {
    fn encode(&self, samples: &[f32]) -> anyhow::Result<Encoded> {
        let length_s = samples.len() as f64 / SAMPLE_RATE as f64;
        let frames = hearing::fitted_context(length_s) * FRAMES_PER_POSITION;
        let mut features = self.features.of(samples, frames);
        self.model.encode(&mut features, self.features.bands())
    }

    fn prompt(&self, language: &str, task: Task) -> anyhow::Result<Vec<usize>> {
        let tokens = &self.tokens;
        if !tokens.is_multilingual {
            return Ok(vec![tokens.start]);
        }
        let number = whisper_rs::get_lang_id(language).context("Whisper does not know the language")?;
        let task = if task == Task::Translate { tokens.translate } else { tokens.transcribe };
        Ok(vec![tokens.start, tokens.start + 1 + number as usize, task])
    }

    /// Decodes; again and more widely when the model is not sure, and then takes what is more probable.
    fn decode(&self, encoded: &Encoded, prompt: &[usize], search: Search) -> anyhow::Result<Generated> {
        if search == Search::Other {
            return encoded.generate(prompt, BEAMS);
        }
        let greedy = encoded.generate(prompt, 1)?;
        if greedy.score >= LEAST_SCORE || greedy.no_speech_probability > 0.6 {
            return Ok(greedy);
        }
        let wide = encoded.generate(prompt, BEAMS)?;
        Ok(if wide.score > greedy.score { wide } else { greedy })
    }

    /// The tokens of text, and how far the time stamps go. A model that stops without one means the end.
    fn text_and_end(&self, tokens: &[usize], length_s: f64) -> (Vec<usize>, f64) {
        let stamp = |token: usize| token.checked_sub(self.tokens.first_timestamp);
        let text = tokens.iter().copied().filter(|token| *token < self.tokens.end).collect();
        let last = tokens.last().and_then(|token| stamp(*token));
        let end_s = last.map_or(length_s, |steps| (steps as u64 * TIMESTAMP_MS) as f64 / 1000.0);
        (text, end_s.min(length_s))
    }
}
