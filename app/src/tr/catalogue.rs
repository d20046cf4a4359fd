//! The texts of one language.

#[cfg(feature = "hydrate")]
use std::sync::OnceLock;

use super::fill;

/// What English says is a key.
#[derive(Debug)]
pub struct Catalogue {
    /// BCP 47
    pub tag: &'static str,
    /// In the order of their English words.
    texts: Vec<(&'static str, &'static str)>,
}

static ENGLISH: Catalogue = Catalogue { tag: "en", texts: Vec::new() };

#[cfg(feature = "hydrate")]
static LOADED: OnceLock<Catalogue> = OnceLock::new();

/// Before anything is shown. `lines` is empty for English.
#[cfg(feature = "hydrate")]
pub fn load(lines: String) {
    if !lines.is_empty() {
        // Kept as long as the page: texts are borrowed from it everywhere.
        let _ = LOADED.set(Catalogue::of_lines(lines.leak()));
    }
}

impl Catalogue {
    #[cfg(feature = "ssr")]
    pub fn current() -> &'static Catalogue {
        super::languages::current().map_or(&ENGLISH, |language| &language.catalogue)
    }

    #[cfg(not(feature = "ssr"))]
    pub fn current() -> &'static Catalogue {
        #[cfg(feature = "hydrate")]
        return LOADED.get().unwrap_or(&ENGLISH);
        #[cfg(not(feature = "hydrate"))]
        &ENGLISH
    }

    /// The tag, then a text a line in the order of their keys: the key, a tab, the translation.
    pub fn of_lines(lines: &'static str) -> Catalogue {
        let mut lines = lines.lines();
        let tag = lines.next().unwrap_or_default();
        Catalogue { tag, texts: lines.filter_map(|line| line.split_once('\t')).collect() }
    }

    pub fn say(&self, english: &str) -> Option<&'static str> {
        let place = self.texts.binary_search_by(|(key, _)| (*key).cmp(english)).ok()?;
        self.texts.get(place).map(|(_, text)| *text)
    }

    /// Of a text that is filled in already, at its end: `There is no such model: {0}.`
    pub fn say_again(&self, english: &str) -> Option<String> {
        if let Some(text) = self.say(english) {
            return Some(text.to_owned());
        }
        self.texts.iter().find_map(|(key, text)| {
            let (ahead, behind) = key.split_once("{0}")?;
            // So short a beginning could be anybody's.
            let value = english.strip_prefix(ahead).filter(|_| ahead.len() > 8)?.strip_suffix(behind)?;
            (!behind.contains('{')).then(|| fill(text, &[&value]))
        })
    }
}
