//! The child process that decodes and transcribes, and its parent side.

pub mod protocol;
