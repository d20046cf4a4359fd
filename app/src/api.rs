//! What the pages ask of the server: the trait the server implements, and server functions in front of it.

use domain::{Cue, JobView};
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
}

/// What the start page offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// Names from the model manifest; the first one is the default.
    pub models: Vec<String>,
    pub max_upload_bytes: u64,
}
