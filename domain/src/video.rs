//! A video made of the media and the subtitles of a job that is complete.

use serde::{Deserialize, Serialize};

use crate::JobId;

/// The wish behind a job that makes a video instead of hearing one. It is done anew from the start by each attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Video {
    /// The job whose media and track it is made of.
    pub of: JobId,
    pub how: VideoHow,
    /// The subtitles come so many milliseconds later, or earlier.
    #[serde(default)]
    pub offset_ms: i64,
}

/// How the subtitles get into the video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoHow {
    /// Drawn into the picture, which is encoded anew for that: seen everywhere, and never switched off.
    Burn,
    /// As a track beside the streams, which are copied: players can switch it on and off.
    Mux,
}

impl VideoHow {
    pub const ALL: [VideoHow; 2] = [VideoHow::Mux, VideoHow::Burn];

    pub fn as_str(self) -> &'static str {
        match self {
            VideoHow::Burn => "burn",
            VideoHow::Mux => "mux",
        }
    }

    pub fn parse(text: &str) -> Option<VideoHow> {
        VideoHow::ALL.into_iter().find(|how| how.as_str() == text)
    }

    /// What a title says of it.
    pub fn words(self) -> &'static str {
        match self {
            VideoHow::Burn => "subtitles drawn in",
            VideoHow::Mux => "with subtitle track",
        }
    }
}
