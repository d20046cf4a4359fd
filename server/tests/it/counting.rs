//! How often questions reach the store.

use std::sync::Arc;

use domain::Job;
use futures::StreamExt as _;
use futures::stream;
use reqwest::StatusCode;
use serde_json::Value;

use crate::hook::Hook;
use crate::listener::Socket;
use crate::support::{Site, config};

async fn counted() -> (Site, Arc<Hook>) {
    let hook = Arc::new(Hook::default());
    let site = Site::begin(config(), Some(hook.clone())).await;
    site.ready().await;
    (site, hook)
}

async fn ask_a_thousand_times(site: &Site, path: &str, status: &str) {
    let answers = stream::iter(0..1000).map(async |_| site.get(path).await.json::<Value>().await.unwrap());
    let answers: Vec<Value> = answers.buffer_unordered(50).collect().await;
    assert!(answers.iter().all(|job| job["status"] == status));
}

#[tokio::test]
async fn a_running_job_is_told_to_a_thousand_callers_and_a_hundred_sockets_without_a_read() {
    let (site, hook) = counted().await;
    let id = site.submit().await;
    let mut first = Socket::watching(&site, id, 0).await;
    let mut worker = site.worker().await;
    worker.page("One.").await;
    worker.page("Two.").await;
    while first.event().await["page"] != 1 {}
    hook.take_calls();

    ask_a_thousand_times(&site, &format!("/api/v1/jobs/{id}"), "running").await;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut socket = Socket::watching(&site, id, 0).await;
        // Everything so far, its cues too.
        while socket.event().await["page"] != 1 {}
        sockets.push(socket);
    }
    let page = site.get(&format!("/jobs/{id}")).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.text().await.unwrap().contains("Two."));
    assert_eq!(hook.take_store_calls(), Vec::<&str>::new());

    worker.finish(None).await;
    for mut socket in sockets {
        assert_eq!(socket.event().await["event"], "completed");
    }
    ask_a_thousand_times(&site, &format!("/api/v1/jobs/{id}?wait=20"), "completed").await;
    assert_eq!(hook.take_store_calls(), Vec::<&str>::new());
}

#[tokio::test]
async fn a_short_job_costs_the_server_one_write_and_one_read() {
    let (site, hook) = counted().await;
    hook.take_calls();
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    let mut worker = site.worker().await;
    worker.page("One.").await;
    worker.finish(None).await;
    socket.events_until("completed").await;
    let path = format!("/api/v1/jobs/{id}");
    assert_eq!(site.get(&path).await.json::<Value>().await.unwrap()["status"], "completed");
    let track = site.get(&format!("{path}/track.vtt")).await;
    assert_eq!(track.headers()["x-track-complete"], "true");
    assert!(track.text().await.unwrap().contains("One."));
    assert_eq!(hook.take_store_calls(), ["store.create", "store.read"]);
}

#[tokio::test]
async fn sockets_that_come_together_share_one_read_of_a_job_that_is_not_known() {
    let (site, hook) = counted().await;
    let id = site.completed().await;
    // Known, but not its cues: they were never asked for, and what is ended is edited.
    site.request(reqwest::Method::PUT, &format!("/api/v1/jobs/{id}/track"))
        .header("if-match", version(&site, &id.to_string()).await.to_string())
        .header("content-type", "text/vtt")
        .body("WEBVTT\n\n00:00.000 --> 00:01.000\nEdited.\n")
        .send()
        .await
        .unwrap();
    hook.take_calls();
    let sockets = stream::iter(0..100).map(async |_| {
        let mut socket = Socket::watching(&site, id, 0).await;
        socket.events_until("completed").await.len()
    });
    let told: Vec<usize> = sockets.buffer_unordered(100).collect().await;
    assert!(told.iter().all(|events| *events == told[0]));
    assert_eq!(hook.take_store_calls(), ["store.read"]);
}

async fn version(site: &Site, id: &str) -> u64 {
    let job: Value = site.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
    job["version"].as_u64().unwrap()
}

/// One server hears of the end of a job that another one made: it never read it, and need not.
#[tokio::test]
async fn an_end_makes_a_job_known_that_was_made_elsewhere() {
    let (site, hook) = counted().await;
    let job: Job = crate::support::stored(&site.backend).await;
    let ended = site.worker().await.finish(None).await;
    assert_eq!(ended.id, job.id);
    // Heard in the order of publishing: when the later one is there, so is the end.
    let later = site.completed().await;
    hook.take_calls();
    for id in [job.id, later] {
        let job: Value = site.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
        assert_eq!(job["status"], "completed");
    }
    assert_eq!(hook.take_store_calls(), Vec::<&str>::new());
}

/// The store is away: what is known is told, what is not is 503, open sockets stay and hear on; nothing is restarted.
#[tokio::test]
async fn while_the_store_does_not_answer_known_jobs_are_told() {
    let (site, hook) = counted().await;
    let known = site.submit().await;
    let mut socket = Socket::watching(&site, known, 0).await;
    assert_eq!(socket.event().await["event"], "queued");
    let unknown = crate::support::stored(&site.backend).await.id;
    hook.fail(Some("store."));
    let path = |id| format!("/api/v1/jobs/{id}");
    assert_eq!(site.get(&path(known)).await.json::<Value>().await.unwrap()["status"], "queued");
    let refused = site.get(&path(unknown)).await;
    assert_eq!(refused.headers()["retry-after"], "5");
    crate::support::error_of(refused, (503, "unavailable")).await;
    // A hundred askers at once make no hundred reads.
    hook.take_calls();
    let asked = stream::iter(0..100).map(async |_| site.get(&path(unknown)).await.status());
    let statuses: Vec<StatusCode> = asked.buffer_unordered(100).collect().await;
    assert!(statuses.iter().all(|status| *status == StatusCode::SERVICE_UNAVAILABLE));
    let mut waiting = Socket::watching(&site, unknown, 0).await;
    site.worker().await.finish(None).await;
    socket.events_until("completed").await;

    hook.fail(None);
    assert_eq!(site.get(&path(unknown)).await.status(), StatusCode::OK);
    assert_eq!(waiting.event().await["event"], "queued");
}
