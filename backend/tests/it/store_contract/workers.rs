//! What workers tell of themselves.

use std::time::Duration;

use backend::{Backend, WorkerRecord};
use domain::WallTime;

use crate::{contract, in_an_hour, new_id};

contract![
    a_worker_is_known_as_it_told_last,
    a_worker_that_is_silent_is_forgotten,
    a_worker_that_stops_is_forgotten_at_once,
];

fn worker(id: &str) -> WorkerRecord {
    let now = WallTime::now();
    WorkerRecord {
        id: id.into(),
        host: "här".into(),
        pid: 42,
        version: "0.1.0".into(),
        mode: "pull".into(),
        engine: "whisper.cpp".into(),
        model: "base".into(),
        slots: 2,
        jobs: Vec::new(),
        started_at: now,
        told_at: now,
        expires_at: in_an_hour(),
    }
}

async fn a_worker_is_known_as_it_told_last(backend: &Backend) {
    let store = &backend.store;
    assert_eq!(store.workers().await.unwrap(), []);
    store.tell_worker(&worker("b")).await.unwrap();
    store.tell_worker(&worker("a")).await.unwrap();
    let (idle, busy) = (worker("a"), WorkerRecord { jobs: vec![new_id(), new_id()], ..worker("b") });
    store.tell_worker(&busy).await.unwrap();
    store.tell_worker(&idle).await.unwrap();
    assert_eq!(store.workers().await.unwrap(), [idle, busy]);
}

async fn a_worker_that_is_silent_is_forgotten(backend: &Backend) {
    let store = &backend.store;
    let soon = WallTime::now() + Duration::from_millis(300);
    store.tell_worker(&WorkerRecord { expires_at: soon, ..worker("dead") }).await.unwrap();
    store.tell_worker(&worker("living")).await.unwrap();
    let living = async || {
        let workers = store.workers().await.unwrap();
        workers.into_iter().map(|worker| worker.id).collect::<Vec<_>>()
    };
    loop {
        let begin = WallTime::now();
        match living().await.as_slice() {
            [one] if one == "living" => break,
            _ => assert!(begin < soon, "past its time"),
        }
    }
    store.tell_worker(&worker("living")).await.unwrap();
    assert_eq!(living().await, ["living"]);
}

async fn a_worker_that_stops_is_forgotten_at_once(backend: &Backend) {
    let store = &backend.store;
    store.tell_worker(&worker("a")).await.unwrap();
    store.forget_worker("a").await.unwrap();
    store.forget_worker("a").await.unwrap();
    assert_eq!(store.workers().await.unwrap(), []);
}
