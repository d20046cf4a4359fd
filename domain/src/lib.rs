//! The words of the trade: jobs, events, cues, tracks and subtitle formats.
//!
//! Pure on purpose: no I/O, no clock, no async runtime. Everything here compiles for the browser too,
//! and cannot fail except by returning data.

pub mod conformity;
pub mod correction;
pub mod cue;
pub mod event;
pub mod failure;
pub mod format;
pub mod job;
pub mod language;
pub mod message;
pub mod payload;
pub mod peaks;
pub mod segment;
pub mod share;
pub mod spec;
pub mod video;
pub mod view;
#[cfg(any(test, target_family = "wasm"))]
mod wall_time;

pub use correction::{Correction, Corrections};
pub use cue::{Cue, CuePage, Heard, Timestamp, Track, Word};
pub use event::{JobChange, JobEvent};
pub use failure::Failure;
pub use format::{Format, ParseError};
/// Wall-clock time, written as RFC 3339. Media time is [`Timestamp`].
#[cfg(not(target_family = "wasm"))]
pub use jiff::Timestamp as WallTime;
pub use job::{Attempt, Job, JobId, JobStatus, Progress, Stage, Version};
pub use message::{JobMessage, UnreadableMessage};
pub use share::{NewShare, Share, ShareId, ShareView};
pub use spec::{InvalidSpec, JobSpec, Profile, Source, SpecOptions, Task};
pub use video::{Video, VideoHow};
pub use view::{FailureView, JobView};
#[cfg(target_family = "wasm")]
pub use wall_time::WallTime;
