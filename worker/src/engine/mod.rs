//! The child process that decodes and transcribes, and its parent side.
//!
//! Parent: [`Engine`] spawns the child, hands it requests, hears its events, ends it.
//! Child: [`child::run`] is the subcommand `worker engine`.

pub mod child;
mod ctranslate2;
mod ggml;
mod hearing;
mod language;
mod omissions;
mod onsets;
pub mod parent;
mod peaks;
pub mod protocol;
pub mod sandbox;
mod seams;
mod session;
mod sound;
mod tokens;
mod transcriber;
mod voice;
mod whisper;
mod windows;
mod words;

pub use ctranslate2::check as check_ctranslate2;
pub use parent::{Engine, EngineConfig, EngineError};
pub use protocol::{EngineEvent, Request};
pub use sandbox::SandboxMode;
