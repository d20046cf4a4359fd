//! The plain forms, as a browser without JavaScript sends them.

use backend::Listing;
use domain::{JobStatus, Profile, Source};
use reqwest::{Method, Response, StatusCode};
use serde_json::json;

use crate::support::Site;

const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";

impl Site {
    async fn send_form(&self, fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Response {
        self.send_form_of(fields, file.as_slice()).await
    }

    async fn send_form_of(&self, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Response {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        for (filename, bytes) in files {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\
                 Content-Type: video/mp4\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let request = self.request(Method::POST, "/submit").header("sec-fetch-site", "same-origin");
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        request.header("content-type", content_type).body(body).send().await.unwrap()
    }

    async fn press(&self, path: &str) -> String {
        self.press_with(path, "").await
    }

    async fn press_with(&self, path: &str, fields: impl Into<String>) -> String {
        let request = self.request(Method::POST, path).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(fields.into());
        target(&request.send().await.unwrap())
    }
}

fn target(response: &Response) -> String {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()["location"].to_str().unwrap().to_owned()
}

const EMPTY_FILE: Option<(&str, &[u8])> = Some(("", b""));

#[tokio::test]
async fn a_link_is_submitted_cancelled_retried_and_deleted() {
    let site = Site::start().await;
    let fields = [
        ("url", "http://media.test/talk.mp4"),
        ("language", ""),
        ("model", "base"),
        ("task", "transcribe"),
        ("profile", "bbc"),
    ];
    let page = target(&site.send_form(&fields, EMPTY_FILE).await);
    let id = page.strip_prefix("/jobs/").unwrap().parse().unwrap();
    let job = site.backend.store.get(id).await.unwrap().unwrap();
    assert_eq!((job.spec.profile, job.spec.language), (Profile::Bbc, None));
    assert_eq!(site.get(&page).await.status(), StatusCode::OK);

    let status = async || site.backend.store.get(id).await.unwrap().unwrap().status;
    assert_eq!(site.press(&format!("{page}/cancel")).await, page);
    assert_eq!(status().await, JobStatus::Cancelled);
    assert_eq!(site.press(&format!("{page}/retry")).await, page);
    assert_eq!(status().await, JobStatus::Queued);
    assert_eq!(site.press(&format!("{page}/retry")).await, format!("{page}?error=job_unfinished"));
    assert_eq!(site.press(&format!("{page}/delete")).await, "/");
    assert_eq!(site.backend.store.get(id).await.unwrap(), None);
    assert_eq!(site.press("/jobs/nonsense/cancel").await, "/");
}

#[tokio::test]
async fn a_file_is_submitted() {
    let site = Site::start().await;
    let bytes = vec![9; 3 << 20];
    let fields = [("url", ""), ("language", "en"), ("title", "Mine")];
    let page = target(&site.send_form(&fields, Some(("holiday.mp4", &bytes))).await);
    let id = page.strip_prefix("/jobs/").unwrap().parse().unwrap();
    let job = site.backend.store.get(id).await.unwrap().unwrap();
    assert_eq!(job.spec.source, Source::Upload { filename: "holiday.mp4".into(), bytes: 3 << 20 });
    assert_eq!((job.spec.title.as_str(), job.spec.language.as_deref()), ("Mine", Some("en")));
    let media = site.get(&format!("/api/v1/jobs/{id}/media")).await.bytes().await.unwrap();
    assert_eq!(media, bytes);
}

#[tokio::test]
async fn an_error_returns_to_the_form_with_its_field() {
    let site = Site::start().await;
    let check = async |fields: &[(&str, &str)], file: Option<(&str, &[u8])>, expect: &str| {
        assert_eq!(target(&site.send_form(fields, file).await), expect);
    };
    check(&[("url", " ")], EMPTY_FILE, "/?error=url_missing&field=url&url=+").await;
    check(&[], None, "/?error=url_missing&field=url").await;
    check(&[("url", "ftp://a/b&c")], None, "/?error=url_scheme&field=url&url=ftp%3A%2F%2Fa%2Fb%26c").await;
    let french = [("url", "http://media.test/a"), ("model", "tiny.en"), ("language", "fr")];
    let expect = "/?error=english_model_only&field=model&url=http%3A%2F%2Fmedia.test%2Fa";
    check(&french, None, expect).await;
    check(&[("url", "")], Some(("a.mp4", b"")), "/?error=empty_upload&field=file").await;
    check(&[("model", "huge")], Some(("a.mp4", b"media")), "/?error=unknown_model&field=model").await;
    assert_eq!(site.media_files(), Vec::<String>::new());
    let recent = site.get("/api/v1/jobs").await.json::<serde_json::Value>().await.unwrap();
    assert_eq!(recent["jobs"], json!([]));
}

#[tokio::test]
async fn a_form_that_is_none_leads_back_to_the_page() {
    let site = Site::start().await;
    let send = async |content_type: &str, body: Vec<u8>| {
        let request = site.request(Method::POST, "/submit").header("content-type", content_type);
        target(&request.body(body).send().await.unwrap())
    };
    let malformed = "/?error=malformed_form&field=form";
    assert_eq!(
        send("application/x-www-form-urlencoded", b"url=http://media.test/a".to_vec()).await,
        malformed
    );
    assert_eq!(send("multipart/form-data; boundary=x", b"--y".to_vec()).await, malformed);

    // The head of a part has no end, and memory has: it is not read to the end.
    let endless = format!("--x\r\nContent-Disposition: form-data; name=\"{}", "n".repeat(3 << 20));
    assert_eq!(send("multipart/form-data; boundary=x", endless.into_bytes()).await, malformed);
    let many = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\na\r\n".repeat(40_000);
    assert_eq!(send("multipart/form-data; boundary=x", many.into_bytes()).await, malformed);
}

#[tokio::test]
async fn a_large_file_comes_through_a_form() {
    let site = Site::start().await;
    let file = vec![7; 3 << 20];
    let page = target(&site.send_form(&[("title", "Large")], Some(("large.mp4", &file))).await);
    let job = page.strip_prefix("/jobs/").unwrap().parse().unwrap();
    let job = site.backend.store.get(job).await.unwrap().unwrap();
    assert_eq!(job.spec.source, Source::Upload { filename: "large.mp4".into(), bytes: 3 << 20 });
}

impl Site {
    /// Titles of the jobs that wait, in order.
    async fn titles(&self) -> Vec<String> {
        let listing = Listing { status: None, limit: 100, cursor: None };
        let jobs = self.backend.store.recent(&listing).await.unwrap().jobs;
        let mut titles: Vec<String> = jobs.into_iter().map(|job| job.spec.title).collect();
        titles.sort();
        titles
    }
}

#[tokio::test]
async fn several_files_and_links_of_one_form_are_a_job_each() {
    let site = Site::start().await;
    let large = vec![7; 3 << 20];
    let files: [(&str, &[u8]); 3] = [("b.mp4", b"some bytes"), ("c.mp4", &large), ("d.mp4", b"more bytes")];
    let fields = [("url", "http://media.test/a.mp4\r\n\r\n http://media.test/e.mp4"), ("profile", "bbc")];
    assert_eq!(target(&site.send_form_of(&fields, &files).await), "/?accepted=5");
    assert_eq!(site.titles().await, ["a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"]);
    let listing = Listing { status: None, limit: 100, cursor: None };
    let jobs = site.backend.store.recent(&listing).await.unwrap().jobs;
    assert!(jobs.iter().all(|job| job.spec.profile == Profile::Bbc));
    let sizes: Vec<u64> = jobs
        .iter()
        .filter_map(|job| match job.spec.source {
            Source::Upload { bytes, .. } => Some(bytes),
            Source::Link { .. } => None,
        })
        .collect();
    assert_eq!(sizes, [10, 3 << 20, 10]);
    let page = site.get("/?accepted=5").await.text().await.unwrap();
    assert!(page.contains("5 jobs were accepted"), "{page}");
}

#[tokio::test]
async fn what_is_wrong_with_one_of_several_is_told_and_the_others_are_taken() {
    let site = Site::start().await;
    let files: [(&str, &[u8]); 3] = [("a.mp4", b"bytes"), ("empty.mp4", b""), ("b.mp4", b"bytes")];
    let answer = site.send_form_of(&[], &files).await;
    assert_eq!(target(&answer), "/?error=empty_upload&field=file&accepted=2");
    assert_eq!(site.titles().await, ["a.mp4", "b.mp4"]);

    // Of links that are typed again with the wrong one corrected, none is made twice.
    let fields = [("url", "http://media.test/1 ftp://media.test/2")];
    let expect = "/?error=url_scheme&field=url&url=http%3A%2F%2Fmedia.test%2F1+ftp%3A%2F%2Fmedia.test%2F2";
    assert_eq!(target(&site.send_form_of(&fields, &[("c.mp4", b"bytes")]).await), expect);
    assert_eq!(site.titles().await, ["a.mp4", "b.mp4"]);

    let many = "http://media.test/a ".repeat(51);
    let answer = target(&site.send_form_of(&[("url", &many)], &[]).await);
    assert!(answer.starts_with("/?error=too_many&field=url&url=http"), "{answer}");
}

/// Between two files there is no more memory than before the first.
#[tokio::test]
async fn the_head_of_a_later_file_has_an_end() {
    let site = Site::start().await;
    let part = |name: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\nbytes\r\n")
    };
    let body = part("a.mp4") + &part(&"n".repeat(3 << 20)) + "--x--\r\n";
    let request =
        site.request(Method::POST, "/submit").header("content-type", "multipart/form-data; boundary=x");
    let answer = target(&request.body(body).send().await.unwrap());
    assert_eq!(answer, "/?error=malformed_form&field=form&accepted=1");
}

#[tokio::test]
async fn checked_jobs_are_deleted_and_the_list_is_shown_as_it_was() {
    let site = Site::start().await;
    let (first, second, third) = (site.submit().await, site.submit().await, site.submit().await);
    let fields = format!("q=talk&status=queued&format=srt&ids={first}&ids={third}");
    assert_eq!(site.press_with("/jobs/delete", fields).await, "/?q=talk&status=queued");
    let left = site.backend.store.recent(&Listing { status: None, limit: 9, cursor: None }).await.unwrap();
    assert_eq!(left.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [second]);

    assert_eq!(site.press("/jobs/delete").await, "/?error=nothing_selected&field=list");
    let archive = site.get("/jobs/archive?format=srt").await;
    assert_eq!(target(&archive), "/?error=nothing_selected&field=list");
    let page = site.get("/?error=nothing_selected&field=list").await.text().await.unwrap();
    assert!(page.contains("No job is selected."), "{page}");
}
