//! What people change cue by cue, while the job runs and afterwards.

use std::sync::Arc;

use domain::{Format, JobId};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::hook::Hook;
use crate::listener::Socket;
use crate::support::{Site, Worker, config, error_of};

/// A running job with two pages of one cue each.
async fn running(site: &Site) -> (JobId, Worker) {
    let id = site.submit().await;
    let mut worker = site.worker().await;
    worker.page("Helo there.").await;
    worker.page("Good bye.").await;
    (id, worker)
}

async fn cues(site: &Site, id: JobId) -> Vec<domain::Cue> {
    let text = site.get(&format!("/api/v1/jobs/{id}/track.json")).await.text().await.unwrap();
    Format::Json.read(&text).unwrap().into_cues()
}

async fn texts(site: &Site, id: JobId) -> Vec<String> {
    cues(site, id).await.into_iter().map(|cue| cue.text).collect()
}

/// Another text for the cue at this place.
async fn replaced(site: &Site, id: JobId, at: usize, text: &str) -> Value {
    let cue = &cues(site, id).await[at];
    let new = json!({ "start": cue.start, "end": cue.end, "text": text });
    json!({ "op": "replace", "from": cue.start, "to": cue.end, "cues": [new] })
}

async fn save(site: &Site, id: JobId, base: u32, changes: &[Value]) -> Response {
    let path = format!("/api/v1/jobs/{id}/corrections");
    let request = site.request(Method::POST, &path).header("if-match", format!("\"{base}\""));
    request.json(&changes).send().await.unwrap()
}

#[tokio::test]
async fn a_cue_is_corrected_while_later_ones_are_still_heard() {
    let site = Site::start().await;
    let (id, mut worker) = running(&site).await;
    let saved = save(&site, id, 0, &[replaced(&site, id, 0, "Hello there.").await]).await;
    assert_eq!((saved.status(), saved.headers()["etag"].to_str().unwrap()), (StatusCode::OK, "\"1\""));
    assert_eq!(texts(&site, id).await, ["Hello there.", "Good bye."]);
    worker.page("And thanks.").await;
    worker.finish(None).await;
    assert_eq!(texts(&site, id).await, ["Hello there.", "Good bye.", "And thanks."]);
    let read: Value = site.get(&format!("/api/v1/jobs/{id}/corrections")).await.json().await.unwrap();
    assert_eq!((&read["revision"], read["corrections"]["patches"].as_array().unwrap().len()), (&json!(1), 1));
    let job: Value = site.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
    assert_eq!((&job["corrections"], &job["status"]), (&json!(1), &json!("completed")));
}

#[tokio::test]
async fn whoever_watches_is_told_that_there_are_corrections() {
    let site = Site::start().await;
    let (id, _worker) = running(&site).await;
    let version: Value = site.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
    let mut socket = Socket::watching(&site, id, version["version"].as_u64().unwrap()).await;
    save(&site, id, 0, &[replaced(&site, id, 0, "Hello there.").await]).await;
    // Pages may come first: what was told of them depends on what the server had heard by then.
    while socket.event().await["corrections"] != json!(1) {}
}

#[tokio::test]
async fn two_people_change_different_cues_and_the_same_one() {
    let site = Site::start().await;
    let (id, _worker) = running(&site).await;
    let mine = replaced(&site, id, 0, "Mine.").await;
    let theirs = replaced(&site, id, 1, "Theirs.").await;
    assert_eq!(save(&site, id, 0, &[mine.clone()]).await.status(), StatusCode::OK);
    // Of the same base, and elsewhere.
    assert_eq!(save(&site, id, 0, &[theirs]).await.status(), StatusCode::OK);
    assert_eq!(texts(&site, id).await, ["Mine.", "Theirs."]);

    let contrary = save(&site, id, 0, &[replaced(&site, id, 0, "Otherwise.").await]).await;
    assert_eq!(contrary.status(), StatusCode::PRECONDITION_FAILED);
    let body: Value = contrary.json().await.unwrap();
    assert_eq!(body["error"]["code"], "corrections_changed");
    assert_eq!((&body["revision"], body["conflicts"].as_array().unwrap().len()), (&json!(2), 1));
    assert_eq!(texts(&site, id).await, ["Mine.", "Theirs."]);
    // The very same again: an answer was lost.
    assert_eq!(save(&site, id, 0, &[mine]).await.status(), StatusCode::OK);
    // On top of what is there now.
    let again = save(&site, id, 3, &[replaced(&site, id, 0, "Otherwise.").await]).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(texts(&site, id).await, ["Otherwise.", "Theirs."]);
}

#[tokio::test]
async fn the_next_save_reads_nothing() {
    let hook = Arc::new(Hook::default());
    let site = Site::begin(config(), Some(hook.clone())).await;
    site.ready().await;
    let (id, _worker) = running(&site).await;
    let (first, second) = (replaced(&site, id, 0, "One.").await, replaced(&site, id, 1, "Two.").await);
    assert_eq!(save(&site, id, 0, &[first]).await.status(), StatusCode::OK);
    hook.take_store_calls();
    assert_eq!(save(&site, id, 1, &[second]).await.status(), StatusCode::OK);
    assert_eq!(texts(&site, id).await, ["One.", "Two."]);
    assert_eq!(hook.take_store_calls().iter().filter(|call| **call == "store.save_corrections").count(), 1);
}

#[tokio::test]
async fn what_makes_no_sense_is_told_and_changes_nothing() {
    let site = Site::start().await;
    let (id, _worker) = running(&site).await;
    let check = async |changes: Value, expect: (u16, &str)| {
        let path = format!("/api/v1/jobs/{id}/corrections");
        let request = site.request(Method::POST, &path).header("if-match", "0").json(&changes);
        error_of(request.send().await.unwrap(), expect).await;
    };
    check(json!("nothing"), (400, "unreadable_corrections")).await;
    check(json!([{ "op": "explode" }]), (400, "unreadable_corrections")).await;
    check(json!([{ "op": "reset", "from": 9, "to": 3 }]), (400, "unreadable_corrections")).await;
    let backwards = json!({ "start": 9, "end": 3, "text": "x" });
    check(
        json!([{ "op": "replace", "from": 0, "to": 9, "cues": [backwards] }]),
        (400, "unreadable_corrections"),
    )
    .await;
    let path = format!("/api/v1/jobs/{id}/corrections");
    let without = site.request(Method::POST, &path).json(&json!([]));
    error_of(without.send().await.unwrap(), (428, "if_match_required")).await;
    error_of(save(&site, id, 7, &[]).await, (412, "corrections_changed")).await;
    error_of(save(&site, JobId::from_bits(1), 0, &[]).await, (404, "job_not_found")).await;
    assert_eq!(texts(&site, id).await, ["Helo there.", "Good bye."]);
}

#[tokio::test]
async fn what_keeps_to_no_house_style_is_reported_as_it_stands_now() {
    let site = Site::start().await;
    let (id, _worker) = running(&site).await;
    let long = "This is what they said to us, and to everybody else";
    save(&site, id, 0, &[replaced(&site, id, 0, long).await]).await;
    let path = format!("/api/v1/jobs/{id}/conformity");
    let report: Value = site.get(&format!("{path}?profile=netflix")).await.json().await.unwrap();
    assert_eq!((&report["profile"], &report["cues"]), (&json!("netflix"), &json!(2)));
    let faulty = &report["faulty"][0];
    assert_eq!((&faulty["number"], &faulty["text"]), (&json!(1), &json!(long)));
    assert!(faulty["faults"].as_array().unwrap().iter().any(|fault| fault["fault"] == "line_too_long"));
    let table = site.get(&format!("{path}?format=csv&download=1")).await;
    assert!(table.headers()["content-disposition"].to_str().unwrap().ends_with(".csv"));
    assert!(table.text().await.unwrap().contains(",line_too_long,51,42,"));
    error_of(site.get(&format!("{path}?format=xml")).await, (400, "unknown_format")).await;
    let missing = site.get(&format!("/api/v1/jobs/{}/conformity", JobId::from_bits(1))).await;
    error_of(missing, (404, "job_not_found")).await;
}
