//! One running server for one test, and the hands of a worker.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backend::{
    Backend, BackendConfig, BackendKind, Claim, Finished, Outcome, ReceiptHandle, Written, with_hook,
};
use domain::{
    Cue, CuePage, Failure, Job, JobEvent, JobId, JobMessage, JobSpec, Progress, SpecOptions, Stage,
    Timestamp, WallTime, Word,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use server::{Config, Listeners};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::deaf::Deaf;
use crate::hook::Hook;

pub struct Site {
    pub address: SocketAddr,
    pub operators: SocketAddr,
    pub client: Client,
    /// Another opening of the same data, as another process has it.
    pub backend: Backend,
    pub folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<anyhow::Result<()>>,
}

pub fn config() -> Config {
    Config {
        site: "no such folder".into(),
        models: vec!["base".into(), "tiny.en".into()],
        max_upload_bytes: 400 << 20,
        retention: Duration::from_secs(3600),
        public_hosts: vec!["cuelight.example".into()],
        min_free_bytes: 0,
        reconcile_every: Duration::from_secs(3600),
        worker_silence: Duration::from_secs(3600),
        upload_patience: Duration::from_secs(20),
        media_folder: None,
    }
}

pub fn embedded(folder: &TempDir) -> BackendConfig {
    BackendConfig {
        backend: BackendKind::Embedded,
        data: folder.path().join("data"),
        max_receive_count: 2,
        aws: Default::default(),
    }
}

impl Site {
    pub async fn start() -> Site {
        Site::start_with(config()).await
    }

    pub async fn start_with(config: Config) -> Site {
        let site = Site::begin(config, None).await;
        site.ready().await;
        site
    }

    /// Returns while the server starts. The hook stands between it and its backend.
    pub async fn begin(config: Config, hook: Option<Arc<Hook>>) -> Site {
        let (site, ()) = Site::begin_over(config, |backend| {
            if let Some(hook) = hook {
                *backend = with_hook(backend.clone(), hook);
            }
        })
        .await;
        site
    }

    /// A server that can be made deaf, and whose calls are counted.
    pub async fn deaf(config: Config) -> (Site, Deaf, Arc<Hook>) {
        let hook = Arc::new(Hook::default());
        let (site, deaf) = Site::begin_over(config, |backend| {
            *backend = with_hook(backend.clone(), hook.clone());
            Deaf::over(backend)
        })
        .await;
        site.ready().await;
        (site, deaf, hook)
    }

    /// Returns while the server starts, over what `wrap` makes of its backend.
    pub async fn begin_over<T>(config: Config, wrap: impl FnOnce(&mut Backend) -> T) -> (Site, T) {
        let folder = TempDir::new().unwrap();
        let data = embedded(&folder);
        let backend = backend::connect(&data).await.unwrap();
        let mut server_side = backend::connect(&data).await.unwrap();
        let wrapped = wrap(&mut server_side);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let operators_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let operators = operators_listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let listeners = Listeners { main: listener, operators: Some(operators_listener), sns: None };
        let running = tokio::spawn(server::run(listeners, server_side, config, shutdown));
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        (Site { address, operators, client, backend, folder, stop: Some(stop), running }, wrapped)
    }

    pub async fn ready(&self) {
        let ready = async { while self.get("/readyz").await.status() != StatusCode::OK {} };
        tokio::time::timeout(Duration::from_secs(30), ready).await.expect("the server gets ready");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where operators have their own listener.
    pub fn operators_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.operators)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.request(Method::POST, path).json(&body).send().await.unwrap()
    }

    /// A job for a link; nobody fetches it here.
    pub async fn submit(&self) -> JobId {
        let response = self.post("/api/v1/jobs", json!({ "url": "http://media.test/talk.mp4" })).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        id_of(&response.json().await.unwrap())
    }

    pub async fn upload(&self, filename: &str, bytes: impl Into<reqwest::Body>) -> JobId {
        let path = format!("/api/v1/uploads?filename={filename}");
        let response = self.request(Method::POST, &path).body(bytes).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        id_of(&response.json().await.unwrap())
    }

    /// A completed job with two pages, and the server has heard so.
    pub async fn completed(&self) -> JobId {
        let id = self.submit().await;
        let mut worker = self.worker().await;
        worker.page("Hello there.").await;
        worker.page("Good bye.").await;
        worker.finish(None).await;
        let job: Value = self.get(&format!("/api/v1/jobs/{id}?wait=20")).await.json().await.unwrap();
        assert_eq!(job["status"], "completed");
        id
    }

    pub async fn worker(&self) -> Worker {
        Worker::receive(&self.backend).await
    }

    /// Files of jobs, and parts of uploads on their way.
    pub fn media_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("data/media")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub fn tell_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    pub async fn stopped(self) {
        self.running.await.unwrap().unwrap();
    }
}

/// A job that another server made.
pub async fn stored(backend: &Backend) -> Job {
    let now = WallTime::now();
    let spec = JobSpec::link("http://media.test/elsewhere.mp4", &SpecOptions::default()).unwrap();
    let expires_at = now.checked_add(Duration::from_secs(600)).unwrap();
    let job = Job::queued(JobId::from_bits(rand::random()), spec, now, expires_at);
    backend.store.create(&job, None).await.unwrap();
    let message = serde_json::to_string(&JobMessage::of(&job)).unwrap();
    backend.queue.send(&message, Duration::ZERO).await.unwrap();
    job
}

/// Plays the worker for one job: the order of its writes is the real one.
pub struct Worker {
    backend: Backend,
    pub job: Job,
    receipt: ReceiptHandle,
}

impl Worker {
    pub async fn receive(backend: &Backend) -> Worker {
        let wait = Duration::from_secs(10);
        let delivery =
            backend.queue.receive(wait, Duration::from_secs(60)).await.unwrap().expect("a message");
        let message: JobMessage = serde_json::from_str(&delivery.body).unwrap();
        let Claim::Won(job) =
            backend.store.claim(message.job, &delivery.message_id, delivery.receive_count).await.unwrap()
        else {
            panic!("nothing to claim")
        };
        backend.topic.publish(&JobEvent::state_of(&job)).await.unwrap();
        Worker { backend: backend.clone(), job: *job, receipt: delivery.receipt }
    }

    pub async fn report(&mut self, fraction: f32) {
        let progress = Progress { stage: Stage::Fetching, fraction, ..self.job.progress.clone() };
        let written = self.backend.store.report(self.job.id, self.job.attempt, &progress).await.unwrap();
        self.written(written).await;
        let change = domain::JobChange::Progress { progress: self.job.progress.clone() };
        self.publish(&JobEvent { id: self.job.id, version: self.job.version, change }).await;
    }

    /// Commits one page of one cue and tells it.
    pub async fn page(&mut self, text: &str) {
        let event = self.silent_page(text).await;
        self.publish(&event).await;
    }

    /// Commits a page; the event is handed out instead of told.
    pub async fn silent_page(&mut self, text: &str) -> JobEvent {
        let number = self.job.progress.pages;
        let start = Timestamp(u64::from(number) * 5000);
        let end = Timestamp(start.0 + 4000);
        let words = text.split(' ').enumerate().map(|(index, word)| Word {
            start: Timestamp(start.0 + 500 * index as u64),
            end: Timestamp(start.0 + 500 * index as u64 + 400),
            text: word.to_owned(),
            probability: 0.9,
        });
        let mut page = CuePage {
            number,
            version: 0,
            start,
            end,
            words: words.collect(),
            cues: vec![Cue { start, end, text: text.to_owned(), doubts: Vec::new() }],
            open: None,
            peaks: format!("peaks-{number}"),
        };
        let language = self.job.progress.language.clone().or_else(|| Some("en".into()));
        let progress = Progress { stage: Stage::Transcribing, language, ..self.job.progress.clone() };
        let appended = self.backend.store.append_cues(self.job.id, self.job.attempt, &page, &progress).await;
        self.written(appended.unwrap()).await;
        page.version = self.job.version;
        JobEvent::cues_of(&self.job, &page)
    }

    pub async fn finish(self, failure: Option<Failure>) -> Job {
        let job = self.finish_silently(failure).await;
        self.publish(&JobEvent::state_of(&job)).await;
        self.backend.queue.delete(&self.receipt).await.unwrap();
        job
    }

    /// As after the last attempt: fails the job, tells it, and buries its message.
    pub async fn give_up(self, reason: &str, attempts: u32) -> Job {
        let job = self.finish_silently(Some(Failure::MediaUnreachable)).await;
        self.publish(&JobEvent::state_of(&job)).await;
        let body = serde_json::to_string(&JobMessage::of(&job)).unwrap();
        self.backend.queue.bury(&body, Some(&self.receipt), reason, attempts).await.unwrap();
        job
    }

    /// The message is gone, as when the queue is lost.
    pub async fn lose_message(self) {
        self.backend.queue.delete(&self.receipt).await.unwrap();
    }

    pub async fn finish_silently(&self, failure: Option<Failure>) -> Job {
        self.finish_silently_at(WallTime::now(), failure).await
    }

    /// By a clock of the worker's own.
    pub async fn finish_silently_at(&self, finished_at: WallTime, failure: Option<Failure>) -> Job {
        let outcome = Outcome {
            failure,
            counted: None,
            progress: Progress { stage: Stage::Done, fraction: 1.0, ..self.job.progress.clone() },
            finished_at,
            expires_at: finished_at.checked_add(Duration::from_secs(3600)).unwrap(),
        };
        let finished =
            self.backend.store.finish(self.job.id, self.job.attempt, None, &outcome).await.unwrap();
        let Finished::First(job) = finished else { panic!("somebody else finished it") };
        *job
    }

    pub async fn publish(&self, event: &JobEvent) {
        self.backend.topic.publish(event).await.unwrap();
    }

    async fn written(&mut self, written: Written) {
        assert!(matches!(written, Written::At(_)), "fenced");
        self.job = self.backend.store.get(self.job.id).await.unwrap().unwrap();
    }
}

pub fn id_of(job: &Value) -> JobId {
    job["id"].as_str().unwrap().parse().unwrap()
}

/// Asserts status and code of an error, and that it is told as every error is. Returns the error.
#[track_caller]
pub fn check_error(status: StatusCode, body: &Value, expect: (u16, &str)) -> Value {
    let error = &body["error"];
    assert_eq!((status.as_u16(), error["code"].as_str().unwrap_or_default()), expect, "{body}");
    assert!(!error["message"].as_str().unwrap().is_empty() && !error["hint"].as_str().unwrap().is_empty());
    error.clone()
}

pub async fn error_of(response: Response, expect: (u16, &str)) -> Value {
    let status = response.status();
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    check_error(status, &body, expect)
}
