//! Words, cues and tracks on the media's time line.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Media time in milliseconds from the start of the media.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    pub fn from_secs_f64(seconds: f64) -> Timestamp {
        // `as` saturates: NaN and negative times become zero.
        Timestamp((seconds * 1000.0).round() as u64)
    }

    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    pub fn saturating_sub(self, other: Timestamp) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

impl fmt::Display for Timestamp {
    /// `HH:MM:SS.mmm`, as WebVTT writes it; hours grow beyond two digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        write!(f, "{:02}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

/// What the model says: one word with its times. `text` has no surrounding white space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    pub start: Timestamp,
    pub end: Timestamp,
    pub text: String,
    /// The model's own belief in the word, 0 to 1.
    pub probability: f32,
}

/// What a viewer reads at once: WebVTT's cue with its timings and payload. Lines are parted by `\n`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    pub start: Timestamp,
    pub end: Timestamp,
    pub text: String,
}

/// The cues of one window, as they are committed: the unit of storing, of publishing and of resuming.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CuePage {
    /// From 0, without gaps.
    pub number: u32,
    /// The job's version that this page made; 0 before it is stored.
    #[serde(default)]
    pub version: u64,
    /// The stretch of media this page speaks for. Pages follow each other without overlap.
    pub start: Timestamp,
    pub end: Timestamp,
    /// Kept beside the cues, so that a track can be laid out anew without transcribing again.
    pub words: Vec<Word>,
    pub cues: Vec<Cue>,
}

/// Cues of one language in order. Cannot hold reversed or overlapping cues: see [`Track::new`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Track {
    /// BCP 47 tag, if known.
    pub language: Option<String>,
    cues: Vec<Cue>,
}

/// Why cues make no track; the index counts from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrack {
    #[error("cue {0} ends before it starts")]
    Reversed(usize),
    #[error("cue {0} starts before the one ahead of it ends")]
    Overlapping(usize),
}

impl Track {
    pub fn new(language: Option<String>, cues: Vec<Cue>) -> Result<Track, InvalidTrack> {
        let mut previous_end = Timestamp(0);
        for (index, cue) in cues.iter().enumerate() {
            if cue.end < cue.start {
                return Err(InvalidTrack::Reversed(index));
            }
            if cue.start < previous_end {
                return Err(InvalidTrack::Overlapping(index));
            }
            previous_end = cue.end;
        }
        Ok(Track { language, cues })
    }

    pub fn cues(&self) -> &[Cue] {
        &self.cues
    }
}

impl<'de> Deserialize<'de> for Track {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Track, D::Error> {
        #[derive(Deserialize)]
        struct Unchecked {
            #[serde(default)]
            language: Option<String>,
            cues: Vec<Cue>,
        }
        let Unchecked { language, cues } = Unchecked::deserialize(deserializer)?;
        Track::new(language, cues).map_err(serde::de::Error::custom)
    }
}
