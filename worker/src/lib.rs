//! The only crate that knows audio and the model.

pub mod audio;
pub mod engine;
pub mod fetch;
pub mod lease;
pub mod model;
pub mod process;
pub mod pull;
pub mod transcribe;
