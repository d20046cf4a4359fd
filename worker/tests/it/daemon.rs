//! A stand-in for the daemon of an Elastic Beanstalk worker tier: takes messages off a real queue and posts them.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backend::{Delivery, JobQueue};
use reqwest::StatusCode;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::process_support::WorkerProcess;
use crate::support::{Bench, patiently};

/// A worker in push mode, as a process of its own.
pub struct PushWorker {
    pub process: WorkerProcess,
    pub address: SocketAddr,
}

impl PushWorker {
    /// Returns when it answers.
    pub async fn start(bench: &Bench, name: &str, more: &[&str]) -> PushWorker {
        // Free a moment ago; nobody else is given it so soon.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        PushWorker::start_at(bench, name, address, more).await
    }

    pub async fn start_at(bench: &Bench, name: &str, address: SocketAddr, more: &[&str]) -> PushWorker {
        let listen = address.to_string();
        let arguments = [&["push", "--listen", &listen], more].concat();
        let mut process = WorkerProcess::spawn(bench, name, &arguments);
        let answering = async {
            while TcpStream::connect(address).await.is_err() {
                assert!(process.child.try_wait().unwrap().is_none(), "it did not start: {}", process.log());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        patiently("the worker's start", answering).await;
        PushWorker { process, address }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn health(&self) -> Value {
        let answer = reqwest::get(self.url("/")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &str) -> (StatusCode, Value) {
        let request = reqwest::Client::new().post(self.url(path)).body(body.to_owned());
        let answer = patiently("an answer", request.send()).await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }
}

/// Stops when dropped, as a daemon that is killed: its messages come again when their visibility ends.
pub struct Daemon {
    answers: Arc<Mutex<Vec<Option<StatusCode>>>>,
    _connections: JoinSet<()>,
}

#[derive(Clone)]
pub struct Settings {
    pub connections: usize,
    pub visibility: Duration,
    pub inactivity: Duration,
    pub error_visibility: Duration,
}

impl Default for Settings {
    /// As in `deploy/elasticbeanstalk`, but for the pause after an error.
    fn default() -> Settings {
        Settings {
            connections: 1,
            visibility: Duration::from_secs(300),
            inactivity: Duration::from_secs(299),
            error_visibility: Duration::from_millis(100),
        }
    }
}

impl Daemon {
    pub fn start(bench: &Bench, address: SocketAddr, settings: Settings) -> Daemon {
        let answers: Arc<Mutex<Vec<_>>> = Arc::default();
        let mut connections = JoinSet::new();
        for _ in 0..settings.connections {
            let queue = bench.backend.queue.clone();
            let (settings, answers) = (settings.clone(), answers.clone());
            connections.spawn(async move {
                let client = reqwest::Client::new();
                loop {
                    let received = queue.receive(Duration::from_secs(20), settings.visibility).await.unwrap();
                    let Some(delivery) = received else { continue };
                    let answer = post(&client, address, &delivery, &settings).await;
                    answers.lock().unwrap().push(answer);
                    settle(queue.as_ref(), &delivery, answer, &settings).await;
                }
            });
        }
        Daemon { answers, _connections: connections }
    }

    /// What was answered so far; `None`: nothing.
    pub fn answers(&self) -> Vec<Option<StatusCode>> {
        self.answers.lock().unwrap().clone()
    }
}

async fn post(
    client: &reqwest::Client,
    address: SocketAddr,
    delivery: &Delivery,
    settings: &Settings,
) -> Option<StatusCode> {
    let request = client
        .post(format!("http://{address}/"))
        .header("Content-Type", "application/json")
        .header("User-Agent", "aws-sqsd/3.0")
        .header("X-Aws-Sqsd-Msgid", &delivery.message_id)
        .header("X-Aws-Sqsd-Queue", "jobs")
        .header("X-Aws-Sqsd-Receive-Count", delivery.receive_count)
        .timeout(settings.inactivity)
        .body(delivery.body.clone());
    request.send().await.ok().map(|answer| answer.status())
}

async fn settle(queue: &dyn JobQueue, delivery: &Delivery, answer: Option<StatusCode>, settings: &Settings) {
    match answer {
        Some(StatusCode::OK) => queue.delete(&delivery.receipt).await.unwrap(),
        _ => drop(queue.set_visibility(&delivery.receipt, settings.error_visibility).await.unwrap()),
    }
}
