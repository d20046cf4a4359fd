//! What somebody asked for.

use serde::{Deserialize, Serialize};

/// The wish behind a job. Kept for its whole life, so that a retry keeps its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    pub source: Source,
    /// BCP 47 tag of the speech; `None` lets the model detect it.
    pub language: Option<String>,
    #[serde(default)]
    pub task: Task,
    /// Name in the model manifest; `None` takes the worker's default.
    pub model: Option<String>,
    #[serde(default)]
    pub profile: Profile,
    /// What people see in lists: given, or made from the link or the file name.
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Source {
    /// A direct http or https link to media; the worker fetches it.
    Link { url: String },
    /// Already in the media store, under the job's id.
    Upload { filename: String, bytes: u64 },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    #[default]
    Transcribe,
    /// Into English; the only direction Whisper knows.
    Translate,
}

/// The house style that cues are laid out to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    #[default]
    Netflix,
    Bbc,
    Ted,
    Shorts,
}

impl Profile {
    pub const ALL: [Profile; 4] = [Profile::Netflix, Profile::Bbc, Profile::Ted, Profile::Shorts];

    pub fn as_str(self) -> &'static str {
        match self {
            Profile::Netflix => "netflix",
            Profile::Bbc => "bbc",
            Profile::Ted => "ted",
            Profile::Shorts => "shorts",
        }
    }

    pub fn parse(text: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|profile| profile.as_str() == text)
    }
}
