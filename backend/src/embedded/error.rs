//! Where the embedded backend's errors are born and sorted into transient and permanent.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::BackendError;

/// Why a data folder or its database cannot be used. Each names the path: the operator has to act there.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data folder cannot be used: {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("the database cannot be opened: {}", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
    #[error("this is not a Cuelight database, and is left as it is: {}", path.display())]
    Foreign { path: PathBuf },
    #[error("the database is damaged, and is left as it is: {} ({finding})", path.display())]
    Damaged { path: PathBuf, finding: String },
    #[error("the database cannot be written: {}", path.display())]
    ReadOnly { path: PathBuf },
    #[error("the database is of schema {found}, newer than this program's {known}: {}", path.display())]
    FutureSchema { path: PathBuf, found: i64, known: i64 },
}

impl From<OpenError> for BackendError {
    fn from(error: OpenError) -> BackendError {
        match &error {
            OpenError::Database { source, .. } if is_transient(source) => {
                BackendError::Transient(error.into())
            }
            _ => BackendError::Permanent(error.into()),
        }
    }
}

impl From<rusqlite::Error> for BackendError {
    fn from(error: rusqlite::Error) -> BackendError {
        if is_transient(&error) {
            BackendError::Transient(error.into())
        } else {
            BackendError::Permanent(error.into())
        }
    }
}

fn is_transient(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        // Another process holds the lock, or the machine is short of something that may come back.
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::CannotOpen,
        ) => true,
        // Damage, misuse, a constraint, a value of the wrong shape: the next try meets the same.
        _ => false,
    }
}

impl From<io::Error> for BackendError {
    fn from(error: io::Error) -> BackendError {
        match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidInput => BackendError::Permanent(error.into()),
            _ => BackendError::Transient(error.into()),
        }
    }
}

/// A record that cannot be read or written as JSON stays so.
impl From<serde_json::Error> for BackendError {
    fn from(error: serde_json::Error) -> BackendError {
        BackendError::Permanent(error.into())
    }
}

impl From<object_store::Error> for BackendError {
    fn from(error: object_store::Error) -> BackendError {
        match &error {
            // On a folder, `Generic` is a failed file operation: a full disk above all.
            object_store::Error::Generic { .. } | object_store::Error::JoinError { .. } => {
                BackendError::Transient(error.into())
            }
            _ => BackendError::Permanent(error.into()),
        }
    }
}

impl From<tokio::task::JoinError> for BackendError {
    fn from(error: tokio::task::JoinError) -> BackendError {
        if error.is_cancelled() {
            // The runtime is stopping; whether the work was done is not known.
            BackendError::Transient(error.into())
        } else {
            BackendError::Permanent(error.into())
        }
    }
}
