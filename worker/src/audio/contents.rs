//! Which track of a file is heard, and where its sound is presented.

use std::fs::File;

use domain::Failure;
use symphonia::core::codecs::audio::{AudioCodecParameters, well_known as codec};
use symphonia::core::formats::{FormatReader, Track, TrackFlags, TrackType};

use super::sniff::Sniffed;
use super::timeline::{Edit, Edits};
use super::track::{self, SoundTrack};
use super::{mkv, mp4};

/// What Opus counts its delay in, whatever was recorded.
const OPUS_RATE: f64 = 48_000.0;

/// The track to be heard, and where its sound is presented.
pub struct Contents {
    pub track: SoundTrack,
    pub edits: Edits,
}

/// By our own reading of the header; `None` where symphonia's word is enough.
pub fn of_header(file: &File, sniffed: Sniffed, language: Option<&str>) -> Result<Option<Contents>, Failure> {
    if sniffed == Sniffed::Matroska {
        let track = track::choose(&mkv::sound_tracks(file), language).cloned();
        return Ok(track.map(|track| Contents { track, edits: Edits::default() }));
    }
    let Some(of_mp4) = (if sniffed == Sniffed::Mp4 { mp4::sound_tracks(file) } else { None }) else {
        return Ok(None);
    };
    let tracks: Vec<SoundTrack> = of_mp4.iter().map(|of_mp4| of_mp4.track.clone()).collect();
    let track = track::choose(&tracks, language).ok_or(Failure::NoAudio)?;
    match of_mp4.iter().find(|of_mp4| of_mp4.track == *track) {
        Some(of_mp4) if of_mp4.is_encrypted => Err(Failure::Encrypted),
        of_mp4 => Ok(of_mp4.map(|of_mp4| Contents { track: track.clone(), edits: of_mp4.edits.clone() })),
    }
}

/// By what symphonia knows.
pub fn of_format(format: &dyn FormatReader, language: Option<&str>) -> Result<Contents, Failure> {
    let is_sound = |track: &&Track| track.track_type() == Some(TrackType::Audio);
    let tracks: Vec<SoundTrack> = format
        .tracks()
        .iter()
        .filter(is_sound)
        .map(|track| SoundTrack {
            id: track.id,
            language: track.language.clone(),
            is_default: track.flags.contains(TrackFlags::DEFAULT),
            codec: codec_name(track.codec_params.as_ref().and_then(|params| params.audio())),
        })
        .collect();
    let track = track::choose(&tracks, language).cloned().ok_or_else(|| {
        // Unknown video and subtitles have no parameters either, so let ffmpeg have a look.
        let has_unknown_track = format.tracks().iter().any(|track| track.codec_params.is_none());
        if has_unknown_track || format.tracks().is_empty() {
            unsupported(&format!("{} with an unknown codec", format.format_info().short_name))
        } else {
            Failure::NoAudio
        }
    })?;
    let of_format = format.tracks().iter().find(|of_format| of_format.id == track.id);
    Ok(Contents { track, edits: of_format.map_or_else(Edits::default, priming) })
}

/// Opus in Ogg counts the samples from before the first one to be heard; elsewhere those have times below zero.
fn priming(track: &Track) -> Edits {
    let is_opus = track.codec_params.as_ref().and_then(|params| params.audio()).map(|params| params.codec)
        == Some(codec::CODEC_ID_OPUS);
    let from_s = if is_opus { f64::from(track.delay.unwrap_or(0)) / OPUS_RATE } else { 0.0 };
    Edits(vec![Edit { from_s, to_s: f64::INFINITY, at_s: 0.0 }])
}

/// Nothing of ours decodes what was found.
pub fn unsupported(found: &str) -> Failure {
    Failure::UnsupportedFormat { found: found.into() }
}

fn codec_name(parameters: Option<&AudioCodecParameters>) -> String {
    let name = match parameters.map(|parameters| parameters.codec) {
        Some(codec::CODEC_ID_AC3) => "AC-3",
        Some(codec::CODEC_ID_EAC3) => "E-AC-3",
        Some(codec::CODEC_ID_DCA) => "DTS",
        Some(codec::CODEC_ID_AAC) => "AAC surround",
        Some(codec::CODEC_ID_OPUS) => "Opus surround",
        Some(codec::CODEC_ID_MP2) => "MP2",
        Some(codec::CODEC_ID_SPEEX) => "Speex",
        Some(codec::CODEC_ID_WAVPACK) => "WavPack",
        _ => "unknown",
    };
    format!("{name} sound")
}
