//! The outside world behind ports: a queue, a store, a topic, and a place for media.
//!
//! The words are those of the systems the ports stand for: SQS, DynamoDB, SNS, S3. The embedded adapter keeps
//! the same promises on one machine with one SQLite file and one folder; the other one speaks to those systems.

pub mod aws;
mod cursor;
pub mod doctor;
mod embedded;
#[cfg(feature = "faults")]
pub mod faults;
mod hook;
mod media;
mod queue;
mod rules;
mod store;
mod topic;

use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::Arc;

use domain::{JobChange, JobEvent, JobId};

pub use aws::AwsConfig;
pub use hook::{Call, CallHook, with_hook};
pub use media::{MediaLocation, MediaStore, MediaWriter};
pub use queue::{DeadLetter, Delivery, JobQueue, LeaseState, QueueStats, ReceiptHandle};
pub use store::{
    AddedShare, Cancelled, Claim, Created, Deleted, Finished, IdempotencyKey, InvalidCursor, JobCounts,
    JobPage, JobRecord, JobStore, Listing, Outcome, Release, Requeued, Retried, SavedCorrections, Turn,
    WorkerRecord, Written,
};
pub use topic::{Heard, JobTopic, MAX_POST_BYTES, Reach, Subscription, TopicEndpoint};

/// The four ports of one backend. Cheap to clone: every part is shared.
#[derive(Clone)]
pub struct Backend {
    pub queue: Arc<dyn JobQueue>,
    pub store: Arc<dyn JobStore>,
    pub topic: Arc<dyn JobTopic>,
    pub media: Arc<dyn MediaStore>,
}

impl Backend {
    /// Removes the job, its cues and its media; expired or not. The event that tells its end, or `None` if it was gone.
    pub async fn remove(&self, id: JobId) -> Result<Option<JobEvent>> {
        // Media first: once the job is gone nothing names them any more.
        self.media.delete(id).await?;
        Ok(match self.store.delete(id).await? {
            Deleted::At(version) => Some(JobEvent { id, version, change: JobChange::Expired }),
            Deleted::Gone => None,
        })
    }
}

/// Which backend, said explicitly: nothing falls back in silence.
#[derive(Debug, Clone, clap::Args)]
pub struct BackendConfig {
    /// Where the jobs are: `embedded`, on this machine, or `aws`.
    #[arg(long, value_enum, default_value_t = BackendKind::Embedded, env = "CUELIGHT_BACKEND")]
    pub backend: BackendKind,
    /// Folder of the embedded backend: the database file and the media. With `aws`: copies of media in use.
    #[arg(long, value_name = "DIR", env = "CUELIGHT_DATA", default_value_os_t = default_data())]
    pub data: PathBuf,
    /// Deliveries of one message before it becomes a dead letter. With `aws` the queue's redrive policy says it.
    #[arg(long, value_name = "N", default_value_t = 10, env = "CUELIGHT_MAX_RECEIVE_COUNT",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub max_receive_count: u32,
    #[command(flatten)]
    pub aws: AwsConfig,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum BackendKind {
    /// One SQLite file and one folder on this machine.
    Embedded,
    /// SQS, DynamoDB, SNS and S3.
    Aws,
}

/// Without a home it is a folder of the current one, and the refusal to write there names it.
fn default_data() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    home.join(".local/share/cuelight")
}

/// Opens the backend. `embedded` creates what is missing (folder, database, schema); a folder or a database that
/// cannot be used is an error that names it, and is left as it is. `aws` creates nothing, and names every setting
/// that is missing in one error. Needs a tokio runtime.
pub async fn connect(config: &BackendConfig) -> Result<Backend> {
    match config.backend {
        BackendKind::Embedded => embedded::open(&config.data, config.max_receive_count).await,
        BackendKind::Aws => aws::open(&config.aws, &config.data).await,
    }
}

pub type Result<T, E = BackendError> = std::result::Result<T, E>;

/// Tells the caller one bit: is it worth trying again later? Everything else is for the log.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error("the backend did not do it this time")]
    Transient(#[source] Box<dyn StdError + Send + Sync>),
    #[error("the backend cannot do it")]
    Permanent(#[source] Box<dyn StdError + Send + Sync>),
}

impl BackendError {
    pub fn is_transient(&self) -> bool {
        matches!(self, BackendError::Transient(_))
    }
}
