//! Events folded into what a page knows of a job: pure, so that it is tested without a browser.

use std::sync::Arc;

use domain::correction::{Revision, ShownCue};
use domain::{Corrections, Cue, Job, JobChange, JobEvent, JobStatus, JobView, Progress, Stage, Timestamp};

use crate::api::JobDetail;
use crate::editor::{Edits, Saved};

/// A job as a page holds it. Pages of cues are shared: a copy of the state costs no text.
#[derive(Debug, Clone, PartialEq)]
pub struct JobState {
    pub job: JobView,
    /// As the machine laid them out.
    pub pages: Vec<Arc<Vec<Cue>>>,
    /// What people changed of them, and at which of their saves.
    pub corrections: Corrections,
    pub revision: Revision,
    /// What this person changed of them; what is not saved yet stands in `corrections` as well.
    pub edits: Edits,
    /// As it was when the job was read: nobody watches it here.
    pub companion: Option<JobView>,
}

impl From<JobDetail> for JobState {
    fn from(detail: JobDetail) -> JobState {
        let JobDetail { job, pages, corrections, companion } = detail;
        let revision = job.corrections;
        let (pages, edits) = (pages.into_iter().map(Arc::new).collect(), Edits::default());
        JobState { job, pages, corrections, revision, edits, companion }
    }
}

impl JobState {
    /// The cues to show, by the page in whose stretch they belong.
    pub fn shown(&self) -> Vec<Arc<Vec<Cue>>> {
        if self.corrections.is_empty() {
            return self.pages.clone();
        }
        let mut start = Timestamp(0);
        let starts: Vec<Timestamp> = self
            .pages
            .iter()
            .map(|page| {
                start = page.first().map_or(start, |cue| cue.start);
                start
            })
            .collect();
        let mut shown = vec![Vec::new(); self.pages.len().max(1)];
        for one in self.corrections.shown(self.pages.iter().flat_map(|page| page.iter())) {
            let page = starts.partition_point(|start| *start <= one.span.0).saturating_sub(1);
            shown[page].push(one.cue);
        }
        shown.into_iter().map(Arc::new).collect()
    }

    /// The same cues in one list, with where each comes from.
    pub fn shown_cues(&self) -> Vec<ShownCue> {
        self.corrections.shown(self.pages.iter().flat_map(|page| page.iter()))
    }

    /// Takes what was read anew, unless events were faster; says whether it did. Pages that are the same stay
    /// the same objects.
    pub fn replace(&mut self, detail: JobDetail) -> bool {
        if detail.job.version < Job::stored_version(self.job.version) {
            return false;
        }
        let mut next = JobState::from(detail);
        next.edits = self.edits.clone();
        let (read, revision) = (std::mem::take(&mut next.corrections), next.revision);
        next.corrections = self.corrections.clone();
        next.revision = self.revision;
        // While own changes are on their way, their answer tells.
        if revision > self.revision && !self.edits.outbox.is_sending() {
            next.merge(Saved { revision, corrections: read, conflicts: Vec::new() });
        }
        // Hints went on while nothing was stored: what was read has all the pages, but an older progress.
        if next.job.version < self.job.version {
            next.job = self.job.clone();
        }
        for (page, held) in next.pages.iter_mut().zip(&self.pages) {
            if page == held {
                *page = Arc::clone(held);
            }
        }
        let is_news = next != *self;
        *self = next;
        is_news
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// Known already, or of another job.
    Stale,
    Applied,
    /// Applied; somebody else saved corrections, which it does not tell.
    Corrected,
    /// Something between was missed: the job must be read anew. What the event tells is applied.
    Gap,
    /// The job does not exist any more.
    Gone,
}

/// Pages are keyed by their number, so that hearing one twice does no harm; a job that was retried starts
/// again at page 0, and the surplus goes.
pub fn fold(state: &mut JobState, event: &JobEvent) -> Folded {
    let was_queued = state.job.status == JobStatus::Queued;
    let folded = fold_view(&mut state.job, event);
    if matches!(folded, Folded::Stale | Folded::Gone) {
        return folded;
    }
    let folded = fold_pages(state, event, was_queued);
    // While own changes are on their way, their answer tells.
    let is_corrected = state.job.corrections > state.revision && !state.edits.outbox.is_sending();
    if is_corrected && folded == Folded::Applied { Folded::Corrected } else { folded }
}

fn fold_pages(state: &mut JobState, event: &JobEvent, was_queued: bool) -> Folded {
    match &event.change {
        JobChange::Cues { page, cues, progress } => {
            let page = *page as usize;
            if page > state.pages.len() {
                return Folded::Gap;
            }
            state.pages.truncate(page);
            state.pages.push(Arc::new(cues.clone()));
            state.pages.truncate(progress.pages as usize);
            // More pages may be told of than are held: the rest of what was missed follows this event.
            Folded::Applied
        }
        // It starts over, perhaps by another wish, of which the event tells nothing.
        JobChange::Queued { progress } if progress.pages == 0 && !was_queued => {
            state.pages.clear();
            Folded::Gap
        }
        JobChange::Queued { progress }
        | JobChange::Started { progress, .. }
        | JobChange::Progress { progress }
        | JobChange::Completed { progress, .. }
        | JobChange::Failed { progress, .. }
        | JobChange::Cancelled { progress, .. } => {
            let told = progress.pages as usize;
            state.pages.truncate(told);
            if told > state.pages.len() { Folded::Gap } else { Folded::Applied }
        }
        JobChange::Expired => Folded::Gone,
    }
}

/// The same for a list that holds no cues.
pub fn fold_view(job: &mut JobView, event: &JobEvent) -> Folded {
    if event.id != job.id || event.version <= job.version {
        return Folded::Stale;
    }
    job.version = event.version;
    match &event.change {
        JobChange::Queued { progress } => {
            report(job, progress);
            run(job, JobStatus::Queued);
        }
        JobChange::Started { attempt, progress } => {
            job.attempt = *attempt;
            report(job, progress);
            run(job, JobStatus::Running);
        }
        JobChange::Progress { progress } | JobChange::Cues { progress, .. } => {
            report(job, progress);
            run(job, JobStatus::Running);
        }
        JobChange::Completed { finished_at, progress, .. } => {
            report(job, progress);
            job.failure = None;
            job.status = JobStatus::Completed;
            job.finished_at = Some(*finished_at);
        }
        JobChange::Failed { finished_at, failure, progress, .. } => {
            report(job, progress);
            job.failure = Some(failure.clone());
            job.status = JobStatus::Failed;
            job.finished_at = Some(*finished_at);
        }
        JobChange::Cancelled { finished_at, progress, .. } => {
            report(job, progress);
            job.failure = None;
            job.status = JobStatus::Cancelled;
            job.finished_at = Some(*finished_at);
        }
        JobChange::Expired => return Folded::Gone,
    }
    Folded::Applied
}

fn run(job: &mut JobView, status: JobStatus) {
    job.failure = None;
    job.finished_at = None;
    job.status = status;
}

fn report(job: &mut JobView, progress: &Progress) {
    job.progress = progress.fraction;
    job.stage = progress.stage;
    job.eta_ms = progress.eta_ms;
    job.duration_ms = progress.duration_ms.or(job.duration_ms);
    job.transcribed_ms = progress.transcribed;
    // Before it is detected, the one asked for stands.
    if progress.language.is_some() {
        job.language.clone_from(&progress.language);
    }
    job.language_confidence = progress.language_confidence;
    job.has_media = progress.has_media;
    job.pages = progress.pages;
    job.cues = progress.cues;
    // A worker does not know what people saved meanwhile.
    job.corrections = job.corrections.max(progress.corrections);
    if progress.stage == Stage::Done {
        job.eta_ms = None;
    }
}

#[cfg(test)]
pub mod samples {
    use domain::{Job, JobId, JobSpec, Profile, Source, Task, WallTime};

    use super::*;

    pub fn state() -> JobState {
        let spec = JobSpec {
            source: Source::Link { url: "https://example.org/talk.mp4".into() },
            language: None,
            task: Task::Transcribe,
            model: None,
            profile: Profile::Netflix,
            title: "talk".into(),
            translation_of: None,
            video: None,
        };
        let moment = WallTime::UNIX_EPOCH;
        let job = Job::queued(JobId::from_bits(7), spec, moment, moment);
        let (pages, corrections, edits) = (Vec::new(), Corrections::default(), Edits::default());
        JobState { job: JobView::from(&job), pages, corrections, revision: 0, edits, companion: None }
    }
}

#[cfg(test)]
mod tests {
    use domain::{JobId, Timestamp, Version, WallTime};

    use super::*;

    const ID: u128 = 7;

    fn state(version: Version, pages: &[&str]) -> JobState {
        let mut state = samples::state();
        state.job.version = version;
        state.pages = pages.iter().map(|text| Arc::new(vec![cue(text)])).collect();
        state
    }

    fn cue(text: &str) -> Cue {
        Cue { start: Timestamp(0), end: Timestamp(1000), text: text.into(), doubts: Vec::new() }
    }

    fn progress(pages: u32) -> Progress {
        Progress { stage: Stage::Transcribing, fraction: 0.4, pages, cues: pages, ..Progress::default() }
    }

    fn event(version: Version, change: JobChange) -> JobEvent {
        JobEvent { id: JobId::from_bits(ID), version, change }
    }

    fn cues(version: Version, page: u32, text: &str, pages: u32) -> JobEvent {
        event(version, JobChange::Cues { page, cues: vec![cue(text)], progress: progress(pages) })
    }

    fn queued() -> JobChange {
        JobChange::Queued { progress: Progress { has_media: true, ..Progress::default() } }
    }

    fn texts(state: &JobState) -> Vec<String> {
        state.pages.iter().flat_map(|page| page.iter().map(|cue| cue.text.clone())).collect()
    }

    /// Folds all events and compares the outcome of the last one and the texts then held.
    #[track_caller]
    fn check(mut state: JobState, events: &[JobEvent], folded: Folded, held: &[&str]) -> JobState {
        let mut last = Folded::Stale;
        for event in events {
            last = fold(&mut state, event);
        }
        assert_eq!(last, folded);
        assert_eq!(texts(&state), held);
        state
    }

    #[test]
    fn pages_follow_each_other() {
        let after =
            check(state(1, &[]), &[cues(2, 0, "a", 1), cues(3, 1, "b", 2)], Folded::Applied, &["a", "b"]);
        assert_eq!(after.job.status, JobStatus::Running);
        assert_eq!(after.job.version, 3);
    }

    #[test]
    fn an_event_heard_twice_changes_nothing() {
        check(state(1, &[]), &[cues(2, 0, "a", 1), cues(2, 0, "other", 1)], Folded::Stale, &["a"]);
        check(state(5, &["a"]), &[event(4, queued())], Folded::Stale, &["a"]);
    }

    #[test]
    fn an_event_of_another_job_changes_nothing() {
        let other = JobEvent { id: JobId::from_bits(8), ..cues(9, 0, "x", 1) };
        check(state(1, &["a"]), &[other], Folded::Stale, &["a"]);
    }

    #[test]
    fn a_page_told_again_replaces_itself_and_what_followed() {
        check(state(9, &["a", "b", "c"]), &[cues(10, 1, "new", 2)], Folded::Applied, &["a", "new"]);
    }

    #[test]
    fn a_missing_page_is_a_gap_and_is_not_filled_by_guessing() {
        check(state(1, &["a"]), &[cues(5, 2, "c", 3)], Folded::Gap, &["a"]);
    }

    #[test]
    fn catching_up_is_no_gap_while_pages_still_come() {
        let missed =
            [cues(4, 1, "b", 3), cues(5, 2, "c", 3), event(6, JobChange::Progress { progress: progress(3) })];
        check(state(2, &["a"]), &missed, Folded::Applied, &["a", "b", "c"]);
    }

    #[test]
    fn fewer_pages_told_than_held_drops_the_surplus() {
        let change = JobChange::Started { attempt: 2, progress: progress(1) };
        let after = check(state(3, &["a", "b"]), &[event(4, change)], Folded::Applied, &["a"]);
        assert_eq!(after.job.attempt, 2);
    }

    #[test]
    fn more_pages_told_than_held_is_a_gap() {
        let change =
            JobChange::Completed { finished_at: WallTime::UNIX_EPOCH, progress: progress(3), job: None };
        let after = check(state(3, &["a"]), &[event(9, change)], Folded::Gap, &["a"]);
        assert_eq!(after.job.status, JobStatus::Completed);
    }

    #[test]
    fn a_retry_starts_from_nothing_and_its_wish_is_read_anew() {
        let failure =
            domain::FailureView { code: "gave_up".into(), message: String::new(), hint: String::new() };
        let mut failed = state(8, &["a"]);
        failed.job.failure = Some(failure);
        failed.job.status = JobStatus::Failed;
        failed.job.has_media = true;
        let after = check(failed, &[event(9, queued())], Folded::Gap, &[]);
        assert_eq!((after.job.status, after.job.failure, after.job.progress), (JobStatus::Queued, None, 0.0));
        assert!(after.job.has_media);
    }

    #[test]
    fn a_job_that_a_worker_gave_back_keeps_its_cues() {
        let change = JobChange::Queued { progress: progress(1) };
        let after = check(state(3, &["a"]), &[event(4, change)], Folded::Applied, &["a"]);
        assert_eq!(after.job.status, JobStatus::Queued);
    }

    #[test]
    fn a_cancel_keeps_what_was_heard_and_tells_what_was_not() {
        let cancelled = |pages| JobChange::Cancelled {
            finished_at: WallTime::UNIX_EPOCH,
            progress: progress(pages),
            job: None,
        };
        check(state(3000, &["a"]), &[event(4000, cancelled(1))], Folded::Applied, &["a"]);
        check(state(3000, &["a"]), &[event(6000, cancelled(2))], Folded::Gap, &["a"]);
    }

    /// An event too large for the topic comes without its cues, and the hints after it keep coming.
    #[test]
    fn a_page_whose_cues_were_not_told_is_taken_from_what_was_read_though_hints_went_on() {
        let hint = |version| event(version, JobChange::Progress { progress: progress(2) });
        let mut held = check(state(2000, &["a"]), &[hint(3000), hint(3007)], Folded::Gap, &["a"]);
        let read = state(3000, &["a", "b"]);
        let pages = read.pages.iter().map(|page| page.to_vec()).collect();
        assert!(held.replace(JobDetail {
            job: read.job,
            pages,
            corrections: Corrections::default(),
            companion: None
        }));
        assert_eq!((texts(&held), held.job.version), (vec!["a".to_owned(), "b".into()], 3007));
        assert_eq!(fold(&mut held, &hint(3005)), Folded::Stale);
        assert_eq!(fold(&mut held, &hint(3008)), Folded::Applied);
    }

    #[test]
    fn corrections_of_others_are_asked_for_and_not_the_whole_job() {
        let told = Progress { corrections: 1, ..progress(1) };
        let change = JobChange::Progress { progress: told };
        let after = check(state(3, &["a"]), &[event(4, change.clone())], Folded::Corrected, &["a"]);
        let mut saving = JobState { job: after.job.clone(), ..state(3, &["a"]) };
        let changes = vec![domain::correction::Correction::Shift { from: Timestamp(0), by: 7 }];
        saving.edit(changes);
        assert!(saving.edits.outbox.send().is_some());
        // The answer to the own save tells.
        check(saving, &[event(5, change)], Folded::Applied, &["a"]);
    }

    #[test]
    fn an_expired_job_is_gone() {
        check(state(3, &["a"]), &[event(4, JobChange::Expired)], Folded::Gone, &["a"]);
    }

    #[test]
    fn a_stated_language_stays_until_one_is_heard() {
        let mut asked = state(1, &[]);
        asked.job.language = Some("fr".into());
        let after = check(asked, &[cues(2, 0, "a", 1)], Folded::Applied, &["a"]);
        assert_eq!(after.job.language.as_deref(), Some("fr"));
        let heard = Progress { language: Some("de".into()), language_confidence: Some(0.5), ..progress(1) };
        let after =
            check(after, &[event(3, JobChange::Progress { progress: heard })], Folded::Applied, &["a"]);
        assert_eq!((after.job.language.as_deref(), after.job.language_confidence), (Some("de"), Some(0.5)));
    }

    #[test]
    fn reading_anew_never_goes_back() {
        let mut held = state(5, &["a", "b"]);
        let (older, newer) = (state(4, &["a"]), state(6, &["a", "b", "c"]));
        let detail = |state: JobState| JobDetail {
            job: state.job,
            pages: state.pages.iter().map(|page| page.to_vec()).collect(),
            corrections: state.corrections,
            companion: state.companion,
        };
        assert!(!held.replace(detail(older)));
        let kept = Arc::clone(&held.pages[1]);
        assert!(held.replace(detail(newer)));
        assert_eq!(texts(&held), ["a", "b", "c"]);
        assert!(Arc::ptr_eq(&kept, &held.pages[1]));
    }
}
