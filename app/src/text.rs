//! Wording: what a person reads of stages, times, and sizes.

pub mod start;

use domain::{JobStatus, JobView, Stage, VideoHow, WallTime};

use crate::tr::{self, Text, tr, tr_count};

pub const CANCEL: Text = Text("Cancel");

/// What the tab says of a page; nothing but our name for the start page, whose own is empty.
pub fn tab_title(name: &str) -> String {
    if name.is_empty() { "Cuelight".into() } else { format!("{name} · Cuelight") }
}

/// What the tab says of a job: how far it is, while it runs.
pub fn tab_name(job: &JobView) -> String {
    match job.status {
        JobStatus::Running => format!("{} % · {}", percent(job.progress), job.title),
        _ => job.title.clone(),
    }
}

/// The stage in one or two words, with the share done where it says something.
pub fn stage(job: &JobView) -> String {
    match (job.status, job.stage) {
        (JobStatus::Completed, _) => tr!("Completed").into(),
        (JobStatus::Failed, _) => tr!("Failed").into(),
        (JobStatus::Cancelled, _) => tr!("Cancelled").into(),
        (JobStatus::Queued, _) | (JobStatus::Running, Stage::Waiting) => tr!("Waiting").into(),
        (JobStatus::Running, Stage::Fetching) => tr!("Fetching").into(),
        (JobStatus::Running, Stage::Preparing) => tr!("Preparing").into(),
        (JobStatus::Running, Stage::Transcribing | Stage::Done) => {
            tr!("Transcribing {0} %", percent(job.progress))
        }
        (JobStatus::Running, Stage::Rendering) => tr!("Making the video {0} %", percent(job.progress)),
    }
}

/// The stage without numbers: what is worth saying aloud when it changes.
pub fn headline(job: &JobView) -> &'static str {
    match (job.status, job.stage) {
        (JobStatus::Completed, _) if job.cues == 0 && job.video.is_none() => {
            tr!("Completed: no speech was found")
        }
        (JobStatus::Completed, _) => tr!("Completed"),
        (JobStatus::Failed, _) => tr!("Failed"),
        (JobStatus::Cancelled, _) => tr!("Cancelled"),
        (JobStatus::Queued, _) | (JobStatus::Running, Stage::Waiting) => tr!("Waiting for a worker"),
        (JobStatus::Running, Stage::Fetching) => tr!("Fetching the media"),
        (JobStatus::Running, Stage::Preparing) => tr!("Preparing"),
        (JobStatus::Running, Stage::Transcribing | Stage::Done) => tr!("Transcribing"),
        (JobStatus::Running, Stage::Rendering) => tr!("Making the video"),
    }
}

/// What a video has of its subtitles.
pub fn video(how: VideoHow) -> &'static str {
    match how {
        VideoHow::Burn => tr!("Subtitles drawn into the picture"),
        VideoHow::Mux => tr!("Subtitles as a track"),
    }
}

/// Whole percents; 100 is for what is complete.
pub fn percent(fraction: f32) -> u32 {
    ((fraction.clamp(0.0, 1.0) * 100.0) as u32).min(99)
}

/// The measured remaining time, as rough as it is.
pub fn remaining(eta_ms: u64) -> String {
    tr!("{0} left", about(eta_ms))
}

/// A span of time in round words.
pub fn about(ms: u64) -> String {
    let seconds = ms.div_ceil(1000);
    match seconds {
        0..=9 => tr!("a few seconds").into(),
        10..=54 => tr!("about {0} seconds", seconds.div_ceil(5) * 5),
        55..=89 => tr!("about a minute").into(),
        90..=3599 => tr!("about {0} minutes", (seconds + 30) / 60),
        _ => {
            let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
            tr!("about {0} h {1} min", hours, minutes)
        }
    }
}

/// Media time as `1:05` or `2:03:04`.
pub fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A moment as `2026-11-23 05:08 UTC`: the same on the server and in the browser, whatever their clocks say.
pub fn moment(time: WallTime) -> String {
    let text = time.to_string();
    let minute = text.get(..16).unwrap_or(&text).replace('T', " ");
    format!("{minute} UTC")
}

/// How long ago, as seen by a browser's clock (milliseconds since 1970), which may be a little off.
pub fn ago(time: WallTime, now_ms: i64) -> String {
    let seconds = (now_ms - time.as_millisecond()).max(0) / 1000;
    match seconds {
        0..=44 => tr!("just now").into(),
        45..=3569 => tr_count!((seconds + 30) / 60, "{0} minute ago", "{0} minutes ago"),
        3570..=86_399 => tr_count!((seconds + 1800) / 3600, "{0} hour ago", "{0} hours ago"),
        _ => tr_count!(seconds / 86_400, "{0} day ago", "{0} days ago"),
    }
}

/// Sizes in decimal units, as file managers and sites name them.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return tr!("{0} bytes", count);
    }
    let mut size = count as f64 / 1000.0;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    tr::decimal(if size < 9.95 {
        format!("{size:.1} {}", UNITS[unit])
    } else {
        format!("{size:.0} {}", UNITS[unit])
    })
}

/// The name of the language of a tag, or the tag.
pub fn language(tag: &str) -> String {
    domain::language::find(tag).map_or_else(|| tag.to_owned(), |language| Text(language.name).into())
}

/// The language that is spoken; with how sure that is, if it was detected.
pub fn spoken(tag: &str, confidence: Option<f32>) -> String {
    match confidence {
        Some(confidence) => tr!("{0}, {1} % sure", language(tag), percent(confidence)),
        None => language(tag),
    }
}

/// Text as WebVTT and HTML want it between their tags: these three signs must not start any.
pub fn escape_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_time_is_told_in_round_words() {
        for (ms, words) in [
            (0, "a few seconds left"),
            (9_000, "a few seconds left"),
            (11_000, "about 15 seconds left"),
            (54_001, "about a minute left"),
            (95_000, "about 2 minutes left"),
            (3_599_000, "about 60 minutes left"),
            (7_500_000, "about 2 h 5 min left"),
        ] {
            assert_eq!(remaining(ms), words, "{ms} ms");
        }
    }

    #[test]
    fn a_detected_language_is_told_with_its_confidence() {
        for (tag, confidence, words) in [
            ("fr", Some(0.934), "French, 93 % sure"),
            ("fr", Some(1.0), "French, 99 % sure"),
            ("fr", None, "French"),
            ("x-unknown", Some(0.5), "x-unknown, 50 % sure"),
        ] {
            assert_eq!(spoken(tag, confidence), words);
        }
    }

    #[test]
    fn hours_show_only_where_there_are_hours() {
        for (ms, words) in [(0, "0:00"), (65_999, "1:05"), (3_600_000, "1:00:00"), (7_384_000, "2:03:04")] {
            assert_eq!(clock(ms), words);
        }
    }

    #[test]
    fn an_unfinished_job_never_shows_a_hundred_percent() {
        assert_eq!([0.0, 0.424, 0.999, 1.0, 7.0, f32::NAN].map(percent), [0, 42, 99, 99, 99, 0]);
    }

    #[test]
    fn moments_read_alike_everywhere() {
        let time: WallTime = "2026-11-23T05:08:59.25Z".parse().expect("a time");
        assert_eq!(moment(time), "2026-11-23 05:08 UTC");
    }

    #[test]
    fn a_clock_that_lags_shows_nothing_odd() {
        let time = WallTime::UNIX_EPOCH;
        let told = [-5_000, 10_000, 60_000, 7_200_000, 172_800_000].map(|now| ago(time, now));
        assert_eq!(told, ["just now", "just now", "1 minute ago", "2 hours ago", "2 days ago"]);
    }

    #[test]
    fn sizes_keep_two_digits() {
        let told = [999, 1_000, 12_345, 999_600, 2_000_000_000].map(bytes);
        assert_eq!(told, ["999 bytes", "1.0 kB", "12 kB", "1.0 MB", "2.0 GB"]);
    }

    #[test]
    fn no_text_opens_a_tag() {
        assert_eq!(escape_markup("a < b && <i>c</i>"), "a &lt; b &amp;&amp; &lt;i&gt;c&lt;/i&gt;");
    }
}
