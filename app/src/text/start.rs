//! What the start page says.

use domain::JobStatus;

use super::{about, bytes, moment};
use crate::api::{Place, Searched};

#[cfg(feature = "ssr")]
pub const HEADLINE: &str = "Subtitles while you watch";
#[cfg(feature = "ssr")]
pub const LEAD: &str =
    "Paste links or drop files. The first captions show up while the rest is still being transcribed.";

pub const SOURCES: &str = "What to subtitle";
pub const LINK: &str = "Link to a video or sound file";
pub const LINK_EXAMPLE: &str = "https://example.org/talk.mp4";
pub const LINK_HINT: &str = "Several links: paste them together, one a line.";
pub const FILE: &str = "Or a file, or several";
pub const DROP: &str = "Drop here";
pub const OPTIONS: &str = "Options";
pub const SUBMIT: &str = "Make subtitles";
pub const SUBMITTING: &str = "Submitting …";

pub const LANGUAGE: &str = "Language";
pub const MODEL: &str = "Model";
pub const TASK: &str = "Task";
pub const LAYOUT: &str = "Layout of the subtitles";

pub const SENDINGS: &str = "What is being submitted";
pub const WAITS: &str = "Waits for those before it";
pub const SENT: &str = "Uploaded; waiting for the server …";
pub const CANCELLED: &str = "Cancelled";
pub const CANCEL_UPLOAD: &str = "Cancel the upload";
pub const AGAIN: &str = "Try again";
pub const OPEN: &str = "Open";

pub fn up_to(max_upload_bytes: u64) -> String {
    format!("Video or sound, up to {} each", bytes(max_upload_bytes))
}

pub fn uploading(sent: u64, total: u64) -> String {
    let percent = sent.saturating_mul(100).checked_div(total).unwrap_or(100).min(100);
    format!("Uploading {percent} % · {} of {}", bytes(sent), bytes(total))
}

/// Of which one a button is about, where there are several.
pub fn about_one(words: &str, name: &str) -> String {
    format!("{words}: {name}")
}

pub fn wrong_link(link: &str) -> String {
    format!("One of the links cannot be taken: {link}.")
}

pub fn wrong_file(name: &str) -> String {
    format!("One of the files cannot be taken: {name}.")
}

pub fn accepted(count: usize) -> String {
    match count {
        1 => "1 job was accepted; it stands first among your jobs.".into(),
        _ => format!("{count} jobs were accepted; they stand first among your jobs."),
    }
}

pub const JOBS: &str = "Your jobs";
pub const NO_JOBS: &str = "Nothing here yet. Paste a link or drop a file above: its captions show up while the rest is still being transcribed.";
pub const NO_HITS: &str = "No title has all of these words, and no transcript has them next to each other.";
pub const UNUSABLE: &str = "This cannot be looked for: the address was changed, or is too old.";
pub const SHOW_ALL: &str = "Show all jobs";
pub const SHOW_MORE: &str = "Show more";
pub const SEARCH_ON: &str = "Search further back";
pub const NEWEST: &str = "Back to the newest";
pub const LOADING: &str = "Looking …";
pub const UNREACHABLE: &str = "The server could not be reached. What you see may be old.";

pub const SEARCH_LABEL: &str = "Search titles and transcripts";
pub const SEARCH: &str = "Search";
pub const STATUS: &str = "Status";
pub const ANY_STATUS: &str = "All";

pub const SELECT_ALL: &str = "Select all shown";
pub const FORMAT: &str = "Format";
pub const DOWNLOAD: &str = "Download ZIP";
pub const DELETE: &str = "Delete …";
pub const DELETE_WARNING: &str = "Their media, their subtitles and their pages go, and do not come back.";
pub const DELETE_FOR_GOOD: &str = "Delete for good";
pub const NOT_DELETED: &str = "Not all of them could be deleted. Try again in a few seconds.";
pub const NO_SPEECH: &str = "No speech was found.";

pub fn status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued => "Waiting",
        JobStatus::Running => "Running",
        JobStatus::Completed => "Completed",
        JobStatus::Failed => "Failed",
        JobStatus::Cancelled => "Cancelled",
    }
}

pub fn none_of_status(of: Option<JobStatus>) -> String {
    match of {
        Some(JobStatus::Queued) => "No job waits.".into(),
        Some(JobStatus::Running) => "No job is running.".into(),
        Some(JobStatus::Completed) => "No job is completed.".into(),
        Some(JobStatus::Failed) => "No job failed.".into(),
        Some(JobStatus::Cancelled) => "No job was cancelled.".into(),
        None => "There are no older jobs.".into(),
    }
}

/// What a search came to.
pub fn found(count: usize, searched: Searched) -> String {
    let found = match count {
        0 => "Nothing was found".to_owned(),
        1 => "1 job was found".to_owned(),
        _ => format!("{count} jobs were found"),
    };
    match (searched.until, searched.jobs) {
        (None, 1) => format!("{found} in 1 job."),
        (None, jobs) => format!("{found} in all {jobs} jobs."),
        (Some(until), jobs) => format!("{found} in the newest {jobs} jobs, back to {}.", moment(until)),
    }
}

pub fn selected(count: usize) -> String {
    format!("{count} selected")
}

pub fn select(title: &str) -> String {
    format!("Select {title}")
}

pub fn progress_of(title: &str) -> String {
    format!("Progress of {title}")
}

pub fn more_hits(count: u32) -> String {
    format!("and {count} more")
}

/// Where a waiting job stands, and how long it will wait, if that is known.
pub fn place(place: Place) -> String {
    let position = match place.position {
        0 | 1 => "Next in line".to_owned(),
        position => format!("{} in line", ordinal(position)),
    };
    match place.wait_ms {
        Some(wait_ms) => format!("{position}, {}", about(wait_ms)),
        None => position,
    }
}

fn ordinal(number: u32) -> String {
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
