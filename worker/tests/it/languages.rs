//! A detected language that a person corrects, and the same media translated.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backend::Retried;
use domain::{Job, JobChange, JobMessage, JobSpec, JobStatus, Source};

use crate::process::serve_speech;
use crate::support::{Bench, check_pages, check_speech, job, speech};

#[tokio::test]
async fn a_job_whose_language_is_corrected_is_heard_anew_and_ends_once() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let worker = bench.start(bench.config());
    let id = bench.upload_only(&speech()).await;
    let job = bench.job(id).await;
    let spec = JobSpec { language: None, model: Some("base".into()), ..job.spec };
    start_over(&bench, id, &spec).await;

    // Told before the first window is done.
    let heard = listener
        .until(id, |change| {
            matches!(change, JobChange::Progress { progress } if progress.language_confidence.is_some())
        })
        .await;
    assert!(!heard.iter().any(|event| matches!(event.change, JobChange::Cues { .. })));
    start_over(&bench, id, &JobSpec { language: Some("de".into()), ..spec }).await;

    let told = listener.until_ended(id).await;
    assert!(told.is_sorted_by_key(|event| event.version), "{told:#?}");
    bench.until_idle().await;
    worker.stop().await;
    let job = bench.job(id).await;
    assert_eq!((job.status, job.run, job.attempt), (JobStatus::Completed, 2, 2));
    assert_eq!((job.failures, job.crashes), (0, 0));
    assert_eq!((job.progress.language.as_deref(), job.progress.language_confidence), (Some("de"), None));
    check_pages(&bench.pages(id).await);
    assert_eq!(bench.backend.queue.dead_letters(10).await.unwrap(), []);
}

/// What a server does for a person who says what to do otherwise.
async fn start_over(bench: &Bench, id: domain::JobId, spec: &JobSpec) {
    let expires_at = bench.job(id).await.expires_at;
    let Retried::Queued(job) = bench.backend.store.retry(id, spec, expires_at).await.unwrap() else {
        panic!("not queued")
    };
    let message = serde_json::to_string(&JobMessage::of(&job)).unwrap();
    bench.backend.queue.send(&message, Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_translation_takes_the_media_that_its_original_fetched() {
    let bench = Bench::new().await;
    let mut listener = bench.listen().await;
    let requests = Arc::new(AtomicUsize::new(0));
    let origin = serve_speech(requests.clone()).await;
    let worker = bench.start(bench.config());
    let url = format!("{origin}/speech.wav");
    let original = bench.link(&url).await;
    listener.until_ended(original).await;

    let Job { spec, .. } = job(Source::Link { url });
    let spec = JobSpec { translation_of: Some(original), ..spec };
    let translation = Job { spec, ..job(Source::Link { url: String::new() }) };
    bench.submit(&translation).await;
    listener.until_ended(translation.id).await;
    worker.stop().await;
    check_speech(&bench, translation.id).await;
    assert_eq!(requests.load(Ordering::SeqCst), 1, "fetched again");
    for id in [original, translation.id] {
        assert!(bench.job(id).await.progress.has_media);
        assert!(bench.backend.media.locate(id).await.unwrap().is_some());
    }
}
