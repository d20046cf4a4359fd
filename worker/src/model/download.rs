//! Fetches a file over HTTP into a part file, and takes up again where an earlier try stopped.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE};
use reqwest::{Client, Response, StatusCode};

use super::manifest::Model;
use super::progress::Progress;
use super::pull::SourceError;

/// How long is waited for what; every wait ends.
#[derive(Debug, Clone)]
pub struct Patience {
    /// Until a connection stands, looking up the name included.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// Before a broken transfer is taken up again.
    pub pause: Duration,
    /// For all that pip does for one package.
    pub pip: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            pause: Duration::from_secs(1),
            pip: Duration::from_secs(20 * 60),
        }
    }
}

/// So many tries in a row that brought nothing end a download.
const FRUITLESS_TRIES: u32 = 3;
/// So many tries end it even when each brought something.
const TRIES: u32 = 100;

/// Fetches `url` into `part`. The content is not checked here, only that it has the model's size.
pub async fn download(url: &str, part: &Path, model: &Model, patience: &Patience) -> Result<(), SourceError> {
    let client = Client::builder()
        .connect_timeout(patience.connect)
        .read_timeout(patience.idle)
        .user_agent(concat!("cuelight/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(SourceError::Connect)?;
    let part = Part { path: part.to_owned(), from: from_path(part) };
    let mut fruitless = 0;
    for _ in 1..TRIES {
        let before = part.length(url);
        let error = match attempt(&client, url, &part, model).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let has_grown = part.length(url) > before;
        fruitless = if has_grown { 0 } else { fruitless + 1 };
        if !is_passing(&error) || fruitless >= FRUITLESS_TRIES {
            return Err(error);
        }
        tokio::time::sleep(patience.pause).await;
    }
    attempt(&client, url, &part, model).await
}

/// Whether the same source may do better in a moment. A host that cannot be reached at all is not waited for: the next
/// source can be.
fn is_passing(error: &SourceError) -> bool {
    match error {
        SourceError::Cut { .. } | SourceError::Range => true,
        SourceError::Status(status) => {
            status.is_server_error()
                || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::RANGE_NOT_SATISFIABLE)
        }
        _ => false,
    }
}

async fn attempt(client: &Client, url: &str, part: &Part, model: &Model) -> Result<(), SourceError> {
    let mut have = part.length(url);
    if have == model.size {
        return Ok(());
    }
    let mut request = client.get(url);
    if have > 0
        && let Some(validator) = part.validator(url)
    {
        request = request.header(RANGE, format!("bytes={have}-")).header(IF_RANGE, validator);
    }
    let response = request.send().await.map_err(|error| {
        let is_unreachable = have == 0 && (error.is_connect() || error.is_timeout());
        if is_unreachable {
            SourceError::Connect(error)
        } else {
            SourceError::Cut { received: have, size: model.size, source: Some(error) }
        }
    })?;
    match response.status() {
        StatusCode::OK => have = 0,
        StatusCode::PARTIAL_CONTENT if range_start(response.headers()) == Some(have) => {}
        StatusCode::PARTIAL_CONTENT => {
            part.remove()?;
            return Err(SourceError::Range);
        }
        status => {
            if status == StatusCode::RANGE_NOT_SATISFIABLE {
                part.remove()?;
            }
            return Err(SourceError::Status(status));
        }
    }
    if let Some(length) = response.content_length()
        && have + length != model.size
    {
        // A page that says sorry, for instance.
        return Err(SourceError::Size { expected: model.size, found: have + length });
    }
    let file = part.open(url, have, response.headers())?;
    let mut progress = Progress::new(&model.name, have, model.size);
    let outcome = receive(response, file, have, model.size, &mut progress).await;
    progress.end();
    outcome
}

/// Writes to the disk from the async task: pulling is all this process does.
async fn receive(
    mut response: Response,
    mut file: File,
    mut have: u64,
    size: u64,
    progress: &mut Progress,
) -> Result<(), SourceError> {
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                have += chunk.len() as u64;
                if have > size {
                    return Err(SourceError::Size { expected: size, found: have });
                }
                file.write_all(&chunk)?;
                progress.add(chunk.len() as u64);
            }
            Ok(None) if have == size => return Ok(()),
            Ok(None) => return Err(SourceError::Cut { received: have, size, source: None }),
            Err(error) => return Err(SourceError::Cut { received: have, size, source: Some(error) }),
        }
    }
}

/// What has arrived, and beside it a note of where it is from: `url`, a line break, and what tells that the file there
/// is still the same.
struct Part {
    path: PathBuf,
    from: PathBuf,
}

impl Part {
    /// Bytes that can be kept.
    fn length(&self, url: &str) -> u64 {
        if self.validator(url).is_none() {
            return 0;
        }
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    fn validator(&self, url: &str) -> Option<String> {
        let note = std::fs::read_to_string(&self.from).ok()?;
        let (from, validator) = note.split_once('\n')?;
        (from == url).then(|| validator.to_owned())
    }

    /// Opens the file to go on behind `have` bytes, or anew where that is 0.
    fn open(&self, url: &str, have: u64, headers: &HeaderMap) -> io::Result<File> {
        if have > 0 {
            return OpenOptions::new().append(true).open(&self.path);
        }
        self.remove()?;
        let file = File::create(&self.path)?;
        if let Some(validator) = strong_validator(headers) {
            std::fs::write(&self.from, format!("{url}\n{validator}"))?;
        }
        Ok(file)
    }

    fn remove(&self) -> io::Result<()> {
        for path in [&self.from, &self.path] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn from_path(part: &Path) -> PathBuf {
    let mut path = part.as_os_str().to_owned();
    path.push(".from");
    PathBuf::from(path)
}

/// Only these may stand in `If-Range` (RFC 9110, 13.1.5).
fn strong_validator(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(ETAG).filter(|etag| !etag.starts_with("W/")).or_else(|| text(LAST_MODIFIED))
}

/// Of `bytes 100-199/200`, the 100.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}
