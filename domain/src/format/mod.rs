//! Subtitle formats: one writer and one reader each.
//!
//! Writers take any track and never make a broken file; they bring it into the form of [`Track::normalized`]
//! first, and reading their output gives exactly that form back. Some things are lost on purpose: SRT and ASS have
//! no place for the language, ASS none for thousandths of a second, plain text none for times; and JSON, which can
//! hold everything, is not normalised at all.
//!
//! Readers take what other programs write (byte order marks, any line ends, missing hours, comma or point,
//! settings after the times, comments, styles, tags, entities) and refuse what is no track: a person is told
//! the line instead of losing cues in silence.
//!
//! SRT has no escapes. Where plain text would read as a tag (`<b`), as an ASS override (`{\`) or as times
//! (`-->`), the writer puts a word joiner (U+2060) behind the first character: invisible on screen, no longer
//! markup to a player, and dropped again by our reader. Lines of digits need nothing: cues are parted by empty
//! lines, of which text has none, and a number counts only when times follow.

use crate::Track;

pub mod ass;
mod json;
mod markup;
mod srt;
mod timing;
mod ttml;
pub mod txt;
mod webvtt;
pub mod words;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    WebVtt,
    Srt,
    Ttml,
    Ass,
    Txt,
    Json,
}

/// What is wrong with a subtitle file, for the person who offered it. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ParseError {
    pub line: usize,
    pub problem: String,
}

impl Format {
    pub const ALL: [Format; 6] =
        [Format::WebVtt, Format::Srt, Format::Ttml, Format::Ass, Format::Txt, Format::Json];

    pub fn extension(self) -> &'static str {
        match self {
            Format::WebVtt => "vtt",
            Format::Srt => "srt",
            Format::Ttml => "ttml",
            Format::Ass => "ass",
            Format::Txt => "txt",
            Format::Json => "json",
        }
    }

    pub fn from_extension(text: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.extension() == text)
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Format::WebVtt => "text/vtt; charset=utf-8",
            Format::Srt => "application/x-subrip; charset=utf-8",
            Format::Ttml => "application/ttml+xml; charset=utf-8",
            Format::Ass => "text/x-ssa; charset=utf-8",
            Format::Txt => "text/plain; charset=utf-8",
            Format::Json => "application/json",
        }
    }

    /// The track as a file of this format. Any track makes a sound file.
    pub fn write(self, track: &Track) -> String {
        match self {
            Format::WebVtt => webvtt::write(track),
            Format::Srt => srt::write(track),
            Format::Ttml => ttml::write(track),
            Format::Ass => ass::write(track),
            Format::Txt => txt::write(track),
            Format::Json => json::write(track),
        }
    }

    /// The track in a file of this format. Plain text has no times, so it is always refused.
    pub fn read(self, text: &str) -> Result<Track, ParseError> {
        match self {
            Format::WebVtt => webvtt::read(text),
            Format::Srt => srt::read(text),
            Format::Ttml => ttml::read(text),
            Format::Ass => ass::read(text),
            Format::Txt => Err(txt::no_times()),
            Format::Json => json::read(text),
        }
    }
}

/// The text, if it has the shape of a BCP 47 tag.
fn language_tag(text: &str) -> Option<&str> {
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_tag = text.len() <= 35
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.split('-').all(is_part);
    is_tag.then_some(text)
}

#[cfg(test)]
mod tests;
