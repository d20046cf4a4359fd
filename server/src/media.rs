//! The media of a job for the player, with ranges.

use std::path::Path as FilePath;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use backend::MediaLocation;
use domain::{Job, Source};
use tokio::io::AsyncReadExt as _;
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use crate::Server;
use crate::error::{ApiError, Result};
use crate::{query, tracks};

/// `GET /api/v1/jobs/{id}/media`
pub async fn read(
    State(server): State<Server>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response> {
    let id = query::job_id(&id)?;
    let job = server.hub.job(id).await?.ok_or_else(ApiError::no_job)?;
    let filename = match &job.spec.source {
        Source::Upload { filename, .. } => filename,
        Source::Link { .. } => &job.spec.title,
    };
    serve(&server, &job, filename, request).await
}

/// The media of the job under this name, or the range of it that is asked for.
pub async fn serve(server: &Server, job: &Job, filename: &str, mut request: Request) -> Result<Response> {
    if !request.headers().get(header::RANGE).is_some_and(is_one_range) {
        // What we do not serve in parts is served whole, as RFC 9110 has it.
        request.headers_mut().remove(header::RANGE);
    }
    let location = server.backend.media.locate(job.id).await?.ok_or_else(no_media)?;
    let MediaLocation::File(path) = location;
    let head = head_of(&path).await;
    let content_type = sniff(&head);
    let attachment = match job.spec.video {
        // Its title says what it is, and ends without a dot.
        Some(_) => tracks::attachment(&job.spec.title, ending(content_type, &head)),
        None => tracks::attachment(filename, ""),
    };
    let served = ServeFile::new(&path).oneshot(request).await;
    let mut response = served.unwrap_or_else(|never| match never {}).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    // A stranger's file is played and downloaded, and never becomes a page of ours.
    headers.insert(header::CONTENT_DISPOSITION, attachment);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    Ok(response)
}

/// One range of bytes, its ends in order: `bytes=0-99`, `bytes=100-`, `bytes=-100`.
fn is_one_range(value: &HeaderValue) -> bool {
    let range = value.to_str().ok().and_then(|text| text.trim().strip_prefix("bytes=")?.split_once('-'));
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>());
    match range {
        Some((first, "")) => matches!(number(first), Some(Ok(_))),
        Some(("", count)) => matches!(number(count), Some(Ok(_))),
        Some((first, last)) => {
            matches!((number(first), number(last)), (Some(Ok(first)), Some(Ok(last))) if first <= last)
        }
        None => false,
    }
}

fn no_media() -> ApiError {
    ApiError {
        code: "no_media",
        message: "The media of this job is not here.".to_owned(),
        hint: "It appears when the link has been fetched.".to_owned(),
        ..ApiError::not_found()
    }
}

pub async fn content_type_of(path: &FilePath) -> &'static str {
    sniff(&head_of(path).await)
}

/// The first bytes of a file; none where it cannot be read.
async fn head_of(path: &FilePath) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD);
    let read = async { tokio::fs::File::open(path).await?.take(HEAD as u64).read_to_end(&mut head).await };
    if let Err(error) = read.await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the media could not be looked at");
        head.clear();
    }
    head
}

/// What the tracks of a Matroska file are is told within these.
const HEAD: usize = 4096;

/// The ending of a file that we made.
fn ending(content_type: &str, head: &[u8]) -> &'static str {
    match content_type {
        "audio/mp4" => "m4a",
        "video/quicktime" => "mov",
        "video/webm" => "webm",
        // A picture has a codec: V_MPEG4/ISO/AVC.
        "video/x-matroska"
            if head.windows(3).any(|word| word.starts_with(b"V_") && word[2].is_ascii_uppercase()) =>
        {
            "mkv"
        }
        "video/x-matroska" => "mka",
        _ => "mp4",
    }
}

const UNKNOWN: &str = "application/octet-stream";

/// The type by the first bytes, never by what the uploader says; never one that a browser would run.
fn sniff(head: &[u8]) -> &'static str {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    if at(4, b"ftyp") {
        return match head.get(8..12) {
            Some(b"M4A " | b"M4B ") => "audio/mp4",
            Some(b"qt  ") => "video/quicktime",
            _ => "video/mp4",
        };
    }
    if at(4, b"moov") || at(4, b"mdat") || at(4, b"wide") || at(4, b"free") {
        return "video/quicktime";
    }
    let head = &head[..head.len().min(64)];
    if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) {
        // WebM and Matroska share a container; browsers play the codecs of one under the name of the other.
        let is_matroska = head.windows(8).any(|window| window == b"matroska");
        return if is_matroska { "video/x-matroska" } else { "video/webm" };
    }
    if at(0, b"RIFF") {
        return match head.get(8..12) {
            Some(b"WAVE") => "audio/wav",
            Some(b"AVI ") => "video/x-msvideo",
            _ => UNKNOWN,
        };
    }
    if at(0, b"OggS") {
        return if at(28, b"\x80theora") { "video/ogg" } else { "audio/ogg" };
    }
    if at(0, b"fLaC") {
        return "audio/flac";
    }
    if at(0, b"FORM") {
        return "audio/aiff";
    }
    if at(0, b"caff") {
        return "audio/x-caf";
    }
    if at(0, b"ID3") {
        return "audio/mpeg";
    }
    match head {
        // Frame syncs: layer bits 00 mean ADTS, others MPEG audio.
        [0xff, second, ..] if second & 0xf6 == 0xf0 => "audio/aac",
        [0xff, second, ..] if second & 0xe0 == 0xe0 && second & 0x06 != 0 => "audio/mpeg",
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_range_is_served_in_parts() {
        let check = |range: &'static str, expect: bool| {
            assert_eq!(is_one_range(&HeaderValue::from_static(range)), expect, "{range}");
        };
        check("bytes=0-9", true);
        check("bytes=7-", true);
        check("bytes=-7", true);
        check("bytes=5-1", false);
        check("bytes=-", false);
        check("bytes=", false);
        check("bytes=0-1,4-5", false);
        check("bytes=0-99999999999999999999", false);
        check("bytes=a-b", false);
        check("seconds=1-2", false);
    }

    #[test]
    fn the_first_bytes_say_the_type_and_pages_have_none() {
        let check = |head: &[u8], expect: &str| assert_eq!(sniff(head), expect, "{head:?}");
        check(b"\0\0\0\x20ftypisom", "video/mp4");
        check(b"\0\0\0\x20ftypM4A ", "audio/mp4");
        check(b"RIFF....WAVEfmt ", "audio/wav");
        check(b"OggS", "audio/ogg");
        check(b"ID3\x03", "audio/mpeg");
        check(&[0xff, 0xfb, 0x90], "audio/mpeg");
        check(&[0xff, 0xf1, 0x50], "audio/aac");
        check(&[0x1a, 0x45, 0xdf, 0xa3, 0x42, 0x82, 0x84, b'w', b'e', b'b', b'm'], "video/webm");
        check(b"<!doctype html><script>alert(1)</script>", UNKNOWN);
        check(b"<svg xmlns='http://www.w3.org/2000/svg'>", UNKNOWN);
        check(b"%PDF-1.7", UNKNOWN);
        check(b"", UNKNOWN);
    }
}
