//! Why a job failed, for the person who reads it.

use serde::{Deserialize, Serialize};

/// What the user reads: one sentence and a hint each. Errors for code live where they are born.
/// Silence is no failure: it completes with an empty track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Failure {
    MalformedJob,
    MediaNotFound,
    MediaForbidden,
    /// Says the same as "unreachable" on purpose: a stranger must not map our network by our words.
    BlockedAddress,
    MediaUnreachable,
    MediaTooLarge {
        limit_bytes: u64,
    },
    MediaTooLong {
        limit_ms: u64,
    },
    LiveStream,
    /// Not media at all, or a container or codec that cannot be decoded here.
    UnsupportedFormat {
        found: String,
    },
    Encrypted,
    NoAudio,
    CorruptMedia,
    UnknownModel {
        model: String,
    },
    EngineCrashed,
    TimedOut,
    GaveUp,
    Cancelled,
    Expired,
}

impl Failure {
    /// The name in JSON, stable for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Failure::MalformedJob => "malformed_job",
            Failure::MediaNotFound => "media_not_found",
            Failure::MediaForbidden => "media_forbidden",
            Failure::BlockedAddress => "blocked_address",
            Failure::MediaUnreachable => "media_unreachable",
            Failure::MediaTooLarge { .. } => "media_too_large",
            Failure::MediaTooLong { .. } => "media_too_long",
            Failure::LiveStream => "live_stream",
            Failure::UnsupportedFormat { .. } => "unsupported_format",
            Failure::Encrypted => "encrypted",
            Failure::NoAudio => "no_audio",
            Failure::CorruptMedia => "corrupt_media",
            Failure::UnknownModel { .. } => "unknown_model",
            Failure::EngineCrashed => "engine_crashed",
            Failure::TimedOut => "timed_out",
            Failure::GaveUp => "gave_up",
            Failure::Cancelled => "cancelled",
            Failure::Expired => "expired",
        }
    }

    /// One sentence: what happened.
    pub fn message(&self) -> String {
        match self {
            Failure::MalformedJob => "The job could not be read.".into(),
            Failure::MediaNotFound => "There is no media at this link.".into(),
            Failure::MediaForbidden => "The site refuses to hand out this media.".into(),
            Failure::BlockedAddress | Failure::MediaUnreachable => "The link could not be reached.".into(),
            Failure::MediaTooLarge { limit_bytes } => {
                format!("The media is larger than this installation takes: {} MB.", limit_bytes / 1_000_000)
            }
            Failure::MediaTooLong { limit_ms } => {
                format!("The media is longer than this installation takes: {} minutes.", limit_ms / 60_000)
            }
            Failure::LiveStream => "The link is a live stream, which has no end.".into(),
            Failure::UnsupportedFormat { found } => {
                format!("This is not media that can be decoded: {found}.")
            }
            Failure::Encrypted => "The media is encrypted.".into(),
            Failure::NoAudio => "The media has no sound.".into(),
            Failure::CorruptMedia => "The media is damaged or empty.".into(),
            Failure::UnknownModel { model } => format!("The worker does not have this model: {model}."),
            Failure::EngineCrashed => "The transcription crashed on this media.".into(),
            Failure::TimedOut => "The job took longer than it may.".into(),
            Failure::GaveUp => "The job failed several times in a row.".into(),
            Failure::Cancelled => "The job was cancelled.".into(),
            Failure::Expired => "The job is past its time and was removed.".into(),
        }
    }

    /// One sentence: what to do now.
    pub fn hint(&self) -> String {
        match self {
            Failure::MalformedJob => "Submit it again.",
            Failure::MediaNotFound => "Open the link in a browser: it must lead to the media file itself.",
            Failure::MediaForbidden => "Download the file in your browser and drop it here instead.",
            Failure::BlockedAddress | Failure::MediaUnreachable => {
                "Check the link, or download the file and drop it here instead."
            }
            Failure::MediaTooLarge { .. } => "Submit only its sound, or ask the operator for a higher limit.",
            Failure::MediaTooLong { .. } => "Cut it into parts, or ask the operator for a higher limit.",
            Failure::LiveStream => "Submit the recording when the stream is over.",
            Failure::UnsupportedFormat { .. } => {
                "Convert it to MP4 with AAC sound, or to MP3, and try again."
            }
            Failure::Encrypted => "Submit a copy without copy protection.",
            Failure::NoAudio => "Choose a file that has a sound track.",
            Failure::CorruptMedia => "Check that the file plays, and upload it whole.",
            Failure::UnknownModel { .. } => "Choose another model, or pull it with: worker model pull.",
            Failure::EngineCrashed => "Convert the file to MP4 or MP3 and try again.",
            Failure::TimedOut | Failure::GaveUp => {
                "Try again; if it fails again, the operator's log says more."
            }
            Failure::Cancelled => "Retry it to start over.",
            Failure::Expired => "Submit the media again.",
        }
        .into()
    }
}
