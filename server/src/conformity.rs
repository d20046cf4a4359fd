//! Where the subtitles so far do not keep to a house style.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::conformity::{self, Fault};
use domain::{Profile, Timestamp, Track};
use serde::Serialize;

use crate::Server;
use crate::error::{ApiError, Result};
use crate::query::{self, Query};
use crate::tracks::{attachment, track_of};

#[derive(Serialize)]
struct Report<'a> {
    profile: Profile,
    cues: usize,
    /// Those with faults, in order.
    faulty: Vec<Faulty<'a>>,
}

#[derive(Serialize)]
struct Faulty<'a> {
    /// From 1, as in SubRip.
    number: usize,
    start: Timestamp,
    end: Timestamp,
    text: &'a str,
    faults: &'a [Fault],
}

/// `GET /api/v1/jobs/{id}/conformity?profile=&format=csv&download=1`: JSON unless told otherwise, and the job's own
/// profile. The cues are held against it as they are, and not laid out anew.
pub async fn read(
    State(server): State<Server>,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let id = query::job_id(&id)?;
    let query = Query::parse(text.as_deref());
    let profile = query.profile()?;
    let extension = match query.text("format") {
        None | Some("json") => "json",
        Some("csv") => "csv",
        Some(_) => return Err(unknown_format()),
    };
    let record = server.backend.store.read(id).await?.ok_or_else(ApiError::no_job)?;
    let profile = profile.unwrap_or(record.job.spec.profile);
    let track = track_of(&record, None)?;
    let faults = conformity::check(track.cues(), profile);
    let report = report(&track, &faults, profile);
    let mut response = match extension {
        "csv" => ([(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present")], csv(&report))
            .into_response(),
        _ => Json(report).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if query.text("download") == Some("1") {
        let title = format!("{}, {}", record.job.spec.title, profile.as_str());
        headers.insert(header::CONTENT_DISPOSITION, attachment(&title, extension));
    }
    Ok(response)
}

fn report<'a>(track: &'a Track, faults: &'a [Vec<Fault>], profile: Profile) -> Report<'a> {
    let cues = track.cues();
    let found = cues.iter().zip(faults).enumerate().filter(|(_, (_, faults))| !faults.is_empty());
    let faulty = found.map(|(at, (cue, faults))| Faulty {
        number: at + 1,
        start: cue.start,
        end: cue.end,
        text: &cue.text,
        faults,
    });
    Report { profile, cues: cues.len(), faulty: faulty.collect() }
}

/// One line for each fault (RFC 4180).
fn csv(report: &Report<'_>) -> String {
    let mut text = String::from("number,start,end,fault,is,limit,text\r\n");
    for Faulty { number, start, end, text: said, faults } in &report.faulty {
        for fault in *faults {
            let (name, measured) = named(*fault);
            let measured = measured.map_or_else(|| ",".into(), |(is, limit)| format!("{is},{limit}"));
            text.push_str(&format!("{number},{start},{end},{name},{measured},{}\r\n", quoted(said)));
        }
    }
    text
}

/// The same names as in JSON; what it has, and what the profile asks for.
fn named(fault: Fault) -> (&'static str, Option<(u64, u64)>) {
    match fault {
        Fault::Empty => ("empty", None),
        Fault::TooManyLines { is, most } => ("too_many_lines", Some((is, most))),
        Fault::LineTooLong { is, most } => ("line_too_long", Some((is, most))),
        Fault::TooFast { is, most } => ("too_fast", Some((is, most))),
        Fault::TooShort { is, least } => ("too_short", Some((is, least))),
        Fault::TooLong { is, most } => ("too_long", Some((is, most))),
        Fault::GapTooSmall { is, least } => ("gap_too_small", Some((is, least))),
    }
}

/// A text that begins like a formula would be one in a spreadsheet, so it begins with an apostrophe instead.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

fn unknown_format() -> ApiError {
    ApiError::bad_request("unknown_format", "There is no report in this format.", "Ask for json or csv.")
}

#[cfg(test)]
mod tests {
    use domain::Cue;

    use super::*;

    #[test]
    fn a_report_is_a_table_that_no_cue_breaks_out_of() {
        let cue = |start, end, text: &str| Cue {
            start: Timestamp(start),
            end: Timestamp(end),
            text: text.into(),
            doubts: Vec::new(),
        };
        let cues = vec![cue(0, 2_000, "Fine."), cue(3_000, 3_500, "=\"a\",\nb"), cue(9_000, 10_000, " ")];
        let track = Track::new(None, cues).unwrap();
        let faults = conformity::check(track.cues(), Profile::Netflix);
        assert_eq!(
            csv(&report(&track, &faults, Profile::Netflix)),
            "number,start,end,fault,is,limit,text\r\n\
             2,00:00:03.000,00:00:03.500,too_short,500,833,\"'=\"\"a\"\",\nb\"\r\n\
             3,00:00:09.000,00:00:10.000,empty,,,\" \"\r\n"
        );
        for fault in faults.into_iter().flatten() {
            assert_eq!(serde_json::to_value(fault).unwrap()["fault"], named(fault).0);
        }
    }
}
