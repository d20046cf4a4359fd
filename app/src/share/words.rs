//! Wording of shared pages, and of the page that makes links.

use domain::JobStatus;

use super::Shared;
use crate::text;

pub const NAME: &str = "Cuelight";
pub const TRANSCRIPT: &str = "Transcript";
pub const CAPTIONS: &str = "Captions";
pub const DOWNLOAD: &str = "Download";
pub const DOWNLOADS: [(&str, &str, &str); 2] =
    [("vtt", "VTT", "WebVTT, for the web"), ("srt", "SRT", "SubRip, for most players")];
pub const UNPLAYABLE: &str =
    "This browser cannot play the media, or it is not kept any more. The transcript is here all the same.";

pub const GONE: &str = "There is nothing here";
pub const GONE_WHY: &str =
    "The link is wrong, was taken back, or is past its time. Ask whoever gave it to you for another one.";
pub const UNAVAILABLE: &str = "This cannot be shown right now";
pub const UNAVAILABLE_WHAT_TO_DO: &str = "Nothing is lost. Try again in a few seconds.";

/// How the job is doing; nothing where it is complete.
pub fn told(shared: &Shared) -> Option<String> {
    Some(match shared.status {
        JobStatus::Completed => return None,
        JobStatus::Queued | JobStatus::Running if shared.is_video => {
            format!(
                "The video is being made: {} %. The page looks again by itself.",
                text::percent(shared.fraction)
            )
        }
        JobStatus::Failed | JobStatus::Cancelled if shared.is_video => {
            "The video was not made to its end.".into()
        }
        JobStatus::Queued => "This waits to be transcribed. The page looks again by itself.".into(),
        JobStatus::Running => {
            let percent = text::percent(shared.fraction);
            format!("This is still being transcribed: {percent} %. The page looks again by itself.")
        }
        JobStatus::Failed | JobStatus::Cancelled => "This was not transcribed to its end.".into(),
    })
}

pub fn no_media(status: JobStatus) -> &'static str {
    match status.is_terminal() {
        true => "The media is not kept here.",
        false => "The player appears when the media is there.",
    }
}

pub fn no_cues(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued | JobStatus::Running => "What is said will appear here.",
        JobStatus::Completed => "No speech was found.",
        JobStatus::Failed | JobStatus::Cancelled => "There is no transcript.",
    }
}

pub const SHARE: &str = "Share";
pub const ABOUT: &str = "Whoever has the link sees the media and its transcript, and can change nothing. You can take it back at any time.";
pub const CREATE: &str = "Create link";
pub const LINK: &str = "Link";
pub const EMBED: &str = "HTML for a page of your own";
pub const COPY: &str = "Copy";
pub const COPY_LINK: &str = "Copy the link";
pub const COPY_EMBED: &str = "Copy the HTML";
pub const COPIED: &str = "Copied.";
pub const NOT_COPIED: &str =
    "It could not be copied: it is selected now, so copy it by the keys you are used to.";
pub const WORKS_UNTIL: &str = "The link works until";
pub const TOLD_ONCE: &str = "Copy it now: it is not shown again.";
pub const LINKS: &str = "Links that work";
pub const NO_LINKS: &str = "There is no link.";
pub const ALL_LINKS: &str = "See and revoke links";
pub const MADE: &str = "Made";
pub const AND_WORKS_UNTIL: &str = ", works until";
pub const LINK_OF: &str = "the link of";
pub const REVOKE: &str = "Revoke";
pub const REVOKED: &str = "The link is revoked. It may work for ten more seconds.";
pub const LOST: &str = "The server could not be reached. Check your connection and try again.";
pub const BACK: &str = "Back to the job";

pub fn owner_title(title: &str) -> String {
    format!("Share: {title}")
}
