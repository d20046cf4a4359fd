//! Subtitles: as they are so far, laid out anew, and corrected.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backend::{JobRecord, SavedCorrections};
use domain::format::words;
use domain::{Corrections, Format, Job, JobEvent, JobId, JobStatus, Profile, Track, Version, segment};
use serde::Serialize;

use crate::Server;
use crate::error::{ApiError, Result};
use crate::jobs::uncached;
use crate::query::{self, Query};
use crate::videos;

/// Longest track that can be saved, in bytes: some twenty hours of speech.
const MAX_TRACK: usize = 8 << 20;

/// `GET /api/v1/jobs/{id}/track.{vtt|srt|ttml|ass|txt|json}?profile=&offset_ms=&words=1&download=1`. `words` is
/// for WebVTT, and gives each word its moment.
pub async fn read(
    State(server): State<Server>,
    Path((id, file)): Path<(String, String)>,
    RawQuery(text): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let extension = file.strip_prefix("track.").ok_or_else(ApiError::not_found)?;
    let format = Format::from_extension(extension).ok_or_else(unknown_format)?;
    let id = query::job_id(&id)?;
    let query = Query::parse(text.as_deref());
    let (profile, offset_ms) = (query.profile()?, query.offset_ms()?);
    let record = server.backend.store.read(id).await?.ok_or_else(ApiError::no_job)?;
    let job = &record.job;

    let is_complete = job.status == JobStatus::Completed;
    let with_words = format == Format::WebVtt && query.text("words") == Some("1");
    let other_profile = profile.filter(|profile| *profile != job.spec.profile);
    let tag = entity_tag(job.version, other_profile, offset_ms, with_words);
    let mut response = if is_known(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let track = track_of(&record, profile)?.moved(offset_ms);
        let text = match with_words {
            true => {
                let mut heard = record.corrections.words(&segment::words_of(&record.pages));
                heard.iter_mut().for_each(|word| word.start = word.start.moved(offset_ms));
                words::write(&track, &heard)
            }
            false => format.write(&track),
        };
        ([(header::CONTENT_TYPE, format.content_type())], text).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::try_from(tag).expect("a tag is plain ASCII"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-track-complete", HeaderValue::from_static(if is_complete { "true" } else { "false" }));
    if query.text("download") == Some("1") {
        headers.insert(header::CONTENT_DISPOSITION, attachment(&job.spec.title, extension));
    }
    Ok(response)
}

/// The job's track so far with what people changed of it, in the given layout.
pub fn track_of(record: &JobRecord, profile: Option<Profile>) -> Result<Track> {
    record.track(profile).map_err(|error| {
        tracing::error!(job.id = %record.job.id, error = %error, "a new layout is no track");
        ApiError::internal()
    })
}

#[derive(Serialize)]
struct Saved {
    version: Version,
}

/// `PUT /api/v1/jobs/{id}/track` with JSON or WebVTT and `If-Match: version`: a whole track, which stands for everything.
pub async fn save(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let id = query::job_id(&id)?;
    let expected = expected_version(&headers)?;
    let format = content_format(&headers)?;
    let body = query::body(body, MAX_TRACK).await?;
    let text = std::str::from_utf8(&body).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))?;
    let track = format.read(text).map_err(|error| unreadable(error.to_string()))?;
    let saving = server.clone();
    let version = server.to_the_end(async move { saving.save_track(id, expected, &track).await }).await?;
    let mut response = uncached(Saved { version }).into_response();
    let tag = HeaderValue::try_from(entity_tag(version, None, 0, false)).expect("a tag is plain ASCII");
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

impl Server {
    async fn save_track(&self, id: JobId, expected: Version, track: &Track) -> Result<Version> {
        let job = self.hub.job_since(id, expected).await?.ok_or_else(ApiError::no_job)?;
        if job.spec.video.is_some() {
            return Err(videos::already_video());
        }
        if job.status != JobStatus::Completed {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "job_not_completed",
                "Only a completed job takes a whole track.",
                "Wait until the job is complete, or correct its cues one by one.",
            ));
        }
        // One version later it may be this very save, whose answer was lost; the store can tell.
        let before = match job.version {
            version if version == expected => Some(job.progress.corrections),
            version if version == Job::next_version(expected) => job.progress.corrections.checked_sub(1),
            _ => None,
        };
        let before = before.ok_or_else(|| changed(job.version))?;
        let corrections = Corrections::whole(track);
        match self.backend.store.save_corrections(id, before, &corrections).await? {
            SavedCorrections::Done(job) => {
                // Others who look at the job learn its new version, and with it that their copy is old.
                self.announce(JobEvent::state_of(&job)).await;
                tracing::info!(job.id = %id, job.version, "track saved");
                Ok(job.version)
            }
            SavedCorrections::Conflict(job) => Err(changed(job.version)),
            SavedCorrections::Gone => Err(ApiError::no_job()),
        }
    }
}

fn changed(version: Version) -> ApiError {
    ApiError::new(
        StatusCode::PRECONDITION_FAILED,
        "track_changed",
        format!("Somebody else saved first; the version is now: {version}."),
        "Load the track again, and repeat the change on it.",
    )
}

/// The version alone in the job's own layout, so that it can be sent back as `If-Match`.
pub fn entity_tag(
    version: Version,
    other_profile: Option<Profile>,
    offset_ms: i64,
    with_words: bool,
) -> String {
    let profile = other_profile.map_or(String::new(), |profile| format!("-{}", profile.as_str()));
    let offset = if offset_ms == 0 { String::new() } else { format!("-by{offset_ms}") };
    let words = if with_words { "-words" } else { "" };
    format!("\"{version}{profile}{offset}{words}\"")
}

pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    known
        .split(',')
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}

pub fn expected_version(headers: &HeaderMap) -> Result<Version> {
    let missing = || {
        ApiError::new(
            StatusCode::PRECONDITION_REQUIRED,
            "if_match_required",
            "The If-Match header is missing.",
            "Send If-Match with the version of the job that the change is based on.",
        )
    };
    let text = headers.get(header::IF_MATCH).ok_or_else(missing)?.to_str().unwrap_or_default().trim();
    let bare = text.trim_start_matches("W/").trim_matches('"');
    // The tag of another layout names the same version.
    let digits = bare.split('-').next().unwrap_or_default();
    digits.parse().map_err(|_| {
        ApiError::bad_request(
            "if_match",
            "The If-Match header is not a version.",
            "Send one version, as in: \"12\".",
        )
    })
}

fn content_format(headers: &HeaderMap) -> Result<Format> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => Ok(Format::Json),
        "text/vtt" => Ok(Format::WebVtt),
        _ => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unknown_format",
            "A track is saved as JSON or WebVTT.",
            "Send Content-Type: application/json or text/vtt.",
        )),
    }
}

pub fn unknown_format() -> ApiError {
    let known: Vec<&str> = Format::ALL.into_iter().map(Format::extension).collect();
    let hint = format!("Use one of: {}.", known.join(", "));
    ApiError::new(StatusCode::NOT_FOUND, "unknown_format", "There is no such subtitle format.", &hint)
}

fn unreadable(problem: String) -> ApiError {
    ApiError::bad_request(
        "unreadable_track",
        format!("The track cannot be read: {problem}."),
        "Correct the file.",
    )
}

/// `attachment` with a name that every browser and file system takes (RFC 6266, RFC 5987).
pub fn attachment(title: &str, extension: &str) -> HeaderValue {
    let stem = file_stem(title, extension);
    let plain: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " .-_()".contains(c) { c } else { '_' })
        .collect();
    let mut encoded = String::new();
    for byte in stem.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    let dot = if extension.is_empty() { "" } else { "." };
    let value = format!(
        "attachment; filename=\"{plain}{dot}{extension}\"; filename*=UTF-8''{encoded}{dot}{extension}"
    );
    HeaderValue::try_from(value).expect("everything but plain ASCII was replaced")
}

/// The title without what file systems refuse, and without the ending of the media it names.
pub fn file_stem(title: &str, extension: &str) -> String {
    let cleaned: String = title
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') { '_' } else { c })
        .take(100)
        .collect();
    let mut stem = cleaned.trim().trim_start_matches('.');
    if !extension.is_empty()
        && let Some((name, ending)) = stem.rsplit_once('.')
        && (2..=4).contains(&ending.len())
        && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        stem = name;
    }
    if stem.trim().is_empty() { "subtitles".to_owned() } else { stem.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_has_a_harmless_name() {
        let check = |title: &str, expect: &str| {
            assert_eq!(
                attachment(title, "srt").to_str().unwrap(),
                format!("attachment; {expect}"),
                "{title:?}"
            );
        };
        check("Talk.mp4", "filename=\"Talk.srt\"; filename*=UTF-8''Talk.srt");
        check(
            "a \"b\"\r\nSet-Cookie: x",
            "filename=\"a _b_Set-Cookie_ x.srt\"; filename*=UTF-8''a%20_b_Set-Cookie_%20x.srt",
        );
        check("../../etc/passwd", "filename=\"_.._etc_passwd.srt\"; filename*=UTF-8''_.._etc_passwd.srt");
        check("Ein Gespräch", "filename=\"Ein Gespr_ch.srt\"; filename*=UTF-8''Ein%20Gespr%C3%A4ch.srt");
        check("", "filename=\"subtitles.srt\"; filename*=UTF-8''subtitles.srt");
        check("\u{1b}[2J", "filename=\"_2J.srt\"; filename*=UTF-8''%5B2J.srt");
    }

    #[test]
    fn if_match_takes_the_version_in_every_usual_spelling() {
        let check = |value: &'static str, expect: Option<Version>| {
            let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(value))]);
            assert_eq!(expected_version(&headers).ok(), expect, "{value}");
        };
        check("12", Some(12));
        check("\"12\"", Some(12));
        check("W/\"12\"", Some(12));
        check("\"12-bbc\"", Some(12));
        check("*", None);
        check("\"twelve\"", None);
        assert_eq!(
            expected_version(&HeaderMap::new()).unwrap_err().status,
            StatusCode::PRECONDITION_REQUIRED
        );
    }
}
