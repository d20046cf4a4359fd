//! One request inside the child: decode → windows → words, with bounded channels between the threads.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::Context;
use domain::{Failure, Task, Timestamp, Word};

use super::ctranslate2::Ctranslate2Model;
use super::language;
use super::protocol::{EngineEvent, Request};
use super::seams;
use super::sound::{Sound, timestamp};
use super::transcriber::{SpeechModel, Transcriber};
use super::voice::{Item, VoiceModel, Windows};
use super::whisper::{self, WhisperModel};
use super::words;
use crate::audio::{AudioReader, SAMPLE_RATE, Wanted};

/// Where a request's events go.
pub trait Listener: Sync {
    fn event(&self, event: EngineEvent);
    /// There is progress that nobody is told of.
    fn sign_of_life(&self);
}

/// The models in memory; they stay from one request to the next.
#[derive(Default)]
pub struct Models {
    /// The library of CTranslate2, to be used instead of whisper.cpp.
    ctranslate2: Option<PathBuf>,
    speech: Option<Speech>,
    voice: Option<(PathBuf, VoiceModel)>,
}

/// A model of speech, from which file it is, and its transcribers so far.
struct Speech {
    path: PathBuf,
    model: Box<dyn SpeechModel>,
    transcribers: Vec<Box<dyn Transcriber>>,
}

/// Why a request has no result. A failure is the fault of media or request; an error is ours.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("{0:?}")]
    Failure(Failure),
    #[error(transparent)]
    Engine(#[from] anyhow::Error),
}

impl From<Failure> for SessionError {
    fn from(failure: Failure) -> SessionError {
        SessionError::Failure(failure)
    }
}

/// Transcribes `request` on `threads` threads and gives the length of the media in milliseconds.
pub fn transcribe(
    request: &Request,
    models: &mut Models,
    threads: NonZeroUsize,
    listener: &dyn Listener,
) -> Result<u64, SessionError> {
    let first_sample = request.resume_from.0.saturating_mul(SAMPLE_RATE) / 1000;
    let origin = Windows::origin(first_sample);
    let wanted = Wanted {
        first_sample: origin,
        max_duration_ms: request.max_duration_ms,
        language: request.track_language.as_deref(),
        decoder: request.decoder,
    };
    let reader = AudioReader::open(&request.media, &wanted)?;
    let duration_ms = reader.duration_ms();
    listener.event(EngineEvent::Opened { duration_ms });
    let (speech, voice) = models.load(request, threads)?;
    let (is_multilingual, transcribers) = (speech.model.is_multilingual(), &mut speech.transcribers);
    let mut sound =
        Sound::new(reader, (origin, first_sample), Windows::new(voice, first_sample, duration_ms), listener);
    let given = request.language.as_deref().map(primary_subtag).filter(|tag| whisper::knows_language(tag));
    let known = if is_multilingual { given } else { Some(ONLY_LANGUAGE.into()) };
    let (language, probability) = match known {
        Some(tag) => (Some(tag), None),
        None => language::detect(&mut sound, transcribers[0].as_mut(), listener).unzip(),
    };
    if let Some(tag) = language.clone() {
        listener.event(EngineEvent::Language { tag, probability });
    }
    // Without speech there was nothing to detect, and nothing will be transcribed.
    let language = language.unwrap_or_else(|| ONLY_LANGUAGE.into());

    thread::scope(|scope| {
        // Windows go to the transcribers in turn and their words are collected in turn: in order without sorting,
        // and nobody runs ahead by more than the channels hold.
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        for transcriber in transcribers.iter_mut() {
            let (item_sender, items) = sync_channel::<(Item, String)>(1);
            let (sender, receiver) = sync_channel(1);
            let (language, task) = (&language, request.task);
            scope.spawn(move || work(transcriber.as_mut(), &items, &sender, language, task));
            inputs.push(item_sender);
            outputs.push(receiver);
        }
        let producer = scope.spawn(move || produce(sound, &inputs));

        let mut previous = request.previous_words.clone();
        let mut error = None;
        for output in outputs.iter().cycle() {
            let Ok(done) = output.recv() else { break };
            let Done { own, heard, words, peaks } = match done {
                Ok(done) => done,
                Err(failed) => {
                    error = Some(failed);
                    break;
                }
            };
            let mut words = seams::keep_own(words, &own, &heard, &previous);
            words::begin_sentence(&mut words, previous.last().map(|word| word.text.as_str()));
            previous.extend_from_slice(&words);
            previous.drain(..previous.len().saturating_sub(Request::PREVIOUS_WORDS));
            listener.event(EngineEvent::Window { start: own.start, end: own.end, words, peaks });
        }
        // Whoever still sends finds the channel closed and stops.
        drop(outputs);
        let produced = producer.join().map_err(|_| anyhow::anyhow!("the decoding thread panicked"))?;
        match error {
            Some(error) => Err(SessionError::Engine(error)),
            None => produced,
        }
    })
}

/// The language of models that know one.
const ONLY_LANGUAGE: &str = "en";

/// A stretch of media, what was heard of it and around it, and the words in that.
struct Done {
    own: Range<Timestamp>,
    heard: Range<Timestamp>,
    words: Vec<Word>,
    peaks: String,
}

/// One transcriber: windows in, words out, until either side ends.
fn work(
    transcriber: &mut dyn Transcriber,
    items: &Receiver<(Item, String)>,
    done: &SyncSender<anyhow::Result<Done>>,
    language: &str,
    task: Task,
) {
    for (item, peaks) in items {
        let result = match item {
            Item::Silence { start, end } => {
                let own = timestamp(start)..timestamp(end);
                Ok(Done { heard: own.clone(), own, words: Vec::new(), peaks })
            }
            Item::Window(mut window) => {
                // A translation's words do not stand where they are spoken: nobody could tell whose they are.
                if task == Task::Translate {
                    window.keep_own();
                }
                transcriber.transcribe(&window, language, task).map(|words| Done {
                    own: timestamp(window.own.start)..timestamp(window.own.end),
                    heard: timestamp(window.start)..timestamp(window.end()),
                    words,
                    peaks,
                })
            }
        };
        if done.send(result).is_err() {
            return;
        }
    }
}

/// Hands out the sound; gives the length of the media in milliseconds.
fn produce(mut sound: Sound<'_>, inputs: &[SyncSender<(Item, String)>]) -> Result<u64, SessionError> {
    for input in inputs.iter().cycle() {
        let Some(item) = sound.next()? else { break };
        // Nobody listens any more: another thread has the reason.
        if input.send(item).is_err() {
            return Ok(0);
        }
    }
    Ok(sound.decoded() * 1000 / SAMPLE_RATE)
}

impl Models {
    /// With `ctranslate2`, its library, instead of whisper.cpp.
    pub fn new(ctranslate2: Option<PathBuf>) -> Models {
        Models { ctranslate2, ..Models::default() }
    }

    fn load(
        &mut self,
        request: &Request,
        threads: NonZeroUsize,
    ) -> Result<(&mut Speech, &mut VoiceModel), SessionError> {
        if !request.model.is_file() {
            let stem = request.model.file_stem().unwrap_or_default().to_string_lossy();
            let model = stem.strip_prefix("ggml-").unwrap_or(&stem).to_owned();
            return Err(Failure::UnknownModel { model }.into());
        }
        if self.voice.as_ref().is_none_or(|(path, _)| *path != request.voice_model) {
            let model = VoiceModel::load(&request.voice_model).context("could not load the voice model")?;
            self.voice = Some((request.voice_model.clone(), model));
        }
        if self.speech.as_ref().is_none_or(|speech| speech.path != request.model) {
            // Two models at once might not fit.
            self.speech = None;
            let model: Box<dyn SpeechModel> = match &self.ctranslate2 {
                Some(library) => Box::new(Ctranslate2Model::load(library, &request.model, threads)?),
                None => Box::new(WhisperModel::load(&request.model)?),
            };
            self.speech = Some(Speech { path: request.model.clone(), model, transcribers: Vec::new() });
        }
        let speech = self.speech.as_mut().expect("it was loaded above");
        while speech.transcribers.len() < threads.get() {
            speech.transcribers.push(speech.model.transcriber()?);
        }
        let (_, voice) = self.voice.as_mut().expect("it was loaded above");
        Ok((speech, voice))
    }
}

/// Whisper knows languages only, not regions: `en` of `en-GB`.
fn primary_subtag(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or(tag).to_ascii_lowercase()
}
