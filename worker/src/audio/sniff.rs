//! What a file is by its first bytes, whatever its name says.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// What the first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    /// Not a byte in it.
    Empty,
    /// Certainly no media; the name is for people.
    NotMedia(&'static str),
    /// Media that only ffmpeg decodes.
    Foreign(&'static str),
    /// MP4 and its family: MOV, M4A, 3GP.
    Mp4,
    /// Matroska and WebM.
    Matroska,
    /// Another container that we read ourselves: if that fails, it is damaged.
    Native,
    /// Anything else: worth probing.
    Unknown,
}

/// Looks at the first bytes of `file` and leaves it at its start.
pub fn sniff(mut file: &File) -> Sniffed {
    let mut head = Vec::with_capacity(4096);
    // An unreadable file is found out by the decoder.
    let _ = file.take(4096).read_to_end(&mut head);
    let _ = file.seek(SeekFrom::Start(0));
    sniff_bytes(&head)
}

/// What `head`, the first bytes of a file, tell.
pub fn sniff_bytes(head: &[u8]) -> Sniffed {
    const MAGIC: &[(usize, &[u8], Sniffed)] = &[
        (0, b"\x89PNG\r\n\x1a\n", Sniffed::NotMedia("PNG image")),
        (0, b"\xff\xd8\xff", Sniffed::NotMedia("JPEG image")),
        (0, b"GIF8", Sniffed::NotMedia("GIF image")),
        (8, b"WEBP", Sniffed::NotMedia("WebP image")),
        (0, b"%PDF-", Sniffed::NotMedia("PDF document")),
        (0, b"PK\x03\x04", Sniffed::NotMedia("ZIP archive")),
        (0, b"PK\x05\x06", Sniffed::NotMedia("ZIP archive")),
        (0, b"\x1f\x8b", Sniffed::NotMedia("gzip archive")),
        (0, b"7z\xbc\xaf\x27\x1c", Sniffed::NotMedia("7z archive")),
        (0, b"Rar!\x1a\x07", Sniffed::NotMedia("RAR archive")),
        (0, b"\xfd7zXZ\0", Sniffed::NotMedia("xz archive")),
        (0, b"\x28\xb5\x2f\xfd", Sniffed::NotMedia("zstd archive")),
        (257, b"ustar", Sniffed::NotMedia("tar archive")),
        (0, b"\x7fELF", Sniffed::NotMedia("program")),
        (0, b"MZ", Sniffed::NotMedia("program")),
        (0, b"SQLite format 3\0", Sniffed::NotMedia("SQLite database")),
        (8, b"AVI ", Sniffed::Foreign("AVI video")),
        (0, b"FLV\x01", Sniffed::Foreign("FLV video")),
        (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Sniffed::Foreign("Windows Media")),
        (0, b".RMF", Sniffed::Foreign("RealMedia")),
        (0, b"\x00\x00\x01\xba", Sniffed::Foreign("MPEG program stream")),
        (0, b"\x0b\x77", Sniffed::Foreign("AC-3 sound")),
        (0, b"\x7f\xfe\x80\x01", Sniffed::Foreign("DTS sound")),
        (0, b"#!AMR", Sniffed::Foreign("AMR sound")),
        (0, b"wvpk", Sniffed::Foreign("WavPack sound")),
        (0, b"MAC ", Sniffed::Foreign("Monkey's Audio")),
        (4, b"ftyp", Sniffed::Mp4),
        (4, b"moov", Sniffed::Mp4),
        (4, b"mdat", Sniffed::Mp4),
        (4, b"wide", Sniffed::Mp4),
        (8, b"WAVE", Sniffed::Native),
        (8, b"AIFF", Sniffed::Native),
        (8, b"AIFC", Sniffed::Native),
        (0, b"OggS", Sniffed::Native),
        (0, b"fLaC", Sniffed::Native),
        (0, b"caff", Sniffed::Native),
        (0, b"\x1a\x45\xdf\xa3", Sniffed::Matroska),
    ];
    if head.is_empty() {
        return Sniffed::Empty;
    }
    for (offset, magic, sniffed) in MAGIC {
        if head.get(*offset..).is_some_and(|rest| rest.starts_with(magic)) {
            return *sniffed;
        }
    }
    let is_transport_stream = head.len() > 2 * 188 && [0, 188, 376].iter().all(|&at| head[at] == 0x47);
    if is_transport_stream {
        return Sniffed::Foreign("MPEG transport stream");
    }
    // BDAV, as cameras and discs write it: each packet has four bytes of time before it.
    let is_disc_stream = head.len() > 4 + 2 * 192 && [4, 196, 388].iter().all(|&at| head[at] == 0x47);
    if is_disc_stream {
        return Sniffed::Foreign("MPEG transport stream");
    }
    text_kind(head).map_or(Sniffed::Unknown, Sniffed::NotMedia)
}

/// What kind of text this is, if it is text at all.
fn text_kind(head: &[u8]) -> Option<&'static str> {
    let is_utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The last character may be cut.
        Err(error) => error.error_len().is_none(),
    };
    let is_control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    if !is_utf8 || head.iter().any(is_control) {
        return None;
    }
    let start = String::from_utf8_lossy(&head[..head.len().min(1024)]).to_ascii_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    let kind = if ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| start.starts_with(tag)) {
        "HTML page"
    } else if start.starts_with("#extm3u") {
        "playlist"
    } else if start.starts_with("<?xml") || start.starts_with("<svg") {
        "XML document"
    } else if start.starts_with("webvtt") {
        "subtitles"
    } else if start.starts_with('{') || start.starts_with('[') {
        "JSON text"
    } else {
        "text"
    };
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_first_bytes() {
        let check = |head: &[u8], expect: Sniffed| assert_eq!(sniff_bytes(head), expect, "{head:?}");
        check(b"", Sniffed::Empty);
        check(b"hello", Sniffed::NotMedia("text"));
        check("\u{feff}  <!DOCTYPE HTML><p>".as_bytes(), Sniffed::NotMedia("HTML page"));
        check(&"é".as_bytes()[..1], Sniffed::NotMedia("text"));
        check(b"\x89PNG\r\n\x1a\n\0\0", Sniffed::NotMedia("PNG image"));
        check(b"\0\0\0\x20ftypisom", Sniffed::Mp4);
        check(b"RIFF\x10\0\0\0AVI LIST", Sniffed::Foreign("AVI video"));
        check(b"RIFF\x10\0\0\0WAVEfmt ", Sniffed::Native);
        check(b"ID3\x04\0\0\0\0", Sniffed::Unknown);
        check(b"\x1aE\xdf\xa3\x01\0\0", Sniffed::Matroska);
    }
}
