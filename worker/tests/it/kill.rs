//! Workers as processes of their own: killed, stopped, cancelled, and with engines that crash.

use std::process::Stdio;
use std::time::{Duration, Instant};

use backend::Retried;
use domain::{Failure, JobChange, JobMessage, JobStatus, Stage, WallTime};

use worker::engine::EngineConfig;

use crate::engine::with_both_engines;
use crate::process_support::{ProcessEnd, WorkerProcess, children, send_signal};
use crate::support::{Bench, check_pages, check_same_words, check_speech, long_speech, patiently, speech};

#[tokio::test]
async fn a_killed_worker_leaves_a_job_that_another_one_resumes() {
    let bench = Bench::new().await;
    let media = long_speech(bench.folder.path(), 60);
    let mut listener = bench.listen().await;

    let reference = bench.upload(&media).await;
    let mut undisturbed = WorkerProcess::start(&bench, "undisturbed", &[]);
    listener.until_ended(reference).await;
    undisturbed.child.kill().await.unwrap();
    let expected = bench.pages(reference).await;
    assert!(expected.len() >= 3, "60 s are several windows");

    let id = bench.upload(&media).await;
    let mut first = WorkerProcess::start(&bench, "first", &["--visibility", "2s"]);
    listener.until_cues(id).await;
    let engine = ProcessEnd::of(first.engine().expect("the engine is at work"));
    first.child.kill().await.unwrap();
    engine.within(Duration::from_secs(2)).await;
    let committed = bench.job(id).await.progress.pages;
    assert!((committed as usize) < expected.len(), "it was killed in the middle");

    let second = WorkerProcess::start(&bench, "second", &["--visibility", "2s"]);
    listener.until_ended(id).await;
    let job = bench.job(id).await;
    assert_eq!((job.status, job.attempt), (JobStatus::Completed, 2));
    assert_eq!((job.failures, job.crashes), (0, 1));
    let pages = bench.pages(id).await;
    check_pages(&pages);
    check_same_words(&pages, &expected, "after the kill");

    let windows = |worker: &WorkerProcess| worker.log().matches("window heard").count();
    let again = windows(&first) + windows(&second) - windows(&undisturbed);
    assert!(again <= 1, "{again} windows were transcribed again");
}

#[tokio::test]
async fn a_worker_that_was_frozen_changes_nothing_when_it_wakes() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let id = bench.upload(&long_speech(bench.folder.path(), 40)).await;
    let frozen = WorkerProcess::start(&bench, "frozen", &["--visibility", "2s"]);
    listener.until_cues(id).await;
    let engine = ProcessEnd::of(frozen.engine().expect("the engine is at work"));
    send_signal(frozen.id(), "STOP");
    let other = WorkerProcess::start(&bench, "other", &["--visibility", "2s"]);
    listener.until_ended(id).await;
    let (job, pages) = (bench.job(id).await, bench.pages(id).await);
    assert_eq!((job.status, job.attempt), (JobStatus::Completed, 2));

    drop(other);
    send_signal(frozen.id(), "CONT");
    engine.within(Duration::from_secs(5)).await;
    let next = bench.upload(&speech()).await;
    listener.until_ended(next).await;
    assert_eq!(bench.job(id).await, job);
    assert_eq!(bench.pages(id).await, pages);
}

/// The message from before the retry came back when its lease ended, and took the job from its worker, whose message
/// then took it back, until one of them died.
#[tokio::test]
async fn a_job_that_was_cancelled_and_retried_is_claimed_once_more_only() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let id = bench.upload(&long_speech(bench.folder.path(), 120)).await;
    let _workers = ["one", "two"].map(|name| WorkerProcess::start(&bench, name, &["--visibility", "2s"]));
    listener.until_cues(id).await;
    let job = bench.job(id).await;
    bench.backend.store.cancel(id, WallTime::now()).await.unwrap();
    let retried = bench.backend.store.retry(id, &job.spec, job.expires_at).await.unwrap();
    let Retried::Queued(job) = retried else { panic!("{retried:?}") };
    let message = serde_json::to_string(&JobMessage::of(&job)).unwrap();
    bench.backend.queue.send(&message, Duration::ZERO).await.unwrap();
    listener.until_ended(id).await;
    let job = bench.job(id).await;
    assert_eq!((job.status, job.attempt), (JobStatus::Completed, 2));
}

#[tokio::test]
async fn a_stopped_worker_gives_its_message_back_at_once() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let id = bench.upload(&long_speech(bench.folder.path(), 120)).await;
    let mut worker = WorkerProcess::start(&bench, "stopped", &[]);
    listener.until_cues(id).await;
    let engine = ProcessEnd::of(worker.engine().expect("the engine is at work"));
    let stopped = Instant::now();
    send_signal(worker.id(), "TERM");
    // The lease would run for two minutes.
    let delivery =
        bench.backend.queue.receive(Duration::from_secs(20), Duration::from_secs(60)).await.unwrap();
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}", stopped.elapsed());
    assert_eq!(delivery.map(|delivery| delivery.receive_count), Some(2));
    assert_eq!(worker.wait().await.code(), Some(0));
    engine.within(Duration::from_secs(2)).await;
    let job = bench.job(id).await;
    assert_eq!((job.status, job.attempt), (JobStatus::Queued, 1));
    assert_eq!((job.failures, job.crashes), (0, 0), "a polite stop counts nowhere");
    assert!(job.progress.pages > 0, "what was committed stays");
    check_pages(&bench.pages(id).await);
}

#[tokio::test]
async fn an_idle_worker_stops_at_once() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let id = bench.upload(&speech()).await;
    let mut worker = WorkerProcess::start(&bench, "idle", &[]);
    listener.until_ended(id).await;
    let stopped = Instant::now();
    send_signal(worker.id(), "INT");
    assert_eq!(worker.wait().await.code(), Some(0));
    assert!(stopped.elapsed() < Duration::from_secs(3), "{:?}", stopped.elapsed());
    check_speech(&bench, id).await;
}

#[tokio::test]
async fn a_worker_whose_log_nobody_reads_works_and_stops() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let mut worker = WorkerProcess::command(&bench, &["pull"]).stderr(Stdio::piped()).spawn().unwrap();
    drop(worker.stderr.take());
    let id = bench.upload(&speech()).await;
    listener.until_ended(id).await;
    send_signal(worker.id().unwrap(), "TERM");
    assert_eq!(patiently("the worker's end", worker.wait()).await.unwrap().code(), Some(0));
    check_speech(&bench, id).await;
}

#[tokio::test]
async fn a_stop_that_arrives_twice_is_one_stop() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let id = bench.upload(&long_speech(bench.folder.path(), 120)).await;
    let mut worker = WorkerProcess::start(&bench, "twice", &[]);
    listener.until_cues(id).await;
    // Ctrl-C goes to the worker, and to the script that started it and passes it on.
    send_signal(worker.id(), "INT");
    send_signal(worker.id(), "TERM");
    assert_eq!(worker.wait().await.code(), Some(0));
    let delivery = bench.backend.queue.receive(Duration::ZERO, Duration::from_secs(60)).await.unwrap();
    assert_eq!(delivery.map(|delivery| delivery.receive_count), Some(2));
    let scratch = std::fs::read_dir(bench.data().join("scratch")).unwrap();
    let left: Vec<_> = scratch.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[tokio::test]
async fn a_cancelled_or_deleted_job_ends_its_engine_within_two_seconds() {
    let bench = Bench::new().await;
    let media = long_speech(bench.folder.path(), 120);
    let mut listener = bench.listen().await;
    let worker = WorkerProcess::start(&bench, "cancelled", &[]);

    let cancelled = bench.upload(&media).await;
    listener.until_cues(cancelled).await;
    let engine = ProcessEnd::of(worker.engine().expect("the engine is at work"));
    bench.backend.store.cancel(cancelled, WallTime::now()).await.unwrap();
    engine.within(Duration::from_secs(2)).await;

    let deleted = bench.upload(&media).await;
    listener.until_cues(deleted).await;
    let engine = ProcessEnd::of(worker.engine().expect("the engine is at work"));
    bench.backend.store.delete(deleted).await.unwrap();
    engine.within(Duration::from_secs(2)).await;

    let next = bench.upload(&speech()).await;
    listener.until_ended(next).await;
    check_speech(&bench, next).await;
    let job = bench.job(cancelled).await;
    assert_eq!(job.status, JobStatus::Cancelled);
    assert_eq!(bench.backend.media.locate(deleted).await.unwrap(), None);
    assert!(worker.engine().is_some(), "the worker is well");
}

#[tokio::test]
async fn media_that_crashes_the_engine_fails_while_other_jobs_complete() {
    let bench = Bench::new().await;
    let media = long_speech(bench.folder.path(), 120);
    let mut listener = bench.listen().await;
    let worker = WorkerProcess::start(&bench, "crashing", &["--crash-budget", "3"]);
    let poison = bench.upload(&media).await;
    let mut good = Vec::new();
    // What it looks like from outside when a decoder gives up, goes astray, or takes too much memory for the system.
    // (Rust's own handler would take a SIGSEGV that comes from outside for none.)
    for signal in ["ABRT", "ILL", "KILL"] {
        listener.until(poison, is_open).await;
        let engine = worker.engine().expect("the engine is at work");
        good.push(bench.upload(&speech()).await);
        send_signal(engine, signal);
        if signal != "KILL" {
            listener.until(poison, |change| matches!(change, JobChange::Started { .. })).await;
        }
    }
    listener.until_ended(poison).await;
    let job = bench.job(poison).await;
    assert_eq!((job.status, job.failure, job.attempt), (JobStatus::Failed, Some(Failure::EngineCrashed), 3));
    assert_eq!((job.failures, job.crashes), (0, 3));
    for id in good {
        listener.until_ended(id).await;
        check_speech(&bench, id).await;
        let job = bench.job(id).await;
        assert_eq!((job.failures, job.crashes), (0, 0));
    }
    bench.until_idle().await;
    let letters = bench.backend.queue.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert!(letters[0].body.contains(&poison.to_string()));
    let reason = letters[0].reason.as_deref().unwrap_or_default();
    assert!(reason.starts_with("engine_crashed: ") && letters[0].attempts == 3, "{:?}", letters[0]);
}

#[tokio::test]
async fn media_that_hangs_the_engine_times_out_with_the_third_one() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let mut config = bench.config();
    config.engine.silence_limit = Duration::from_secs(3);
    let worker = bench.start(config);
    let poison = bench.upload(&long_speech(bench.folder.path(), 120)).await;
    for _ in 0..3 {
        listener.until(poison, is_open).await;
        send_signal(engine_of(&bench), "STOP");
    }
    listener.until_ended(poison).await;
    let job = bench.job(poison).await;
    assert_eq!((job.status, job.failure, job.attempt), (JobStatus::Failed, Some(Failure::TimedOut), 3));
    assert_eq!((job.failures, job.crashes), (0, 3));
    bench.until_idle().await;
    let letters = bench.backend.queue.dead_letters(10).await.unwrap();
    let reason = letters[0].reason.as_deref().unwrap_or_default();
    assert!(reason.starts_with("timed_out: ") && letters[0].attempts == 3, "{:?}", letters[0]);
    worker.stop().await;
}

/// The engine of a worker in this very process, told from those of other tests by the folder it may read.
fn engine_of(bench: &Bench) -> u32 {
    let folder = bench.data().to_str().unwrap().to_owned();
    let is_ours = |process: &u32| {
        let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).contains(&folder)
    };
    children(std::process::id()).into_iter().find(is_ours).expect("the engine is at work")
}

with_both_engines![media_that_takes_too_much_memory_fails_with_the_third_engine,];

async fn media_that_takes_too_much_memory_fails_with_the_third_engine(engine: EngineConfig) {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let mut config = bench.config();
    config.engine = EngineConfig { address_space_bytes: 300 << 20, ..engine };
    let worker = bench.start(config);
    let id = bench.upload(&speech()).await;
    listener.until_ended(id).await;
    let job = bench.job(id).await;
    assert_eq!((job.status, job.failure, job.attempt), (JobStatus::Failed, Some(Failure::EngineCrashed), 3));
    assert_eq!((job.failures, job.crashes), (0, 3));
    worker.stop().await;
}

/// The whole worker dies, as where the system ends it for its memory.
#[tokio::test]
async fn a_job_whose_workers_all_die_is_given_up_by_the_next_without_work() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let poison = bench.upload(&long_speech(bench.folder.path(), 120)).await;
    for number in 1..=3 {
        let name = format!("victim {number}");
        let mut worker = WorkerProcess::start(&bench, &name, &["--visibility", "1s", "--crash-budget", "3"]);
        listener.until(poison, |change| matches!(change, JobChange::Started { .. })).await;
        worker.child.kill().await.unwrap();
    }
    let survivor = WorkerProcess::start(&bench, "survivor", &["--visibility", "1s", "--crash-budget", "3"]);
    listener.until_ended(poison).await;
    let job = bench.job(poison).await;
    assert_eq!((job.status, job.failure, job.crashes), (JobStatus::Failed, Some(Failure::EngineCrashed), 3));
    assert!(!survivor.log().contains("window heard"), "{}", survivor.log());
    bench.until_idle().await;
    let letters = bench.backend.queue.dead_letters(10).await.unwrap();
    assert_eq!(letters[0].reason.as_deref(), Some("engine_crashed: its workers died"));
}

/// The engine has opened the media and is hearing the first window.
fn is_open(change: &JobChange) -> bool {
    match change {
        JobChange::Progress { progress } => {
            progress.stage == Stage::Preparing && progress.duration_ms.is_some()
        }
        _ => false,
    }
}
