//! Parts of pages.

mod choices;
mod complaint;
mod drop_zone;
mod header;
mod languages;
mod player;
mod recent;
mod status;
mod submit_form;
mod tools;

pub use choices::{LanguageSelect, ModelSelect, ProfileSelect, TaskSelect};
pub use header::{Header, Reconnecting};
pub use languages::Languages;
pub use player::{NoPlayer, Player, media_address};
pub use recent::RecentJobs;
pub use status::{Facts, Status};
pub use submit_form::SubmitForm;
pub use tools::{Downloads, Removal, RetryForm};
