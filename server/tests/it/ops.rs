//! The page of operators, and who may see it.

use std::sync::Arc;
use std::time::Duration;

use backend::{Backend, WorkerRecord};
use domain::{Failure, JobId, WallTime};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use server::Config;

use crate::hook::Hook;
use crate::process::Process;
use crate::support::{Site, config, embedded, error_of, id_of};

fn eager() -> Config {
    Config { reconcile_every: Duration::from_millis(50), ..config() }
}

async fn get(site: &Site, path: &str) -> Response {
    site.client.get(site.operators_url(path)).send().await.unwrap()
}

async fn overview(site: &Site) -> Value {
    let response = get(site, "/api/v1/ops").await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

/// The overview when it tells what `is_it` looks for.
async fn overview_when(site: &Site, is_it: impl Fn(&Value) -> bool) -> Value {
    let looking = async {
        loop {
            let overview = overview(site).await;
            if is_it(&overview) {
                return overview;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking).await.expect("it is told in time")
}

/// Submits the form; the page it leads back to.
async fn redrive(site: &Site, fields: &[(&str, &str)]) -> String {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = site.client.post(site.operators_url("/ops/redrive")).body(body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()["location"].to_str().unwrap().to_owned()
}

async fn tell(backend: &Backend, jobs: &[JobId]) {
    let now = WallTime::now();
    let record = WorkerRecord {
        id: "a".into(),
        host: "machine".into(),
        pid: 42,
        version: "0.1.0".into(),
        mode: "pull".into(),
        engine: "whisper.cpp".into(),
        model: "base".into(),
        slots: 2,
        jobs: jobs.to_vec(),
        started_at: now,
        told_at: now,
        expires_at: now + Duration::from_secs(60),
    };
    backend.store.tell_worker(&record).await.unwrap();
}

/// A job that was given up, with its dead letter.
async fn buried(site: &Site, wish: Value) -> JobId {
    let id = id_of(&site.post("/api/v1/jobs", wish).await.json().await.unwrap());
    site.worker().await.give_up("media_unreachable: no answer", 4).await;
    id
}

#[tokio::test]
async fn operators_see_what_waits_who_works_and_how_it_went() {
    let site = Site::start_with(eager()).await;
    site.completed().await;
    let failed = site.submit().await;
    site.worker().await.finish(Some(Failure::MediaNotFound)).await;
    let running = site.submit().await;
    let mut worker = site.worker().await;
    worker.report(0.42).await;
    let waiting = site.submit().await;
    tell(&site.backend, &[running, failed]).await;
    assert!(site.backend.store.take_turn("cleanup", Duration::from_secs(60)).await.unwrap());

    let told = overview_when(&site, |told| told["day"]["completed"] == 1 && told["day"]["failed"] == 1).await;
    assert_eq!(told["jobs"]["queued"], 1);
    assert_eq!((&told["jobs"]["running"], &told["jobs"]["completed"]), (&json!(1), &json!(1)));
    assert_eq!(told["jobs"]["oldest_waiting"]["is_at_least"], false);
    assert_eq!((&told["queue"]["waiting"], &told["queue"]["in_flight"]), (&json!(1), &json!(1)));
    let work = &told["workers"][0]["jobs"];
    assert_eq!(work.as_array().unwrap().len(), 1, "what ended is not worked on: {told}");
    assert_eq!((&work[0]["job"], &work[0]["stage"]), (&json!(running), &json!("fetching")));
    assert!(work[0]["started_at"].is_string() && work[0]["progress"].as_f64().unwrap() > 0.4);
    assert_eq!(told["untold"], json!([]));
    assert_eq!(told["tasks"][0]["task"], "cleanup");
    assert_eq!(told["day"]["failures"][0]["code"], "media_not_found");
    assert_eq!(told["day"]["hours"].as_array().unwrap().len(), 24);

    let page = get(&site, "/ops").await;
    assert_eq!(
        (page.status(), &page.headers()["cache-control"]),
        (StatusCode::OK, &"no-store".parse().unwrap())
    );
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let html = page.text().await.unwrap();
    let (_, nonce) = policy.split_once("'nonce-").unwrap();
    let (nonce, _) = nonce.split_once('\'').unwrap();
    for part in ["machine", "Fetching", "1 of 2 slots busy", "cleanup", nonce] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains(&waiting.to_string()) && !html.contains("wasm"), "{html}");
}

#[tokio::test]
async fn a_running_job_that_no_worker_told_of_is_shown_by_itself() {
    let site = Site::start().await;
    let id = site.submit().await;
    let _worker = site.worker().await;
    let told = overview(&site).await;
    assert_eq!((&told["workers"], &told["untold"][0]["job"]), (&json!([]), &json!(id)));
}

#[tokio::test]
async fn letters_are_redriven_by_a_form_with_other_options() {
    let site = Site::start_with(eager()).await;
    let first = buried(&site, json!({ "url": "http://media.test/a", "title": "A <b>talk</b>" })).await;
    let french = buried(&site, json!({ "url": "http://media.test/b", "language": "fr" })).await;
    let told = overview(&site).await;
    let letters = &told["dead_letters"];
    assert_eq!((&letters[0]["job"], &letters[0]["title"]), (&json!(first), &json!("A <b>talk</b>")));
    assert_eq!(
        (&letters[0]["reason"], &letters[0]["attempts"]),
        (&json!("media_unreachable: no answer"), &json!(4))
    );
    let id = |number: usize| letters[number]["id"].as_str().unwrap();
    let html = get(&site, "/ops").await.text().await.unwrap();
    assert!(html.contains("A &lt;b&gt;talk") && html.contains(&format!("value=\"{}\"", id(0))), "{html}");

    assert_eq!(redrive(&site, &[("which", "chosen")]).await, "/ops?error=nothing_chosen");
    assert_eq!(redrive(&site, &[("id", id(0)), ("model", "huge")]).await, "/ops?error=unknown_model");
    let english = [("id", id(1)), ("model", "tiny.en"), ("which", "chosen")];
    assert_eq!(redrive(&site, &english).await, "/ops?error=english_model_only");
    // Of two, the one that can be done with it.
    let both = [("id", id(0)), ("id", id(1)), ("model", "tiny.en"), ("language", ""), ("which", "chosen")];
    let page = redrive(&site, &both).await;
    assert_eq!(page, "/ops?redriven=1&refused=1");
    let html = get(&site, &page).await.text().await.unwrap();
    assert!(html.contains("1 job starts again. 1 letter stays"), "{html}");
    let worker = site.worker().await;
    assert_eq!((worker.job.id, worker.job.run), (first, 1));
    assert_eq!(worker.job.spec.model.as_deref(), Some("tiny.en"));

    assert_eq!(redrive(&site, &[("which", "all"), ("language", "de")]).await, "/ops?redriven=1&refused=0");
    let worker = site.worker().await;
    assert_eq!((worker.job.id, worker.job.spec.language.as_deref()), (french, Some("de")));
    assert_eq!(overview(&site).await["dead_letters"], json!([]));
}

#[tokio::test]
async fn letters_are_redriven_with_options_by_programs_too() {
    let site = Site::start_with(eager()).await;
    let id = buried(&site, json!({ "url": "http://media.test/a", "language": "fr" })).await;
    let url = site.operators_url("/api/v1/dead-letters/redrive");
    let send = async |body: Value| site.client.post(&url).json(&body).send().await.unwrap();
    error_of(send(json!({ "model": "tiny.en" })).await, (422, "english_model_only")).await;
    error_of(send(json!({ "language": 7 })).await, (400, "malformed_json")).await;
    let answer: Value = send(json!({ "model": "tiny.en", "language": "en" })).await.json().await.unwrap();
    assert_eq!(answer, json!({ "redriven": 1, "refused": 0 }));
    let worker = site.worker().await;
    assert_eq!((worker.job.id, worker.job.spec.language.as_deref()), (id, Some("en")));
}

#[tokio::test]
async fn where_everybody_asks_the_page_says_where_to_go() {
    let site = Site::start().await;
    let page = site.get("/ops").await;
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    let html = page.text().await.unwrap();
    assert!(html.contains("--operators-listen") && html.contains("stylesheet"), "{html}");
    for path in ["/api/v1/ops", "/api/v1/dead-letters"] {
        error_of(site.get(path).await, (403, "operators_only")).await;
    }
    error_of(site.post("/api/v1/dead-letters/redrive", json!({})).await, (403, "operators_only")).await;
    let posted = site.client.post(site.url("/ops/redrive")).body("which=all").send().await.unwrap();
    assert_eq!(posted.status(), StatusCode::FORBIDDEN);
    assert!(!site.get("/").await.text().await.unwrap().contains("\"/ops\""));
}

#[tokio::test]
async fn a_server_of_this_machine_alone_shows_operators_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(&["--data", embedded(&folder).data.to_str().unwrap()]);
    let client = reqwest::Client::new();
    let get = async |path: &str| client.get(format!("http://{}{path}", server.address)).send().await.unwrap();
    assert!(get("/").await.text().await.unwrap().contains("\"/ops\""));
    assert_eq!(get("/ops").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn pages_of_other_sites_and_rebound_names_reach_nothing_of_operators() {
    let site = Site::start().await;
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let request = site.client.post(site.operators_url("/ops/redrive")).header(name, value);
        error_of(request.body("which=all").send().await.unwrap(), (403, "foreign_origin")).await;
    }
    for path in ["/ops", "/api/v1/ops", "/api/v1/dead-letters"] {
        let request = site.client.get(site.operators_url(path)).header("host", "evil.example");
        error_of(request.send().await.unwrap(), (421, "unknown_host")).await;
    }
    let changing = get(&site, "/ops/redrive").await;
    assert_eq!(changing.status(), StatusCode::METHOD_NOT_ALLOWED);
    // Machines that measure call it by whatever name.
    let probe = site.client.get(site.operators_url("/metrics")).header("host", "pod.example");
    assert_eq!(probe.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn however_many_look_everything_is_read_once() {
    let hook = Arc::new(Hook::default());
    let site = Site::begin(config(), Some(hook.clone())).await;
    site.ready().await;
    overview(&site).await;
    hook.take_calls();
    let looks = (0..20).map(|_| get(&site, "/ops"));
    futures::future::join_all(looks).await;
    assert!(hook.take_calls().len() <= 6, "once at most, if the first look is old by now");
}

#[tokio::test]
async fn what_does_not_answer_is_not_known_and_the_rest_is_told() {
    let hook = Arc::new(Hook::default());
    let site = Site::begin(config(), Some(hook.clone())).await;
    site.ready().await;
    hook.fail(Some("queue."));
    let told = overview(&site).await;
    assert_eq!((&told["queue"], &told["dead_letters"]), (&Value::Null, &Value::Null));
    assert_eq!((&told["jobs"]["queued"], &told["workers"]), (&json!(0), &json!([])));
    let html = get(&site, "/ops").await.text().await.unwrap();
    assert!(html.contains("not known"), "{html}");
}

#[tokio::test]
async fn a_backend_that_says_nothing_is_told_as_trouble() {
    let hook = Arc::new(Hook::default());
    let site = Site::begin(config(), Some(hook.clone())).await;
    site.ready().await;
    hook.fail(Some(""));
    assert_eq!(get(&site, "/ops").await.status(), StatusCode::SERVICE_UNAVAILABLE);
}
