//! What workers tell of themselves: one item for each, all in one partition.

use std::time::Duration;

use domain::WallTime;

use super::item::{self, Item};
use super::table::Table;
use crate::{Result, WorkerRecord};

const PARTITION: &str = "WORKER";

/// As many workers as are listed.
const MANY: usize = 5_000;

pub async fn tell(table: &Table, worker: &WorkerRecord) -> Result<()> {
    let mut item = key(&worker.id);
    item.insert("record".into(), item::text(item::record(worker)?));
    item.insert("ttl".into(), item::ttl(worker.expires_at, Duration::ZERO));
    table.put(item).await
}

pub async fn forget(table: &Table, id: &str) -> Result<()> {
    table.delete_all(vec![key(id)]).await
}

pub async fn list(table: &Table) -> Result<Vec<WorkerRecord>> {
    let now = WallTime::now();
    let mut workers = Vec::new();
    for item in table.partition(PARTITION, MANY).await? {
        let worker: WorkerRecord = item::parse_record(&item)?;
        // DynamoDB removes what is past its time within some days.
        if worker.expires_at > now {
            workers.push(worker);
        }
    }
    Ok(workers)
}

fn key(id: &str) -> Item {
    item::key(PARTITION, id)
}
