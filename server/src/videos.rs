//! A video with subtitles: a job of its own, on the media and the track of one that is complete.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use backend::{IdempotencyKey, MediaLocation};
use domain::{InvalidSpec, Job, JobId, JobStatus, Profile, SpecOptions, Video, VideoHow};
use serde_json::Value;
use tokio::time::timeout;

use crate::Server;
use crate::error::{ApiError, Result};
use crate::query::{self, Query};
use crate::submit::{self, Submitted};
use crate::{jobs, media, tracks};

/// Longest body, in bytes.
const BODY: usize = 64 * 1024;

/// Media that lies elsewhere is not waited for: the worker finds out the same.
const LOOK: Duration = Duration::from_secs(2);

/// What is wanted of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoWish {
    how: VideoHow,
    /// The job's own, if not given.
    profile: Option<Profile>,
    offset_ms: i64,
}

/// `POST /api/v1/jobs/{id}/video` with `{"how": "burn"|"mux", "profile"?, "offset_ms"?}`: 201 with the job of the video.
pub async fn make(State(server): State<Server>, Path(id): Path<String>, body: Body) -> Result<Response> {
    let id = query::job_id(&id)?;
    let wish = VideoWish::of_json(&query::body(body, BODY).await?)?;
    Ok(jobs::created(&server.make_video(id, wish).await?))
}

impl VideoWish {
    fn of_json(body: &[u8]) -> Result<VideoWish> {
        let mut fields = query::object(body)?;
        let (how, profile) =
            (query::take_text(&mut fields, "how")?, query::take_text(&mut fields, "profile")?);
        let offset_ms = match fields.get("offset_ms") {
            None | Some(Value::Null) => 0,
            Some(offset) => query::near(offset.as_i64().ok_or_else(query::not_whole)?)?,
        };
        VideoWish::new(how.as_deref(), profile.as_deref(), offset_ms)
    }

    /// Of a form, where what is empty was not chosen.
    pub fn of_form(fields: &Query) -> Result<VideoWish> {
        VideoWish::new(fields.text("how"), fields.text("profile"), fields.offset_ms()?)
    }

    fn new(how: Option<&str>, profile: Option<&str>, offset_ms: i64) -> Result<VideoWish> {
        let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(40).collect::<String>();
        let how = how.map(str::trim).unwrap_or_default();
        let how = VideoHow::parse(how).ok_or_else(|| {
            unprocessable(
                "unknown_how",
                format!("There is no such way to put subtitles into a video: {}.", short(how)),
                "Use one of: mux, burn.",
            )
            .about("how")
        })?;
        let profile = match profile.map(str::trim).filter(|profile| !profile.is_empty()) {
            None => None,
            Some(text) => {
                let unknown = || query::invalid(InvalidSpec::UnknownProfile { profile: short(text) });
                Some(Profile::parse(text).ok_or_else(unknown)?)
            }
        };
        Ok(VideoWish { how, profile, offset_ms })
    }
}

impl Server {
    /// The job that makes this video of job `id`, made if there is none.
    pub async fn make_video(&self, id: JobId, wish: VideoWish) -> Result<Submitted> {
        let server = self.clone();
        self.to_the_end(async move {
            let record = server.backend.store.read(id).await?.ok_or_else(ApiError::no_job)?;
            let job = &record.job;
            check_original(job)?;
            let VideoWish { how, profile, offset_ms } = wish;
            let profile = profile.unwrap_or(job.spec.profile);
            let track = tracks::track_of(&record, Some(profile))?.moved(offset_ms);
            if track.cues().is_empty() {
                return Err(no_subtitles());
            }
            if how == VideoHow::Burn {
                server.check_picture(id).await?;
            }
            let spec = job.spec.video(Video { of: id, how, offset_ms }, profile);
            // One for each wish, as long as it is there and nobody changes the track. Keys of callers have no space.
            let (run, saves) = (job.run, job.progress.corrections);
            let profile = profile.as_str();
            let key = format!("video of {id}: {} {profile} {offset_ms} {run} {saves}", how.as_str());
            let key = IdempotencyKey { key, fingerprint: String::new() };
            server.submit(submit::new_id(), spec, Some(key)).await
        })
        .await
    }

    /// Refuses what is sound for certain; the worker looks more closely.
    async fn check_picture(&self, id: JobId) -> Result<()> {
        let located = match timeout(LOOK, self.backend.media.locate(id)).await {
            Ok(located) => located?,
            Err(_) => return Ok(()),
        };
        let Some(MediaLocation::File(path)) = located else { return Ok(()) };
        if media::content_type_of(&path).await.starts_with("audio/") {
            return Err(unprocessable(
                "no_picture",
                "The media has no picture that subtitles could be drawn into.",
                "Have the subtitles added as a track instead.",
            )
            .about("how"));
        }
        Ok(())
    }
}

fn check_original(job: &Job) -> Result<()> {
    if job.spec.video.is_some() {
        return Err(already_video());
    }
    if job.status != JobStatus::Completed {
        return Err(conflict(
            "job_not_completed",
            "A video is made of a job that is complete.",
            "Wait until it is, or retry it.",
        ));
    }
    Ok(())
}

/// What takes a track, on the job of a video.
pub fn already_video() -> ApiError {
    conflict(
        "already_video",
        "The job is a video with subtitles, and has no track of its own.",
        "Take the job that it was made of.",
    )
}

/// A video is made again as it was wished, or in another layout.
pub fn check_retry(options: &SpecOptions) -> Result<()> {
    let SpecOptions { language, task, model, profile: _, title: _ } = options;
    for (name, option) in [("language", language), ("task", task), ("model", model)] {
        if option.as_deref().is_some_and(|option| !option.trim().is_empty()) {
            let message = format!("A video has no such choice: {name}.");
            let hint = "Change the job that it was made of, and make another video.";
            return Err(unprocessable("not_of_videos", message, hint).about(name));
        }
    }
    Ok(())
}

fn no_subtitles() -> ApiError {
    conflict(
        "no_subtitles",
        "There are no subtitles to put into a video.",
        "Correct the transcript first, or choose another offset.",
    )
}

fn unprocessable(code: &'static str, message: impl Into<String>, hint: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, message, hint)
}

fn conflict(code: &'static str, message: &str, hint: &str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, code, message, hint)
}
