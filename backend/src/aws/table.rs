//! The calls to the one table, without any decision.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    DeleteRequest, KeysAndAttributes, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, Select,
    TransactWriteItem, WriteRequest,
};
use domain::{CuePage, JobId};

use super::item::{self, Item, Stored, job_key, text};
use crate::{BackendError, Result};

/// Index of jobs by status, in order of creation.
pub const BY_STATUS: &str = "by_status";
/// Index of ended jobs in order of their end.
pub const BY_END: &str = "by_end";
/// Index of jobs in order of their end of life.
pub const BY_EXPIRY: &str = "by_expiry";

/// What DynamoDB takes at once.
const KEYS_PER_READ: usize = 100;
const KEYS_PER_WRITE: usize = 25;
const ROUNDS: u32 = 8;

#[derive(Clone)]
pub struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

/// How a conditional write ended.
#[derive(Debug)]
pub enum PutResult {
    Done,
    /// The condition did not hold; what is there instead of what was expected, each where its put was.
    Refused(Vec<Option<Item>>),
    /// Another transaction is at the same items.
    Busy,
}

/// What must hold for a put to happen.
pub enum Condition<'a> {
    IsNew,
    /// This write was the last one.
    Follows(&'a str),
    /// The idempotency key still names this job.
    Names(&'a str),
}

impl Condition<'_> {
    fn expression(&self) -> &'static str {
        match self {
            Condition::IsNew => "attribute_not_exists(pk)",
            Condition::Follows(_) => "#write = :expected",
            Condition::Names(_) => "job = :expected",
        }
    }

    fn expected(&self) -> Option<&str> {
        match self {
            Condition::IsNew => None,
            Condition::Follows(expected) | Condition::Names(expected) => Some(expected),
        }
    }
}

impl Table {
    pub fn new(client: Client, name: String) -> Table {
        Table { client, name }
    }

    pub async fn read(&self, key: Item) -> Result<Option<Item>> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        Ok(request.send().await?.item)
    }

    pub async fn job(&self, id: JobId) -> Result<Option<Stored>> {
        self.read(item::key(job_key(id), "JOB")).await?.map(|item| Stored::from_item(&item)).transpose()
    }

    /// The jobs with these ids that are there, in any order.
    pub async fn jobs(&self, ids: &[JobId]) -> Result<Vec<Stored>> {
        let mut jobs = Vec::new();
        for ids in ids.chunks(KEYS_PER_READ) {
            let keys = ids.iter().map(|id| item::key(job_key(*id), "JOB")).collect();
            let mut left = Some(keys_of(keys)?);
            for _ in 0..ROUNDS {
                let Some(keys) = left.take() else { break };
                let answer = self.client.batch_get_item().request_items(&self.name, keys).send().await?;
                for item in answer.responses.unwrap_or_default().values().flatten() {
                    jobs.push(Stored::from_item(item)?);
                }
                left = answer.unprocessed_keys.unwrap_or_default().remove(&self.name);
            }
            if left.is_some() {
                return Err(BackendError::Transient(TooBusy.into()));
            }
        }
        Ok(jobs)
    }

    /// All items of a job whose sort key is between the two, in their order.
    pub async fn items(&self, id: JobId, from: &str, to: &str) -> Result<Vec<Item>> {
        self.items_with(id, from, to, None).await
    }

    /// Keys of the pages and tracks that are stored for a job, whether anything names them or not.
    pub async fn part_keys(&self, id: JobId) -> Result<Vec<Item>> {
        self.items_with(id, "PAGE#", "TRACK#~", Some("pk, sk")).await
    }

    async fn items_with(
        &self,
        id: JobId,
        from: &str,
        to: &str,
        attributes: Option<&str>,
    ) -> Result<Vec<Item>> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .set_projection_expression(attributes.map(str::to_owned))
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(job_key(id)))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to));
        Ok(query.into_paginator().items().send().try_collect().await?)
    }

    /// Puts one item without a condition.
    pub async fn put(&self, item: Item) -> Result<()> {
        self.client.put_item().table_name(&self.name).set_item(Some(item)).send().await?;
        Ok(())
    }

    /// Puts the job, and the page with it, or nothing.
    pub async fn put_job(
        &self,
        stored: &Stored,
        condition: Condition<'_>,
        page: Option<&CuePage>,
    ) -> Result<PutResult> {
        let job = stored.to_item()?;
        if let Some(page) = page {
            let page = item::page_item(stored, page)?;
            return self.put_all(vec![(job, Some(condition)), (page, None)]).await;
        }
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(job))
            .condition_expression(condition.expression())
            .set_expression_attribute_names(names(&condition))
            .set_expression_attribute_values(values(&condition))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(PutResult::Done),
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                let PutItemError::ConditionalCheckFailedException(refused) = error.into_err() else {
                    unreachable!("it was asked a line above")
                };
                Ok(PutResult::Refused(vec![refused.item]))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Puts all of the items, or none.
    pub async fn put_all(&self, puts: Vec<(Item, Option<Condition<'_>>)>) -> Result<PutResult> {
        let mut request = self.client.transact_write_items();
        for (item, condition) in puts {
            let mut put = Put::builder().table_name(&self.name).set_item(Some(item));
            if let Some(condition) = condition {
                put = put
                    .condition_expression(condition.expression())
                    .set_expression_attribute_names(names(&condition))
                    .set_expression_attribute_values(values(&condition))
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            }
            request = request.transact_items(TransactWriteItem::builder().put(put.build()?).build());
        }
        let error = match request.send().await {
            Ok(_) => return Ok(PutResult::Done),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons();
                let has = |code| reasons.iter().any(|reason| reason.code() == Some(code));
                if has("ConditionalCheckFailed") {
                    return Ok(PutResult::Refused(
                        reasons.iter().map(|reason| reason.item.clone()).collect(),
                    ));
                }
                if has("TransactionConflict") {
                    return Ok(PutResult::Busy);
                }
                // Items too large or the like stay so.
                if has("ValidationError") || has("ItemCollectionSizeLimitExceeded") {
                    return Err(BackendError::Permanent(error.into()));
                }
                Err(error.into())
            }
            _ => Err(error.into()),
        }
    }

    /// Deletes the job's item; what it was.
    pub async fn delete_job(&self, id: JobId) -> Result<Option<Stored>> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(item::key(job_key(id), "JOB")))
            .return_values(ReturnValue::AllOld);
        let old = request.send().await?.attributes.filter(|old| !old.is_empty());
        old.map(|old| Stored::from_item(&old)).transpose()
    }

    /// Deletes the items with these keys.
    pub async fn delete_all(&self, keys: Vec<Item>) -> Result<()> {
        let mut requests = Vec::new();
        for key in keys {
            let delete = DeleteRequest::builder().set_key(Some(key)).build()?;
            requests.push(WriteRequest::builder().delete_request(delete).build());
        }
        for requests in requests.chunks(KEYS_PER_WRITE) {
            let mut left = requests.to_vec();
            for _ in 0..ROUNDS {
                if left.is_empty() {
                    break;
                }
                let answer = self.client.batch_write_item().request_items(&self.name, left).send().await?;
                left = answer.unprocessed_items.unwrap_or_default().remove(&self.name).unwrap_or_default();
            }
            if !left.is_empty() {
                return Err(BackendError::Transient(TooBusy.into()));
            }
        }
        Ok(())
    }

    /// How many items a partition of an index has. Keys are read for it, a megabyte with each call.
    pub async fn count(&self, index: &str, (attribute, value): (&str, &str)) -> Result<u64> {
        let mut count = 0;
        let mut start = None;
        loop {
            let request = self
                .client
                .query()
                .table_name(&self.name)
                .index_name(index)
                .select(Select::Count)
                .key_condition_expression("#partition = :partition")
                .expression_attribute_names("#partition", attribute)
                .expression_attribute_values(":partition", text(value))
                .set_exclusive_start_key(start);
            let answer = request.send().await?;
            count += u64::try_from(answer.count).unwrap_or_default();
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
    }

    /// Items of a partition that holds no job, in order; `limit` at most.
    pub async fn partition(&self, name: &str, limit: usize) -> Result<Vec<Item>> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(name));
        let mut pages = query.into_paginator().items().send();
        let mut items = Vec::new();
        while items.len() < limit
            && let Some(item) = pages.try_next().await?
        {
            items.push(item);
        }
        Ok(items)
    }

    /// Up to `limit` keys of an index, in its order or against it.
    pub async fn index(&self, search: &Search<'_>, limit: usize) -> Result<Vec<Item>> {
        let mut keys: Vec<Item> = Vec::new();
        let mut start = None;
        loop {
            let mut request = self
                .client
                .query()
                .table_name(&self.name)
                .index_name(search.index)
                .scan_index_forward(!search.is_backward)
                .limit((limit - keys.len()).min(1_000) as i32)
                .expression_attribute_names("#partition", search.partition.0)
                .expression_attribute_values(":partition", text(search.partition.1))
                .set_exclusive_start_key(start);
            request = match &search.range {
                None => request.key_condition_expression("#partition = :partition"),
                Some((attribute, comparison, bound)) => request
                    .key_condition_expression(format!(
                        "#partition = :partition AND #range {comparison} :bound"
                    ))
                    .expression_attribute_names("#range", *attribute)
                    .expression_attribute_values(":bound", text(bound)),
            };
            let answer = request.send().await?;
            keys.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() || keys.len() >= limit {
                return Ok(keys);
            }
        }
    }
}

/// What to look for in an index.
pub struct Search<'a> {
    pub index: &'a str,
    /// Attribute and value.
    pub partition: (&'a str, &'a str),
    /// Attribute, comparison and bound.
    pub range: Option<(&'a str, &'a str, String)>,
    pub is_backward: bool,
}

fn keys_of(keys: Vec<Item>) -> Result<KeysAndAttributes> {
    Ok(KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build()?)
}

fn names(condition: &Condition<'_>) -> Option<std::collections::HashMap<String, String>> {
    matches!(condition, Condition::Follows(_)).then(|| [("#write".into(), "write".into())].into())
}

fn values(condition: &Condition<'_>) -> Option<Item> {
    condition.expected().map(|expected| [(":expected".into(), text(expected))].into())
}

#[derive(Debug, thiserror::Error)]
#[error("the table left a part of the request undone, again and again")]
struct TooBusy;
