//! The test that matters most: whichever backend call fails, the job finishes once and is announced.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use backend::faults::{FaultPlan, FaultWhen, with_faults};
use domain::{CuePage, JobChange, JobStatus};
use tokio::net::TcpListener;
use worker::config::WorkerConfig;
use worker::engine::Engine;
use worker::fetch::Open;
use worker::process::Worker;

use crate::support::{Bench, check_pages, check_same_words, long_speech, work_until_idle};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_call_fails_before_its_effect_the_job_ends_once_and_is_announced() {
    fail_every_call(FaultWhen::Before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_call_fails_after_its_effect_the_job_ends_once_and_is_announced() {
    fail_every_call(FaultWhen::After).await;
}

async fn fail_every_call(when: FaultWhen) {
    let folder = tempfile::tempdir().unwrap();
    let link = serve(&long_speech(folder.path(), 20)).await;
    let mut engine = None;
    let (reference, calls) = run_job(&link, None, &mut engine).await;
    assert!(reference.len() >= 2, "a job of one page tests too little");
    assert!(calls > 10, "only {calls} calls");
    let mut fail_call = 1;
    loop {
        let plan = FaultPlan { fail_call, when };
        let (pages, calls) = run_job(&link, Some(plan), &mut engine).await;
        check_same_words(&pages, &reference, &format!("{plan:?}"));
        // Its call never came: every one before it was tried.
        if calls < fail_call {
            return;
        }
        fail_call += 1;
    }
}

/// One job on a new backend until nothing is left to do. Returns its pages and the count of backend calls.
async fn run_job(link: &str, plan: Option<FaultPlan>, engine: &mut Option<Engine>) -> (Vec<CuePage>, usize) {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let id = bench.link(link).await;
    let (faulty, calls) = with_faults(bench.backend.clone(), plan);
    let worker = Worker::new(faulty, config(&bench), Arc::new(Open)).unwrap();
    work_until_idle(&bench, &worker, engine).await;

    let job = bench.job(id).await;
    assert_eq!((job.status, &job.failure), (JobStatus::Completed, &None), "{plan:?}");
    let events = listener.until(id, |change| matches!(change, JobChange::Completed { .. })).await;
    assert_eq!(events.last().unwrap().version, job.version, "{plan:?}: it ended more than once");
    let pages = bench.pages(id).await;
    check_pages(&pages);
    assert_eq!(pages.len(), job.progress.pages as usize);
    (pages, calls.get())
}

fn config(bench: &Bench) -> WorkerConfig {
    let mut config = bench.config();
    // A receipt that was lost on its way comes again after this.
    config.lease.visibility = Duration::from_secs(4);
    config.lease.check_every = Duration::from_secs(1);
    config.retry.base = Duration::from_millis(1);
    // So that the last page always goes with the end, however slow the machine is.
    config.limits.hold_page = Duration::from_secs(30);
    // One engine serves all benches.
    config.engine.readable.push(std::env::temp_dir());
    config
}

async fn serve(media: &Path) -> String {
    let bytes = std::fs::read(media).unwrap();
    let site = Router::new().route("/speech.wav", get(async move || bytes.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = format!("http://{}/speech.wav", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, site).await });
    link
}
