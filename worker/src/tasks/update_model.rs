//! Models as the manifest has them.

use serde::Serialize;

use crate::model::{Manifest, Patience, PullSettings, Pulled, default_cache, pull};
use crate::process::Worker;

/// Names of models.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Updated {
    /// As the manifest has them.
    pub unchanged: Vec<String>,
    /// Missing or changed; fetched.
    pub fetched: Vec<String>,
}

pub(super) async fn run(worker: &Worker) -> anyhow::Result<Updated> {
    let config = &worker.config;
    let settings = PullSettings {
        models_dir: config.models.clone(),
        cache_dir: default_cache(),
        patience: Patience::default(),
        verify: true,
        force: false,
    };
    update(&Manifest::bundled(), &config.model, &settings).await
}

/// Every model that is here, and those that jobs need: fetched if it is missing or not what the manifest says.
/// A model in use stays whole: a new file takes the name of the old one.
pub async fn update(manifest: &Manifest, default: &str, settings: &PullSettings) -> anyhow::Result<Updated> {
    let installed = manifest.models.iter().filter(|model| settings.models_dir.join(&model.file).exists());
    let mut wanted: Vec<String> = installed.map(|model| model.name.clone()).collect();
    wanted.push(default.to_owned());
    let mut updated = Updated::default();
    for name in manifest.with_needed(&wanted) {
        match pull(manifest, &name, settings).await? {
            Pulled::Already(_) => updated.unchanged.push(name),
            Pulled::Fetched { .. } => updated.fetched.push(name),
        }
    }
    let Updated { unchanged, fetched } = &updated;
    tracing::info!(unchanged = unchanged.len(), fetched = fetched.join(" "), "models are as they should be");
    Ok(updated)
}
