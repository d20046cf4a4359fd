//! What parent and child say to each other: length-prefixed JSON on the child's standard input and output.

use std::path::PathBuf;

use domain::{Failure, Task, Timestamp, Word};
use serde::{Deserialize, Serialize};

/// Parent to child: one transcription. The child stays warm for the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub media: PathBuf,
    /// ggml weights of Whisper.
    pub model: PathBuf,
    /// ggml weights of the voice activity model.
    pub voice_model: PathBuf,
    pub language: Option<String>,
    pub task: Task,
    /// Windows before this moment are committed already: start here.
    pub resume_from: Timestamp,
    /// Media longer than this fails with `MediaTooLong`.
    pub max_duration_ms: u64,
}

/// Child to parent. After `Finished` or `Failed` the child waits for the next request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EngineEvent {
    /// The media is open and has sound. The length is what the container claims, if anything.
    Opened { duration_ms: Option<u64> },
    /// The language of the speech, given or detected in the first window with speech.
    Language { tag: String },
    /// A stretch of media is done; windows come in order and without overlap. Without speech, `words` is empty.
    Window { start: Timestamp, end: Timestamp, words: Vec<Word> },
    /// The whole media was heard.
    Finished { duration_ms: u64 },
    /// The media or the request is at fault; the child is well.
    Failed { failure: Failure },
}
