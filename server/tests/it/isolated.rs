//! A server that events do not reach: it says so, and reads the store instead.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::Config;

use crate::deaf::Deaf;
use crate::listener::Socket;
use crate::support::{Site, config};

async fn notify(site: &Site) -> Value {
    let response = site.get("/readyz").await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json::<Value>().await.unwrap()["notify"].clone()
}

async fn stands(site: &Site, expect: &str) {
    let standing = async { while notify(site).await != json!(expect) {} };
    tokio::time::timeout(Duration::from_secs(20), standing).await.expect(expect);
}

#[tokio::test]
async fn an_isolated_server_is_ready_says_so_and_shows_changes_in_seconds_for_one_read_a_job() {
    let (site, deaf, hook) = Site::deaf(config()).await;
    assert_eq!(notify(&site).await, json!("clustered"));
    let id = site.submit().await;
    let mut sockets: Vec<Socket> = stream::iter(0..20)
        .then(async |_| {
            let mut socket = Socket::watching(&site, id, 0).await;
            assert_eq!(socket.event().await["event"], "queued");
            socket
        })
        .collect()
        .await;
    deaf.lose();
    deaf.notice();
    stands(&site, "isolated").await;
    let mut worker = site.worker().await;
    worker.page("One.").await;
    let started = Instant::now();
    for socket in &mut sockets {
        while socket.event().await["event"] != "cues" {}
    }
    worker.finish(None).await;
    hook.take_calls();
    for socket in &mut sockets {
        socket.events_until("completed").await;
    }
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    let reads =
        hook.take_store_calls().into_iter().filter(|name| matches!(*name, "store.get" | "store.read"));
    assert!(reads.count() <= 4, "reads are for each job, not for each socket");

    deaf.heal();
    stands(&site, "clustered").await;
    let next = site.submit().await;
    let mut socket = Socket::watching(&site, next, 0).await;
    let healed = Instant::now();
    site.worker().await.finish(None).await;
    socket.events_until("completed").await;
    assert!(healed.elapsed() < Duration::from_secs(2), "{:?}", healed.elapsed());
}

/// What happened while nothing was heard is known once events come again, and nothing older is told.
#[tokio::test]
async fn what_was_missed_is_known_when_events_come_again() {
    let (site, deaf, hook) = Site::deaf(config()).await;
    let id = site.submit().await;
    deaf.lose();
    site.worker().await.finish(None).await;
    // Nobody has noticed: the copy of the moment before is told.
    let path = format!("/api/v1/jobs/{id}");
    assert_eq!(site.get(&path).await.json::<Value>().await.unwrap()["status"], "queued");
    deaf.notice();
    stands(&site, "isolated").await;
    deaf.heal();
    stands(&site, "clustered").await;
    hook.take_calls();
    assert_eq!(site.get(&path).await.json::<Value>().await.unwrap()["status"], "completed");
    assert_eq!(hook.take_store_calls(), Vec::<&str>::new());
}

/// Before anybody notices that nothing comes, the sweep finds the end.
#[tokio::test]
async fn an_end_that_is_lost_unnoticed_is_told_by_the_sweep() {
    let eager = Config { reconcile_every: Duration::from_secs(1), ..config() };
    let (site, deaf, _) = Site::deaf(eager).await;
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    assert_eq!(socket.event().await["event"], "queued");
    deaf.lose();
    site.worker().await.finish(None).await;
    assert_eq!(socket.event().await["event"], "completed");
}

#[tokio::test]
async fn a_server_that_starts_isolated_gets_ready() {
    let (site, _deaf) = Site::begin_over(config(), |backend| {
        let deaf = Deaf::over(backend);
        deaf.lose();
        deaf.notice();
        deaf
    })
    .await;
    site.ready().await;
    assert_eq!(notify(&site).await, json!("isolated"));
}
