//! The model store against a real server on a real socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use worker::model::{Manifest, ModelError, Patience, PullSettings, Pulled, SourceError, find_in, pull};
use worker::tasks;

/// Calls so far, and what the server answers to the one of that number (counted from 0).
type Answer = dyn Fn(usize, Request) -> Response<Body> + Send + Sync;

struct Server {
    base: String,
    calls: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(answer: Arc<Answer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let router = Router::new().fallback(move |request: Request| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        let response = answer(number, request);
        async move { response }
    });
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Server { base, calls, task }
}

/// A few hundred kilobytes that are nowhere the same.
fn content() -> Vec<u8> {
    (0..100_000u32).flat_map(|number| number.to_le_bytes()).collect()
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn manifest(sum: &str, urls: &[String]) -> Manifest {
    let mut text = format!(
        "default = 'small'\n[[model]]\nname = 'small'\nkind = 'whisper'\nlanguages = 'english'\nfile = 'small.bin'\n\
         size = {}\nsha256 = '{sum}'\n",
        content().len()
    );
    if urls.is_empty() {
        text.push_str("source = []\n");
    }
    for url in urls {
        text.push_str(&format!("[[model.source]]\nkind = 'file'\nurl = '{url}'\n"));
    }
    Manifest::parse(&text).unwrap()
}

fn settings(folder: &TempDir) -> PullSettings {
    let patience = Patience {
        connect: Duration::from_secs(5),
        idle: Duration::from_millis(300),
        pause: Duration::from_millis(1),
        pip: Duration::from_secs(300),
    };
    PullSettings {
        models_dir: folder.path().join("models"),
        cache_dir: folder.path().join("cache"),
        patience,
        verify: false,
        force: false,
    }
}

fn whole() -> Response<Body> {
    Response::builder().header("etag", "\"one\"").body(Body::from(content())).unwrap()
}

fn status(status: StatusCode) -> Response<Body> {
    Response::builder().status(status).body(Body::from("sorry")).unwrap()
}

/// Announces all, sends `count` bytes, then breaks the connection.
fn cut(etag: &str, count: usize) -> Response<Body> {
    let chunk = Bytes::from(content()[..count].to_vec());
    let broken = async {
        // What was sent so far goes out before the connection ends.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut"))
    };
    let chunks = futures::stream::iter([Ok(chunk)]).chain(futures::stream::once(broken));
    let length = content().len();
    Response::builder()
        .header("etag", etag)
        .header("content-length", length)
        .body(Body::from_stream(chunks))
        .unwrap()
}

/// The rest that was asked for, if the file is still the one it was begun with.
fn rest(request: &Request, etag: &str) -> Response<Body> {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let range = header("range").unwrap();
    if header("if-range").unwrap() != etag {
        return whole();
    }
    let start: usize = range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap();
    let length = content().len();
    Response::builder()
        .status(StatusCode::PARTIAL_CONTENT)
        .header("content-range", format!("bytes {start}-{}/{length}", length - 1))
        .body(Body::from(content()[start..].to_vec()))
        .unwrap()
}

#[tokio::test]
async fn the_task_fetches_a_model_that_is_missing_or_changed() {
    let folder = TempDir::new().unwrap();
    let server = serve(Arc::new(|_, _| whole())).await;
    let manifest = manifest(&sum(&content()), &[format!("{}/small.bin", server.base)]);
    let settings = PullSettings { verify: true, ..settings(&folder) };
    let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let fetched = tasks::Updated { unchanged: vec![], fetched: names(&["small"]) };
    let unchanged = tasks::Updated { unchanged: names(&["small"]), fetched: vec![] };

    assert_eq!(tasks::update(&manifest, "small", &settings).await.unwrap(), fetched);
    assert_eq!(tasks::update(&manifest, "small", &settings).await.unwrap(), unchanged);
    let path = settings.models_dir.join("small.bin");
    let mut changed = content();
    changed[1000] ^= 1;
    std::fs::write(&path, changed).unwrap();
    assert_eq!(tasks::update(&manifest, "small", &settings).await.unwrap(), fetched);
    assert_eq!(std::fs::read(&path).unwrap(), content());
    assert_eq!(server.calls.load(Ordering::SeqCst), 2);
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".lock"))
        .collect();
    names.sort();
    names
}

fn fetched(pulled: Pulled) -> PathBuf {
    match pulled {
        Pulled::Fetched { path, .. } => path,
        Pulled::Already(path) => panic!("nothing was fetched, it was there: {}", path.display()),
    }
}

fn failures(error: ModelError) -> Vec<SourceError> {
    match error {
        ModelError::Unobtainable { failures, .. } => {
            failures.into_iter().map(|failure| failure.error).collect()
        }
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_pulled_model_has_the_content_and_is_not_pulled_again() {
    let folder = TempDir::new().unwrap();
    let server = serve(Arc::new(|_, _| whole())).await;
    let manifest = manifest(&sum(&content()), std::slice::from_ref(&server.base));
    let mut settings = settings(&folder);
    let path = fetched(pull(&manifest, "small", &settings).await.unwrap());
    assert_eq!(std::fs::read(&path).unwrap(), content());
    assert_eq!(names_in(&settings.models_dir), ["small.bin"]);

    assert_eq!(pull(&manifest, "small", &settings).await.unwrap(), Pulled::Already(path.clone()));
    settings.verify = true;
    assert_eq!(pull(&manifest, "small", &settings).await.unwrap(), Pulled::Already(path.clone()));
    assert_eq!(server.calls.load(Ordering::SeqCst), 1);

    // Same size, other bytes: only the checksum tells.
    std::fs::write(&path, vec![0; content().len()]).unwrap();
    fetched(pull(&manifest, "small", &settings).await.unwrap());
    assert_eq!(std::fs::read(&path).unwrap(), content());
    assert_eq!(server.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_stopped() {
    let folder = TempDir::new().unwrap();
    let server = serve(Arc::new(|call, request| match call {
        0 => cut("\"one\"", 150_000),
        _ => rest(&request, "\"one\""),
    }))
    .await;
    let manifest = manifest(&sum(&content()), std::slice::from_ref(&server.base));
    let path = fetched(pull(&manifest, "small", &settings(&folder)).await.unwrap());
    assert_eq!(std::fs::read(path).unwrap(), content());
    assert_eq!(server.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_later_command_goes_on_where_an_earlier_one_was_given_up() {
    let folder = TempDir::new().unwrap();
    let first = serve(Arc::new(|call, _| match call {
        0 => cut("\"one\"", 150_000),
        _ => status(StatusCode::NOT_FOUND),
    }))
    .await;
    let manifest = manifest(&sum(&content()), std::slice::from_ref(&first.base));
    let settings = settings(&folder);
    pull(&manifest, "small", &settings).await.unwrap_err();
    assert_eq!(names_in(&settings.models_dir), [".small.bin.part", ".small.bin.part.from"]);

    let address = first.base.strip_prefix("http://").unwrap().to_owned();
    first.task.abort();
    while !first.task.is_finished() {
        tokio::task::yield_now().await;
    }
    let listener = TcpListener::bind(&address).await.unwrap();
    let router = Router::new().fallback(|request: Request| async move { rest(&request, "\"one\"") });
    let second = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let path = fetched(pull(&manifest, "small", &settings).await.unwrap());
    assert_eq!(std::fs::read(path).unwrap(), content());
    assert_eq!(names_in(&settings.models_dir), ["small.bin"]);
    second.abort();
}

#[tokio::test]
async fn a_file_that_changed_meanwhile_is_fetched_from_its_start() {
    let folder = TempDir::new().unwrap();
    let server = serve(Arc::new(|call, request| match call {
        0 => cut("\"old\"", 150_000),
        _ => rest(&request, "\"one\""),
    }))
    .await;
    let manifest = manifest(&sum(&content()), std::slice::from_ref(&server.base));
    let path = fetched(pull(&manifest, "small", &settings(&folder)).await.unwrap());
    assert_eq!(std::fs::read(path).unwrap(), content());
}

#[tokio::test]
async fn no_file_has_the_final_name_while_it_is_downloaded() {
    let folder = TempDir::new().unwrap();
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let receiver = std::sync::Mutex::new(Some(receiver));
    let server = serve(Arc::new(move |_, _| {
        let receiver = receiver.lock().unwrap().take().unwrap();
        let chunks = futures::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        });
        Response::new(Body::from_stream(chunks.boxed()))
    }))
    .await;
    let manifest = manifest(&sum(&content()), std::slice::from_ref(&server.base));
    let mut settings = settings(&folder);
    settings.patience.idle = Duration::from_secs(30);
    let models_dir = settings.models_dir.clone();
    let (task_manifest, task_settings) = (manifest.clone(), settings.clone());
    let task = tokio::spawn(async move { pull(&task_manifest, "small", &task_settings).await });

    let (head, tail) = (content()[..300_000].to_vec(), content()[300_000..].to_vec());
    sender.send(Ok(head.into())).await.unwrap();
    let part = models_dir.join(".small.bin.part");
    while std::fs::metadata(&part).map_or(0, |metadata| metadata.len()) < 300_000 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(find_in(&manifest, &models_dir, "small"), Err(ModelError::Missing(_))));
    sender.send(Ok(tail.into())).await.unwrap();
    drop(sender);
    fetched(task.await.unwrap().unwrap());
    assert!(find_in(&manifest, &models_dir, "small").is_ok());
}

#[tokio::test]
async fn a_missing_file_sends_to_the_next_source() {
    let folder = TempDir::new().unwrap();
    let server = serve(Arc::new(|_, request| match request.uri().path() {
        "/gone" => status(StatusCode::NOT_FOUND),
        _ => whole(),
    }))
    .await;
    let urls = [format!("{}/gone", server.base), format!("{}/here", server.base)];
    let path = fetched(pull(&manifest(&sum(&content()), &urls), "small", &settings(&folder)).await.unwrap());
    assert_eq!(std::fs::read(path).unwrap(), content());
    assert_eq!(server.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_wrong_checksum_names_both_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let server = serve(Arc::new(|_, _| whole())).await;
    let expected = "ab".repeat(32);
    let manifest = manifest(&expected, std::slice::from_ref(&server.base));
    let settings = settings(&folder);
    let error = pull(&manifest, "small", &settings).await.unwrap_err();
    let text = error.to_string();
    let line = format!("wrong checksum: expected SHA-256 {expected}, found {}", sum(&content()));
    assert!(text.contains(&line), "{text}");
    assert!(names_in(&settings.models_dir).is_empty());
    assert!(matches!(find_in(&manifest, &settings.models_dir, "small"), Err(ModelError::Missing(_))));
}

#[tokio::test]
async fn each_source_that_fails_has_its_line() {
    let folder = TempDir::new().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = serve(Arc::new(|_, request| match request.uri().path() {
        "/page" => Response::new(Body::from("please log in")),
        "/hangs" => {
            Response::new(Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>()))
        }
        _ => status(StatusCode::BAD_GATEWAY),
    }))
    .await;
    let base = &server.base;
    let urls =
        [format!("http://{closed}"), format!("{base}/page"), format!("{base}/hangs"), format!("{base}/down")];
    let error = pull(&manifest(&sum(&content()), &urls), "small", &settings(&folder)).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1 + urls.len() + 1, "{text}");
    assert!(text.starts_with("the model small could not be pulled\n"), "{text}");
    let failures = failures(error);
    assert!(matches!(failures[0], SourceError::Connect(_)), "{}", failures[0]);
    assert!(matches!(failures[1], SourceError::Size { found: 13, .. }), "{}", failures[1]);
    assert!(matches!(failures[2], SourceError::Cut { received: 0, .. }), "{}", failures[2]);
    assert!(matches!(failures[3], SourceError::Status(StatusCode::BAD_GATEWAY)), "{}", failures[3]);
}

#[tokio::test]
async fn an_unknown_model_is_refused_with_the_known_names() {
    let folder = TempDir::new().unwrap();
    let error = pull(&manifest("", &[]), "huge", &settings(&folder)).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no model called huge\nknown models: small");
    assert!(!settings(&folder).models_dir.exists());
}

#[tokio::test]
async fn two_pulls_at_once_download_once() {
    let folder = TempDir::new().unwrap();
    let server = serve(Arc::new(|_, _| whole())).await;
    let manifest = manifest(&sum(&content()), std::slice::from_ref(&server.base));
    let settings = settings(&folder);
    let (first, second) =
        tokio::join!(pull(&manifest, "small", &settings), pull(&manifest, "small", &settings));
    let fetched = [first.unwrap(), second.unwrap()]
        .iter()
        .filter(|pulled| matches!(pulled, Pulled::Fetched { .. }))
        .count();
    assert_eq!(fetched, 1);
    assert_eq!(server.calls.load(Ordering::SeqCst), 1);
}
