//! What the first bytes say, when they say that it is no media: nobody has to wait for the rest.

use domain::Failure;

/// As much of the beginning as a judgement may need.
pub const ENOUGH: usize = 64 * 1024;

/// `None`: it may be media; the engine decides. Only the bytes count: a site's content type is often wrong.
pub fn refusal(head: &[u8]) -> Option<Failure> {
    let unsupported = |found: &str| Some(Failure::UnsupportedFormat { found: found.into() });
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if starts_with_tag(text, &[b"!doctype html", b"html", b"head", b"body", b"title", b"meta"]) {
        return unsupported("a web page");
    }
    if text.starts_with(b"#EXTM3U") {
        return playlist(text);
    }
    if starts_with_tag(text, &[b"?xml", b"mpd"]) {
        let is_playlist = find(text, b"<MPD");
        return unsupported(if is_playlist { "a playlist" } else { "an XML document" });
    }
    if text.starts_with(b"[playlist]") {
        return unsupported("a playlist");
    }
    const KNOWN: &[(&[u8], &str)] = &[
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"GIF8", "a picture"),
        (b"%PDF-", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "a compressed file"),
        (b"Rar!", "an archive"),
        (b"7z\xbc\xaf", "an archive"),
        (b"\x7fELF", "a program"),
    ];
    KNOWN.iter().find(|(magic, _)| head.starts_with(magic)).and_then(|(_, found)| unsupported(found))
}

/// More bytes could change what [`refusal`] says.
pub fn wants_more(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    let may_be_text = text.starts_with(b"#EXTM3U") || text.starts_with(b"<");
    head.len() < 64 || (may_be_text && head.len() < ENOUGH)
}

/// An HLS playlist: a stream that has an end says so.
fn playlist(text: &[u8]) -> Option<Failure> {
    let lists_segments = find(text, b"#EXTINF") || find(text, b"#EXT-X-TARGETDURATION");
    if lists_segments && !find(text, b"#EXT-X-ENDLIST") && text.len() < ENOUGH {
        return Some(Failure::LiveStream);
    }
    Some(Failure::UnsupportedFormat { found: "a playlist".into() })
}

fn starts_with_tag(text: &[u8], names: &[&[u8]]) -> bool {
    let Some(inside) = text.strip_prefix(b"<") else { return false };
    names.iter().any(|name| inside.len() >= name.len() && inside[..name.len()].eq_ignore_ascii_case(name))
}

fn find(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_no_media_is_refused() {
        let check = |head: &[u8], expect: Option<&str>| {
            let found = refusal(head).map(|failure| match failure {
                Failure::UnsupportedFormat { found } => found,
                other => other.code().to_owned(),
            });
            assert_eq!(found.as_deref(), expect, "{}", String::from_utf8_lossy(head));
        };
        check(b"", None);
        check(b"RIFF\x24\x00\x00\x00WAVEfmt ", None);
        check(b"\x00\x00\x00\x20ftypisom", None);
        check(b"ID3\x04", None);
        check(b"Hello, I am a text", None);
        check(b"<!DOCTYPE html><title>x</title>", Some("a web page"));
        check(b"\xef\xbb\xbf \r\n<HTML>", Some("a web page"));
        check(b"<?xml version='1.0'?><MPD type='static'>", Some("a playlist"));
        check(b"<?xml version='1.0'?><svg/>", Some("an XML document"));
        check(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n", Some("a playlist"));
        check(b"#EXTM3U\n#EXTINF:4,\n1.ts\n#EXT-X-ENDLIST\n", Some("a playlist"));
        check(b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\n7.ts\n", Some("live_stream"));
        check(b"\x89PNG\r\n\x1a\n", Some("a picture"));
        check(b"PK\x03\x04", Some("a ZIP archive"));
    }
}
