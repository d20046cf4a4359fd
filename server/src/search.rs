//! Words in titles and transcripts, found by looking through the jobs, newest first.
//!
//! There is no index: jobs are kept for days, and the transcripts of those that somebody looked at or searched lately
//! are in memory. What one call reads from the store is bounded by the cues in it, since these are what a read costs;
//! the answer says how far the look got, and its cursor goes on from there.

mod words;

use std::time::Duration;

use app::api::{Hit, Searched};
use backend::{JobPage, JobRecord, Listing};
use domain::{Cue, Job, JobStatus};
use futures::{StreamExt as _, stream};
use tokio::time::Instant;

pub use words::Words;

use crate::Server;
use crate::error::Result;
use crate::list::{Wanted, unlisted};

/// Jobs listed at once, and transcripts read side by side.
const BATCH: usize = 50;
const SIDE_BY_SIDE: usize = 4;

/// What one call looks through: jobs, time, and cues that come from the store (some fifty hours of speech).
const MAX_JOBS: u32 = 2_000;
const PATIENCE: Duration = Duration::from_secs(3);
const MAX_CUES_READ: u32 = 60_000;

/// A read costs something, however little there is.
const LEAST_CUES: u32 = 50;

/// Jobs with what was found in their transcripts.
pub struct Found {
    pub jobs: Vec<(Job, Hits)>,
    pub cursor: Option<String>,
    pub searched: Option<Searched>,
}

/// The first hits in a transcript, and how many there are beside them.
#[derive(Debug, Default, PartialEq)]
pub struct Hits {
    pub shown: Vec<Hit>,
    pub more: u32,
}

impl Found {
    /// A page of a listing, of which nothing was asked.
    pub fn all(page: JobPage) -> Found {
        let jobs = page.jobs.into_iter().map(|job| (job, Hits::default())).collect();
        Found { jobs, cursor: page.cursor, searched: None }
    }
}

impl Server {
    pub async fn search(&self, wanted: &Wanted, words: &Words) -> Result<Found> {
        let deadline = Instant::now() + PATIENCE;
        let mut found = Vec::new();
        let (mut looked_at, mut cues_read) = (0, 0);
        let mut cursor = wanted.cursor.clone();
        loop {
            let listing = Listing { status: wanted.status, limit: BATCH, cursor };
            let page = self.backend.store.recent(&listing).await.map_err(unlisted)?;
            let (last, mut left) = (page.cursor, page.jobs.len());
            let mut looks = stream::iter(page.jobs).map(|job| self.look(job, words)).buffered(SIDE_BY_SIDE);
            while let Some(look) = looks.next().await {
                let Look { job, hits, cost } = look?;
                let behind = Listing::cursor_after(&job);
                let until = job.created_at;
                found.extend(hits.map(|hits| (job, hits)));
                left -= 1;
                looked_at += 1;
                cues_read += cost;
                let is_end = left == 0 && last.is_none();
                let is_enough = found.len() >= wanted.limit
                    || looked_at >= MAX_JOBS
                    || cues_read >= MAX_CUES_READ
                    || Instant::now() >= deadline;
                if is_enough && !is_end {
                    let searched = Searched { jobs: looked_at, until: Some(until) };
                    return Ok(Found { jobs: found, cursor: Some(behind), searched: Some(searched) });
                }
            }
            if last.is_none() {
                let searched = Searched { jobs: looked_at, until: None };
                return Ok(Found { jobs: found, cursor: None, searched: Some(searched) });
            }
            cursor = last;
        }
    }

    async fn look(&self, job: Job, words: &Words) -> Result<Look> {
        if words.are_in_title(&job.spec.title) {
            return Ok(Look { job, hits: Some(Hits::default()), cost: 0 });
        }
        // A person may have written subtitles where nothing was heard.
        if job.progress.cues == 0 && job.status != JobStatus::Completed {
            return Ok(Look { job, hits: None, cost: 0 });
        }
        let is_known = self.hub.known.has_cues(job.id);
        let cost = if is_known { 0 } else { job.progress.cues.max(LEAST_CUES) };
        let hits = match self.hub.record(job.id, 0).await? {
            Some(record) => find(words, &record.stored),
            // Deleted since it was listed.
            None => None,
        };
        Ok(Look { job, hits, cost })
    }
}

/// What a look at one job found, and how many cues it took from the store.
struct Look {
    job: Job,
    hits: Option<Hits>,
    cost: u32,
}

/// In what people see: the cues with what was corrected in them.
fn find(words: &Words, JobRecord { pages, corrections, .. }: &JobRecord) -> Option<Hits> {
    if corrections.is_empty() {
        let cues: Vec<&Cue> = pages.iter().flat_map(|page| &page.cues).collect();
        return words.find(&cues);
    }
    let track = corrections.track(pages, None);
    words.find(&track.cues().iter().collect::<Vec<_>>())
}
