//! Wording of shared pages, and of the page that makes links.

use domain::JobStatus;

use super::Shared;
use crate::text;
use crate::tr::{Text, tr};

pub const NAME: &str = "Cuelight";
pub const TRANSCRIPT: Text = Text("Transcript");
pub const CAPTIONS: Text = Text("Captions");
pub const DOWNLOAD: Text = Text("Download");
pub const DOWNLOADS: [(&str, &str, Text); 2] =
    [("vtt", "VTT", Text("WebVTT, for the web")), ("srt", "SRT", Text("SubRip, for most players"))];
pub const UNPLAYABLE: Text = Text(
    "This browser cannot play the media, or it is not kept any more. The transcript is here all the same.",
);

pub const GONE: Text = Text("There is nothing here");
pub const GONE_WHY: Text = Text(
    "The link is wrong, was taken back, or is past its time. Ask whoever gave it to you for another one.",
);
pub const UNAVAILABLE: Text = Text("This cannot be shown right now");
pub const UNAVAILABLE_WHAT_TO_DO: Text = Text("Nothing is lost. Try again in a few seconds.");

/// How the job is doing; nothing where it is complete.
pub fn told(shared: &Shared) -> Option<String> {
    Some(match shared.status {
        JobStatus::Completed => return None,
        JobStatus::Queued | JobStatus::Running if shared.is_video => {
            tr!(
                "The video is being made: {0} %. The page looks again by itself.",
                text::percent(shared.fraction)
            )
        }
        JobStatus::Failed | JobStatus::Cancelled if shared.is_video => {
            tr!("The video was not made to its end.").into()
        }
        JobStatus::Queued => tr!("This waits to be transcribed. The page looks again by itself.").into(),
        JobStatus::Running => tr!(
            "This is still being transcribed: {0} %. The page looks again by itself.",
            text::percent(shared.fraction)
        ),
        JobStatus::Failed | JobStatus::Cancelled => tr!("This was not transcribed to its end.").into(),
    })
}

pub fn no_media(status: JobStatus) -> &'static str {
    match status.is_terminal() {
        true => tr!("The media is not kept here."),
        false => tr!("The player appears when the media is there."),
    }
}

pub fn no_cues(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued | JobStatus::Running => tr!("What is said will appear here."),
        JobStatus::Completed => tr!("No speech was found."),
        JobStatus::Failed | JobStatus::Cancelled => tr!("There is no transcript."),
    }
}

pub const SHARE: Text = Text("Share");
pub const ABOUT: Text = Text(
    "Whoever has the link sees the media and its transcript, and can change nothing. You can take it back at any time.",
);
pub const CREATE: Text = Text("Create link");
pub const LINK: Text = Text("Link");
pub const EMBED: Text = Text("HTML for a page of your own");
pub const COPY: Text = Text("Copy");
pub const COPY_LINK: Text = Text("Copy the link");
pub const COPY_EMBED: Text = Text("Copy the HTML");
pub const COPIED: Text = Text("Copied.");
pub const NOT_COPIED: Text =
    Text("It could not be copied: it is selected now, so copy it by the keys you are used to.");
pub const WORKS_UNTIL: Text = Text("The link works until {0}. Copy it now: it is not shown again.");
pub const LINKS: Text = Text("Links that work");
pub const NO_LINKS: Text = Text("There is no link.");
pub const ALL_LINKS: Text = Text("See and revoke links");
pub const MADE: Text = Text("Made {0}, works until {1}");
pub const REVOKE: Text = Text("Revoke");
pub const REVOKE_LINK: Text = Text("Revoke the link of {0}");
pub const REVOKED: Text = Text("The link is revoked. It may work for ten more seconds.");
pub const LOST: Text = Text("The server could not be reached. Check your connection and try again.");
pub const BACK: Text = Text("Back to the job");

pub fn owner_title(title: &str) -> String {
    tr!("Share: {0}", title)
}
