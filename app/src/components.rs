//! Parts of pages.

mod choices;
mod complaint;
mod drop_zone;
mod header;
mod jobs;
mod languages;
mod outbox;
mod player;
mod status;
mod submit_form;
mod tools;
mod transcript;

pub use choices::{LanguageSelect, ModelSelect, ProfileSelect, TaskSelect};
pub use header::{Header, Reconnecting};
pub use jobs::Jobs;
pub use languages::Languages;
pub use player::{NoPlayer, Player};
pub use status::{Facts, Status};
pub use submit_form::{SubmitForm, Told};
pub use tools::{Downloads, Removal, RetryForm};
pub use transcript::Transcript;
