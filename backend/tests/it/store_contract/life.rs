//! From creation to the end, and after it.

use backend::{
    Backend, Cancelled, Claim, Created, Deleted, Finished, IdempotencyKey, Outcome, Release, Requeued,
    Retried, SavedCorrections, Written,
};
use domain::{
    Corrections, Job, JobSpec, JobStatus, Profile, Progress, Source, Stage, Track, Video, VideoHow, WallTime,
};

use super::{
    append, assert_ended, claim, claimed, completed, corrections, created, expect_gone, get, later, page,
    success, transcribing,
};
use crate::{contract, in_an_hour, new_id, new_job, spec};

contract![
    a_job_is_read_back_as_it_was_created,
    a_job_that_was_never_there_is_gone,
    a_taken_id_is_refused,
    a_repeated_create_is_success,
    the_same_key_and_wish_yield_the_first_job,
    the_same_key_for_another_wish_is_refused,
    a_create_repeated_with_its_key_is_success,
    a_key_is_free_again_when_its_job_is_gone,
    one_of_many_creates_with_one_key_wins,
    a_cancelled_job_stays_cancelled,
    a_repeated_cancel_is_success,
    a_retried_job_starts_over,
    an_unfinished_job_is_not_retried_by_the_same_wish,
    an_unfinished_job_starts_over_by_another_wish,
    a_repeated_retry_is_success,
    a_retry_with_another_source_forgets_the_media,
    a_video_that_is_made_again_is_not_there_meanwhile,
    a_job_names_its_translation,
    a_deleted_job_never_returns,
    a_job_past_its_time_does_not_exist,
    an_expired_job_can_be_swept,
];

async fn a_job_is_read_back_as_it_was_created(backend: &Backend) {
    let mut job = new_job();
    job.spec.title = "\u{0}'\"; DROP TABLE jobs; 日本語 \u{1F3AC}".into();
    job.spec.source = Source::Upload { filename: "a \u{202e}b.mp4".into(), bytes: u64::from(u32::MAX) + 1 };
    assert_eq!(backend.store.create(&job, None).await.unwrap(), Created::New);
    assert_eq!(get(backend, job.id).await, job);
}

async fn a_job_that_was_never_there_is_gone(backend: &Backend) {
    let id = new_id();
    expect_gone(backend, id).await;
    assert_eq!(backend.store.claim(id, crate::MESSAGE, 1).await.unwrap(), Claim::Gone);
    assert_eq!(backend.store.report(id, 1, &transcribing(0.1)).await.unwrap(), Written::Fenced);
    let appended = backend.store.append_cues(id, 1, &page(0), &transcribing(0.1)).await.unwrap();
    assert_eq!(appended, Written::Fenced);
    assert_eq!(backend.store.finish(id, 1, None, &success()).await.unwrap(), Finished::Fenced);
    assert_eq!(backend.store.abandon(id, 0, &success()).await.unwrap(), Finished::Fenced);
    assert_eq!(backend.store.cancel(id, WallTime::now()).await.unwrap(), Cancelled::Gone);
    assert_eq!(backend.store.retry(id, &spec(), in_an_hour()).await.unwrap(), Retried::Gone);
    assert_eq!(backend.store.delete(id).await.unwrap(), Deleted::Gone);
    let saved = backend.store.save_corrections(id, 0, &Corrections::default()).await.unwrap();
    assert_eq!(saved, SavedCorrections::Gone);
}

async fn a_taken_id_is_refused(backend: &Backend) {
    let first = created(backend).await;
    let other = Job { spec: JobSpec { title: "Another".into(), ..spec() }, ..first.clone() };
    assert_eq!(backend.store.create(&other, None).await.unwrap(), Created::IdTaken);
    assert_eq!(get(backend, first.id).await, first);
}

async fn a_repeated_create_is_success(backend: &Backend) {
    let job = created(backend).await;
    assert_eq!(backend.store.create(&job, None).await.unwrap(), Created::New);
    assert_eq!(get(backend, job.id).await, job);
}

async fn the_same_key_and_wish_yield_the_first_job(backend: &Backend) {
    let (first, second) = (new_job(), new_job());
    assert_eq!(backend.store.create(&first, Some(&key("wish"))).await.unwrap(), Created::New);
    let first = claim(backend, first.id).await;
    let created = backend.store.create(&second, Some(&key("wish"))).await.unwrap();
    assert_eq!(created, Created::Same(Box::new(first)));
    expect_gone(backend, second.id).await;
}

async fn the_same_key_for_another_wish_is_refused(backend: &Backend) {
    let (first, second) = (new_job(), new_job());
    backend.store.create(&first, Some(&key("wish"))).await.unwrap();
    assert_eq!(backend.store.create(&second, Some(&key("other"))).await.unwrap(), Created::KeyReused);
    expect_gone(backend, second.id).await;
}

/// Or a server whose first answer got lost would not send the message.
async fn a_create_repeated_with_its_key_is_success(backend: &Backend) {
    let job = new_job();
    for _ in 0..2 {
        assert_eq!(backend.store.create(&job, Some(&key("wish"))).await.unwrap(), Created::New);
    }
}

async fn a_key_is_free_again_when_its_job_is_gone(backend: &Backend) {
    let deleted = new_job();
    backend.store.create(&deleted, Some(&key("wish"))).await.unwrap();
    backend.store.delete(deleted.id).await.unwrap();
    let expired = Job { expires_at: WallTime::now(), ..new_job() };
    assert_eq!(backend.store.create(&expired, Some(&key("other"))).await.unwrap(), Created::New);
    assert_eq!(backend.store.create(&new_job(), Some(&key("wish"))).await.unwrap(), Created::New);
}

async fn one_of_many_creates_with_one_key_wins(backend: &Backend) {
    let jobs: Vec<Job> = (0..10).map(|_| new_job()).collect();
    let key = key("wish");
    let creates = jobs.iter().map(|job| backend.store.create(job, Some(&key)));
    let created: Vec<Created> = futures::future::try_join_all(creates).await.unwrap();
    let winner = jobs[created.iter().position(|created| *created == Created::New).unwrap()].id;
    for other in created.into_iter().filter(|created| *created != Created::New) {
        assert!(matches!(&other, Created::Same(job) if job.id == winner), "{other:?}");
    }
}

async fn a_cancelled_job_stays_cancelled(backend: &Backend) {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    let Cancelled::Done(cancelled) = backend.store.cancel(job.id, WallTime::now()).await.unwrap() else {
        panic!("not cancelled");
    };
    assert_ended(&cancelled, JobStatus::Cancelled);

    assert_eq!(append(backend, &job, 1).await, Written::Fenced);
    assert_eq!(backend.store.report(job.id, job.attempt, &transcribing(0.6)).await.unwrap(), Written::Fenced);
    assert_eq!(
        backend.store.finish(job.id, job.attempt, None, &success()).await.unwrap(),
        Finished::Already(cancelled.clone())
    );
    assert_eq!(
        backend.store.abandon(job.id, 0, &success()).await.unwrap(),
        Finished::Already(cancelled.clone())
    );
    assert_eq!(
        backend.store.claim(job.id, crate::MESSAGE, 1).await.unwrap(),
        Claim::Terminal(cancelled.clone())
    );
    assert_eq!(get(backend, job.id).await, *cancelled);
    assert_eq!(backend.store.pages(job.id, 0).await.unwrap().len(), 1, "what was heard stays readable");
}

async fn a_repeated_cancel_is_success(backend: &Backend) {
    let id = created(backend).await.id;
    let now = WallTime::now();
    let first = backend.store.cancel(id, now).await.unwrap();
    assert!(matches!(first, Cancelled::Done(_)));
    assert_eq!(backend.store.cancel(id, now).await.unwrap(), first);
    let later = now + std::time::Duration::from_secs(1);
    assert!(matches!(backend.store.cancel(id, later).await.unwrap(), Cancelled::Already(_)));
    let ended = completed(backend).await;
    let again = backend.store.cancel(ended.id, now).await.unwrap();
    assert_eq!(again, Cancelled::Already(Box::new(ended)));
}

async fn a_retried_job_starts_over(backend: &Backend) {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    let with_media = Progress { has_media: true, ..transcribing(0.7) };
    backend.store.report(job.id, job.attempt, &with_media).await.unwrap();
    backend.store.finish(job.id, job.attempt, None, &success()).await.unwrap();
    let ended = get(backend, job.id).await;
    let typed = Corrections::whole(&Track::new(None, page(0).cues).unwrap());
    backend.store.save_corrections(job.id, 0, &typed).await.unwrap();

    let spec = JobSpec { language: Some("de".into()), ..spec() };
    let expires_at = in_an_hour();
    let Retried::Queued(queued) = backend.store.retry(job.id, &spec, expires_at).await.unwrap() else {
        panic!("not queued");
    };
    let expected = Job {
        version: later(ended.version, 2),
        status: JobStatus::Queued,
        run: 1,
        held_by: None,
        held_receive: 0,
        spec,
        // That they are gone is a change of the corrections, too.
        progress: Progress { has_media: true, corrections: 2, ..Progress::default() },
        failure: None,
        started_at: None,
        finished_at: None,
        expires_at,
        ..ended
    };
    assert_eq!(*queued, expected);
    assert_eq!(get(backend, job.id).await, expected);
    assert_eq!(backend.store.pages(job.id, 0).await.unwrap(), []);
    assert_eq!(corrections(backend, job.id).await, Corrections::default());

    // The attempt of the run before is fenced, before and after the next claim.
    assert_eq!(append(backend, &job, 0).await, Written::Fenced);
    let next = claim(backend, job.id).await;
    assert!(next.attempt > job.attempt);
    assert_eq!(append(backend, &job, 0).await, Written::Fenced);
    assert_eq!(backend.store.finish(job.id, job.attempt, None, &success()).await.unwrap(), Finished::Fenced);
    assert!(matches!(append(backend, &next, 0).await, Written::At(_)));
}

async fn an_unfinished_job_is_not_retried_by_the_same_wish(backend: &Backend) {
    let queued = created(backend).await;
    let running = claimed(backend).await;
    for job in [queued, running] {
        let retried = backend.store.retry(job.id, &job.spec, in_an_hour()).await.unwrap();
        assert_eq!(retried, Retried::Unfinished(Box::new(job)));
    }
}

async fn an_unfinished_job_starts_over_by_another_wish(backend: &Backend) {
    let queued = created(backend).await;
    let running = claimed(backend).await;
    append(backend, &running, 0).await;
    let french = JobSpec { language: Some("fr".into()), ..spec() };
    let expires_at = in_an_hour();
    for job in [queued, running] {
        let before = get(backend, job.id).await;
        let Retried::Queued(restarted) = backend.store.retry(job.id, &french, expires_at).await.unwrap()
        else {
            panic!("not queued");
        };
        assert_eq!((restarted.status, restarted.run, restarted.progress.pages), (JobStatus::Queued, 1, 0));
        assert_eq!((&restarted.spec, restarted.version), (&french, later(before.version, 1)));
        assert_eq!(backend.store.pages(job.id, 0).await.unwrap(), []);
        let again = backend.store.retry(job.id, &french, expires_at).await.unwrap();
        assert_eq!(again, Retried::Queued(restarted.clone()));

        // Whoever worked on it is fenced, and cannot give it back or end it.
        let (id, attempt) = (job.id, job.attempt);
        assert_eq!(append(backend, &job, 0).await, Written::Fenced);
        assert_eq!(backend.store.finish(id, attempt, None, &success()).await.unwrap(), Finished::Fenced);
        let released = backend.store.release(id, job.run, attempt, Release::HandedBack).await.unwrap();
        assert_eq!(released, Requeued::Fenced);
        // Its message holds the job no more than any other.
        let claim = backend.store.claim(id, "another message", 1).await.unwrap();
        let Claim::Won(next) = claim else { panic!("not claimed") };
        assert!(next.attempt > attempt);
        assert_eq!(append(backend, &job, 0).await, Written::Fenced);
        assert!(matches!(append(backend, &next, 0).await, Written::At(_)));
        let late = backend.store.claim(id, crate::MESSAGE, 2).await.unwrap();
        assert!(matches!(late, Claim::Held(_)));
    }
}

async fn a_job_names_its_translation(backend: &Backend) {
    let (store, job) = (&backend.store, claimed(backend).await);
    let (first, second) = (new_id(), new_id());
    for (translation, steps) in [(first, 1), (first, 1), (second, 2)] {
        let named = store.link_translation(job.id, translation).await.unwrap().unwrap();
        assert_eq!((named.translation, named.version), (Some(translation), later(job.version, steps)));
    }
    // The worker goes on, and so does the name.
    append(backend, &job, 0).await;
    backend.store.finish(job.id, job.attempt, None, &success()).await.unwrap();
    assert!(matches!(store.retry(job.id, &spec(), in_an_hour()).await.unwrap(), Retried::Queued(_)));
    assert_eq!(get(backend, job.id).await.translation, Some(second));
    assert_eq!(store.link_translation(new_id(), first).await.unwrap(), None);
}

async fn a_repeated_retry_is_success(backend: &Backend) {
    let job = completed(backend).await;
    let expires_at = in_an_hour();
    let first = backend.store.retry(job.id, &job.spec, expires_at).await.unwrap();
    assert!(matches!(first, Retried::Queued(_)));
    assert_eq!(backend.store.retry(job.id, &job.spec, expires_at).await.unwrap(), first);
}

async fn a_retry_with_another_source_forgets_the_media(backend: &Backend) {
    let job = claimed(backend).await;
    let with_media = Progress { has_media: true, ..transcribing(0.1) };
    backend.store.report(job.id, job.attempt, &with_media).await.unwrap();
    backend.store.finish(job.id, job.attempt, None, &success()).await.unwrap();
    let spec = JobSpec { source: Source::Link { url: "http://media.test/other.mp4".into() }, ..spec() };
    backend.store.retry(job.id, &spec, in_an_hour()).await.unwrap();
    assert!(!get(backend, job.id).await.progress.has_media);
}

async fn a_video_that_is_made_again_is_not_there_meanwhile(backend: &Backend) {
    let video = Video { of: new_id(), how: VideoHow::Burn, offset_ms: -250 };
    let job = new_job();
    let job = Job { spec: job.spec.video(video, Profile::Bbc), ..job };
    backend.store.create(&job, None).await.unwrap();
    let job = claim(backend, job.id).await;
    assert_eq!(job.spec.video, Some(video));
    let made = Outcome { progress: Progress { has_media: true, ..transcribing(1.0) }, ..success() };
    backend.store.finish(job.id, job.attempt, None, &made).await.unwrap();
    assert!(get(backend, job.id).await.progress.has_media);
    backend.store.retry(job.id, &job.spec, in_an_hour()).await.unwrap();
    assert!(!get(backend, job.id).await.progress.has_media);
}

async fn a_deleted_job_never_returns(backend: &Backend) {
    let job = claimed(backend).await;
    append(backend, &job, 0).await;
    let version = get(backend, job.id).await.version;
    assert_eq!(backend.store.delete(job.id).await.unwrap(), Deleted::At(later(version, 1)));
    assert_eq!(backend.store.delete(job.id).await.unwrap(), Deleted::Gone);

    expect_gone(backend, job.id).await;
    assert_eq!(append(backend, &job, 1).await, Written::Fenced);
    assert_eq!(backend.store.finish(job.id, job.attempt, None, &success()).await.unwrap(), Finished::Fenced);
    assert_eq!(backend.store.claim(job.id, crate::MESSAGE, 1).await.unwrap(), Claim::Gone);
    assert_eq!(backend.store.cancel(job.id, WallTime::now()).await.unwrap(), Cancelled::Gone);
    expect_gone(backend, job.id).await;
}

async fn a_job_past_its_time_does_not_exist(backend: &Backend) {
    let job = completed(backend).await;
    let expired = Job { expires_at: WallTime::now(), ..new_job() };
    backend.store.create(&expired, None).await.unwrap();
    expect_gone(backend, expired.id).await;
    assert_eq!(backend.store.claim(expired.id, crate::MESSAGE, 1).await.unwrap(), Claim::Gone);
    assert_eq!(backend.store.cancel(expired.id, WallTime::now()).await.unwrap(), Cancelled::Gone);
    assert_eq!(backend.store.retry(expired.id, &spec(), in_an_hour()).await.unwrap(), Retried::Gone);

    // An end in the past ends the existence with it, cues and all.
    let job = match backend.store.retry(job.id, &job.spec, in_an_hour()).await.unwrap() {
        Retried::Queued(job) => claim(backend, job.id).await,
        other => panic!("{other:?}"),
    };
    append(backend, &job, 0).await;
    let outcome = backend::Outcome { expires_at: WallTime::now(), ..success() };
    assert!(matches!(
        backend.store.finish(job.id, job.attempt, None, &outcome).await.unwrap(),
        Finished::First(_)
    ));
    expect_gone(backend, job.id).await;
}

async fn an_expired_job_can_be_swept(backend: &Backend) {
    let expired: Vec<Job> = (0..3).map(|_| Job { expires_at: WallTime::now(), ..new_job() }).collect();
    for job in &expired {
        backend.store.create(job, None).await.unwrap();
    }
    let living = created(backend).await;
    assert_eq!(backend.store.expired(2).await.unwrap().len(), 2);
    let mut ids = backend.store.expired(10).await.unwrap();
    ids.sort();
    let mut expected: Vec<_> = expired.iter().map(|job| job.id).collect();
    expected.sort();
    assert_eq!(ids, expected);
    for id in ids {
        assert!(matches!(backend.store.delete(id).await.unwrap(), Deleted::At(_)));
    }
    assert_eq!(backend.store.expired(10).await.unwrap(), []);
    assert_eq!(get(backend, living.id).await.progress.stage, Stage::Waiting);
}

/// Always the same key, for one wish or another.
fn key(fingerprint: &str) -> IdempotencyKey {
    IdempotencyKey { key: "once".into(), fingerprint: fingerprint.into() }
}
