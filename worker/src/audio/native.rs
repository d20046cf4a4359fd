//! Containers and codecs that symphonia (with libopus) decodes.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::OnceLock;

use domain::Failure;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known as codec,
};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase};

use super::contents::{self, Contents, unsupported};
use super::mix::{self, MAX_CHANNELS};
use super::ready::Ready;
use super::resample::ToSixteen;
use super::sniff::Sniffed;
use super::timeline::{Clock, Edits, Gap, Piece};

/// Packets in a row that may be damaged before the rest is given up.
const MAX_DAMAGED_IN_A_ROW: u32 = 200;
/// The rate of AAC inside HE-AAC of 48 kHz.
const MAX_CORE_RATE: u32 = 24_000;

/// Reads one sound track packet by packet.
pub struct NativeReader {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    codec: AudioCodecId,
    track_id: u32,
    time_base: Option<TimeBase>,
    duration_ms: Option<u64>,
    edits: Edits,
    /// Time stamp of a first packet that made no sound.
    first_s: Option<f64>,
    clock: Clock,
    resampler: Option<ToSixteen>,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    ready: Ready,
    damaged: u32,
    is_at_end: bool,
}

impl NativeReader {
    /// Opens `file` and decodes the first packets of the track that suits `language`.
    pub fn open(
        path: &Path,
        mut file: File,
        sniffed: Sniffed,
        language: Option<&str>,
    ) -> Result<NativeReader, Failure> {
        let contents = contents::of_header(&file, sniffed, language)?;
        if file.seek(SeekFrom::Start(0)).is_err() {
            return Err(Failure::CorruptMedia);
        }
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let format = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| match (error, &contents) {
                (Error::Unsupported(_), Some(Contents { track, .. })) => unsupported(&track.codec),
                (Error::Unsupported(_), None) if sniffed == Sniffed::Unknown => unsupported("unknown data"),
                (error, _) => {
                    tracing::debug!(%error, "unreadable container");
                    Failure::CorruptMedia
                }
            })?;

        let Contents { track, edits } = match contents {
            Some(contents) => contents,
            None => contents::of_format(format.as_ref(), language)?,
        };
        if !edits.are_in_order() {
            return Err(unsupported("a film cut together out of its order"));
        }
        let of_format = format.tracks().iter().find(|of_format| of_format.id == track.id);
        let parameters = of_format.and_then(|track| track.codec_params.as_ref()?.audio());
        let (Some(of_format), Some(parameters)) = (of_format, parameters) else {
            return Err(unsupported(&track.codec));
        };
        let channels = parameters.channels.as_ref().map_or(1, |channels| channels.count());
        if parameters.sample_rate == Some(0) || channels > MAX_CHANNELS {
            return Err(Failure::CorruptMedia);
        }
        let codec = parameters.codec;
        let decoder = codecs()
            .make_audio_decoder(&with_priming(parameters), &AudioDecoderOptions::default())
            .map_err(|error| {
                tracing::debug!(%error, "no decoder");
                unsupported(&track.codec)
            })?;
        let mut reader = NativeReader {
            track_id: of_format.id,
            time_base: of_format.time_base,
            duration_ms: duration_ms(format.as_ref(), of_format, &edits),
            format,
            decoder,
            codec,
            edits,
            first_s: None,
            clock: Clock::default(),
            resampler: None,
            interleaved: Vec::new(),
            mono: Vec::new(),
            ready: Ready::default(),
            damaged: 0,
            is_at_end: false,
        };
        // Some codecs own up to what they cannot do only when the first packet is in their hands.
        while reader.ready.is_empty() && !reader.is_at_end {
            if let Err(found) = reader.decode_packet() {
                tracing::debug!(found, "the decoder refuses the packets");
                return Err(unsupported(&track.codec));
            }
        }
        if reader.ready.is_empty() && reader.damaged > 0 {
            return Err(Failure::CorruptMedia);
        }
        Ok(reader)
    }

    pub fn duration_ms(&self) -> Option<u64> {
        self.duration_ms
    }

    /// AAC at such a rate may be half of HE-AAC, whose other half the decoder skips without a word. Nothing of speech is
    /// lost by that, but the delay of the other half is: the sound comes 22 ms early.
    pub fn may_be_early(&self) -> bool {
        let rate = self.resampler.as_ref().map_or(0, |resampler| resampler.rate());
        self.codec == codec::CODEC_ID_AAC && rate <= MAX_CORE_RATE
    }

    /// Appends the samples of the next packets to `out`; `false` at the end.
    pub fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, Failure> {
        while self.ready.is_empty() && !self.is_at_end {
            if self.decode_packet().is_err() {
                self.end();
            }
        }
        self.ready.take(out);
        Ok(!self.is_at_end || !self.ready.is_empty())
    }

    /// Decodes one packet into `ready`. An error means that the decoder will take no packet at all.
    fn decode_packet(&mut self) -> Result<(), &'static str> {
        let mut packet = match self.format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => {
                self.end();
                return Ok(());
            }
            Err(error) => {
                // A file cut off in the middle: what was heard counts.
                tracing::info!(%error, position_s = self.clock.position_s(), "the media ends early");
                if self.resampler.is_none() {
                    self.damaged += 1;
                }
                self.end();
                return Ok(());
            }
        };
        if packet.track_id != self.track_id {
            return Ok(());
        }
        let starts_at = self.time_base.and_then(|base| base.calc_time(packet.pts));
        let lasts = self.time_base.and_then(|base| base.calc_duration(packet.block_dur()));
        self.keep_whole(&mut packet);
        let rate = match self.decoder.decode(&packet) {
            Ok(buffer) => {
                self.damaged = 0;
                let frames = buffer.frames();
                let channels = buffer.spec().channels();
                let rate = buffer.spec().rate();
                if frames == 0 {
                    if self.clock.position_s() == 0.0 && self.codec == codec::CODEC_ID_VORBIS {
                        // In Ogg it is dated below zero, where nothing is heard anyway.
                        self.first_s = starts_at.map(|at| at.as_secs_f64()).filter(|&at_s| at_s >= 0.0);
                    }
                    return Ok(());
                }
                if channels.count() == 0 || channels.count() > MAX_CHANNELS || rate == 0 {
                    return Err("impossible shape");
                }
                let shares = mix::shares(channels);
                buffer.copy_to_vec_interleaved(&mut self.interleaved);
                self.mono.clear();
                mix::mix_down(&self.interleaved, &shares, &mut self.mono);
                // Spectral band replication that the decoder skips leaves half the samples at half the rate.
                let ratio = lasts.map_or(1.0, |lasts| lasts.as_secs_f64() * f64::from(rate) / frames as f64);
                let is_half = self.codec == codec::CODEC_ID_AAC && (1.95..2.05).contains(&ratio);
                if is_half { rate / 2 } else { rate }
            }
            Err(Error::Unsupported(what)) if self.resampler.is_none() => return Err(what),
            Err(error) => {
                self.damaged += 1;
                tracing::debug!(%error, "damaged packet");
                if self.damaged > MAX_DAMAGED_IN_A_ROW {
                    self.end();
                }
                return Ok(());
            }
        };
        if self.resampler.as_ref().is_none_or(|resampler| resampler.rate() != rate) {
            self.resample_from(rate).map_err(|_| "impossible rate")?;
        }
        if let (Some(first_s), Some(at)) = (self.first_s.take(), starts_at) {
            // Browsers present the first sound at the first time stamp, though Vorbis needs two packets to make it.
            self.edits = self.edits.earlier_by(at.as_secs_f64() - first_s);
        }
        let length_s = self.mono.len() as f64 / f64::from(rate);
        let pieces = match starts_at {
            Some(at) => self.edits.pieces(at.as_secs_f64(), length_s),
            None => vec![Piece { skip_s: 0.0, keep_s: length_s, at_s: self.clock.position_s() }],
        };
        for piece in pieces {
            self.hear(piece, rate);
        }
        Ok(())
    }

    /// Decoders cut off the sound that only the encoder needed, and then nobody knows when the rest begins: the time line
    /// says what is not heard. An MP3's header does not even know how many frames there are, when files were joined.
    fn keep_whole(&self, packet: &mut Packet) {
        packet.trim_start = Duration::ZERO;
        if self.codec == codec::CODEC_ID_MP3 {
            packet.trim_end = Duration::ZERO;
        }
    }

    /// Hands a piece of the decoded packet on, with the silence before it.
    fn hear(&mut self, piece: Piece, rate: u32) {
        let frames = |seconds: f64| (seconds * f64::from(rate)).round() as usize;
        let end = frames(piece.skip_s + piece.keep_s).min(self.mono.len());
        let mut start = frames(piece.skip_s).min(end);
        match self.clock.gap_before(piece.at_s) {
            Gap::None => {}
            Gap::Overlap(seconds) => start = (start + frames(seconds)).min(end),
            // Silence goes around the resampler, so that an hour of it takes no memory.
            Gap::SilenceUntil(seconds) => {
                let _ = self.resample_from(rate);
                self.ready.fill_silence_until(seconds);
            }
        }
        let mono = &self.mono[start..end];
        self.clock.advance(mono.len() as f64 / f64::from(rate));
        if let Some(resampler) = &mut self.resampler {
            self.ready.fill(|out| resampler.push(mono, out));
        }
    }

    /// Ends what the resampler has in hand and starts another one.
    fn resample_from(&mut self, rate: u32) -> Result<(), Failure> {
        if let Some(mut old) = self.resampler.take() {
            self.ready.fill(|out| old.finish(out));
        }
        self.resampler = Some(ToSixteen::new(rate)?);
        Ok(())
    }

    fn end(&mut self) {
        self.is_at_end = true;
        if let Some(mut resampler) = self.resampler.take() {
            self.ready.fill(|out| resampler.finish(out));
        }
    }
}

/// The decoder of Opus cuts off its priming by itself, and of the first packet only: it is told that there is none.
fn with_priming(parameters: &AudioCodecParameters) -> AudioCodecParameters {
    let mut parameters = parameters.clone();
    if parameters.codec == codec::CODEC_ID_OPUS
        && let Some(pre_skip) = parameters.extra_data.as_mut().and_then(|head| head.get_mut(10..12))
    {
        pre_skip.fill(0);
    }
    parameters
}

/// Symphonia's codecs and libopus.
fn codecs() -> &'static CodecRegistry {
    static CODECS: OnceLock<CodecRegistry> = OnceLock::new();
    CODECS.get_or_init(|| {
        let mut registry = CodecRegistry::new();
        symphonia::default::register_enabled_codecs(&mut registry);
        registry.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
        registry
    })
}

fn duration_ms(format: &dyn FormatReader, track: &Track, edits: &Edits) -> Option<u64> {
    let of_track = track.time_base.zip(track.duration);
    let of_media = format.media_info().time_base.zip(format.media_info().duration);
    let (base, duration) = of_track.or(of_media)?;
    let duration_s = base.calc_duration(duration)?.as_secs_f64();
    // Streams that were never finished claim zero.
    (duration_s > 0.0).then(|| (edits.end_s(duration_s) * 1000.0) as u64)
}
