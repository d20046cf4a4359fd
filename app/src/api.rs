//! What the pages ask of the server when they are made; `browser::reading` asks the same anew.

mod rows;

use domain::{Corrections, Cue, JobView};
use serde::{Deserialize, Serialize};

pub use rows::{Hit, JobQuery, JobRow, JobRows, Place, Searched};

/// What the pages need from the server. The server puts an `Arc<dyn Desk>` into the context of every render; the app
/// knows nothing else of it.
#[cfg(feature = "ssr")]
#[async_trait::async_trait]
pub trait Desk: Send + Sync + 'static {
    /// Newest first, a page of them.
    async fn list(&self, query: &JobQuery) -> Result<JobRows, DeskError>;

    /// `None`: unknown, deleted and expired look alike.
    async fn job(&self, id: domain::JobId) -> Result<Option<JobDetail>, DeskError>;

    fn choices(&self) -> Choices;
}

/// There was no answer; where it is the backend that gave none, the cause is in the server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What the running render asks.
#[cfg(feature = "ssr")]
pub(crate) fn desk() -> Result<std::sync::Arc<dyn Desk>, DeskError> {
    leptos::prelude::use_context().ok_or(DeskError)
}
