//! Videos with subtitles: asked for, refused, kept at one of each kind, and downloaded.

use domain::{JobId, JobStatus, Profile, Video, VideoHow};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Site, error_of, id_of};

/// As an MP4 file begins.
const VIDEO: &[u8] = b"\0\0\0\x20ftypisom0123456789abcdef";
const SOUND: &[u8] = b"ID3\x03 and so on";

impl Site {
    /// A job that is complete, with these cues.
    async fn heard(&self, media: &[u8], said: &[&str]) -> JobId {
        let id = self.upload("talk.mp4", media.to_vec()).await;
        let mut worker = self.worker().await;
        assert_eq!(worker.job.id, id);
        for text in said {
            worker.page(text).await;
        }
        worker.finish(None).await;
        self.get(&format!("/api/v1/jobs/{id}?wait=20")).await;
        id
    }

    async fn video(&self, id: JobId, wish: Value) -> reqwest::Response {
        self.post(&format!("/api/v1/jobs/{id}/video"), wish).await
    }

    async fn made(&self, id: JobId, wish: Value) -> JobId {
        let response = self.video(id, wish).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        id_of(&response.json().await.unwrap())
    }
}

#[tokio::test]
async fn a_video_is_a_job_of_its_own_and_one_of_each_kind() {
    let site = Site::start().await;
    let id = site.heard(VIDEO, &["Good morning."]).await;
    let response = site.video(id, json!({ "how": "burn" })).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let made: Value = response.json().await.unwrap();
    let burned = id_of(&made);
    assert_eq!(made["video"], json!({ "of": id.to_string(), "how": "burn", "offset_ms": 0 }));
    assert_eq!((&made["title"], &made["has_media"]), (&json!("talk (subtitles drawn in)"), &json!(false)));
    let again = site.video(id, json!({ "how": "burn", "profile": "netflix", "offset_ms": 0 })).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(id_of(&again.json().await.unwrap()), burned);

    let muxed = site.made(id, json!({ "how": "mux" })).await;
    let moved = site.made(id, json!({ "how": "mux", "profile": "bbc", "offset_ms": -250 })).await;
    let job = site.backend.store.get(moved).await.unwrap().unwrap();
    assert_eq!(job.spec.video, Some(Video { of: id, how: VideoHow::Mux, offset_ms: -250 }));
    assert_eq!((job.spec.profile, job.status), (Profile::Bbc, JobStatus::Queued));
    assert!(![burned, muxed].contains(&moved) && burned != muxed);

    // Who corrects the track wants another one.
    let corrections = json!([{ "op": "shift", "from": 0, "by": 100 }]);
    let saved = site
        .request(Method::POST, &format!("/api/v1/jobs/{id}/corrections"))
        .header("if-match", "\"0\"")
        .json(&corrections)
        .send()
        .await
        .unwrap();
    assert_eq!(saved.status(), StatusCode::OK, "{}", saved.text().await.unwrap());
    assert_ne!(site.made(id, json!({ "how": "burn" })).await, burned);

    // And who deleted it may have it again.
    site.request(Method::DELETE, &format!("/api/v1/jobs/{muxed}")).send().await.unwrap();
    assert_ne!(site.made(id, json!({ "how": "mux" })).await, muxed);
}

#[tokio::test]
async fn what_no_video_is_made_of_is_said() {
    let site = Site::start().await;
    let id = site.heard(VIDEO, &["Good morning."]).await;
    error_of(site.video(id, json!({})).await, (422, "unknown_how")).await;
    error_of(site.video(id, json!({ "how": "print" })).await, (422, "unknown_how")).await;
    error_of(site.video(id, json!({ "how": 1 })).await, (400, "wrong_type")).await;
    error_of(site.video(id, json!(["burn"])).await, (400, "malformed_json")).await;
    error_of(site.video(id, json!({ "how": "mux", "profile": "cinema" })).await, (422, "unknown_profile"))
        .await;
    error_of(site.video(id, json!({ "how": "mux", "offset_ms": "1" })).await, (400, "wrong_type")).await;
    error_of(site.video(id, json!({ "how": "mux", "offset_ms": 0.5 })).await, (400, "wrong_type")).await;
    error_of(site.video(id, json!({ "how": "mux", "offset_ms": i64::MIN })).await, (422, "offset_too_far"))
        .await;
    error_of(site.video(id, json!({ "how": "mux", "offset_ms": -5_000 })).await, (409, "no_subtitles")).await;
    error_of(site.video(JobId::from_bits(1), json!({ "how": "mux" })).await, (404, "job_not_found")).await;

    let silent = site.heard(VIDEO, &[]).await;
    error_of(site.video(silent, json!({ "how": "mux" })).await, (409, "no_subtitles")).await;
    let sound = site.heard(SOUND, &["Good morning."]).await;
    error_of(site.video(sound, json!({ "how": "burn" })).await, (422, "no_picture")).await;
    let video = site.made(sound, json!({ "how": "mux" })).await;
    error_of(site.video(video, json!({ "how": "mux" })).await, (409, "already_video")).await;
    let unfinished = site.submit().await;
    error_of(site.video(unfinished, json!({ "how": "mux" })).await, (409, "job_not_completed")).await;
}

#[tokio::test]
async fn a_video_takes_no_track_and_no_language() {
    let site = Site::start().await;
    let id = site.heard(VIDEO, &["Good morning."]).await;
    let video = site.made(id, json!({ "how": "mux" })).await;
    let path = format!("/api/v1/jobs/{video}");
    error_of(site.post(&format!("{path}/translate"), json!({})).await, (409, "already_video")).await;
    error_of(site.post(&format!("{path}/retry"), json!({ "language": "de" })).await, (422, "not_of_videos"))
        .await;
    let request = site.request(Method::POST, &format!("{path}/corrections")).header("if-match", "\"0\"");
    let shift = json!([{ "op": "shift", "from": 0, "by": 100 }]);
    error_of(request.json(&shift).send().await.unwrap(), (409, "already_video")).await;
    let request = site.request(Method::PUT, &format!("{path}/track")).header("if-match", "\"1000\"");
    let request = request.header("content-type", "text/vtt").body("WEBVTT\n");
    error_of(request.send().await.unwrap(), (409, "already_video")).await;
}

#[tokio::test]
async fn a_form_leads_to_the_page_of_the_video_which_ends_in_a_download() {
    let site = Site::start().await;
    let id = site.heard(VIDEO, &["Good morning."]).await;
    let page = async |id| site.get(&format!("/jobs/{id}")).await.text().await.unwrap();
    let before = page(id).await;
    assert!(before.contains(&format!("action=\"/jobs/{id}/video\"")) && before.contains("value=\"burn\""));
    let press = async |body: &str| {
        let request = site.request(Method::POST, &format!("/jobs/{id}/video"));
        let request = request.header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        response.headers()["location"].to_str().unwrap().to_owned()
    };
    assert_eq!(press("how=print").await, format!("/jobs/{id}?error=unknown_how"));
    assert_eq!(press("how=mux&offset_ms=x").await, format!("/jobs/{id}?error=wrong_type"));
    let location = press("how=mux").await;
    let video: JobId = location.strip_prefix("/jobs/").unwrap().parse().unwrap();

    let waiting = page(video).await;
    assert!(
        waiting.contains("talk (with subtitle track)") && waiting.contains(&format!("href=\"/jobs/{id}\""))
    );
    assert!(!waiting.contains("Language not heard yet") && !waiting.contains("<video"), "{waiting}");
    let worker = site.worker().await;
    assert_eq!(worker.job.id, video);
    error_of(site.get(&format!("/api/v1/jobs/{video}/media")).await, (404, "no_media")).await;
    let made = site.folder.path().join("made");
    std::fs::write(&made, VIDEO).unwrap();
    site.backend.media.adopt(video, &made).await.unwrap();
    worker.finish(None).await;
    site.get(&format!("/api/v1/jobs/{video}?wait=20")).await;

    let done = page(video).await;
    assert!(done.contains("Download the video") && done.contains("<video"), "{done}");
    for word in ["No speech", "no speech", "Transcribe again", "track.vtt", "Wrong language?"] {
        assert!(!done.contains(word), "{word}: {done}");
    }
    let list = site.get("/").await.text().await.unwrap();
    assert!(list.contains("talk (with subtitle track)") && !list.contains("No speech"), "{list}");
    let media = site.get(&format!("/api/v1/jobs/{video}/media")).await;
    let headers = media.headers();
    assert_eq!(headers["content-type"], "video/mp4");
    assert_eq!(
        headers["content-disposition"],
        "attachment; filename=\"talk (with subtitle track).mp4\"; \
         filename*=UTF-8''talk%20%28with%20subtitle%20track%29.mp4"
    );
    assert_eq!(media.bytes().await.unwrap(), VIDEO);
}
