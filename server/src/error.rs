//! What a caller of the HTTP interface reads when something goes wrong.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backend::BackendError;
use serde::Serialize;

pub type Result<T, E = ApiError> = std::result::Result<T, E>;

/// `{"error": {"code", "message", "hint"}}` with a fitting status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub status: StatusCode,
    /// Stable for programs.
    pub code: &'static str,
    pub message: String,
    pub hint: String,
    /// What the error is about: a field of the request, where there is one.
    pub field: Option<&'static str>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: BodyError<'a>,
}

#[derive(Serialize)]
struct BodyError<'a> {
    code: &'a str,
    message: &'a str,
    hint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>, hint: &str) -> ApiError {
        ApiError { status, code, message: message.into(), hint: hint.to_owned(), field: None }
    }

    pub fn about(self, field: &'static str) -> ApiError {
        ApiError { field: Some(field), ..self }
    }

    pub fn bad_request(code: &'static str, message: impl Into<String>, hint: &str) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, code, message, hint)
    }

    /// Unknown, deleted and expired look alike.
    pub fn no_job() -> ApiError {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "job_not_found",
            "There is no such job.",
            "It may have been deleted, or be past its time: submit the media again.",
        )
    }

    pub fn not_found() -> ApiError {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing at this address.",
            "Check the path.",
        )
    }

    pub fn method_not_allowed() -> ApiError {
        ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This address does not take this method.",
            "Check the method.",
        )
    }

    pub fn unavailable() -> ApiError {
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The backend did not answer.",
            "Try again in a few seconds.",
        )
    }

    pub fn disk_full() -> ApiError {
        ApiError::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "disk_full",
            "There is no room left for the media.",
            "Delete jobs that are not needed any more, or ask the operator for space.",
        )
    }

    pub fn too_slow() -> ApiError {
        ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "The body of the request came too slowly.",
            "Try again on a better connection.",
        )
    }

    pub fn internal() -> ApiError {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong here.",
            "Try again; if it fails again, the operator's log says more.",
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let ApiError { status, code, message, hint, field } = &self;
        let body = Body { error: BodyError { code, message, hint, field: *field } };
        let mut response = (*status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if matches!(*status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<BackendError> for ApiError {
    /// The caller hears that it is our trouble; the cause goes to the log, here and only here.
    fn from(error: BackendError) -> ApiError {
        let causes = causes(&error);
        if is_disk_full(&error) {
            tracing::error!(error = %causes, "the disk is full");
            return ApiError::disk_full();
        }
        if error.is_transient() {
            tracing::warn!(error = %causes, "the backend did not answer");
            return ApiError::unavailable();
        }
        tracing::error!(error = %causes, "the backend refused");
        ApiError::internal()
    }
}

/// The error and its sources in one line, for the log.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Whether the error was born as a `T`, however deep that lies.
pub fn stems_from<T: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<T>() {
            return true;
        }
        next = cause.source();
    }
    false
}

fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        let is_full = cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::StorageFull);
        // SQLite has its own word for it, and its type stays behind the port.
        if is_full || cause.to_string().contains("disk is full") {
            return true;
        }
        next = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_trouble_however_deep_it_lies() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let wrapped = BackendError::Transient(Box::new(BackendError::Permanent(Box::new(full))));
        assert_eq!(ApiError::from(wrapped).status, StatusCode::INSUFFICIENT_STORAGE);

        let other = std::io::Error::from(std::io::ErrorKind::TimedOut);
        assert_eq!(
            ApiError::from(BackendError::Transient(Box::new(other))).status,
            StatusCode::SERVICE_UNAVAILABLE
        );
    }
}
