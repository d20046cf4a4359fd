//! One binary for all integration tests of the worker.
// Helpers are test code too, which `allow-unwrap-in-tests` does not see outside of `#[test]` functions.
#![allow(clippy::unwrap_used)]

mod accuracy;
mod calls;
mod channels;
mod crash;
mod daemon;
mod doctor;
mod elasticbeanstalk;
mod engine;
mod fetch;
mod heartbeat;
mod kill;
mod languages;
mod media;
mod model;
mod model_convert;
mod process;
mod process_support;
mod push;
mod sandbox;
mod settings;
mod support;
mod timeline;
mod video;
