//! The calls about jobs.

use std::time::{Duration, Instant};

use backend::{Listing, QueueStats};
use domain::{Failure, JobStatus};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Site, error_of, id_of};

#[tokio::test]
async fn a_submitted_job_is_stored_and_queued() {
    let site = Site::start().await;
    let wish = json!({
        "url": "http://media.test/a/talk.mp4", "language": "en-GB", "task": "transcribe", "model": "base",
        "profile": "bbc", "title": "A talk", "unknown": [1],
    });
    let response = site.post("/api/v1/jobs", wish).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let job: Value = response.json().await.unwrap();
    assert_eq!(location, format!("/api/v1/jobs/{}", id_of(&job)));
    assert_eq!(
        (&job["status"], &job["title"], &job["profile"]),
        (&json!("queued"), &json!("A talk"), &json!("bbc"))
    );
    assert_eq!((&job["language"], &job["model"]), (&json!("en"), &json!("base")));

    let read: Value = site.get(&location).await.json().await.unwrap();
    assert_eq!(read, job);
    assert_eq!(site.worker().await.job.id, id_of(&job));
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused_and_names_its_field() {
    let site = Site::start().await;
    let check = async |wish: Value, expect: (u16, &str), field: &str| {
        let error = error_of(site.post("/api/v1/jobs", wish).await, expect).await;
        assert_eq!(error["field"], field);
    };
    check(json!({}), (422, "url_missing"), "url").await;
    check(json!({ "url": "nonsense" }), (422, "url_malformed"), "url").await;
    check(json!({ "url": "file:///etc/passwd" }), (422, "url_scheme"), "url").await;
    check(json!({ "url": "http://u:p@media.test/a" }), (422, "url_user_info"), "url").await;
    check(json!({ "url": 7 }), (400, "wrong_type"), "url").await;
    check(json!({ "url": "http://media.test/a", "language": "xx" }), (422, "unknown_language"), "language")
        .await;
    check(json!({ "url": "http://media.test/a", "model": "huge" }), (422, "unknown_model"), "model").await;
    check(json!({ "url": "http://media.test/a", "profile": "x" }), (422, "unknown_profile"), "profile").await;
    check(json!({ "url": "http://media.test/a", "task": "x" }), (422, "unknown_task"), "task").await;
    let wish = json!({ "url": "http://media.test/a", "model": "tiny.en", "language": "fr" });
    check(wish, (422, "english_model_only"), "model").await;

    let not_json = site.request(Method::POST, "/api/v1/jobs").body("{").send().await.unwrap();
    error_of(not_json, (400, "malformed_json")).await;
    let too_long = site.request(Method::POST, "/api/v1/jobs").body("x".repeat(100_000)).send().await.unwrap();
    error_of(too_long, (413, "body_too_large")).await;
    assert_eq!(site.backend.queue.stats().await.unwrap(), QueueStats::default());
}

#[tokio::test]
async fn the_same_idempotency_key_makes_one_job() {
    let site = Site::start().await;
    let submit = async |key: &str, url: &str| {
        let request = site.request(Method::POST, "/api/v1/jobs").header("idempotency-key", key);
        request.json(&json!({ "url": url })).send().await.unwrap()
    };
    let first: Value = submit("k-1", "http://media.test/a").await.json().await.unwrap();
    let repeat = submit("k-1", "http://media.test/a").await;
    assert_eq!(repeat.status(), StatusCode::CREATED);
    assert_eq!(repeat.headers()["idempotency-replayed"], "true");
    assert_eq!(id_of(&repeat.json().await.unwrap()), id_of(&first));
    // Its message may be what was lost the first time.
    assert_eq!(site.backend.queue.stats().await.unwrap().visible, 2);
    site.worker().await.finish(None).await;
    assert_eq!(submit("k-1", "http://media.test/a").await.status(), StatusCode::CREATED);
    assert_eq!(site.backend.queue.stats().await.unwrap().visible, 1);

    error_of(submit("k-1", "http://media.test/b").await, (409, "idempotency_key_reused")).await;
    error_of(submit("two words", "http://media.test/b").await, (400, "idempotency_key")).await;
    let other: Value = submit("k-2", "http://media.test/a").await.json().await.unwrap();
    assert_ne!(id_of(&other), id_of(&first));
}

#[tokio::test]
async fn jobs_are_listed_newest_first_page_by_page() {
    let site = Site::start().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, site.submit().await.to_string());
    }
    let mut listed = Vec::new();
    let mut path = "/api/v1/jobs?limit=2".to_owned();
    loop {
        let page: Value = site.get(&path).await.json().await.unwrap();
        listed.extend(
            page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["cursor"].as_str() else { break };
        path = format!("/api/v1/jobs?limit=2&cursor={cursor}");
    }
    assert_eq!(listed, ids);

    let running: Value = site.get("/api/v1/jobs?status=running").await.json().await.unwrap();
    assert_eq!(running["jobs"], json!([]));
    error_of(site.get("/api/v1/jobs?status=lost").await, (400, "unknown_status")).await;
    error_of(site.get("/api/v1/jobs?limit=many").await, (400, "wrong_type")).await;
    error_of(site.get("/api/v1/jobs?cursor=nonsense").await, (400, "cursor")).await;
}

#[tokio::test]
async fn unknown_jobs_and_malformed_ids_look_alike() {
    let site = Site::start().await;
    for id in ["00000000000000000000000000000000", "x", "ABCDEF00000000000000000000000000", "%00", "..%2f"] {
        error_of(site.get(&format!("/api/v1/jobs/{id}")).await, (404, "job_not_found")).await;
        error_of(site.get(&format!("/api/v1/jobs/{id}/track.vtt")).await, (404, "job_not_found")).await;
        error_of(site.get(&format!("/api/v1/jobs/{id}/media")).await, (404, "job_not_found")).await;
        let cancel = site.post(&format!("/api/v1/jobs/{id}/cancel"), json!({})).await;
        error_of(cancel, (404, "job_not_found")).await;
        let retry = site.post(&format!("/api/v1/jobs/{id}/retry"), json!({})).await;
        error_of(retry, (404, "job_not_found")).await;
        let delete = site.request(Method::DELETE, &format!("/api/v1/jobs/{id}")).send().await.unwrap();
        error_of(delete, (404, "job_not_found")).await;
    }
    error_of(site.get("/api/v1/nothing").await, (404, "not_found")).await;
    error_of(site.get("/api/v1/jobs/x/cancel").await, (405, "method_not_allowed")).await;
}

#[tokio::test]
async fn progress_is_told_while_the_job_runs() {
    let site = Site::start().await;
    let id = site.submit().await;
    let path = format!("/api/v1/jobs/{id}");
    let queued: Value = site.get(&path).await.json().await.unwrap();
    assert_eq!(queued["status"], "queued");

    let mut socket = crate::listener::Socket::watching(&site, id, 0).await;
    let mut worker = site.worker().await;
    worker.report(0.25).await;
    // What the socket has told, this server has heard.
    while socket.event().await["version"] != worker.job.version {}
    let running: Value = site.get(&path).await.json().await.unwrap();
    assert_eq!((&running["status"], &running["attempt"]), (&json!("running"), &json!(1)));
    assert_eq!((&running["progress"], &running["version"]), (&json!(0.25), &json!(worker.job.version)));
}

#[tokio::test]
async fn questions_about_a_running_job_do_not_reach_the_store() {
    let site = Site::start().await;
    let id = site.submit().await;
    let version = async || -> u64 {
        let job: Value = site.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
        job["version"].as_u64().unwrap()
    };
    let mut socket = crate::listener::Socket::watching(&site, id, 0).await;
    let mut worker = site.worker().await;
    worker.report(0.1).await;
    let heard = worker.job.version;
    while socket.event().await["version"] != heard {}
    assert_eq!(version().await, heard);
    // The store moves on and nobody tells it: an answer that does not know is one that did not ask.
    let event = worker.silent_page("Hello.").await;
    assert_eq!(version().await, heard);
    worker.publish(&event).await;
    while socket.event().await["version"] != event.version {}
    assert_eq!(version().await, event.version);
}

#[tokio::test]
async fn a_waiting_get_answers_promptly_at_the_end() {
    let site = Site::start().await;
    let id = site.submit().await;
    let mut worker = site.worker().await;
    let waiting = tokio::spawn(site.request(Method::GET, &format!("/api/v1/jobs/{id}?wait=60")).send());
    worker.page("Hello.").await;
    let started = Instant::now();
    worker.finish(None).await;
    let job: Value = waiting.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(job["status"], "completed");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_waiting_get_answers_after_the_wait_with_what_is() {
    let site = Site::start().await;
    let id = site.submit().await;
    let job: Value = site.get(&format!("/api/v1/jobs/{id}?wait=1")).await.json().await.unwrap();
    assert_eq!(job["status"], "queued");
}

#[tokio::test]
async fn a_waiting_get_learns_of_a_deletion() {
    let site = Site::start().await;
    let id = site.submit().await;
    let waiting = tokio::spawn(site.request(Method::GET, &format!("/api/v1/jobs/{id}?wait=60")).send());
    let delete = site.request(Method::DELETE, &format!("/api/v1/jobs/{id}")).send().await.unwrap();
    assert_eq!(delete.status(), StatusCode::NO_CONTENT);
    error_of(waiting.await.unwrap().unwrap(), (404, "job_not_found")).await;
}

#[tokio::test]
async fn a_failure_is_told_with_its_hint() {
    let site = Site::start().await;
    let id = site.submit().await;
    site.worker().await.finish(Some(Failure::NoAudio)).await;
    let job: Value = site.get(&format!("/api/v1/jobs/{id}?wait=5")).await.json().await.unwrap();
    assert_eq!((&job["status"], &job["failure"]["code"]), (&json!("failed"), &json!("no_audio")));
    assert!(!job["failure"]["hint"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn cancelling_ends_a_job_once() {
    let site = Site::start().await;
    let id = site.submit().await;
    let path = format!("/api/v1/jobs/{id}/cancel");
    let cancelled: Value = site.post(&path, json!({})).await.json().await.unwrap();
    assert_eq!(cancelled["status"], "cancelled");
    let again: Value = site.post(&path, json!({})).await.json().await.unwrap();
    assert_eq!(again["version"], cancelled["version"]);

    let completed = site.completed_after_cancelled().await;
    error_of(site.post(&format!("/api/v1/jobs/{completed}/cancel"), json!({})).await, (409, "job_ended"))
        .await;
}

#[tokio::test]
async fn a_retry_keeps_its_settings_unless_they_are_changed() {
    let site = Site::start().await;
    let response = site
        .post("/api/v1/jobs", json!({ "url": "http://media.test/a", "language": "de", "profile": "ted" }))
        .await;
    let id = id_of(&response.json().await.unwrap());
    let path = format!("/api/v1/jobs/{id}/retry");
    error_of(site.post(&path, json!({})).await, (409, "job_unfinished")).await;
    site.worker().await.finish(Some(Failure::TimedOut)).await;
    error_of(site.post(&path, json!({ "model": "huge" })).await, (422, "unknown_model")).await;

    let other_link = json!({ "url": "http://media.test/other" });
    error_of(site.post(&path, other_link).await, (422, "url_fixed")).await;

    let retried: Value = site.post(&path, json!({ "profile": "bbc" })).await.json().await.unwrap();
    assert_eq!((&retried["status"], &retried["profile"]), (&json!("queued"), &json!("bbc")));
    assert_eq!(retried["language"], "de");
    let job = site.worker().await.job;
    assert_eq!((job.id, job.attempt, job.status), (id, 2, JobStatus::Running));
}

#[tokio::test]
async fn a_deleted_job_never_returns() {
    let site = Site::start().await;
    let id = site.upload("a.mp4", "some bytes").await;
    let mut worker = site.worker().await;
    worker.page("Hello.").await;
    assert_eq!(site.media_files().len(), 1);
    let delete = site.request(Method::DELETE, &format!("/api/v1/jobs/{id}")).send().await.unwrap();
    assert_eq!(delete.status(), StatusCode::NO_CONTENT);
    error_of(site.get(&format!("/api/v1/jobs/{id}")).await, (404, "job_not_found")).await;
    assert_eq!(site.media_files(), Vec::<String>::new());
    let listing = Listing { status: None, limit: 10, cursor: None };
    assert_eq!(site.backend.store.recent(&listing).await.unwrap().jobs, []);
}

impl Site {
    /// A completed job beside the message of a cancelled one.
    async fn completed_after_cancelled(&self) -> domain::JobId {
        let delivery =
            self.backend.queue.receive(Duration::ZERO, Duration::from_secs(60)).await.unwrap().unwrap();
        self.backend.queue.delete(&delivery.receipt).await.unwrap();
        self.completed().await
    }
}
