//! `worker model …`: pulls, lists and shows models.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::download::Patience;
use super::manifest::{Languages, Manifest, ModelKind};
use super::package::default_cache;
use super::progress::{megabytes, say};
use super::pull::{PullSettings, Pulled, pull};
use super::store::{find_in, known};
use crate::config::default_models;

#[derive(Debug, Clone, Subcommand)]
pub enum ModelCommand {
    /// Bring models into the folder of models.
    Pull {
        /// Without a name, the default model. A Whisper model brings the voice activity model along.
        names: Vec<String>,
        /// Check what is there already by its SHA-256.
        #[arg(long)]
        verify: bool,
        /// Pull anew what is there already.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        folder: Folder,
    },
    /// List the models there are.
    List {
        /// Only the names of those in the folder of models.
        #[arg(long)]
        installed: bool,
        #[command(flatten)]
        folder: Folder,
    },
    /// Print the path of a model.
    Path {
        name: String,
        #[command(flatten)]
        folder: Folder,
    },
}

#[derive(Debug, Clone, Args)]
pub struct Folder {
    /// Folder of the models.
    #[arg(long, value_name = "DIR", env = "CUELIGHT_MODELS", default_value_os_t = default_models())]
    pub models: PathBuf,
}

/// Results go to standard output, everything else to standard error.
pub async fn run(command: ModelCommand) -> anyhow::Result<()> {
    let manifest = Manifest::bundled();
    match command {
        ModelCommand::Pull { names, verify, force, folder } => {
            let settings = PullSettings {
                models_dir: folder.models,
                cache_dir: default_cache(),
                patience: Patience::default(),
                verify,
                force,
            };
            pull_all(&manifest, &names, &settings).await
        }
        ModelCommand::List { installed, folder } => {
            let text = list(&manifest, &folder, installed);
            Ok(io::stdout().write_all(text.as_bytes())?)
        }
        ModelCommand::Path { name, folder } => {
            let path = find_in(&manifest, &folder.models, &name)?;
            Ok(writeln!(io::stdout(), "{}", path.display())?)
        }
    }
}

async fn pull_all(manifest: &Manifest, names: &[String], settings: &PullSettings) -> anyhow::Result<()> {
    let names = manifest.with_needed(names);
    // A slip of the keyboard shows before anything is downloaded.
    for name in &names {
        known(manifest, name)?;
    }
    for name in &names {
        match pull(manifest, name, settings).await? {
            Pulled::Already(path) => say(&format!("{name}: already there: {}", path.display())),
            Pulled::Fetched { path, source, took } => {
                let seconds = took.as_secs_f64();
                say(&format!("{name}: pulled from {source} in {seconds:.1} s: {}", path.display()));
            }
        }
    }
    Ok(())
}

/// Plain names if only the installed ones are asked for: made for scripts.
fn list(manifest: &Manifest, folder: &Folder, installed_only: bool) -> String {
    let mut text = String::new();
    for model in &manifest.models {
        let is_installed = find_in(manifest, &folder.models, &model.name).is_ok();
        if installed_only {
            if is_installed {
                text.push_str(&format!("{}\n", model.name));
            }
            continue;
        }
        let does = match (model.kind, model.languages) {
            (ModelKind::Voice, _) => "voice activity",
            (ModelKind::Whisper, Languages::English) => "English",
            (ModelKind::Whisper, Languages::Multilingual) => "multilingual",
        };
        let state = if is_installed { "installed" } else { "" };
        let mut notes = vec![state];
        if model.name == manifest.default {
            notes.push("default");
        }
        notes.retain(|note| !note.is_empty());
        let size = megabytes(model.size);
        let line = format!("{:<12}{size:>10}  {does:<16}{}", model.name, notes.join(", "));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
