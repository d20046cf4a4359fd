//! Makes on an emulator what an operator makes on AWS with the template: for tests and for trying things out.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use aws_sdk_sqs::types::QueueAttributeName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::table::{BY_END, BY_EXPIRY, BY_STATUS};
use super::{AwsConfig, config, sdk_config};
use crate::{BackendError, Result};

/// Each index with its partition key and its sort key.
pub(super) const INDEXES: [(&str, &str, &str); 3] =
    [(BY_STATUS, "status", "created"), (BY_END, "kind", "finished"), (BY_EXPIRY, "kind", "expires")];

/// The attribute that DynamoDB's own expiry goes by.
pub(super) const TTL: &str = "ttl";

/// Creates queue, dead-letter queue, topic, table and bucket, all named after `name`, and completes `config` with
/// them. Refuses any endpoint but a local one; needs the region too. `name` is lower-case letters, digits, hyphens.
pub async fn provision(config: &AwsConfig, name: &str, max_receive_count: u32) -> Result<AwsConfig> {
    let endpoint = config.aws_endpoint.as_deref().filter(|endpoint| config::is_local(endpoint));
    let endpoint = endpoint.ok_or_else(|| BackendError::Permanent(NoEmulator.into()))?;
    let sdk = sdk_config(config).await;

    let sqs = aws_sdk_sqs::Client::new(&sdk);
    let dead_letter_queue_url = create_queue(&sqs, &format!("{name}-dead"), None).await?;
    let request = sqs
        .get_queue_attributes()
        .queue_url(&dead_letter_queue_url)
        .attribute_names(QueueAttributeName::QueueArn);
    let mut attributes = request.send().await?.attributes.unwrap_or_default();
    let dead_letter_arn = attributes.remove(&QueueAttributeName::QueueArn).unwrap_or_default();
    let policy = serde_json::json!({
        "deadLetterTargetArn": dead_letter_arn,
        "maxReceiveCount": max_receive_count.to_string(),
    });
    let queue_url = create_queue(&sqs, name, Some(policy.to_string())).await?;

    let topic = aws_sdk_sns::Client::new(&sdk).create_topic().name(name).send().await?;
    create_table(&aws_sdk_dynamodb::Client::new(&sdk), name).await?;
    create_bucket(endpoint, sdk.region().map_or("us-east-1", |region| region.as_ref()), name).await?;
    Ok(AwsConfig {
        queue_url: Some(queue_url),
        dead_letter_queue_url: Some(dead_letter_queue_url),
        topic_arn: topic.topic_arn,
        table: Some(name.into()),
        bucket: Some(name.into()),
        ..config.clone()
    })
}

async fn create_queue(sqs: &aws_sdk_sqs::Client, name: &str, policy: Option<String>) -> Result<String> {
    let mut request = sqs.create_queue().queue_name(name);
    if let Some(policy) = policy {
        request = request.attributes(QueueAttributeName::RedrivePolicy, policy);
    }
    Ok(request.send().await?.queue_url.unwrap_or_default())
}

async fn create_table(dynamodb: &aws_sdk_dynamodb::Client, name: &str) -> Result<()> {
    let mut request = dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(keys("pk", "sk")?));
    for attribute in ["pk", "sk", "status", "created", "kind", "finished", "expires"] {
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S)
            .build()?;
        request = request.attribute_definitions(definition);
    }
    for (index, partition, range) in INDEXES {
        let index = GlobalSecondaryIndex::builder()
            .index_name(index)
            .set_key_schema(Some(keys(partition, range)?))
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
            .build()?;
        request = request.global_secondary_indexes(index);
    }
    match request.send().await {
        Ok(_) => (),
        // Provisioned before: everything else is created anew without harm.
        Err(error) if super::error::code(&error) == Some("ResourceInUseException") => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL).build()?;
    dynamodb.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await?;
    Ok(())
}

fn keys(partition: &str, range: &str) -> Result<Vec<KeySchemaElement>> {
    let key = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    Ok(vec![key(partition, KeyType::Hash)?, key(range, KeyType::Range)?])
}

/// One request with a made-up signature, which emulators take (they read the region in it): a whole S3 client for
/// this alone is not worth its weight.
async fn create_bucket(endpoint: &str, region: &str, name: &str) -> Result<()> {
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).await?;
    let body = match region {
        // The one region that must not be named.
        "us-east-1" => String::new(),
        _ => format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        ),
    };
    let request = format!(
        "PUT /{name} HTTP/1.1\r\n\
         Host: {address}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=emulator/20260101/{region}/s3/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    // 409: it is there already, and ours.
    match answer.split(' ').nth(1) {
        Some("200" | "409") => Ok(()),
        _ => Err(BackendError::Transient(NoBucket(answer.lines().next().unwrap_or_default().into()).into())),
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "only an emulator on this machine is provisioned; give its address: --aws-endpoint http://127.0.0.1:PORT"
)]
struct NoEmulator;

#[derive(Debug, thiserror::Error)]
#[error("the emulator did not create the bucket: {0}")]
struct NoBucket(String);
