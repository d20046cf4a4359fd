//! What the quick paths lost is found by the slow ones.

use std::time::Duration;

use backend::Claim;
use domain::{Job, JobId, JobSpec, JobStatus, SpecOptions, WallTime};
use reqwest::Method;
use serde_json::{Value, json};
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
async fn an_end_that_a_slow_clock_stamped_and_nobody_told_is_found() {
    let site = Site::start_with(eager()).await;
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    let ten_minutes_ago = WallTime::now().checked_sub(Duration::from_secs(600)).unwrap();
    site.worker().await.finish_silently_at(ten_minutes_ago, None).await;
    while socket.event().await["event"] != "completed" {}
    let job: Value = site.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
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
        assert!(matches!(
            site.backend.store.claim(id, &delivery.message_id, delivery.receive_count).await.unwrap(),
            Claim::Won(_)
        ));
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

    // Told, it stays for the operator, who has it done again.
    let letters = letters(&site).await;
    assert_eq!((&letters[0]["job"], &letters[0]["attempts"]), (&json!(id), &json!(2)));
    assert_eq!((&letters[0]["reason"], &letters[0]["body"]), (&Value::Null, &Value::Null));
    assert_eq!(redrive(&site, Value::Null).await, 1);
    assert_eq!(self::letters(&site).await, json!([]));
    let mut worker = site.worker().await;
    worker.page("At last.").await;
    let job = worker.finish(None).await;
    assert_eq!((job.id, job.status, job.crashes), (id, JobStatus::Completed, 0));
}

#[tokio::test]
async fn a_buried_job_says_why_and_is_done_again_when_it_is_chosen() {
    let site = Site::start_with(eager()).await;
    let mut buried = Vec::new();
    for number in 0..3 {
        let id = site.submit().await;
        let reason = format!("media_unreachable: reason {number}");
        site.worker().await.give_up(&reason, 4).await;
        buried.push(id);
    }
    let shown = letters(&site).await;
    assert_eq!(shown.as_array().unwrap().len(), 3);
    for (number, id) in buried.iter().enumerate() {
        let letter = &shown[number];
        assert_eq!((&letter["job"], &letter["attempts"]), (&json!(id), &json!(4)));
        assert_eq!(letter["reason"], format!("media_unreachable: reason {number}"));
        assert!(letter["buried_at"].is_string() && letter.get("body").is_none(), "{letter}");
    }
    assert_eq!(redrive(&site, json!({ "ids": [] })).await, 0);
    assert_eq!(redrive(&site, json!({ "ids": [shown[1]["id"], "no such letter"] })).await, 1);
    let worker = site.worker().await;
    assert_eq!((worker.job.id, worker.job.run, worker.job.failures), (buried[1], 1, 0));
    worker.finish(None).await;
    // A letter of an earlier run is not done again, and one that is gone neither.
    assert_eq!(redrive(&site, json!({ "ids": [shown[1]["id"]] })).await, 0);
    assert_eq!(redrive(&site, Value::Null).await, 2);
    assert_eq!(letters(&site).await, json!([]));
    let request = site.client.post(site.operators_url("/api/v1/dead-letters/redrive"));
    let response = request.json(&json!({ "ids": "all" })).send().await.unwrap();
    error_of(response, (400, "malformed_json")).await;
}

#[tokio::test]
async fn a_letter_goes_when_its_job_is_deleted_or_was_retried() {
    let site = Site::start_with(eager()).await;
    let deleted = site.submit().await;
    site.worker().await.give_up("a reason", 4).await;
    let retried = site.submit().await;
    site.worker().await.give_up("a reason", 4).await;
    // Before the sweep looks at it: one that was told is looked at again only now and then.
    site.request(Method::DELETE, &format!("/api/v1/jobs/{deleted}")).send().await.unwrap();
    site.post(&format!("/api/v1/jobs/{retried}/retry"), json!({})).await;
    assert_eq!(redrive(&site, Value::Null).await, 0);
    assert_eq!(letters(&site).await, json!([]));
}

/// The queue was lost, or restarted empty, while a worker died.
#[tokio::test]
async fn a_running_job_without_a_worker_is_queued_again_and_counts_a_crash() {
    let silence = Duration::from_millis(300);
    let site = Site::start_with(Config { worker_silence: silence, ..eager() }).await;
    let id = site.submit().await;
    let mut worker = site.worker().await;
    worker.page("The first page stays.").await;
    worker.lose_message().await;
    let next = site.worker().await;
    assert_eq!((next.job.id, next.job.attempt, next.job.crashes), (id, 2, 1));
    assert_eq!(next.job.progress.pages, 1);
    // Fenced: it was not as dead as it seemed.
    let outcome = site.backend.store.report(id, 1, &next.job.progress).await.unwrap();
    assert_eq!(outcome, backend::Written::Fenced);
}

#[tokio::test]
async fn a_worker_that_gives_signs_of_life_keeps_its_job() {
    let silence = Duration::from_millis(1_000);
    let site = Site::start_with(Config { worker_silence: silence, ..eager() }).await;
    let mut worker = {
        site.submit().await;
        site.worker().await
    };
    let started = std::time::Instant::now();
    while started.elapsed() < 3 * silence {
        worker.report(0.1).await;
    }
    assert_eq!(worker.finish(None).await.attempt, 1);
}

async fn letters(site: &Site) -> Value {
    let response = site.client.get(site.operators_url("/api/v1/dead-letters")).send().await.unwrap();
    response.json::<Value>().await.unwrap()["dead_letters"].take()
}

async fn redrive(site: &Site, body: Value) -> u64 {
    let request = site.client.post(site.operators_url("/api/v1/dead-letters/redrive"));
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["redriven"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test]
async fn dead_letters_that_nobody_can_read_stay_for_the_operator() {
    let site = Site::start_with(eager()).await;
    site.backend.queue.send("garbage", Duration::ZERO).await.unwrap();
    for _ in 0..3 {
        site.backend.queue.receive(Duration::ZERO, Duration::ZERO).await.unwrap();
    }
    let letters = letters(&site).await;
    assert_eq!((&letters[0]["body"], letters[0].get("job")), (&json!("garbage"), None));
    assert_eq!(redrive(&site, Value::Null).await, 1);
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
    site.post(&format!("/api/v1/jobs/{id}/retry"), json!({})).await;
    let mut worker = site.worker().await;
    while letters(&site).await != json!([]) {}
    worker.page("Still here.").await;
    assert_eq!(worker.finish(None).await.status, JobStatus::Completed);
}
