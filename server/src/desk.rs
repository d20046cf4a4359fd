//! What the pages ask, answered.

use app::api::{Choices, Desk, DeskError, JobDetail};
use backend::Listing;
use domain::{JobId, JobView};

use crate::Server;
use crate::error::causes;
use crate::known::KnownRecord;

#[async_trait::async_trait]
impl Desk for Server {
    async fn recent(&self, limit: usize) -> Result<Vec<JobView>, DeskError> {
        let listing = Listing { status: None, limit, cursor: None };
        let page = self.backend.store.recent(&listing).await.map_err(no_answer)?;
        Ok(page.jobs.iter().map(JobView::from).collect())
    }

    async fn job(&self, id: JobId) -> Result<Option<JobDetail>, DeskError> {
        let Some(KnownRecord { job, stored }) = self.hub.record(id, 0).await.map_err(no_answer)? else {
            return Ok(None);
        };
        let pages = stored.pages.iter().map(|page| page.cues.clone()).collect();
        let corrections = stored.corrections.clone();
        let companion = match job.translation.or(job.spec.translation_of) {
            Some(id) => self.hub.job(id).await.map_err(no_answer)?,
            None => None,
        };
        let companion = companion.as_ref().map(JobView::from);
        Ok(Some(JobDetail { job: JobView::from(&job), pages, corrections, companion }))
    }

    fn choices(&self) -> Choices {
        Choices { models: self.config.models.clone(), max_upload_bytes: self.config.max_upload_bytes }
    }
}

fn no_answer(error: backend::BackendError) -> DeskError {
    tracing::warn!(error = %causes(&error), "a page was not answered");
    DeskError
}
