//! Why an attempt ends early.

use std::error::Error as StdError;
use std::time::Duration;

use backend::BackendError;
use domain::Failure;

use crate::engine::EngineError;
use crate::fetch::FetchError;

/// Why an attempt ended before the media did.
#[derive(Debug)]
pub enum Stop {
    /// Another attempt would end the same way.
    Failed(Failure),
    /// Another attempt may fare better; `failure` is told if there is none.
    Passing {
        failure: Failure,
        retry_after: Option<Duration>,
        cause: Box<dyn StdError + Send + Sync>,
    },
    EngineDied(EngineError),
    /// The job is somebody else's by now, or ended.
    Fenced,
    /// The worker stops; the job goes on elsewhere.
    Shutdown,
}

impl From<BackendError> for Stop {
    fn from(error: BackendError) -> Stop {
        Stop::Passing { failure: Failure::GaveUp, retry_after: None, cause: error.into() }
    }
}

impl From<FetchError> for Stop {
    fn from(error: FetchError) -> Stop {
        match error {
            FetchError::Refused(failure) => Stop::Failed(failure),
            FetchError::Unreachable { retry_after, .. } => {
                Stop::Passing { failure: Failure::MediaUnreachable, retry_after, cause: error.into() }
            }
            FetchError::Scratch(_) => {
                Stop::Passing { failure: Failure::GaveUp, retry_after: None, cause: error.into() }
            }
        }
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Stop {
        match error {
            EngineError::Spawn(_) => {
                Stop::Passing { failure: Failure::GaveUp, retry_after: None, cause: error.into() }
            }
            error => Stop::EngineDied(error),
        }
    }
}
