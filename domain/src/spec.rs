//! What somebody asked for. Text becomes a [`JobSpec`] here, once.

use serde::{Deserialize, Serialize};
use url::Url;

pub use self::invalid::InvalidSpec;
use crate::{JobId, Video, language};

mod invalid;
mod title;

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
    /// The job whose media this one translates: it may have the media already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translation_of: Option<JobId>,
    /// Nothing is heard: the job makes this video. `profile` is the layout of its subtitles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Video>,
}

/// The choices beside the media, as forms, queries and JSON bring them. An empty text is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpecOptions {
    /// A tag of [`language::LANGUAGES`]; empty or `auto` lets the model detect it.
    pub language: Option<String>,
    /// [`Task::as_str`].
    pub task: Option<String>,
    pub model: Option<String>,
    /// [`Profile::as_str`].
    pub profile: Option<String>,
    pub title: Option<String>,
}

impl JobSpec {
    /// A job for a direct http or https link to media.
    pub fn link(url: &str, options: &SpecOptions) -> Result<JobSpec, InvalidSpec> {
        let url = checked_url(url)?;
        let title = title::of_url(&url);
        JobSpec::with_defaults(Source::Link { url: url.into() }, title).with_options(options)
    }

    /// A job for a file that is, or will be, in the media store under the job's id.
    pub fn upload(filename: &str, bytes: u64, options: &SpecOptions) -> Result<JobSpec, InvalidSpec> {
        let filename = title::of_filename(filename);
        if filename.is_empty() {
            return Err(InvalidSpec::FileMissing);
        }
        let source = Source::Upload { filename: filename.clone(), bytes };
        JobSpec::with_defaults(source, filename).with_options(options)
    }

    /// A job that makes a video of the media and the track of this one.
    pub fn video(&self, video: Video, profile: Profile) -> JobSpec {
        let title = title::of_video(&self.title, video.how.words());
        JobSpec { profile, title, translation_of: None, video: Some(video), ..self.clone() }
    }

    /// The same wish with other choices: what is given replaces, what is `None` stays. An empty text goes
    /// back to the default; an empty title changes nothing.
    pub fn with_options(mut self, options: &SpecOptions) -> Result<JobSpec, InvalidSpec> {
        let SpecOptions { language, task, model, profile, title } = options;
        if let Some(text) = trimmed(language) {
            self.language = match text {
                "" | "auto" => None,
                text => Some(checked_language(text)?.to_owned()),
            };
        }
        if let Some(text) = trimmed(task) {
            self.task = match text {
                "" => Task::default(),
                text => {
                    Task::parse(text).ok_or_else(|| InvalidSpec::UnknownTask { task: shortened(text) })?
                }
            };
        }
        if let Some(text) = trimmed(model) {
            self.model = match text {
                "" => None,
                text => Some(checked_model(text)?.to_owned()),
            };
        }
        if let Some(text) = trimmed(profile) {
            let unknown = || InvalidSpec::UnknownProfile { profile: shortened(text) };
            self.profile = match text {
                "" => Profile::default(),
                text => Profile::parse(text).ok_or_else(unknown)?,
            };
        }
        if let Some(text) = title {
            let title = title::cleaned(text);
            if !title.is_empty() {
                self.title = title;
            }
        }
        self.checked_english()
    }

    /// Whether the media is in the media store before anybody worked on the job.
    pub fn has_media_before(&self) -> bool {
        // That of a video is the video.
        self.video.is_none() && matches!(self.source, Source::Upload { .. })
    }

    fn with_defaults(source: Source, title: String) -> JobSpec {
        let (task, profile) = (Task::default(), Profile::default());
        JobSpec {
            source,
            language: None,
            task,
            model: None,
            profile,
            title,
            translation_of: None,
            video: None,
        }
    }

    /// Models whose name ends in `.en` hear English only, and have no other language to translate from.
    fn checked_english(self) -> Result<JobSpec, InvalidSpec> {
        let Some(model) = self.model.as_deref().filter(|model| model.ends_with(".en")) else {
            return Ok(self);
        };
        let model = model.to_owned();
        if self.task == Task::Translate {
            return Err(InvalidSpec::EnglishModelTranslates { model });
        }
        match &self.language {
            Some(language) if language != "en" => {
                Err(InvalidSpec::EnglishModelOnly { model, language: language.clone() })
            }
            _ => Ok(self),
        }
    }
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

impl Task {
    pub const ALL: [Task; 2] = [Task::Transcribe, Task::Translate];

    pub fn as_str(self) -> &'static str {
        match self {
            Task::Transcribe => "transcribe",
            Task::Translate => "translate",
        }
    }

    pub fn parse(text: &str) -> Option<Task> {
        Task::ALL.into_iter().find(|task| task.as_str() == text)
    }
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

/// Longer links are refused: browsers and proxies do not carry them either.
pub const MAX_URL_BYTES: usize = 2_048;

/// Longer model names are refused.
pub const MAX_MODEL_NAME: usize = 64;

fn checked_url(text: &str) -> Result<Url, InvalidSpec> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidSpec::UrlMissing);
    }
    if text.len() > MAX_URL_BYTES {
        return Err(InvalidSpec::UrlTooLong);
    }
    let mut url = Url::parse(text).map_err(|_| InvalidSpec::UrlMalformed)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(InvalidSpec::UrlScheme { scheme: shortened(url.scheme()) });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidSpec::UrlUserInfo);
    }
    // Never sent to the site, so it is no part of what is fetched.
    url.set_fragment(None);
    // Percent-encoding made it longer.
    if url.as_str().len() > MAX_URL_BYTES {
        return Err(InvalidSpec::UrlTooLong);
    }
    Ok(url)
}

fn checked_language(text: &str) -> Result<&'static str, InvalidSpec> {
    let language = language::find(text);
    language
        .map(|language| language.code)
        .ok_or_else(|| InvalidSpec::UnknownLanguage { language: shortened(text) })
}

fn checked_model(text: &str) -> Result<&str, InvalidSpec> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    // A name that starts with a dot could be a path: `..`.
    if text.len() > MAX_MODEL_NAME || text.starts_with('.') || !text.bytes().all(is_name) {
        return Err(InvalidSpec::ModelName { model: shortened(text) });
    }
    Ok(text)
}

fn trimmed(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim)
}

/// Fit to be shown back to whoever sent it.
fn shortened(text: &str) -> String {
    title::cleaned(text).chars().take(40).collect()
}

#[cfg(test)]
mod tests;
