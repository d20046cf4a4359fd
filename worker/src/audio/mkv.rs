//! The sound tracks of a Matroska file. Symphonia takes a track without a flag for one that is not the default, which is
//! what the flag means when it is left out; and tracks of unknown codecs it names without their kind.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::track::{SoundTrack, UNUSUAL_AAC};

/// Reads the list of tracks. An unreadable file has none; that is for the decoder to judge.
pub fn sound_tracks(file: &File) -> Vec<SoundTrack> {
    let end = file.metadata().map_or(0, |metadata| metadata.len());
    let mut reader = Reader { file, elements: 0, tracks: Vec::new() };
    if let Err(error) = reader.walk(0, end) {
        tracing::debug!(%error, "unreadable Matroska header");
    }
    reader.tracks.into_iter().filter(|track| track.kind == SOUND).filter_map(Entry::finish).collect()
}

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const TRACK_TYPE: u32 = 0x83;
const FLAG_DEFAULT: u32 = 0x88;
const LANGUAGE: u32 = 0x22_b59c;
const LANGUAGE_BCP_47: u32 = 0x22_b59d;
const CODEC_ID: u32 = 0x86;

/// The value of `TRACK_TYPE` that means sound.
const SOUND: u64 = 2;
/// More than any header has.
const MAX_ELEMENTS: u32 = 10_000;
/// More than any name or number of a track takes.
const MAX_VALUE: u64 = 256;

struct Reader<'a> {
    file: &'a File,
    elements: u32,
    tracks: Vec<Entry>,
}

/// A track entry; what is left out has the value that the standard gives it.
struct Entry {
    number: u64,
    kind: u64,
    is_default: bool,
    language: String,
    language_bcp_47: Option<String>,
    codec: String,
}

impl Entry {
    fn finish(self) -> Option<SoundTrack> {
        let language = self.language_bcp_47.unwrap_or(self.language);
        Some(SoundTrack {
            id: u32::try_from(self.number).ok()?,
            language: (language != "und").then_some(language),
            is_default: self.is_default,
            codec: codec_name(&self.codec),
        })
    }
}

fn codec_name(id: &str) -> String {
    let name = match id {
        "A_AC3" | "A_AC3/BSID9" | "A_AC3/BSID10" => "AC-3",
        "A_EAC3" => "E-AC-3",
        "A_TRUEHD" => "TrueHD",
        "A_OPUS" => "Opus surround",
        id if id.starts_with("A_DTS") => "DTS",
        id if id.starts_with("A_AAC") => return UNUSUAL_AAC.into(),
        id => return format!("{} sound", id.escape_default()),
    };
    format!("{name} sound")
}

impl Reader<'_> {
    /// Goes through the elements from `at` to `end`, and into those that lead to tracks.
    fn walk(&mut self, mut at: u64, end: u64) -> io::Result<()> {
        while at + 2 <= end {
            self.elements += 1;
            if self.elements > MAX_ELEMENTS {
                return Err(io::Error::other("too many elements"));
            }
            let (id, id_length) = self.id(at)?;
            let (size, size_length) = self.size(at + id_length)?;
            let inside = at + id_length + size_length;
            // A stream that was never finished does not know how long it is.
            let element_end = size.map_or(end, |size| inside.saturating_add(size).min(end));
            match id {
                SEGMENT | TRACKS => self.walk(inside, element_end)?,
                TRACK_ENTRY => {
                    self.tracks.push(Entry {
                        number: 0,
                        kind: 0,
                        is_default: true,
                        language: "eng".into(),
                        language_bcp_47: None,
                        codec: String::new(),
                    });
                    self.walk(inside, element_end)?;
                }
                // The tracks come before the sound.
                CLUSTER => return Ok(()),
                id => self.value(id, inside, element_end)?,
            }
            at = element_end;
        }
        Ok(())
    }

    /// An element that tells something of the track at hand.
    fn value(&mut self, id: u32, inside: u64, end: u64) -> io::Result<()> {
        let is_of_track =
            matches!(id, TRACK_NUMBER | TRACK_TYPE | FLAG_DEFAULT | LANGUAGE | LANGUAGE_BCP_47 | CODEC_ID);
        if !is_of_track || self.tracks.is_empty() || end - inside > MAX_VALUE {
            return Ok(());
        }
        let mut bytes = vec![0; (end - inside) as usize];
        self.file.seek(SeekFrom::Start(inside))?;
        self.file.read_exact(&mut bytes)?;
        let number = bytes.iter().fold(0u64, |number, &byte| number << 8 | u64::from(byte));
        let text = || String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned();
        let Some(track) = self.tracks.last_mut() else { return Ok(()) };
        match id {
            TRACK_NUMBER => track.number = number,
            TRACK_TYPE => track.kind = number,
            FLAG_DEFAULT => track.is_default = number != 0,
            LANGUAGE => track.language = text(),
            LANGUAGE_BCP_47 => track.language_bcp_47 = Some(text()),
            _ => track.codec = text(),
        }
        Ok(())
    }

    /// An element's name and its length in bytes: as many as the first byte has leading zeros, and one.
    fn id(&mut self, at: u64) -> io::Result<(u32, u64)> {
        let [first] = self.bytes(at)?;
        let length = u64::from(first.leading_zeros()) + 1;
        if length > 4 {
            return Err(io::Error::other("not an element"));
        }
        let bytes: [u8; 4] = self.bytes(at)?;
        Ok((u32::from_be_bytes(bytes) >> (8 * (4 - length)), length))
    }

    /// An element's size, unless it is unknown, and how many bytes that took.
    fn size(&mut self, at: u64) -> io::Result<(Option<u64>, u64)> {
        let [first] = self.bytes(at)?;
        let length = u64::from(first.leading_zeros()) + 1;
        if length > 8 {
            return Err(io::Error::other("not a size"));
        }
        let mut size = u64::from(first) & (0xff >> length);
        let mut unknown = 0xff >> length;
        for index in 1..length {
            let [byte] = self.bytes(at + index)?;
            size = size << 8 | u64::from(byte);
            unknown = unknown << 8 | 0xff;
        }
        Ok(((size != unknown).then_some(size), length))
    }

    /// Zeros beyond the end of the file.
    fn bytes<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.seek(SeekFrom::Start(at))?;
        let mut got = 0;
        while got < N {
            match self.file.read(&mut bytes[got..])? {
                0 => break,
                count => got += count,
            }
        }
        Ok(bytes)
    }
}
