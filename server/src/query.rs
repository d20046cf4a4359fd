//! Requests to values: query strings, JSON objects and headers, each with errors that name the field.

use std::collections::HashMap;
use std::time::Duration;

use app::api::JobQuery;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use domain::{InvalidSpec, JobId, Profile, SpecOptions, Track};
use serde_json::{Map, Value};

use crate::error::{ApiError, Result};

/// Bodies that are read whole must arrive within this time.
const BODY_PATIENCE: Duration = Duration::from_secs(15);

/// A query string as pairs; the last of a repeated name counts. Total: every string is a query.
pub struct Query(HashMap<String, String>);

impl Query {
    pub fn parse(text: Option<&str>) -> Query {
        let pairs = url::form_urlencoded::parse(text.unwrap_or_default().as_bytes());
        Query(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn number(&self, name: &'static str) -> Result<Option<u64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong = || {
            ApiError::bad_request(
                "wrong_type",
                format!("This must be a whole number: {name}."),
                "Use digits only.",
            )
            .about(name)
        };
        text.parse().map(Some).map_err(|_| wrong())
    }

    pub fn profile(&self) -> Result<Option<Profile>> {
        let Some(text) = self.text("profile") else { return Ok(None) };
        let unknown = || invalid(InvalidSpec::UnknownProfile { profile: text.chars().take(40).collect() });
        Profile::parse(text).map(Some).ok_or_else(unknown)
    }

    /// How much later subtitles shall be, in milliseconds; of a form, where what is empty was not chosen.
    pub fn offset_ms(&self) -> Result<i64> {
        match self.text("offset_ms").map(str::trim).filter(|offset| !offset.is_empty()) {
            None => Ok(0),
            Some(offset) => near(offset.parse().map_err(|_| not_whole())?),
        }
    }

    pub fn listing(&self) -> JobQuery {
        JobQuery::read(|name| self.text(name).unwrap_or_default().to_owned())
    }

    pub fn options(&self) -> SpecOptions {
        let text = |name: &str| self.text(name).map(str::to_owned);
        SpecOptions {
            language: text("language"),
            task: text("task"),
            model: text("model"),
            profile: text("profile"),
            title: text("title"),
        }
    }
}

/// What a JSON body asks for. Unknown fields are ignored: newer callers meet older servers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub url: Option<String>,
    pub options: SpecOptions,
}

impl Wish {
    /// The options of a wish about media that is there already, to which `refusal` of another link belongs.
    pub fn without_url(self, refusal: &str) -> Result<SpecOptions> {
        match self.url {
            None => Ok(self.options),
            Some(_) => Err(ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "url_fixed",
                refusal,
                "Submit a new job for another link.",
            )
            .about("url")),
        }
    }

    /// An empty body is an empty wish.
    pub fn parse(body: &[u8]) -> Result<Wish> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Wish::default());
        }
        let mut fields = object(body)?;
        Ok(Wish {
            url: take_text(&mut fields, "url")?,
            options: SpecOptions {
                language: take_text(&mut fields, "language")?,
                task: take_text(&mut fields, "task")?,
                model: take_text(&mut fields, "model")?,
                profile: take_text(&mut fields, "profile")?,
                title: take_text(&mut fields, "title")?,
            },
        })
    }
}

/// The fields of a body that is one JSON object.
pub fn object(body: &[u8]) -> Result<Map<String, Value>> {
    let malformed = |problem: String| {
        let hint = "Send one JSON object with Content-Type: application/json.";
        ApiError::bad_request("malformed_json", problem, hint)
    };
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(malformed("The body must be a JSON object.".to_owned())),
        Err(error) => Err(malformed(format!("This is not JSON: {error}."))),
    }
}

pub fn take_text(fields: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => {
            let message = format!("This must be text: {name}.");
            Err(ApiError::bad_request("wrong_type", message, "Put it in double quotes.").about(name))
        }
    }
}

/// Unknown and malformed ids look alike.
pub fn job_id(text: &str) -> Result<JobId> {
    text.parse().map_err(|_| ApiError::no_job())
}

/// Jobs that a call takes at once.
const MAX_IDS: usize = 100;

/// Every `ids` of a query or a form, with commas between ids or one at a time; each id once.
pub fn ids(text: Option<&str>) -> Result<Vec<JobId>> {
    let about_ids =
        |code, message: String, hint: &str| ApiError::bad_request(code, message, hint).about("ids");
    let mut ids = Vec::new();
    for (name, value) in url::form_urlencoded::parse(text.unwrap_or_default().as_bytes()) {
        for id in value.split(',').map(str::trim).filter(|id| name == "ids" && !id.is_empty()) {
            let id: JobId = id.parse().map_err(|error: domain::job::InvalidJobId| {
                about_ids(
                    "job_id",
                    format!("One of the ids is none: {error}."),
                    "Take them from the list of jobs.",
                )
            })?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    match ids.len() {
        0 => Err(about_ids("nothing_selected", "No job is selected.".to_owned(), "Select one at least.")),
        1..=MAX_IDS => Ok(ids),
        _ => Err(about_ids(
            "too_many_ids",
            format!("More jobs are selected than can be taken at once: {MAX_IDS}."),
            "Take some of them first.",
        )),
    }
}

pub fn invalid(problem: InvalidSpec) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, problem.code(), problem.message(), &problem.hint())
        .about(problem.field())
}

/// The caller's idempotency key, if any: 1 to 255 visible ASCII characters.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let is_fine = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_fine {
        return Err(ApiError::bad_request(
            "idempotency_key",
            "The Idempotency-Key is not usable.",
            "Use 1 to 255 letters, digits and signs without spaces; a random UUID is a good one.",
        ));
    }
    Ok(Some(text.to_owned()))
}

/// The whole body, if it is small and comes in time.
pub async fn body(body: Body, limit: usize) -> Result<Bytes> {
    let too_large = || {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("The body is larger than this call takes: {limit} bytes."),
            "Send less.",
        )
    };
    let read = axum::body::to_bytes(body, limit);
    match tokio::time::timeout(BODY_PATIENCE, read).await {
        Err(_) => Err(ApiError::too_slow()),
        Ok(Ok(bytes)) => Ok(bytes),
        // Either too long, or the caller hung up and reads no answer.
        Ok(Err(_)) => Err(too_large()),
    }
}

/// No further than subtitles may be moved.
pub fn near(offset_ms: i64) -> Result<i64> {
    if offset_ms.unsigned_abs() <= Track::MAX_OFFSET_MS.unsigned_abs() {
        return Ok(offset_ms);
    }
    let message = "The subtitles would be moved by more than a day.";
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "offset_too_far", message, "Use milliseconds.")
        .about("offset_ms"))
}

pub fn not_whole() -> ApiError {
    let message = "This must be a whole number: offset_ms.";
    ApiError::bad_request("wrong_type", message, "Use milliseconds, as in: -250.").about("offset_ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_names_the_field_of_a_wrong_type() {
        let check = |body: &str, expect: Result<(), (&str, Option<&str>)>| {
            let result = Wish::parse(body.as_bytes()).map(drop).map_err(|error| (error.code, error.field));
            assert_eq!(result, expect, "{body}");
        };
        check("{}", Ok(()));
        check("", Ok(()));
        check(r#"{"url": "http://a/b", "unknown": [1, 2]}"#, Ok(()));
        check(r#"{"url": null}"#, Ok(()));
        check(r#"{"url": 1}"#, Err(("wrong_type", Some("url"))));
        check(r#"{"language": ["en"]}"#, Err(("wrong_type", Some("language"))));
        check("[]", Err(("malformed_json", None)));
        check("{", Err(("malformed_json", None)));
        check("\u{1}", Err(("malformed_json", None)));
    }

    #[test]
    fn a_query_is_total() {
        let query = Query::parse(Some("limit=7&limit=x&profile=bbc&title=%ff%&empty="));
        assert_eq!(query.text("empty"), None);
        assert_eq!(query.profile().unwrap(), Some(Profile::Bbc));
        assert_eq!(query.number("limit").unwrap_err().field, Some("limit"));
        assert_eq!(Query::parse(None).number("limit").unwrap(), None);
    }

    #[test]
    fn ids_come_in_every_usual_spelling() {
        let id = |number: u128| JobId::from_bits(number).to_string();
        let check = |text: String, expect: Result<&[u128], &str>| {
            let result = ids(Some(&text)).map_err(|error| error.code);
            let expect = expect.map(|bits| bits.iter().map(|bits| JobId::from_bits(*bits)).collect());
            assert_eq!(result, expect, "{text}");
        };
        check(format!("ids={},{}&format=srt", id(1), id(2)), Ok(&[1, 2]));
        check(format!("ids={}&ids={}&ids={}", id(2), id(1), id(2)), Ok(&[2, 1]));
        check(format!("ids=,{}%2C&other={}", id(7), id(8)), Ok(&[7]));
        check("ids=".to_owned(), Err("nothing_selected"));
        check(format!("ids={},x", id(1)), Err("job_id"));
        let many: Vec<String> = (0..101).map(id).collect();
        check(format!("ids={}", many.join(",")), Err("too_many_ids"));
    }
}
