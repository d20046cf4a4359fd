//! What stands around every handler: time limits, origins, hosts, headers, health.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Site, error_of};

#[tokio::test]
async fn silent_and_dribbling_peers_are_dropped_while_others_are_served() {
    let site = Site::start().await;
    let started = Instant::now();
    let mut peers = Vec::new();
    for start in ["", "G", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(site.address).await.unwrap();
            stream.write_all(start.as_bytes()).await.unwrap();
            peers.push(tokio::spawn(dribble(stream)));
        }
    }
    let asked = Instant::now();
    assert_eq!(site.get("/healthz").await.status(), StatusCode::OK);
    assert!(asked.elapsed() < Duration::from_secs(1));
    for peer in peers {
        peer.await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// Sends a byte now and then until the server has closed.
async fn dribble(mut stream: TcpStream) {
    let mut answer = [0; 512];
    loop {
        tokio::select! {
            read = stream.read(&mut answer) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            },
            () = tokio::time::sleep(Duration::from_millis(500)) => {
                if stream.write_all(b"x").await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let site = Site::start().await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let started = Instant::now();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn other_sites_change_nothing_here() {
    let site = Site::start().await;
    let id = site.submit().await;
    let foreign = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ];
    for (name, value) in foreign {
        for (method, path) in [
            (Method::POST, "/api/v1/jobs".to_owned()),
            (Method::POST, "/api/v1/uploads?filename=a".to_owned()),
            (Method::DELETE, format!("/api/v1/jobs/{id}")),
            (Method::PUT, format!("/api/v1/jobs/{id}/track")),
            (Method::POST, "/submit".to_owned()),
            (Method::POST, format!("/jobs/{id}/delete")),
            (Method::POST, "/api/v1/dead-letters/redrive".to_owned()),
        ] {
            let response = site.request(method, &path).header(name, value).body("x").send().await.unwrap();
            let error = error_of(response, (403, "foreign_origin")).await;
            assert!(error["message"].is_string(), "{path} {name}: {value}");
        }
    }
    let own = format!("http://{}", site.address);
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", own.as_str())] {
        let request = site.request(Method::POST, "/api/v1/jobs").header(name, value);
        let response = request.json(&json!({ "url": "http://media.test/a" })).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED, "{name}: {value}");
    }
}

#[tokio::test]
async fn changes_are_not_made_by_looking() {
    let site = Site::start().await;
    let id = site.submit().await;
    for path in [
        format!("/api/v1/jobs/{id}/cancel"),
        format!("/api/v1/jobs/{id}/retry"),
        "/api/v1/uploads".to_owned(),
        "/submit".to_owned(),
        format!("/jobs/{id}/delete"),
    ] {
        assert_eq!(site.get(&path).await.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn a_rebound_name_is_not_ours() {
    let site = Site::start().await;
    let check = async |host: &str, status: u16| {
        let response = site.request(Method::GET, "/api/v1/jobs").header("host", host).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{host}");
    };
    check("localhost", 200).await;
    check("localhost:1234", 200).await;
    check("127.0.0.1", 200).await;
    check("[::1]:80", 200).await;
    check("cuelight.example", 200).await;
    check("CUELIGHT.example:443", 200).await;
    check("evil.example", 421).await;
    check("localhost.evil.example", 421).await;
    check("127.0.0.1.evil.example:80", 421).await;
    let probe = site.request(Method::GET, "/readyz").header("host", "10.0.0.7").send().await.unwrap();
    assert_eq!(probe.status(), StatusCode::OK);
}

#[tokio::test]
async fn every_answer_has_its_security_headers() {
    let site = Site::start().await;
    for path in ["/", "/healthz", "/api/v1/jobs", "/api/v1/nothing", "/no/such/page"] {
        let response = site.get(path).await;
        let headers = response.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"),
            "{path}: {policy}"
        );
    }
}

#[tokio::test]
async fn probes_answer() {
    let site = Site::start().await;
    assert_eq!(site.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(site.get("/readyz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_idle_server_stops_at_once() {
    let mut site = Site::start().await;
    assert_eq!(site.get("/healthz").await.status(), StatusCode::OK);
    let started = Instant::now();
    site.tell_to_stop();
    site.stopped().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
