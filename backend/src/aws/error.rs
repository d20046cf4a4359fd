//! Where the errors of AWS calls are sorted into transient and permanent.

use std::error::Error as StdError;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};

use crate::BackendError;

impl<E> From<SdkError<E, HttpResponse>> for BackendError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> BackendError {
        if is_transient(&error) {
            BackendError::Transient(error.into())
        } else {
            BackendError::Permanent(error.into())
        }
    }
}

fn is_transient<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        // The request could not even be made: a wrong endpoint, a value of the wrong shape.
        SdkError::ConstructionFailure(_) => false,
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        // The network, or credentials that could not be had now.
        SdkError::DispatchFailure(failure) => !failure.is_user(),
        SdkError::ServiceError(service) => {
            service.raw().status().is_server_error() || code(error).is_some_and(is_passing)
        }
        _ => true,
    }
}

/// The last part of the error's code: some services prefix it.
pub fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    let code = error.as_service_error()?.code()?;
    code.rsplit(['.', '#']).next()
}

/// Whether it will pass on its own: too many calls, others at the same item, something that is being made.
fn is_passing(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "LimitExceededException"
            | "ProvisionedThroughputExceededException"
            | "KmsThrottled"
            | "KMSThrottlingException"
            | "TransactionConflictException"
            | "TransactionInProgressException"
            | "TransactionCanceledException"
            | "OverLimit"
            | "PriorRequestNotComplete"
            | "RequestTimeout"
            | "RequestTimeoutException"
            | "RequestTimeTooSkewed"
            | "RequestExpired"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "QueueDeletedRecently"
    )
}

impl From<BuildError> for BackendError {
    fn from(error: BuildError) -> BackendError {
        BackendError::Permanent(error.into())
    }
}
