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
    /// The job that a video was to be made of is gone, or is not complete any more.
    OriginalGone,
    /// Nothing to put into a video: no cues, or all of them moved to before its start.
    NoSubtitles,
    /// Sound alone, where subtitles were to be drawn into the picture.
    NoPicture,
    /// The worker has no ffmpeg, or may not use it.
    NoFfmpeg,
    /// The letters of the subtitles are in none of the worker's fonts.
    NoFont {
        letter: String,
    },
    VideoTooLarge {
        limit_bytes: u64,
    },
    /// ffmpeg refuses this media, or crashes on it.
    VideoFailed,
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
            Failure::OriginalGone => "original_gone",
            Failure::NoSubtitles => "no_subtitles",
            Failure::NoPicture => "no_picture",
            Failure::NoFfmpeg => "no_ffmpeg",
            Failure::NoFont { .. } => "no_font",
            Failure::VideoTooLarge { .. } => "video_too_large",
            Failure::VideoFailed => "video_failed",
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
            Failure::OriginalGone => {
                "The job that the video is made of is gone, or not complete any more.".into()
            }
            Failure::NoSubtitles => "There are no subtitles to put into a video.".into(),
            Failure::NoPicture => "The media has no picture that subtitles could be drawn into.".into(),
            Failure::NoFfmpeg => "The worker has no ffmpeg, which videos are made with.".into(),
            Failure::NoFont { letter } => {
                format!("The worker has no font for these subtitles; it lacks, for one: {letter}.")
            }
            Failure::VideoTooLarge { limit_bytes } => {
                format!(
                    "The video became larger than this installation takes: {} MB.",
                    limit_bytes / 1_000_000
                )
            }
            Failure::VideoFailed => "No video could be made of this media.".into(),
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
                "Convert it to MP3, or to MP4 with stereo AAC sound; or ask the operator to install ffmpeg."
            }
            Failure::Encrypted => "Submit a copy without copy protection.",
            Failure::NoAudio => "Choose a file that has a sound track.",
            Failure::CorruptMedia => "Check that the file plays, and upload it whole.",
            Failure::UnknownModel { .. } => "Choose another model, or pull it with: worker model pull.",
            Failure::OriginalGone => "Make the video anew, from the page of a job that is complete.",
            Failure::NoSubtitles => "Correct the transcript first, or choose another offset.",
            Failure::NoPicture => "Have the subtitles added as a track instead.",
            Failure::NoFfmpeg => "Ask the operator to install it on the worker's machine: apt-get install ffmpeg.",
            Failure::NoFont { .. } => {
                "Ask the operator to install fonts, such as fonts-noto-core and fonts-noto-cjk; or add a track instead."
            }
            Failure::VideoTooLarge { .. } => "Cut the media into parts, or ask the operator for a higher limit.",
            Failure::VideoFailed => "Convert the media to MP4 first, or download the subtitles as a file.",
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Each variant once.
    pub(crate) fn all() -> Vec<Failure> {
        vec![
            Failure::MalformedJob,
            Failure::MediaNotFound,
            Failure::MediaForbidden,
            Failure::BlockedAddress,
            Failure::MediaUnreachable,
            Failure::MediaTooLarge { limit_bytes: 2_000_000_000 },
            Failure::MediaTooLong { limit_ms: 7_200_000 },
            Failure::LiveStream,
            Failure::UnsupportedFormat { found: "text".into() },
            Failure::Encrypted,
            Failure::NoAudio,
            Failure::CorruptMedia,
            Failure::UnknownModel { model: "huge".into() },
            Failure::OriginalGone,
            Failure::NoSubtitles,
            Failure::NoPicture,
            Failure::NoFfmpeg,
            Failure::NoFont { letter: "ж".into() },
            Failure::VideoTooLarge { limit_bytes: 4_000_000_000 },
            Failure::VideoFailed,
            Failure::EngineCrashed,
            Failure::TimedOut,
            Failure::GaveUp,
            Failure::Cancelled,
            Failure::Expired,
        ]
    }

    #[test]
    fn the_code_of_a_failure_is_its_tag_in_json() {
        for failure in all() {
            let json = serde_json::to_value(&failure).unwrap();
            assert_eq!(json["code"], failure.code());
            assert_eq!(serde_json::from_value::<Failure>(json).unwrap(), failure);
        }
    }

    #[test]
    fn codes_are_unique_and_none_is_forgotten_here() {
        let codes: std::collections::BTreeSet<&str> = all().iter().map(Failure::code).collect();
        assert_eq!(codes.len(), all().len());
        // serde names the variants it knows when it meets one it does not.
        let error = serde_json::from_str::<Failure>(r#"{"code": "?"}"#).unwrap_err().to_string();
        let known = error.split('`').skip(3).step_by(2).count();
        assert_eq!(known, all().len(), "{error}");
    }

    #[test]
    fn every_failure_says_what_happened_and_what_to_do() {
        for failure in all() {
            let (message, hint) = (failure.message(), failure.hint());
            assert!(message.len() > 10 && message.ends_with('.'), "{message}");
            assert!(hint.len() > 10 && hint.ends_with('.'), "{hint}");
        }
    }

    #[test]
    fn a_blocked_address_looks_like_an_unreachable_one() {
        let (blocked, unreachable) = (Failure::BlockedAddress, Failure::MediaUnreachable);
        assert_eq!((blocked.message(), blocked.hint()), (unreachable.message(), unreachable.hint()));
    }
}
