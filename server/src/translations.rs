//! A translation into English: a job of its own on the same media, and with that a track of its own.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use backend::IdempotencyKey;
use domain::{Job, JobId, JobSpec, SpecOptions, Task};

use crate::Server;
use crate::error::{ApiError, Result};
use crate::query::{self, Wish};
use crate::submit::{self, Submitted};
use crate::{jobs, videos};

/// Longest body, in bytes.
const BODY: usize = 64 * 1024;

/// `POST /api/v1/jobs/{id}/translate`, with options in a JSON body, if any: 201 with the job of the translation.
pub async fn translate(State(server): State<Server>, Path(id): Path<String>, body: Body) -> Result<Response> {
    let id = query::job_id(&id)?;
    let options = Wish::parse(&query::body(body, BODY).await?)?
        .without_url("A translation is of the media of its job.")?;
    let submitted = server.translate(id, options).await?;
    Ok(jobs::created(&submitted))
}

/// The task that asks for both tracks at once: a job as spoken, and its translation.
const BOTH: &str = "both";

/// Whether a translation is wanted beside the track as spoken; the options are those of the latter. Where the model
/// cannot translate, nothing is made.
pub fn take_both(options: SpecOptions) -> Result<(SpecOptions, bool)> {
    if options.task.as_deref().map(str::trim) != Some(BOTH) {
        return Ok((options, false));
    }
    let translating = SpecOptions { task: Some(Task::Translate.as_str().to_owned()), ..options.clone() };
    // Any source will do: it is about the options alone.
    JobSpec::upload("media", 1, &translating).map_err(query::invalid)?;
    Ok((SpecOptions { task: None, ..options }, true))
}

impl Server {
    /// The job that translates job `id`, made if there is none; options that are not given are those of the job.
    pub async fn translate(&self, id: JobId, options: SpecOptions) -> Result<Submitted> {
        let server = self.clone();
        self.to_the_end(async move {
            let job = server.backend.store.get(id).await?.ok_or_else(ApiError::no_job)?;
            let spec = server.translating(&job, options)?;
            // One for each job as long as it is there, whatever its options. Keys of callers have no space in them.
            let key = IdempotencyKey { key: format!("translation of {id}"), fingerprint: String::new() };
            let submitted = server.submit(submit::new_id(), spec, Some(key)).await?;
            let translation = submitted.job.id;
            // Its worker does the same, but the first job may be deleted before.
            server.backend.media.link(id, translation).await?;
            if let Some(job) = server.backend.store.link_translation(id, translation).await? {
                server.announce_job(&job).await;
            }
            Ok(submitted)
        })
        .await
    }

    fn translating(&self, job: &Job, options: SpecOptions) -> Result<JobSpec> {
        if job.spec.video.is_some() {
            return Err(videos::already_video());
        }
        if job.spec.task == Task::Translate {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "already_translation",
                "The job is a translation itself.",
                "Translate the job that it was made of.",
            ));
        }
        if let Some(model) = options.model.as_deref().map(str::trim).filter(|model| !model.is_empty()) {
            self.check_offered(model)?;
        }
        let options = SpecOptions { task: Some(Task::Translate.as_str().to_owned()), ..options };
        let spec = job.spec.clone().with_options(&options).map_err(query::invalid)?;
        Ok(JobSpec { translation_of: Some(job.id), ..spec })
    }
}
