//! Links to jobs: each in the item of its job, and an item beside it that leads from its name to the job.

use domain::{JobId, Share, ShareId, WallTime};

use super::change::Jobs;
use super::item::{self, Stored};
use super::table::Table;
use crate::rules;
use crate::{AddedShare, Result};

pub async fn add(table: &Table, jobs: &Jobs, id: JobId, share: &Share) -> Result<AddedShare> {
    let Some(stored) = table.job(id).await?.filter(Stored::is_live) else { return Ok(AddedShare::Gone) };
    // First: a link that the job knows must be found, while a name without a link opens nothing.
    table.put(item::share_item(share.id, &stored.job)).await?;
    let now = WallTime::now();
    let rule = |stored: &mut Stored| Ok(rules::shares::add(&mut stored.shares, share, now));
    let added = jobs.change(id, rule).await?.unwrap_or(AddedShare::Gone);
    if added != AddedShare::Done {
        forget(table, share.id).await;
    }
    Ok(added)
}

pub async fn revoke(table: &Table, jobs: &Jobs, id: JobId, share: ShareId) -> Result<bool> {
    let now = WallTime::now();
    let rule = |stored: &mut Stored| Ok(rules::shares::revoke(&mut stored.shares, share, now));
    let was_there = jobs.change(id, rule).await?.unwrap_or(false);
    if was_there {
        forget(table, share).await;
    }
    Ok(was_there)
}

pub async fn find(table: &Table, share: ShareId) -> Result<Option<(JobId, Share)>> {
    let Some(named) = table.read(item::share_key(share)).await? else { return Ok(None) };
    let id = item::parse_job_key(&format!("JOB#{}", item::attribute(&named, "job")?))?;
    let Some(stored) = table.job(id).await?.filter(Stored::is_live) else { return Ok(None) };
    let living = rules::shares::living(stored.shares, WallTime::now());
    Ok(living.into_iter().find(|found| found.id == share).map(|found| (id, found)))
}

/// Takes away a name that leads nowhere. Whatever fails is removed by the table itself, later.
async fn forget(table: &Table, share: ShareId) {
    if let Err(error) = table.delete_all(vec![item::share_key(share)]).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(share.id = %share, error, "the name of a link that is gone was not removed");
    }
}
