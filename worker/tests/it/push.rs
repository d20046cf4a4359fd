//! Push mode: a worker behind a daemon that reads a real queue.

use std::time::{Duration, Instant};

use domain::{Job, JobMessage, JobStatus, Source, WallTime};
use reqwest::StatusCode;
use serde_json::json;

use crate::daemon::{Daemon, PushWorker, Settings};
use crate::process_support::{ProcessEnd, send_signal};
use crate::support::{
    Bench, check_pages, check_same_words, check_speech, job, long_speech, patiently, speech,
};

#[tokio::test]
async fn a_posted_job_is_done_bare_or_in_an_envelope() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = PushWorker::start(&bench, "push", &[]).await;
    let expect = json!({ "status": "ready", "slots": 1, "busy": 0, "model": "tiny.en" });
    assert_eq!(worker.health().await, expect);
    let daemon = Daemon::start(&bench, worker.address, Settings::default());

    let bare = bench.upload(&speech()).await;
    listener.until_ended(bare).await;
    check_speech(&bench, bare).await;

    let wrapped = bench.upload_only(&speech()).await;
    let message = serde_json::to_string(&JobMessage::new(wrapped)).unwrap();
    let envelope = json!({ "Type": "Notification", "MessageId": "1", "Message": message });
    bench.backend.queue.send(&envelope.to_string(), Duration::ZERO).await.unwrap();
    listener.until_ended(wrapped).await;
    check_speech(&bench, wrapped).await;

    // One that failed for good and one that is gone are done with too.
    let hopeless = Job { spec: hopeless_spec(), ..job(Source::Link { url: "http://127.0.0.1:9/".into() }) };
    bench.submit(&hopeless).await;
    listener.until_ended(hopeless.id).await;
    let gone = JobMessage::new(domain::JobId::from_bits(7));
    bench.backend.queue.send(&serde_json::to_string(&gone).unwrap(), Duration::ZERO).await.unwrap();
    until(async || bench.is_idle().await).await;
    assert_eq!(daemon.answers(), [Some(StatusCode::OK); 4]);
    assert!(worker.process.log().contains("message.id=\""), "{}", worker.process.log());
}

#[tokio::test]
async fn a_job_that_is_given_up_becomes_a_dead_letter_with_its_reason() {
    let bench = Bench::new().await;
    let worker = PushWorker::start(&bench, "push", &["--max-attempts", "3"]).await;
    let daemon = Daemon::start(&bench, worker.address, Settings::default());
    let id = bench.link("http://127.0.0.1:9/nobody-listens.mp4").await;
    until(async || bench.is_idle().await).await;
    let again = Some(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(daemon.answers(), [again, again, Some(StatusCode::OK)]);
    let job = bench.job(id).await;
    assert_eq!((job.status, job.failures, job.crashes), (JobStatus::Failed, 3, 0));
    let letters = bench.backend.queue.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(JobMessage::parse(&letters[0].body).unwrap().job, id);
    let reason = letters[0].reason.as_deref().unwrap();
    assert!(reason.starts_with("media_unreachable"), "{reason}");
    assert_eq!(letters[0].attempts, 3);
}

fn hopeless_spec() -> domain::JobSpec {
    let source = Source::Link { url: "http://127.0.0.1:9/".into() };
    domain::JobSpec { model: Some("no-such-model".into()), ..job(source).spec }
}

#[tokio::test]
async fn a_body_that_nobody_can_read_becomes_a_dead_letter() {
    let bench = Bench::new().await;
    let worker = PushWorker::start(&bench, "push", &[]).await;
    let daemon = Daemon::start(&bench, worker.address, Settings::default());
    let body = r#"{"Type":"Notification","Message":"no job"}"#;
    bench.backend.queue.send(body, Duration::ZERO).await.unwrap();
    until(async || bench.backend.queue.stats().await.unwrap().dead == 1).await;
    assert_eq!(daemon.answers(), [Some(StatusCode::INTERNAL_SERVER_ERROR); 10]);

    for (path, body, expect) in [
        ("/", "\u{0}", StatusCode::INTERNAL_SERVER_ERROR),
        ("/", &"x".repeat(300_001), StatusCode::PAYLOAD_TOO_LARGE),
        ("/nowhere", "", StatusCode::NOT_FOUND),
        ("/tasks/format-disk", "", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(worker.post(path, body).await.0, expect, "{path}");
    }
    let from_a_page = reqwest::Client::new().post(worker.url("/tasks/stats")).header("Origin", "null");
    assert_eq!(from_a_page.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_job_longer_than_the_daemon_waits_goes_on_where_it_was() {
    let bench = Bench::new().await;
    let media = long_speech(bench.folder.path(), 180);
    let mut listener = bench.listen().await;
    let undisturbed = PushWorker::start(&bench, "undisturbed", &[]).await;
    let daemon = Daemon::start(&bench, undisturbed.address, Settings::default());
    let begin = Instant::now();
    let reference = bench.upload(&media).await;
    listener.until_ended(reference).await;
    let took = begin.elapsed();
    drop((daemon, undisturbed));

    let patience = format!("{}ms", (took / 3).as_millis().max(3_000));
    let worker = PushWorker::start(&bench, "impatient", &["--patience", &patience]).await;
    let daemon = Daemon::start(&bench, worker.address, Settings::default());
    let id = bench.upload(&media).await;
    listener.until_ended(id).await;
    until(async || bench.is_idle().await).await;
    let (last, earlier) = daemon.answers().split_last().map(|(last, rest)| (*last, rest.to_vec())).unwrap();
    assert_eq!(last, Some(StatusCode::OK));
    assert!(!earlier.is_empty(), "it was left once at least");
    assert!(earlier.iter().all(|answer| *answer == Some(StatusCode::INTERNAL_SERVER_ERROR)), "{earlier:?}");
    let job = bench.job(id).await;
    assert_eq!((job.status, job.failures, job.crashes), (JobStatus::Completed, 0, 0));
    let pages = bench.pages(id).await;
    check_pages(&pages);
    check_same_words(&pages, &bench.pages(reference).await, "after it was left");
}

#[tokio::test]
async fn a_job_of_a_killed_worker_goes_on_when_the_worker_is_back() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let mut first = PushWorker::start(&bench, "first", &[]).await;
    let daemon = Daemon::start(&bench, first.address, Settings::default());
    let id = bench.upload(&long_speech(bench.folder.path(), 60)).await;
    listener.until_cues(id).await;
    let committed = bench.job(id).await.progress.pages;
    first.process.child.kill().await.unwrap();
    let second = PushWorker::start_at(&bench, "second", first.address, &[]).await;
    listener.until_ended(id).await;
    let job = bench.job(id).await;
    assert_eq!((job.status, job.failures, job.crashes), (JobStatus::Completed, 0, 1));
    assert!(job.progress.pages > committed);
    check_pages(&bench.pages(id).await);
    until(async || bench.is_idle().await).await;
    assert_eq!(daemon.answers().first(), Some(&None), "nobody answered for the killed one");
    assert_eq!(daemon.answers().last(), Some(&Some(StatusCode::OK)));
    assert_eq!(second.health().await["busy"], 0);
}

#[tokio::test]
async fn a_daemon_that_hangs_up_stops_the_work() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = PushWorker::start(&bench, "push", &[]).await;
    let id = bench.upload_only(&long_speech(bench.folder.path(), 120)).await;
    let body = serde_json::to_string(&JobMessage::new(id)).unwrap();
    let post = reqwest::Client::new().post(worker.url("/")).body(body.clone());
    let posted = tokio::spawn(post.send());
    listener.until_cues(id).await;
    assert_eq!(worker.health().await["busy"], 1);
    let engine = ProcessEnd::of(worker.process.engine().expect("the engine is at work"));
    posted.abort();
    engine.within(Duration::from_secs(5)).await;
    until(async || worker.health().await["busy"] == 0).await;
    let job = bench.job(id).await;
    assert_eq!((job.status, job.failures, job.crashes), (JobStatus::Queued, 0, 0));

    assert_eq!(worker.post("/", &body).await, (StatusCode::OK, json!({ "outcome": "done" })));
    assert_eq!(bench.job(id).await.status, JobStatus::Completed);
    check_pages(&bench.pages(id).await);
}

#[tokio::test]
async fn who_finds_no_slot_waits_in_line_and_then_comes_again() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = PushWorker::start(&bench, "push", &["--patience", "20s"]).await;
    let long = bench.upload_only(&long_speech(bench.folder.path(), 1200)).await;
    let short = bench.upload_only(&speech()).await;
    let message = |id| serde_json::to_string(&JobMessage::new(id)).unwrap();
    let post = reqwest::Client::new().post(worker.url("/")).body(message(long));
    let posted = tokio::spawn(post.send());
    listener.until_cues(long).await;
    let begin = Instant::now();
    assert_eq!(worker.post("/", &message(short)).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert!(begin.elapsed() >= Duration::from_secs(10), "{:?}", begin.elapsed());

    let short_message = message(short);
    let next = worker.post("/", &short_message);
    tokio::pin!(next);
    tokio::select! {
        answer = &mut next => panic!("{answer:?}"),
        () = bench_is_queued(&bench, short) => {}
    }
    bench.backend.store.cancel(long, WallTime::now()).await.unwrap();
    assert_eq!(next.await.0, StatusCode::OK);
    check_speech(&bench, short).await;
    assert_eq!(posted.await.unwrap().unwrap().status(), StatusCode::OK, "a cancelled job is done with");
}

/// It is queued still when it has been asked for a while.
async fn bench_is_queued(bench: &Bench, id: domain::JobId) {
    for _ in 0..5 {
        assert_eq!(bench.job(id).await.status, JobStatus::Queued);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_worker_that_is_stopped_hands_its_job_back() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let mut worker = PushWorker::start(&bench, "stopped", &[]).await;
    let daemon = Daemon::start(&bench, worker.address, Settings::default());
    let id = bench.upload(&long_speech(bench.folder.path(), 120)).await;
    listener.until_cues(id).await;
    let begin = Instant::now();
    send_signal(worker.process.id(), "TERM");
    assert_eq!(worker.process.wait().await.code(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(daemon.answers().first(), Some(&Some(StatusCode::INTERNAL_SERVER_ERROR)));
    let job = bench.job(id).await;
    assert_eq!((job.status, job.failures, job.crashes), (JobStatus::Queued, 0, 0));
    check_pages(&bench.pages(id).await);
}

#[tokio::test]
async fn tasks_are_done_once_in_their_period() {
    let bench = Bench::new().await;
    let worker = PushWorker::start(&bench, "push", &[]).await;
    let id = bench.upload_only(&speech()).await;
    let message = serde_json::to_string(&JobMessage::new(id)).unwrap();
    assert_eq!(worker.post("/", &message).await.0, StatusCode::OK);
    let expired =
        Job { expires_at: WallTime::now(), ..job(Source::Link { url: "http://media.test/".into() }) };
    bench.backend.store.create(&expired, None).await.unwrap();
    let scratch = bench.data().join("scratch/worker-dead");
    std::fs::create_dir(&scratch).unwrap();

    let (status, answer) = worker.post("/tasks/cleanup", "").await;
    let report = json!({ "expired_jobs": 1, "media": 0, "scratch_folders": 1 });
    assert_eq!((status, answer), (StatusCode::OK, json!({ "task": "cleanup", "report": report })));
    assert_eq!(bench.backend.store.expired(10).await.unwrap(), []);
    assert!(!scratch.exists());

    let (status, answer) = worker.post("/tasks/stats", "").await;
    assert_eq!((status, &answer["report"]["completed"]), (StatusCode::OK, &json!(1)));
    assert_eq!(answer["report"]["media_minutes"], json!(0.2));
    assert!(answer["report"]["real_time_factor"].as_f64().unwrap() > 0.0, "{answer}");

    let (status, answer) = worker.post("/tasks/update-model", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["report"]["fetched"], json!([]));
    assert!(answer["report"]["unchanged"].as_array().unwrap().contains(&json!("tiny.en")), "{answer}");

    for task in ["cleanup", "stats", "update-model"] {
        let (status, answer) = worker.post(&format!("/tasks/{task}"), "").await;
        let expect = json!({ "task": task, "outcome": "done in this period already" });
        assert_eq!((status, answer), (StatusCode::OK, expect));
    }
}

#[tokio::test]
async fn pulling_workers_clean_up_by_their_own_schedule() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let mut expired = job(Source::Link { url: "http://media.test/".into() });
    expired.expires_at = WallTime::now();
    bench.backend.store.create(&expired, None).await.unwrap();
    let settings = ["--cleanup-every", "300ms", "--stats-every", "never", "--update-model-every", "never"];
    let workers =
        ["one", "two"].map(|name| crate::process_support::WorkerProcess::start(&bench, name, &settings));
    listener.until(expired.id, |change| matches!(change, domain::JobChange::Expired)).await;
    assert!(workers.iter().any(|worker| worker.log().contains("job expired")));
}

/// Looks until it is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    patiently("a change", looking).await;
}
