//! Parts of pages. Those that live in the browser are islands, and what islands are made of.

mod choices;
mod complaint;
mod drop_zone;
#[cfg(any(feature = "ssr", feature = "start"))]
mod jobs;
mod languages;
#[cfg(any(feature = "ssr", feature = "job"))]
mod live_job;
#[cfg(any(feature = "ssr", all(feature = "job", not(feature = "editor"))))]
mod live_video;
#[cfg(any(feature = "ssr", feature = "start"))]
mod outbox;
mod player;
mod reconnecting;
mod status;
mod strip;
#[cfg(any(feature = "ssr", feature = "start"))]
mod submit_form;
#[cfg(feature = "ssr")]
mod tools;

pub use choices::{ExpirySelect, LanguageSelect, ModelSelect, ProfileSelect, TaskSelect};
pub use languages::Languages;
pub use player::{NoPlayer, Player, media_address, media_at};
pub use status::{Facts, Status};

/// The islands, which pages are made of, and what stands beside them.
#[cfg(feature = "ssr")]
pub use {
    jobs::Jobs,
    live_job::LiveJob,
    live_video::LiveVideo,
    reconnecting::Reconnecting,
    submit_form::SubmitForm,
    tools::{Again, Downloads, Removal},
};
