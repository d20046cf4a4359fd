//! What the pages ask, answered.

use app::api::{Choices, Desk, DeskError, JobDetail};
use backend::Listing;
use domain::{JobId, JobStatus, JobView};

use crate::Server;
use crate::error::causes;

#[async_trait::async_trait]
impl Desk for Server {
    async fn recent(&self, limit: usize) -> Result<Vec<JobView>, DeskError> {
        let listing = Listing { status: None, limit, cursor: None };
        let page = self.backend.store.recent(&listing).await.map_err(no_answer)?;
        Ok(page.jobs.iter().map(JobView::from).collect())
    }

    async fn job(&self, id: JobId) -> Result<Option<JobDetail>, DeskError> {
        let Some(job) = self.hub.job(id).await.map_err(no_answer)? else { return Ok(None) };
        let store = &self.backend.store;
        let view = JobView::from(&job);
        if job.status == JobStatus::Completed
            && let Some(track) = store.saved_track(id).await.map_err(no_answer)?
        {
            return Ok(Some(JobDetail { job: view, pages: vec![track.cues().to_vec()] }));
        }
        let pages = match job.progress.pages {
            0 => Vec::new(),
            _ => store.pages(id, 0).await.map_err(no_answer)?,
        };
        // What was committed after the job was read comes over the socket, with its version.
        let pages = pages.into_iter().filter(|page| page.version <= job.version).map(|page| page.cues);
        Ok(Some(JobDetail { job: view, pages: pages.collect() }))
    }

    fn choices(&self) -> Choices {
        Choices { models: self.config.models.clone(), max_upload_bytes: self.config.max_upload_bytes }
    }
}

fn no_answer(error: backend::BackendError) -> DeskError {
    tracing::warn!(error = %causes(&error), "a page was not answered");
    DeskError
}
