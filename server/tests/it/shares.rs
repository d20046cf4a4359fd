//! Links that show a job: made, opened, refused, taken back.

use std::sync::Arc;

use backend::AddedShare;
use domain::{JobId, Share, ShareId, WallTime};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::hook::Hook;
use crate::process::Process;
use crate::support::{Site, config, embedded, error_of};

/// The mark of a page that looks again.
const RUNNING: &str = "data-running=\"\"";

const MEDIA: &[u8] = b"\0\0\0\x20ftypisom0123456789abcdef";

/// A new link of the job: what the owner is told, and its path.
async fn made(site: &Site, id: JobId, wish: Value) -> (Value, String) {
    let response = site.post(&format!("/api/v1/jobs/{id}/shares"), wish).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let made: Value = response.json().await.unwrap();
    let path = made["url"].as_str().unwrap().strip_prefix(&site.url("")).unwrap().to_owned();
    (made, path)
}

async fn listed(site: &Site, id: JobId) -> Vec<Value> {
    let body: Value = site.get(&format!("/api/v1/jobs/{id}/shares")).await.json().await.unwrap();
    body["shares"].as_array().unwrap().clone()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// A completed job with media.
async fn with_media(site: &Site) -> JobId {
    let id = site.upload("my%20own%20name.mp4", MEDIA).await;
    let mut worker = site.worker().await;
    worker.page("Hello <b>there</b>.").await;
    worker.finish(None).await;
    assert_eq!(site.get(&format!("/api/v1/jobs/{id}?wait=20")).await.status(), StatusCode::OK);
    id
}

#[tokio::test]
async fn a_link_shows_the_job_until_it_is_revoked() {
    let site = Site::start().await;
    let id = with_media(&site).await;
    let (made, path) = made(&site, id, json!({ "expires_in": 600 })).await;
    let page = site.get(&path).await;
    assert_eq!(page.status(), StatusCode::OK);
    let html = page.text().await.unwrap();
    assert!(html.contains("Hello &lt;b&gt;there&lt;/b&gt;.") && html.contains("my own name.mp4"), "{html}");
    assert!(html.contains(&format!("src=\"{path}/media\"")), "{html}");

    let shares = listed(&site, id).await;
    assert_eq!(shares.iter().map(|share| &share["id"]).collect::<Vec<_>>(), [&made["id"]]);
    assert_eq!(shares[0]["expires_at"], made["expires_at"]);
    assert_eq!(shares[0].as_object().unwrap().len(), 3, "neither secret nor digest: {shares:?}");

    let revoke = async || {
        let path = format!("/api/v1/jobs/{id}/shares/{}", made["id"].as_str().unwrap());
        site.request(Method::DELETE, &path).send().await.unwrap()
    };
    assert_eq!(revoke().await.status(), StatusCode::NO_CONTENT);
    assert_eq!(site.get(&path).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(listed(&site, id).await, Vec::<Value>::new());
    error_of(revoke().await, (404, "share_not_found")).await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_link_the_answer_is_the_same() {
    let site = Site::start().await;
    let (id, deleted) = (with_media(&site).await, with_media(&site).await);
    let (revoked, path) = made(&site, id, json!({})).await;
    let (_, of_deleted) = made(&site, deleted, json!({})).await;
    let (_, good) = made(&site, id, json!({})).await;
    let revoke = format!("/api/v1/jobs/{id}/shares/{}", revoked["id"].as_str().unwrap());
    site.request(Method::DELETE, &revoke).send().await.unwrap();
    site.request(Method::DELETE, &format!("/api/v1/jobs/{deleted}")).send().await.unwrap();
    // The same name with another secret, and one past its time, whose secret nobody needs to know.
    let (name, secret) = good.rsplit_once('.').unwrap();
    let other = if secret.starts_with('0') { "1" } else { "0" };
    let wrong = format!("{name}.{other}{}", &secret[1..]);
    let bare = name.to_owned();
    let invented = format!("/share/{}.{secret}", ShareId::from_bits(7));

    let expected = site.get("/share/nothing").await;
    assert_eq!(expected.status(), StatusCode::NOT_FOUND);
    let policy = header(&expected, "content-security-policy").to_owned();
    let expected = expected.text().await.unwrap();
    for link in [&path, &of_deleted, &wrong, &bare, &invented, "/share", "/share/x/y/z"] {
        for part in ["", "/media", "/track.vtt", "/track.srt", "/track.json", "/corrections"] {
            let response = site.get(&format!("{link}{part}")).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{link}{part}");
            assert_eq!(header(&response, "content-security-policy"), policy, "{link}{part}");
            assert_eq!(response.text().await.unwrap(), expected, "{link}{part}");
        }
    }
    let framed = site.get(&format!("{path}/embed")).await;
    assert_eq!(framed.status(), StatusCode::NOT_FOUND);
    assert_eq!(framed.text().await.unwrap(), expected);
    assert_eq!(site.get(&good).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_link_ends_with_its_time_and_never_outlives_its_job() {
    let site = Site::start().await;
    let id = with_media(&site).await;
    let job: Value = site.get(&format!("/api/v1/jobs/{id}")).await.json().await.unwrap();
    let (endless, _) = made(&site, id, json!({})).await;
    let (long, _) = made(&site, id, json!({ "expires_in": 30 * 24 * 3600 })).await;
    assert_eq!((&endless["expires_at"], &long["expires_at"]), (&job["expires_at"], &job["expires_at"]));

    // A minute is the shortest one, so this one is put there as if it had been made before.
    let (short, path) = made(&site, id, json!({ "expires_in": 60 })).await;
    assert!(short["expires_at"].as_str().unwrap() < job["expires_at"].as_str().unwrap());
    let share: ShareId = short["id"].as_str().unwrap().parse().unwrap();
    let (_, stored) = site.backend.store.find_share(share).await.unwrap().unwrap();
    assert_eq!(site.get(&path).await.status(), StatusCode::OK);
    assert!(site.backend.store.revoke_share(id, share).await.unwrap());
    let soon = WallTime::now() + std::time::Duration::from_millis(1500);
    let renewed = Share { expires_at: Some(soon), ..stored };
    assert_eq!(site.backend.store.add_share(id, &renewed).await.unwrap(), AddedShare::Done);
    // Makes this server ask again.
    let _ = made(&site, id, json!({})).await;
    assert_eq!(site.get(&path).await.status(), StatusCode::OK);
    let ended = async { while site.get(&path).await.status() == StatusCode::OK {} };
    tokio::time::timeout(std::time::Duration::from_secs(8), ended).await.expect("it ends by itself");
    assert!(WallTime::now() >= soon);
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_told() {
    let site = Site::start().await;
    let id = site.completed().await;
    let path = format!("/api/v1/jobs/{id}/shares");
    for (wish, expect) in [
        (json!({ "expires_in": 59 }), (400, "expires_in")),
        (json!({ "expires_in": u64::MAX }), (400, "expires_in")),
        (json!({ "expires_in": -1 }), (400, "expires_in")),
        (json!({ "expires_in": "soon" }), (400, "expires_in")),
        (json!([]), (400, "malformed_json")),
    ] {
        error_of(site.post(&path, wish).await, expect).await;
    }
    error_of(site.post("/api/v1/jobs/x/shares", json!({})).await, (404, "job_not_found")).await;
    let unknown = format!("/api/v1/jobs/{}/shares", JobId::from_bits(1));
    error_of(site.post(&unknown, json!({})).await, (404, "job_not_found")).await;
    error_of(site.get(&unknown).await, (404, "job_not_found")).await;
    let foreign = site.request(Method::POST, &path).header("sec-fetch-site", "cross-site");
    error_of(foreign.send().await.unwrap(), (403, "foreign_origin")).await;
    assert_eq!(listed(&site, id).await, Vec::<Value>::new());
    for _ in 0..Share::MOST {
        made(&site, id, json!({})).await;
    }
    error_of(site.post(&path, json!({})).await, (409, "too_many_shares")).await;
}

#[tokio::test]
async fn nothing_but_the_job_itself_gets_out_through_a_link() {
    let site = Site::start().await;
    let wish = json!({ "url": "http://secret-source.test/path/talk.mp4?token=hush", "title": "A talk" });
    let id = crate::support::id_of(&site.post("/api/v1/jobs", wish).await.json().await.unwrap());
    let mut worker = site.worker().await;
    worker.page("Hello.").await;
    let (_, path) = made(&site, id, json!({})).await;
    for part in ["", "/embed", "/track.vtt", "/track.srt"] {
        let response = site.get(&format!("{path}{part}")).await;
        assert_eq!(response.status(), StatusCode::OK, "{part}");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{part}");
        assert!(header(&response, "x-robots-tag").contains("noindex"), "{part}");
        assert_eq!(header(&response, "cache-control"), "private, no-cache", "{part}");
        let headers = format!("{:?}", response.headers());
        let told = format!("{headers} {}", response.text().await.unwrap());
        for hidden in ["secret-source", "hush", &id.to_string(), "/jobs/", "/api/", "corrections"] {
            assert!(!told.contains(hidden), "{part}: {hidden} in {told}");
        }
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        for part in ["", "/track.vtt", "/media", "/embed"] {
            let request = site.request(method.clone(), &format!("{path}{part}"));
            let status = request.send().await.unwrap().status();
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {part}");
        }
    }
}

#[tokio::test]
async fn only_the_player_alone_may_be_framed() {
    let site = Site::start().await;
    let id = with_media(&site).await;
    let (made, path) = made(&site, id, json!({})).await;
    assert!(made["embed"].as_str().unwrap().contains(&format!("src=\"{}/embed\"", site.url(&path))));
    let embed = site.get(&format!("{path}/embed")).await;
    assert!(header(&embed, "content-security-policy").ends_with("frame-ancestors *"));
    assert!(!embed.headers().contains_key("x-frame-options"));
    for other in [path.clone(), format!("{path}/media"), "/".to_owned(), format!("/jobs/{id}/shares")] {
        let response = site.get(&other).await;
        assert_eq!(header(&response, "x-frame-options"), "DENY", "{other}");
        assert!(!header(&response, "content-security-policy").contains("frame-ancestors *"), "{other}");
    }
    let html = embed.text().await.unwrap();
    assert!(html.contains("<video") && !html.contains("<form") && !html.contains("<a "), "{html}");
}

#[tokio::test]
async fn shared_media_comes_in_ranges_and_the_track_with_its_corrections() {
    let site = Site::start().await;
    let id = with_media(&site).await;
    let (_, path) = made(&site, id, json!({})).await;
    let part = site.request(Method::GET, &format!("{path}/media")).header("range", "bytes=12-15");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(header(&part, "content-type"), "video/mp4");
    assert_eq!(part.bytes().await.unwrap(), "0123");

    let track = async |from: &str| site.get(from).await.text().await.unwrap();
    let own = format!("/api/v1/jobs/{id}/track");
    for extension in ["vtt", "srt"] {
        let shared = track(&format!("{path}/track.{extension}")).await;
        assert_eq!(shared, track(&format!("{own}.{extension}")).await);
    }
    let change = json!([{ "op": "replace", "from": 0, "to": 4000,
        "cues": [{ "start": 0, "end": 4000, "text": "Corrected." }] }]);
    let save = site.request(Method::POST, &format!("/api/v1/jobs/{id}/corrections"));
    let saved = save.header("if-match", "0").json(&change).send().await.unwrap();
    assert_eq!(saved.status(), StatusCode::OK);
    assert!(track(&format!("{path}/track.vtt")).await.contains("Corrected."));
    assert!(track(&path).await.contains("Corrected."));

    let first = site.get(&format!("{path}/track.vtt?download=1")).await;
    assert!(header(&first, "content-disposition").contains("my own name.vtt"));
    let tag = header(&first, "etag").to_owned();
    let again = site.request(Method::GET, &format!("{path}/track.vtt")).header("if-none-match", tag);
    assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_running_job_shows_what_is_there_and_says_that_more_comes() {
    let site = Site::start().await;
    let id = site.submit().await;
    let (_, path) = made(&site, id, json!({})).await;
    let html = async || site.get(&path).await.text().await.unwrap();
    assert!(html().await.contains("This waits to be transcribed."));
    let mut worker = site.worker().await;
    worker.page("One.").await;
    let until = async |words: &str| while !html().await.contains(words) {};
    let wait = std::time::Duration::from_secs(20);
    tokio::time::timeout(wait, until("One.")).await.expect("the page shows the first cue");
    let running = html().await;
    assert!(running.contains("still being transcribed") && running.contains(RUNNING), "{running}");
    assert!(running.contains("The player appears when the media is there."), "{running}");
    worker.page("Two.").await;
    worker.finish(None).await;
    tokio::time::timeout(wait, until("Two.")).await.expect("the page shows the second cue");
    let ended = async { while html().await.contains(RUNNING) {} };
    tokio::time::timeout(wait, ended).await.expect("the page stops looking");
    assert!(html().await.contains("The media is not kept here."));
    let media = site.get(&format!("{path}/media")).await;
    assert_eq!(media.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn many_viewers_of_a_link_cost_one_read() {
    let hook = Arc::new(Hook::default());
    let site = Site::begin(config(), Some(hook.clone())).await;
    site.ready().await;
    let id = with_media(&site).await;
    let (_, path) = made(&site, id, json!({})).await;
    hook.take_calls();
    for part in ["", "/embed", "/track.vtt"] {
        let look = async || site.get(&format!("{path}{part}")).await.status();
        let looks = futures::future::join_all((0..50).map(|_| look())).await;
        assert!(looks.iter().all(|status| *status == StatusCode::OK));
    }
    let mut calls = hook.take_store_calls();
    // The cues may not have been asked for yet.
    calls.retain(|call| *call != "store.read");
    assert_eq!(calls, ["store.find_share"]);
    // Guessing secrets of a known name reads nothing, and neither does guessing names twice.
    let wrong = format!("{}0123456789abcdef0123456789abcdef", &path[..path.len() - 32]);
    for _ in 0..20 {
        assert_eq!(site.get(&wrong).await.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(hook.take_store_calls(), Vec::<&str>::new());
}

#[tokio::test]
async fn while_the_store_does_not_answer_a_link_is_not_called_wrong() {
    let hook = Arc::new(Hook::default());
    let site = Site::begin(config(), Some(hook.clone())).await;
    site.ready().await;
    let id = site.completed().await;
    let (_, path) = made(&site, id, json!({})).await;
    hook.fail(Some("store."));
    let response = site.get(&path).await;
    assert_eq!((response.status(), header(&response, "retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    assert!(response.text().await.unwrap().contains("Nothing is lost."));
    hook.fail(None);
    assert_eq!(site.get(&path).await.status(), StatusCode::OK);
}

/// Another server made the revocation: this one learns of it within seconds, whatever the topic does.
#[tokio::test]
async fn a_revocation_elsewhere_counts_within_a_bounded_time() {
    let site = Site::start().await;
    let id = site.completed().await;
    let (made, path) = made(&site, id, json!({})).await;
    assert_eq!(site.get(&path).await.status(), StatusCode::OK);
    let share: ShareId = made["id"].as_str().unwrap().parse().unwrap();
    assert!(site.backend.store.revoke_share(id, share).await.unwrap());
    let refused = async { while site.get(&path).await.status() == StatusCode::OK {} };
    tokio::time::timeout(std::time::Duration::from_secs(12), refused).await.expect("within ten seconds");
}

#[tokio::test]
async fn without_javascript_links_are_made_and_revoked_by_forms() {
    let site = Site::start().await;
    let id = with_media(&site).await;
    let page = format!("/jobs/{id}/shares");
    let press = async |path: &str, body: &'static str| {
        let request = site.request(Method::POST, path).header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        request.send().await.unwrap()
    };
    assert!(site.get(&page).await.text().await.unwrap().contains("There is no link."));
    let fresh = press(&page, "expires_in=86400").await;
    assert_eq!(fresh.status(), StatusCode::CREATED);
    assert_eq!(header(&fresh, "cache-control"), "no-store");
    let html = fresh.text().await.unwrap();
    let (_, link) = html.split_once("value=\"http://").unwrap();
    let (link, _) = link.split_once('"').unwrap();
    let path = link.strip_prefix(&site.address.to_string()).unwrap();
    assert_eq!(site.get(path).await.status(), StatusCode::OK);
    let share = listed(&site, id).await[0]["id"].as_str().unwrap().to_owned();

    // Told once.
    let html = site.get(&page).await.text().await.unwrap();
    assert!(html.contains(&format!("{page}/{share}/revoke")) && !html.contains(path), "{html}");
    let revoked = press(&format!("{page}/{share}/revoke"), "").await;
    assert_eq!((revoked.status(), header(&revoked, "location")), (StatusCode::SEE_OTHER, page.as_str()));
    assert_eq!(site.get(path).await.status(), StatusCode::NOT_FOUND);
    let again = press(&format!("{page}/{share}/revoke"), "").await;
    let target = header(&again, "location").to_owned();
    assert_eq!(target, format!("{page}?error=share_not_found"));
    assert!(site.get(&target).await.text().await.unwrap().contains("There is no such link any more."));
    assert_eq!(press(&page, "expires_in=1").await.status(), StatusCode::BAD_REQUEST);
    let unknown = site.get(&format!("/jobs/{}/shares", JobId::from_bits(1))).await;
    assert_eq!(unknown.status(), StatusCode::SEE_OTHER);
    assert!(site.get(&format!("/jobs/{id}")).await.text().await.unwrap().contains(&page));
}

/// In a process of its own: its log and its metrics are those of a process.
#[tokio::test]
async fn neither_log_nor_metrics_hold_what_opens_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let data = embedded(&folder).data;
    let chatty = [("RUST_LOG".to_owned(), "debug".to_owned())];
    let server = Process::start_in(&["--data", data.to_str().unwrap()], &chatty);
    let client = reqwest::Client::new();
    let url = |path: &str| format!("http://{}{path}", server.address);
    let wish = json!({ "url": "http://media.test/a.mp4" });
    let job: Value = client.post(url("/api/v1/jobs")).json(&wish).send().await.unwrap().json().await.unwrap();
    let shares = url(&format!("/api/v1/jobs/{}/shares", job["id"].as_str().unwrap()));
    let made: Value = client.post(&shares).send().await.unwrap().json().await.unwrap();
    let link = made["url"].as_str().unwrap();
    for part in ["", "/embed", "/media", "/track.vtt", "/nothing", "x"] {
        client.get(format!("{link}{part}")).header("referer", link).send().await.unwrap();
    }
    let metrics = client.get(url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("route=\"/share/{link}/embed\""), "{metrics}");
    client.get(url("/the/last/one")).send().await.unwrap();
    let written = async {
        while !server.log().contains("/the/last/one") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), written)
        .await
        .expect("it logs what it answered");
    let name = made["id"].as_str().unwrap();
    let (_, secret) = link.rsplit_once('.').unwrap();
    assert!(server.log().contains(&format!("/share/{name}…/embed")), "{}", server.log());
    assert!(!server.log().contains(secret) && !metrics.contains(secret) && !metrics.contains(name));
}
