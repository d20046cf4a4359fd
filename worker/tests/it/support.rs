//! A real backend in a temporary folder, real models, real speech, and real workers on top.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use backend::{Backend, BackendConfig, BackendKind, Heard, Subscription};
use bytes::Bytes;
use domain::{
    Cue, CuePage, Job, JobChange, JobEvent, JobId, JobMessage, JobSpec, JobStatus, Profile, Source, Task,
    WallTime, Word,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::audio::MediaDecoder;
use worker::config::{Limits, WorkerConfig};
use worker::engine::{Engine, EngineConfig};
use worker::fetch::FetchConfig;
use worker::lease::LeaseConfig;
use worker::process::{Worker, process_delivery};
use worker::retry::RetryConfig;
use worker::tasks::TaskConfig;
use worker::video::VideoConfig;

pub const MODEL: &str = "tiny.en";

/// Longer than anything takes on a busy machine: a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct Bench {
    pub folder: TempDir,
    pub backend: Backend,
}

impl Bench {
    pub async fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let config = BackendConfig {
            backend: BackendKind::Embedded,
            data: folder.path().join("data"),
            max_receive_count: 10,
            aws: Default::default(),
        };
        let backend = backend::connect(&config).await.unwrap();
        Bench { folder, backend }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Production with the waits cut short.
    pub fn config(&self) -> WorkerConfig {
        WorkerConfig {
            slots: 1,
            poll_wait: Duration::from_secs(20),
            lease: LeaseConfig {
                visibility: Duration::from_secs(10),
                check_every: Duration::from_millis(200),
                ..LeaseConfig::default()
            },
            retry: RetryConfig { base: Duration::from_millis(20), ..RetryConfig::default() },
            fetch: FetchConfig::default(),
            limits: Limits::default(),
            engine: EngineConfig { threads: 1, ..EngineConfig::new(env!("CARGO_BIN_EXE_worker")) },
            video: VideoConfig::default(),
            media_decoder: MediaDecoder::Auto,
            tasks: TaskConfig {
                cleanup_every: None,
                stats_every: None,
                update_model_every: None,
                is_scheduled: false,
            },
            models: models(),
            model: MODEL.into(),
            scratch: self.folder.path().join("scratch"),
        }
    }

    /// Starts a worker in this process.
    pub fn start(&self, config: WorkerConfig) -> Running {
        let shutdown = CancellationToken::new();
        let worker = tokio::spawn(worker::pull::run(self.backend.clone(), config, shutdown.clone()));
        Running { shutdown, worker }
    }

    /// Submits media as an upload.
    pub async fn upload(&self, media: &Path) -> JobId {
        let job = self.put(media).await;
        self.submit(&job).await;
        job.id
    }

    /// A job whose message somebody else sends.
    pub async fn upload_only(&self, media: &Path) -> JobId {
        let job = self.put(media).await;
        self.backend.store.create(&job, None).await.unwrap();
        job.id
    }

    async fn put(&self, media: &Path) -> Job {
        let bytes = std::fs::read(media).unwrap();
        let source = Source::Upload { filename: "media".into(), bytes: bytes.len() as u64 };
        let job = job(source);
        let mut writer = self.backend.media.write(job.id).await.unwrap();
        writer.write(Bytes::from(bytes)).await.unwrap();
        writer.finish().await.unwrap();
        job
    }

    pub async fn link(&self, url: &str) -> JobId {
        let job = job(Source::Link { url: url.into() });
        self.submit(&job).await;
        job.id
    }

    pub async fn submit(&self, job: &Job) {
        self.backend.store.create(job, None).await.unwrap();
        let body = serde_json::to_string(&JobMessage::new(job.id)).unwrap();
        self.backend.queue.send(&body, Duration::ZERO).await.unwrap();
    }

    pub async fn job(&self, id: JobId) -> Job {
        self.backend.store.get(id).await.unwrap().unwrap()
    }

    pub async fn pages(&self, id: JobId) -> Vec<CuePage> {
        self.backend.store.pages(id, 0).await.unwrap()
    }

    pub async fn listen(&self) -> Listener {
        Listener { subscription: self.backend.topic.subscribe().await.unwrap(), ended: HashSet::new() }
    }

    /// The end of a job is told before its message goes.
    pub async fn until_idle(&self) {
        let idle = async {
            while !self.is_idle().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        patiently("the last acknowledgement", idle).await;
    }

    /// Nothing is left to do: no message waits, hides or is delayed.
    pub async fn is_idle(&self) -> bool {
        let stats = self.backend.queue.stats().await.unwrap();
        stats.visible + stats.in_flight + stats.delayed == 0
    }
}

/// A worker in this process.
pub struct Running {
    shutdown: CancellationToken,
    worker: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub async fn stop(self) {
        self.shutdown.cancel();
        patiently("the worker's stop", self.worker).await.unwrap().unwrap();
    }
}

/// A subscriber of the topic.
pub struct Listener {
    subscription: Subscription,
    /// Jobs whose end was heard, perhaps while somebody waited for another event.
    ended: HashSet<JobId>,
}

impl Listener {
    /// Events up to the first one of job `id` that `is_it`; that one is the last.
    pub async fn until(&mut self, id: JobId, is_it: impl Fn(&JobChange) -> bool) -> Vec<JobEvent> {
        let mut heard = Vec::new();
        let listening = async {
            loop {
                match self.subscription.next().await.expect("the topic goes on") {
                    Heard::Event(event) => heard.push(*event),
                    Heard::Gap => panic!("the listener was too slow"),
                }
                let last = heard.last().unwrap();
                if is_end(&last.change) {
                    self.ended.insert(last.id);
                }
                if last.id == id && is_it(&last.change) {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, listening).await.is_err() {
            panic!("not heard; only: {heard:#?}");
        }
        heard
    }

    /// Events up to the end of job `id`; none if that was heard before.
    pub async fn until_ended(&mut self, id: JobId) -> Vec<JobEvent> {
        if self.ended.contains(&id) {
            return Vec::new();
        }
        self.until(id, is_end).await
    }

    pub async fn until_cues(&mut self, id: JobId) -> Vec<JobEvent> {
        self.until(id, |change| matches!(change, JobChange::Cues { .. })).await
    }
}

fn is_end(change: &JobChange) -> bool {
    matches!(change, JobChange::Completed { .. } | JobChange::Failed { .. } | JobChange::Cancelled { .. })
}

/// What a slot does, until no message is left.
pub async fn work_until_idle(bench: &Bench, worker: &Worker, engine: &mut Option<Engine>) {
    let shutdown = CancellationToken::new();
    let working = async {
        while !bench.is_idle().await {
            let received = worker.backend.queue.receive(PATIENCE, worker.config.lease.visibility).await;
            // A failed call is tried again at once.
            if let Ok(Some(delivery)) = received {
                process_delivery(worker, engine, &delivery, &shutdown).await;
            }
        }
    };
    patiently("the work", working).await;
}

pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} takes too long"))
}

/// A new job of `source` in English.
pub fn job(source: Source) -> Job {
    let spec = JobSpec {
        source,
        language: Some("en".into()),
        task: Task::default(),
        model: None,
        profile: Profile::default(),
        title: "A test".into(),
        translation_of: None,
        video: None,
    };
    let now = WallTime::now();
    let tomorrow = now + Duration::from_secs(86_400);
    Job::queued(JobId::from_bits(rand::random()), spec, now, tomorrow)
}

pub fn models() -> PathBuf {
    match std::env::var_os("CUELIGHT_MODELS") {
        Some(folder) => folder.into(),
        None => worker::config::default_models(),
    }
}

/// Where `./dev` keeps what it fetches.
pub fn cache() -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/cuelight")
}

/// 11 s of speech: "And so, my fellow Americans, …".
pub fn speech() -> PathBuf {
    let path = cache().join("speech/jfk.wav");
    assert!(path.exists(), "no test speech at {}: ./dev test puts it there", path.display());
    path
}

/// The speech several times over, cut to `seconds`, as MP3.
pub fn long_speech(folder: &Path, seconds: u32) -> PathBuf {
    let path = folder.join(format!("{seconds}.mp3"));
    ffmpeg(&["-stream_loop", "-1", "-i", speech().to_str().unwrap(), "-t", &seconds.to_string()], &path);
    path
}

pub fn silence(folder: &Path, seconds: u32) -> PathBuf {
    let path = folder.join("silence.wav");
    ffmpeg(&["-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", &seconds.to_string()], &path);
    path
}

fn ffmpeg(arguments: &[&str], to: &Path) {
    let status = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).arg(to).status().unwrap();
    assert!(status.success(), "ffmpeg {arguments:?}");
}

pub fn cues(pages: &[CuePage]) -> Vec<Cue> {
    pages.iter().flat_map(|page| page.cues.clone()).collect()
}

/// The same words at the same times: none doubled, none lost, whatever happened on the way.
pub fn check_same_words(pages: &[CuePage], expected: &[CuePage], when: &str) {
    let words =
        |pages: &[CuePage]| -> Vec<Word> { pages.iter().flat_map(|page| page.words.clone()).collect() };
    assert_eq!(words(pages), words(expected), "{when}");
    assert_eq!(cues(pages), cues(expected), "{when}");
}

/// Pages follow each other: numbered without gaps, in time without overlap, and their cues make a track.
pub fn check_pages(pages: &[CuePage]) {
    for (index, page) in pages.iter().enumerate() {
        assert_eq!(page.number as usize, index);
    }
    for pair in pages.windows(2) {
        assert!(pair[0].end <= pair[1].start, "{pair:?}");
    }
    domain::Track::new(None, cues(pages)).unwrap();
}

/// The job completed, and its cues say what was said.
pub async fn check_speech(bench: &Bench, id: JobId) {
    let job = bench.job(id).await;
    assert_eq!((job.status, &job.failure), (JobStatus::Completed, &None));
    assert_eq!(job.progress.fraction, 1.0);
    let pages = bench.pages(id).await;
    check_pages(&pages);
    assert_eq!(job.progress.pages as usize, pages.len());
    let cues = cues(&pages);
    assert_eq!(job.progress.cues as usize, cues.len());
    let text =
        cues.iter().map(|cue| cue.text.replace('\n', " ")).collect::<Vec<_>>().join(" ").to_lowercase();
    assert!(text.contains("fellow americans") && text.contains("do for your country"), "{text}");
}
