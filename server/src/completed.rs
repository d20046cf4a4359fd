//! What ended: read from the store at the start, and slowly ever after, behind the topic's quick hints.

use std::sync::Arc;
use std::time::Duration;

use backend::{JobStore, Result};
use domain::{JobEvent, WallTime};
use tokio::sync::Mutex;

use crate::error::causes;
use crate::known::CAPACITY;
use crate::live::Hub;
use crate::ops::EndedJobs;

/// How far behind the last look the next one starts: listings lag, and an end is stamped by its worker's clock, which
/// may be ten minutes slow. Each look reads what ended in this time, most of it once more.
const OVERLAP: Duration = Duration::from_secs(15 * 60);

/// What ended longer before the last look was counted then, or before this server was there.
const COUNTED_FOR: Duration = Duration::from_secs(2 * 60);

/// Jobs read at once.
const BATCH: usize = 500;

/// Jobs read at the start: room is left for those that people ask about meanwhile.
const AT_START: usize = CAPACITY / 10 * 9;

const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Makes ends known here and tells the hub of them. What it has heard already does no harm.
pub struct CompletedJobs {
    hub: Arc<Hub>,
    store: Arc<dyn JobStore>,
    /// Counts what is read here, so that nobody has to read it again for it.
    ended: Arc<EndedJobs>,
    /// Ends before this moment are known; `None` until the first read is done. One look at a time.
    watermark: Mutex<Option<WallTime>>,
}

impl CompletedJobs {
    pub fn new(hub: Arc<Hub>, store: Arc<dyn JobStore>, ended: Arc<EndedJobs>) -> CompletedJobs {
        CompletedJobs { hub, store, ended, watermark: Mutex::new(None) }
    }

    /// The first time what ended last, as much as there is room for; later what ended since. Tries until it is done.
    pub async fn catch_up(&self) {
        let mut pause = Duration::from_millis(100);
        loop {
            match self.read().await {
                Ok(true) => return,
                Ok(false) => tracing::info!("events were lost while the store was read; reading it again"),
                Err(error) => {
                    tracing::warn!(error = %causes(&error), "what ended cannot be read; trying again")
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Every end since the last look; nothing before the first read is done.
    pub async fn look(&self) -> Result<()> {
        if self.watermark.lock().await.is_some() {
            self.read().await?;
        }
        Ok(())
    }

    /// False: there was a gap in between, and some of what was read is forgotten already.
    async fn read(&self) -> Result<bool> {
        let mut watermark = self.watermark.lock().await;
        let (looked_at, gaps) = (WallTime::now(), self.hub.known.gaps());
        let is_whole = match *watermark {
            None => self.read_newest().await?,
            Some(watermark) => self.read_behind(watermark).await?,
        };
        if !is_whole || self.hub.known.gaps() != gaps {
            return Ok(false);
        }
        *watermark = Some(looked_at);
        Ok(true)
    }

    async fn read_newest(&self) -> Result<bool> {
        let mut cursor = None;
        let mut read = 0;
        while read < AT_START {
            let reading = self.hub.known.start_reading();
            let page = self.store.last_finished(BATCH.min(AT_START - read), cursor).await?;
            read += page.jobs.len();
            self.ended.learn(&page.jobs);
            if !reading.learn(&page.jobs).await {
                return Ok(false);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        if cursor.is_some() {
            self.ended.miss_earlier();
        }
        Ok(true)
    }

    async fn read_behind(&self, watermark: WallTime) -> Result<bool> {
        let before = |time| watermark.checked_sub(time).unwrap_or(WallTime::MIN);
        let (mut since, counted) = (before(OVERLAP), before(COUNTED_FOR));
        let mut limit = BATCH;
        loop {
            let reading = self.hub.known.start_reading();
            let jobs = self.store.finished_since(since, limit).await?;
            self.ended.learn(&jobs);
            let is_whole = reading.learn(&jobs).await;
            for job in &jobs {
                let is_counted = job.finished_at.is_none_or(|end| end < counted);
                match is_counted {
                    true => self.hub.hear_again(JobEvent::state_of(job)).await,
                    false => self.hub.hear(JobEvent::state_of(job)).await,
                }
            }
            if !is_whole {
                return Ok(false);
            }
            match jobs.last().and_then(|job| job.finished_at) {
                _ if jobs.len() < limit => return Ok(true),
                Some(newest) if newest > since => since = newest,
                // More ends in one instant than fit: take more at once.
                _ => limit *= 2,
            }
        }
    }
}
