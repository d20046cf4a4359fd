//! The cues of a job, carried on by what is heard, so that many viewers of one job cost one read or none.

use std::sync::Arc;

use backend::JobRecord;
use domain::{Corrections, CuePage, Job, JobChange, JobEvent};

/// Bytes, roughly.
pub fn weight(record: &JobRecord) -> u32 {
    let of_cues = |cues: &[domain::Cue]| cues.iter().map(|cue| 48 + cue.text.len()).sum::<usize>();
    let pages: usize = record.pages.iter().map(|page| 96 + of_cues(&page.cues)).sum();
    let corrected: usize = record.corrections.patches().iter().map(|patch| 64 + of_cues(&patch.cues)).sum();
    u32::try_from(1024 + pages + corrected).unwrap_or(u32::MAX)
}

/// Words are many, and only a new layout needs them.
pub fn without_words(mut record: JobRecord) -> JobRecord {
    for page in &mut record.pages {
        page.words = Vec::new();
    }
    record
}

/// Nothing is stored beside the job.
pub fn has_none(job: &Job) -> bool {
    job.progress.pages == 0 && job.progress.corrections == 0
}

pub fn without_pages(job: &Job) -> JobRecord {
    JobRecord { job: job.clone(), pages: Vec::new(), corrections: Corrections::default() }
}

/// The record after the event, if the event tells all that changed between the two states of the job. `stored` may be
/// of another version: it counts only where it is that of `before`.
pub fn carry_on(
    stored: Option<Arc<JobRecord>>,
    before: &Job,
    event: &JobEvent,
    after: &Job,
) -> Option<Arc<JobRecord>> {
    let version = Job::stored_version(before.version);
    let stored = stored.filter(|stored| Job::stored_version(stored.job.version) == version);
    if Job::stored_version(event.version) == version {
        // A hint: nothing was stored.
        return stored;
    }
    // What happens to an ended job changes its cues: an edit, a retry.
    let is_next = event.version == Job::next_version(before.version);
    let is_corrected = after.progress.corrections != before.progress.corrections;
    if !is_next || before.status.is_terminal() || is_corrected {
        return None;
    }
    let mut stored = match stored {
        Some(stored) => stored,
        None if has_none(before) => Arc::new(without_pages(before)),
        None => return None,
    };
    let record = Arc::make_mut(&mut stored);
    record.job = after.clone();
    if let JobChange::Cues { page: number, cues, progress } = &event.change {
        let start = record.pages.last().map(|page| page.end).unwrap_or_default();
        record.pages.push(CuePage {
            number: *number,
            version: event.version,
            start,
            end: progress.transcribed,
            words: Vec::new(),
            cues: cues.clone(),
            open: None,
            peaks: String::new(),
        });
    }
    let follows = |(index, page): (usize, &CuePage)| page.number as usize == index;
    let is_whole =
        record.pages.len() == after.progress.pages as usize && record.pages.iter().enumerate().all(follows);
    is_whole.then_some(stored)
}
