//! Why a wish is no job.

/// What is wrong with one field of a wish, for the person who filled it in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub enum InvalidSpec {
    UrlMissing,
    UrlMalformed,
    UrlScheme {
        scheme: String,
    },
    /// A name or password before the host: it would end up in lists and logs.
    UrlUserInfo,
    UrlTooLong,
    FileMissing,
    UnknownLanguage {
        language: String,
    },
    UnknownTask {
        task: String,
    },
    ModelName {
        model: String,
    },
    EnglishModelOnly {
        model: String,
        language: String,
    },
    EnglishModelTranslates {
        model: String,
    },
    UnknownProfile {
        profile: String,
    },
}

impl InvalidSpec {
    /// The name in JSON and in addresses, stable for programs.
    pub fn code(&self) -> &'static str {
        match self {
            InvalidSpec::UrlMissing => "url_missing",
            InvalidSpec::UrlMalformed => "url_malformed",
            InvalidSpec::UrlScheme { .. } => "url_scheme",
            InvalidSpec::UrlUserInfo => "url_user_info",
            InvalidSpec::UrlTooLong => "url_too_long",
            InvalidSpec::FileMissing => "file_missing",
            InvalidSpec::UnknownLanguage { .. } => "unknown_language",
            InvalidSpec::UnknownTask { .. } => "unknown_task",
            InvalidSpec::ModelName { .. } => "model_name",
            InvalidSpec::EnglishModelOnly { .. } => "english_model_only",
            InvalidSpec::EnglishModelTranslates { .. } => "english_model_translates",
            InvalidSpec::UnknownProfile { .. } => "unknown_profile",
        }
    }

    /// The field it is about: `url`, `file`, `language`, `task`, `model` or `profile`. There is no bad title.
    pub fn field(&self) -> &'static str {
        match self {
            InvalidSpec::UrlMissing
            | InvalidSpec::UrlMalformed
            | InvalidSpec::UrlScheme { .. }
            | InvalidSpec::UrlUserInfo
            | InvalidSpec::UrlTooLong => "url",
            InvalidSpec::FileMissing => "file",
            InvalidSpec::UnknownLanguage { .. } => "language",
            InvalidSpec::UnknownTask { .. } => "task",
            InvalidSpec::ModelName { .. }
            | InvalidSpec::EnglishModelOnly { .. }
            | InvalidSpec::EnglishModelTranslates { .. } => "model",
            InvalidSpec::UnknownProfile { .. } => "profile",
        }
    }

    /// One sentence: what is wrong.
    pub fn message(&self) -> String {
        match self {
            InvalidSpec::UrlMissing => "There is no link.".into(),
            InvalidSpec::UrlMalformed => "This is not a complete link.".into(),
            InvalidSpec::UrlScheme { scheme } => format!("Links of this kind cannot be fetched: {scheme}."),
            InvalidSpec::UrlUserInfo => "The link holds a user name or a password.".into(),
            InvalidSpec::UrlTooLong => {
                format!("The link is longer than links may be: {} bytes.", super::MAX_URL_BYTES)
            }
            InvalidSpec::FileMissing => "There is no file.".into(),
            InvalidSpec::UnknownLanguage { language } => {
                format!("Whisper does not know this language: {language}.")
            }
            InvalidSpec::UnknownTask { task } => format!("There is no such task: {task}."),
            InvalidSpec::ModelName { model } => format!("This is not the name of a model: {model}."),
            InvalidSpec::EnglishModelOnly { model, language } => {
                format!("The model {model} hears English only, and this language was chosen: {language}.")
            }
            InvalidSpec::EnglishModelTranslates { model } => {
                format!("A model for English only cannot translate: {model}.")
            }
            InvalidSpec::UnknownProfile { profile } => format!("There is no such profile: {profile}."),
        }
    }

    /// One sentence: what to do now.
    pub fn hint(&self) -> String {
        match self {
            InvalidSpec::UrlMissing | InvalidSpec::FileMissing => "Paste a link, or choose a file.",
            InvalidSpec::UrlMalformed | InvalidSpec::UrlScheme { .. } => {
                "Paste a link that starts with https:// or http://."
            }
            InvalidSpec::UrlUserInfo => "Remove what stands before the @, or drop the file here instead.",
            InvalidSpec::UrlTooLong => "Use a shorter link, or drop the file here instead.",
            InvalidSpec::UnknownLanguage { .. } => "Choose one of the list, or let it be detected.",
            InvalidSpec::UnknownTask { .. } => "Use one of: transcribe, translate; or both, for a new job.",
            InvalidSpec::ModelName { .. } => {
                "Use letters, digits, dots, dashes and underscores, at most 64, as in: base."
            }
            InvalidSpec::EnglishModelOnly { .. } | InvalidSpec::EnglishModelTranslates { .. } => {
                "Choose a model without .en in its name."
            }
            InvalidSpec::UnknownProfile { .. } => "Use one of: netflix, bbc, ted, shorts.",
        }
        .into()
    }
}
