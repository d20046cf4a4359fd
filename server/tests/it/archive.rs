//! The subtitles of several jobs in one download.

use std::io::{Cursor, Read as _};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::support::{Site, error_of, id_of};

impl Site {
    async fn titled(&self, title: &str) -> domain::JobId {
        let wish = json!({ "url": "http://media.test/a", "title": title });
        id_of(&self.post("/api/v1/jobs", wish).await.json::<Value>().await.unwrap())
    }

    async fn completed_as(&self, title: &str, text: &str) -> domain::JobId {
        let id = self.titled(title).await;
        let mut worker = self.worker().await;
        worker.page(text).await;
        worker.finish(None).await;
        self.get(&format!("/api/v1/jobs/{id}?wait=20")).await;
        id
    }
}

#[tokio::test]
async fn an_archive_holds_a_file_for_each_job_under_a_name_of_its_own() {
    let site = Site::start().await;
    let first = site.completed_as("Talk.mp4", "The first.").await;
    let second = site.completed_as("talk", "The second.").await;
    let hostile = site.completed_as("../../etc/passwd\u{1b}", "The third.").await;
    let gone = site.completed_as("gone", "Gone.").await;
    site.request(Method::DELETE, &format!("/api/v1/jobs/{gone}")).send().await.unwrap();
    let running = site.titled("running").await;
    let mut worker = site.worker().await;
    worker.page("Until here.").await;
    let waiting = site.titled("waiting").await;

    let ids = [first, second, hostile, gone, running, waiting].map(|id| id.to_string()).join(",");
    let response = site.get(&format!("/api/v1/jobs/archive?ids={ids}&format=vtt&profile=bbc")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/zip");
    assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"subtitles.zip\"");
    let mut archive = ZipArchive::new(Cursor::new(response.bytes().await.unwrap())).unwrap();
    let mut held = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        held.push((file.name().to_owned(), text));
    }
    let names: Vec<&str> = held.iter().map(|(name, _)| name.as_str()).collect();
    let expect = ["Talk.vtt", "talk (2).vtt", "_.._etc_passwd.vtt", "running (so far).vtt", "left-out.txt"];
    assert_eq!(names, expect);
    for (index, text) in ["The first.", "The second.", "The third.", "Until here."].into_iter().enumerate() {
        assert!(held[index].1.starts_with("WEBVTT") && held[index].1.contains(text), "{held:?}");
    }
    let left_out = format!("{gone}: it was deleted, or is past its time.\nwaiting: it has no subtitles.\n");
    assert_eq!(held[4].1, left_out);
}

#[tokio::test]
async fn an_archive_of_nothing_is_an_error_that_says_why() {
    let site = Site::start().await;
    let id = site.submit().await;
    let check = async |query: String, expect: (u16, &str)| {
        error_of(site.get(&format!("/api/v1/jobs/archive?{query}")).await, expect).await;
    };
    check(String::new(), (400, "nothing_selected")).await;
    check("ids=x".to_owned(), (400, "job_id")).await;
    check("ids=00000000000000000000000000000000".to_owned(), (404, "job_not_found")).await;
    check(format!("ids={id}&format=doc"), (404, "unknown_format")).await;
    check(format!("ids={id}&profile=mine"), (422, "unknown_profile")).await;
}
