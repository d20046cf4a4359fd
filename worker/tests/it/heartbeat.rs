//! What a worker tells of itself.

use backend::WorkerRecord;

use crate::support::{Bench, patiently};

async fn told(bench: &Bench, is_it: impl Fn(&[WorkerRecord]) -> bool) -> Vec<WorkerRecord> {
    patiently("what workers tell", async {
        loop {
            let workers = bench.backend.store.workers().await.unwrap();
            if is_it(&workers) {
                return workers;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_worker_is_known_from_its_start_to_its_stop() {
    let bench = Bench::new().await;
    let running = bench.start(bench.config());
    let workers = told(&bench, |workers| !workers.is_empty()).await;
    let [worker] = workers.as_slice() else { panic!("one worker tells of itself once: {workers:?}") };
    assert_eq!((worker.pid, worker.slots, worker.mode.as_str()), (std::process::id(), 1, "pull"));
    assert_eq!((worker.engine.as_str(), worker.model.as_str()), ("whisper.cpp", "tiny.en"));
    assert!(worker.jobs.is_empty() && worker.started_at <= worker.told_at);
    running.stop().await;
    assert_eq!(bench.backend.store.workers().await.unwrap(), []);
}
