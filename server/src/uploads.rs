//! Files from browsers and scripts, streamed from the socket to the media store: memory does not grow with them.

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use backend::MediaWriter;
use bytes::Bytes;
use domain::{InvalidSpec, JobId, JobSpec, SpecOptions};
use futures::{Stream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout};

use crate::Server;
use crate::error::{ApiError, Result, causes};
use crate::jobs;
use crate::query::{self, Query};
use crate::submit::{self, Submitted};
use crate::translations;

/// So many bytes must come within each [`upload_patience`](crate::Config::upload_patience) of waiting.
const LEAST_PER_STRETCH: u64 = 4096;

/// Free space is asked for again after this many bytes.
const SPACE_CHECK_EVERY: u64 = 64 << 20;

/// `POST /api/v1/uploads?filename=…`
pub async fn upload(
    State(server): State<Server>,
    RawQuery(text): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let query = Query::parse(text.as_deref());
    let filename = query.text("filename").unwrap_or("upload");
    let upload = Upload::new(&server, filename, query.options(), query::idempotency_key(&headers)?)?;
    server.check_length(&headers, 1)?;
    let submitted = server.take_upload(upload, body.into_data_stream()).await?;
    Ok(jobs::created(&submitted))
}

/// Everything about an upload that is known, and checked, before its first byte.
pub struct Upload {
    id: JobId,
    filename: String,
    options: SpecOptions,
    is_translated: bool,
    key: Option<String>,
}

impl Upload {
    pub fn new(server: &Server, filename: &str, options: SpecOptions, key: Option<String>) -> Result<Upload> {
        let (options, is_translated) = translations::take_both(server.with_offered_model(options)?)?;
        // Whoever chose the wrong language learns it before the upload, not after.
        JobSpec::upload(filename, 1, &options).map_err(query::invalid)?;
        Ok(Upload { id: submit::new_id(), filename: filename.to_owned(), options, is_translated, key })
    }
}

/// Where the bytes of an upload went.
struct Received {
    writer: Box<dyn MediaWriter>,
    bytes: u64,
    digest: Option<Vec<u8>>,
}

impl Server {
    /// Streams the bytes into the media store, and only then makes the job: a worker finds both or neither.
    pub async fn take_upload<E: std::fmt::Display>(
        &self,
        upload: Upload,
        bytes: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Submitted> {
        let Upload { id, filename, options, is_translated, key } = upload;
        // Dropped or aborted before it is finished, the writer leaves nothing behind.
        let Received { writer, bytes, digest } = self.receive(id, bytes, key.is_some()).await?;
        let server = self.clone();
        self.to_the_end(async move {
            let spec = JobSpec::upload(&filename, bytes, &options).map_err(query::invalid)?;
            let key = key.map(|key| submit::keyed(key, &spec, digest.as_deref()));
            writer.finish().await?;
            let submitted = server.submit_with(id, spec, key, is_translated).await;
            let is_ours = match &submitted {
                Ok(submitted) => !submitted.is_repeat,
                // The job may be stored all the same, waiting for the queue. If the store does not say, the media
                // stays: a job without its media is worse than media without its job.
                Err(_) => !matches!(server.backend.store.get(id).await, Ok(None)),
            };
            if !is_ours && let Err(error) = server.backend.media.delete(id).await {
                tracing::error!(job.id = %id, error = %causes(&error), "media without a job was left behind");
            }
            submitted
        })
        .await
    }

    /// Refuses what says itself that it is too large for so many files, before its first byte is read.
    pub fn check_length(&self, headers: &HeaderMap, files: usize) -> Result<()> {
        let length =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let Some(length) = length else { return Ok(()) };
        if length > self.config.max_upload_bytes.saturating_mul(files as u64) {
            return Err(self.too_large());
        }
        if length == 0 {
            return Err(empty());
        }
        self.check_space(length)
    }

    async fn receive<E: std::fmt::Display>(
        &self,
        id: JobId,
        mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin,
        is_digested: bool,
    ) -> Result<Received> {
        self.check_space(0)?;
        let mut writer = self.backend.media.write(id).await?;
        let mut digest = is_digested.then(Sha256::new);
        let mut pace = Pace::new(self.config.upload_patience);
        let mut bytes = 0;
        let mut next_check = SPACE_CHECK_EVERY;
        let result = loop {
            let chunk = match pace.next(&mut stream).await {
                Err(error) => break Err(error),
                Ok(None) => break Ok(()),
                Ok(Some(Err(error))) => {
                    tracing::info!(upload.bytes = bytes, error = %error, "an upload broke off");
                    break Err(broken_off());
                }
                Ok(Some(Ok(chunk))) => chunk,
            };
            bytes += chunk.len() as u64;
            if bytes > self.config.max_upload_bytes {
                break Err(self.too_large());
            }
            if bytes >= next_check {
                next_check = bytes + SPACE_CHECK_EVERY;
                if let Err(error) = self.check_space(0) {
                    break Err(error);
                }
            }
            if let Some(digest) = &mut digest {
                digest.update(&chunk);
            }
            if let Err(error) = writer.write(chunk).await {
                break Err(error.into());
            }
        };
        let result = result.and_then(|()| if bytes == 0 { Err(empty()) } else { Ok(()) });
        if let Err(error) = result {
            if let Err(error) = writer.abort().await {
                tracing::warn!(error = %causes(&error), "an upload was not cleaned up at once");
            }
            return Err(error);
        }
        Ok(Received { writer, bytes, digest: digest.map(|digest| digest.finalize().to_vec()) })
    }

    fn check_space(&self, needed: u64) -> Result<()> {
        let free = self.config.media_folder.as_deref().and_then(free_bytes);
        match free {
            Some(free) if free < needed.saturating_add(self.config.min_free_bytes) => {
                Err(ApiError::disk_full())
            }
            _ => Ok(()),
        }
    }

    fn too_large(&self) -> ApiError {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "media_too_large",
            format!(
                "The file is larger than this installation takes: {} MB.",
                self.config.max_upload_bytes / 1_000_000
            ),
            "Submit only its sound, or ask the operator for a higher limit.",
        )
        .about("file")
    }
}

/// Holds a sender to a minimum rate, so that a dribble cannot keep a connection for ever.
struct Pace {
    patience: Duration,
    /// Spent waiting for the present stretch of bytes. Time spent writing to the disk is not the sender's.
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn new(patience: Duration) -> Pace {
        Pace { patience, waited: Duration::ZERO, bytes: 0 }
    }

    async fn next<E>(
        &mut self,
        stream: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    ) -> Result<Option<Result<Bytes, E>>> {
        let asked_at = Instant::now();
        let left = self.patience.saturating_sub(self.waited);
        let item = timeout(left, stream.next()).await.map_err(|_| ApiError::too_slow())?;
        self.waited += asked_at.elapsed();
        if let Some(Ok(chunk)) = &item {
            self.bytes += chunk.len() as u64;
        }
        if self.bytes >= LEAST_PER_STRETCH {
            *self = Pace::new(self.patience);
        }
        Ok(item)
    }
}

/// `None` where the system does not say.
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Code of the error about a file without content.
pub const EMPTY: &str = "empty_upload";

fn empty() -> ApiError {
    ApiError::bad_request(EMPTY, "The file is empty.", "Choose a file with media in it.").about("file")
}

fn broken_off() -> ApiError {
    ApiError::bad_request("upload_broken", "The upload broke off.", "Try again.").about("file")
}

/// The problem of a form that has neither a link nor a file.
pub fn nothing_given() -> ApiError {
    query::invalid(InvalidSpec::UrlMissing)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;

    async fn outcome(chunk: usize, every: Duration, chunks: usize) -> Result<u64> {
        let chunks = stream::iter(0..chunks).then(move |_| async move {
            tokio::time::sleep(every).await;
            Ok::<_, Infallible>(Bytes::from(vec![0; chunk]))
        });
        let mut chunks = Box::pin(chunks);
        let mut pace = Pace::new(Duration::from_secs(20));
        let mut bytes = 0;
        while let Some(Ok(chunk)) = pace.next(&mut chunks).await? {
            bytes += chunk.len() as u64;
        }
        Ok(bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn a_dribble_is_cut_off_within_half_a_minute() {
        let started = Instant::now();
        let error = outcome(1, Duration::from_secs(1), 1_000_000).await.unwrap_err();
        assert_eq!(error.status, StatusCode::REQUEST_TIMEOUT);
        assert!(started.elapsed() <= Duration::from_secs(30), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_who_falls_silent_is_cut_off() {
        assert!(outcome(100_000, Duration::from_secs(3600), 2).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_but_steady_sender_gets_through() {
        let bytes = outcome(1000, Duration::from_secs(1), 600).await.unwrap();
        assert_eq!(bytes, 600_000);
    }
}
