//! What operators ask: on their own listener, and in numbers.

use futures::SinkExt as _;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::process::Process;
use crate::support::{Site, Worker, embedded};

#[tokio::test]
async fn operators_ask_on_a_listener_of_their_own() {
    let site = Site::start().await;
    let ask = async |path: &str| {
        site.client.get(format!("http://{}{path}", site.operators)).send().await.unwrap().status()
    };
    for path in ["/metrics", "/readyz", "/healthz"] {
        assert_eq!(ask(path).await, StatusCode::OK, "{path}");
    }
    for path in ["/jobs", "/api/v1/jobs", "/ws", "/submit"] {
        assert_eq!(ask(path).await, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(site.get("/metrics").await.status(), StatusCode::NOT_FOUND);
}

/// In a process of its own, since the numbers are those of a process.
#[tokio::test]
async fn what_happens_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let data = embedded(&folder);
    let server = Process::start(&["--data", data.data.to_str().unwrap()]);
    let client = Client::new();
    let url = |path: &str| format!("http://{}{path}", server.address);
    while client.get(url("/readyz")).send().await.unwrap().status() != StatusCode::OK {}
    let wish = json!({ "url": "http://media.test/a.mp4" });
    let job: Value = client.post(url("/api/v1/jobs")).json(&wish).send().await.unwrap().json().await.unwrap();
    let id = job["id"].as_str().unwrap();
    let (mut socket, _) = connect_async(format!("ws://{}/ws", server.address)).await.unwrap();
    socket.send(Message::text(json!({ "watch": id }).to_string())).await.unwrap();
    futures::StreamExt::next(&mut socket).await.unwrap().unwrap();
    let backend = backend::connect(&data).await.unwrap();
    Worker::receive(&backend).await.finish(None).await;
    client.get(url(&format!("/api/v1/jobs/{id}?wait=20"))).send().await.unwrap();
    client.get(url("/api/v1/jobs/unknown")).send().await.unwrap();

    let metrics = client.get(url("/metrics")).send().await.unwrap().text().await.unwrap();
    for line in [
        "cuelight_http_requests_total{route=\"/api/v1/jobs\",method=\"POST\",status=\"201\"} 1",
        "cuelight_http_requests_total{route=\"/api/v1/jobs/{id}\",method=\"GET\",status=\"200\"} 1",
        "cuelight_http_requests_total{route=\"/api/v1/jobs/{id}\",method=\"GET\",status=\"404\"} 1",
        "cuelight_sockets 1",
        "cuelight_watched_jobs 1",
        "cuelight_known_jobs 1",
        "cuelight_ready 1",
        "cuelight_notify_clustered 1",
        "cuelight_jobs_ended_total{outcome=\"completed\"} 1",
        "cuelight_backend_calls_total{call=\"store.create\",kind=\"write\",outcome=\"ok\"} 1",
        "cuelight_queue_messages{state=\"dead\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    // A name that an address made up would be a metric for each job.
    assert!(!metrics.contains(id), "{metrics}");
}
