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

    /// So many milliseconds later, or earlier; never before the media begins.
    pub fn moved(self, by: i64) -> Timestamp {
        Timestamp(self.0.saturating_add_signed(by))
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
    /// Words that the model does not quite believe itself: where in `text` they begin and end, in characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<(u32, u32)>,
}

impl Cue {
    /// The text in pieces, each with whether it is doubted. What lies outside the text is passed over.
    pub fn pieces(&self) -> Vec<(String, bool)> {
        let mut pieces: Vec<(String, bool)> = Vec::new();
        for (at, c) in self.text.chars().enumerate() {
            let is_doubted = self.doubts.iter().any(|&(from, to)| (from as usize..to as usize).contains(&at));
            match pieces.last_mut() {
                Some((piece, is)) if *is == is_doubted => piece.push(c),
                _ => pieces.push((c.to_string(), is_doubted)),
            }
        }
        pieces
    }
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
    /// What was heard behind `end` and is in no cue yet, because words to come may change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Heard>,
    /// How loud it is from where the page before was heard to, up to [`heard_until`](CuePage::heard_until): see
    /// [`peaks`](crate::peaks).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub peaks: String,
}

/// Words that wait for those behind them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    pub words: Vec<Word>,
    /// How far the media was heard for them.
    pub until: Timestamp,
}

impl CuePage {
    /// Where transcribing goes on behind this page.
    pub fn heard_until(&self) -> Timestamp {
        self.open.as_ref().map_or(self.end, |open| open.until)
    }
}

/// Cues of one language in order. Cannot hold reversed or overlapping cues: see [`Track::new`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Track {
    /// BCP 47 tag, if known.
    pub language: Option<String>,
    cues: Vec<Cue>,
}

/// Why cues make no track. The index counts from 0; the sentence, which people read, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrack {
    #[error("cue {} ends before it starts", .0 + 1)]
    Reversed(usize),
    #[error("cue {} starts before the one ahead of it ends", .0 + 1)]
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

    /// A track from any cues: sorted by their start, turned around where reversed, cut where the next begins.
    pub fn arranged(language: Option<String>, mut cues: Vec<Cue>) -> Track {
        for cue in &mut cues {
            if cue.end < cue.start {
                std::mem::swap(&mut cue.start, &mut cue.end);
            }
        }
        cues.sort_by_key(|cue| cue.start);
        for index in 1..cues.len() {
            let next_start = cues[index].start;
            let cue = &mut cues[index - 1];
            cue.end = cue.end.min(next_start);
        }
        Track { language, cues }
    }

    pub fn cues(&self) -> &[Cue] {
        &self.cues
    }

    pub fn into_cues(self) -> Vec<Cue> {
        self.cues
    }

    /// Furthest that a track can be moved, in milliseconds: a day.
    pub const MAX_OFFSET_MS: i64 = 24 * 60 * 60 * 1000;

    /// The track so many milliseconds later, or earlier; what would be over before the media begins is left out.
    pub fn moved(mut self, by: i64) -> Track {
        if by < 0 {
            self.cues.retain(|cue| cue.end.0 > by.unsigned_abs());
        }
        for cue in &mut self.cues {
            (cue.start, cue.end) = (cue.start.moved(by), cue.end.moved(by));
        }
        self
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cue(start: u64, end: u64) -> Cue {
        Cue {
            start: Timestamp(start),
            end: Timestamp(end),
            text: format!("{start}-{end}"),
            doubts: Vec::new(),
        }
    }

    #[test]
    fn a_track_holds_neither_reversed_nor_overlapping_cues() {
        let check = |cues: &[(u64, u64)], expect: Result<(), InvalidTrack>| {
            let cues = cues.iter().map(|(start, end)| cue(*start, *end)).collect();
            assert_eq!(Track::new(None, cues).map(|_| ()), expect);
        };
        check(&[], Ok(()));
        check(&[(0, 0), (0, 5), (5, 6)], Ok(()));
        check(&[(0, 5), (7, 6)], Err(InvalidTrack::Reversed(1)));
        check(&[(0, 5), (4, 6)], Err(InvalidTrack::Overlapping(1)));
    }

    #[test]
    fn json_cannot_smuggle_an_overlap_into_a_track() {
        let text = r#"{"cues":[{"start":0,"end":5,"text":"a"},{"start":4,"end":6,"text":"b"}]}"#;
        let error = serde_json::from_str::<Track>(text).unwrap_err();
        assert!(error.to_string().starts_with("cue 2 starts before the one ahead of it ends"), "{error}");
    }

    #[test]
    fn seconds_become_milliseconds_and_never_fail() {
        let check =
            |seconds: f64, expect: u64| assert_eq!(Timestamp::from_secs_f64(seconds), Timestamp(expect));
        check(1.2344, 1234);
        check(1.2345, 1235);
        check(-3.0, 0);
        check(f64::NAN, 0);
        check(f64::INFINITY, u64::MAX);
    }

    #[test]
    fn a_timestamp_is_written_as_webvtt_writes_it() {
        let check = |millis: u64, expect: &str| assert_eq!(Timestamp(millis).to_string(), expect);
        check(0, "00:00:00.000");
        check(3_723_004, "01:02:03.004");
        check(360_000_000, "100:00:00.000");
    }

    #[test]
    fn a_moved_track_loses_only_what_is_over_before_the_media_begins() {
        let track = Track::new(None, vec![cue(0, 1000), cue(1000, 3000), cue(4000, 5000)]).unwrap();
        let check = |by: i64, expect: &[(u64, u64)]| {
            let moved = track.clone().moved(by);
            let times: Vec<_> = moved.cues().iter().map(|cue| (cue.start.0, cue.end.0)).collect();
            assert_eq!(times, expect, "{by}");
            assert!(Track::new(None, moved.into_cues()).is_ok());
        };
        check(0, &[(0, 1000), (1000, 3000), (4000, 5000)]);
        check(250, &[(250, 1250), (1250, 3250), (4250, 5250)]);
        check(-1500, &[(0, 1500), (2500, 3500)]);
        check(i64::MIN, &[]);
    }

    proptest! {
        #[test]
        fn any_cues_can_be_arranged_and_none_is_lost(times in prop::collection::vec((0u64..50, 0u64..50), 0..20)) {
            let cues: Vec<Cue> = times.iter().map(|(start, end)| cue(*start, *end)).collect();
            let track = Track::arranged(None, cues.clone());
            let mut texts: Vec<&str> = track.cues().iter().map(|cue| cue.text.as_str()).collect();
            let mut expect: Vec<&str> = cues.iter().map(|cue| cue.text.as_str()).collect();
            texts.sort_unstable();
            expect.sort_unstable();
            prop_assert_eq!(texts, expect);
            prop_assert!(Track::new(None, track.cues().to_vec()).is_ok());
        }

        #[test]
        fn arranging_leaves_a_good_track_alone(lengths in prop::collection::vec((0u64..50, 0u64..50), 0..20)) {
            let mut clock = 0;
            let cues = lengths.iter().map(|(gap, length)| {
                let start = clock + gap;
                clock = start + length;
                cue(start, clock)
            });
            let track = Track::new(None, cues.collect()).unwrap();
            prop_assert_eq!(Track::arranged(None, track.cues().to_vec()), track);
        }
    }
}
