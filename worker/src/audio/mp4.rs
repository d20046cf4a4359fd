//! The parts of an MP4 header that symphonia leaves out: encryption, edit lists, languages, which tracks are enabled, and
//! what the codecs are called.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::timeline::{Edit, Edits};
use super::track::{SoundTrack, UNUSUAL_AAC};

/// A day is more than any recording is delayed by.
const MAX_DELAY_S: f64 = 86_400.0;
/// More cuts than anybody makes by hand.
const MAX_EDITS: u32 = 4096;

/// A sound track as its header tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Mp4Track {
    pub track: SoundTrack,
    pub is_encrypted: bool,
    /// Where the sound is presented: an empty edit delays it, a start inside the media cuts off the priming of AAC or
    /// more.
    pub edits: Edits,
}

/// What is in an MP4 file. `None` without a single readable track header; that is for the decoder to judge.
pub fn sound_tracks(file: &File) -> Option<Vec<Mp4Track>> {
    let mut parser =
        Parser { file, boxes: 0, movie_timescale: 1000, is_fragmented: false, tracks: Vec::new() };
    let end = file.metadata().map_or(0, |metadata| metadata.len());
    if let Err(error) = parser.walk(0, end, 0) {
        tracing::debug!(%error, "unreadable MP4 header");
    }
    let is_fragmented = parser.is_fragmented;
    let is_sound = |track: &&TrackHeader| &track.handler == b"soun";
    let has_tracks = !parser.tracks.is_empty();
    has_tracks
        .then(|| parser.tracks.iter().filter(is_sound).map(|track| track.finish(is_fragmented)).collect())
}

struct Parser<'a> {
    file: &'a File,
    /// Boxes seen so far: a header of nothing but tiny boxes is somebody's joke.
    boxes: u32,
    movie_timescale: u32,
    is_fragmented: bool,
    tracks: Vec<TrackHeader>,
}

#[derive(Default)]
struct TrackHeader {
    id: u32,
    is_enabled: bool,
    handler: [u8; 4],
    sample_entry: [u8; 4],
    /// Three letters of ISO 639-2, five bits each.
    language: u16,
    timescale: u32,
    movie_timescale: u32,
    /// Length in movie time, and start in media time or -1 for an empty edit.
    edits: Vec<(u64, i64)>,
}

impl TrackHeader {
    fn finish(&self, is_fragmented: bool) -> Mp4Track {
        let letters = [10, 5, 0].map(|shift| char::from((self.language >> shift) as u8 & 0x1f | 0x60));
        let language: String = letters.into_iter().collect();
        // Older than the letters are QuickTime's numbers, which nobody writes any more.
        let is_language = self.language >= 0x400 && language != "und";
        let track = SoundTrack {
            id: self.id,
            language: is_language.then_some(language),
            is_default: self.is_enabled,
            codec: codec_name(&self.sample_entry),
        };
        Mp4Track { track, is_encrypted: &self.sample_entry == b"enca", edits: self.edits(is_fragmented) }
    }

    fn edits(&self, is_fragmented: bool) -> Edits {
        let mut edits = Vec::new();
        let mut at_s = 0.0;
        for &(duration, media_time) in &self.edits {
            let lasts_s = duration as f64 / f64::from(self.movie_timescale.max(1));
            if media_time >= 0 {
                let from_s = media_time as f64 / f64::from(self.timescale.max(1));
                // The list of a fragmented file was written when nobody knew how long it would become.
                let is_open = duration == 0 || is_fragmented;
                let to_s = if is_open { f64::INFINITY } else { from_s + lasts_s };
                edits.push(Edit { from_s, to_s, at_s });
                if is_open {
                    break;
                }
            }
            at_s += lasts_s;
        }
        if edits.is_empty() {
            edits.push(Edit { from_s: 0.0, to_s: f64::INFINITY, at_s });
        }
        if edits.iter().any(|edit| edit.at_s > MAX_DELAY_S) { Edits::default() } else { Edits(edits) }
    }
}

fn codec_name(sample_entry: &[u8; 4]) -> String {
    match sample_entry {
        b"ac-3" => "AC-3 sound".into(),
        b"ec-3" => "E-AC-3 sound".into(),
        b"ac-4" => "AC-4 sound".into(),
        b"dtsc" | b"dtse" | b"dtsh" | b"dtsl" => "DTS sound".into(),
        b"samr" | b"sawb" => "AMR sound".into(),
        b"mp4a" => UNUSUAL_AAC.into(),
        entry => format!("{} sound", String::from_utf8_lossy(entry).escape_default()),
    }
}

impl Parser<'_> {
    fn walk(&mut self, mut at: u64, end: u64, depth: u32) -> io::Result<()> {
        while at + 8 <= end {
            self.boxes += 1;
            if depth > 8 || self.boxes > 100_000 {
                return Err(io::Error::other("too many boxes"));
            }
            let head: [u8; 8] = self.bytes(at)?;
            let mut header_length = 8;
            let mut size = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
            if size == 1 {
                size = u64::from_be_bytes(self.bytes(at + 8)?);
                header_length = 16;
            } else if size == 0 {
                size = end - at;
            }
            if size < header_length || size > end - at {
                // Cut off or lying: what lies inside may still be read.
                size = end - at;
            }
            let (inside, box_end) = (at + header_length, at + size);
            match &head[4..8] {
                b"moov" | b"mdia" | b"minf" | b"stbl" | b"edts" => self.walk(inside, box_end, depth + 1)?,
                b"trak" => {
                    let movie_timescale = self.movie_timescale;
                    self.tracks.push(TrackHeader { movie_timescale, ..TrackHeader::default() });
                    self.walk(inside, box_end, depth + 1)?;
                }
                b"mvex" => self.is_fragmented = true,
                b"mvhd" => self.movie_timescale = self.timescale(inside)?,
                kind => self.leaf([kind[0], kind[1], kind[2], kind[3]], inside, box_end)?,
            }
            at = box_end;
        }
        Ok(())
    }

    /// A box that tells something of the track at hand.
    fn leaf(&mut self, kind: [u8; 4], inside: u64, box_end: u64) -> io::Result<()> {
        if self.tracks.is_empty() {
            return Ok(());
        }
        match &kind {
            b"tkhd" => {
                let [version, _, _, flags]: [u8; 4] = self.bytes(inside)?;
                let id = u32::from_be_bytes(self.bytes(inside + if version == 1 { 20 } else { 12 })?);
                self.track().id = id;
                self.track().is_enabled = flags & 1 == 1;
            }
            b"mdhd" => {
                let [version, ..]: [u8; 4] = self.bytes(inside)?;
                self.track().timescale = self.timescale(inside)?;
                let at = inside + if version == 1 { 32 } else { 20 };
                self.track().language = u16::from_be_bytes(self.bytes(at)?);
            }
            // QuickTime has a second one further down, for the kind of reference to the data.
            b"hdlr" if self.track().handler == [0; 4] => self.track().handler = self.bytes(inside + 8)?,
            b"stsd" if box_end >= inside + 16 => self.track().sample_entry = self.bytes(inside + 12)?,
            b"elst" => self.edit_list(inside)?,
            _ => {}
        }
        Ok(())
    }

    fn edit_list(&mut self, inside: u64) -> io::Result<()> {
        let [version, ..]: [u8; 4] = self.bytes(inside)?;
        let count = u32::from_be_bytes(self.bytes(inside + 4)?).min(MAX_EDITS);
        for index in 0..u64::from(count) {
            let edit = if version == 1 {
                let at = inside + 8 + index * 20;
                (u64::from_be_bytes(self.bytes(at)?), i64::from_be_bytes(self.bytes(at + 8)?))
            } else {
                let at = inside + 8 + index * 12;
                let media_time = i32::from_be_bytes(self.bytes(at + 4)?);
                (u64::from(u32::from_be_bytes(self.bytes(at)?)), i64::from(media_time))
            };
            self.track().edits.push(edit);
        }
        Ok(())
    }

    /// `mvhd` and `mdhd` begin alike.
    fn timescale(&mut self, inside: u64) -> io::Result<u32> {
        let [version, ..]: [u8; 4] = self.bytes(inside)?;
        Ok(u32::from_be_bytes(self.bytes(inside + if version == 1 { 20 } else { 12 })?))
    }

    fn track(&mut self) -> &mut TrackHeader {
        self.tracks.last_mut().expect("leaves are read inside tracks only")
    }

    fn bytes<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
