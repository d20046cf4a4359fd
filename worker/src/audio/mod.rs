//! A media file as a stream of 16 kHz mono samples on the media's own time line.
//!
//! Decoding streams: however long the media is, only a few packets are in memory. The container's word is not
//! taken for anything that matters: lengths are counted, rates and channel counts checked, panics of the
//! decoders caught.

mod ffmpeg;
mod mp4;
mod native;
mod resample;
mod sniff;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use domain::Failure;

use self::ffmpeg::FfmpegReader;
use self::native::NativeReader;
use self::sniff::Sniffed;

/// What Whisper and the voice activity model are made for.
pub const SAMPLE_RATE: u64 = 16_000;

/// Decodes the default sound track of one file.
pub struct AudioReader {
    decoder: Decoder,
    duration_ms: Option<u64>,
    /// Samples before this one are decoded and dropped.
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
    /// Reading starts at sample `first_sample`; media longer than `max_duration_ms` fails.
    pub fn open(path: &Path, first_sample: u64, max_duration_ms: u64) -> Result<AudioReader, Failure> {
        let file = File::open(path).map_err(|error| {
            tracing::warn!(%error, "could not open the media");
            Failure::CorruptMedia
        })?;
        let sniffed = match sniff::sniff(&file) {
            Sniffed::Empty => return Err(Failure::CorruptMedia),
            Sniffed::NotMedia(found) => return Err(Failure::UnsupportedFormat { found: found.into() }),
            sniffed => sniffed,
        };
        let decoder = match sniffed {
            Sniffed::Foreign(found) => {
                tracing::info!(found, "decoding with ffmpeg");
                let unsupported = Failure::UnsupportedFormat { found: found.into() };
                Decoder::Ffmpeg(FfmpegReader::open(path, unsupported)?)
            }
            _ => match guarded(|| NativeReader::open(path, file, sniffed)) {
                Ok(reader) => Decoder::Native(Box::new(reader)),
                Err(failure @ (Failure::NoAudio | Failure::Encrypted)) => return Err(failure),
                Err(failure) => {
                    tracing::info!(reason = failure.code(), "decoding with ffmpeg");
                    Decoder::Ffmpeg(FfmpegReader::open(path, failure)?)
                }
            },
        };
        let duration_ms = match &decoder {
            Decoder::Native(reader) => reader.duration_ms(),
            Decoder::Ffmpeg(reader) => reader.duration_ms(),
        };
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

/// A decoder that panics met bytes its author did not think of.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::warn!("a decoder panicked");
        Err(Failure::CorruptMedia)
    })
}
