//! A job as the HTTP interface and the pages show it.

use serde::{Deserialize, Serialize};

use crate::{
    Attempt, Failure, Job, JobId, JobStatus, Profile, Progress, Source, Stage, Task, Version, WallTime,
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
    pub model: Option<String>,
    pub task: Task,
    pub profile: Profile,
    pub duration_ms: Option<u64>,
    /// The link the media came from; `None` for an upload.
    pub url: Option<String>,
    /// `GET /api/v1/jobs/{id}/media` answers.
    pub has_media: bool,
    pub pages: u32,
    pub cues: u32,
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
            language,
            has_media,
            pages,
            cues,
            transcribed: _,
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
            language: language.or_else(|| job.spec.language.clone()),
            model: job.spec.model.clone(),
            task: job.spec.task,
            profile: job.spec.profile,
            duration_ms,
            url: match &job.spec.source {
                Source::Link { url } => Some(url.clone()),
                Source::Upload { .. } => None,
            },
            has_media,
            pages,
            cues,
            created_at: job.created_at,
            finished_at: job.finished_at,
            expires_at: job.expires_at,
        }
    }
}
