//! The adapters for AWS, over an emulator; and what only they promise.

mod calls;
mod doctor;
pub mod emulator;
mod own;
pub mod posted;
mod proxy;

use std::future::Future;

use backend::{AwsConfig, Backend, BackendConfig, BackendKind};
use tempfile::TempDir;

use crate::{MAX_RECEIVE_COUNT, run};

pub fn on_aws<F: Future<Output = ()>>(test: impl FnOnce(Backend) -> F) {
    run(async {
        let (_folder, config) = provisioned().await;
        test(backend::connect(&config).await.unwrap()).await;
    });
}

/// Fewer cases than the file on this machine takes: a step is several calls.
#[test]
fn every_history_of_a_job_is_one_the_model_allows() {
    let runtime = crate::runtime();
    let (_folder, config) = runtime.block_on(provisioned());
    let backend = runtime.block_on(backend::connect(&config)).unwrap();
    crate::store_model::check_histories(&runtime, &backend, 20);
}

/// A queue, a topic, a table and a bucket of this test's own.
async fn provisioned() -> (TempDir, BackendConfig) {
    let folder = TempDir::new().unwrap();
    let name = format!("test-{:016x}", rand::random::<u64>());
    let bare = AwsConfig {
        aws_endpoint: Some(emulator::endpoint().into()),
        aws_region: Some("eu-central-1".into()),
        ..AwsConfig::default()
    };
    let config = BackendConfig {
        backend: BackendKind::Aws,
        data: folder.path().to_path_buf(),
        max_receive_count: MAX_RECEIVE_COUNT,
        aws: backend::aws::provision(&bare, &name, MAX_RECEIVE_COUNT).await.unwrap(),
    };
    (folder, config)
}
