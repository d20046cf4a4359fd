//! Why a post is refused, and a log of it that a flood cannot fill.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    #[error("it is too large")]
    TooLarge,
    #[error("the path is none of ours")]
    UnknownPath,
    #[error(transparent)]
    Forged(#[from] Forgery),
    #[error(transparent)]
    Ours(#[from] Trouble),
}

/// Nothing that SNS sends for our topic, so it shall not come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Forgery {
    #[error("it is no message of SNS")]
    Malformed,
    #[error("it is of another topic")]
    Topic,
    #[error("header and body are of different types")]
    Type,
    #[error("it is more than an hour away from now")]
    Time,
    #[error("the certificate would lie where SNS has none")]
    CertificateAddress,
    #[error("the certificate is not one of SNS, or not of today")]
    Certificate,
    #[error("the signature is wrong")]
    Signature,
    #[error("the signature is of version 1, which --sns-signature-v2-only refuses")]
    OldSignature,
    #[error("nobody here asked for this subscription")]
    Unasked,
}

/// Our own trouble: it shall come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Trouble {
    #[error("the certificate cannot be fetched now")]
    CertificateUnreachable,
    #[error("the subscriber is behind")]
    Behind,
}

impl Refusal {
    /// SNS repeats what is answered with 5xx, and nothing else.
    pub fn status(self) -> StatusCode {
        match self {
            Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::UnknownPath => StatusCode::NOT_FOUND,
            Refusal::Forged(_) => StatusCode::FORBIDDEN,
            Refusal::Ours(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// One line a minute for each reason, with the number of those in between.
#[derive(Default)]
pub struct RefusalLog {
    told: Mutex<HashMap<Refusal, (Instant, u64)>>,
}

const TOLD_EVERY: Duration = Duration::from_secs(60);

impl RefusalLog {
    pub fn tell(&self, refusal: Refusal) {
        if let Some(untold) = self.count(refusal) {
            let error = &refusal as &dyn std::error::Error;
            tracing::warn!(error, untold, "a post to the SNS endpoint was refused");
        }
    }

    /// The number of refusals that were not told, if this one is.
    fn count(&self, refusal: Refusal) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match told.get_mut(&refusal) {
            Some((last, untold)) if now.duration_since(*last) < TOLD_EVERY => {
                *untold += 1;
                None
            }
            Some((last, untold)) => {
                *last = now;
                Some(std::mem::take(untold))
            }
            None => {
                told.insert(refusal, (now, 0));
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_reason_is_told_once_a_minute_with_the_number_of_the_others() {
        let log = RefusalLog::default();
        let (forged, path) = (Forgery::Malformed.into(), Refusal::UnknownPath);
        assert_eq!((log.count(forged), log.count(path)), (Some(0), Some(0)));
        for _ in 0..10_000 {
            assert_eq!(log.count(forged), None);
        }
        tokio::time::advance(TOLD_EVERY).await;
        assert_eq!((log.count(forged), log.count(path)), (Some(10_000), Some(0)));
    }
}
