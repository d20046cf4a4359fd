//! Table and bucket.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{
    IndexStatus, KeySchemaElement, ProjectionType, TableDescription, TableStatus, TimeToLiveStatus,
};
use object_store::{ObjectStoreExt, PutPayload};

use super::not_seen;
use crate::aws::config::Settings;
use crate::aws::item::{self, token};
use crate::aws::media;
use crate::aws::provision::{INDEXES, TTL};
use crate::aws::table::Table;
use crate::doctor::{Finding, causes};

const MAKE: &str = "correct the setting, or make it with the template in deploy/aws";

pub async fn table(sdk: &SdkConfig, settings: &Settings) -> Vec<Finding> {
    let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
    let name = settings.table.as_str();
    let described = match dynamodb.describe_table().table_name(name).send().await {
        Ok(answer) => judge_table(name, &answer.table.unwrap_or_else(|| TableDescription::builder().build())),
        Err(error) => {
            let finding = not_seen("table", name, &error, "dynamodb:DescribeTable", MAKE);
            if !super::is_denied(&error) {
                return vec![finding];
            }
            finding
        }
    };
    let table = Table::new(dynamodb.clone(), settings.table.clone());
    let (ttl, items) = tokio::join!(ttl(&dynamodb, name), write(&table));
    vec![described, ttl, items]
}

fn judge_table(name: &str, table: &TableDescription) -> Finding {
    const SUBJECT: &str = "table";
    let anew = "make the table anew with the template in deploy/aws: keys cannot be changed";
    match &table.table_status {
        Some(TableStatus::Active | TableStatus::Updating) => (),
        status => {
            let status = status.as_ref().map_or("unknown", TableStatus::as_str);
            return Finding::fail(SUBJECT, format!("{name} is {status}"), "wait until it is active");
        }
    }
    if !has_keys(table.key_schema(), "pk", "sk") {
        let found = format!("{name}: its keys are {}, not pk and sk", keys(table.key_schema()));
        return Finding::fail(SUBJECT, found, anew);
    }
    for (index, partition, sort) in INDEXES {
        let found = table.global_secondary_indexes().iter().find(|found| found.index_name() == Some(index));
        let Some(found) = found else {
            let advice = format!("add an index {index} on {partition} and {sort}, keys only");
            return Finding::fail(SUBJECT, format!("{name} has no index {index}"), advice);
        };
        if !has_keys(found.key_schema(), partition, sort) {
            let keys = keys(found.key_schema());
            let found = format!("{name}: the keys of {index} are {keys}, not {partition} and {sort}");
            return Finding::fail(SUBJECT, found, "remove the index and add it anew");
        }
        if !matches!(found.index_status(), Some(IndexStatus::Active | IndexStatus::Updating)) {
            let status = found.index_status().map_or("unknown", IndexStatus::as_str);
            return Finding::fail(SUBJECT, format!("{name}: {index} is {status}"), "wait until it is active");
        }
        let projection = found.projection().and_then(|projection| projection.projection_type());
        if projection.is_some_and(|projection| *projection != ProjectionType::KeysOnly) {
            let found = format!("{name}: {index} holds more than keys, and every write is paid twice");
            return Finding::warn(SUBJECT, found, "remove the index and add it anew, keys only");
        }
    }
    Finding::ok(SUBJECT, format!("{name}: active, with {} indexes", INDEXES.len()))
}

fn has_keys(schema: &[KeySchemaElement], partition: &str, sort: &str) -> bool {
    let names: Vec<&str> = schema.iter().map(KeySchemaElement::attribute_name).collect();
    names == [partition, sort]
}

fn keys(schema: &[KeySchemaElement]) -> String {
    schema.iter().map(KeySchemaElement::attribute_name).collect::<Vec<_>>().join(" and ")
}

async fn ttl(dynamodb: &aws_sdk_dynamodb::Client, name: &str) -> Finding {
    const SUBJECT: &str = "expiry";
    let advice = format!(
        "aws dynamodb update-time-to-live --table-name {name} \
         --time-to-live-specification Enabled=true,AttributeName={TTL}"
    );
    let description = match dynamodb.describe_time_to_live().table_name(name).send().await {
        Ok(answer) => answer.time_to_live_description,
        Err(error) => return not_seen(SUBJECT, name, &error, "dynamodb:DescribeTimeToLive", MAKE),
    };
    let status = description.as_ref().and_then(|found| found.time_to_live_status());
    let attribute = description.as_ref().and_then(|found| found.attribute_name()).unwrap_or_default();
    match status {
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) if attribute == TTL => {
            Finding::ok(SUBJECT, format!("{name}: time to live by the attribute {TTL}"))
        }
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling) => {
            let found = format!("{name}: time to live goes by {attribute}, which nothing has, not by {TTL}");
            Finding::fail(SUBJECT, found, format!("turn it off, and then: {advice}"))
        }
        _ => {
            let found = format!("{name}: time to live is off, so what nobody sweeps stays for ever");
            Finding::fail(SUBJECT, found, advice)
        }
    }
}

/// Writes an item, reads it and removes it.
async fn write(table: &Table) -> Finding {
    let key = item::key(format!("DOCTOR#{}", token()), "DOCTOR");
    let written = async {
        table.put(key.clone()).await?;
        let read = table.read(key.clone()).await;
        table.delete_all(vec![key.clone()]).await?;
        read
    };
    match written.await {
        Ok(Some(_)) => Finding::ok("items", "written, read and deleted"),
        Ok(None) => {
            Finding::fail("items", "what was written is not there", "is it the table of another region?")
        }
        Err(error) => {
            let advice = "allow dynamodb:PutItem, GetItem and BatchWriteItem on the table";
            Finding::fail("items", causes(&error), advice)
        }
    }
}

/// Puts an object, gets it and deletes it.
pub async fn bucket(sdk: &SdkConfig, settings: &Settings, endpoint: Option<&str>) -> Finding {
    const SUBJECT: &str = "bucket";
    let name = &settings.bucket;
    let bucket = match media::bucket(sdk, settings, endpoint) {
        Ok(bucket) => bucket,
        Err(error) => return Finding::fail(SUBJECT, format!("{name}: {}", causes(&error)), MAKE),
    };
    // Where the roles of deploy/aws may write.
    let path = object_store::path::Path::from(format!("media/doctor-{}", token()));
    let tried = async {
        bucket.put(&path, PutPayload::from_static(b"doctor")).await?;
        let got = bucket.get(&path).await?.bytes().await;
        bucket.delete(&path).await?;
        got
    };
    match tried.await {
        Ok(_) => Finding::ok(SUBJECT, format!("{name}: an object was put, got and deleted")),
        Err(error) => {
            let advice = "is it the name of a bucket of this region? \
                          allow s3:PutObject, GetObject and DeleteObject on its media/*";
            Finding::fail(SUBJECT, format!("{name}: {}", causes(&error)), advice)
        }
    }
}
