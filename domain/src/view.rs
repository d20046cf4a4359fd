//! A job as the HTTP interface and the pages show it.

use serde::{Deserialize, Serialize};

use crate::correction::Revision;
use crate::{
    Attempt, Failure, Job, JobId, JobStatus, Profile, Progress, Source, Stage, Task, Timestamp, Version,
    Video, WallTime,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    pub id: JobId,
    pub status: JobStatus,
    /// 0 to 1.
    pub progress: f32,
    pub stage: Stage,
    pub eta_ms: Option<u64>,
    pub attempt: Attempt,
    pub version: Version,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
    pub title: String,
    pub language: Option<String>,
    /// 0 to 1; `None` where the language was given, or is not heard yet.
    #[serde(default)]
    pub language_confidence: Option<f32>,
    pub model: Option<String>,
    pub task: Task,
    pub profile: Profile,
    /// The job whose speech this one translates.
    #[serde(default)]
    pub translation_of: Option<JobId>,
    /// The job that translates this one.
    #[serde(default)]
    pub translation: Option<JobId>,
    /// The video that it makes; then it has no track of its own.
    #[serde(default)]
    pub video: Option<Video>,
    pub duration_ms: Option<u64>,
    /// How far the media is heard; a page of before knew nothing of it.
    #[serde(default)]
    pub transcribed_ms: Timestamp,
    /// The link the media came from; `None` for an upload.
    pub url: Option<String>,
    /// `GET /api/v1/jobs/{id}/media` answers.
    pub has_media: bool,
    pub pages: u32,
    pub cues: u32,
    /// How often people saved corrections.
    #[serde(default)]
    pub corrections: Revision,
    pub created_at: WallTime,
    pub finished_at: Option<WallTime>,
    pub expires_at: WallTime,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureView {
    pub code: String,
    pub message: String,
    pub hint: String,
}

impl From<&Failure> for FailureView {
    fn from(failure: &Failure) -> FailureView {
        FailureView { code: failure.code().to_owned(), message: failure.message(), hint: failure.hint() }
    }
}

impl From<&Job> for JobView {
    fn from(job: &Job) -> JobView {
        let Progress {
            stage,
            fraction,
            eta_ms,
            duration_ms,
            language: _,
            language_confidence,
            has_media,
            pages,
            cues,
            transcribed,
            corrections,
        } = job.progress.clone();
        JobView {
            id: job.id,
            status: job.status,
            progress: fraction,
            stage,
            eta_ms,
            attempt: job.attempt,
            version: job.version,
            failure: job.failure.as_ref().map(FailureView::from),
            title: job.spec.title.clone(),
            language: job.spoken_language().map(str::to_owned),
            language_confidence,
            model: job.spec.model.clone(),
            task: job.spec.task,
            profile: job.spec.profile,
            translation_of: job.spec.translation_of,
            translation: job.translation,
            video: job.spec.video,
            duration_ms,
            transcribed_ms: transcribed,
            url: match &job.spec.source {
                Source::Link { url } => Some(url.clone()),
                Source::Upload { .. } => None,
            },
            has_media,
            pages,
            cues,
            corrections,
            created_at: job.created_at,
            finished_at: job.finished_at,
            expires_at: job.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{JobSpec, SpecOptions};

    fn job() -> Job {
        let options = SpecOptions { language: Some("en".into()), ..SpecOptions::default() };
        let spec = JobSpec::link("https://example.com/talk.mp4", &options).unwrap();
        let at = |seconds| WallTime::from_second(seconds).unwrap();
        let mut job = Job::queued(JobId::from_bits(42), spec, at(0), at(86_400));
        job.status = JobStatus::Running;
        job.version = 7;
        job.attempt = 2;
        job.progress = Progress {
            stage: Stage::Transcribing,
            fraction: 0.5,
            eta_ms: Some(30_000),
            duration_ms: Some(60_000),
            language: None,
            language_confidence: None,
            has_media: true,
            pages: 2,
            cues: 9,
            transcribed: Timestamp(30_000),
            corrections: 4,
        };
        job
    }

    #[test]
    fn a_job_is_shown_as_the_interface_says() {
        let expect = json!({
            "id": "0000000000000000000000000000002a",
            "status": "running",
            "progress": 0.5,
            "stage": "transcribing",
            "eta_ms": 30_000,
            "attempt": 2,
            "version": 7,
            "title": "talk.mp4",
            "language": "en",
            "language_confidence": null,
            "model": null,
            "task": "transcribe",
            "profile": "netflix",
            "translation_of": null,
            "translation": null,
            "video": null,
            "duration_ms": 60_000,
            "transcribed_ms": 30_000,
            "url": "https://example.com/talk.mp4",
            "has_media": true,
            "pages": 2,
            "cues": 9,
            "corrections": 4,
            "created_at": "1970-01-01T00:00:00Z",
            "finished_at": null,
            "expires_at": "1970-01-02T00:00:00Z",
        });
        let view = JobView::from(&job());
        assert_eq!(serde_json::to_value(&view).unwrap(), expect);
        assert_eq!(serde_json::from_value::<JobView>(expect).unwrap(), view);
    }

    #[test]
    fn a_failed_job_shows_why_and_the_detected_language_wins() {
        let mut job = job();
        job.status = JobStatus::Failed;
        job.failure = Some(Failure::NoAudio);
        job.progress.language = Some("de".into());
        job.progress.language_confidence = Some(0.75);
        job.spec.source = Source::Upload { filename: "talk.mp4".into(), bytes: 7 };
        let json = serde_json::to_value(JobView::from(&job)).unwrap();
        let expect = json!({
            "code": "no_audio",
            "message": Failure::NoAudio.message(),
            "hint": Failure::NoAudio.hint(),
        });
        assert_eq!(
            (&json["failure"], &json["language"], &json["language_confidence"], &json["url"]),
            (&expect, &json!("de"), &json!(0.75), &json!(null))
        );
    }
}
