//! A server that starts, or starts again: what it knows before it says that it is ready.

use std::sync::Arc;
use std::time::Duration;

use backend::BackendConfig;
use backend::faults::FaultWhen;
use domain::JobId;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::hook::Hook;
use crate::listener::Socket;
use crate::process::Process;
use crate::support::{Site, Worker, config, embedded, id_of};

async fn readiness(site: &Site) -> (StatusCode, Value) {
    let response = site.get("/readyz").await;
    (response.status(), response.json().await.unwrap())
}

#[tokio::test]
async fn requests_are_answered_while_the_server_starts() {
    let hook = Arc::new(Hook::default());
    hook.close_gate("store.last_finished", FaultWhen::Before);
    let site = Site::begin(config(), Some(hook.clone())).await;
    hook.reached().await;
    assert_eq!(readiness(&site).await, (StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "starting" })));
    assert_eq!(site.get("/healthz").await.status(), StatusCode::OK);
    let id = site.submit().await;
    let job: Value = site.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
    assert_eq!(job["status"], "queued");
    hook.open_gate();
    site.ready().await;
    let (_, body) = readiness(&site).await;
    assert_eq!((&body["status"], &body["notify"]), (&json!("ready"), &json!("clustered")));
}

#[tokio::test]
async fn a_topic_or_a_store_that_does_not_answer_is_tried_until_it_does() {
    for names in ["topic.subscribe", "store.last_finished"] {
        let hook = Arc::new(Hook::default());
        hook.fail(Some(names));
        let site = Site::begin(config(), Some(hook.clone())).await;
        let mut tries = 0;
        while tries < 2 {
            tokio::task::yield_now().await;
            tries += hook.take_calls().iter().filter(|name| **name == names).count();
        }
        assert_eq!(readiness(&site).await.1, json!({ "status": "starting" }), "{names}");
        hook.fail(None);
        site.ready().await;
    }
}

/// The snapshot is taken before the job ends, or after; its end is heard in both cases before the two are merged.
#[tokio::test]
async fn an_end_between_the_snapshot_and_the_events_is_never_lost() {
    for when in [FaultWhen::Before, FaultWhen::After] {
        let hook = Arc::new(Hook::default());
        hook.close_gate("store.last_finished", when);
        let site = Site::begin(config(), Some(hook.clone())).await;
        let id = site.submit().await;
        hook.reached().await;
        let mut socket = Socket::watching(&site, id, 0).await;
        site.worker().await.finish(None).await;
        socket.events_until("completed").await;
        hook.open_gate();
        site.ready().await;
        let job: Value = site.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
        assert_eq!(job["status"], "completed", "{when:?}");
    }
}

#[tokio::test]
async fn a_server_that_was_killed_knows_all_that_ended_meanwhile_before_it_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let data = embedded(&folder);
    killed_while_jobs_end(&data, || Process::start(&["--data", data.data.to_str().unwrap()])).await;
}

/// Fifty jobs are submitted to a server, which is killed; they end; it is started again. Asked for each of them it
/// makes no call of the store.
pub async fn killed_while_jobs_end(data: &BackendConfig, start: impl Fn() -> Process) {
    let server = start();
    let client = Client::new();
    let mut ids = Vec::new();
    for number in 0..50 {
        let url = format!("http://{}/api/v1/jobs", server.address);
        let wish = json!({ "url": format!("http://media.test/{number}.mp4") });
        let submitted: Value = client.post(url).json(&wish).send().await.unwrap().json().await.unwrap();
        ids.push(id_of(&submitted));
    }
    server.kill();
    let backend = backend::connect(data).await.unwrap();
    for _ in &ids {
        Worker::receive(&backend).await.finish(None).await;
    }

    let server = start();
    let ready = async {
        loop {
            let response = client.get(format!("http://{}/readyz", server.address)).send().await.unwrap();
            let is_ready = response.status() == StatusCode::OK;
            let body: Value = response.json().await.unwrap();
            if is_ready {
                return body;
            }
            assert_eq!(body["status"], "starting");
        }
    };
    let ready = tokio::time::timeout(Duration::from_secs(30), ready).await.expect("it gets ready");
    assert_eq!(ready["known"], 50);
    let reads = job_reads(&client, &server).await;
    for id in ids {
        assert_eq!(status(&client, &server, id).await, "completed");
    }
    assert_eq!(job_reads(&client, &server).await, reads);
}

async fn status(client: &Client, server: &Process, id: JobId) -> Value {
    let url = format!("http://{}/api/v1/jobs/{id}", server.address);
    let job: Value = client.get(url).send().await.unwrap().json().await.unwrap();
    job["status"].clone()
}

/// Reads of single jobs, as the server counts them itself.
async fn job_reads(client: &Client, server: &Process) -> Vec<String> {
    let url = format!("http://{}/metrics", server.address);
    let metrics = client.get(url).send().await.unwrap().text().await.unwrap();
    let is_read = |line: &&str| {
        ["store.get", "store.read", "store.pages"]
            .iter()
            .any(|name| line.contains(&format!("{{call=\"{name}\"")))
    };
    let mut reads: Vec<String> = metrics.lines().filter(is_read).map(str::to_owned).collect();
    assert!(!reads.is_empty(), "{metrics}");
    reads.sort();
    reads
}
