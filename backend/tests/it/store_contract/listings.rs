//! Lists of jobs.

use std::time::Duration;

use backend::{Backend, InvalidCursor, JobCounts, JobPage, Listing};
use domain::{Job, JobId, JobStatus, WallTime};

use super::{claim, claimed, completed, created, success};
use crate::{contract, new_job};

contract![
    recent_jobs_come_newest_first,
    a_listing_is_walked_by_its_cursor,
    a_listing_goes_on_behind_any_of_its_jobs,
    a_listing_by_status_holds_only_these,
    jobs_of_the_same_moment_are_all_listed,
    a_job_added_meanwhile_shifts_no_page,
    a_cursor_that_nobody_gave_out_is_refused,
    gone_jobs_are_not_listed,
    finished_jobs_come_oldest_end_first,
    the_last_finished_jobs_come_newest_end_first,
    jobs_are_counted_by_status,
];

async fn recent_jobs_come_newest_first(backend: &Backend) {
    let jobs = aged(backend, &[30, 10, 20]).await;
    let page = recent(backend, None, 10, None).await;
    assert_eq!(ids(&page.jobs), [jobs[1].id, jobs[2].id, jobs[0].id]);
    assert_eq!(page.cursor, None);
    assert_eq!(page.jobs[0], jobs[1]);
}

async fn a_listing_is_walked_by_its_cursor(backend: &Backend) {
    let jobs = aged(backend, &[0, 1, 2, 3, 4, 5]).await;
    for limit in 1..=7 {
        assert_eq!(walk(backend, None, limit).await, ids(&jobs), "{limit} at once");
    }
}

async fn a_listing_goes_on_behind_any_of_its_jobs(backend: &Backend) {
    let jobs = ids(&aged(backend, &[0, 1, 2, 2, 3]).await);
    let listed = recent(backend, None, 10, None).await.jobs;
    assert_eq!(listed.len(), jobs.len());
    for (index, job) in listed.iter().enumerate() {
        let rest = recent(backend, None, 10, Some(Listing::cursor_after(job))).await;
        assert_eq!(ids(&rest.jobs), ids(&listed[index + 1..]));
    }
}

async fn a_listing_by_status_holds_only_these(backend: &Backend) {
    let queued = created(backend).await;
    let running = claimed(backend).await;
    let ended = completed(backend).await;
    let cancelled = created(backend).await;
    backend.store.cancel(cancelled.id, WallTime::now()).await.unwrap();
    let of = async |status| ids(&recent(backend, Some(status), 10, None).await.jobs);
    assert_eq!(of(JobStatus::Queued).await, [queued.id]);
    assert_eq!(of(JobStatus::Running).await, [running.id]);
    assert_eq!(of(JobStatus::Completed).await, [ended.id]);
    assert_eq!(of(JobStatus::Cancelled).await, [cancelled.id]);
    assert_eq!(of(JobStatus::Failed).await, []);

    let more = aged(backend, &[10, 20, 30]).await;
    let expected = [&[queued.id][..], &ids(&more)].concat();
    assert_eq!(walk(backend, Some(JobStatus::Queued), 2).await, expected);
}

async fn jobs_are_counted_by_status(backend: &Backend) {
    assert_eq!(backend.store.counts().await.unwrap(), JobCounts::default());
    aged(backend, &[10, 20, 30]).await;
    claimed(backend).await;
    completed(backend).await;
    completed(backend).await;
    let cancelled = created(backend).await;
    backend.store.cancel(cancelled.id, WallTime::now()).await.unwrap();
    let expect = JobCounts { queued: 3, running: 1, completed: 2, failed: 0, cancelled: 1 };
    assert_eq!(backend.store.counts().await.unwrap(), expect);
}

async fn jobs_of_the_same_moment_are_all_listed(backend: &Backend) {
    let jobs = aged(backend, &[10; 7]).await;
    let mut listed = walk(backend, None, 2).await;
    listed.sort();
    let mut expected = ids(&jobs);
    expected.sort();
    assert_eq!(listed, expected);
}

async fn a_job_added_meanwhile_shifts_no_page(backend: &Backend) {
    let jobs = aged(backend, &[10, 20, 30, 40]).await;
    let first = recent(backend, None, 2, None).await;
    aged(backend, &[0]).await;
    let second = recent(backend, None, 2, first.cursor).await;
    assert_eq!(ids(&second.jobs), ids(&jobs[2..]));
}

async fn a_cursor_that_nobody_gave_out_is_refused(backend: &Backend) {
    for cursor in ["", ".", "1", "1.2", "x.00000000000000000000000000000000", "\u{0}"] {
        let listing = Listing { status: None, limit: 1, cursor: Some(cursor.into()) };
        let error = backend.store.recent(&listing).await.unwrap_err();
        assert!(!error.is_transient());
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.downcast_ref::<InvalidCursor>().is_some(), "{cursor:?}: {source}");
    }
}

async fn gone_jobs_are_not_listed(backend: &Backend) {
    let kept = completed(backend).await;
    let deleted = completed(backend).await;
    backend.store.delete(deleted.id).await.unwrap();
    let expired = claimed(backend).await;
    let outcome = backend::Outcome { expires_at: WallTime::now(), ..success() };
    backend.store.finish(expired.id, expired.attempt, None, &outcome).await.unwrap();

    assert_eq!(ids(&recent(backend, None, 10, None).await.jobs), [kept.id]);
    assert_eq!(ids(&recent(backend, Some(JobStatus::Completed), 10, None).await.jobs), [kept.id]);
    let finished = backend.store.finished_since(WallTime::UNIX_EPOCH, 10).await.unwrap();
    assert_eq!(ids(&finished), [kept.id]);
    assert_eq!(ids(&backend.store.last_finished(10, None).await.unwrap().jobs), [kept.id]);
}

async fn finished_jobs_come_oldest_end_first(backend: &Backend) {
    let start = WallTime::now();
    created(backend).await;
    let mut ended = Vec::new();
    for seconds in [5, 1, 3] {
        let id = created(backend).await.id;
        let job = claim(backend, id).await;
        let outcome = backend::Outcome { finished_at: start + Duration::from_secs(seconds), ..success() };
        backend.store.finish(job.id, job.attempt, None, &outcome).await.unwrap();
        ended.push(job.id);
    }
    let since = async |seconds, limit| {
        let since = start + Duration::from_secs(seconds);
        ids(&backend.store.finished_since(since, limit).await.unwrap())
    };
    assert_eq!(since(0, 10).await, [ended[1], ended[2], ended[0]]);
    assert_eq!(since(0, 2).await, [ended[1], ended[2]]);
    assert_eq!(since(3, 10).await, [ended[2], ended[0]]);
    assert_eq!(since(6, 10).await, []);
}

async fn the_last_finished_jobs_come_newest_end_first(backend: &Backend) {
    let start = WallTime::now();
    created(backend).await;
    let mut ended = Vec::new();
    for seconds in [5, 1, 3, 3] {
        let job = claimed(backend).await;
        let outcome = backend::Outcome { finished_at: start + Duration::from_secs(seconds), ..success() };
        backend.store.finish(job.id, job.attempt, None, &outcome).await.unwrap();
        ended.push(job.id);
    }
    // Of the same moment the greater id comes first.
    ended[2..].sort();
    let expect = [ended[0], ended[3], ended[2], ended[1]];
    for limit in 1..=5 {
        let mut listed = Vec::new();
        let mut cursor = None;
        loop {
            let page = backend.store.last_finished(limit, cursor).await.unwrap();
            assert!(page.jobs.len() <= limit);
            listed.extend(ids(&page.jobs));
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, expect, "{limit} at once");
    }
}

/// New jobs, created so many seconds ago.
async fn aged(backend: &Backend, ages: &[u64]) -> Vec<Job> {
    let now = WallTime::now();
    let mut jobs = Vec::new();
    for age in ages {
        let job = Job { created_at: now - Duration::from_secs(*age), ..new_job() };
        backend.store.create(&job, None).await.unwrap();
        jobs.push(job);
    }
    jobs
}

async fn recent(
    backend: &Backend,
    status: Option<JobStatus>,
    limit: usize,
    cursor: Option<String>,
) -> JobPage {
    backend.store.recent(&Listing { status, limit, cursor }).await.unwrap()
}

async fn walk(backend: &Backend, status: Option<JobStatus>, limit: usize) -> Vec<JobId> {
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = recent(backend, status, limit, cursor).await;
        assert!(page.jobs.len() <= limit);
        listed.extend(ids(&page.jobs));
        cursor = page.cursor;
        if cursor.is_none() {
            return listed;
        }
    }
}

fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}
