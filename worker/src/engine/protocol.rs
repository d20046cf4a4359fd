//! What parent and child say to each other: length-prefixed JSON on the child's standard input and output.
//!
//! A frame is its length as a little-endian `u32` and that many bytes of JSON. An empty frame is a sign of
//! life: the child works but has nothing to tell yet.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use domain::{Failure, Task, Timestamp, Word};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::audio::MediaDecoder;

/// A longer frame than this is no frame of ours: something else wrote to the pipe.
pub const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;

/// Parent to child: one transcription. The child stays warm for the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub media: PathBuf,
    /// ggml weights of Whisper.
    pub model: PathBuf,
    /// ggml weights of the voice activity model.
    pub voice_model: PathBuf,
    /// Of the speech; detected, if not given.
    pub language: Option<String>,
    /// Of several sound tracks, the first one in this language is heard. Not the language of the speech: what an earlier
    /// attempt detected must not lead the next one to another track.
    #[serde(default)]
    pub track_language: Option<String>,
    #[serde(default)]
    pub decoder: MediaDecoder,
    pub task: Task,
    /// Windows before this moment are committed already: start here.
    pub resume_from: Timestamp,
    /// The last words committed before it: what follows may begin a sentence, or repeat what was cut off.
    #[serde(default)]
    pub previous_words: Vec<Word>,
    /// Media longer than this fails with `MediaTooLong`.
    pub max_duration_ms: u64,
}

impl Request {
    /// How many words the child remembers of the window before.
    pub const PREVIOUS_WORDS: usize = 4;
}

/// Child to parent. After `Finished` or `Failed` the child waits for the next request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EngineEvent {
    /// The media is open and has sound. The length is what the container claims, if anything.
    Opened { duration_ms: Option<u64> },
    /// The language of the speech, given or detected in the first windows with speech; then with its probability.
    Language { tag: String, probability: Option<f32> },
    /// A stretch of media is done; windows come in order and without overlap. Without speech, `words` is empty.
    /// `peaks` says how loud it is: [`domain::peaks`].
    Window { start: Timestamp, end: Timestamp, words: Vec<Word>, peaks: String },
    /// The whole media was heard.
    Finished { duration_ms: u64 },
    /// The media or the request is at fault; the child is well.
    Failed { failure: Failure },
}

impl EngineEvent {
    /// Nothing follows until the next request.
    pub fn is_last(&self) -> bool {
        matches!(self, EngineEvent::Finished { .. } | EngineEvent::Failed { .. })
    }
}

/// A value as one frame. Fails when the JSON would exceed [`MAX_FRAME_BYTES`].
pub fn encode(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, value)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame too long"));
    }
    frame[..4].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(frame)
}

/// The inside of a frame.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    serde_json::from_slice(body).map_err(io::Error::from)
}

/// The length in a frame's head, refused when no honest frame has it.
pub fn body_length(head: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(head) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("frame of {length} bytes")));
    }
    Ok(length)
}

/// Reads one frame, blocking. `None` at a clean end of the stream.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut body = vec![0; body_length(head)?];
    from.read_exact(&mut body)?;
    decode(&body).map(Some)
}

/// Writes one frame, blocking, and flushes it.
pub fn write(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    to.write_all(&encode(value)?)?;
    to.flush()
}

/// Writes the empty frame that says the child is alive.
pub fn write_sign_of_life(to: &mut impl Write) -> io::Result<()> {
    to.write_all(&[0; 4])?;
    to.flush()
}
