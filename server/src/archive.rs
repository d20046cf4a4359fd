//! The subtitles of several jobs as one ZIP file, packed while it is sent: one track is in memory at a time.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::vec;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::{Format, JobId, Profile};
use futures::stream;
use zip::result::ZipResult;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use crate::Server;
use crate::error::{ApiError, Result, causes};
use crate::query::{self, Query};
use crate::tracks;

/// Says what is not in the archive, and why.
const LEFT_OUT: &str = "left-out.txt";

/// `GET /api/v1/jobs/archive?ids=&format=srt&profile=`: ids with commas between them, or one `ids` for each.
pub async fn read(State(server): State<Server>, RawQuery(text): RawQuery) -> Result<Response> {
    let ids = query::ids(text.as_deref())?;
    let query = Query::parse(text.as_deref());
    let format = Format::from_extension(query.text("format").unwrap_or("srt"));
    let format = format.ok_or_else(tracks::unknown_format)?;
    let profile = query.profile()?;
    // Before the answer begins: later there is no way to say so.
    let mut is_any_there = false;
    for id in &ids {
        is_any_there = is_any_there || server.hub.job(*id).await?.is_some();
    }
    if !is_any_there {
        return Err(ApiError::no_job());
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"subtitles.zip\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let packing = Packing::new(server, ids, format, profile);
    // An error breaks the answer off, so that nobody takes a part for the whole.
    let pieces = stream::try_unfold(packing, |mut packing| async move {
        match packing.next().await {
            Ok(piece) => Ok(piece.map(|piece| (piece, packing))),
            Err(error) => {
                tracing::warn!(error = %causes(error.as_ref()), "an archive broke off");
                Err(error)
            }
        }
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

struct Packing {
    server: Server,
    ids: vec::IntoIter<JobId>,
    format: Format,
    profile: Option<Profile>,
    /// `None`: its end is written.
    zip: Option<ZipWriter<StreamWriter<Packed>>>,
    packed: Packed,
    names: HashSet<String>,
    left_out: String,
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Packing {
    fn new(server: Server, ids: Vec<JobId>, format: Format, profile: Option<Profile>) -> Packing {
        let packed = Packed::default();
        let zip = Some(ZipWriter::new_stream(packed.clone()));
        let names = HashSet::from([LEFT_OUT.to_owned()]);
        let ids = ids.into_iter();
        Packing { server, ids, format, profile, zip, packed, names, left_out: String::new() }
    }

    /// The next piece of the file; `None` when it is whole.
    async fn next(&mut self) -> Result<Option<Bytes>, Failed> {
        while let Some(id) = self.ids.next() {
            self.add(id).await?;
            let piece = self.packed.take();
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        let Some(mut zip) = self.zip.take() else { return Ok(None) };
        if !self.left_out.is_empty() {
            write(&mut zip, LEFT_OUT, &self.left_out)?;
        }
        zip.finish()?;
        Ok(Some(self.packed.take()))
    }

    async fn add(&mut self, id: JobId) -> Result<(), Failed> {
        let Some(record) = self.server.backend.store.read(id).await? else {
            self.leave_out(&format!("{id}: it was deleted, or is past its time."));
            return Ok(());
        };
        let track = tracks::track_of(&record, self.profile).map_err(|error| error.message)?;
        let title = &record.job.spec.title;
        if track.cues().is_empty() {
            self.leave_out(&format!("{}: it has no subtitles.", tracks::file_stem(title, "")));
            return Ok(());
        }
        let extension = self.format.extension();
        let so_far = if record.job.status.is_terminal() { "" } else { " (so far)" };
        let stem = format!("{}{so_far}", tracks::file_stem(title, extension));
        let name = unique_name(&mut self.names, &stem, extension);
        let Some(zip) = &mut self.zip else { return Ok(()) };
        Ok(write(zip, &name, &self.format.write(&track))?)
    }

    fn leave_out(&mut self, line: &str) {
        self.left_out.push_str(line);
        self.left_out.push('\n');
    }
}

fn write(zip: &mut ZipWriter<StreamWriter<Packed>>, name: &str, text: &str) -> ZipResult<()> {
    zip.start_file(name, SimpleFileOptions::default())?;
    zip.write_all(text.as_bytes())?;
    Ok(())
}

/// Counts up where the name is taken; for file systems that do not tell small letters from capital ones, too.
fn unique_name(names: &mut HashSet<String>, stem: &str, extension: &str) -> String {
    let mut name = format!("{stem}.{extension}");
    let mut number = 2;
    while !names.insert(name.to_lowercase()) {
        name = format!("{stem} ({number}).{extension}");
        number += 1;
    }
    name
}

/// What is packed and not sent yet.
#[derive(Clone, Default)]
struct Packed(Arc<Mutex<Vec<u8>>>);

impl Packed {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let mut names = HashSet::new();
        let given = ["talk", "Talk", "talk", "talk (2)"].map(|stem| unique_name(&mut names, stem, "srt"));
        assert_eq!(given, ["talk.srt", "Talk (2).srt", "talk (3).srt", "talk (2) (2).srt"]);
    }
}
