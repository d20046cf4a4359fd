//! The media of a job, for the player.

use reqwest::{Method, StatusCode};

use crate::support::{Site, error_of};

const MEDIA: &[u8] = b"\0\0\0\x20ftypisom0123456789abcdef";

#[tokio::test]
async fn media_is_served_in_ranges() {
    let site = Site::start().await;
    let id = site.upload("talk.mp4", MEDIA).await;
    let path = format!("/api/v1/jobs/{id}/media");
    let whole = site.get(&path).await;
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.headers()["content-type"], "video/mp4");
    assert_eq!(whole.bytes().await.unwrap(), MEDIA);

    let range = |range: &'static str| site.request(Method::GET, &path).header("range", range).send();
    let part = range("bytes=12-15").await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"].to_str().unwrap(), format!("bytes 12-15/{}", MEDIA.len()));
    assert_eq!(part.bytes().await.unwrap(), "0123");
    assert_eq!(range("bytes=-3").await.unwrap().bytes().await.unwrap(), "def");
    assert_eq!(range("bytes=9999-").await.unwrap().status(), StatusCode::RANGE_NOT_SATISFIABLE);
    for whole in ["bytes=0-1,4-5", "bytes=5-1", "seconds=1-2"] {
        let response = range(whole).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{whole}");
        assert_eq!(response.bytes().await.unwrap(), MEDIA);
    }
    let head = site.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(head.headers()["content-length"].to_str().unwrap(), MEDIA.len().to_string());
}

#[tokio::test]
async fn an_uploaded_page_never_becomes_a_page_of_ours() {
    let site = Site::start().await;
    let id = site.upload("evil%22%0d%0aX-Evil:1.html", "<script>alert(1)</script>").await;
    let response = site.get(&format!("/api/v1/jobs/{id}/media")).await;
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert!(headers["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert!(!headers.contains_key("x-evil"));
}

#[tokio::test]
async fn a_job_without_media_says_so() {
    let site = Site::start().await;
    let id = site.submit().await;
    error_of(site.get(&format!("/api/v1/jobs/{id}/media")).await, (404, "no_media")).await;
}
