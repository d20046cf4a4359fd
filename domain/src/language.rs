//! The languages Whisper knows.

/// A language as Whisper names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language {
    /// Whisper's code, which is a BCP 47 tag too.
    pub code: &'static str,
    pub name: &'static str,
}

pub const LANGUAGES: &[Language] = &[Language { code: "en", name: "English" }];

pub fn find(code: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.code == code)
}
