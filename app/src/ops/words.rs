//! Wording of the operators' page.

use domain::{JobStatus, Stage, WallTime};

use super::{Age, Queue, Work};
use crate::problem::Problem;
use crate::text;

pub const TAB: &str = "Operations · Cuelight";
pub const TITLE: &str = "Operations";
pub const READ_AGAIN: &str = "Read again";
pub const LOST: &str = "The server does not answer; what you see is getting old.";
pub const NOW: &str = "Now";
pub const NOT_KNOWN: &str = "not known";
pub const OLDEST: &str = "oldest waits";
pub const SLOTS: &str = "slots busy";
pub const DEAD: &str = "dead letters";
pub const QUEUE_NOT_KNOWN: &str = "The queue did not answer: its messages are not known now.";

pub const WORKERS: &str = "Workers";
pub const NO_WORKERS: &str =
    "No worker has told of itself in the last two minutes. Start one with: worker pull.";
pub const WORKERS_NOT_KNOWN: &str = "The store did not answer: workers are not known now.";
pub const IDLE: &str = "Waits for a job";
pub const UNTOLD: &str = "Running, and no worker has told of it";
pub const UNTOLD_WHY: &str =
    "Workers tell of themselves every half minute. A job whose worker died is queued again by itself.";

pub const DAY: &str = "The last 24 hours";
pub const NOTHING_ENDED: &str = "No job has ended in the last 24 hours.";
pub const JOBS_BY_HOUR: &str = "Jobs ended, by hour";
pub const MEDIA_BY_HOUR: &str = "Minutes of media, by hour";
pub const SPEED_BY_HOUR: &str = "Speed, by hour";
pub const SPEED_IS: &str = "Speed: length of the media by the time from first start to end, of jobs that went through at the first try.";
pub const SPEED_NOT_KNOWN: &str = "speed not known";
pub const HOUR_HEADS: [&str; 6] =
    ["Hour (UTC)", "Completed", "Failed", "Cancelled", "Minutes of media", "Speed"];
pub const FAILURE_HEADS: [&str; 2] = ["Jobs", "Reason"];
pub const FAILURES: &str = "Failures by reason";
pub const NUMBERS: &str = "The numbers";

pub const LETTERS: &str = "Dead letters";
pub const NO_LETTERS: &str =
    "None. Jobs that failed for a passing reason until their worker gave up show up here.";
pub const LETTERS_NOT_KNOWN: &str = "The queue did not answer: dead letters are not known now.";
pub const RECEIVED_TOO_OFTEN: &str = "Its message was received too often, and no worker said why.";
pub const JOB_IS_GONE: &str = "Its job is gone, or was done otherwise";
pub const UNREADABLE: &str = "A message that nobody can read";
pub const ALL_SHOWN: &str = "All that are shown";
pub const MODEL: &str = "Model";
pub const LANGUAGE: &str = "Language";
pub const AS_BEFORE: &str = "As before";
pub const DETECT: &str = "Detect";
pub const REDRIVE_CHOSEN: &str = "Redrive the chosen ones";
pub const REDRIVE_NOTE: &str =
    "Starts a new run of each job. What failed four times fails a fifth time unless something changed.";

pub const TASKS: &str = "Periodic tasks";
pub const NO_TASKS: &str = "None has been done in the last 30 days.";
pub const TASKS_NOT_KNOWN: &str = "The store did not answer: tasks are not known now.";

pub const NOT_HERE: &str = "This page is for operators";
pub const NOT_HERE_WHY: &str = "People who only use Cuelight can reach this address, and there is no login that tells them from operators.";
pub const NOT_HERE_WHAT_TO_DO: &str = "Start the server with --operators-listen 127.0.0.1:9090, and open /ops at that address. A server that only its own machine can reach, and that has no such listener, shows it here.";
pub const TO_THE_START: &str = "Go to the start page";

pub fn read_at(time: WallTime) -> String {
    format!("As of {}, at most some seconds old.", second(time))
}

/// A moment as `2026-11-23 05:08:12 UTC`.
fn second(time: WallTime) -> String {
    let text = time.to_string();
    let second = text.get(..19).unwrap_or(&text).replace('T', " ");
    format!("{second} UTC")
}

/// The hour of a moment as `05:00`.
pub fn hour(time: WallTime) -> String {
    let text = time.to_string();
    format!("{}:00", text.get(11..13).unwrap_or_default())
}

/// A time that passed, by its two largest units.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{minutes} min"),
        3600..=86_399 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// How long ago `then` was at `now`; clocks of other machines may be ahead.
pub fn since(then: WallTime, now: WallTime) -> String {
    duration(u64::try_from(now.as_millisecond() - then.as_millisecond()).unwrap_or_default())
}

pub fn ago(then: WallTime, now: WallTime) -> String {
    format!("{} ago", since(then, now))
}

pub fn age(age: Age) -> String {
    let at_least = if age.is_at_least { "more than " } else { "" };
    format!("{at_least}{}", duration(age.ms))
}

/// How much faster than it plays media is heard.
pub fn speed(real_time_factor: f64) -> String {
    let times = 1.0 / real_time_factor.max(0.001);
    if times < 9.95 { format!("{times:.1} × real time") } else { format!("{times:.0} × real time") }
}

pub fn minutes(ms: u64) -> String {
    let minutes = ms as f64 / 60_000.0;
    if minutes < 9.95 { format!("{minutes:.1}") } else { format!("{minutes:.0}") }
}

pub fn stage(work: &Work) -> String {
    match work.stage {
        Stage::Fetching => "Fetching".into(),
        Stage::Transcribing | Stage::Done => format!("Transcribing {} %", text::percent(work.progress)),
        Stage::Rendering => format!("Making a video {} %", text::percent(work.progress)),
        Stage::Waiting | Stage::Preparing => "Preparing".into(),
    }
}

pub fn ended(completed: u64, failed: u64, cancelled: u64) -> String {
    format!("{completed} completed, {failed} failed, {cancelled} cancelled")
}

pub fn minutes_of_media(ms: u64) -> String {
    format!("{} minutes of media", minutes(ms))
}

pub fn missing_before(since: WallTime) -> String {
    format!("Jobs that ended before {} are not counted: there are too many.", text::moment(since))
}

pub fn at_hour(hour: &str, told: &str) -> String {
    format!("{hour} – {told}")
}

pub fn most(hour: &str, told: &str) -> String {
    format!("Most: {told}, at {hour}")
}

/// What a worker runs.
pub fn engine(engine: &str, model: &str) -> String {
    format!("{engine}, {model}")
}

pub fn process(mode: &str, version: &str, pid: u32) -> String {
    format!("worker {mode} {version}, pid {pid}")
}

pub fn up(since: &str) -> String {
    format!("up {since}")
}

pub fn told(ago: &str) -> String {
    format!("told {ago}")
}

pub fn running_for(time: &str) -> String {
    format!("for {time}")
}

pub fn progress_of(title: &str) -> String {
    format!("Progress of {title}")
}

pub fn model(name: &str) -> String {
    format!("Model {name}")
}

pub fn attempt(attempt: u32) -> String {
    format!("attempt {attempt}")
}

pub fn attempts(attempts: u32) -> String {
    if attempts == 1 { "1 attempt".into() } else { format!("{attempts} attempts") }
}

pub fn of(some: usize, all: u32) -> String {
    format!("{some} of {all}")
}

pub fn slots(busy: usize, slots: u32) -> String {
    format!("{} {} busy", of(busy, slots), if slots == 1 { "slot" } else { "slots" })
}

/// Of which there may be more than jobs: they come twice at times.
pub fn messages(queue: Option<&Queue>) -> String {
    let Some(Queue { waiting, delayed, in_flight, oldest_age_ms, .. }) = queue else {
        return QUEUE_NOT_KNOWN.into();
    };
    let counts =
        format!("Messages in the queue: {waiting} visible, {delayed} delayed, {in_flight} in flight");
    match oldest_age_ms {
        _ if waiting + delayed + in_flight == 0 => format!("{counts}."),
        Some(ms) => format!("{counts}; the oldest is {} old.", duration(*ms)),
        None => format!("{counts}; how old the oldest is, is {NOT_KNOWN}."),
    }
}

pub fn status(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued => "waiting",
        JobStatus::Running => "running",
        JobStatus::Completed => "completed",
        JobStatus::Failed => "failed",
        JobStatus::Cancelled => "cancelled",
    }
}

pub fn choose(title: &str) -> String {
    format!("Choose: {title}")
}

pub fn redrive_all(number: u64) -> String {
    match number {
        1 => "Redrive the one there is".into(),
        number => format!("Redrive all {number}"),
    }
}

pub fn redriven(sent: usize, refused: usize) -> String {
    let sent = match sent {
        0 => "Nothing was sent again: the jobs are gone, or were done otherwise.".into(),
        1 => "1 job starts again.".into(),
        sent => format!("{sent} jobs start again."),
    };
    match refused {
        0 => sent,
        1 => format!("{sent} 1 letter stays: its job cannot be done with these choices."),
        refused => format!("{sent} {refused} letters stay: their jobs cannot be done with these choices."),
    }
}

/// Of a redrive that was not taken.
pub fn problem(code: &str) -> Problem {
    let problem = Problem::told(code, "form", 0);
    match code {
        "nothing_chosen" => Problem {
            message: "No letter was chosen.".into(),
            hint: "Tick those to send again, or redrive all.".into(),
            ..problem
        },
        "malformed_form" | "body_too_large" => {
            Problem { message: "The form could not be read.".into(), hint: "Try again.".into(), ..problem }
        }
        _ => problem,
    }
}

pub fn task(name: &str) -> (&str, String) {
    let (task, machine) = name.split_once('@').unwrap_or((name, ""));
    let does = match task {
        "cleanup" => "Removes expired jobs and media without a job",
        "stats" => "Logs how the last hour went",
        "update-model" => "Holds the models against their checksums",
        _ => "",
    };
    let on = if machine.is_empty() { String::new() } else { format!(" on {machine}") };
    (task, format!("{does}{on}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_by_their_two_largest_units() {
        let told = [999, 59_000, 61_000, 3_600_000, 7_500_000, 90_000_000].map(duration);
        assert_eq!(told, ["0 s", "59 s", "1 min", "1 h 0 min", "2 h 5 min", "1 d 1 h"]);
    }

    #[test]
    fn a_clock_that_is_ahead_shows_nothing_odd() {
        let now = WallTime::UNIX_EPOCH;
        assert_eq!(ago(now + std::time::Duration::from_secs(5), now), "0 s ago");
    }

    #[test]
    fn a_machine_is_named_where_each_has_its_own_task() {
        assert_eq!(task("stats"), ("stats", "Logs how the last hour went".to_owned()));
        let (task, does) = task("update-model@a");
        assert_eq!((task, does.ends_with(" on a")), ("update-model", true));
    }

    #[test]
    fn speed_is_how_much_faster_than_it_plays() {
        assert_eq!([0.25, 0.05, 2.0].map(speed), ["4.0 × real time", "20 × real time", "0.5 × real time"]);
    }
}
