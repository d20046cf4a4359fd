//! Pages, their files, and what they read again.

use app::api::{JobDetail, JobRows};
use reqwest::{Method, StatusCode};
use server::Config;

use crate::support::{Site, config};

#[tokio::test]
async fn pages_are_whole_before_any_script_runs() {
    let site = Site::start().await;
    let response = site
        .post(
            "/api/v1/jobs",
            serde_json::json!({
                "url": "http://media.test/a", "title": "A <b>talk</b>",
            }),
        )
        .await;
    let id = crate::support::id_of(&response.json().await.unwrap());
    let check = async |path: &str, status: StatusCode, content: &str| {
        let response = site.get(path).await;
        assert_eq!(response.status(), status, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let html = response.text().await.unwrap();
        assert!(html.contains("Cuelight") && html.contains(content), "{path}: {html}");
        let (_, nonce) = policy.split_once("'nonce-").unwrap();
        let (nonce, _) = nonce.split_once('\'').unwrap();
        assert!(html.contains(nonce), "{path}: {policy}");
        html
    };
    let start = check("/", StatusCode::OK, "<title>").await;
    assert!(start.contains("&lt;b&gt;talk&lt;/b&gt;") && !start.contains("<b>talk</b>"), "{start}");
    check(&format!("/jobs/{id}"), StatusCode::OK, "&lt;b&gt;talk").await;
    check("/no/such/page", StatusCode::NOT_FOUND, "<title>").await;
    check("/jobs/00000000000000000000000000000000", StatusCode::NOT_FOUND, "<title>").await;
}

#[tokio::test]
async fn a_page_is_in_the_language_of_its_browser() {
    let site = Site::start().await;
    let ask = async |languages: &str| {
        let request = site.request(Method::GET, "/").header("accept-language", languages);
        let response = request.send().await.unwrap();
        let vary = response.headers().get_all("vary").iter().map(|value| value.to_str().unwrap().to_owned());
        assert!(vary.collect::<Vec<_>>().join(",").contains("accept-language"), "{languages}");
        response.text().await.unwrap()
    };
    let german = ask("de-AT,de;q=0.9,en;q=0.8").await;
    assert!(
        german.contains("<html lang=\"de\" dir=\"ltr\"") && german.contains("Untertitel erstellen"),
        "{german}"
    );
    for languages in ["en-GB,de;q=0.5", "ja", ""] {
        let english = ask(languages).await;
        assert!(english.contains("<html lang=\"en\"") && english.contains("Make subtitles"), "{english}");
        assert!(!english.contains("/texts/"), "{english}");
    }
    // What its islands say is loaded beside their code, and kept for good.
    let (_, address) = german.split_once("fetch(\"").unwrap();
    let (address, _) = address.split_once('"').unwrap();
    let texts = site.get(address).await;
    assert_eq!(texts.headers()["cache-control"], "public, max-age=31536000, immutable");
    let texts = texts.text().await.unwrap();
    assert!(
        texts.starts_with("de\n") && texts.contains("\nMake subtitles\tUntertitel erstellen\n"),
        "{texts}"
    );
    assert_eq!(site.get("/texts/xx").await.status(), StatusCode::NOT_FOUND);
}

/// Leptos writes the title of the document without escaping it.
#[tokio::test]
async fn a_hostile_title_stays_text_in_the_document_and_its_title() {
    let site = Site::start().await;
    let title = "</title><img src=x onerror=alert(1)> &amp;";
    let wish = serde_json::json!({ "url": "http://media.test/a", "title": title });
    let id = crate::support::id_of(&site.post("/api/v1/jobs", wish).await.json().await.unwrap());
    for path in ["/".to_owned(), format!("/jobs/{id}")] {
        let html = site.get(&path).await.text().await.unwrap();
        assert!(html.contains("&lt;img src=x onerror=alert(1)&gt; &amp;amp;"), "{path}: {html}");
        assert!(!html.contains("<img"), "{path}: {html}");
    }
}

#[tokio::test]
async fn nonces_are_never_used_twice() {
    let site = Site::start().await;
    let policy = async || site.get("/").await.headers()["content-security-policy"].clone();
    assert_ne!(policy().await, policy().await);
}

#[tokio::test]
async fn a_page_reads_again_what_it_was_made_of() {
    let site = Site::start().await;
    let id = site.submit().await;
    let list: JobRows = site.get("/api/pages/jobs").await.json().await.unwrap();
    assert_eq!(list.rows.iter().map(|row| row.job.id).collect::<Vec<_>>(), [id]);
    let detail: JobDetail = site.get(&format!("/api/pages/jobs/{id}")).await.json().await.unwrap();
    assert_eq!((detail.job, detail.pages.len()), (list.rows[0].job.clone(), 0));
    let none: JobRows = site.get("/api/pages/jobs?status=completed").await.json().await.unwrap();
    assert_eq!(none, JobRows::default());
    let unknown = site.get("/api/pages/jobs/00000000000000000000000000000000").await;
    assert_eq!((unknown.status(), unknown.text().await.unwrap().as_str()), (StatusCode::OK, "null"));
}

#[tokio::test]
async fn a_page_deletes_many_at_once() {
    let site = Site::start().await;
    let (first, second, kept) = (site.submit().await, site.submit().await, site.submit().await);
    let delete = async |ids: String| {
        site.request(Method::POST, &format!("/api/pages/jobs/delete?ids={ids}"))
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(delete(format!("{first},{second}")).await, StatusCode::NO_CONTENT);
    let list: JobRows = site.get("/api/pages/jobs").await.json().await.unwrap();
    assert_eq!(list.rows.iter().map(|row| row.job.id).collect::<Vec<_>>(), [kept]);
    assert_eq!(delete("nonsense".into()).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn files_of_the_site_are_served_and_nothing_beside_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let site_folder = folder.path().join("site");
    std::fs::create_dir_all(site_folder.join("pkg")).unwrap();
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    std::fs::write(site_folder.join("main.css"), "body { color: red; }".repeat(50)).unwrap();
    std::fs::write(site_folder.join("pkg/cuelight.js"), "export {};").unwrap();
    std::fs::write(site_folder.join("favicon.svg"), "<svg/>").unwrap();
    let site = Site::start_with(Config { site: site_folder, ..config() }).await;
    let check = async |path: &str, content_type: &str| {
        let response = site.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-type"], content_type, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-cache", "{path}");
    };
    check("/pkg/cuelight.css", "text/css").await;
    check("/pkg/cuelight.js", "text/javascript").await;
    check("/favicon.svg", "image/svg+xml").await;
    let request = site.request(Method::GET, "/pkg/cuelight.css").header("accept-encoding", "br");
    assert_eq!(request.send().await.unwrap().headers()["content-encoding"], "br");
    for path in ["/../secret", "/%2e%2e/secret", "/pkg/..%2f..%2fsecret"] {
        let response = site.get(path).await;
        assert!(!response.text().await.unwrap().contains("secret\n"), "{path}");
    }
}

#[tokio::test]
async fn what_a_page_loads_is_kept_by_browsers_and_comes_as_small_as_it_was_built() {
    let folder = tempfile::TempDir::new().unwrap();
    let package = folder.path().join("pkg");
    std::fs::create_dir_all(&package).unwrap();
    for name in ["cuelight.css", "start.js", "start.wasm"] {
        std::fs::write(package.join(name), name).unwrap();
        std::fs::write(package.join(format!("{name}.br")), "made smaller before").unwrap();
    }
    let site = Site::start_with(Config { site: folder.path().to_owned(), ..config() }).await;
    let html = site.get("/").await.text().await.unwrap();
    for name in ["cuelight.css", "start.js", "start.wasm"] {
        let (_, address) = html.split_once(&format!("\"/pkg/{name}")).expect(name);
        let address = format!("/pkg/{name}{}", address.split('"').next().unwrap());
        let check = async |address: &str, encoding: &str, kept: &str, body: &str| {
            let request = site.request(Method::GET, address).header("accept-encoding", encoding);
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()["cache-control"], kept, "{address}");
            assert_eq!(response.text().await.unwrap(), body, "{address}");
        };
        const FOR_GOOD: &str = "public, max-age=31536000, immutable";
        check(&address, "br", FOR_GOOD, "made smaller before").await;
        check(&address, "identity", FOR_GOOD, name).await;
        // Of another build, or of none that is known.
        check(&format!("/pkg/{name}?v=0000000000000000"), "identity", "no-cache", name).await;
        check(&format!("/pkg/{name}"), "identity", "no-cache", name).await;
    }
}
