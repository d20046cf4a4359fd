//! The rows that a list holds: pure, so that it is tested without a browser.

use domain::{JobChange, JobEvent, JobId, JobStatus, JobView};

use crate::api::{JobQuery, JobRow, JobRows, Searched};
use crate::live::{Folded, fold_view};

#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// What the first of the pages was asked for.
    pub query: JobQuery,
    pub rows: Vec<JobRow>,
    /// Where the last page ended.
    cursor: Option<String>,
    pub searched: Option<Searched>,
    pub is_unusable: bool,
}

impl Held {
    pub fn new(query: JobQuery, page: JobRows) -> Held {
        let JobRows { rows, cursor, searched, is_unusable } = page;
        Held { query, rows, cursor, searched, is_unusable }
    }

    /// What the next page is asked for; `None` at the end.
    pub fn next(&self) -> Option<JobQuery> {
        Some(JobQuery { cursor: self.cursor.clone()?, ..self.query.clone() })
    }

    pub fn job(&self, id: JobId) -> Option<&JobView> {
        self.rows.iter().map(|row| &row.job).find(|job| job.id == id)
    }

    pub fn unfinished(&self) -> Vec<JobId> {
        let unfinished = self.rows.iter().filter(|row| !row.job.status.is_terminal());
        unfinished.map(|row| row.job.id).collect()
    }

    /// The page that follows.
    pub fn append(&mut self, page: JobRows) {
        for row in page.rows {
            if self.job(row.job.id).is_none() {
                self.rows.push(row);
            }
        }
        self.cursor = page.cursor;
        self.searched = match (self.searched, page.searched) {
            (Some(before), Some(searched)) => {
                Some(Searched { jobs: before.jobs.saturating_add(searched.jobs), ..searched })
            }
            (before, searched) => searched.or(before),
        };
    }

    /// The first page, read anew. Pages that were added behind it stay.
    pub fn renew(&mut self, page: JobRows) {
        let position = |row: &JobRow| (row.job.created_at, row.job.id);
        let end = page.rows.last().map(position);
        // Where the page is the whole list, nothing stands behind it.
        let has_more = page.cursor.is_some();
        let behind = self.rows.iter().filter(|row| has_more && end.is_some_and(|end| position(row) < end));
        let behind: Vec<JobRow> = behind.cloned().collect();
        if behind.is_empty() {
            self.cursor = page.cursor;
        }
        // Events may have been faster than this reading.
        let newest = |mut row: JobRow| {
            if let Some(known) = self.job(row.job.id).filter(|known| known.version > row.job.version) {
                row.job = known.clone();
            }
            row
        };
        self.rows = page.rows.into_iter().map(newest).chain(behind).collect();
    }

    pub fn remove(&mut self, ids: &[JobId]) {
        self.rows.retain(|row| !ids.contains(&row.job.id));
    }

    pub fn fold(&mut self, event: &JobEvent) -> Folded {
        let Some(index) = self.rows.iter().position(|row| row.job.id == event.id) else {
            return Folded::Stale;
        };
        let folded = fold_view(&mut self.rows[index].job, event);
        if folded == Folded::Gone {
            self.rows.remove(index);
        }
        folded
    }

    /// A worker began or ended with a job while others here wait.
    pub fn line_moves_with(&self, event: &JobEvent) -> bool {
        let moves = !matches!(event.change, JobChange::Progress { .. } | JobChange::Cues { .. });
        moves && self.rows.iter().any(|row| row.job.status == JobStatus::Queued)
    }
}

#[cfg(test)]
mod tests {
    use domain::WallTime;

    use super::*;
    use crate::live::samples;

    /// A job made at this second.
    fn row(second: i64) -> JobRow {
        let mut job = samples::state().job;
        job.id = JobId::from_bits(second as u128);
        job.created_at = WallTime::from_second(second).unwrap();
        JobRow { job, place: None, hits: Vec::new(), more_hits: 0 }
    }

    fn page(seconds: &[i64], cursor: Option<&str>) -> JobRows {
        let rows = seconds.iter().map(|second| row(*second)).collect();
        JobRows { rows, cursor: cursor.map(str::to_owned), ..JobRows::default() }
    }

    #[track_caller]
    fn check(held: &Held, seconds: &[i64], cursor: Option<&str>) {
        let shown: Vec<i64> = held.rows.iter().map(|row| row.job.created_at.as_second()).collect();
        assert_eq!((&shown[..], held.cursor.as_deref()), (seconds, cursor));
    }

    #[test]
    fn a_page_is_added_and_no_job_twice() {
        let mut held = Held::new(JobQuery::default(), page(&[9, 8, 7], Some("7")));
        assert_eq!(held.next().unwrap().cursor, "7");
        held.append(page(&[7, 6], None));
        check(&held, &[9, 8, 7, 6], None);
        assert_eq!(held.next(), None);
    }

    #[test]
    fn what_is_read_anew_takes_the_place_of_the_first_page_only() {
        let mut held = Held::new(JobQuery::default(), page(&[9, 8, 7], Some("7")));
        held.append(page(&[6, 5], Some("5")));
        held.renew(page(&[10, 9, 7], Some("7")));
        check(&held, &[10, 9, 7, 6, 5], Some("5"));
        held.renew(page(&[10, 9], None));
        check(&held, &[10, 9], None);
        held.renew(page(&[], None));
        check(&held, &[], None);
    }

    #[test]
    fn a_reading_never_goes_back_behind_events() {
        let mut held = Held::new(JobQuery::default(), page(&[9], None));
        held.rows[0].job.version = 5_000;
        held.renew(page(&[9], None));
        assert_eq!(held.rows[0].job.version, 5_000);
    }

    #[test]
    fn a_search_that_goes_on_counts_what_it_looked_at_before() {
        let searched = |jobs, until: Option<i64>| {
            let until = until.map(|second| WallTime::from_second(second).unwrap());
            Some(Searched { jobs, until })
        };
        let found = |jobs, until| JobRows { searched: searched(jobs, until), ..JobRows::default() };
        let mut held = Held::new(JobQuery::default(), found(50, Some(7)));
        held.append(found(20, None));
        assert_eq!(held.searched, searched(70, None));
    }

    #[test]
    fn a_deleted_job_leaves_the_list() {
        let mut held = Held::new(JobQuery::default(), page(&[9, 8], None));
        let event = |change| JobEvent { id: JobId::from_bits(9), version: 9_000, change };
        assert_eq!(held.fold(&event(JobChange::Expired)), Folded::Gone);
        check(&held, &[8], None);
        held.remove(&[JobId::from_bits(8)]);
        check(&held, &[], None);
    }
}
