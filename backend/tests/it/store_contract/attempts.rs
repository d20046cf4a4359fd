//! Who may write: the newest attempt, until the end.

use backend::{Backend, Claim, Finished, Outcome, Written};
use domain::{CuePage, Failure, Job, JobStatus, Progress, Stage, Timestamp, WallTime};

use super::{
    append, assert_ended, claim, claimed, created, failure, get, later, page, success, transcribing,
};
use crate::{contract, in_an_hour};

contract![
    a_claim_starts_an_attempt,
    a_run_starts_with_its_first_claim,
    every_change_raises_the_version_by_a_step,
    a_newer_attempt_fences_the_older,
    a_new_attempt_resumes_after_the_last_page,
    pages_come_back_as_they_were_appended,
    a_page_out_of_order_is_refused,
    the_repeat_of_the_last_page_is_success,
    the_last_page_with_other_cues_is_refused,
    only_appended_pages_move_the_count_of_pages,
    what_is_known_of_the_media_stays_known,
    the_fraction_never_falls,
    a_fraction_that_is_no_number_is_ignored,
    a_job_completes_once,
    a_job_ends_together_with_its_last_page,
    a_last_page_that_is_not_the_next_is_refused_with_the_end,
    the_last_page_of_an_older_attempt_is_fenced_with_its_end,
    a_failed_job_says_why,
    a_job_that_nobody_claimed_cannot_finish,
    an_abandoned_job_fails_whoever_held_it,
    a_dead_letter_of_an_earlier_run_does_not_end_the_next,
    one_of_many_claims_at_once_holds_the_job,
];

async fn a_claim_starts_an_attempt(backend: &Backend) {
    let job = created(backend).await;
    for attempt in 1..=3 {
        let claimed = claim(backend, job.id).await;
        assert_eq!((claimed.attempt, claimed.status), (attempt, JobStatus::Running));
        assert_eq!(claimed.progress.stage, Stage::Preparing);
        assert_eq!(get(backend, job.id).await, claimed);
    }
}

async fn a_run_starts_with_its_first_claim(backend: &Backend) {
    let queued = created(backend).await;
    assert_eq!(queued.started_at, None);
    let before = WallTime::now();
    let first = claim(backend, queued.id).await;
    assert!(first.started_at.is_some_and(|start| before <= start && start <= WallTime::now()));
    let second = claim(backend, queued.id).await;
    assert_eq!(second.started_at, first.started_at);
    backend.store.cancel(queued.id, WallTime::now()).await.unwrap();
    assert_eq!(get(backend, queued.id).await.started_at, first.started_at);
    backend.store.retry(queued.id, &queued.spec, in_an_hour()).await.unwrap();
    assert_eq!(get(backend, queued.id).await.started_at, None);
}

async fn every_change_raises_the_version_by_a_step(backend: &Backend) {
    let queued = created(backend).await;
    let at = |changes| Written::At(later(queued.version, changes));
    assert_eq!(queued.version, Job::VERSION_STEP);
    let job = claim(backend, queued.id).await;
    assert_eq!(Written::At(job.version), at(1));
    let reported = backend.store.report(job.id, job.attempt, &transcribing(0.1)).await.unwrap();
    assert_eq!(reported, at(2));
    assert_eq!(append(backend, &job, 0).await, at(3));
    assert_eq!(append(backend, &job, 1).await, at(4));
    backend.store.finish(job.id, job.attempt, None, &success()).await.unwrap();
    assert_eq!(Written::At(get(backend, job.id).await.version), at(5));
}

async fn a_job_ends_together_with_its_last_page(backend: &Backend) {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    let outcome = success();
    let finished = backend.store.finish(job.id, job.attempt, Some(&page(1)), &outcome).await.unwrap();
    let Finished::First(ended) = finished else { panic!("not the first") };
    assert_ended(&ended, JobStatus::Completed);
    assert_eq!(ended.version, later(job.version, 3));
    assert_eq!((ended.progress.pages, ended.progress.cues), (2, 4));
    assert_eq!(ended.progress.transcribed, Timestamp(20_000));
    // The page is a version of its own: whoever heard it and not the end misses the end alone.
    let last = CuePage { version: later(job.version, 2), ..page(1) };
    assert_eq!(pages(backend, &job, later(job.version, 1)).await, std::slice::from_ref(&last));
    let read = backend.store.read(job.id).await.unwrap().unwrap();
    assert_eq!((read.job, read.pages.last()), (*ended.clone(), Some(&last)));

    let again = backend.store.finish(job.id, job.attempt, Some(&page(1)), &outcome).await.unwrap();
    assert_eq!(again, Finished::Already(ended));
    assert_eq!(pages(backend, &job, 0).await.len(), 2);
}

async fn a_last_page_that_is_not_the_next_is_refused_with_the_end(backend: &Backend) {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    let before = get(backend, job.id).await;
    for number in [0, 2] {
        let finished = backend.store.finish(job.id, job.attempt, Some(&page(number)), &success()).await;
        assert!(!finished.unwrap_err().is_transient());
    }
    assert_eq!(get(backend, job.id).await, before);
}

async fn the_last_page_of_an_older_attempt_is_fenced_with_its_end(backend: &Backend) {
    let older = claimed(backend).await;
    let newer = claim(backend, older.id).await;
    let finished = backend.store.finish(older.id, older.attempt, Some(&page(0)), &success()).await.unwrap();
    assert_eq!(finished, Finished::Fenced);
    assert_eq!(get(backend, older.id).await, newer);
    assert_eq!(pages(backend, &newer, 0).await, []);
}

async fn a_newer_attempt_fences_the_older(backend: &Backend) {
    let older = claimed(backend).await;
    let newer = claim(backend, older.id).await;
    assert_eq!(append(backend, &older, 0).await, Written::Fenced);
    let reported = backend.store.report(older.id, older.attempt, &transcribing(0.1)).await.unwrap();
    assert_eq!(reported, Written::Fenced);
    assert_eq!(
        backend.store.finish(older.id, older.attempt, None, &failure()).await.unwrap(),
        Finished::Fenced
    );
    // Nor one that does not exist yet.
    let reported = backend.store.report(older.id, newer.attempt + 1, &transcribing(0.1)).await.unwrap();
    assert_eq!(reported, Written::Fenced);
    assert_eq!(get(backend, older.id).await, newer);
}

async fn a_new_attempt_resumes_after_the_last_page(backend: &Backend) {
    let first = claimed(backend).await;
    append(backend, &first, 0).await;
    append(backend, &first, 1).await;
    let second = claim(backend, first.id).await;
    assert_eq!(second.progress.pages, 2);
    assert_eq!(second.progress.cues, 4);
    assert_eq!(second.progress.transcribed, Timestamp(20_000));
    assert!(matches!(append(backend, &second, 2).await, Written::At(_)));
    let numbers: Vec<u32> = pages(backend, &second, 0).await.iter().map(|page| page.number).collect();
    assert_eq!(numbers, [0, 1, 2]);
}

async fn pages_come_back_as_they_were_appended(backend: &Backend) {
    let job = claimed(backend).await;
    let mut expected = Vec::new();
    for number in 0..3 {
        let Written::At(version) = append(backend, &job, number).await else { panic!("fenced") };
        expected.push(CuePage { version, ..page(number) });
    }
    assert_eq!(pages(backend, &job, 0).await, expected);
    assert_eq!(pages(backend, &job, expected[0].version).await, expected[1..]);
    assert_eq!(pages(backend, &job, expected[2].version).await, []);
    assert_eq!(pages(backend, &job, u64::MAX).await, []);
}

async fn a_page_out_of_order_is_refused(backend: &Backend) {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    append(backend, &job, 1).await;
    let before = get(backend, job.id).await;
    for number in [0, 3, u32::MAX] {
        let page = CuePage { number, ..page(0) };
        let refused = backend.store.append_cues(job.id, job.attempt, &page, &transcribing(0.5)).await;
        assert!(!refused.unwrap_err().is_transient());
    }
    assert_eq!(get(backend, job.id).await, before);
}

async fn the_repeat_of_the_last_page_is_success(backend: &Backend) {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    let first = append(backend, &job, 1).await;
    assert_eq!(append(backend, &job, 1).await, first);
    let stored = get(backend, job.id).await;
    assert_eq!((stored.progress.pages, stored.progress.cues), (2, 4));

    backend.store.report(job.id, job.attempt, &transcribing(0.6)).await.unwrap();
    assert_eq!(append(backend, &job, 1).await, Written::At(later(stored.version, 1)));
}

async fn the_last_page_with_other_cues_is_refused(backend: &Backend) {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    let other = CuePage { cues: Vec::new(), ..page(0) };
    let refused = backend.store.append_cues(job.id, job.attempt, &other, &transcribing(0.5)).await;
    assert!(!refused.unwrap_err().is_transient());
    assert_eq!(pages(backend, &job, 0).await[0].cues, page(0).cues);
}

async fn only_appended_pages_move_the_count_of_pages(backend: &Backend) {
    let job = claimed(backend).await;
    let boast = Progress { pages: 7, cues: 70, transcribed: Timestamp(99), ..transcribing(0.1) };
    backend.store.report(job.id, job.attempt, &boast).await.unwrap();
    assert_eq!(get(backend, job.id).await.progress, transcribing(0.1));
    backend.store.append_cues(job.id, job.attempt, &page(0), &boast).await.unwrap();
    let outcome = Outcome { progress: boast, ..failure() };
    backend.store.finish(job.id, job.attempt, None, &outcome).await.unwrap();
    let stored = get(backend, job.id).await.progress;
    assert_eq!((stored.pages, stored.cues, stored.transcribed), (1, 2, Timestamp(10_000)));
}

async fn what_is_known_of_the_media_stays_known(backend: &Backend) {
    let job = claimed(backend).await;
    let known = Progress {
        duration_ms: Some(60_000),
        language: Some("de".into()),
        language_confidence: Some(0.75),
        has_media: true,
        eta_ms: Some(5_000),
        ..transcribing(0.2)
    };
    backend.store.report(job.id, job.attempt, &known).await.unwrap();
    backend.store.report(job.id, job.attempt, &transcribing(0.3)).await.unwrap();
    let expected = Progress { fraction: 0.3, eta_ms: None, ..known };
    assert_eq!(get(backend, job.id).await.progress, expected);
    let next = claim(backend, job.id).await;
    assert_eq!(next.progress, Progress { stage: Stage::Preparing, ..expected });
}

async fn the_fraction_never_falls(backend: &Backend) {
    let job = claimed(backend).await;
    for (reported, stored) in [(0.2, 0.2), (0.1, 0.2), (0.5, 0.5), (-3.0, 0.5), (7.0, 1.0)] {
        backend.store.report(job.id, job.attempt, &transcribing(reported)).await.unwrap();
        assert_eq!(get(backend, job.id).await.progress.fraction, stored, "after {reported}");
    }
}

async fn a_fraction_that_is_no_number_is_ignored(backend: &Backend) {
    let job = claimed(backend).await;
    backend.store.report(job.id, job.attempt, &transcribing(0.2)).await.unwrap();
    backend.store.report(job.id, job.attempt, &transcribing(f32::NAN)).await.unwrap();
    assert_eq!(get(backend, job.id).await.progress.fraction, 0.2);
}

async fn a_job_completes_once(backend: &Backend) {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    let outcome = success();
    let Finished::First(ended) = backend.store.finish(job.id, job.attempt, None, &outcome).await.unwrap()
    else {
        panic!("not the first");
    };
    assert_ended(&ended, JobStatus::Completed);
    assert_eq!(ended.progress.fraction, 1.0);
    assert_eq!((ended.finished_at, ended.expires_at), (Some(outcome.finished_at), outcome.expires_at));
    assert_eq!(get(backend, job.id).await, *ended);

    for attempt in [job.attempt, job.attempt + 1] {
        let again = backend.store.finish(job.id, attempt, None, &failure()).await.unwrap();
        assert_eq!(again, Finished::Already(ended.clone()));
    }
    assert_eq!(backend.store.claim(job.id, crate::MESSAGE, 1).await.unwrap(), Claim::Terminal(ended.clone()));
    assert_eq!(append(backend, &job, 1).await, Written::Fenced);
    assert_eq!(get(backend, job.id).await, *ended);
}

async fn a_failed_job_says_why(backend: &Backend) {
    let job = claimed(backend).await;
    backend.store.finish(job.id, job.attempt, None, &failure()).await.unwrap();
    let ended = get(backend, job.id).await;
    assert_ended(&ended, JobStatus::Failed);
    assert_eq!(ended.failure, Some(Failure::MediaTooLong { limit_ms: 7_200_000 }));
}

async fn a_job_that_nobody_claimed_cannot_finish(backend: &Backend) {
    let job = created(backend).await;
    assert_eq!(backend.store.finish(job.id, 0, None, &success()).await.unwrap(), Finished::Fenced);
    assert_eq!(append(backend, &job, 0).await, Written::Fenced);
    assert_eq!(get(backend, job.id).await, job);
}

async fn an_abandoned_job_fails_whoever_held_it(backend: &Backend) {
    let outcome = Outcome { failure: Some(Failure::EngineCrashed), ..success() };
    for job in [created(backend).await, claimed(backend).await] {
        assert!(matches!(backend.store.abandon(job.id, 0, &outcome).await.unwrap(), Finished::First(_)));
        let ended = get(backend, job.id).await;
        assert_ended(&ended, JobStatus::Failed);
        let again = backend.store.abandon(job.id, 0, &success()).await.unwrap();
        assert_eq!(again, Finished::Already(Box::new(ended)));
        assert_eq!(append(backend, &job, 0).await, Written::Fenced);
    }
}

async fn one_of_many_claims_at_once_holds_the_job(backend: &Backend) {
    let job = created(backend).await;
    let claims = (1..=10).map(|receive_count| backend.store.claim(job.id, crate::MESSAGE, receive_count));
    let claims = futures::future::try_join_all(claims).await.unwrap();
    let mut won = Vec::new();
    for claim in claims {
        match claim {
            Claim::Won(job) => won.push(job),
            // A later delivery was quicker.
            claim => assert!(matches!(claim, Claim::Duplicate(_)), "{claim:?}"),
        }
    }
    let mut attempts: Vec<u32> = won.iter().map(|job| job.attempt).collect();
    attempts.sort();
    assert_eq!(attempts, Vec::from_iter(1..=won.len() as u32));
    let ends = won.iter().map(|job| async {
        let finished = backend.store.finish(job.id, job.attempt, None, &success()).await.unwrap();
        matches!(finished, Finished::First(_))
    });
    let firsts = futures::future::join_all(ends).await.into_iter().filter(|is_first| *is_first).count();
    assert_eq!(firsts, 1);
}

async fn pages(backend: &Backend, job: &domain::Job, after: u64) -> Vec<CuePage> {
    backend.store.pages(job.id, after).await.unwrap()
}

/// Found by cancelling and retrying a job between the death of its message and the sweep of it.
async fn a_dead_letter_of_an_earlier_run_does_not_end_the_next(backend: &Backend) {
    let job = claimed(backend).await;
    backend.store.cancel(job.id, WallTime::now()).await.unwrap();
    backend.store.retry(job.id, &job.spec, in_an_hour()).await.unwrap();
    let outcome = failure();
    assert_eq!(backend.store.abandon(job.id, job.run, &outcome).await.unwrap(), Finished::Fenced);
    let next = claim(backend, job.id).await;
    assert_eq!(next.run, job.run + 1);
    assert_eq!(backend.store.abandon(job.id, job.run, &outcome).await.unwrap(), Finished::Fenced);
    assert_eq!(append(backend, &next, 0).await, Written::At(later(next.version, 1)));
    assert!(matches!(backend.store.abandon(job.id, next.run, &outcome).await.unwrap(), Finished::First(_)));
}
