//! The languages Whisper knows.

/// A language as Whisper names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language {
    /// Whisper's code: a BCP 47 tag, but for Javanese, which Whisper calls `jw`.
    pub code: &'static str,
    /// In English.
    pub name: &'static str,
}

/// A detected language this probable is believed; below it more speech is heard, and people are asked to look.
pub const CERTAIN: f32 = 0.9;

/// The language that a tag means, whatever its case and region: `en-GB`, `EN` and `en` are one.
pub fn find(code: &str) -> Option<&'static Language> {
    let primary = code.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let primary =
        ALIASES.iter().find(|(alias, _)| *alias == primary).map_or(primary.as_str(), |(_, code)| code);
    LANGUAGES.iter().find(|language| language.code == primary)
}

/// Tags that other programs use for what Whisper files under another code.
const ALIASES: &[(&str, &str)] =
    &[("cmn", "zh"), ("fil", "tl"), ("in", "id"), ("iw", "he"), ("ji", "yi"), ("jv", "jw"), ("nb", "no")];

const fn language(code: &'static str, name: &'static str) -> Language {
    Language { code, name }
}

/// In the order of Whisper's own ids: the index of a language is its id. Cantonese came with large-v3, so
/// older models know the first 99 only.
pub const LANGUAGES: &[Language] = &[
    language("en", "English"),
    language("zh", "Chinese"),
    language("de", "German"),
    language("es", "Spanish"),
    language("ru", "Russian"),
    language("ko", "Korean"),
    language("fr", "French"),
    language("ja", "Japanese"),
    language("pt", "Portuguese"),
    language("tr", "Turkish"),
    language("pl", "Polish"),
    language("ca", "Catalan"),
    language("nl", "Dutch"),
    language("ar", "Arabic"),
    language("sv", "Swedish"),
    language("it", "Italian"),
    language("id", "Indonesian"),
    language("hi", "Hindi"),
    language("fi", "Finnish"),
    language("vi", "Vietnamese"),
    language("he", "Hebrew"),
    language("uk", "Ukrainian"),
    language("el", "Greek"),
    language("ms", "Malay"),
    language("cs", "Czech"),
    language("ro", "Romanian"),
    language("da", "Danish"),
    language("hu", "Hungarian"),
    language("ta", "Tamil"),
    language("no", "Norwegian"),
    language("th", "Thai"),
    language("ur", "Urdu"),
    language("hr", "Croatian"),
    language("bg", "Bulgarian"),
    language("lt", "Lithuanian"),
    language("la", "Latin"),
    language("mi", "Maori"),
    language("ml", "Malayalam"),
    language("cy", "Welsh"),
    language("sk", "Slovak"),
    language("te", "Telugu"),
    language("fa", "Persian"),
    language("lv", "Latvian"),
    language("bn", "Bengali"),
    language("sr", "Serbian"),
    language("az", "Azerbaijani"),
    language("sl", "Slovenian"),
    language("kn", "Kannada"),
    language("et", "Estonian"),
    language("mk", "Macedonian"),
    language("br", "Breton"),
    language("eu", "Basque"),
    language("is", "Icelandic"),
    language("hy", "Armenian"),
    language("ne", "Nepali"),
    language("mn", "Mongolian"),
    language("bs", "Bosnian"),
    language("kk", "Kazakh"),
    language("sq", "Albanian"),
    language("sw", "Swahili"),
    language("gl", "Galician"),
    language("mr", "Marathi"),
    language("pa", "Punjabi"),
    language("si", "Sinhala"),
    language("km", "Khmer"),
    language("sn", "Shona"),
    language("yo", "Yoruba"),
    language("so", "Somali"),
    language("af", "Afrikaans"),
    language("oc", "Occitan"),
    language("ka", "Georgian"),
    language("be", "Belarusian"),
    language("tg", "Tajik"),
    language("sd", "Sindhi"),
    language("gu", "Gujarati"),
    language("am", "Amharic"),
    language("yi", "Yiddish"),
    language("lo", "Lao"),
    language("uz", "Uzbek"),
    language("fo", "Faroese"),
    language("ht", "Haitian Creole"),
    language("ps", "Pashto"),
    language("tk", "Turkmen"),
    language("nn", "Nynorsk"),
    language("mt", "Maltese"),
    language("sa", "Sanskrit"),
    language("lb", "Luxembourgish"),
    language("my", "Burmese"),
    language("bo", "Tibetan"),
    language("tl", "Tagalog"),
    language("mg", "Malagasy"),
    language("as", "Assamese"),
    language("tt", "Tatar"),
    language("haw", "Hawaiian"),
    language("ln", "Lingala"),
    language("ha", "Hausa"),
    language("ba", "Bashkir"),
    language("jw", "Javanese"),
    language("su", "Sundanese"),
    language("yue", "Cantonese"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_whatever_its_case_and_region() {
        let check = |tag: &str, expect: Option<&str>| {
            assert_eq!(find(tag).map(|language| language.code), expect, "{tag:?}");
        };
        check("en", Some("en"));
        check("en-GB", Some("en"));
        check("EN_us", Some("en"));
        check(" pt-BR ", Some("pt"));
        check("zh-Hant-TW", Some("zh"));
        check("yue", Some("yue"));
        check("jv", Some("jw"));
        check("iw", Some("he"));
        check("nb-NO", Some("no"));
        check("", None);
        check("-", None);
        check("xx", None);
        check("english", None);
        check("e", None);
    }

    #[test]
    fn every_language_stands_once_and_at_its_id() {
        assert_eq!(LANGUAGES.len(), 100);
        let id_of = |code: &str| LANGUAGES.iter().position(|language| language.code == code);
        assert_eq!(
            (id_of("en"), id_of("zh"), id_of("la"), id_of("su"), id_of("yue")),
            (Some(0), Some(1), Some(35), Some(98), Some(99))
        );
        for (id, language) in LANGUAGES.iter().enumerate() {
            assert_eq!(id_of(language.code), Some(id), "{language:?}");
            assert_eq!(find(language.code), Some(language));
        }
    }
}
