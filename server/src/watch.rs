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

    /// The client was told everything up to this state.
    pub fn caught_up(&mut self, job: &Job) {
        *self = Watch { sent: job.version, pages: Some(job.progress.pages) };
    }

    /// Decides, and where the event is told, counts it. Publishing may fail and order is not promised, so every
    /// event is held against the count of pages that it tells.
    pub fn step(&mut self, event: &JobEvent) -> Step {
        if event.version <= self.sent {
            return Step::Stale;
        }
        let Some(held) = self.pages else { return Step::CatchUp };
        let is_next = event.version == self.sent + 1;
        let pages = match &event.change {
            JobChange::Queued { progress }
            | JobChange::Started { progress, .. }
            | JobChange::Progress { progress }
            | JobChange::Completed { progress, .. }
            | JobChange::Failed { progress, .. } => progress.pages,
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
            // It tells no count of pages: after a leap nobody knows.
            JobChange::Cancelled { .. } if is_next => held,
            JobChange::Cancelled { .. } => return Step::CatchUp,
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

    fn cancelled(version: Version) -> JobEvent {
        event(version, JobChange::Cancelled { finished_at: WallTime::UNIX_EPOCH })
    }

    #[track_caller]
    fn check(sent: Version, pages: u32, events: &[JobEvent], expect: &[Step]) {
        let mut watch = Watch { sent, pages: Some(pages) };
        let steps: Vec<Step> = events.iter().map(|event| watch.step(event)).collect();
        assert_eq!(steps, expect);
    }

    #[test]
    fn events_in_order_are_told() {
        let end = event(5, JobChange::Completed { finished_at: WallTime::UNIX_EPOCH, progress: progress(2) });
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
    fn a_cancel_after_a_leap_is_read_from_the_store() {
        check(3, 1, &[cancelled(4)], &[Step::Tell]);
        check(3, 1, &[cancelled(5)], &[Step::CatchUp]);
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
