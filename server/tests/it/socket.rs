//! The WebSocket: live, resumed, and under bad clients.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use domain::{JobEvent, JobId};
use futures::SinkExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::listener::Socket;
use crate::support::Site;

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

#[track_caller]
fn check_rising(events: &[Value]) {
    let versions: Vec<u64> = events.iter().map(|event| event["version"].as_u64().unwrap()).collect();
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
}

fn texts(events: &[Value]) -> Vec<String> {
    let cues =
        events.iter().filter(|event| event["event"] == "cues").flat_map(|event| event["cues"].as_array());
    cues.flatten().map(|cue| cue["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_watcher_hears_a_job_from_start_to_end() {
    let site = Site::start().await;
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    assert_eq!(socket.event().await["event"], "queued");
    let mut worker = site.worker().await;
    worker.page("One.").await;
    worker.page("Two.").await;
    worker.finish(None).await;
    let events = socket.events_until("completed").await;
    assert_eq!(names(&events), ["started", "cues", "cues", "completed"]);
    assert_eq!(texts(&events), ["One.", "Two."]);
    assert_eq!(events[0]["id"], id.to_string());
    check_rising(&events);
}

#[tokio::test]
async fn a_late_watcher_gets_what_it_missed() {
    let site = Site::start().await;
    let id = site.completed().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    let events = socket.events_until("completed").await;
    assert_eq!(names(&events), ["cues", "cues", "completed"]);
    check_rising(&events);
}

#[tokio::test]
async fn a_watcher_resumes_without_gap_or_repeat_wherever_it_was_cut() {
    let site = Site::start().await;
    let id = site.submit().await;
    let mut first = Socket::watching(&site, id, 0).await;
    let mut worker = site.worker().await;
    for text in ["One.", "Two.", "Three."] {
        worker.page(text).await;
    }
    worker.finish(None).await;
    let all = first.events_until("completed").await;
    assert_eq!(texts(&all), ["One.", "Two.", "Three."]);
    let end = all.last().unwrap()["version"].as_u64().unwrap();

    for cut in 0..all.len() - 1 {
        let after = all[cut]["version"].as_u64().unwrap();
        let mut resumed = Socket::watching(&site, id, after).await;
        let events = resumed.events_until("completed").await;
        assert_eq!(texts(&events), texts(&all[cut + 1..]), "cut after {after}");
        assert!(events[0]["version"].as_u64().unwrap() > after);
        check_rising(&events);
    }
    // Who has everything hears nothing more until something happens.
    let mut whole = Socket::watching(&site, id, end).await;
    let retry = site.post(&format!("/api/v1/jobs/{id}/retry"), json!({})).await;
    assert!(retry.status().is_success());
    assert_eq!(whole.event().await["event"], "queued");
}

#[tokio::test]
async fn pages_committed_while_somebody_subscribes_are_heard_once() {
    let site = Site::start().await;
    let id = site.submit().await;
    let mut worker = site.worker().await;
    let writing = async {
        for number in 0..40 {
            worker.page(&format!("Page {number}.")).await;
        }
        worker.finish(None).await;
    };
    let listening = async {
        let mut heard = Vec::new();
        for _ in 0..20 {
            let mut socket = Socket::watching(&site, id, 0).await;
            heard.push(tokio::spawn(async move { socket.events_until("completed").await }));
        }
        heard
    };
    let ((), heard) = tokio::join!(writing, listening);
    let expect: Vec<String> = (0..40).map(|number| format!("Page {number}.")).collect();
    for events in heard {
        let events = events.await.unwrap();
        assert_eq!(texts(&events), expect);
        check_rising(&events);
    }
}

#[tokio::test]
async fn an_event_that_was_never_published_is_read_from_the_store() {
    let site = Site::start().await;
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    let mut worker = site.worker().await;
    worker.page("One.").await;
    worker.silent_page("Two, unheard.").await;
    worker.page("Three.").await;
    worker.finish(None).await;
    let events = socket.events_until("completed").await;
    assert_eq!(texts(&events), ["One.", "Two, unheard.", "Three."]);
    check_rising(&events);
}

#[tokio::test]
async fn repeated_and_reordered_events_are_told_in_order_and_once() {
    let site = Site::start().await;
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    let mut worker = site.worker().await;
    let first = worker.silent_page("One.").await;
    let second = worker.silent_page("Two.").await;
    for event in [&second, &first, &first, &second, &second] {
        worker.publish(event).await;
    }
    worker.finish(None).await;
    let events = socket.events_until("completed").await;
    assert_eq!(texts(&events), ["One.", "Two."]);
    check_rising(&events);
}

#[tokio::test]
async fn a_watcher_that_lags_far_behind_misses_no_page() {
    let site = Site::start().await;
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    assert_eq!(socket.event().await["event"], "queued");
    // A second one keeps the pace, and its end says that all events were passed on while the first did not read.
    let mut quick = Socket::watching(&site, id, 0).await;
    let mut worker = site.worker().await;
    let long = "word ".repeat(400);
    let writing = async {
        for number in 0..300 {
            worker.page(&format!("{number} {long}")).await;
        }
        worker.finish(None).await;
    };
    let (_, quick_events) = tokio::join!(writing, quick.events_until("completed"));
    let events = socket.events_until("completed").await;
    for events in [&events, &quick_events] {
        assert_eq!(texts(events).len(), 300);
        check_rising(events);
    }
}

#[tokio::test]
async fn unknown_jobs_are_told_as_expired() {
    let site = Site::start().await;
    let mut socket = Socket::watching(&site, JobId::from_bits(1), 41).await;
    let event: JobEvent = serde_json::from_value(socket.event().await).unwrap();
    assert_eq!((event.version, event.change), (42, domain::JobChange::Expired));
}

#[tokio::test]
async fn a_deleted_job_is_told_once_and_then_not_watched() {
    let site = Site::start().await;
    let id = site.submit().await;
    let other = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    assert_eq!(socket.event().await["event"], "queued");
    site.request(Method::DELETE, &format!("/api/v1/jobs/{id}")).send().await.unwrap();
    assert_eq!(socket.event().await["event"], "expired");
    socket.say(json!({ "watch": other })).await;
    assert_eq!(socket.event().await["id"], other.to_string());
}

#[tokio::test]
async fn unwatched_jobs_are_silent() {
    let site = Site::start().await;
    let (noisy, quiet) = (site.submit().await, site.submit().await);
    let mut socket = Socket::open(&site).await;
    for id in [noisy, quiet] {
        socket.say(json!({ "watch": id })).await;
        assert_eq!(socket.event().await["id"], id.to_string());
    }
    socket.say(json!({ "unwatch": noisy })).await;
    // The answer to a later message says that the earlier one was heard.
    socket.say(json!({ "watch": JobId::from_bits(1) })).await;
    assert_eq!(socket.event().await["event"], "expired");
    for id in [noisy, quiet] {
        site.post(&format!("/api/v1/jobs/{id}/cancel"), json!({})).await;
    }
    assert_eq!(socket.event().await["id"], quiet.to_string());
}

#[tokio::test]
async fn pages_of_other_sites_may_not_listen() {
    let site = Site::start().await;
    let own = format!("http://{}", site.address);
    let name = format!("http://localhost:{}", site.address.port());
    let check = async |origin: &str, is_fine: bool| {
        let mut request = format!("ws://{}/ws", site.address).into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match connect_async(request).await {
            Ok(_) => assert!(is_fine, "{origin}"),
            Err(Error::Http(response)) => {
                assert_eq!((response.status().as_u16(), is_fine), (403, false), "{origin}")
            }
            Err(error) => panic!("{origin}: {error}"),
        }
    };
    check(&own, true).await;
    check(&name, false).await;
    check("https://evil.example", false).await;
    check("null", false).await;
    check(&format!("{own}.evil.example"), false).await;
}

#[tokio::test]
async fn bad_clients_are_shown_the_door() {
    let site = Site::start().await;
    let check = async |message: Message, code: u16| {
        let mut socket = Socket::open(&site).await;
        socket.stream.send(message).await.unwrap();
        assert_eq!(socket.close_code().await, code);
    };
    check(Message::text("x".repeat(1 << 20)), 1009).await;
    check(Message::text("nonsense"), 1008).await;
    check(Message::text(r#"{"watch": "../etc"}"#), 1008).await;
    check(Message::binary(vec![0; 10]), 1003).await;

    let mut flood = Socket::open(&site).await;
    for _ in 0..2000 {
        if flood.stream.feed(Message::text("{}")).await.is_err() {
            break;
        }
    }
    let _ = flood.stream.flush().await;
    assert_eq!(flood.close_code().await, 1008);
}

#[tokio::test]
async fn one_socket_watches_two_hundred_jobs_and_no_more() {
    let site = Site::start().await;
    let mut ids = Vec::new();
    for _ in 0..201 {
        ids.push(site.submit().await);
    }
    let mut socket = Socket::open(&site).await;
    let mut heard = HashMap::new();
    for id in &ids[..200] {
        socket.say(json!({ "watch": id })).await;
        let event = socket.event().await;
        heard.insert(event["id"].as_str().unwrap().to_owned(), event["version"].clone());
    }
    assert_eq!(heard.len(), 200);
    socket.say(json!({ "watch": ids[200] })).await;
    assert_eq!(socket.close_code().await, 1008);
}

#[tokio::test]
async fn a_restart_says_goodbye_to_open_sockets() {
    let mut site = Site::start().await;
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    assert_eq!(socket.event().await["event"], "queued");
    let waiting = tokio::spawn(site.request(Method::GET, &format!("/api/v1/jobs/{id}?wait=60")).send());
    let mut second = Socket::watching(&site, id, 0).await;
    assert_eq!(second.event().await["event"], "queued");

    let started = Instant::now();
    site.tell_to_stop();
    assert_eq!(socket.close_code().await, 1012);
    // The second one never answers the goodbye, and holds nothing up.
    if let Ok(response) = waiting.await.unwrap() {
        assert!(response.status().is_success());
    }
    site.stopped().await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    drop(second);
}
