//! Uploads: streamed, limited, and without a trace when they fail.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::Source;
use futures::stream;
use reqwest::{Body, Method, StatusCode};
use serde_json::Value;
use server::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Site, check_error, config, error_of, id_of};

const MIB: usize = 1 << 20;

/// A body without a declared length.
fn streamed(chunks: usize) -> Body {
    let chunk = Bytes::from(vec![7; MIB]);
    Body::wrap_stream(stream::iter((0..chunks).map(move |_| Ok::<_, Infallible>(chunk.clone()))))
}

fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_upload_becomes_a_job_with_its_media() {
    let site = Site::start().await;
    let path = "/api/v1/uploads?filename=My%20talk.mp4&language=en&profile=ted&title=Talk";
    let response = site.request(Method::POST, path).body("media").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let job: Value = response.json().await.unwrap();
    assert_eq!((&job["title"], &job["has_media"], &job["url"]), (&"Talk".into(), &true.into(), &Value::Null));
    let stored = site.backend.store.get(id_of(&job)).await.unwrap().unwrap();
    assert_eq!(stored.spec.source, Source::Upload { filename: "My talk.mp4".into(), bytes: 5 });
    assert_eq!(site.media_files(), [id_of(&job).to_string()]);
    assert_eq!(site.worker().await.job.id, id_of(&job));
}

#[tokio::test]
async fn a_large_upload_needs_no_memory() {
    let site = Site::start().await;
    let before = peak_memory_kib();
    let id = site.upload("large.mp4", streamed(300)).await;
    let grown = peak_memory_kib() - before;
    assert!(grown < 50 * 1024, "{grown} KiB");
    let file = site.folder.path().join("data/media").join(id.to_string());
    assert_eq!(std::fs::metadata(file).unwrap().len(), 300 * MIB as u64);
}

#[tokio::test]
async fn an_upload_that_says_it_is_too_large_is_refused_before_its_first_byte() {
    let site = Site::start_with(Config { max_upload_bytes: 1000, ..config() }).await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let head = "POST /api/v1/uploads?filename=a.mp4 HTTP/1.1\r\nHost: localhost\r\n\
                Content-Length: 100000000000\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let count = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("media_too_large"), "{answer}");
}

#[tokio::test]
async fn an_upload_that_grows_beyond_the_limit_is_cut_off() {
    let site = Site::start_with(Config { max_upload_bytes: 2 * MIB as u64, ..config() }).await;
    let request = site.request(Method::POST, "/api/v1/uploads?filename=a.mp4").body(streamed(5));
    error_of(request.send().await.unwrap(), (413, "media_too_large")).await;
    assert_eq!(site.media_files(), Vec::<String>::new());

    let at_the_limit = site.upload("a.mp4", streamed(2)).await;
    assert_eq!(site.media_files(), [at_the_limit.to_string()]);
}

#[tokio::test]
async fn an_empty_upload_is_refused() {
    let site = Site::start().await;
    for body in [Body::from(""), streamed(0)] {
        let response =
            site.request(Method::POST, "/api/v1/uploads?filename=a.mp4").body(body).send().await.unwrap();
        let error = error_of(response, (400, "empty_upload")).await;
        assert_eq!(error["field"], "file");
    }
    assert_eq!(site.media_files(), Vec::<String>::new());
}

#[tokio::test]
async fn wrong_options_are_told_before_the_upload() {
    let site = Site::start().await;
    // A body without end: only an answer that does not wait for it lets the test finish.
    let endless = Body::wrap_stream(stream::pending::<Result<Bytes, Infallible>>());
    let path = "/api/v1/uploads?filename=a.mp4&language=xx";
    let response = site.request(Method::POST, path).body(endless).send().await.unwrap();
    error_of(response, (422, "unknown_language")).await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let site = Site::start().await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        let head = "POST /api/v1/uploads?filename=a.mp4 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![1; 2 * MIB]).await.unwrap();
        socket_reset(stream);
    }
    // A whole upload on the same road comes after them; then the folder holds it and nothing else, at the latest when
    // the server has noticed every reset.
    let id = site.upload("b.mp4", "whole").await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while site.media_files() != [id.to_string()] {
        assert!(Instant::now() < deadline, "{:?}", site.media_files());
        tokio::task::yield_now().await;
    }
    assert_eq!(site.backend.queue.stats().await.unwrap().visible, 1);
}

/// Closes with a reset, as a peer that vanished does.
fn socket_reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}

#[tokio::test]
async fn a_dribbled_upload_is_given_up() {
    let site = Site::start_with(Config { upload_patience: Duration::from_millis(300), ..config() }).await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let head =
        "POST /api/v1/uploads?filename=a.mp4 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nabc";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    check_error(StatusCode::REQUEST_TIMEOUT, &serde_json::from_str(body).unwrap(), (408, "too_slow"));
    assert_eq!(site.media_files(), Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_that_would_fill_the_disk_is_refused() {
    let folder = std::env::temp_dir();
    let site =
        Site::start_with(Config { min_free_bytes: u64::MAX, media_folder: Some(folder), ..config() }).await;
    let response =
        site.request(Method::POST, "/api/v1/uploads?filename=a.mp4").body("media").send().await.unwrap();
    error_of(response, (507, "disk_full")).await;
}

#[tokio::test]
async fn the_same_key_for_the_same_file_makes_one_job_and_keeps_one_file() {
    let site = Site::start().await;
    let upload = async |body: &'static str| {
        let request =
            site.request(Method::POST, "/api/v1/uploads?filename=a.mp4").header("idempotency-key", "k");
        request.body(body).send().await.unwrap()
    };
    let first = id_of(&upload("media").await.json().await.unwrap());
    let repeat = id_of(&upload("media").await.json().await.unwrap());
    assert_eq!(first, repeat);
    error_of(upload("other").await, (409, "idempotency_key_reused")).await;
    assert_eq!(site.media_files(), [first.to_string()]);
}
