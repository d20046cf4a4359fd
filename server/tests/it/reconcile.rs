//! What the quick paths lost is found by the slow ones.

use std::time::Duration;

use backend::Claim;
use domain::{Job, JobId, JobSpec, JobStatus, SpecOptions, WallTime};
use reqwest::Method;
use serde_json::Value;
use server::Config;

use crate::listener::Socket;
use crate::support::{Site, config, error_of};

fn eager() -> Config {
    Config { reconcile_every: Duration::from_millis(50), ..config() }
}

#[tokio::test]
async fn a_job_past_its_time_is_removed_with_its_media_and_told() {
    let site = Site::start_with(Config { retention: Duration::from_secs(1), ..eager() }).await;
    let id = site.upload("a.mp4", "media").await;
    let mut socket = Socket::watching(&site, id, 0).await;
    assert_eq!(socket.event().await["event"], "queued");
    assert_eq!(socket.event().await["event"], "expired");
    error_of(site.get(&format!("/api/v1/jobs/{id}")).await, (404, "job_not_found")).await;
    assert_eq!(site.media_files(), Vec::<String>::new());
}

#[tokio::test]
async fn an_end_that_nobody_told_is_found() {
    let site = Site::start_with(eager()).await;
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    assert_eq!(socket.event().await["event"], "queued");
    let waiting = tokio::spawn(site.request(Method::GET, &format!("/api/v1/jobs/{id}?wait=60")).send());
    let mut worker = site.worker().await;
    worker.silent_page("Unheard.").await;
    worker.finish_silently(None).await;
    while socket.event().await["event"] != "completed" {}
    let job: Value = waiting.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(job["status"], "completed");
}

#[tokio::test]
async fn a_job_whose_worker_always_dies_becomes_a_visible_failure() {
    let site = Site::start_with(eager()).await;
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    let receive = || site.backend.queue.receive(Duration::from_secs(5), Duration::ZERO);
    for _ in 0..2 {
        let delivery = receive().await.unwrap().expect("a delivery");
        assert!(matches!(site.backend.store.claim(id, &delivery.message_id).await.unwrap(), Claim::Won(_)));
    }
    // The third delivery would be one too many: looking for it makes the dead letter.
    assert_eq!(site.backend.queue.receive(Duration::ZERO, Duration::ZERO).await.unwrap(), None);
    loop {
        let event = socket.event().await;
        if event["event"] == "failed" {
            assert_eq!(event["failure"]["code"], "gave_up");
            break;
        }
    }
    let job: Value = site.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
    assert_eq!(job["failure"]["code"], "gave_up");
}

#[tokio::test]
async fn dead_letters_that_nobody_can_read_stay_for_the_operator() {
    let site = Site::start_with(eager()).await;
    site.backend.queue.send("garbage", Duration::ZERO).await.unwrap();
    for _ in 0..3 {
        site.backend.queue.receive(Duration::ZERO, Duration::ZERO).await.unwrap();
    }
    let letters: Value = site.get("/api/v1/dead-letters").await.json().await.unwrap();
    assert_eq!(letters["dead_letters"][0]["body"], "garbage");
    let redrive = site.request(Method::POST, "/api/v1/dead-letters/redrive").send().await.unwrap();
    assert_eq!(redrive.json::<Value>().await.unwrap()["redriven"], 1);
    assert_eq!(site.backend.queue.stats().await.unwrap().visible, 1);
}

#[tokio::test]
async fn a_stored_job_without_a_message_is_queued_again() {
    let site = Site::start_with(eager()).await;
    // As a server leaves it that died between the two writes.
    let now = WallTime::now();
    let spec = JobSpec::link("http://media.test/a", &SpecOptions::default()).unwrap();
    let expires_at = now.checked_add(Duration::from_secs(600)).unwrap();
    let job = Job::queued(JobId::from_bits(7), spec, now, expires_at);
    site.backend.store.create(&job, None).await.unwrap();
    let delivery =
        site.backend.queue.receive(Duration::from_secs(20), Duration::from_secs(60)).await.unwrap();
    assert!(delivery.expect("a message").body.contains(&job.id.to_string()));
}

/// The message of a cancelled job dies after the job was retried.
#[tokio::test]
async fn a_dead_letter_from_before_a_retry_does_not_end_the_job() {
    let site = Site::start_with(eager()).await;
    let id = site.submit().await;
    for _ in 0..2 {
        site.backend
            .queue
            .receive(Duration::from_secs(5), Duration::ZERO)
            .await
            .unwrap()
            .expect("a delivery");
    }
    site.post(&format!("/api/v1/jobs/{id}/cancel"), Value::Null).await;
    site.post(&format!("/api/v1/jobs/{id}/retry"), serde_json::json!({})).await;
    let mut worker = site.worker().await;
    let letters = async || site.get("/api/v1/dead-letters").await.json::<Value>().await.unwrap();
    while letters().await["dead_letters"] != serde_json::json!([]) {}
    worker.page("Still here.").await;
    assert_eq!(worker.finish(None).await.status, JobStatus::Completed);
}
