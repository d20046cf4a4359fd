//! Languages that the interface speaks, on the server.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

use fluent_langneg::{LanguageIdentifier, NegotiationStrategy, accepted_languages, negotiate_languages};
use leptos::prelude::*;

use super::catalogue::Catalogue;

/// A language other than English, in which texts are kept.
#[derive(Debug)]
pub struct Language {
    /// BCP 47
    pub tag: &'static str,
    pub is_right_to_left: bool,
    /// What a browser loads from `/texts/{tag}?v={version}`.
    pub lines: &'static str,
    /// Changes with the lines.
    pub version: String,
    pub(super) catalogue: Catalogue,
}

pub(super) const FILES: [(&str, &str); 3] = [
    ("de", include_str!("../../locales/de.json")),
    ("es", include_str!("../../locales/es.json")),
    ("fr", include_str!("../../locales/fr.json")),
];

/// Those whose letters run from right to left, for when there is one.
const RIGHT_TO_LEFT: [&str; 4] = ["ar", "fa", "he", "ur"];

static LANGUAGES: LazyLock<Vec<Language>> =
    LazyLock::new(|| FILES.map(|(tag, file)| Language::of(tag, file)).into());

impl Language {
    fn of(tag: &'static str, file: &str) -> Language {
        let texts: BTreeMap<String, String> =
            serde_json::from_str(file).expect("a test reads every file of texts");
        let texts = texts.iter().map(|(key, text)| format!("{key}\t{text}\n"));
        let lines: &str = std::iter::once(format!("{tag}\n")).chain(texts).collect::<String>().leak();
        let mut hasher = DefaultHasher::new();
        lines.hash(&mut hasher);
        let version = format!("{:016x}", hasher.finish());
        let is_right_to_left = RIGHT_TO_LEFT.contains(&tag);
        Language { tag, is_right_to_left, lines, version, catalogue: Catalogue::of_lines(lines) }
    }

    pub fn of_tag(tag: &str) -> Option<&'static Language> {
        LANGUAGES.iter().find(|language| language.tag == tag)
    }

    /// Where a browser loads its texts.
    pub fn address(&self) -> String {
        format!("/texts/{}?v={}", self.tag, self.version)
    }

    /// The one that a browser would rather have than the others, by its `Accept-Language`; `None` is English.
    pub fn accepted(header: &str) -> Option<&'static Language> {
        let wanted = accepted_languages::parse(header);
        let tags = std::iter::once("en").chain(LANGUAGES.iter().map(|language| language.tag));
        let offered: Vec<LanguageIdentifier> = tags.filter_map(|tag| tag.parse().ok()).collect();
        let chosen = negotiate_languages(&wanted, &offered, None, NegotiationStrategy::Lookup);
        let chosen = chosen.first()?.to_string();
        Language::of_tag(&chosen)
    }
}

/// Provided for the page that is rendered.
#[derive(Clone, Copy)]
struct Chosen(&'static Language);

/// That of the page which is rendered here; `None` is English.
pub fn current() -> Option<&'static Language> {
    use_context::<Chosen>().map(|Chosen(language)| language)
}

/// `lang` and `dir` of the document that is rendered here.
pub fn html_attributes() -> (&'static str, &'static str) {
    match current() {
        Some(Language { tag, is_right_to_left: true, .. }) => (tag, "rtl"),
        Some(Language { tag, .. }) => (tag, "ltr"),
        None => ("en", "ltr"),
    }
}

impl Language {
    /// Everything that is rendered below speaks this one.
    pub fn provide(&'static self) {
        provide_context(Chosen(self));
    }
}

/// Renders what is no page of the router in this language.
pub fn in_language<T>(language: Option<&'static Language>, render: impl FnOnce() -> T) -> T {
    Owner::new().with(|| {
        if let Some(language) = language {
            language.provide();
        }
        render()
    })
}
