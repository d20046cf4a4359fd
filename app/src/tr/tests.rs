use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::languages::FILES;
use super::*;

/// Every text that the source says, with its places numbered.
fn texts() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = BTreeSet::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tr/tests.rs")
            {
                let source = std::fs::read_to_string(&path).unwrap();
                let source = without_comments(&source);
                for marker in ["tr!(", "Text("] {
                    texts.extend(behind(&source, marker).filter_map(literal).map(|(text, _)| text));
                }
                for call in behind(&source, "tr_count!(") {
                    let (one, rest) = literal(call.split_once(',').unwrap().1).expect("two texts");
                    let (many, _) = literal(rest.trim_start().strip_prefix(',').unwrap()).expect("two texts");
                    texts.extend([one, many]);
                }
            }
        }
    }
    // What workers and the store of wishes say in English is shown too.
    for file in ["failure.rs", "spec/invalid.rs"] {
        let source = std::fs::read_to_string(root.join("../domain/src").join(file)).unwrap();
        let source = without_comments(source.split("#[cfg(test)]").next().unwrap());
        let all =
            behind(&source, "\"").filter_map(|rest| literal(&format!("\"{rest}")).map(|(text, _)| text));
        texts.extend(all.filter(|text| is_sentence(text)).map(|text| numbered(&text)));
    }
    texts.extend(domain::language::LANGUAGES.iter().map(|language| language.name.to_owned()));
    texts
}

fn without_comments(source: &str) -> String {
    source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn behind<'a>(source: &'a str, marker: &'a str) -> impl Iterator<Item = &'a str> {
    let is_word = |at: usize| source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let found = source.match_indices(marker).filter(move |(at, _)| marker == "\"" || !is_word(*at));
    found.map(|(at, _)| &source[at + marker.len()..])
}

/// The string that stands here, and what stands behind it.
fn literal(source: &str) -> Option<(String, &str)> {
    let source = source.trim_start().strip_prefix('"')?;
    let mut text = String::new();
    let mut letters = source.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((text, &source[at + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => text.push('\n'),
                '\n' => {
                    let rest = letters.as_str().trim_start();
                    let (more, behind) =
                        literal(&format!("\"{rest}")).map(|(more, behind)| (more, behind.len()))?;
                    return Some((text + &more, &source[source.len() - behind..]));
                }
                other => text.push(other),
            },
            letter => text.push(letter),
        }
    }
    None
}

fn is_sentence(text: &str) -> bool {
    text.ends_with('.') && text.starts_with(char::is_uppercase) && text.contains(' ')
}

/// `{found}` and `{}` as `{0}`.
fn numbered(text: &str) -> String {
    let mut parts = text.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (place, part) in parts.enumerate() {
        filled += &format!("{{{place}}}{}", part.split_once('}').unwrap().1);
    }
    filled
}

fn places(text: &str) -> Vec<&str> {
    let mut places: Vec<_> =
        text.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn every_language_says_every_text_and_nothing_else() {
    let texts = texts();
    assert!(texts.len() > 300 && texts.contains("Undo") && texts.contains("Russian"), "{texts:?}");
    if let Ok(file) = std::env::var("CUELIGHT_TEXTS") {
        std::fs::write(file, serde_json::to_string_pretty(&texts).unwrap()).unwrap();
    }
    for (tag, file) in FILES {
        let said: BTreeMap<String, String> = serde_json::from_str(file).unwrap();
        let said_keys: BTreeSet<_> = said.keys().cloned().collect();
        let missing: Vec<_> = texts.difference(&said_keys).collect();
        let unused: Vec<_> = said_keys.difference(&texts).collect();
        assert!(
            missing.is_empty() && unused.is_empty(),
            "{tag} lacks {missing:#?}, and has for nothing {unused:#?}"
        );
        for (key, text) in &said {
            assert_eq!(places(text), places(key), "{tag}: {key} is filled in otherwise: {text}");
            let is_plain = |text: &str| !text.trim().is_empty() && !text.contains(['\t', '\n']);
            assert!(is_plain(key) && is_plain(text), "{tag}: {key:?} {text:?}");
        }
    }
}

#[test]
fn a_browser_is_answered_in_a_language_it_wants() {
    let check = |header: &str, expect: Option<&str>| {
        assert_eq!(Language::accepted(header).map(|language| language.tag), expect, "{header:?}");
    };
    check("", None);
    check("de", Some("de"));
    check("de-AT,de;q=0.9,en;q=0.8", Some("de"));
    check("fr-CA, fr;q=0.9", Some("fr"));
    check("en-GB,en;q=0.9,de;q=0.8", None);
    check("ja,es;q=0.5,en;q=0.3", Some("es"));
    check("ja", None);
    check("\u{0}, ;;, de-", None);
}

#[test]
fn texts_are_filled_in() {
    let check = |text: &str, values: &[&dyn Display], expect: &str| assert_eq!(fill(text, values), expect);
    check("{1} of {0}", &[&3, &"one"], "one of 3");
    check("none", &[&3], "none");
    check("{7} and {", &[&3], " and ");
}

#[test]
fn what_was_said_in_english_is_said_again() {
    let catalogue = Catalogue::of_lines(
        "de\nThe job was cancelled.\tAbgebrochen.\nThere is no such model: {0}.\tUnbekannt: {0}!\n",
    );
    let check = |english: &str, expect: Option<&str>| {
        assert_eq!(catalogue.say_again(english).as_deref(), expect, "{english}");
    };
    check("The job was cancelled.", Some("Abgebrochen."));
    check("There is no such model: large.", Some("Unbekannt: large!"));
    check("There is no such thing.", None);
}
