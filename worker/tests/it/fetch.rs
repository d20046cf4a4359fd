//! What the fetcher makes of sites that lie, hang, cut and flood.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::Failure;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use worker::fetch::{FetchConfig, FetchError, Fetcher, Open, Received};

const CAP: u64 = 100_000;

/// Media of 20,000 bytes, as far as anybody can tell from its beginning.
fn media() -> Vec<u8> {
    let mut bytes = b"RIFF\x18\x4e\x00\x00WAVEfmt ".to_vec();
    bytes.extend((bytes.len()..20_000).map(|index| (index % 251) as u8));
    bytes
}

#[tokio::test]
async fn every_kind_of_site_ends_as_it_should() {
    let site = Site::start().await;
    let unsupported = |found: &str| Expect::Refused(Failure::UnsupportedFormat { found: found.into() });
    let too_large = Expect::Refused(Failure::MediaTooLarge { limit_bytes: CAP });
    let cases = [
        ("/ok", Expect::Bytes(media())),
        ("/chunked", Expect::Bytes(media())),
        ("/hop/5", Expect::Bytes(media())),
        ("/hop/6", Expect::Refused(Failure::MediaUnreachable)),
        ("/loop", Expect::Refused(Failure::MediaUnreachable)),
        ("/redirect-nowhere", Expect::Refused(Failure::MediaUnreachable)),
        ("/redirect-to-file", Expect::Refused(Failure::BlockedAddress)),
        ("/status/401", Expect::Refused(Failure::MediaForbidden)),
        ("/status/403", Expect::Refused(Failure::MediaForbidden)),
        ("/status/404", Expect::Refused(Failure::MediaNotFound)),
        ("/status/410", Expect::Refused(Failure::MediaNotFound)),
        ("/status/418", Expect::Refused(Failure::MediaUnreachable)),
        ("/status/500", Expect::Unreachable(None)),
        ("/status/503", Expect::Unreachable(None)),
        ("/busy/7", Expect::Unreachable(Some(Duration::from_secs(7)))),
        ("/busy/86400", Expect::Unreachable(Some(Duration::from_secs(600)))),
        ("/busy/later", Expect::Unreachable(None)),
        ("/silent", Expect::Unreachable(None)),
        ("/hangs-after-headers", Expect::Unreachable(None)),
        ("/one-byte-a-time", Expect::Unreachable(None)),
        ("/endless", too_large.clone()),
        ("/claims-100-gb", too_large),
        ("/claims-more-than-it-sends", Expect::Unreachable(None)),
        ("/sends-more-than-it-claims", Expect::Bytes(media()[..10_000].to_vec())),
        ("/empty", Expect::Refused(Failure::CorruptMedia)),
        ("/page", unsupported("a web page")),
        ("/gzip", unsupported("a compressed answer")),
        ("/live.m3u8", Expect::Refused(Failure::LiveStream)),
        ("/radio", Expect::Refused(Failure::LiveStream)),
        ("/cut", Expect::Bytes(media())),
        ("/cut-without-tag", Expect::Bytes(media())),
        ("/cut-and-changed", Expect::Bytes(media()[..5_000].to_vec())),
        ("/stalls-midway", Expect::Bytes(media())),
    ];
    for (path, expect) in cases {
        check(&site, path, expect).await;
    }
}

#[tokio::test]
async fn a_cut_transfer_asks_only_for_the_rest() {
    let site = Site::start().await;
    check(&site, "/cut", Expect::Bytes(media())).await;
    let requests = site.requests.lock().unwrap().clone();
    assert_eq!(requests.len(), 2);
    assert!(!requests[0].contains("range:"), "{requests:?}");
    assert!(
        requests[1].contains("range: bytes=10000-") && requests[1].contains("if-range: \"one\""),
        "{requests:?}"
    );
    assert!(
        requests[0].contains("accept-encoding: identity") && requests[0].contains("user-agent: cuelight/")
    );
}

#[tokio::test]
async fn nobody_listening_and_nonsense_links_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/a.mp4", listener.local_addr().unwrap());
    drop(listener);
    assert!(matches!(fetch(&closed).await.0, Err(FetchError::Unreachable { .. })));
    for link in ["file:///etc/passwd", "ftp://127.0.0.1/a.mp4", "gopher://127.0.0.1/", "data:video/mp4,abc"] {
        let fetched = fetch(link).await.0;
        assert!(matches!(fetched, Err(FetchError::Refused(Failure::BlockedAddress))), "{link}: {fetched:?}");
    }
    let fetched = fetch("no link at all").await.0;
    assert!(matches!(fetched, Err(FetchError::Refused(Failure::MediaUnreachable))), "{fetched:?}");
}

#[derive(Debug, Clone, PartialEq)]
enum Expect {
    Bytes(Vec<u8>),
    Refused(Failure),
    /// With what the site asked us to wait.
    Unreachable(Option<Duration>),
}

async fn check(site: &Site, path: &str, expect: Expect) {
    let link = format!("{}{path}?token=secret", site.origin);
    let fetching = fetch(&link);
    let (fetched, bytes) = tokio::time::timeout(Duration::from_secs(10), fetching)
        .await
        .unwrap_or_else(|_| panic!("{path} hangs"));
    assert!(bytes.len() as u64 <= CAP, "{path} fills the disk");
    if let Err(error) = &fetched {
        let told = format!("{:?}", error);
        assert!(!told.contains("secret"), "{path} tells secrets: {told}");
    }
    let found = match fetched {
        Ok(length) => {
            assert_eq!(length, bytes.len() as u64, "{path}");
            Expect::Bytes(bytes)
        }
        Err(FetchError::Refused(failure)) => Expect::Refused(failure),
        Err(FetchError::Unreachable { retry_after, .. }) => Expect::Unreachable(retry_after),
        Err(error) => panic!("{path}: {error:?}"),
    };
    // Not assert_eq: 20,000 bytes on the screen help nobody.
    assert!(found == expect, "{path}: {:.200}", format!("{found:?}"));
}

async fn fetch(link: &str) -> (Result<u64, FetchError>, Vec<u8>) {
    let config = FetchConfig {
        max_bytes: CAP,
        connect: Duration::from_millis(400),
        idle: Duration::from_millis(400),
        total: Duration::from_secs(8),
        min_bytes_per_second: 1_000,
        rate_window: Duration::from_millis(600),
        resumes: 3,
        resume_delay: Duration::from_millis(5),
        ..FetchConfig::default()
    };
    let fetcher = Fetcher::new(config, Arc::new(Open)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("media");
    let fetched = fetcher.fetch(link, &into, &Received::default()).await;
    (fetched, std::fs::read(&into).unwrap_or_default())
}

/// A web site of raw sockets: it can misbehave in ways a proper server cannot.
struct Site {
    origin: String,
    /// Heads of all requests, in lower case.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Site {
    async fn start() -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let log = log.clone();
                // The client may leave at any moment.
                tokio::spawn(async move { drop(answer(stream, log).await) });
            }
        });
        Site { origin, requests }
    }
}

async fn answer(mut stream: TcpStream, log: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let (reader, mut to) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    let mut head = Vec::new();
    while let Some(line) = lines.next_line().await? {
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let target = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
    let head = head.join("\n").to_lowercase();
    let is_range = head.contains("\nrange:");
    log.lock().unwrap().push(head);
    let path = target.split('?').next().unwrap_or_default().to_owned();
    let media = media();
    let ok = |length: usize, more: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{more}\r\n");
    let plain = |status: &str, more: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n{more}\r\n");
    let text = |body: &str| format!("{}{body}", ok(body.len(), "content-type: video/mp4\r\n"));
    let (first, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    match (first, rest) {
        ("ok", _) | ("hop", "0") => {
            to.write_all(ok(media.len(), "content-type: text/plain\r\n").as_bytes()).await?;
            to.write_all(&media).await?;
        }
        ("chunked", _) => {
            to.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            for piece in media.chunks(777) {
                write_chunk(&mut to, piece).await?;
            }
            to.write_all(b"0\r\n\r\n").await?;
        }
        ("hop", left) => {
            let next = left.parse::<u32>().unwrap() - 1;
            to.write_all(plain("302 Found", &format!("location: /hop/{next}\r\n")).as_bytes()).await?;
        }
        ("loop", _) => to.write_all(plain("307 Again", "location: /loop\r\n").as_bytes()).await?,
        ("redirect-nowhere", _) => to.write_all(plain("301 Moved", "").as_bytes()).await?,
        ("redirect-to-file", _) => {
            to.write_all(plain("302 Found", "location: file:///etc/passwd\r\n").as_bytes()).await?;
        }
        ("status", code) => to.write_all(plain(&format!("{code} Status"), "").as_bytes()).await?,
        ("busy", wait) => {
            to.write_all(plain("429 Busy", &format!("retry-after: {wait}\r\n")).as_bytes()).await?;
        }
        ("silent", _) => std::future::pending().await,
        ("hangs-after-headers", _) => {
            to.write_all(ok(media.len(), "").as_bytes()).await?;
            std::future::pending::<()>().await;
        }
        ("one-byte-a-time", _) => {
            to.write_all(ok(media.len(), "").as_bytes()).await?;
            let mut ticks = tokio::time::interval(Duration::from_millis(100));
            for byte in media {
                ticks.tick().await;
                to.write_all(&[byte]).await?;
            }
        }
        ("endless", _) => {
            to.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            loop {
                write_chunk(&mut to, &media).await?;
            }
        }
        ("claims-100-gb", _) => {
            to.write_all(ok(100_000_000_000, "").as_bytes()).await?;
            to.write_all(&media).await?;
        }
        ("claims-more-than-it-sends", _) => {
            to.write_all(ok(50_000, "etag: \"one\"\r\n").as_bytes()).await?;
            to.write_all(&media).await?;
        }
        ("sends-more-than-it-claims", _) => {
            to.write_all(ok(10_000, "").as_bytes()).await?;
            to.write_all(&media).await?;
        }
        ("empty", _) => to.write_all(ok(0, "").as_bytes()).await?,
        ("page", _) => to.write_all(text("<!doctype html><title>Watch now</title>").as_bytes()).await?,
        ("gzip", _) => {
            to.write_all(ok(media.len(), "content-encoding: gzip\r\n").as_bytes()).await?;
            to.write_all(&media).await?;
        }
        ("live.m3u8", _) => to.write_all(text("#EXTM3U\n#EXTINF:4,\n7.ts\n").as_bytes()).await?,
        ("radio", _) => {
            to.write_all(b"HTTP/1.1 200 OK\r\nicy-name: Radio\r\n\r\n").await?;
            to.write_all(&media).await?;
        }
        ("cut", _) | ("stalls-midway", _) if is_range => {
            let head = "HTTP/1.1 206 Partial\r\ncontent-length: 10000\r\ncontent-range: bytes 10000-19999/20000\r\n\r\n";
            to.write_all(head.as_bytes()).await?;
            to.write_all(&media[10_000..]).await?;
        }
        ("cut", _) => {
            to.write_all(ok(media.len(), "etag: \"one\"\r\n").as_bytes()).await?;
            to.write_all(&media[..10_000]).await?;
        }
        ("stalls-midway", _) => {
            to.write_all(ok(media.len(), "last-modified: Tue, 01 Sep 2026 10:00:00 GMT\r\n").as_bytes())
                .await?;
            to.write_all(&media[..10_000]).await?;
            std::future::pending::<()>().await;
        }
        ("cut-without-tag", _) => {
            let tries = log.lock().unwrap().iter().filter(|head| head.contains("cut-without-tag")).count();
            to.write_all(ok(media.len(), "").as_bytes()).await?;
            let end = if tries < 3 { 10_000 } else { media.len() };
            to.write_all(&media[..end]).await?;
        }
        ("cut-and-changed", _) if is_range => {
            to.write_all(ok(5_000, "etag: \"two\"\r\n").as_bytes()).await?;
            to.write_all(&media[..5_000]).await?;
        }
        ("cut-and-changed", _) => {
            to.write_all(ok(media.len(), "etag: \"one\"\r\n").as_bytes()).await?;
            to.write_all(&media[..10_000]).await?;
        }
        _ => panic!("no such page: {path}"),
    }
    to.shutdown().await
}

async fn write_chunk(to: &mut (impl AsyncWriteExt + Unpin), piece: &[u8]) -> std::io::Result<()> {
    to.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
    to.write_all(piece).await?;
    to.write_all(b"\r\n").await
}
