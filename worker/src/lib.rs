//! The only crate that knows audio and the model.

pub mod attempt;
pub mod audio;
pub mod config;
pub mod doctor;
pub mod ending;
pub mod engine;
pub mod fetch;
pub mod heartbeat;
pub mod lease;
pub mod meter;
pub mod model;
mod pages;
pub mod process;
pub mod pull;
pub mod push;
pub mod retry;
pub mod scratch;
pub mod speed;
pub mod stop;
pub mod tasks;
pub mod transcribe;
pub mod video;
