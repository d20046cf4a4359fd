//! What the pages ask of the server: the trait the server implements, and server functions in front of it.

use domain::{Corrections, Cue, JobView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the pages need from the server. The server puts an `Arc<dyn Desk>` into the context of every render and
/// of every server function; the app knows nothing else of it.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Desk: Send + Sync + 'static {
    /// Newest first.
    async fn recent(&self, limit: usize) -> Result<Vec<JobView>, DeskError>;

    /// `None`: unknown, deleted and expired look alike.
    async fn job(&self, id: domain::JobId) -> Result<Option<JobDetail>, DeskError>;

    fn choices(&self) -> Choices;
}

/// The backend did not answer; the cause is in the server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskError;

/// A job with its committed cues: one list for each page, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobDetail {
    pub job: JobView,
    pub pages: Vec<Vec<Cue>>,
    /// What people changed of them, as it was at the job's version.
    pub corrections: Corrections,
    /// The job that translates this one, or whose speech this one translates, if it is there.
    pub companion: Option<JobView>,
}

/// What the start page offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// Names from the model manifest; the first one is the default.
    pub models: Vec<String>,
    pub max_upload_bytes: u64,
}

/// The newest jobs, newest first.
#[server(prefix = "/api/fn", endpoint = "list_jobs")]
pub async fn list_jobs() -> Result<Vec<JobView>, ServerFnError> {
    desk()?.recent(RECENT).await.map_err(no_answer)
}

/// `None`: unknown, deleted and expired look alike.
#[server(prefix = "/api/fn", endpoint = "get_job")]
pub async fn get_job(id: domain::JobId) -> Result<Option<JobDetail>, ServerFnError> {
    desk()?.job(id).await.map_err(no_answer)
}

/// What the forms offer.
#[server(prefix = "/api/fn", endpoint = "get_choices")]
pub async fn get_choices() -> Result<Choices, ServerFnError> {
    Ok(desk()?.choices())
}

/// Rows of the list on the start page.
#[cfg(feature = "ssr")]
const RECENT: usize = 20;

#[cfg(feature = "ssr")]
fn desk() -> Result<std::sync::Arc<dyn Desk>, ServerFnError> {
    use_context().ok_or_else(|| ServerFnError::new("this server has no desk"))
}

#[cfg(feature = "ssr")]
fn no_answer(DeskError: DeskError) -> ServerFnError {
    ServerFnError::new("the backend did not answer")
}
