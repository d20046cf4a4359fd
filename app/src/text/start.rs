//! What the start page says.

use domain::JobStatus;

use super::{about, bytes, moment};
use crate::api::{Place, Searched};
use crate::tr::{self, Text, tr, tr_count};

#[cfg(feature = "ssr")]
pub const HEADLINE: Text = Text("Subtitles while you watch");
#[cfg(feature = "ssr")]
pub const LEAD: Text =
    Text("Paste links or drop files. The first captions show up while the rest is still being transcribed.");

pub const SOURCES: Text = Text("What to subtitle");
pub const LINK: Text = Text("Link to a video or sound file");
pub const LINK_EXAMPLE: &str = "https://example.org/talk.mp4";
pub const LINK_HINT: Text = Text("Several links: paste them together, one a line.");
pub const FILE: Text = Text("Or a file, or several");
pub const DROP: Text = Text("Drop here");
pub const OPTIONS: Text = Text("Options");
pub const SUBMIT: Text = Text("Make subtitles");
pub const SUBMITTING: Text = Text("Submitting …");

pub const LANGUAGE: Text = Text("Language");
pub const MODEL: Text = Text("Model");
pub const TASK: Text = Text("Task");
pub const LAYOUT: Text = Text("Layout of the subtitles");

pub const SENDINGS: Text = Text("What is being submitted");
pub const WAITS: Text = Text("Waits for those before it");
pub const SENT: Text = Text("Uploaded; waiting for the server …");
pub const CANCELLED: Text = Text("Cancelled");
pub const CANCEL_UPLOAD: Text = Text("Cancel the upload");
pub const AGAIN: Text = Text("Try again");
pub const OPEN: Text = Text("Open");

pub fn up_to(max_upload_bytes: u64) -> String {
    tr!("Video or sound, up to {0} each", bytes(max_upload_bytes))
}

pub fn uploading(sent: u64, total: u64) -> String {
    let percent = sent.saturating_mul(100).checked_div(total).unwrap_or(100).min(100);
    tr!("Uploading {0} % · {1} of {2}", percent, bytes(sent), bytes(total))
}

/// Of which one a button is about, where there are several.
pub fn about_one(words: &str, name: &str) -> String {
    format!("{words}: {name}")
}

pub fn wrong_link(link: &str) -> String {
    tr!("One of the links cannot be taken: {0}.", link)
}

pub fn wrong_file(name: &str) -> String {
    tr!("One of the files cannot be taken: {0}.", name)
}

pub fn accepted(count: usize) -> String {
    tr_count!(
        count,
        "{0} job was accepted; it stands first among your jobs.",
        "{0} jobs were accepted; they stand first among your jobs."
    )
}

pub const JOBS: Text = Text("Your jobs");
pub const NO_JOBS: Text = Text(
    "Nothing here yet. Paste a link or drop a file above: its captions show up while the rest is still being transcribed.",
);
pub const NO_HITS: Text =
    Text("No title has all of these words, and no transcript has them next to each other.");
pub const UNUSABLE: Text = Text("This cannot be looked for: the address was changed, or is too old.");
pub const SHOW_ALL: Text = Text("Show all jobs");
pub const SHOW_MORE: Text = Text("Show more");
pub const SEARCH_ON: Text = Text("Search further back");
pub const NEWEST: Text = Text("Back to the newest");
pub const LOADING: Text = Text("Looking …");
pub const UNREACHABLE: Text = Text("The server could not be reached. What you see may be old.");

pub const SEARCH_LABEL: Text = Text("Search titles and transcripts");
pub const SEARCH: Text = Text("Search");
pub const STATUS: Text = Text("Status");
pub const ANY_STATUS: Text = Text("All");

pub const SELECT_ALL: Text = Text("Select all shown");
pub const FORMAT: Text = Text("Format");
pub const DOWNLOAD: Text = Text("Download ZIP");
pub const DELETE: Text = Text("Delete …");
pub const DELETE_WARNING: Text =
    Text("Their media, their subtitles and their pages go, and do not come back.");
pub const DELETE_FOR_GOOD: Text = Text("Delete for good");
pub const NOT_DELETED: Text = Text("Not all of them could be deleted. Try again in a few seconds.");
pub const NO_SPEECH: Text = Text("No speech was found.");

pub fn status(status: JobStatus) -> Text {
    match status {
        JobStatus::Queued => Text("Waiting"),
        JobStatus::Running => Text("Running"),
        JobStatus::Completed => Text("Completed"),
        JobStatus::Failed => Text("Failed"),
        JobStatus::Cancelled => Text("Cancelled"),
    }
}

pub fn none_of_status(of: Option<JobStatus>) -> Text {
    match of {
        Some(JobStatus::Queued) => Text("No job waits."),
        Some(JobStatus::Running) => Text("No job is running."),
        Some(JobStatus::Completed) => Text("No job is completed."),
        Some(JobStatus::Failed) => Text("No job failed."),
        Some(JobStatus::Cancelled) => Text("No job was cancelled."),
        None => Text("There are no older jobs."),
    }
}

/// What a search came to.
pub fn found(count: usize, searched: Searched) -> String {
    let found = match count {
        0 => tr!("Nothing was found").to_owned(),
        _ => tr_count!(count, "{0} job was found", "{0} jobs were found"),
    };
    match searched.until {
        None => tr_count!(searched.jobs, "{1} in {0} job.", "{1} in all {0} jobs.", found),
        Some(until) => {
            tr!("{0} in the newest {1} jobs, back to {2}.", found, searched.jobs, moment(until))
        }
    }
}

pub fn selected(count: usize) -> String {
    tr!("{0} selected", count)
}

pub fn select(title: &str) -> String {
    tr!("Select {0}", title)
}

pub fn progress_of(title: &str) -> String {
    tr!("Progress of {0}", title)
}

pub fn more_hits(count: u32) -> String {
    tr!("and {0} more", count)
}

/// Where a waiting job stands, and how long it will wait, if that is known.
pub fn place(place: Place) -> String {
    let position = match place.position {
        0 | 1 => tr!("Next in line").to_owned(),
        position => tr!("{0} in line", ordinal(position)),
    };
    match place.wait_ms {
        Some(wait_ms) => format!("{position}, {}", about(wait_ms)),
        None => position,
    }
}

/// Only English has these endings.
fn ordinal(number: u32) -> String {
    if !tr::is_english() {
        return number.to_string();
    }
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use domain::WallTime;

    use super::*;

    #[test]
    fn a_place_in_line_is_told_in_words() {
        let check = |position, wait_ms, expect: &str| {
            assert_eq!(place(Place { position, wait_ms }), expect);
        };
        check(1, None, "Next in line");
        check(1, Some(20_000), "Next in line, about 20 seconds");
        check(3, Some(240_000), "3rd in line, about 4 minutes");
        check(12, None, "12th in line");
        check(22, None, "22nd in line");
        check(111, None, "111th in line");
        check(101, None, "101st in line");
    }

    #[test]
    fn a_search_says_how_far_it_looked() {
        let all = Searched { jobs: 12, until: None };
        assert_eq!(found(2, all), "2 jobs were found in all 12 jobs.");
        assert_eq!(found(0, Searched { jobs: 1, ..all }), "Nothing was found in 1 job.");
        let part = Searched { jobs: 400, until: Some(WallTime::UNIX_EPOCH) };
        assert_eq!(found(1, part), "1 job was found in the newest 400 jobs, back to 1970-01-01 00:00 UTC.");
    }
}
