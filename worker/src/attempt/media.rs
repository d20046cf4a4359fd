//! The media of an attempt.

use std::path::PathBuf;
use std::pin::pin;

use backend::MediaLocation;
use domain::{Failure, Source, Stage};
use tokio::time::{MissedTickBehavior, interval};

use super::{Attempt, Stop};
use crate::fetch::{FetchError, Received};

impl Attempt<'_> {
    /// Where the media is: uploaded, fetched by an earlier attempt, or fetched now.
    pub(super) async fn media(&mut self) -> Result<MediaLocation, Stop> {
        let store = self.worker.backend.media.clone();
        if let Some(location) = store.locate(self.job.id).await? {
            self.job.progress.has_media = true;
            return Ok(location);
        }
        // The job that this one translates may have fetched it since.
        if let Some(original) = self.job.spec.translation_of
            && store.link(original, self.job.id).await?
            && let Some(location) = store.locate(self.job.id).await?
        {
            self.job.progress.has_media = true;
            return Ok(location);
        }
        let Source::Link { url } = self.job.spec.source.clone() else {
            return Err(Stop::Failed(Failure::MediaNotFound));
        };
        self.enter(Stage::Fetching).await?;
        let folder = self.worker.scratch.attempt().map_err(FetchError::Scratch)?;
        let path = folder.path().join("media");
        self.fetch(&url, path.clone()).await?;
        store.adopt(self.job.id, &path).await?;
        self.job.progress.has_media = true;
        store.locate(self.job.id).await?.ok_or(Stop::Failed(Failure::MediaNotFound))
    }

    async fn fetch(&mut self, link: &str, into: PathBuf) -> Result<(), Stop> {
        let received = Received::default();
        let fetcher = self.worker.fetcher.clone();
        let mut fetching = pin!(fetcher.fetch(link, &into, &received));
        let mut ticks = interval(self.worker.config.limits.report_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                fetched = &mut fetching => {
                    let bytes = fetched?;
                    tracing::debug!(bytes, "fetched the media");
                    return Ok(());
                }
                _ = ticks.tick() => {
                    self.meter.fetched(received.bytes(), received.total());
                    self.report_if_due().await?;
                }
            }
        }
    }
}
