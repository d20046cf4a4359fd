//! What concerns the whole workspace, and what other programs make of our files.

#![allow(clippy::unwrap_used, reason = "clippy knows only functions marked as tests, not what they share")]

mod architecture;
mod foreign;
