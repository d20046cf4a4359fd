//! A job: one media file on its way to one track of subtitles.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::correction::Revision;
use crate::{Failure, JobSpec, Task, Timestamp, WallTime};

/// Orders what is told of one job. Every stored change raises it to the next multiple of [`Job::VERSION_STEP`]; what
/// lies between two multiples are hints: events of a worker about progress that is not stored.
pub type Version = u64;

/// Numbers the workers that took a job, from 1. The fence: a write that carries an old attempt is refused.
pub type Attempt = u32;

/// What the store knows of a job. The store is the truth; queue, topic and caches only point at it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub version: Version,
    pub status: JobStatus,
    pub spec: JobSpec,
    /// 0 until a worker claimed the job.
    pub attempt: Attempt,
    /// How often a person had it done again: tells messages of an earlier run from those of this one.
    #[serde(default)]
    pub run: u32,
    /// Attempts of this run that ended for a passing reason.
    #[serde(default)]
    pub failures: u32,
    /// Attempts of this run that took their engine or their worker with them. A worker that stops politely counts
    /// nowhere.
    #[serde(default)]
    pub crashes: u32,
    /// Names the queue's message that the present attempt answers: a later delivery of it means that its worker died,
    /// any other message is a duplicate.
    #[serde(default)]
    pub held_by: Option<String>,
    /// Which delivery of that message it is, by the queue's count; 0 while nobody holds the job.
    #[serde(default)]
    pub held_receive: u32,
    pub progress: Progress,
    /// The job that makes the English track of the same media, if somebody asked for one. It may be gone by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translation: Option<JobId>,
    /// Why it failed; set exactly when the status is [`JobStatus::Failed`].
    pub failure: Option<Failure>,
    pub created_at: WallTime,
    /// When this run was claimed first, by the clock of its worker; `None` before.
    #[serde(default)]
    pub started_at: Option<WallTime>,
    /// Set exactly when the status is terminal.
    pub finished_at: Option<WallTime>,
    /// After this moment the job does not exist any more, however late it is swept.
    pub expires_at: WallTime,
}

impl Job {
    /// How far apart the versions of two stored changes are: room for the hints between them. An attempt that was
    /// fenced may go on hinting for a moment; its hints stay below the version of the claim that fenced it.
    pub const VERSION_STEP: Version = 1000;

    /// The version of the next stored change.
    pub fn next_version(version: Version) -> Version {
        (version - version % Job::VERSION_STEP).saturating_add(Job::VERSION_STEP)
    }

    /// The version of the last stored change at `version`, which may be that of a hint.
    pub fn stored_version(version: Version) -> Version {
        // Below the first step there are only jobs of before there were hints.
        if version < Job::VERSION_STEP { version } else { version - version % Job::VERSION_STEP }
    }

    /// A job nobody has worked on yet, at the first version.
    pub fn queued(id: JobId, spec: JobSpec, created_at: WallTime, expires_at: WallTime) -> Job {
        let has_media = spec.has_media_before();
        Job {
            id,
            version: Job::VERSION_STEP,
            status: JobStatus::Queued,
            spec,
            attempt: 0,
            run: 0,
            failures: 0,
            crashes: 0,
            held_by: None,
            held_receive: 0,
            progress: Progress { has_media, ..Progress::default() },
            translation: None,
            failure: None,
            created_at,
            started_at: None,
            finished_at: None,
            expires_at,
        }
    }

    /// BCP 47 tag of what is spoken: heard by now, or else given.
    pub fn spoken_language(&self) -> Option<&str> {
        self.progress.language.as_deref().or(self.spec.language.as_deref())
    }

    /// BCP 47 tag of what the job writes.
    pub fn track_language(&self) -> Option<&str> {
        match self.spec.task {
            Task::Translate => Some("en"),
            Task::Transcribe => self.spoken_language(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl JobStatus {
    pub const ALL: [JobStatus; 5] = [
        JobStatus::Queued,
        JobStatus::Running,
        JobStatus::Completed,
        JobStatus::Failed,
        JobStatus::Cancelled,
    ];

    pub fn parse(text: &str) -> Option<JobStatus> {
        JobStatus::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// A terminal job changes only by a person's wish: retry, edit, delete.
    pub fn is_terminal(self) -> bool {
        !matches!(self, JobStatus::Queued | JobStatus::Running)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            JobStatus::Queued => "queued",
            JobStatus::Running => "running",
            JobStatus::Completed => "completed",
            JobStatus::Failed => "failed",
            JobStatus::Cancelled => "cancelled",
        }
    }
}

/// How far a job is: what a worker reports while it works, and what remains when it ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub stage: Stage,
    /// Done share of the whole, 0 to 1; never falls within an attempt.
    pub fraction: f32,
    /// Remaining time as measured so far, in milliseconds.
    pub eta_ms: Option<u64>,
    /// Length of the media, once known.
    pub duration_ms: Option<u64>,
    /// BCP 47 tag of the speech, given or detected.
    pub language: Option<String>,
    /// How probable the detected language is, 0 to 1; `None` where nobody had to detect it.
    #[serde(default)]
    pub language_confidence: Option<f32>,
    /// The media is in the media store, so that a player can play it.
    pub has_media: bool,
    /// Cue pages committed. A viewer that holds more pages than this drops the surplus (the job was retried).
    pub pages: u32,
    /// Cues in these pages. Named apart in JSON: an event holds its progress and its `cues` side by side.
    #[serde(rename = "cue_count")]
    pub cues: u32,
    /// End of the last committed window: where the next attempt resumes.
    pub transcribed: Timestamp,
    /// How often people saved corrections. Only saving moves it, and it only rises, so whoever is told less than it knows
    /// keeps what it knows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub corrections: Revision,
}

fn is_zero(revision: &Revision) -> bool {
    *revision == 0
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    #[default]
    Waiting,
    Fetching,
    /// Opening the media, loading the model, hearing the first window.
    Preparing,
    Transcribing,
    /// Making a video.
    Rendering,
    Done,
}

/// 128 random bits, written as 32 lower-case hex digits. Whoever knows one may look; so it must not be guessable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u128);

impl JobId {
    /// The caller brings the random bits: this crate has no source of randomness.
    pub fn from_bits(bits: u128) -> JobId {
        JobId(bits)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job id is 32 lower-case hexadecimal digits")]
pub struct InvalidJobId;

impl FromStr for JobId {
    type Err = InvalidJobId;

    fn from_str(text: &str) -> Result<JobId, InvalidJobId> {
        // from_str_radix alone would take signs and capitals: two spellings of one id.
        let is_canonical = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_canonical {
            return Err(InvalidJobId);
        }
        u128::from_str_radix(text, 16).map(JobId).map_err(|_| InvalidJobId)
    }
}

impl Serialize for JobId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<JobId, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_job_id_has_one_spelling() {
        let check = |text: &str, expect: Result<u128, InvalidJobId>| {
            assert_eq!(text.parse::<JobId>(), expect.map(JobId::from_bits), "{text:?}");
        };
        check("00000000000000000000000000000000", Ok(0));
        check("0000000000000000000000000000002a", Ok(42));
        check("ffffffffffffffffffffffffffffffff", Ok(u128::MAX));
        check("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", Err(InvalidJobId));
        check("+0000000000000000000000000000002a", Err(InvalidJobId));
        check("0x00000000000000000000000000002a", Err(InvalidJobId));
        check("000000000000000000000000000002a", Err(InvalidJobId));
        check("00000000000000000000000000000002a", Err(InvalidJobId));
        check(" 000000000000000000000000000002a", Err(InvalidJobId));
        check("0000000000000000000000000000/../", Err(InvalidJobId));
        check("é0000000000000000000000000000002", Err(InvalidJobId));
        check("", Err(InvalidJobId));
    }

    #[test]
    fn only_an_ended_job_is_terminal_and_a_status_is_written_as_it_is_named() {
        let check = |status: JobStatus, is_terminal: bool| {
            assert_eq!(status.is_terminal(), is_terminal, "{status:?}");
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        };
        check(JobStatus::Queued, false);
        check(JobStatus::Running, false);
        check(JobStatus::Completed, true);
        check(JobStatus::Failed, true);
        check(JobStatus::Cancelled, true);
    }

    #[test]
    fn a_job_of_before_there_were_confidences_and_translations_is_read() {
        let spec = JobSpec::link("https://example.com/a.mp4", &Default::default()).unwrap();
        let job = Job::queued(JobId::from_bits(1), spec, WallTime::UNIX_EPOCH, WallTime::UNIX_EPOCH);
        let mut stored = serde_json::to_value(&job).unwrap();
        assert!(stored["progress"].as_object_mut().unwrap().remove("language_confidence").is_some());
        assert_eq!((stored.get("translation"), stored["spec"].get("translation_of")), (None, None));
        assert_eq!(serde_json::from_value::<Job>(stored).unwrap(), job);
    }

    #[test]
    fn a_translation_is_english_whatever_is_spoken() {
        let check = |task: &str, given: &str, heard: Option<&str>, expect: Option<&str>| {
            let options = crate::SpecOptions {
                task: Some(task.into()),
                language: Some(given.into()),
                ..Default::default()
            };
            let spec = JobSpec::link("https://example.com/a.mp4", &options).unwrap();
            let mut job = Job::queued(JobId::from_bits(1), spec, WallTime::UNIX_EPOCH, WallTime::UNIX_EPOCH);
            job.progress.language = heard.map(str::to_owned);
            assert_eq!(job.track_language(), expect, "{task}, {given}, {heard:?}");
        };
        check("transcribe", "", None, None);
        check("transcribe", "fr", None, Some("fr"));
        check("transcribe", "", Some("de"), Some("de"));
        check("translate", "", Some("de"), Some("en"));
        check("translate", "fr", None, Some("en"));
    }

    #[test]
    fn hints_lie_between_the_versions_of_stored_changes() {
        let check = |version: Version, stored: Version, next: Version| {
            assert_eq!(
                (Job::stored_version(version), Job::next_version(version)),
                (stored, next),
                "{version}"
            );
        };
        check(0, 0, 1000);
        check(7, 7, 1000);
        check(1000, 1000, 2000);
        check(1999, 1000, 2000);
        assert!(Job::next_version(Version::MAX) == Version::MAX);
    }

    proptest! {
        #[test]
        fn a_job_id_survives_writing(bits in any::<u128>()) {
            let id = JobId::from_bits(bits);
            prop_assert_eq!(id.to_string().parse::<JobId>(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<JobId>(&json).unwrap(), id);
        }

        #[test]
        fn any_text_is_an_id_or_refused(text in any::<String>()) {
            let id = text.parse::<JobId>();
            prop_assert!(id.is_err() || id.unwrap().to_string() == text);
        }
    }
}
