//! Whisper behind the [`Transcriber`] trait, by way of whisper.cpp. No other file knows its types.
//!
//! Traps of the binding that this file goes around: language strings leak on every call (so they are set once),
//! safe callbacks leak and the abort callback is unsound (so a stuck call is killed with the process),
//! voice activity detection has no effect through it (so it is done before).
//!
//! Word times come from the probabilities of time tokens. Aligning by attention (whisper.cpp's "DTW") costs a
//! tenth more and was worse on speech with known onsets: tiny.en late by 100 ms instead of 11, base with a longer tail.

use std::collections::HashMap;
use std::ffi::c_void;
use std::path::Path;

use anyhow::Context;
use domain::{Task, Timestamp, Word};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

use super::hearing::{self, Heard, Hearer, Search, Stretch};
use super::transcriber::{LanguageProbability, SpeechModel, Transcriber};
use super::voice::Window;
use super::words::{self, Token};
use crate::audio::SAMPLE_RATE;

/// The shortest length whisper.cpp accepts, of which it encodes nothing.
const NO_LENGTH_MS: i32 = 100;
/// The temperature at which a model that repeats itself is asked again.
const WARMER: f32 = 0.4;
/// Weights in memory; shared by all its transcribers.
pub struct WhisperModel {
    context: WhisperContext,
}

impl WhisperModel {
    pub fn load(path: &Path) -> anyhow::Result<WhisperModel> {
        let mut params = WhisperContextParameters::new();
        params.use_gpu(false).flash_attn(false);
        let context = WhisperContext::new_with_params(path, params).context("could not load the model")?;
        Ok(WhisperModel { context })
    }
}

impl SpeechModel for WhisperModel {
    fn is_multilingual(&self) -> bool {
        self.context.is_multilingual()
    }

    fn transcriber(&self) -> anyhow::Result<Box<dyn Transcriber>> {
        let state = self.context.create_state().context("could not make room for the model's state")?;
        let (eot, is_multilingual) = (self.context.token_eot(), self.is_multilingual());
        Ok(Box::new(WhisperTranscriber { state, eot, is_multilingual, params: HashMap::new() }))
    }
}

/// Whether Whisper knows a language by this tag.
pub fn knows_language(tag: &str) -> bool {
    !tag.contains('\0') && whisper_rs::get_lang_id(tag).is_some()
}

/// One state: its buffers and what it decoded last.
pub struct WhisperTranscriber {
    state: WhisperState,
    eot: i32,
    is_multilingual: bool,
    /// Settings by language and task. Each language string set is leaked, so each is set once.
    params: HashMap<(String, bool), FullParams<'static, 'static>>,
}

impl Transcriber for WhisperTranscriber {
    fn detect_language(&mut self, window: &Window) -> anyhow::Result<Vec<LanguageProbability>> {
        if !self.is_multilingual {
            return Ok(vec![("en", 1.0)]);
        }
        // The detection of whisper.cpp encodes 30 s unless a call before it fitted the context. This call of no
        // length fits it and computes the spectrogram, no more: a fifth of the time.
        let mut params = self.params("en", Task::Transcribe);
        params.set_audio_ctx(context(window.samples.len() as f64 / SAMPLE_RATE as f64));
        params.set_duration_ms(NO_LENGTH_MS);
        self.state.full(params, &window.samples)?;
        let (_, probabilities) = self.state.lang_detect(0, 1)?;
        let language =
            |(id, probability): (usize, f32)| Some((whisper_rs::get_lang_str(id as i32)?, probability));
        Ok(probabilities.into_iter().enumerate().filter_map(language).collect())
    }

    fn transcribe(&mut self, window: &Window, language: &str, task: Task) -> anyhow::Result<Vec<Word>> {
        hearing::hear_window(self, window, language, task)
    }
}

impl Hearer for WhisperTranscriber {
    fn hear(
        &mut self,
        stretch: &Stretch<'_>,
        language: &str,
        task: Task,
        search: Search,
    ) -> anyhow::Result<Heard> {
        let &Stretch { samples, start, speech_s } = stretch;
        let mut params = self.params(language, task);
        let length_s = samples.len() as f64 / SAMPLE_RATE as f64;
        params.set_audio_ctx(context(length_s));
        params.set_temperature(if search == Search::Other { WARMER } else { 0.0 });
        self.full_once(params, samples)?;

        let mut heard = Heard { words: Vec::new(), end_s: 0.0 };
        let start_ms = Timestamp(start * 1000 / SAMPLE_RATE);
        for segment in self.state.as_iter() {
            let mut tokens = Vec::new();
            for index in 0..segment.n_tokens() {
                let Some(token) = segment.get_token(index) else { continue };
                let data = token.token_data();
                if data.id >= self.eot {
                    continue;
                }
                tokens.push(Token {
                    bytes: token.to_bytes()?.to_vec(),
                    probability: data.p,
                    start_ms: data.t0 * 10,
                    end_ms: data.t1 * 10,
                });
            }
            let words = words::drop_sounds(words::join(&tokens, start_ms, language));
            let is_invented = words::are_invented(&words, segment.no_speech_probability(), speech_s);
            if !is_invented {
                heard.words.extend(words);
            }
            heard.end_s = heard.end_s.max(segment.end_timestamp() as f64 / 100.0);
        }
        heard.end_s = heard.end_s.min(length_s);
        Ok(heard)
    }
}

impl WhisperTranscriber {
    /// One pass of encoder and decoder. Left alone, whisper.cpp hears whatever lies after the model's last time
    /// stamp again, at the price of a whole window and even if it is silence, which brings forth a "Thank you."
    /// that nobody said. We know where speech is left.
    #[allow(unsafe_code)]
    fn full_once(&mut self, mut params: FullParams<'static, 'static>, samples: &[f32]) -> anyhow::Result<()> {
        let mut passes = 0u32;
        // SAFETY: the callback is called by `full` only, on this thread, with the pointer given here; the counter
        // outlives the call, and nobody else uses it meanwhile.
        unsafe {
            params.set_start_encoder_callback(Some(is_first_pass));
            params.set_start_encoder_callback_user_data((&raw mut passes).cast());
        }
        self.state.full(params, samples)?;
        Ok(())
    }

    fn params(&mut self, language: &str, task: Task) -> FullParams<'static, 'static> {
        let is_translation = task == Task::Translate && self.is_multilingual;
        let key = (language.to_owned(), is_translation);
        let make = || {
            let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
            // Of all the languages only a hundred short strings can ever leak here.
            params.set_language(whisper_rs::get_lang_id(language).and_then(whisper_rs::get_lang_str));
            params.set_translate(is_translation);
            params.set_n_threads(1);
            params.set_no_context(true);
            params.set_token_timestamps(true);
            params.set_suppress_blank(true);
            params.set_suppress_nst(true);
            params.set_temperature_inc(0.4);
            params.set_print_special(false);
            params.set_print_progress(false);
            params.set_print_realtime(false);
            params.set_print_timestamps(false);
            params
        };
        self.params.entry(key).or_insert_with(make).clone()
    }
}

/// Called by whisper.cpp before each pass; `passes` counts them.
///
/// # Safety
/// `passes` must point to a `u32` that nobody else uses during the call. The other pointers are not used.
#[allow(unsafe_code)]
unsafe extern "C" fn is_first_pass<C, S>(_: *mut C, _: *mut S, passes: *mut c_void) -> bool {
    // SAFETY: promised by the caller.
    let passes = unsafe { &mut *passes.cast::<u32>() };
    *passes += 1;
    *passes == 1
}

/// Encoder positions for `length_s` seconds.
fn context(length_s: f64) -> i32 {
    hearing::fitted_context(length_s) as i32
}
