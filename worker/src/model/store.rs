//! What lies in the folder of models.

use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{Manifest, Model};
use super::pull::{SourceFailure, lines};

/// Path of the installed model `name`. Looks at name and size only: the content was checked when it was pulled.
pub fn find(models_dir: &Path, name: &str) -> Result<PathBuf, ModelError> {
    find_in(&Manifest::bundled(), models_dir, name)
}

/// Path of the installed model that tells speech from silence.
pub fn voice(models_dir: &Path) -> Result<PathBuf, ModelError> {
    let manifest = Manifest::bundled();
    let model = manifest.voice().expect("a test finds the voice model in the bundled manifest");
    find_in(&manifest, models_dir, &model.name)
}

/// [`find`] for another manifest than the bundled one.
pub fn find_in(manifest: &Manifest, models_dir: &Path, name: &str) -> Result<PathBuf, ModelError> {
    let model = known(manifest, name)?;
    let path = models_dir.join(&model.file);
    match std::fs::metadata(&path) {
        Ok(metadata) if metadata.len() == model.size => Ok(path),
        Ok(metadata) => Err(ModelError::Damaged {
            name: model.name.clone(),
            path,
            expected: model.size,
            found: metadata.len(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ModelError::Missing(model.name.clone())),
        Err(source) => Err(ModelError::Folder { path, source }),
    }
}

/// The model of that name, or an error that lists those there are.
pub(super) fn known<'a>(manifest: &'a Manifest, name: &str) -> Result<&'a Model, ModelError> {
    manifest
        .model(name)
        .ok_or_else(|| ModelError::Unknown { name: name.to_owned(), known: manifest.names().join(", ") })
}

/// Why a model cannot be had. The first line says what is wrong, a further one what to do.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("there is no model called {name}\nknown models: {known}")]
    Unknown { name: String, known: String },
    #[error("the model {0} is not installed\npull it with: worker model pull {0}")]
    Missing(String),
    #[error(
        "the model {name} is damaged, {found} bytes instead of {expected}: {}\npull it with: worker model pull {name}",
        path.display()
    )]
    Damaged { name: String, path: PathBuf, expected: u64, found: u64 },
    #[error("the folder of models cannot be used: {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error(
        "the model {} could not be pulled{}\nrepeat the command when the cause is gone, or place a file of {} bytes \
         with SHA-256 {} there: {}",
        model.name, lines(failures), model.size, model.sha256, path.display()
    )]
    Unobtainable { model: Box<Model>, path: PathBuf, failures: Vec<SourceFailure> },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_by_name_and_size() {
        let folder = tempfile::tempdir().unwrap();
        let missing = voice(folder.path()).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "the model silero-vad is not installed\npull it with: worker model pull silero-vad"
        );

        let path = folder.path().join("ggml-silero-v6.2.0.bin");
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(voice(folder.path()), Err(ModelError::Damaged { found: 5, expected: 885_098, .. })));

        std::fs::write(&path, vec![0; 885_098]).unwrap();
        assert_eq!(voice(folder.path()).unwrap(), path);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = find(Path::new("/nowhere"), "huge").unwrap_err().to_string();
        assert!(error.starts_with("there is no model called huge\nknown models: tiny.en, base, "), "{error}");
    }
}
