//! The parts of an MP4 header that symphonia leaves out: encryption, edit lists, and what the codecs are called.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// One track as its header tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mp4Track {
    pub id: u32,
    pub is_sound: bool,
    /// Four characters of the sample entry: `mp4a`, `ac-3`, `enca`.
    pub sample_entry: [u8; 4],
    /// What the edit list shifts the media time by, in milliseconds: an empty edit delays the track, a start
    /// inside the media (the priming of AAC) brings it forward.
    pub shift_ms: i64,
}

/// Reads the track headers. An unreadable file has none; that is for the decoder to judge.
pub fn tracks(file: &File) -> Vec<Mp4Track> {
    let mut parser = Parser { file, boxes: 0, movie_timescale: 1000, tracks: Vec::new() };
    let end = file.metadata().map_or(0, |metadata| metadata.len());
    if let Err(error) = parser.walk(0, end, 0) {
        tracing::debug!(%error, "unreadable MP4 header");
    }
    parser.tracks.iter().filter_map(TrackHeader::finish).collect()
}

struct Parser<'a> {
    file: &'a File,
    /// Boxes seen so far: a header of nothing but tiny boxes is somebody's joke.
    boxes: u32,
    movie_timescale: u32,
    tracks: Vec<TrackHeader>,
}

#[derive(Default)]
struct TrackHeader {
    id: u32,
    handler: [u8; 4],
    sample_entry: [u8; 4],
    timescale: u32,
    movie_timescale: u32,
    /// Length in movie time, and start in media time or -1 for an empty edit.
    edits: Vec<(u64, i64)>,
}

impl TrackHeader {
    fn finish(&self) -> Option<Mp4Track> {
        let millis =
            |count: i64, timescale: u32| count.checked_mul(1000).map(|n| n / i64::from(timescale.max(1)));
        let mut shift_ms = 0;
        for &(duration, media_time) in &self.edits {
            if media_time < 0 {
                let delay = i64::try_from(duration).ok()?;
                shift_ms += millis(delay, self.movie_timescale).unwrap_or(0);
            } else {
                shift_ms -= millis(media_time, self.timescale).unwrap_or(0);
                // What follows are cuts, which players hardly respect either.
                break;
            }
        }
        // A day is more than any recording is shifted by.
        let shift_ms = if shift_ms.abs() > 86_400_000 { 0 } else { shift_ms };
        let is_sound = &self.handler == b"soun";
        Some(Mp4Track { id: self.id, is_sound, sample_entry: self.sample_entry, shift_ms })
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
                let [version, ..]: [u8; 4] = self.bytes(inside)?;
                let id = u32::from_be_bytes(self.bytes(inside + if version == 1 { 20 } else { 12 })?);
                self.track().id = id;
            }
            b"mdhd" => self.track().timescale = self.timescale(inside)?,
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
        let count = u32::from_be_bytes(self.bytes(inside + 4)?).min(16);
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
