//! Jobs that come back to the queue: given back, failed in passing, crashed, lost; and who may take them then.

use backend::{Backend, Claim, Finished, Outcome, Release, Requeued, Retried, Written};
use domain::{Job, JobStatus, Stage, WallTime};

use super::{append, claim, claimed, created, failure, get, success};
use crate::{MESSAGE, contract, in_an_hour};

contract![
    a_released_job_is_queued_with_its_pages_and_counts_why,
    a_repeated_release_counts_once,
    only_the_present_attempt_releases,
    a_message_that_comes_again_while_its_job_runs_counts_a_crash,
    a_duplicate_message_takes_no_job_from_its_worker,
    a_delivery_that_two_workers_have_is_one_workers,
    any_message_takes_a_released_job,
    the_end_counts_its_attempt,
    a_persons_retry_counts_anew,
    of_many_who_requeue_a_job_one_succeeds,
    a_requeued_job_fences_its_worker,
    a_job_that_changed_or_ended_is_not_requeued,
];

async fn a_released_job_is_queued_with_its_pages_and_counts_why(backend: &Backend) {
    let cases = [(Release::HandedBack, (0, 0)), (Release::Failed, (1, 0)), (Release::Crashed, (1, 1))];
    let mut job = created(backend).await;
    for (number, (release, counts)) in cases.into_iter().enumerate() {
        job = claim(backend, job.id).await;
        append(backend, &job, number as u32).await;
        let before = get(backend, job.id).await;
        let Requeued::Queued(released) = give_back(backend, &job, release).await else { panic!("fenced") };
        assert_eq!((released.failures, released.crashes), counts, "{release:?}");
        assert_eq!((released.status, released.progress.stage), (JobStatus::Queued, Stage::Waiting));
        assert!(released.version > before.version);
        assert_eq!(released.attempt, job.attempt);
        let progress = domain::Progress { stage: Stage::Waiting, eta_ms: None, ..before.progress };
        assert_eq!(released.progress, progress);
        assert_eq!(get(backend, job.id).await, *released);
    }
    assert_eq!(backend.store.pages(job.id, 0).await.unwrap().len(), 3);
}

async fn a_repeated_release_counts_once(backend: &Backend) {
    let job = claimed(backend).await;
    let first = give_back(backend, &job, Release::Failed).await;
    assert!(matches!(first, Requeued::Queued(_)));
    assert_eq!(give_back(backend, &job, Release::Failed).await, first);
    // Somebody else has it by then.
    claim(backend, job.id).await;
    assert_eq!(give_back(backend, &job, Release::Failed).await, Requeued::Fenced);
}

async fn only_the_present_attempt_releases(backend: &Backend) {
    let fresh = created(backend).await;
    assert_eq!(give_back(backend, &fresh, Release::Failed).await, Requeued::Fenced);

    let older = claimed(backend).await;
    let newer = claim(backend, older.id).await;
    assert_eq!(give_back(backend, &older, Release::HandedBack).await, Requeued::Fenced);
    assert_eq!(get(backend, older.id).await, newer);

    backend.store.finish(newer.id, newer.attempt, None, &success()).await.unwrap();
    assert_eq!(give_back(backend, &newer, Release::HandedBack).await, Requeued::Fenced);
    // Queued again under the same attempt number, but not by this release.
    let retried = backend.store.retry(newer.id, &newer.spec, in_an_hour()).await.unwrap();
    let Retried::Queued(retried) = retried else { panic!("{retried:?}") };
    assert_eq!(give_back(backend, &newer, Release::Crashed).await, Requeued::Fenced);
    assert_eq!(get(backend, newer.id).await, *retried);
    backend.store.delete(newer.id).await.unwrap();
    assert_eq!(give_back(backend, &newer, Release::HandedBack).await, Requeued::Fenced);
}

async fn a_message_that_comes_again_while_its_job_runs_counts_a_crash(backend: &Backend) {
    let job = claimed(backend).await;
    assert_eq!((job.failures, job.crashes), (0, 0));
    for crashes in 1..=3 {
        let again = claim(backend, job.id).await;
        assert_eq!((again.failures, again.crashes), (0, crashes));
    }
}

async fn a_duplicate_message_takes_no_job_from_its_worker(backend: &Backend) {
    let job = claimed(backend).await;
    let held = backend.store.claim(job.id, "a duplicate", 1).await.unwrap();
    assert_eq!(held, Claim::Held(Box::new(job.clone())));
    assert!(matches!(append(backend, &job, 0).await, Written::At(_)));
}

/// As when a proxy repeats the queue's answer to another worker.
async fn a_delivery_that_two_workers_have_is_one_workers(backend: &Backend) {
    let id = created(backend).await.id;
    let claims = (0..4).map(|_| backend.store.claim(id, MESSAGE, 2));
    let claims = futures::future::try_join_all(claims).await.unwrap();
    let won = claims.iter().filter(|claim| matches!(claim, Claim::Won(_))).count();
    let duplicates = claims.iter().filter(|claim| matches!(claim, Claim::Duplicate(_))).count();
    assert_eq!((won, duplicates), (1, 3), "{claims:?}");
    let job = get(backend, id).await;
    assert_eq!((job.attempt, job.crashes), (1, 0));

    // One that was late, too.
    let earlier = backend.store.claim(id, MESSAGE, 1).await.unwrap();
    assert_eq!(earlier, Claim::Duplicate(Box::new(job.clone())));
    assert!(matches!(append(backend, &job, 0).await, Written::At(_)));
    let later = backend.store.claim(id, MESSAGE, 3).await.unwrap();
    let Claim::Won(later) = later else { panic!("{later:?}") };
    assert_eq!((later.attempt, later.crashes), (2, 1));
}

async fn any_message_takes_a_released_job(backend: &Backend) {
    let job = claimed(backend).await;
    give_back(backend, &job, Release::HandedBack).await;
    let claimed = backend.store.claim(job.id, "a duplicate", 1).await.unwrap();
    let Claim::Won(claimed) = claimed else { panic!("{claimed:?}") };
    assert_eq!((claimed.attempt, claimed.crashes), (job.attempt + 1, 0));
    // Which is the duplicate now.
    assert!(matches!(backend.store.claim(job.id, MESSAGE, 2).await.unwrap(), Claim::Held(_)));
}

async fn the_end_counts_its_attempt(backend: &Backend) {
    for (counted, counts) in
        [(None, (0, 0)), (Some(Release::Failed), (1, 0)), (Some(Release::Crashed), (0, 1))]
    {
        let job = claimed(backend).await;
        let outcome = Outcome { counted, ..failure() };
        let Finished::First(ended) = backend.store.finish(job.id, job.attempt, None, &outcome).await.unwrap()
        else {
            panic!("not the first end")
        };
        assert_eq!((ended.failures, ended.crashes), counts, "{counted:?}");
    }
}

async fn a_persons_retry_counts_anew(backend: &Backend) {
    let job = claimed(backend).await;
    give_back(backend, &job, Release::Failed).await;
    let job = claim(backend, job.id).await;
    give_back(backend, &job, Release::Crashed).await;
    backend.store.cancel(job.id, WallTime::now()).await.unwrap();
    let retried = backend.store.retry(job.id, &job.spec, in_an_hour()).await.unwrap();
    let Retried::Queued(retried) = retried else { panic!("{retried:?}") };
    assert_eq!((retried.failures, retried.crashes), (0, 0));
}

async fn of_many_who_requeue_a_job_one_succeeds(backend: &Backend) {
    for (job, crashes) in [(created(backend).await, 0), (claimed(backend).await, 1)] {
        let requeues = (0..8).map(|_| backend.store.requeue(job.id, job.version));
        let requeued = futures::future::try_join_all(requeues).await.unwrap();
        let queued = requeued.iter().filter(|requeued| matches!(requeued, Requeued::Queued(_))).count();
        assert_eq!(queued, 1, "{requeued:?}");
        let stored = get(backend, job.id).await;
        assert_eq!((stored.status, stored.crashes), (JobStatus::Queued, crashes));
        assert!(stored.version > job.version);
    }
}

async fn a_requeued_job_fences_its_worker(backend: &Backend) {
    let job = claimed(backend).await;
    assert!(matches!(append(backend, &job, 0).await, Written::At(_)));
    let version = get(backend, job.id).await.version;
    let requeued = backend.store.requeue(job.id, version).await.unwrap();
    assert!(matches!(requeued, Requeued::Queued(_)), "{requeued:?}");
    assert_eq!(append(backend, &job, 1).await, Written::Fenced);
    assert_eq!(backend.store.finish(job.id, job.attempt, None, &success()).await.unwrap(), Finished::Fenced);
    assert_eq!(backend.store.pages(job.id, 0).await.unwrap().len(), 1);
}

async fn a_job_that_changed_or_ended_is_not_requeued(backend: &Backend) {
    let job = created(backend).await;
    let changed = claim(backend, job.id).await;
    assert_eq!(backend.store.requeue(job.id, job.version).await.unwrap(), Requeued::Fenced);
    assert_eq!(get(backend, job.id).await, changed);
    backend.store.cancel(job.id, WallTime::now()).await.unwrap();
    let ended = get(backend, job.id).await;
    assert_eq!(backend.store.requeue(job.id, ended.version).await.unwrap(), Requeued::Fenced);
    backend.store.delete(job.id).await.unwrap();
    assert_eq!(backend.store.requeue(job.id, ended.version).await.unwrap(), Requeued::Fenced);
}

async fn give_back(backend: &Backend, job: &Job, release: Release) -> Requeued {
    backend.store.release(job.id, job.run, job.attempt, release).await.unwrap()
}
