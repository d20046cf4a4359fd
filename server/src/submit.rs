//! From a wish to a job that a worker will find.

use std::time::Duration;

use axum::http::StatusCode;
use backend::{Created, IdempotencyKey};
use domain::{Job, JobId, JobMessage, JobSpec, JobStatus, SpecOptions, WallTime};
use sha2::{Digest as _, Sha256};

use crate::Server;
use crate::error::{ApiError, Result, causes};

pub struct Submitted {
    pub job: Job,
    /// The idempotency key had made this job before.
    pub is_repeat: bool,
}

pub fn new_id() -> JobId {
    JobId::from_bits(rand::random())
}

impl Server {
    /// Stores the job, then queues it, then tells of it: a worker may be faster than we are.
    ///
    /// An error after the job was stored (the queue did not answer) says so; the reconciler queues it later.
    pub async fn submit(&self, id: JobId, spec: JobSpec, key: Option<IdempotencyKey>) -> Result<Submitted> {
        let created_at = WallTime::now();
        let job = Job::queued(id, spec, created_at, self.expiry_after(created_at));
        if let Some(job) = self.create(&job, key.as_ref()).await? {
            // Perhaps the first time got no further than the store. A worker that has the job lets no duplicate in.
            if job.status == JobStatus::Queued && job.attempt == 0 {
                self.enqueue(&job).await?;
            }
            return Ok(Submitted { job, is_repeat: true });
        }
        let queued = self.enqueue(&job).await;
        self.announce_job(&job).await;
        queued?;
        tracing::info!(job.id = %id, "job submitted");
        Ok(Submitted { job, is_repeat: false })
    }

    /// The same, and asks for the translation of the job. One that cannot be had now can be asked for on the job's page.
    pub async fn submit_with(
        &self,
        id: JobId,
        spec: JobSpec,
        key: Option<IdempotencyKey>,
        is_translated: bool,
    ) -> Result<Submitted> {
        let mut submitted = self.submit(id, spec, key).await?;
        if is_translated {
            let id = submitted.job.id;
            match self.translate(id, SpecOptions::default()).await {
                Ok(translation) => submitted.job.translation = Some(translation.job.id),
                Err(error) => {
                    tracing::error!(job.id = %id, error.code, "a job is not translated as it was wished")
                }
            }
        }
        Ok(submitted)
    }

    /// The job that the key made before, if it did. One call: the adapter tries as often as is good, and recognises
    /// its own write whose answer was lost.
    async fn create(&self, job: &Job, key: Option<&IdempotencyKey>) -> Result<Option<Job>> {
        match self.backend.store.create(job, key).await? {
            Created::New => Ok(None),
            Created::Same(same) => Ok(Some(*same)),
            Created::KeyReused => Err(key_reused()),
            // Nobody draws the same 128 bits twice.
            Created::IdTaken => Err(ApiError::internal()),
        }
    }

    /// Sends the job's message. On an error the job stays queued in the store, and the reconciler sends again.
    pub async fn enqueue(&self, job: &Job) -> Result<()> {
        let body = serde_json::to_string(&JobMessage::of(job)).expect("a message is plain data");
        self.backend.queue.send(&body, Duration::ZERO).await.map_err(|error| {
            tracing::error!(job.id = %job.id, error = %causes(&error), "a stored job was not queued");
            ApiError {
                message: "The job is stored, but the queue did not take it.".to_owned(),
                hint: "It starts by itself when the queue answers again.".to_owned(),
                code: "queue_unavailable",
                ..ApiError::unavailable()
            }
        })
    }

    /// The options with the offered default filled in; a model that is not offered is refused.
    pub fn with_offered_model(&self, mut options: SpecOptions) -> Result<SpecOptions> {
        let model = options.model.as_deref().map(str::trim).filter(|model| !model.is_empty());
        let Some(model) = model else {
            options.model = self.config.models.first().cloned();
            return Ok(options);
        };
        self.check_offered(model)?;
        Ok(options)
    }

    /// Refuses a model that is not offered.
    pub fn check_offered(&self, model: &str) -> Result<()> {
        if self.config.models.iter().any(|offered| offered == model) {
            return Ok(());
        }
        let model: String = model.chars().filter(|c| !c.is_control()).take(64).collect();
        Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unknown_model",
            format!("This installation does not offer this model: {model}."),
            &format!("Use one of: {}.", self.config.models.join(", ")),
        )
        .about("model"))
    }
}

/// The key together with a digest of what is asked. `media` is the digest of uploaded bytes.
pub fn keyed(key: String, spec: &JobSpec, media: Option<&[u8]>) -> IdempotencyKey {
    let canonical = serde_json::to_vec(spec).expect("a spec is plain data");
    let mut digest = Sha256::new();
    digest.update(&canonical);
    digest.update(media.unwrap_or_default());
    IdempotencyKey { key, fingerprint: hex(&digest.finalize()) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key_reused() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request.",
        "Use a new key for each new job.",
    )
}
