//! The model store: a folder of files that the engine loads, and the ways to fill it.
//!
//! A file has its final name only after its SHA-256 was found right, so a worker trusts what it finds: it looks at
//! the name and the size. Fetching happens on command, and by the task that holds
//! the models against the manifest: a file in use stays whole, since the new one takes its name.

mod command;
mod convert;
mod ctranslate;
mod download;
mod manifest;
mod package;
mod progress;
mod pull;
mod store;
mod vocabulary;

pub use command::{ModelCommand, run};
pub use convert::{ConvertError, convert};
pub use ctranslate::WeightsError;
pub use download::Patience;
pub use manifest::{Languages, Manifest, ManifestError, Model, ModelKind, Package, PackageFormat, Source};
pub use package::default_cache;
pub use pull::{PullSettings, Pulled, SourceError, SourceFailure, pull};
pub use store::{ModelError, find, find_in, voice};
pub use vocabulary::VocabularyError;

pub use crate::config::default_models as default_folder;
