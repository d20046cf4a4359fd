//! A media file as a stream of 16 kHz mono samples on the media's own time line.
//!
//! Decoding streams: however long the media is, only a few packets are in memory. The container's word is not
//! taken for anything that matters: lengths are counted, rates and channel counts checked, panics of the
//! decoders caught.

mod contents;
pub(crate) mod ffmpeg;
pub(crate) mod listing;
mod mix;
mod mkv;
mod mp4;
mod native;
mod ready;
mod resample;
pub(crate) mod sniff;
mod timeline;
pub(crate) mod track;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use domain::Failure;
use serde::{Deserialize, Serialize};

use self::ffmpeg::{FfmpegReader, TimeLine};
use self::native::NativeReader;
use self::sniff::Sniffed;

/// What Whisper and the voice activity model are made for.
pub const SAMPLE_RATE: u64 = 16_000;

/// Who may decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum MediaDecoder {
    /// symphonia, and ffmpeg for what it cannot decode, where ffmpeg is installed.
    #[default]
    Auto,
    /// symphonia alone: no other program reads the media.
    Symphonia,
}

/// What is wanted of a file.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Samples before this one are decoded and dropped.
    pub first_sample: u64,
    /// Longer media fails.
    pub max_duration_ms: u64,
    /// Of several sound tracks, the first one in this language is heard. Without one it is the default track.
    pub language: Option<&'a str>,
    pub decoder: MediaDecoder,
}

impl Default for Wanted<'_> {
    /// All of the default track, however long it is.
    fn default() -> Self {
        Wanted { first_sample: 0, max_duration_ms: u64::MAX, language: None, decoder: MediaDecoder::Auto }
    }
}

/// Decodes one sound track of one file.
pub struct AudioReader {
    decoder: Decoder,
    duration_ms: Option<u64>,
    first_sample: u64,
    /// Samples decoded so far, dropped ones included.
    decoded: u64,
    max_duration_ms: u64,
}

enum Decoder {
    Native(Box<NativeReader>),
    Ffmpeg(FfmpegReader),
}

impl AudioReader {
    /// Opens `path` and decodes until the first sound, so that what cannot be decoded fails here.
    pub fn open(path: &Path, wanted: &Wanted<'_>) -> Result<AudioReader, Failure> {
        let file = File::open(path).map_err(|error| {
            tracing::warn!(%error, "could not open the media");
            Failure::CorruptMedia
        })?;
        let decoder = decoder(path, file, wanted)?;
        let duration_ms = match &decoder {
            Decoder::Native(reader) => reader.duration_ms(),
            Decoder::Ffmpeg(reader) => reader.duration_ms(),
        };
        let Wanted { first_sample, max_duration_ms, .. } = *wanted;
        if duration_ms.is_some_and(|duration| duration > max_duration_ms) {
            return Err(Failure::MediaTooLong { limit_ms: max_duration_ms });
        }
        Ok(AudioReader { decoder, duration_ms, first_sample, decoded: 0, max_duration_ms })
    }

    /// What the container claims, if anything.
    pub fn duration_ms(&self) -> Option<u64> {
        self.duration_ms
    }

    /// Samples decoded so far, those before the first one included; at the end, the length of the media.
    pub fn decoded(&self) -> u64 {
        self.decoded
    }

    /// Appends the next samples to `out`, possibly none; `false` at the end. Gaps between packets come as silence.
    pub fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, Failure> {
        let length_before = out.len();
        let decoder = &mut self.decoder;
        let is_more = guarded(|| match decoder {
            Decoder::Native(reader) => reader.read(out),
            Decoder::Ffmpeg(reader) => reader.read(out),
        })?;
        let fresh = (out.len() - length_before) as u64;
        let drop = self.first_sample.saturating_sub(self.decoded).min(fresh) as usize;
        out.drain(length_before..length_before + drop);
        self.decoded += fresh;
        // A small file can hold days of silence, so the claim of the container is not enough.
        if self.decoded * 1000 / SAMPLE_RATE > self.max_duration_ms {
            return Err(Failure::MediaTooLong { limit_ms: self.max_duration_ms });
        }
        Ok(is_more)
    }
}

fn decoder(path: &Path, file: File, wanted: &Wanted<'_>) -> Result<Decoder, Failure> {
    let language = wanted.language;
    let (failure, time_line) = match sniff::sniff(&file) {
        Sniffed::Empty => return Err(Failure::CorruptMedia),
        Sniffed::NotMedia(found) => return Err(Failure::UnsupportedFormat { found: found.into() }),
        Sniffed::Foreign(found) => (Failure::UnsupportedFormat { found: found.into() }, TimeLine::FromStart),
        sniffed => match guarded(|| NativeReader::open(path, file, sniffed, language)) {
            Ok(reader) => {
                if reader.may_be_early() && wanted.decoder == MediaDecoder::Auto {
                    let unsure = Failure::UnsupportedFormat { found: "perhaps HE-AAC sound".into() };
                    if let Ok(reader) = FfmpegReader::open(path, language, TimeLine::AsIs, unsure) {
                        return Ok(Decoder::Ffmpeg(reader));
                    }
                }
                return Ok(Decoder::Native(Box::new(reader)));
            }
            Err(failure @ (Failure::NoAudio | Failure::Encrypted)) => return Err(failure),
            Err(failure) => (failure, TimeLine::AsIs),
        },
    };
    if wanted.decoder == MediaDecoder::Symphonia {
        tracing::warn!(reason = failure.message(), "ffmpeg is not to be used");
        return Err(failure);
    }
    tracing::info!(reason = failure.message(), "decoding with ffmpeg");
    Ok(Decoder::Ffmpeg(FfmpegReader::open(path, language, time_line, failure)?))
}

/// A decoder that panics met bytes its author did not think of.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::warn!("a decoder panicked");
        Err(Failure::CorruptMedia)
    })
}
