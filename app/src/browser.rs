//! What the pages ask of the browser itself. Compiled for both halves, called in the browser only.

pub mod address;
pub mod reading;
pub mod request;
pub mod scroll;
pub mod storage;
pub mod submission;
pub mod subtitles;
