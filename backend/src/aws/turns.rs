//! Turns at tasks that are done once across all workers: one item for each task.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::WallTime;

use super::item::{self, Item, text};
use super::table::Table;
use crate::{BackendError, Result, Turn};

const PARTITION: &str = "TURN";

/// As many turns as are listed.
const MANY: usize = 500;

/// Turns of workers that are no more, under names that nobody uses again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub async fn take(table: &Table, task: &str, period: Duration) -> Result<bool> {
    let now = WallTime::now();
    let now_us = now.as_microsecond();
    let period_us = u64::try_from(period.as_micros()).unwrap_or(u64::MAX);
    let token = item::token();
    let mut turn = key(task);
    turn.insert("taken".into(), number(now_us));
    turn.insert("token".into(), text(&token));
    turn.insert("ttl".into(), item::ttl(now, FORGOTTEN_AFTER.max(period)));
    let request = table
        .client
        .put_item()
        .table_name(&table.name)
        .set_item(Some(turn))
        // One that was taken in the future is from a clock that is wrong.
        .condition_expression("attribute_not_exists(pk) OR taken <= :free OR taken > :future")
        .expression_attribute_values(":free", number(now_us.saturating_sub_unsigned(period_us)))
        .expression_attribute_values(":future", number(now_us.saturating_add_unsigned(period_us)))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match request.send().await {
        Ok(_) => Ok(true),
        Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
            let PutItemError::ConditionalCheckFailedException(refused) = error.into_err() else {
                unreachable!("it was asked a line above")
            };
            // An earlier try of this very call got through, and its answer was lost.
            Ok(refused.item.is_some_and(|taken| taken.get("token") == Some(&text(token))))
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn give_back(table: &Table, task: &str) -> Result<()> {
    table.delete_all(vec![key(task)]).await
}

pub async fn list(table: &Table) -> Result<Vec<Turn>> {
    let mut turns = Vec::new();
    for item in table.partition(PARTITION, MANY).await? {
        let task = item::attribute(&item, "sk")?.to_owned();
        let taken_at = WallTime::from_microsecond(item::number(&item, "taken")?)
            .map_err(|error| BackendError::Permanent(error.into()))?;
        turns.push(Turn { task, taken_at });
    }
    Ok(turns)
}

/// All turns are in one partition, so that they can be listed.
fn key(task: &str) -> Item {
    item::key(PARTITION, task)
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
