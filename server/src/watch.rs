//! What one client was told of one job, and so what to do with the next event: pure.

use domain::{Job, JobChange, JobEvent, Version};

/// How far one client is with one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// Newest version the client has.
    pub sent: Version,
    /// Cue pages the client has; `None` until the store was read.
    pages: Option<u32>,
}

/// What to do with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The client has it, or newer.
    Stale,
    Tell,
    /// Nothing follows it.
    TellLast,
    /// Something before it is missing: the store has it.
    CatchUp,
}

impl Watch {
    pub fn since(after: Version) -> Watch {
        Watch { sent: after, pages: None }
    }

    /// The client was told everything up to this state. It may have heard hints that the state was read without.
    pub fn caught_up(&mut self, job: &Job) {
        let sent = if is_ahead(self.sent, job) { job.version } else { self.sent.max(job.version) };
        *self = Watch { sent, pages: Some(job.progress.pages) };
    }

    /// Decides, and where the event is told, counts it. Publishing may fail and order is not promised, so every
    /// event is held against the count of pages that it tells.
    pub fn step(&mut self, event: &JobEvent) -> Step {
        if event.version <= self.sent {
            return Step::Stale;
        }
        let Some(held) = self.pages else { return Step::CatchUp };
        let pages = match &event.change {
            JobChange::Queued { progress }
            | JobChange::Started { progress, .. }
            | JobChange::Progress { progress }
            | JobChange::Completed { progress, .. }
            | JobChange::Failed { progress, .. }
            | JobChange::Cancelled { progress, .. } => progress.pages,
            JobChange::Cues { page, progress, .. } => {
                // The first page replaces everything; any other must follow what the client has.
                let follows = *page == held || *page == 0;
                if !follows || progress.pages != page + 1 {
                    return Step::CatchUp;
                }
                self.sent = event.version;
                self.pages = Some(progress.pages);
                return Step::Tell;
            }
            JobChange::Expired => return Step::TellLast,
        };
        // Fewer after a leap: the job was retried in between, and these may be other pages than the client's.
        if pages > held || (pages > 0 && pages < held) {
            return Step::CatchUp;
        }
        self.sent = event.version;
        self.pages = Some(pages);
        Step::Tell
    }
}

/// The version is of another life of the data: no hint of this job can have it.
pub fn is_ahead(version: Version, job: &Job) -> bool {
    Job::stored_version(version) > job.version
}

#[cfg(test)]
mod tests {
    use domain::{JobId, Progress, WallTime};

    use super::*;

    fn event(version: Version, change: JobChange) -> JobEvent {
        JobEvent { id: JobId::from_bits(1), version, change }
    }

    fn progress(pages: u32) -> Progress {
        Progress { pages, ..Progress::default() }
    }

    fn cues(version: Version, page: u32) -> JobEvent {
        event(version, JobChange::Cues { page, cues: Vec::new(), progress: progress(page + 1) })
    }

    fn reported(version: Version, pages: u32) -> JobEvent {
        event(version, JobChange::Progress { progress: progress(pages) })
    }

    fn cancelled(version: Version, pages: u32) -> JobEvent {
        let (finished_at, progress) = (WallTime::UNIX_EPOCH, progress(pages));
        event(version, JobChange::Cancelled { finished_at, progress, job: None })
    }

    fn job(version: Version, pages: u32) -> Job {
        let spec = domain::JobSpec::link("http://example.com/a.mp4", &Default::default()).unwrap();
        let mut job = Job::queued(JobId::from_bits(1), spec, WallTime::UNIX_EPOCH, WallTime::UNIX_EPOCH);
        job.version = version;
        job.progress.pages = pages;
        job
    }

    #[track_caller]
    fn check(sent: Version, pages: u32, events: &[JobEvent], expect: &[Step]) {
        let mut watch = Watch { sent, pages: Some(pages) };
        let steps: Vec<Step> = events.iter().map(|event| watch.step(event)).collect();
        assert_eq!(steps, expect);
    }

    #[test]
    fn events_in_order_are_told() {
        let (finished_at, progress) = (WallTime::UNIX_EPOCH, progress(2));
        let end = event(5, JobChange::Completed { finished_at, progress, job: None });
        check(1, 0, &[reported(2, 0), cues(3, 0), cues(4, 1), end], &[Step::Tell; 4]);
    }

    #[test]
    fn an_event_heard_twice_or_late_is_dropped() {
        check(3, 1, &[cues(3, 0), reported(2, 0)], &[Step::Stale; 2]);
    }

    #[test]
    fn a_lost_report_is_no_loss() {
        check(1, 0, &[cues(9, 0)], &[Step::Tell]);
    }

    #[test]
    fn a_lost_page_is_read_from_the_store() {
        check(3, 1, &[cues(5, 2)], &[Step::CatchUp]);
        check(3, 1, &[reported(6, 2)], &[Step::CatchUp]);
    }

    #[test]
    fn a_cancel_tells_whether_a_page_was_missed() {
        check(3000, 1, &[cancelled(6000, 1)], &[Step::Tell]);
        check(3000, 1, &[cancelled(6000, 2)], &[Step::CatchUp]);
    }

    #[test]
    fn a_page_told_without_its_cues_is_read_from_the_store() {
        check(3000, 1, &[reported(4000, 2), reported(4001, 2)], &[Step::CatchUp; 2]);
    }

    #[test]
    fn hints_are_told_and_the_late_ones_of_a_fenced_attempt_are_not() {
        check(
            2000,
            1,
            &[reported(2001, 1), reported(3000, 1), reported(2002, 1)],
            &[Step::Tell, Step::Tell, Step::Stale],
        );
    }

    #[test]
    fn a_client_that_heard_hints_is_not_sent_back_by_what_is_stored() {
        let check = |sent: Version, read: Version, expect: Version| {
            let mut watch = Watch::since(sent);
            watch.caught_up(&job(read, 1));
            assert_eq!(watch, Watch { sent: expect, pages: Some(1) }, "{sent} {read}");
        };
        check(3007, 3000, 3007);
        check(3007, 3009, 3009);
        check(2007, 3000, 3000);
        // The data are younger than the client's: it starts anew with them.
        check(9007, 3000, 3000);
    }

    #[test]
    fn a_retry_starts_from_nothing() {
        check(
            3,
            2,
            &[event(4, JobChange::Queued { progress: Progress::default() }), cues(6, 0)],
            &[Step::Tell; 2],
        );
    }

    #[test]
    fn a_retry_that_was_not_heard_is_read_from_the_store_or_shown_by_its_first_page() {
        check(3, 2, &[reported(9, 1)], &[Step::CatchUp]);
        check(3, 2, &[cues(9, 1)], &[Step::CatchUp]);
        check(3, 2, &[cues(9, 0)], &[Step::Tell]);
    }

    #[test]
    fn before_the_store_was_read_every_event_leads_there() {
        assert_eq!(Watch::since(3).step(&reported(4, 0)), Step::CatchUp);
        assert_eq!(Watch::since(3).step(&reported(3, 0)), Step::Stale);
    }
}
