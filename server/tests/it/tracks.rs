//! Subtitles: so far, whole, laid out anew, corrected.

use domain::Format;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{Site, error_of};

#[tokio::test]
async fn a_track_grows_while_the_job_runs() {
    let site = Site::start().await;
    let id = site.submit().await;
    let path = format!("/api/v1/jobs/{id}/track.vtt");
    let empty = site.get(&path).await;
    assert_eq!(empty.headers()["x-track-complete"], "false");
    assert_eq!(empty.headers()["content-type"], "text/vtt; charset=utf-8");
    assert!(empty.text().await.unwrap().starts_with("WEBVTT"));

    let mut worker = site.worker().await;
    worker.page("Hello there.").await;
    let partial = site.get(&path).await;
    assert_eq!(partial.headers()["x-track-complete"], "false");
    assert!(partial.text().await.unwrap().contains("Hello there."));

    worker.page("Good bye.").await;
    worker.finish(None).await;
    let whole = site.get(&path).await;
    assert_eq!(whole.headers()["x-track-complete"], "true");
    let track = Format::WebVtt.read(&whole.text().await.unwrap()).unwrap();
    let texts: Vec<&str> = track.cues().iter().map(|cue| cue.text.as_str()).collect();
    assert_eq!(texts, ["Hello there.", "Good bye."]);
}

#[tokio::test]
async fn a_track_comes_in_every_format() {
    let site = Site::start().await;
    let id = site.completed().await;
    for format in Format::ALL {
        let path = format!("/api/v1/jobs/{id}/track.{}", format.extension());
        let response = site.get(&path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-type"], format.content_type());
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert!(response.text().await.unwrap().contains("Hello there."), "{path}");
    }
    error_of(site.get(&format!("/api/v1/jobs/{id}/track.exe")).await, (404, "unknown_format")).await;
    error_of(site.get(&format!("/api/v1/jobs/{id}/anything")).await, (404, "not_found")).await;
    let profile = site.get(&format!("/api/v1/jobs/{id}/track.srt?profile=x")).await;
    error_of(profile, (422, "unknown_profile")).await;
}

#[tokio::test]
async fn a_track_is_laid_out_anew_for_another_profile() {
    let site = Site::start().await;
    let id = site.submit().await;
    let mut worker = site.worker().await;
    worker.page("one two three four five six seven eight").await;
    worker.finish(None).await;
    let track = async |query: &str| {
        let response = site.get(&format!("/api/v1/jobs/{id}/track.json{query}")).await;
        assert_eq!(response.status(), StatusCode::OK);
        Format::Json.read(&response.text().await.unwrap()).unwrap()
    };
    let own = track("").await;
    let shorts = track("?profile=shorts").await;
    let words = |track: &domain::Track| {
        track.cues().iter().flat_map(|cue| cue.text.split_whitespace()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(words(&own), words(&shorts));
    let longest = shorts.cues().iter().flat_map(|cue| cue.text.lines()).map(str::len).max().unwrap();
    assert!(longest <= 24, "{shorts:?}");
}

#[tokio::test]
async fn how_loud_it_is_comes_with_what_was_heard() {
    let site = Site::start().await;
    let id = site.submit().await;
    let path = format!("/api/v1/jobs/{id}/peaks");
    let peaks = async |query: &str| site.get(&format!("{path}{query}")).await.json::<Value>().await.unwrap();
    let mut worker = site.worker().await;
    worker.page("Hello there.").await;
    let first = peaks("").await;
    assert_eq!((&first["step_ms"], &first["letters"]), (&50.into(), &"peaks-0".into()));
    worker.page("Good bye.").await;
    worker.finish(None).await;
    let next = peaks(&format!("?after={}", first["version"])).await;
    assert_eq!((&next["first_page"], &next["letters"]), (&1.into(), &"peaks-1".into()));
    let nothing = peaks(&format!("?after={}", u32::MAX)).await;
    assert_eq!((&nothing["first_page"], &nothing["letters"]), (&Value::Null, &"".into()));
    error_of(site.get("/api/v1/jobs/00000000000000000000000000000001/peaks").await, (404, "job_not_found"))
        .await;
}

#[tokio::test]
async fn when_words_begin_comes_with_what_was_heard() {
    let site = Site::start().await;
    let id = site.submit().await;
    let path = format!("/api/v1/jobs/{id}/words");
    let words = async |query: &str| site.get(&format!("{path}{query}")).await.json::<Value>().await.unwrap();
    let mut worker = site.worker().await;
    worker.page("Hello there.").await;
    let first = words("").await;
    assert_eq!((&first["first_page"], &first["pages"]), (&0.into(), &1.into()));
    worker.page("Good bye.").await;
    worker.finish(None).await;
    let next = words(&format!("?after={}", first["version"])).await;
    assert_eq!((&next["first_page"], &next["pages"]), (&1.into(), &1.into()));
    let starts = |told: &Value| told["starts"].as_array().unwrap().clone();
    let all = starts(&words("").await);
    assert_eq!(all, [starts(&first), starts(&next)].concat());
    assert_eq!(all.len(), 4, "{all:?}");
    error_of(site.get("/api/v1/jobs/00000000000000000000000000000001/words").await, (404, "job_not_found"))
        .await;
}

#[tokio::test]
async fn a_known_track_is_not_sent_again() {
    let site = Site::start().await;
    let id = site.completed().await;
    let path = format!("/api/v1/jobs/{id}/track.vtt");
    let tag = site.get(&path).await.headers()["etag"].clone();
    let again = site.request(Method::GET, &path).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let other = site.request(Method::GET, &format!("{path}?profile=bbc")).header("if-none-match", &tag);
    assert_eq!(other.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_download_is_named_after_the_job() {
    let site = Site::start().await;
    let id = site.completed().await;
    let response = site.get(&format!("/api/v1/jobs/{id}/track.srt?download=1")).await;
    let disposition = response.headers()["content-disposition"].to_str().unwrap();
    assert_eq!(disposition, "attachment; filename=\"talk.srt\"; filename*=UTF-8''talk.srt");
}

#[tokio::test]
async fn a_saved_track_wins_and_whoever_saves_second_is_told() {
    let site = Site::start().await;
    let id = site.completed().await;
    let path = format!("/api/v1/jobs/{id}/track");
    let tag = site.get(&format!("{path}.vtt")).await.headers()["etag"].clone();
    let corrected = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nCorrected.\n";
    let put = |content_type: &'static str, body: &'static str| {
        site.request(Method::PUT, &path).header("content-type", content_type).body(body)
    };
    error_of(put("text/vtt", corrected).send().await.unwrap(), (428, "if_match_required")).await;
    let plain = put("text/plain", corrected).header("if-match", &tag);
    error_of(plain.send().await.unwrap(), (415, "unknown_format")).await;
    let broken = put("text/vtt", "nothing").header("if-match", &tag);
    error_of(broken.send().await.unwrap(), (400, "unreadable_track")).await;

    let saved = put("text/vtt", corrected).header("if-match", &tag).send().await.unwrap();
    assert_eq!(saved.status(), StatusCode::OK);
    let new_tag = saved.headers()["etag"].clone();
    let version = saved.json::<Value>().await.unwrap()["version"].clone();
    assert_eq!(new_tag.to_str().unwrap(), format!("\"{version}\""));
    let text = site.get(&format!("{path}.srt")).await.text().await.unwrap();
    assert!(text.contains("Corrected.") && !text.contains("Hello"), "{text}");

    // The same again is a repeat of the same save; anything else comes too late.
    let repeat = put("text/vtt", corrected).header("if-match", &tag).send().await.unwrap();
    assert_eq!(repeat.headers()["etag"], new_tag);
    let other = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nOtherwise.\n";
    let second = put("text/vtt", other).header("if-match", &tag).send().await.unwrap();
    error_of(second, (412, "track_changed")).await;
    let json = r#"{"cues": [{"start": 0, "end": 900, "text": "As JSON."}]}"#;
    let third = put("application/json", json).header("if-match", &new_tag).send().await.unwrap();
    assert_eq!(third.status(), StatusCode::OK);
}

#[tokio::test]
async fn only_a_completed_job_takes_corrections() {
    let site = Site::start().await;
    let id = site.submit().await;
    let request = site.request(Method::PUT, &format!("/api/v1/jobs/{id}/track"));
    let request = request.header("content-type", "text/vtt").header("if-match", "1").body("WEBVTT\n");
    error_of(request.send().await.unwrap(), (409, "job_not_completed")).await;
}
