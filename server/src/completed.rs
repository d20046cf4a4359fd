//! Ends that nobody told us: a slow look at the store behind the topic's quick hints.

use std::sync::Arc;
use std::time::Duration;

use backend::{Backend, Result, Subscription};
use domain::{JobEvent, WallTime};

use crate::error::causes;
use crate::live::Hub;

/// How far behind the last look the next one starts: listings and clocks may lag by this much.
const OVERLAP: Duration = Duration::from_secs(120);

/// Jobs read at once.
const BATCH: usize = 500;

/// Tells the hub of every end since the last look. What it has heard already does no harm.
pub struct CompletedJobs {
    hub: Arc<Hub>,
    backend: Backend,
    /// Ends before this moment have been told.
    watermark: WallTime,
}

impl CompletedJobs {
    pub fn new(hub: Arc<Hub>, backend: Backend) -> CompletedJobs {
        CompletedJobs { hub, backend, watermark: WallTime::now() }
    }

    pub async fn look(&mut self) -> Result<()> {
        let looked_at = WallTime::now();
        let mut since = self.watermark.checked_sub(OVERLAP).unwrap_or(WallTime::MIN);
        let mut limit = BATCH;
        loop {
            let jobs = self.backend.store.finished_since(since, limit).await?;
            let is_last = jobs.len() < limit;
            let newest = jobs.last().and_then(|job| job.finished_at);
            for job in &jobs {
                self.hub.hear(JobEvent::state_of(job)).await;
            }
            match newest {
                Some(newest) if !is_last && newest > since => since = newest,
                // More ends in one instant than fit: take more at once.
                Some(_) if !is_last => limit *= 2,
                _ => break,
            }
        }
        self.watermark = looked_at;
        Ok(())
    }
}

/// Tries until the topic takes the subscription.
pub async fn subscribe_again(backend: &Backend) -> Subscription {
    let mut pause = Duration::from_millis(100);
    loop {
        match backend.topic.subscribe().await {
            Ok(subscription) => return subscription,
            Err(error) => tracing::warn!(error = %causes(&error), "the topic does not take the subscription"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}
