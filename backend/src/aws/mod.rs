//! SQS, DynamoDB, SNS and S3: the product on many machines.
//!
//! The SDK's retries are the retries; no call is repeated a second time around them. Every call has a timeout for
//! each try and one for all of them. Nothing here creates what is missing, except what one instance needs for
//! itself (the queue of a topic subscription); [`provision`] is for emulators.

mod cache;
mod change;
mod config;
pub mod doctor;
mod error;
mod item;
mod letters;
mod listing;
mod media;
mod poll;
mod provision;
mod queue;
mod shares;
pub mod sns;
mod store;
mod table;
mod topic;
mod turns;
mod workers;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::Credentials;

use self::sns::{SnsEndpoint, guarded_client};
use crate::{Backend, BackendError, Result};
pub use config::{AwsConfig, MissingSettings, UnusableSettings};
pub use provision::provision;

/// Tries of one call, the first included.
const TRIES: u32 = 3;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Connects the four ports. `data` is the folder for copies of media.
pub async fn open(config: &AwsConfig, data: &Path) -> Result<Backend> {
    let sdk = sdk_config(config).await;
    let settings = config.settings(sdk.region().map(Region::as_ref))?;
    let sqs = aws_sdk_sqs::Client::new(&sdk);
    let sns = aws_sdk_sns::Client::new(&sdk);
    let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
    let endpoint = match settings.public_url.clone() {
        Some(url) => {
            let client = guarded_client().build().map_err(|error| BackendError::Permanent(error.into()))?;
            let policy = config.signature_policy();
            Some((url, Arc::new(SnsEndpoint::new(settings.topic_arn.clone(), policy, client))))
        }
        None => None,
    };
    let media = media::S3Media::open(&sdk, &settings, config.aws_endpoint.as_deref(), data).await?;
    Ok(Backend {
        queue: Arc::new(queue::SqsQueue::new(
            sqs.clone(),
            settings.queue_url,
            settings.dead_letter_queue_url,
        )),
        store: Arc::new(store::DynamoStore::new(table::Table::new(dynamodb, settings.table))),
        topic: Arc::new(topic::SnsTopic::new(sns, sqs, settings.topic_arn, endpoint, settings.ping_every)),
        media: Arc::new(media),
    })
}

async fn sdk_config(config: &AwsConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(TRY_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    // Pinned: a newer SDK changes nothing here until somebody wants it to.
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
        .timeout_config(timeouts);
    if let Some(region) = &config.aws_region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &config.aws_endpoint {
        loader = loader.endpoint_url(endpoint);
        if config::is_local(endpoint) {
            // Without a real key to look for, none is sent to whatever listens there.
            loader =
                loader.credentials_provider(Credentials::new("emulator", "emulator", None, None, "emulator"));
        }
    }
    loader.load().await
}
