//! Wording of the operators' page.

use domain::{JobStatus, Stage, WallTime};

use super::{Age, Queue, Work};
use crate::problem::Problem;
use crate::text;
use crate::tr::{self, Text, tr, tr_count};

pub const TITLE: Text = Text("Operations");
pub const READ_AGAIN: Text = Text("Read again");
pub const LOST: Text = Text("The server does not answer; what you see is getting old.");
pub const NOW: Text = Text("Now");
pub const NOT_KNOWN: Text = Text("not known");
pub const OLDEST: Text = Text("oldest waits");
pub const SLOTS: Text = Text("slots busy");
pub const DEAD: Text = Text("dead letters");
pub const QUEUE_NOT_KNOWN: Text = Text("The queue did not answer: its messages are not known now.");

pub const WORKERS: Text = Text("Workers");
pub const NO_WORKERS: Text =
    Text("No worker has told of itself in the last two minutes. Start one with: worker pull.");
pub const WORKERS_NOT_KNOWN: Text = Text("The store did not answer: workers are not known now.");
pub const IDLE: Text = Text("Waits for a job");
pub const UNTOLD: Text = Text("Running, and no worker has told of it");
pub const UNTOLD_WHY: Text =
    Text("Workers tell of themselves every half minute. A job whose worker died is queued again by itself.");

pub const DAY: Text = Text("The last 24 hours");
pub const NOTHING_ENDED: Text = Text("No job has ended in the last 24 hours.");
pub const JOBS_BY_HOUR: Text = Text("Jobs ended, by hour");
pub const MEDIA_BY_HOUR: Text = Text("Minutes of media, by hour");
pub const SPEED_BY_HOUR: Text = Text("Speed, by hour");
pub const SPEED_IS: Text = Text(
    "Speed: length of the media by the time from first start to end, of jobs that went through at the first try.",
);
pub const SPEED_NOT_KNOWN: Text = Text("speed not known");
pub const HOUR_HEADS: [Text; 6] = [
    Text("Hour (UTC)"),
    Text("Completed"),
    Text("Failed"),
    Text("Cancelled"),
    Text("Minutes of media"),
    Text("Speed"),
];
pub const FAILURE_HEADS: [Text; 2] = [Text("Jobs"), Text("Reason")];
pub const FAILURES: Text = Text("Failures by reason");
pub const NUMBERS: Text = Text("The numbers");

pub const LETTERS: Text = Text("Dead letters");
pub const NO_LETTERS: Text =
    Text("None. Jobs that failed for a passing reason until their worker gave up show up here.");
pub const LETTERS_NOT_KNOWN: Text = Text("The queue did not answer: dead letters are not known now.");
pub const RECEIVED_TOO_OFTEN: Text = Text("Its message was received too often, and no worker said why.");
pub const JOB_IS_GONE: Text = Text("Its job is gone, or was done otherwise:");
pub const UNREADABLE: Text = Text("A message that nobody can read:");
pub const ALL_SHOWN: Text = Text("All that are shown");
pub const MODEL: Text = Text("Model");
pub const LANGUAGE: Text = Text("Language");
pub const AS_BEFORE: Text = Text("As before");
pub const DETECT: Text = Text("Detect");
pub const REDRIVE_CHOSEN: Text = Text("Redrive the chosen ones");
pub const REDRIVE_NOTE: Text =
    Text("Starts a new run of each job. What failed four times fails a fifth time unless something changed.");

pub const TASKS: Text = Text("Periodic tasks");
pub const NO_TASKS: Text = Text("None has been done in the last 30 days.");
pub const TASKS_NOT_KNOWN: Text = Text("The store did not answer: tasks are not known now.");

pub const NOT_HERE: Text = Text("This page is for operators");
pub const NOT_HERE_WHY: Text = Text(
    "People who only use Cuelight can reach this address, and there is no login that tells them from operators.",
);
pub const NOT_HERE_WHAT_TO_DO: Text = Text(
    "Start the server with --operators-listen 127.0.0.1:9090, and open /ops at that address. A server that only its own machine can reach, and that has no such listener, shows it here.",
);
pub const TO_THE_START: Text = Text("Go to the start page");

pub fn read_at(time: WallTime) -> String {
    tr!("As of {0}, at most some seconds old.", second(time))
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
        0..=59 => tr!("{0} s", seconds),
        60..=3599 => tr!("{0} min", minutes),
        3600..=86_399 => tr!("{0} h {1} min", hours, minutes),
        _ => tr!("{0} d {1} h", days, hours),
    }
}

/// How long ago `then` was at `now`; clocks of other machines may be ahead.
pub fn since(then: WallTime, now: WallTime) -> String {
    duration(u64::try_from(now.as_millisecond() - then.as_millisecond()).unwrap_or_default())
}

pub fn ago(then: WallTime, now: WallTime) -> String {
    tr!("{0} ago", since(then, now))
}

pub fn age(age: Age) -> String {
    let duration = duration(age.ms);
    if age.is_at_least { tr!("more than {0}", duration) } else { duration }
}

/// How much faster than it plays media is heard.
pub fn speed(real_time_factor: f64) -> String {
    let times = 1.0 / real_time_factor.max(0.001);
    tr!("{0} × real time", two_digits(times))
}

pub fn minutes(ms: u64) -> String {
    two_digits(ms as f64 / 60_000.0)
}

fn two_digits(number: f64) -> String {
    tr::decimal(if number < 9.95 { format!("{number:.1}") } else { format!("{number:.0}") })
}

pub fn stage(work: &Work) -> String {
    match work.stage {
        Stage::Fetching => tr!("Fetching").into(),
        Stage::Transcribing | Stage::Done => tr!("Transcribing {0} %", text::percent(work.progress)),
        Stage::Rendering => tr!("Making a video {0} %", text::percent(work.progress)),
        Stage::Waiting | Stage::Preparing => tr!("Preparing").into(),
    }
}

pub fn ended(completed: u64, failed: u64, cancelled: u64) -> String {
    tr!("{0} completed, {1} failed, {2} cancelled", completed, failed, cancelled)
}

pub fn minutes_of_media(ms: u64) -> String {
    tr!("{0} minutes of media", minutes(ms))
}

pub fn missing_before(since: WallTime) -> String {
    tr!("Jobs that ended before {0} are not counted: there are too many.", text::moment(since))
}

pub fn at_hour(hour: &str, told: &str) -> String {
    format!("{hour} – {told}")
}

pub fn most(hour: &str, told: &str) -> String {
    tr!("Most: {0}, at {1}", told, hour)
}

/// What a worker runs.
pub fn engine(engine: &str, model: &str) -> String {
    format!("{engine}, {model}")
}

pub fn process(mode: &str, version: &str, pid: u32) -> String {
    tr!("worker {0} {1}, pid {2}", mode, version, pid)
}

pub fn up(since: &str) -> String {
    tr!("up {0}", since)
}

pub fn told(since: &str) -> String {
    tr!("told {0} ago", since)
}

pub fn running_for(time: &str) -> String {
    tr!("for {0}", time)
}

pub fn progress_of(title: &str) -> String {
    tr!("Progress of {0}", title)
}

pub fn model(name: &str) -> String {
    tr!("Model {0}", name)
}

pub fn attempt(attempt: u32) -> String {
    tr!("attempt {0}", attempt)
}

pub fn attempts(attempts: u32) -> String {
    tr_count!(attempts, "{0} attempt", "{0} attempts")
}

pub fn of(some: usize, all: u32) -> String {
    tr!("{0} of {1}", some, all)
}

pub fn slots(busy: usize, slots: u32) -> String {
    tr_count!(slots, "{1} of {0} slot busy", "{1} of {0} slots busy", busy)
}

/// Of which there may be more than jobs: they come twice at times.
pub fn messages(queue: Option<&Queue>) -> String {
    let Some(Queue { waiting, delayed, in_flight, oldest_age_ms, .. }) = queue else {
        return QUEUE_NOT_KNOWN.into();
    };
    match oldest_age_ms {
        _ if waiting + delayed + in_flight == 0 => tr!(
            "Messages in the queue: {0} visible, {1} delayed, {2} in flight.",
            waiting,
            delayed,
            in_flight
        ),
        Some(ms) => tr!(
            "Messages in the queue: {0} visible, {1} delayed, {2} in flight; the oldest is {3} old.",
            waiting,
            delayed,
            in_flight,
            duration(*ms)
        ),
        None => tr!(
            "Messages in the queue: {0} visible, {1} delayed, {2} in flight; how old the oldest is, is not known.",
            waiting,
            delayed,
            in_flight
        ),
    }
}

pub fn status(status: JobStatus) -> Text {
    match status {
        JobStatus::Queued => Text("waiting"),
        JobStatus::Running => Text("running"),
        JobStatus::Completed => Text("completed"),
        JobStatus::Failed => Text("failed"),
        JobStatus::Cancelled => Text("cancelled"),
    }
}

pub fn choose(title: &str) -> String {
    tr!("Choose: {0}", title)
}

pub fn redrive_all(number: u64) -> String {
    match number {
        1 => tr!("Redrive the one there is").into(),
        number => tr!("Redrive all {0}", number),
    }
}

pub fn redriven(sent: usize, refused: usize) -> String {
    let sent = match sent {
        0 => tr!("Nothing was sent again: the jobs are gone, or were done otherwise.").into(),
        sent => tr_count!(sent, "{0} job starts again.", "{0} jobs start again."),
    };
    if refused == 0 {
        return sent;
    }
    let stay = tr_count!(
        refused,
        "{0} letter stays: its job cannot be done with these choices.",
        "{0} letters stay: their jobs cannot be done with these choices."
    );
    format!("{sent} {stay}")
}

/// Of a redrive that was not taken.
pub fn problem(code: &str) -> Problem {
    let problem = Problem::told(code, "form", 0);
    match code {
        "nothing_chosen" => Problem {
            message: tr!("No letter was chosen.").into(),
            hint: tr!("Tick those to send again, or redrive all.").into(),
            ..problem
        },
        "malformed_form" | "body_too_large" => Problem {
            message: tr!("The form could not be read.").into(),
            hint: tr!("Try again.").into(),
            ..problem
        },
        _ => problem,
    }
}

pub fn task(name: &str) -> (&str, String) {
    let (task, machine) = name.split_once('@').unwrap_or((name, ""));
    let does = match task {
        "cleanup" => tr!("Removes expired jobs and media without a job"),
        "stats" => tr!("Logs how the last hour went"),
        "update-model" => tr!("Holds the models against their checksums"),
        _ => "",
    };
    (task, if machine.is_empty() { does.to_owned() } else { tr!("{0} on {1}", does, machine) })
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
