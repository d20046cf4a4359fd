//! The adapters for AWS, over an emulator; and what only they promise.

pub mod emulator;
mod own;

use std::future::Future;

use backend::{AwsConfig, Backend, BackendConfig, BackendKind};
use tempfile::TempDir;

use crate::{MAX_RECEIVE_COUNT, run};

/// Contracts that SQS cannot keep word for word; what holds instead is in [`own`].
///
/// - `the_stats_tell_messages_by_their_state`: SQS tells no age of a message (CloudWatch does).
/// - `a_body_of_many_bytes_and_signs_survives`: SQS takes no control characters. Bodies are JSON, which has none.
pub const NOT_ON_AWS: &[&str] =
    &["the_stats_tell_messages_by_their_state", "a_body_of_many_bytes_and_signs_survives"];

pub fn on_aws<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Backend) -> F) {
    if NOT_ON_AWS.contains(&name) {
        return;
    }
    run(async {
        let (_folder, config) = provisioned().await;
        test(backend::connect(&config).await.unwrap()).await;
    });
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
