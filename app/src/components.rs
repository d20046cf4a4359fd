//! Parts of pages. Those that live in the browser are islands, and what islands are made of.

mod choices;
mod complaint;
mod drop_zone;
mod jobs;
mod languages;
mod live_job;
mod outbox;
mod player;
mod reconnecting;
mod status;
mod submit_form;
mod tools;

pub use choices::{LanguageSelect, ModelSelect, ProfileSelect, TaskSelect};
pub use languages::Languages;
pub use player::{NoPlayer, Player, media_address};
pub use status::{Facts, Status};
pub use tools::{Downloads, Removal, RetryForm};

/// The islands, which pages are made of.
#[cfg(feature = "ssr")]
pub use {jobs::Jobs, live_job::LiveJob, reconnecting::Reconnecting, submit_form::SubmitForm};
