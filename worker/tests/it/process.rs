//! Jobs from the queue to their end, by a worker in this process with a real engine.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use domain::{Failure, Job, JobChange, JobEvent, JobStatus, Source, Stage};
use tokio::net::TcpListener;
use worker::fetch::Open;
use worker::lease::{self, LeaseConfig, LeaseEnd};
use worker::process::{Ending, Message, Worker, process};

use crate::support::{
    Bench, PATIENCE, check_pages, check_speech, job, long_speech, silence, speech, work_until_idle,
};

#[tokio::test]
async fn an_upload_becomes_a_track() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = bench.start(bench.config());
    let id = bench.upload(&long_speech(bench.folder.path(), 33)).await;
    let events = listener.until_ended(id).await;
    check_speech(&bench, id).await;
    check_events(&bench.job(id).await, &events);
    worker.stop().await;
    assert!(bench.is_idle().await);
}

/// Versions rise, the bar never falls, each page is told, and the end comes last.
fn check_events(job: &Job, events: &[JobEvent]) {
    assert!(events.is_sorted_by(|a, b| a.version < b.version), "{events:#?}");
    let mut fraction = 0.0;
    let mut pages = 0;
    for event in events {
        let progress = match &event.change {
            JobChange::Started { progress, .. } | JobChange::Progress { progress } => progress,
            JobChange::Cues { page, progress, .. } => {
                assert_eq!((*page, progress.pages), (pages, pages + 1));
                pages += 1;
                progress
            }
            JobChange::Completed { progress, .. } => {
                assert_eq!((progress.fraction, progress.stage), (1.0, Stage::Done));
                progress
            }
            other => panic!("{other:?}"),
        };
        assert!(progress.fraction >= fraction, "{events:#?}");
        fraction = progress.fraction;
    }
    assert_eq!(pages, job.progress.pages);
    assert!(pages >= 2, "33 s are more than one window");
    assert_eq!(events.last().unwrap(), &JobEvent::state_of(job));
}

#[tokio::test]
async fn a_link_is_fetched_once_and_becomes_a_track() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let requests = Arc::new(AtomicUsize::new(0));
    let origin = serve_speech(requests.clone()).await;
    let worker = bench.start(bench.config());
    let id = bench.link(&format!("{origin}/speech.wav?token=secret")).await;
    listener.until_ended(id).await;
    check_speech(&bench, id).await;
    assert!(bench.job(id).await.progress.has_media);
    assert!(bench.backend.media.locate(id).await.unwrap().is_some());
    assert_eq!(requests.load(Ordering::SeqCst), 1);
    let scratch = bench.folder.path().join("scratch");
    let files =
        std::fs::read_dir(&scratch).unwrap().flat_map(|entry| std::fs::read_dir(entry.unwrap().path()));
    let names: Vec<_> = files.flatten().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["lock"], "the attempt's folder is gone");
    worker.stop().await;
    assert!(bench.is_idle().await);
}

#[tokio::test]
async fn a_site_that_recovers_costs_only_time() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let requests = Arc::new(AtomicUsize::new(0));
    let origin = serve_speech(requests.clone()).await;
    let worker = bench.start(bench.config());
    let id = bench.link(&format!("{origin}/third-time-lucky.wav")).await;
    listener.until_ended(id).await;
    check_speech(&bench, id).await;
    assert_eq!(bench.job(id).await.attempt, 3);
    worker.stop().await;
}

#[tokio::test]
async fn failures_of_links_are_told_as_what_they_are() {
    let bench = Bench::new().await;
    let origin = serve_speech(Arc::default()).await;
    let worker = bench.start(bench.config());
    let cases = [
        ("/missing.mp4", Failure::MediaNotFound, 1),
        ("/page.mp4", Failure::UnsupportedFormat { found: "a web page".into() }, 1),
        // A passing failure is tried as often as may be, and then told.
        ("/broken.mp4", Failure::MediaUnreachable, 4),
    ];
    for (path, failure, attempts) in cases {
        let mut listener = bench.listen().await;
        let id = bench.link(&format!("{origin}{path}")).await;
        listener.until_ended(id).await;
        let job = bench.job(id).await;
        assert_eq!(
            (job.status, job.failure, job.attempt),
            (JobStatus::Failed, Some(failure), attempts),
            "{path}"
        );
    }
    worker.stop().await;
    assert!(bench.is_idle().await);
    // What the media is at fault for is nobody's to look after.
    let letters = bench.backend.queue.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert!(letters[0].reason.as_deref().unwrap_or_default().starts_with("media_unreachable: "));
    assert_eq!(letters[0].attempts, 4);
}

#[tokio::test]
async fn a_passing_failure_is_tried_four_times_after_growing_waits_and_people_see_it_wait() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let requests: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = requests.clone();
    let site = Router::new().route(
        "/broken.mp4",
        get(async move || {
            seen.lock().unwrap().push(Instant::now());
            StatusCode::INTERNAL_SERVER_ERROR
        }),
    );
    let mut config = bench.config();
    config.retry.base = Duration::from_millis(200);
    let worker = bench.start(config);
    let id = bench.link(&format!("{}/broken.mp4", serve(site).await)).await;
    let events = listener.until_ended(id).await;
    let requests = requests.lock().unwrap().clone();
    let waits: Vec<Duration> = requests.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits.len(), 3, "{waits:?}");
    for (wait, least_ms) in waits.iter().zip([150, 300, 600]) {
        assert!(*wait >= Duration::from_millis(least_ms), "{waits:?}");
    }
    let waiting = events.iter().filter(|event| matches!(event.change, JobChange::Queued { .. })).count();
    assert_eq!(waiting, 3, "{events:#?}");
    let job = bench.job(id).await;
    assert_eq!((job.attempt, job.failures, job.crashes), (4, 4, 0));
    worker.stop().await;
}

/// As when SQS lets nobody hold it longer.
#[tokio::test]
async fn a_message_held_too_long_is_given_back_and_the_work_goes_on_at_the_last_page() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = Worker::new(bench.backend.clone(), bench.config(), Arc::new(Open)).unwrap();
    let id = bench.upload(&long_speech(bench.folder.path(), 60)).await;
    let queue = &bench.backend.queue;
    let delivery = queue.receive(PATIENCE, Duration::from_secs(60)).await.unwrap().unwrap();
    let message =
        Message { body: &delivery.body, id: &delivery.message_id, receive_count: delivery.receive_count };
    let longest = async {
        listener.until_cues(id).await;
        LeaseEnd::Longest
    };
    let ending = process(&worker, &mut None, message, longest, &Default::default()).await;
    assert_eq!(ending, Ending::Again(Duration::ZERO));
    let job = bench.job(id).await;
    let committed = bench.pages(id).await;
    assert_eq!((job.status, job.failures, job.crashes), (JobStatus::Queued, 0, 0));
    assert!(!committed.is_empty() && committed.len() == job.progress.pages as usize);

    queue.set_visibility(&delivery.receipt, Duration::ZERO).await.unwrap();
    work_until_idle(&bench, &worker, &mut None).await;
    let job = bench.job(id).await;
    assert_eq!((job.status, job.attempt, job.crashes), (JobStatus::Completed, 2, 0));
    let pages = bench.pages(id).await;
    check_pages(&pages);
    assert_eq!(pages[..committed.len()], committed[..], "nothing was heard again");
}

#[tokio::test]
async fn a_lease_is_kept_no_longer_than_it_may_be() {
    let bench = Bench::new().await;
    let queue = &bench.backend.queue;
    queue.send("held", Duration::ZERO).await.unwrap();
    let second = Duration::from_secs(1);
    let config = LeaseConfig { visibility: second, longest: 2 * second, ..LeaseConfig::default() };
    let delivery = queue.receive(Duration::ZERO, config.visibility).await.unwrap().unwrap();
    let started = Instant::now();
    assert_eq!(lease::keep(queue.as_ref(), &delivery.receipt, &config).await, LeaseEnd::Longest);
    assert!(started.elapsed() >= 2 * second);
    // Still ours, to be given back.
    let given_back = queue.set_visibility(&delivery.receipt, Duration::ZERO).await.unwrap();
    assert_eq!(given_back, backend::LeaseState::Held);
}

#[tokio::test]
async fn a_duplicate_of_a_message_ends_without_work() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let id = bench.upload(&long_speech(bench.folder.path(), 60)).await;
    let mut config = bench.config();
    config.slots = 2;
    let worker = bench.start(config);
    listener.until_cues(id).await;
    let job = bench.job(id).await;
    for _ in 0..3 {
        let body = serde_json::to_string(&domain::JobMessage::of(&job)).unwrap();
        bench.backend.queue.send(&body, Duration::ZERO).await.unwrap();
    }
    listener.until_ended(id).await;
    let job = bench.job(id).await;
    assert_eq!((job.status, job.attempt, job.crashes), (JobStatus::Completed, 1, 0));
    bench.until_idle().await;
    worker.stop().await;
}

/// As when a proxy repeats the queue's answer to another worker.
#[tokio::test]
async fn a_delivery_that_two_workers_have_is_worked_on_by_one() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let id = bench.upload(&long_speech(bench.folder.path(), 33)).await;
    let delivery = bench.backend.queue.receive(PATIENCE, Duration::from_secs(60)).await.unwrap().unwrap();
    let workers = ["one", "other"].map(|name| {
        let mut config = bench.config();
        config.scratch = bench.folder.path().join(name);
        Worker::new(bench.backend.clone(), config, Arc::new(Open)).unwrap()
    });
    let message =
        Message { body: &delivery.body, id: &delivery.message_id, receive_count: delivery.receive_count };
    let shutdown = Default::default();
    let [mut engine, mut other_engine] = [None, None];
    let (one, other) = tokio::join!(
        process(&workers[0], &mut engine, message, pending(), &shutdown),
        process(&workers[1], &mut other_engine, message, pending(), &shutdown),
    );
    assert!(
        [(&one, &other), (&other, &one)].contains(&(&Ending::Acknowledge, &Ending::Leave)),
        "{one:?}, {other:?}"
    );
    let job = bench.job(id).await;
    assert_eq!((job.status, job.attempt, job.crashes), (JobStatus::Completed, 1, 0));
    check_events(&job, &listener.until_ended(id).await);
}

#[tokio::test]
async fn silence_completes_with_an_empty_track() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let mut config = bench.config();
    config.limits.silent_page = Duration::from_secs(60);
    let worker = bench.start(config);
    let id = bench.upload(&silence(bench.folder.path(), 30)).await;
    listener.until_ended(id).await;
    let job = bench.job(id).await;
    assert_eq!((job.status, job.progress.cues, job.progress.pages), (JobStatus::Completed, 0, 0));
    assert_eq!(job.progress.duration_ms, Some(30_000));
    worker.stop().await;
}

#[tokio::test]
async fn long_silence_is_committed_so_that_nobody_hears_it_again() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let mut config = bench.config();
    config.limits.silent_page = Duration::from_secs(20);
    let worker = bench.start(config);
    let id = bench.upload(&silence(bench.folder.path(), 200)).await;
    listener.until_ended(id).await;
    let pages = bench.pages(id).await;
    check_pages(&pages);
    assert!((1..=10).contains(&pages.len()), "{pages:?}");
    assert!(bench.job(id).await.progress.transcribed.0 >= 100_000);
    worker.stop().await;
}

#[tokio::test]
async fn a_model_that_is_not_here_fails_the_job_at_once() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = bench.start(bench.config());
    let mut job = job(Source::Link { url: "http://127.0.0.1:9/never-asked.mp4".into() });
    job.spec.model = Some("no-such-model".into());
    bench.submit(&job).await;
    listener.until_ended(job.id).await;
    let ended = bench.job(job.id).await;
    assert_eq!(ended.failure, Some(Failure::UnknownModel { model: "no-such-model".into() }));
    assert_eq!(ended.attempt, 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_job_that_takes_longer_than_it_may_is_told_so() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let mut config = bench.config();
    config.limits.job_floor = Duration::from_millis(50);
    config.limits.job_per_media = 0;
    let worker = bench.start(config);
    let id = bench.upload(&long_speech(bench.folder.path(), 60)).await;
    listener.until_ended(id).await;
    assert_eq!(bench.job(id).await.failure, Some(Failure::TimedOut));
    worker.stop().await;
    assert!(bench.is_idle().await);
}

#[tokio::test]
async fn a_worker_without_its_model_does_not_start() {
    let bench = Bench::new().await;
    let mut config = bench.config();
    config.model = "no-such-model".into();
    let ended = worker::pull::run(bench.backend.clone(), config, Default::default()).await;
    assert!(ended.is_err());
}

#[tokio::test]
async fn messages_nobody_can_read_end_as_dead_letters() {
    let bench = Bench::new().await;
    let bodies = [
        "".to_owned(),
        "no json".to_owned(),
        "{\"v\":1}".to_owned(),
        "{\"v\":2,\"job\":\"0123456789abcdef0123456789abcdef\"}".to_owned(),
        format!("{{\"v\":1,\"job\":\"{}\"}}", "x".repeat(1_000_000)),
        "{\"Type\":\"Notification\",\"Message\":\"{}\"}".to_owned(),
    ];
    for body in &bodies {
        bench.backend.queue.send(body, Duration::ZERO).await.unwrap();
    }
    let mut config = bench.config();
    config.retry.cap = Duration::from_millis(50);
    let worker = Worker::new(bench.backend.clone(), config, Arc::new(Open)).unwrap();
    let id = bench.upload(&speech()).await;
    work_until_idle(&bench, &worker, &mut None).await;
    let mut dead: Vec<_> =
        bench.backend.queue.dead_letters(100).await.unwrap().into_iter().map(|letter| letter.body).collect();
    let mut expected = bodies.to_vec();
    dead.sort();
    expected.sort();
    assert!(dead == expected, "{} of {} are dead letters", dead.len(), bodies.len());
    check_speech(&bench, id).await;
}

#[tokio::test]
async fn a_message_of_a_job_that_ended_or_never_was_is_acknowledged_without_work() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let cancelled = bench.upload(&speech()).await;
    bench.backend.store.cancel(cancelled, domain::WallTime::now()).await.unwrap();
    let deleted = bench.upload(&speech()).await;
    bench.backend.store.delete(deleted).await.unwrap();
    let before = bench.job(cancelled).await;
    let worker = bench.start(bench.config());
    listener.until(cancelled, |change| matches!(change, JobChange::Cancelled { .. })).await;
    let id = bench.upload(&speech()).await;
    listener.until_ended(id).await;
    worker.stop().await;
    assert_eq!(bench.job(cancelled).await, before);
    assert!(bench.is_idle().await);
}

/// A site with the speech, a page, and errors.
pub async fn serve_speech(requests: Arc<AtomicUsize>) -> String {
    let media = std::fs::read(speech()).unwrap();
    let lucky = media.clone();
    let tries = Arc::new(AtomicUsize::new(0));
    let site = Router::new()
        .route(
            "/speech.wav",
            get(async move || {
                requests.fetch_add(1, Ordering::SeqCst);
                media.clone()
            }),
        )
        .route(
            "/third-time-lucky.wav",
            get(async move || match tries.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => Err(StatusCode::SERVICE_UNAVAILABLE),
                _ => Ok(lucky.clone()),
            }),
        )
        .route("/page.mp4", get(async || "<html><body>Please log in</body></html>"))
        .route("/broken.mp4", get(async || StatusCode::INTERNAL_SERVER_ERROR));
    serve(site).await
}

async fn serve(site: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, site).await });
    origin
}
