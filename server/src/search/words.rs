//! What is looked for, and where it stands. Case, punctuation and line breaks make no difference; a phrase may run from
//! one cue into the next.

use app::api::Hit;
use domain::Cue;

use super::Hits;

/// Hits told of one transcript.
const SHOWN: usize = 3;

/// Letters told on each side of what was found.
const AROUND: usize = 90;

/// A phrase of at least one letter or digit.
pub struct Words {
    /// Folded, single spaces between words, none around.
    phrase: Vec<char>,
    /// Where a comparison goes on when the next letter is another: Knuth, Morris and Pratt's table.
    table: Vec<usize>,
}

impl Words {
    pub fn parse(text: &str) -> Option<Words> {
        let mut phrase: Vec<char> = fold(text).map(|folded| folded.letter).collect();
        if phrase.last() == Some(&' ') {
            phrase.pop();
        }
        let table = table_of(&phrase);
        (!phrase.is_empty()).then_some(Words { phrase, table })
    }

    /// All of them, in any order.
    pub fn are_in_title(&self, title: &str) -> bool {
        let title: String = fold(title).map(|folded| folded.letter).collect();
        let words: String = self.phrase.iter().collect();
        words.split(' ').all(|word| title.contains(word))
    }

    /// Where they follow each other as they were given.
    pub fn find(&self, cues: &[&Cue]) -> Option<Hits> {
        let mut matcher = Matcher { words: self, letters: 0, matched: 0, is_after_space: true };
        // How many letters stand before each cue.
        let mut starts = Vec::with_capacity(cues.len());
        let mut places: Vec<(usize, usize)> = Vec::new();
        for (last, cue) in cues.iter().enumerate() {
            starts.push(matcher.letters);
            let letters = fold(&cue.text).map(|folded| folded.letter).chain([' ']);
            for letter in letters {
                if !matcher.take(letter) {
                    continue;
                }
                let begin = matcher.letters - self.phrase.len();
                let first = starts.partition_point(|start| *start <= begin).saturating_sub(1);
                // Twice in one cue is one line to read.
                if places.last().is_none_or(|(before, _)| *before != first) {
                    places.push((first, last));
                }
            }
        }
        let shown = places.iter().take(SHOWN).map(|(first, last)| self.hit(&cues[*first..=*last]));
        let shown: Vec<Hit> = shown.collect();
        let more = u32::try_from(places.len() - shown.len()).unwrap_or(u32::MAX);
        (!places.is_empty()).then_some(Hits { shown, more })
    }

    /// `cues` hold the phrase.
    fn hit(&self, cues: &[&Cue]) -> Hit {
        let lines = cues.iter().flat_map(|cue| cue.text.split_whitespace());
        let text = lines.collect::<Vec<_>>().join(" ");
        let folded: Vec<Folded> = fold(&text).collect();
        let letters: Vec<char> = folded.iter().map(|folded| folded.letter).collect();
        let at = letters.windows(self.phrase.len()).position(|window| window == self.phrase);
        let range = at.map_or(0..0, |at| folded[at].start..folded[at + self.phrase.len() - 1].end);
        Hit {
            start_ms: cues.first().map_or(0, |cue| cue.start.0),
            before: end_of(&text[..range.start]),
            words: text[range.clone()].to_owned(),
            after: start_of(&text[range.end..]),
        }
    }
}

/// Compares letter by letter, each once.
struct Matcher<'a> {
    words: &'a Words,
    /// Taken so far.
    letters: usize,
    /// Of the phrase, those that the last letters are.
    matched: usize,
    is_after_space: bool,
}

impl Matcher<'_> {
    /// True: the phrase ends with this letter.
    fn take(&mut self, letter: char) -> bool {
        if letter == ' ' && self.is_after_space {
            return false;
        }
        self.is_after_space = letter == ' ';
        self.letters += 1;
        let Words { phrase, table } = self.words;
        while self.matched > 0 && phrase[self.matched] != letter {
            self.matched = table[self.matched - 1];
        }
        if phrase[self.matched] == letter {
            self.matched += 1;
        }
        let is_whole = self.matched == phrase.len();
        if is_whole {
            self.matched = 0;
        }
        is_whole
    }
}

fn table_of(phrase: &[char]) -> Vec<usize> {
    let mut table = vec![0; phrase.len()];
    let mut matched = 0;
    for at in 1..phrase.len() {
        while matched > 0 && phrase[at] != phrase[matched] {
            matched = table[matched - 1];
        }
        if phrase[at] == phrase[matched] {
            matched += 1;
        }
        table[at] = matched;
    }
    table
}

/// A letter as it is compared, and the bytes it stands for.
struct Folded {
    letter: char,
    start: usize,
    end: usize,
}

/// Small letters; one space for whatever stands between words, none at the start.
fn fold(text: &str) -> impl Iterator<Item = Folded> {
    let mut is_after_space = true;
    let letters = text.char_indices().flat_map(|(start, c)| {
        let end = start + c.len_utf8();
        let is_space = !c.is_alphanumeric();
        let lower = c.to_lowercase().map(move |lower| if is_space { ' ' } else { lower });
        lower.map(move |letter| Folded { letter, start, end })
    });
    letters.filter(move |folded| {
        let is_space = folded.letter == ' ';
        let is_kept = !(is_space && is_after_space);
        is_after_space = is_space;
        is_kept
    })
}

fn start_of(text: &str) -> String {
    match text.char_indices().nth(AROUND) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn end_of(text: &str) -> String {
    match text.char_indices().rev().nth(AROUND - 1) {
        Some((start, _)) if start > 0 => format!("…{}", &text[start..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn cues(texts: &[&str]) -> Vec<Cue> {
        let cue = |(index, text): (usize, &&str)| Cue {
            start: Timestamp(index as u64 * 1000),
            end: Timestamp(index as u64 * 1000 + 900),
            text: (*text).to_owned(),
            doubts: Vec::new(),
        };
        texts.iter().enumerate().map(cue).collect()
    }

    fn find(words: &str, texts: &[&str]) -> Option<Hits> {
        let cues = cues(texts);
        Words::parse(words).unwrap().find(&cues.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_phrase_is_found_whatever_its_case_punctuation_and_line_breaks() {
        let check = |words: &str, texts: &[&str], expect: Option<(u64, &str, &str, &str)>| {
            let hits = find(words, texts);
            let first = hits.as_ref().and_then(|hits| hits.shown.first());
            let told = first.map(|hit| (hit.start_ms, &*hit.before, &*hit.words, &*hit.after));
            assert_eq!(told, expect, "{words:?} in {texts:?}");
        };
        let speech = &["And so, my fellow\nAmericans, ask not", "what your country can do", "for you."];
        check("fellow americans", speech, Some((0, "And so, my ", "fellow Americans", ", ask not")));
        check(
            "  Ask-not: WHAT ",
            speech,
            Some((0, "And so, my fellow Americans, ", "ask not what", " your country can do")),
        );
        check("can do for", speech, Some((1000, "what your country ", "can do for", " you.")));
        check("you", speech, Some((1000, "what ", "you", "r country can do")));
        check("for you", speech, Some((2000, "", "for you", ".")));
        check("you ask", speech, None);
        check("GRÜẞE", &["Schöne grüße!"], Some((0, "Schöne ", "grüße", "!")));
        check("世界", &["你好，世界。"], Some((0, "你好，", "世界", "。")));
        check("aab", &["aaab"], Some((0, "a", "aab", "")));
        check("a", &[], None);
    }

    #[test]
    fn all_hits_are_counted_and_the_first_are_told() {
        let hits = find("one", &["one and one", "none", "", "two", "one", "once", "one"]).unwrap();
        let starts: Vec<u64> = hits.shown.iter().map(|hit| hit.start_ms).collect();
        assert_eq!((starts, hits.more), (vec![0, 1000, 4000], 1));
    }

    #[test]
    fn a_title_has_the_words_in_any_order() {
        let check = |words: &str, title: &str, expect: bool| {
            assert_eq!(Words::parse(words).unwrap().are_in_title(title), expect, "{words:?} in {title:?}");
        };
        check("1961 inaugural", "Inaugural address, 1961.mp4", true);
        check("mp4 address", "Inaugural_address.MP4", true);
        check("address 1962", "Inaugural address, 1961.mp4", false);
    }

    #[test]
    fn without_a_letter_or_digit_there_is_nothing_to_look_for() {
        for text in ["", " ", "…", "-->", "\u{0}"] {
            assert!(Words::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_long_line_is_cut_around_what_was_found() {
        let long = format!("{} needle {}", "a".repeat(500), "é".repeat(500));
        let hits = find("needle", &[&long]).unwrap();
        let hit = &hits.shown[0];
        assert_eq!((hit.before.chars().count(), hit.after.chars().count()), (AROUND + 1, AROUND + 1));
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_found(texts in prop::collection::vec(any::<String>(), 1..4), words in any::<String>()) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let held = cues(&texts);
            let held: Vec<&Cue> = held.iter().collect();
            if let Some(words) = Words::parse(&words) {
                words.find(&held);
            }
            for text in &texts {
                if let Some(words) = Words::parse(text) {
                    prop_assert!(words.find(&held).is_some());
                }
            }
        }
    }
}
