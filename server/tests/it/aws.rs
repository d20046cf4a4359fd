//! The real server on an emulator of AWS, its calls seen by a proxy.

use std::collections::BTreeMap;

use backend::{AwsConfig, BackendConfig, BackendKind};
use futures::{SinkExt as _, StreamExt as _, stream};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::emulator;
use crate::process::Process;
use crate::proxy::{self, Proxy};
use crate::starting::killed_while_jobs_end;
use crate::support::{Worker, id_of};

/// A queue, a topic, a table and a bucket of this test's own; for the worker, which no proxy sees.
async fn provisioned() -> (TempDir, BackendConfig) {
    let folder = TempDir::new().unwrap();
    let name = format!("server-{:016x}", rand::random::<u64>());
    let bare = AwsConfig {
        aws_endpoint: Some(emulator::endpoint().into()),
        aws_region: Some("eu-central-1".into()),
        ..AwsConfig::default()
    };
    let config = BackendConfig {
        backend: BackendKind::Aws,
        data: folder.path().join("worker"),
        max_receive_count: 3,
        aws: backend::aws::provision(&bare, &name, 3).await.unwrap(),
    };
    (folder, config)
}

/// A server on the same queue, topic, table and bucket, which calls them at `endpoint`.
fn start(folder: &TempDir, config: &BackendConfig, endpoint: &str) -> Process {
    let aws = &config.aws;
    let settings = [
        ("CUELIGHT_BACKEND", Some("aws")),
        ("CUELIGHT_DATA", folder.path().join("server").to_str()),
        ("CUELIGHT_AWS_ENDPOINT", Some(endpoint)),
        ("CUELIGHT_AWS_REGION", aws.aws_region.as_deref()),
        ("CUELIGHT_QUEUE_URL", aws.queue_url.as_deref()),
        ("CUELIGHT_DEAD_LETTER_QUEUE_URL", aws.dead_letter_queue_url.as_deref()),
        ("CUELIGHT_TOPIC_ARN", aws.topic_arn.as_deref()),
        ("CUELIGHT_TABLE", aws.table.as_deref()),
        ("CUELIGHT_BUCKET", aws.bucket.as_deref()),
    ]
    .map(|(name, value)| (name.to_owned(), value.expect("provisioned").to_owned()));
    Process::start_in(&[], &settings)
}

/// Calls of DynamoDB since the last time, by name.
fn take_store_calls(proxy: &Proxy) -> BTreeMap<String, usize> {
    let mut calls = BTreeMap::new();
    for call in proxy.take_calls() {
        let is_store = call.contains("Item") || call == "Query" || call == "Scan";
        if is_store {
            *calls.entry(call).or_default() += 1;
        }
    }
    calls
}

async fn ready(client: &Client, server: &Process) {
    let url = format!("http://{}/readyz", server.address);
    let ready = async { while client.get(&url).send().await.unwrap().status() != StatusCode::OK {} };
    tokio::time::timeout(std::time::Duration::from_secs(60), ready).await.expect("the server gets ready");
}

#[tokio::test]
async fn on_aws_a_server_that_was_killed_knows_all_that_ended_meanwhile_before_it_is_ready() {
    let (folder, config) = provisioned().await;
    killed_while_jobs_end(&config, || start(&folder, &config, emulator::endpoint())).await;
}

#[tokio::test]
async fn on_aws_a_running_job_is_told_without_a_read_and_a_short_one_costs_one_write_and_one_read() {
    let (folder, config) = provisioned().await;
    let proxy = proxy::start("counted").await;
    let server = start(&folder, &config, &proxy.endpoint);
    let client = Client::new();
    ready(&client, &server).await;
    // The first sweep comes at once, and no other one.
    let metrics = async || {
        client.get(format!("http://{}/metrics", server.address)).send().await.unwrap().text().await.unwrap()
    };
    while !metrics().await.contains("cuelight_sweeps_total 1") {}
    let url = |path: &str| format!("http://{}/api/v1/jobs{path}", server.address);

    take_store_calls(&proxy);
    let wish = json!({ "url": "http://media.test/a.mp4" });
    let job: Value = client.post(url("")).json(&wish).send().await.unwrap().json().await.unwrap();
    let id = job["id"].as_str().unwrap();
    let backend = backend::connect(&config).await.unwrap();
    let mut worker = Worker::receive(&backend).await;
    worker.page("One.").await;
    let watch = async || {
        let (mut socket, _) = connect_async(format!("ws://{}/ws", server.address)).await.unwrap();
        socket.send(Message::text(json!({ "watch": id }).to_string())).await.unwrap();
        socket
    };
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut socket = watch().await;
        heard(&mut socket, "cues").await;
        sockets.push(socket);
    }
    let asked = stream::iter(0..1000).map(async |_| {
        let job: Value = client.get(url(&format!("/{id}"))).send().await.unwrap().json().await.unwrap();
        job["status"].clone()
    });
    let statuses: Vec<Value> = asked.buffer_unordered(50).collect().await;
    assert!(statuses.iter().all(|status| status == "running"));
    worker.finish(None).await;
    for socket in &mut sockets {
        heard(socket, "completed").await;
    }
    assert_eq!(take_store_calls(&proxy), BTreeMap::from([("PutItem".to_owned(), 1)]));

    let track = client.get(url(&format!("/{id}/track.vtt"))).send().await.unwrap();
    assert!(track.text().await.unwrap().contains("One."));
    // One page of one query holds the job and all that belongs to it.
    assert_eq!(take_store_calls(&proxy), BTreeMap::from([("Query".to_owned(), 1)]));
    // SQS does not tell, and 0 would say that nothing waits.
    assert!(!metrics().await.contains("cuelight_queue_oldest_age_seconds"));
}

#[tokio::test]
async fn on_aws_a_delete_whose_answer_is_lost_is_a_delete() {
    let (folder, config) = provisioned().await;
    let proxy = proxy::start("deleted").await;
    let server = start(&folder, &config, &proxy.endpoint);
    let client = Client::new();
    ready(&client, &server).await;
    let url = |path: &str| format!("http://{}/api/v1/jobs{path}", server.address);
    let wish = json!({ "url": "http://media.test/a.mp4" });
    let job: Value = client.post(url("")).json(&wish).send().await.unwrap().json().await.unwrap();
    let id = id_of(&job);
    let media = backend::connect(&config).await.unwrap().media;
    let mut writer = media.write(id).await.unwrap();
    writer.write("media".into()).await.unwrap();
    writer.finish().await.unwrap();
    assert!(media.locate(id).await.unwrap().is_some());

    proxy.lose_answer_of("DeleteItem");
    let path = format!("/{id}");
    assert_eq!(client.delete(url(&path)).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let deletes = proxy.take_calls().into_iter().filter(|call| call == "DeleteItem").count();
    assert_eq!(deletes, 2, "the answer was lost, and the call repeated");
    assert!(media.locate(id).await.unwrap().is_none());
    assert_eq!(client.get(url(&path)).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(client.delete(url(&path)).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

type Stream = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn heard(socket: &mut Stream, event: &str) {
    let listening = async {
        loop {
            if let Message::Text(text) = socket.next().await.unwrap().unwrap()
                && serde_json::from_str::<Value>(&text).unwrap()["event"] == event
            {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), listening).await.expect(event);
}
