//! What the pages ask of the server: the trait the server implements, and server functions in front of it.

mod rows;

use domain::{Cue, JobView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

pub use rows::{Hit, JobQuery, JobRow, JobRows, Place, Searched};

/// What the pages need from the server. The server puts an `Arc<dyn Desk>` into the context of every render and
/// of every server function; the app knows nothing else of it.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Desk: Send + Sync + 'static {
    /// Newest first, a page of them.
    async fn list(&self, query: &JobQuery) -> Result<JobRows, DeskError>;

    /// `None`: unknown, deleted and expired look alike.
    async fn job(&self, id: domain::JobId) -> Result<Option<JobDetail>, DeskError>;

    /// What is gone already is no error.
    async fn delete(&self, ids: &[domain::JobId]) -> Result<(), DeskError>;

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

/// A page of the jobs, newest first.
#[server(prefix = "/api/fn", endpoint = "list_jobs")]
pub async fn list_jobs(
    #[server(default)] q: String,
    #[server(default)] status: String,
    #[server(default)] cursor: String,
) -> Result<JobRows, ServerFnError> {
    desk()?.list(&JobQuery { q, status, cursor }).await.map_err(no_answer)
}

/// `ids` with commas between them.
#[server(prefix = "/api/fn", endpoint = "delete_jobs")]
pub async fn delete_jobs(ids: String) -> Result<(), ServerFnError> {
    let ids: Result<Vec<domain::JobId>, _> = ids.split(',').map(str::parse).collect();
    let ids = ids.map_err(|error| ServerFnError::new(error.to_string()))?;
    desk()?.delete(&ids).await.map_err(no_answer)
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

#[cfg(feature = "ssr")]
fn desk() -> Result<std::sync::Arc<dyn Desk>, ServerFnError> {
    use_context().ok_or_else(|| ServerFnError::new("this server has no desk"))
}

#[cfg(feature = "ssr")]
fn no_answer(DeskError: DeskError) -> ServerFnError {
    ServerFnError::new("the backend did not answer")
}
