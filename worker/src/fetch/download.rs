//! One file over as many requests as it takes: redirects, and cut connections that are resumed.

use std::path::Path;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use domain::{Failure, WallTime};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED,
    LOCATION, RANGE, RETRY_AFTER,
};
use reqwest::{Response, StatusCode};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::{FetchConfig, FetchError, Fetcher, Received, address, sniff};

pub async fn download(
    fetcher: &Fetcher,
    link: &str,
    into: &Path,
    received: &Received,
) -> Result<u64, FetchError> {
    let link = Url::parse(link).map_err(|_| FetchError::Refused(Failure::MediaUnreachable))?;
    let mut target = Target {
        file: File::create(into).await.map_err(FetchError::Scratch)?,
        written: 0,
        validator: None,
        received,
        config: &fetcher.config,
    };
    let mut resumes_left = fetcher.config.resumes;
    loop {
        let cut = match transfer(fetcher, &link, &mut target).await {
            Ok(()) => return target.finish().await,
            Err(Cut::Final(error)) => return Err(error),
            Err(Cut::Resumable(error)) => error,
        };
        if resumes_left == 0 {
            return Err(cut);
        }
        resumes_left -= 1;
        tracing::debug!(bytes = target.written, "the connection was cut, resuming");
        sleep(fetcher.config.resume_delay).await;
    }
}

/// The file on its way.
struct Target<'a> {
    file: File,
    written: u64,
    /// Names the version of the file that `written` bytes are from; without one, a cut transfer starts over.
    validator: Option<String>,
    received: &'a Received,
    config: &'a FetchConfig,
}

/// How one transfer ended early.
enum Cut {
    Final(FetchError),
    /// The connection broke after the site had begun to serve.
    Resumable(FetchError),
}

impl From<FetchError> for Cut {
    fn from(error: FetchError) -> Cut {
        Cut::Final(error)
    }
}

impl Target<'_> {
    async fn start_over(&mut self) -> Result<(), FetchError> {
        self.written = 0;
        self.file.set_len(0).await.map_err(FetchError::Scratch)?;
        self.file.rewind().await.map_err(FetchError::Scratch)?;
        Ok(())
    }

    async fn write(&mut self, piece: &Bytes) -> Result<(), FetchError> {
        self.check_size(self.written + piece.len() as u64)?;
        self.file.write_all(piece).await.map_err(FetchError::Scratch)?;
        self.written += piece.len() as u64;
        self.received.bytes.store(self.written, Ordering::Relaxed);
        Ok(())
    }

    fn check_size(&self, bytes: u64) -> Result<(), FetchError> {
        if bytes > self.config.max_bytes {
            return Err(FetchError::Refused(Failure::MediaTooLarge { limit_bytes: self.config.max_bytes }));
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<u64, FetchError> {
        if self.written == 0 {
            return Err(FetchError::Refused(Failure::CorruptMedia));
        }
        self.file.flush().await.map_err(FetchError::Scratch)?;
        Ok(self.written)
    }
}

/// One answer of the site, appended to what is there already.
async fn transfer(fetcher: &Fetcher, link: &Url, target: &mut Target<'_>) -> Result<(), Cut> {
    let response = match follow(fetcher, link, range_headers(target)).await {
        Ok(response) => response,
        Err(error @ FetchError::Unreachable { .. }) if target.written > 0 => {
            return Err(Cut::Resumable(error));
        }
        Err(error) => return Err(Cut::Final(error)),
    };
    if target.written > 0 && !continues(&response, target) {
        target.start_over().await?;
    }
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        // What we hold is not what the site has: the next request asks for all of it.
        return Err(Cut::Resumable(FetchError::unreachable("the site has another file by now")));
    }
    check_status(&response, &fetcher.config)?;
    check_headers(response.headers())?;
    if target.written == 0 {
        target.validator = validator(response.headers());
    }
    let total = response.content_length().map(|rest| target.written.saturating_add(rest));
    target.check_size(total.unwrap_or(0))?;
    target.received.total.store(total.unwrap_or(0), Ordering::Relaxed);
    receive_body(response, target).await
}

/// The answer behind at most the allowed number of redirects.
async fn follow(fetcher: &Fetcher, link: &Url, headers: HeaderMap) -> Result<Response, FetchError> {
    let mut link = link.clone();
    for _ in 0..=fetcher.config.redirects {
        address::check_link(&link, fetcher.policy.as_ref())?;
        let asked = fetcher.client.get(link.clone()).headers(headers.clone()).send();
        let patience = fetcher.config.connect + fetcher.config.idle;
        let response = match timeout(patience, asked).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(address::judge(error)),
            Err(_) => return Err(FetchError::unreachable("the site does not answer")),
        };
        let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
        if !is_redirect {
            return Ok(response);
        }
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        link = location
            .and_then(|location| link.join(location).ok())
            .ok_or(FetchError::Refused(Failure::MediaUnreachable))?;
    }
    Err(FetchError::Refused(Failure::MediaUnreachable))
}

fn range_headers(target: &Target<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let text = |text: &str| text.parse().expect("constant header values are valid");
    headers.insert(ACCEPT, text("*/*"));
    // Media is compressed already; a compressed body could be a bomb and cannot be resumed by position.
    headers.insert(ACCEPT_ENCODING, text("identity"));
    let validator = target.validator.as_ref().and_then(|validator| validator.parse().ok());
    if let Some(validator) = validator.filter(|_| target.written > 0) {
        headers.insert(RANGE, text(&format!("bytes={}-", target.written)));
        headers.insert(IF_RANGE, validator);
    }
    headers
}

/// The answer carries on exactly where the file ends.
fn continues(response: &Response, target: &Target<'_>) -> bool {
    let starts_at = response
        .headers()
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|range| range.strip_prefix("bytes ")?.split_once('-')?.0.parse::<u64>().ok());
    response.status() == StatusCode::PARTIAL_CONTENT
        && starts_at == Some(target.written)
        && validator(response.headers()).is_none_or(|now| Some(now) == target.validator)
}

/// A strong entity tag, else the time of the last change.
fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    text(ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(LAST_MODIFIED))
}

fn check_status(response: &Response, config: &FetchConfig) -> Result<(), FetchError> {
    let status = response.status();
    let refused = |failure| Err(FetchError::Refused(failure));
    match status.as_u16() {
        200 | 203 | 206 => Ok(()),
        404 | 410 => refused(Failure::MediaNotFound),
        401 | 402 | 403 | 407 | 451 => refused(Failure::MediaForbidden),
        408 | 425 | 429 | 500..=599 => Err(FetchError::Unreachable {
            retry_after: retry_after(response.headers()).map(|wait| wait.min(config.retry_after_cap)),
            cause: format!("the site answers {status}").into(),
        }),
        204 | 205 => refused(Failure::CorruptMedia),
        _ => refused(Failure::MediaUnreachable),
    }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<std::time::Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(std::time::Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    std::time::Duration::try_from(date.duration_since(WallTime::now())).ok()
}

fn check_headers(headers: &HeaderMap) -> Result<(), FetchError> {
    // How internet radio answers.
    let is_radio = headers.contains_key("icy-name") || headers.contains_key("icy-br");
    if is_radio {
        return Err(FetchError::Refused(Failure::LiveStream));
    }
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes());
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        let found = "a compressed answer".into();
        return Err(FetchError::Refused(Failure::UnsupportedFormat { found }));
    }
    Ok(())
}

async fn receive_body(mut response: Response, target: &mut Target<'_>) -> Result<(), Cut> {
    let mut head = Vec::new();
    let mut is_sniffing = target.written == 0;
    let served_from = target.written;
    let mut window_start = (Instant::now(), target.written);
    loop {
        let piece = match timeout(target.config.idle, response.chunk()).await {
            Ok(Ok(Some(piece))) => piece,
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return Err(Cut::Resumable(FetchError::unreachable(error.without_url()))),
            // A site that sends nothing at all is not asked again at once.
            Err(_) if target.written == served_from => {
                return Err(FetchError::unreachable("the site sends nothing").into());
            }
            Err(_) => return Err(Cut::Resumable(FetchError::unreachable("the site stopped sending"))),
        };
        if is_sniffing {
            let room = sniff::ENOUGH - head.len();
            head.extend_from_slice(&piece[..piece.len().min(room)]);
            if !sniff::wants_more(&head) {
                refuse(&head)?;
                is_sniffing = false;
            }
        }
        target.write(&piece).await?;
        check_rate(target, &mut window_start)?;
    }
    if is_sniffing { refuse(&head).map_err(Cut::from) } else { Ok(()) }
}

fn refuse(head: &[u8]) -> Result<(), FetchError> {
    sniff::refusal(head).map_or(Ok(()), |failure| Err(FetchError::Refused(failure)))
}

fn check_rate(target: &Target<'_>, window_start: &mut (Instant, u64)) -> Result<(), FetchError> {
    let (since, written) = *window_start;
    let elapsed = since.elapsed();
    if elapsed < target.config.rate_window {
        return Ok(());
    }
    let least = target.config.min_bytes_per_second as f64 * elapsed.as_secs_f64();
    if ((target.written - written) as f64) < least {
        return Err(FetchError::unreachable("the site sends too slowly"));
    }
    *window_start = (Instant::now(), target.written);
    Ok(())
}
