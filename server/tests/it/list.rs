//! The list of jobs: words, places in line, and its page.

use domain::JobId;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Site, error_of, id_of};

impl Site {
    async fn spoken(&self, title: &str, pages: &[&str]) -> JobId {
        let wish = json!({ "url": "http://media.test/a", "title": title });
        let id = id_of(&self.post("/api/v1/jobs", wish).await.json::<Value>().await.unwrap());
        let mut worker = self.worker().await;
        for page in pages {
            worker.page(page).await;
        }
        worker.finish(None).await;
        self.get(&format!("/api/v1/jobs/{id}?wait=20")).await;
        id
    }

    async fn list(&self, query: &str) -> Value {
        let response = self.get(&format!("/api/v1/jobs?{query}")).await;
        assert_eq!(response.status(), StatusCode::OK, "{query}");
        response.json().await.unwrap()
    }
}

fn ids(list: &Value) -> Vec<JobId> {
    list["jobs"].as_array().unwrap().iter().map(id_of).collect()
}

#[tokio::test]
async fn words_are_found_in_titles_and_in_transcripts_with_their_moment() {
    let site = Site::start().await;
    let speech =
        site.spoken("Inaugural address, 1961.mp4", &["And so, my fellow", "Americans, ask not"]).await;
    let other = site.spoken("Another talk", &["Ask nobody."]).await;
    let failed = site.submit().await;
    site.worker().await.finish(Some(domain::Failure::NoAudio)).await;
    site.get(&format!("/api/v1/jobs/{failed}?wait=20")).await;

    let found = site.list("q=1961+inaugural").await;
    assert_eq!(ids(&found), [speech]);
    assert_eq!(found["searched"], json!({ "jobs": 3, "until": null }));

    let found = site.list("q=Fellow%20americans").await;
    assert_eq!(ids(&found), [speech]);
    let hits = json!([
        { "start_ms": 0, "before": "And so, my ", "words": "fellow Americans", "after": ", ask not" },
    ]);
    assert_eq!(found["jobs"][0]["hits"], hits);
    assert_eq!(found.get("cursor"), None);

    assert_eq!(ids(&site.list("q=ask").await), [other, speech]);
    assert_eq!(ids(&site.list("q=ask&status=failed").await), []);
    assert_eq!(ids(&site.list("q=talk&status=failed").await), [failed]);
    assert_eq!(ids(&site.list("q=nothing+like+it").await), []);

    // What a person wrote counts, and what it replaced does not.
    let version = site.list("").await["jobs"][1]["version"].to_string();
    let track = "WEBVTT\n\n00:00:07.000 --> 00:00:08.000\nQuite different.\n";
    let path = format!("/api/v1/jobs/{other}/track");
    let request = site.request(reqwest::Method::PUT, &path).header("content-type", "text/vtt");
    let saved = request.header("if-match", version).body(track).send().await.unwrap();
    assert_eq!(saved.status(), StatusCode::OK);
    assert_eq!(ids(&site.list("q=nobody").await), []);
    assert_eq!(site.list("q=different").await["jobs"][0]["hits"][0]["start_ms"], 7000);
}

#[tokio::test]
async fn a_search_goes_on_behind_its_last_job_and_misses_none() {
    let site = Site::start().await;
    let mut made = Vec::new();
    for index in 0..7 {
        made.push(site.spoken(&format!("Number {index}"), &["The same words."]).await);
        site.spoken(&format!("Other {index}"), &["Something else."]).await;
    }
    made.reverse();
    for limit in [1, 2, 3, 7, 8] {
        let (mut listed, mut looked_at) = (Vec::new(), 0);
        let mut cursor = String::new();
        loop {
            let page = site.list(&format!("q=same+words&limit={limit}&cursor={cursor}")).await;
            listed.extend(ids(&page));
            looked_at += page["searched"]["jobs"].as_u64().unwrap();
            assert_eq!(page["searched"]["until"].is_null(), page["cursor"].is_null());
            match page["cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!((&listed, looked_at), (&made, 14), "{limit} at once");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_is_an_error_that_names_the_field() {
    let site = Site::start().await;
    let check = async |query: &str, expect: (u16, &str), field: &str| {
        let error = error_of(site.get(&format!("/api/v1/jobs?{query}")).await, expect).await;
        assert_eq!(error["field"], field, "{query}");
        let page = site.get(&format!("/?{query}")).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert!(page.text().await.unwrap().contains("This cannot be looked for"), "{query}");
    };
    check("status=done", (400, "unknown_status"), "status").await;
    check("cursor=mine", (400, "cursor"), "cursor").await;
    check("q=a&cursor=mine", (400, "cursor"), "cursor").await;
    check("q=%21%21", (400, "no_words"), "q").await;
    check(&format!("q={}", "a".repeat(201)), (400, "words_too_long"), "q").await;
}

#[tokio::test]
async fn waiting_jobs_are_told_their_place_and_no_time_that_nobody_knows() {
    let site = Site::start().await;
    let (first, second) = (site.submit().await, site.submit().await);
    let list = site.list("").await;
    assert_eq!(ids(&list), [second, first]);
    assert_eq!(list["jobs"][0]["place"], json!({ "position": 2, "wait_ms": null }));
    assert_eq!(list["jobs"][1]["place"], json!({ "position": 1, "wait_ms": null }));
    // One that joins the line is told its place at once, however lately the line was counted.
    let third = site.submit().await;
    let list = site.list("limit=1").await;
    assert_eq!((ids(&list), &list["jobs"][0]["place"]["position"]), (vec![third], &json!(3)));
    let page = site.get("/").await.text().await.unwrap();
    assert!(page.contains("Next in line") && page.contains("2nd in line"), "{page}");
}

#[tokio::test]
async fn the_page_of_a_search_is_whole_before_any_script_runs() {
    let site = Site::start().await;
    let id = site.spoken("A talk", &["Hello there.", "Well, <b>ask</b> & not."]).await;
    let page = async |path: &str| site.get(path).await.text().await.unwrap();
    let found = page("/?q=ask").await;
    assert!(found.contains(&format!("href=\"/jobs/{id}?t=5000\"")), "{found}");
    assert!(found.contains("<mark>ask</mark>") && !found.contains("<b>ask"), "{found}");
    assert!(found.contains("1 job was found in 1 job."), "{found}");
    assert!(found.contains("value=\"ask\""), "{found}");
    let nothing = page("/?q=nothing").await;
    assert!(
        nothing.contains("Nothing was found in 1 job.") && nothing.contains("Show all jobs"),
        "{nothing}"
    );
    let none = page("/?status=failed").await;
    assert!(none.contains("No job failed."), "{none}");
    let job = page(&format!("/jobs/{id}?t=5000")).await;
    assert!(job.contains("/media#t=5.000") || !job.contains("<video"), "{job}");

    for _ in 0..20 {
        site.submit().await;
    }
    let first = page("/").await;
    let (_, next) = first.split_once("href=\"/?cursor=").unwrap();
    let next = page(&format!("/?cursor={}", next.split('"').next().unwrap())).await;
    assert!(next.contains("A talk") && next.contains("Back to the newest"), "{next}");
}
