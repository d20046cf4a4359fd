//! One SQLite file and one folder: the product on one machine, without an account.

use std::path::Path;

use crate::{Backend, BackendError, Result};

pub async fn open(data: &Path, max_receive_count: u32) -> Result<Backend> {
    Err(BackendError::Permanent(format!("not built yet: {data:?} {max_receive_count}").into()))
}
