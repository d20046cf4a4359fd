//! Containers and codecs that symphonia (with libopus) decodes.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::OnceLock;

use domain::Failure;
use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions, well_known as codec};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::TimeBase;

use super::SAMPLE_RATE;
use super::mp4::{self, Mp4Track};
use super::resample::ToSixteen;
use super::sniff::Sniffed;

/// Packets in a row that may be damaged before the rest is given up.
const MAX_DAMAGED_IN_A_ROW: u32 = 200;
/// Time stamps that disagree with the count of samples by less are rounding.
const TOLERANCE_S: f64 = 0.06;
/// A jump forward of more than this is a broken time stamp, not a pause.
const MAX_GAP_S: f64 = 3600.0;
/// More channels than any microphone array has.
const MAX_CHANNELS: usize = 64;

/// Reads one sound track packet by packet.
pub struct NativeReader {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    time_base: Option<TimeBase>,
    duration_ms: Option<u64>,
    /// Seconds to add to the time stamps to be on the media's time line.
    shift_s: f64,
    resampler: Option<ToSixteen>,
    /// Seconds of sound handed to the resampler, silence for gaps included.
    position_s: f64,
    mono: Vec<f32>,
    interleaved: Vec<f32>,
    ready: Vec<f32>,
    silence_left: u64,
    damaged: u32,
    is_at_end: bool,
}

impl NativeReader {
    /// Opens `file` and decodes its first packets.
    pub fn open(path: &Path, mut file: File, sniffed: Sniffed) -> Result<NativeReader, Failure> {
        let mp4_tracks = if sniffed == Sniffed::Mp4 { mp4::tracks(&file) } else { Vec::new() };
        if file.seek(SeekFrom::Start(0)).is_err() {
            return Err(Failure::CorruptMedia);
        }
        let is_encrypted = mp4_tracks.iter().any(|track| track.is_sound && &track.sample_entry == b"enca");
        if is_encrypted {
            return Err(Failure::Encrypted);
        }
        let has_no_sound = !mp4_tracks.is_empty() && !mp4_tracks.iter().any(|track| track.is_sound);
        if has_no_sound {
            return Err(Failure::NoAudio);
        }
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let format = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| match error {
                Error::Unsupported(_) => match mp4_tracks.iter().find(|track| track.is_sound) {
                    Some(track) => unsupported_entry(track),
                    None if sniffed != Sniffed::Unknown => Failure::CorruptMedia,
                    None => Failure::UnsupportedFormat { found: "unknown data".into() },
                },
                error => {
                    tracing::debug!(%error, "unreadable container");
                    Failure::CorruptMedia
                }
            })?;

        let track = match format.default_track(TrackType::Audio) {
            Some(track) => track.clone(),
            None => return Err(without_audio_track(format.as_ref(), &mp4_tracks)),
        };
        let params = track.codec_params.as_ref().and_then(|params| params.audio()).ok_or(Failure::NoAudio)?;
        let channels = params.channels.as_ref().map_or(1, |channels| channels.count());
        if params.sample_rate == Some(0) || channels > MAX_CHANNELS {
            return Err(Failure::CorruptMedia);
        }
        let decoder =
            codecs().make_audio_decoder(params, &AudioDecoderOptions::default()).map_err(|error| {
                tracing::debug!(%error, "no decoder");
                Failure::UnsupportedFormat { found: codec_name(params.codec) }
            })?;
        let codec_id = params.codec;
        let mp4_track = mp4_tracks.iter().find(|mp4_track| mp4_track.id == track.id);
        let duration_ms = duration_ms(format.as_ref(), &track);
        let mut reader = NativeReader {
            format,
            decoder,
            track_id: track.id,
            time_base: track.time_base,
            duration_ms,
            shift_s: mp4_track.map_or(0.0, |track| track.shift_ms as f64 / 1000.0),
            resampler: None,
            position_s: 0.0,
            mono: Vec::new(),
            interleaved: Vec::new(),
            ready: Vec::new(),
            silence_left: 0,
            damaged: 0,
            is_at_end: false,
        };
        // Some codecs own up to what they cannot do only when the first packet is in their hands.
        while reader.ready.is_empty() && !reader.is_at_end {
            if let Err(found) = reader.decode_packet() {
                tracing::debug!(found, "the decoder refuses the packets");
                return Err(Failure::UnsupportedFormat { found: codec_name(codec_id) });
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

    /// Appends the samples of the next packets to `out`; `false` at the end.
    pub fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, Failure> {
        if self.silence_left > 0 {
            let silence = self.silence_left.min(SAMPLE_RATE * 10);
            out.resize(out.len() + silence as usize, 0.0);
            self.silence_left -= silence;
            return Ok(true);
        }
        while self.ready.is_empty() && self.silence_left == 0 && !self.is_at_end {
            if self.decode_packet().is_err() {
                self.end();
            }
        }
        out.append(&mut self.ready);
        Ok(!self.is_at_end || self.silence_left > 0)
    }

    /// Decodes one packet into `ready`. An error means that the decoder will take no packet at all.
    fn decode_packet(&mut self) -> Result<(), &'static str> {
        let packet = match self.format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => {
                self.end();
                return Ok(());
            }
            Err(error) => {
                // A file cut off in the middle: what was heard counts.
                tracing::info!(%error, position_s = self.position_s, "the media ends early");
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
        let rate = match self.decoder.decode(&packet) {
            Ok(buffer) => {
                self.damaged = 0;
                let frames = buffer.frames();
                let channels = buffer.spec().channels().count();
                let rate = buffer.spec().rate();
                if frames == 0 {
                    return Ok(());
                }
                if channels == 0 || channels > MAX_CHANNELS || rate == 0 {
                    return Err("impossible shape");
                }
                mix_down(&buffer, channels, &mut self.interleaved, &mut self.mono);
                // Spectral band replication that the decoder skips leaves half the samples at half the rate.
                let ratio = lasts.map_or(1.0, |lasts| lasts.as_secs_f64() * f64::from(rate) / frames as f64);
                if (1.95..2.05).contains(&ratio) { rate / 2 } else { rate }
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
            if let Some(mut old) = self.resampler.take() {
                old.finish(&mut self.ready);
            }
            self.resampler = Some(ToSixteen::new(rate).map_err(|_| "impossible rate")?);
        }
        let skipped = starts_at.map_or(0, |at| self.align(at.as_secs_f64(), rate));
        let mono = &self.mono[skipped.min(self.mono.len())..];
        self.position_s += mono.len() as f64 / f64::from(rate);
        if let Some(resampler) = &mut self.resampler {
            resampler.push(mono, &mut self.ready);
        }
        Ok(())
    }

    /// Makes the count of samples agree with a packet's time stamp: silence for a gap, or so many frames of the
    /// packet to skip for an overlap.
    fn align(&mut self, time_stamp_s: f64, rate: u32) -> usize {
        let ahead_s = time_stamp_s + self.shift_s - self.position_s;
        // Before the first sound even small offsets are meant: they are the priming of the encoder.
        let is_first = self.position_s == 0.0;
        if ahead_s.abs() < TOLERANCE_S && !is_first {
            return 0;
        }
        if !(-5.0..MAX_GAP_S).contains(&ahead_s) {
            tracing::info!(ahead_s, "time stamps jump: counting samples instead");
            self.shift_s -= ahead_s;
            return 0;
        }
        if ahead_s < 0.0 {
            return (-ahead_s * f64::from(rate)) as usize;
        }
        // Silence goes around the resampler, so that an hour of it takes no memory.
        if let Some(mut old) = self.resampler.take() {
            old.finish(&mut self.ready);
        }
        self.resampler = ToSixteen::new(rate).ok();
        self.position_s += ahead_s;
        if self.ready.is_empty() {
            self.silence_left = (ahead_s * SAMPLE_RATE as f64) as u64;
            if self.silence_left <= SAMPLE_RATE * 10 {
                self.ready.resize(self.silence_left as usize, 0.0);
                self.silence_left = 0;
            }
        } else {
            let silence = (ahead_s * SAMPLE_RATE as f64) as usize;
            self.ready.resize(self.ready.len() + silence, 0.0);
        }
        0
    }

    fn end(&mut self) {
        self.is_at_end = true;
        if let Some(mut resampler) = self.resampler.take() {
            resampler.finish(&mut self.ready);
        }
    }
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

fn mix_down(
    buffer: &GenericAudioBufferRef<'_>,
    channels: usize,
    interleaved: &mut Vec<f32>,
    mono: &mut Vec<f32>,
) {
    mono.clear();
    buffer.copy_to_vec_interleaved(interleaved);
    // Decoders of floats can bring forth anything; one NaN would spoil a whole window.
    let clean = |sample: f32| if sample.is_finite() { sample.clamp(-4.0, 4.0) } else { 0.0 };
    let scale = 1.0 / channels as f32;
    mono.extend(interleaved.chunks_exact(channels).map(|frame| clean(frame.iter().sum::<f32>() * scale)));
}

fn duration_ms(format: &dyn FormatReader, track: &Track) -> Option<u64> {
    let of_track = track.time_base.zip(track.duration);
    let of_media = format.media_info().time_base.zip(format.media_info().duration);
    let (base, duration) = of_track.or(of_media)?;
    let duration_s = base.calc_duration(duration)?.as_secs_f64();
    // Streams that were never finished claim zero.
    (duration_s > 0.0).then_some((duration_s * 1000.0) as u64)
}

/// The container is fine, but there is no track of a known codec in it.
fn without_audio_track(format: &dyn FormatReader, mp4_tracks: &[Mp4Track]) -> Failure {
    if let Some(track) = mp4_tracks.iter().find(|track| track.is_sound) {
        return unsupported_entry(track);
    }
    let has_unknown_track = format.tracks().iter().any(|track| match &track.codec_params {
        None => true,
        Some(params) => params.audio().is_some(),
    });
    let name = format.format_info().short_name;
    // Matroska names subtitles and unknown video without parameters too, so let ffmpeg have a look.
    if has_unknown_track || format.tracks().is_empty() {
        Failure::UnsupportedFormat { found: format!("{name} with an unknown codec") }
    } else {
        Failure::NoAudio
    }
}

fn unsupported_entry(track: &Mp4Track) -> Failure {
    let found = match &track.sample_entry {
        b"ac-3" => "AC-3 sound".into(),
        b"ec-3" => "E-AC-3 sound".into(),
        b"ac-4" => "AC-4 sound".into(),
        b"dtsc" | b"dtse" | b"dtsh" | b"dtsl" => "DTS sound".into(),
        b"samr" | b"sawb" => "AMR sound".into(),
        b"mp4a" => "AAC sound of an unusual kind".into(),
        entry => format!("{} sound", String::from_utf8_lossy(entry).escape_default()),
    };
    Failure::UnsupportedFormat { found }
}

fn codec_name(id: AudioCodecId) -> String {
    let name = match id {
        codec::CODEC_ID_AC3 => "AC-3",
        codec::CODEC_ID_EAC3 => "E-AC-3",
        codec::CODEC_ID_AC4 => "AC-4",
        codec::CODEC_ID_DCA => "DTS",
        codec::CODEC_ID_TRUEHD => "TrueHD",
        codec::CODEC_ID_WMA => "Windows Media",
        codec::CODEC_ID_AAC => "AAC surround",
        codec::CODEC_ID_MP2 => "MP2",
        codec::CODEC_ID_SPEEX => "Speex",
        codec::CODEC_ID_WAVPACK => "WavPack",
        _ => "unknown",
    };
    format!("{name} sound")
}
