//! Parts of pages. Those that live in the browser are islands, and what islands are made of.

mod choices;
mod complaint;
mod drop_zone;
mod languages;
mod live_job;
mod player;
mod recent;
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
pub use {live_job::LiveJob, recent::RecentJobs, reconnecting::Reconnecting, submit_form::SubmitForm};
