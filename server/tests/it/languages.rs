//! The language of a job: told with its confidence, corrected while it runs, and translated.

use domain::{JobEvent, JobId, JobStatus, Source, Task};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::listener::Socket;
use crate::support::{Site, Worker, error_of, id_of};

const MEDIA: &str = "as good as media";

impl Site {
    async fn job(&self, id: JobId) -> Value {
        self.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap()
    }

    async fn retry(&self, id: JobId, options: Value) -> reqwest::Response {
        self.post(&format!("/api/v1/jobs/{id}/retry"), options).await
    }

    async fn translate(&self, id: JobId, options: Value) -> reqwest::Response {
        self.post(&format!("/api/v1/jobs/{id}/translate"), options).await
    }
}

impl Worker {
    async fn detect(&mut self, language: &str, confidence: f32) {
        self.job.progress.language = Some(language.into());
        self.job.progress.language_confidence = Some(confidence);
        self.report(0.1).await;
    }
}

#[tokio::test]
async fn a_detected_language_is_told_with_its_confidence() {
    let site = Site::start().await;
    let id = site.submit().await;
    let mut socket = Socket::watching(&site, id, 0).await;
    let mut worker = site.worker().await;
    worker.detect("fr", 0.75).await;
    let event = loop {
        let event = socket.event().await;
        if event["version"] == worker.job.version {
            break event;
        }
    };
    assert_eq!((&event["language"], &event["language_confidence"]), (&json!("fr"), &json!(0.75)));
    let job = site.job(id).await;
    assert_eq!((&job["language"], &job["language_confidence"]), (&json!("fr"), &json!(0.75)));
    let page = site.get(&format!("/jobs/{id}")).await.text().await.unwrap();
    assert!(page.contains("French, 75 % sure") && page.contains("Perhaps it is French"), "{page}");
}

#[tokio::test]
async fn a_running_job_starts_over_in_another_language() {
    let site = Site::start().await;
    let id = site.submit().await;
    let mut worker = site.worker().await;
    worker.detect("fr", 0.4).await;
    worker.page("Bonne journée.").await;
    error_of(site.retry(id, json!({})).await, (409, "job_unfinished")).await;
    error_of(site.retry(id, json!({ "language": "xx" })).await, (422, "unknown_language")).await;
    assert_eq!(site.job(id).await["status"], "running");

    let restarted: Value = site.retry(id, json!({ "language": "de" })).await.json().await.unwrap();
    assert_eq!((&restarted["status"], &restarted["pages"]), (&json!("queued"), &json!(0)));
    assert_eq!((&restarted["language"], &restarted["language_confidence"]), (&json!("de"), &Value::Null));
    // The same correction twice is one.
    let again: Value = site.retry(id, json!({ "language": "de" })).await.json().await.unwrap();
    assert_eq!(again["version"], restarted["version"]);

    let mut next = site.worker().await;
    assert_eq!((next.job.id, next.job.run, next.job.attempt), (id, 1, 2));
    assert_eq!(next.job.spec.language.as_deref(), Some("de"));
    next.page("Guten Tag.").await;
    // What the worker of before still says reaches nobody.
    worker.job.progress.fraction = 0.9;
    let change = domain::JobChange::Progress { progress: worker.job.progress.clone() };
    worker.publish(&JobEvent { id, version: worker.job.version + 1, change }).await;
    next.finish(None).await;
    site.get(&format!("/api/v1/jobs/{id}?wait=20")).await;
    let track = site.get(&format!("/api/v1/jobs/{id}/track.txt")).await.text().await.unwrap();
    assert!(track.contains("Guten Tag.") && !track.contains("Bonne"), "{track}");
}

#[tokio::test]
async fn another_server_learns_the_corrected_language() {
    let site = Site::start().await;
    let id = site.submit().await;
    let _worker = site.worker().await;
    let job = site.backend.store.get(id).await.unwrap().unwrap();
    // Known here as running; then corrected elsewhere.
    let mut socket = Socket::watching(&site, id, 0).await;
    while site.job(id).await["status"] != "running" {
        socket.event().await;
    }
    let spec = domain::JobSpec { language: Some("de".into()), ..job.spec };
    let backend::Retried::Queued(restarted) =
        site.backend.store.retry(id, &spec, job.expires_at).await.unwrap()
    else {
        panic!("not queued")
    };
    site.backend.topic.publish(&JobEvent::state_of(&restarted)).await.unwrap();
    while socket.event().await["version"] != restarted.version {}
    assert_eq!(site.job(id).await["language"], "de");
}

#[tokio::test]
async fn a_form_corrects_the_language_and_an_english_model_refuses() {
    let site = Site::start().await;
    let id = site.submit().await;
    let page = format!("/jobs/{id}");
    let press = async |path: &str, body: &str| {
        let request = site.request(Method::POST, path).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        response.headers()["location"].to_str().unwrap().to_owned()
    };
    assert_eq!(press(&format!("{page}/retry"), "language=de").await, page);
    assert_eq!(press(&format!("{page}/retry"), "language=de").await, page);
    let job = site.backend.store.get(id).await.unwrap().unwrap();
    assert_eq!((job.spec.language.as_deref(), job.run), (Some("de"), 1));
    let refused = press(&format!("{page}/retry"), "language=fr&model=tiny.en").await;
    assert_eq!(refused, format!("{page}?error=english_model_only"));
    let refused = press(&format!("{page}/translate"), "model=tiny.en").await;
    assert_eq!(refused, format!("{page}?error=english_model_translates"));
    let translation = press(&format!("{page}/translate"), "").await;
    assert!(translation.starts_with("/jobs/") && translation != page);
}

#[tokio::test]
async fn a_translation_is_a_job_of_its_own_on_the_same_media() {
    let site = Site::start().await;
    let id = site.upload("talk.mp4", MEDIA).await;
    let mut worker = site.worker().await;
    worker.detect("fr", 0.95).await;
    worker.page("Bonne journée.").await;
    worker.finish(None).await;
    site.get(&format!("/api/v1/jobs/{id}?wait=20")).await;

    let response = site.translate(id, json!({})).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let made: Value = response.json().await.unwrap();
    let translation = id_of(&made);
    assert_eq!((&made["task"], &made["translation_of"]), (&json!("translate"), &json!(id.to_string())));
    assert_eq!(site.job(id).await["translation"], json!(translation.to_string()));
    // Asked for twice, it is made once.
    let again = site.translate(id, json!({})).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(id_of(&again.json().await.unwrap()), translation);

    let job = site.backend.store.get(translation).await.unwrap().unwrap();
    assert_eq!(job.spec.source, Source::Upload { filename: "talk.mp4".into(), bytes: MEDIA.len() as u64 });
    assert_eq!((job.spec.task, job.status), (Task::Translate, JobStatus::Queued));
    let media = async |id| site.get(&format!("/api/v1/jobs/{id}/media")).await;
    assert_eq!(media(translation).await.text().await.unwrap(), MEDIA);

    // Each page leads to the other, and each track is in its own language.
    let page = async |id| site.get(&format!("/jobs/{id}")).await.text().await.unwrap();
    assert!(page(id).await.contains(&format!("/jobs/{translation}\"")));
    let back = page(translation).await;
    assert!(back.contains(&format!("/jobs/{id}\"")) && back.contains("As spoken: French"), "{back}");
    assert!(
        back.contains(&format!("/api/v1/jobs/{id}/track.vtt")),
        "the other track is in the player's menu"
    );
    let language = async |id| {
        let ttml = site.get(&format!("/api/v1/jobs/{id}/track.ttml")).await.text().await.unwrap();
        ttml.split_once("xml:lang=\"").unwrap().1.split('"').next().unwrap().to_owned()
    };
    assert_eq!(language(translation).await, "en");

    let mut worker = site.worker().await;
    while worker.job.id != translation {
        worker = site.worker().await;
    }
    // Deleting one leaves the other.
    let delete = site.request(Method::DELETE, &format!("/api/v1/jobs/{id}")).send().await.unwrap();
    assert_eq!(delete.status(), StatusCode::NO_CONTENT);
    assert_eq!(media(translation).await.text().await.unwrap(), MEDIA);
    assert!(!page(translation).await.contains(&format!("/jobs/{id}\"")));
}

#[tokio::test]
async fn a_translation_that_was_deleted_can_be_made_again() {
    let site = Site::start().await;
    let id = site.upload("talk.mp4", MEDIA).await;
    let first = id_of(&site.translate(id, json!({})).await.json().await.unwrap());
    site.request(Method::DELETE, &format!("/api/v1/jobs/{first}")).send().await.unwrap();
    let page = site.get(&format!("/jobs/{id}")).await.text().await.unwrap();
    assert!(!page.contains(&format!("/jobs/{first}\"")));
    let second = id_of(&site.translate(id, json!({})).await.json().await.unwrap());
    assert_ne!(first, second);
    assert_eq!(site.job(id).await["translation"], json!(second.to_string()));
}

#[tokio::test]
async fn what_cannot_be_translated_is_said() {
    let site = Site::start().await;
    let id = site.upload("talk.mp4", MEDIA).await;
    error_of(site.translate(id, json!({ "model": "tiny.en" })).await, (422, "english_model_translates"))
        .await;
    error_of(site.translate(id, json!({ "model": "huge" })).await, (422, "unknown_model")).await;
    error_of(site.translate(id, json!({ "url": "http://media.test/b" })).await, (422, "url_fixed")).await;
    let translation = id_of(&site.translate(id, json!({})).await.json().await.unwrap());
    error_of(site.translate(translation, json!({})).await, (409, "already_translation")).await;
    let nobody = JobId::from_bits(1);
    error_of(site.translate(nobody, json!({})).await, (404, "job_not_found")).await;
}

#[tokio::test]
async fn both_tracks_can_be_asked_for_at_once() {
    let site = Site::start().await;
    let upload = |query: &str| {
        site.request(Method::POST, &format!("/api/v1/uploads?filename=a.mp4&{query}")).body(MEDIA).send()
    };
    let link = json!({ "url": "http://media.test/a.mp4", "task": "both" });
    let made = [site.post("/api/v1/jobs", link).await, upload("task=both").await.unwrap()];
    for response in made {
        assert_eq!(response.status(), StatusCode::CREATED);
        let job: Value = response.json().await.unwrap();
        assert_eq!(job["task"], "transcribe");
        let translation = site.job(job["translation"].as_str().unwrap().parse().unwrap()).await;
        assert_eq!((&translation["task"], &translation["translation_of"]), (&json!("translate"), &job["id"]));
    }
    // Refused before anything is made.
    let refused = upload("task=both&model=tiny.en").await.unwrap();
    error_of(refused, (422, "english_model_translates")).await;
    let jobs: Value = site.get("/api/v1/jobs").await.json().await.unwrap();
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 4);
}
