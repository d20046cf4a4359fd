//! A video with subtitles, made by ffmpeg: as a track beside its streams, or drawn into the picture.
//!
//! The media is as hostile here as where it is decoded, so ffmpeg is confined as the engine is; but for one folder, into
//! which it may write files of a limited size. [`child`] is the subcommand that confines itself and becomes ffmpeg,
//! [`Ffmpeg`] its parent side, and [`Plan`] says what is asked of it.

pub mod child;
mod ffmpeg;
mod plan;

use std::time::Duration;

pub use ffmpeg::{Ffmpeg, FfmpegError, Folders, Step, list};
pub use plan::{Container, Plan};

/// What making one video may take.
#[derive(Debug, Clone)]
pub struct VideoConfig {
    /// Largest file that is made.
    pub max_bytes: u64,
    /// ffmpeg is hung when it gets no further for so long. Moving the index to the front of a file, at its end, counts
    /// as silence.
    pub silence_limit: Duration,
}

impl Default for VideoConfig {
    fn default() -> VideoConfig {
        VideoConfig { max_bytes: 8_000_000_000, silence_limit: Duration::from_secs(300) }
    }
}
