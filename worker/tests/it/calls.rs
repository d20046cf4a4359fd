//! What a job costs the store, counted under a worker with a real engine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backend::faults::with_faults;
use domain::{Job, JobChange, JobEvent, JobId};
use worker::config::WorkerConfig;
use worker::fetch::Open;
use worker::process::Worker;

use crate::support::{Bench, long_speech, speech, work_until_idle};

/// Longer than any machine needs between the last window and the end.
const PATIENT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_job_of_one_window_costs_two_writes() {
    let bench = Bench::new().await;
    let config = config(&bench, PATIENT);
    let (id, writes, events) = run_job(&bench, &speech(), config).await;
    assert_eq!(writes, ["store.claim", "store.finish"]);
    check_told(&bench.job(id).await, &events);
}

#[tokio::test]
async fn a_job_of_several_windows_costs_a_write_for_each_and_one() {
    let bench = Bench::new().await;
    let config = config(&bench, PATIENT);
    let (id, writes, events) = run_job(&bench, &long_speech(bench.folder.path(), 33), config).await;
    let job = bench.job(id).await;
    assert!(job.progress.pages >= 2);
    let mut expected = vec!["store.claim"];
    expected.resize(job.progress.pages as usize, "store.append_cues");
    expected.push("store.finish");
    assert_eq!(writes, expected);
    check_told(&job, &events);
}

#[tokio::test]
async fn a_page_that_nothing_follows_soon_is_stored_at_once() {
    let bench = Bench::new().await;
    let config = config(&bench, Duration::ZERO);
    let (id, writes, events) = run_job(&bench, &speech(), config).await;
    // The engine's last word may be there already.
    let is_alone = writes == ["store.claim", "store.append_cues", "store.finish"];
    assert!(is_alone || writes == ["store.claim", "store.finish"], "{writes:?}");
    check_told(&bench.job(id).await, &events);
}

#[tokio::test]
async fn a_worker_that_stores_nothing_else_gives_signs_of_life() {
    let bench = Bench::new().await;
    let mut config = config(&bench, PATIENT);
    config.limits.store_every = Duration::from_millis(20);
    let (_, writes, events) = run_job(&bench, &speech(), config).await;
    assert!(writes.contains(&"store.report"), "{writes:?}");
    check_rising(&events);
}

fn config(bench: &Bench, hold_page: Duration) -> WorkerConfig {
    let mut config = bench.config();
    config.limits.hold_page = hold_page;
    config
}

/// One job: the writes it cost, by name, and what was told of it.
async fn run_job(
    bench: &Bench,
    media: &Path,
    config: WorkerConfig,
) -> (JobId, Vec<&'static str>, Vec<JobEvent>) {
    let mut listener = bench.listen().await;
    let id = bench.upload(media).await;
    let (counting, calls) = with_faults(bench.backend.clone(), None);
    let worker = Worker::new(counting, config, Arc::new(Open)).unwrap();
    work_until_idle(bench, &worker, &mut None).await;
    let events = listener.until_ended(id).await;
    let is_write = |name: &&'static str| {
        name.starts_with("store.") && !matches!(*name, "store.get" | "store.read" | "store.pages")
    };
    (id, calls.names().into_iter().filter(is_write).collect(), events)
}

fn check_rising(events: &[JobEvent]) {
    assert!(events.is_sorted_by(|a, b| a.version < b.version), "{events:#?}");
}

/// Each page and the end was told, in order; and what lies between stored versions is progress alone.
fn check_told(job: &Job, events: &[JobEvent]) {
    check_rising(events);
    let pages: Vec<u32> = events
        .iter()
        .filter_map(|event| match &event.change {
            JobChange::Cues { page, progress, .. } => {
                assert_eq!(progress.pages, page + 1);
                Some(*page)
            }
            _ => None,
        })
        .collect();
    assert_eq!(pages, Vec::from_iter(0..job.progress.pages));
    let is_hint = |event: &&JobEvent| !event.version.is_multiple_of(Job::VERSION_STEP);
    for hint in events.iter().filter(is_hint) {
        assert!(matches!(hint.change, JobChange::Progress { .. }), "{hint:?}");
    }
    assert!(events.iter().any(|event| is_hint(&event)), "the stages are told");
    assert_eq!(events.last(), Some(&JobEvent::state_of(job)));
    // The submit, the claim, each page, and the end: a last page is a version of its own though not a write.
    assert_eq!(job.version, Job::VERSION_STEP * u64::from(3 + job.progress.pages));
}
