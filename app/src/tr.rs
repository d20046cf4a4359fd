//! The interface in the language of whoever reads it.
//!
//! Texts stand in the source in English, and are their own keys, as gettext has it: `app/locales/*.json` say them in
//! other languages. The server knows all of them; a browser loads the one it needs, since texts in every language would
//! make its WASM heavier. A test holds that each language has each text and no other.

mod catalogue;
#[cfg(feature = "ssr")]
mod languages;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::{self, Display};

use leptos::prelude::*;

use catalogue::Catalogue;
#[cfg(feature = "hydrate")]
pub use catalogue::load;
#[cfg(feature = "ssr")]
pub use languages::{Language, current, html_attributes, in_language};

/// A text of the interface, by its English words. It is translated where it is shown, never where it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text(pub &'static str);

impl Text {
    /// In the language of the page.
    pub fn get(self) -> &'static str {
        Catalogue::current().say(self.0).unwrap_or(self.0)
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.get().to_owned()
    }
}

impl IntoRender for Text {
    type Output = &'static str;

    fn into_render(self) -> &'static str {
        self.get()
    }
}

impl IntoAttributeValue for Text {
    type Output = &'static str;

    fn into_attribute_value(self) -> &'static str {
        self.get()
    }
}

/// A text in the language of the page: `tr!("Undo")`, `tr!("{0} of {1}", at, count)`.
macro_rules! tr {
    ($text:literal) => {
        $crate::tr::Text($text).get()
    };
    ($text:literal, $($value:expr),+ $(,)?) => {
        $crate::tr::fill($crate::tr::Text($text).get(), &[$(&$value as &dyn std::fmt::Display),+])
    };
}
pub(crate) use tr;

/// The same by a number, which is `{0}`: `tr_count!(count, "1 job was found", "{0} jobs were found")`.
macro_rules! tr_count {
    ($count:expr, $one:literal, $many:literal $(, $value:expr)* $(,)?) => {{
        let (one, many) = ($crate::tr::Text($one), $crate::tr::Text($many));
        let text = if $crate::tr::is_one($count as u64) { one } else { many };
        $crate::tr::fill(text.get(), &[&$count as &dyn std::fmt::Display $(, &$value)*])
    }};
}
pub(crate) use tr_count;

/// True: the number has the singular. None of our languages has more than two forms for whole numbers.
pub fn is_one(count: u64) -> bool {
    count == 1 || (count == 0 && Catalogue::current().tag == "fr")
}

/// The text with the values in the places of `{0}`, `{1}` …
pub fn fill(text: &str, values: &[&dyn Display]) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((ahead, behind)) = rest.split_once('{') {
        filled.push_str(ahead);
        let (place, behind) = behind.split_once('}').unwrap_or((behind, ""));
        if let Some(value) = place.parse().ok().and_then(|place: usize| values.get(place)) {
            filled.push_str(&value.to_string());
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// Some wording has no sense but in English.
pub fn is_english() -> bool {
    Catalogue::current().tag == "en"
}

/// A number with the decimal sign of the language: a comma in all but English.
pub fn decimal(number: String) -> String {
    if is_english() { number } else { number.replace('.', ",") }
}

/// What the HTTP interface or a worker said in English, as far as it is known here.
pub fn said(english: &str) -> Cow<'_, str> {
    match Catalogue::current().say_again(english) {
        Some(said) => Cow::Owned(said),
        None => Cow::Borrowed(english),
    }
}
