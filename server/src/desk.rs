//! What the pages ask, answered.

use app::api::{Choices, Desk, DeskError, JobDetail, JobQuery, JobRows};
use domain::{JobId, JobView};

use crate::Server;
use crate::error::causes;
use crate::known::KnownRecord;
use crate::list::Wanted;

/// Rows of a page of the list.
const ROWS: usize = 20;

#[async_trait::async_trait]
impl Desk for Server {
    async fn list(&self, query: &JobQuery) -> Result<JobRows, DeskError> {
        let listed = match Wanted::parse(query, ROWS) {
            Ok(wanted) => Server::list(self, &wanted).await,
            Err(error) => Err(error),
        };
        match listed {
            Err(error) if error.status.is_client_error() => {
                Ok(JobRows { is_unusable: true, ..JobRows::default() })
            }
            // Logged where it became what callers read.
            Err(_) => Err(DeskError),
            Ok(rows) => Ok(rows),
        }
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
