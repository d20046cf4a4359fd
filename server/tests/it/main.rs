//! The server over real sockets, with the real embedded backend. Where a worker is needed, the test plays it through
//! the same ports.

#![allow(clippy::unwrap_used, reason = "clippy knows only functions marked as tests, not what they share")]

mod archive;
mod aws;
mod corrections;
mod counting;
mod deaf;
mod doctor;
#[path = "../../../backend/tests/it/aws/emulator.rs"]
mod emulator;
mod forms;
mod hook;
mod isolated;
mod jobs;
mod languages;
mod list;
mod listener;
mod media;
mod metrics;
mod ops;
mod pages;
mod process;
mod provision;
#[path = "../../../backend/tests/it/aws/proxy.rs"]
#[expect(dead_code, reason = "the tests of the adapters use more of it")]
mod proxy;
mod reconcile;
mod serving;
mod settings;
mod shares;
mod sns;
mod socket;
mod starting;
mod support;
mod tracks;
mod uploads;
mod videos;
