//! Where a sentence may be broken: after punctuation, before conjunctions and prepositions, and never behind a
//! word that leans on the next one.

use super::atoms::Atom;
use super::grammar::Grammar;
use super::script::{is_han, is_hiragana, is_ideographic};

/// The place ahead of an atom, as a place to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Boundary {
    /// 0 after a sentence, 75 between any two words, 150 behind an article, 300 inside a word.
    pub cost: i64,
    pub ends_sentence: bool,
}

const SENTENCE: i64 = 0;
const CLAUSE: i64 = 25;
const CONJUNCTION: i64 = 40;
const PREPOSITION: i64 = 50;
const WORDS: i64 = 75;
const NAMES: i64 = 110;
const LEANING: i64 = 150;
const INSIDE_WORD: i64 = 300;

/// The boundary ahead of each atom; the first one is free.
pub(super) fn boundaries(atoms: &[Atom]) -> Vec<Boundary> {
    let words: Vec<String> = atoms.iter().map(|atom| bare(&atom.text)).collect();
    let grammar = Grammar::of(&words);
    let boundary = |index: usize| match index.checked_sub(1) {
        None => Boundary { cost: SENTENCE, ends_sentence: false },
        Some(ahead) => between(&atoms[ahead], &words[ahead], &atoms[index], &words[index], grammar),
    };
    (0..atoms.len()).map(boundary).collect()
}

fn between(ahead: &Atom, ahead_word: &str, atom: &Atom, word: &str, grammar: Option<&Grammar>) -> Boundary {
    let plain = |cost| Boundary { cost, ends_sentence: false };
    let last = ahead.text.trim_end_matches(is_closing_mark).chars().next_back().unwrap_or(' ');
    let is_whole_word = !atom.inside_word;
    if is_whole_word || is_ideographic(last) {
        if ends_sentence(last) && !is_abbreviation(&ahead.text, ahead_word) {
            return Boundary { cost: SENTENCE, ends_sentence: true };
        }
        if matches!(last, ',' | ';' | ':' | '—' | '–' | '،' | '؛' | '、' | '，' | '；' | '：') {
            return plain(CLAUSE);
        }
    }
    if let (Some(before), Some(after)) = (ahead.text.chars().next_back(), atom.text.chars().next())
        && is_ideographic(before)
        && is_ideographic(after)
    {
        return plain(between_ideographs(before, after, atom.inside_word));
    }
    if atom.inside_word {
        return plain(INSIDE_WORD);
    }
    if is_abbreviation(&ahead.text, ahead_word) {
        return plain(LEANING);
    }
    let Some(grammar) = grammar else {
        return plain(WORDS);
    };
    if grammar.leans(ahead_word) {
        return plain(LEANING);
    }
    if grammar.conjunctions.contains(&word) {
        return plain(CONJUNCTION);
    }
    if grammar.prepositions.contains(&word) {
        return plain(PREPOSITION);
    }
    let is_capital = |text: &str| text.chars().next().is_some_and(char::is_uppercase);
    if grammar.has_capital_names && is_capital(&ahead.text) && is_capital(&atom.text) {
        return plain(NAMES);
    }
    plain(WORDS)
}

/// Without a dictionary: in Japanese a phrase mostly begins where kanji or katakana follow hiragana, and particles
/// lean back; in Chinese one place inside a phrase is as good as another.
fn between_ideographs(before: char, after: char, inside_word: bool) -> i64 {
    match (is_hiragana(before), is_hiragana(after)) {
        (true, false) => WORDS,
        (false, true) | (true, true) if inside_word => LEANING,
        (_, true) => NAMES,
        (false, false) if inside_word && is_han(before) != is_han(after) => NAMES,
        (false, false) if inside_word => LEANING - 10,
        (false, false) => WORDS,
    }
}

fn ends_sentence(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '．' | '।' | '؟' | '۔' | '።' | '։')
}

fn is_closing_mark(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '」' | '』' | '）' | '》' | '】')
}

/// Titles and initials, whose point ends no sentence.
fn is_abbreviation(text: &str, word: &str) -> bool {
    let is_initial =
        word.chars().count() == 1 && word != "i" && text.chars().next().is_some_and(char::is_uppercase);
    text.ends_with('.')
        && (is_initial
            || ["mr", "mrs", "ms", "dr", "prof", "st", "sr", "sra", "jr", "vs", "mme"].contains(&word))
}

/// Lower case, without the marks around it.
fn bare(text: &str) -> String {
    text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().replace('’', "'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::atoms::of_words;
    use crate::{Timestamp, Word};

    fn costs(text: &str) -> Vec<(i64, bool)> {
        let words: Vec<Word> = text
            .split(' ')
            .map(|text| Word { start: Timestamp(0), end: Timestamp(0), text: text.into(), probability: 1.0 })
            .collect();
        let atoms = of_words(&words, (Timestamp(0), Timestamp(0)), 42);
        boundaries(&atoms).iter().skip(1).map(|boundary| (boundary.cost, boundary.ends_sentence)).collect()
    }

    #[test]
    fn a_break_costs_by_the_words_around_it() {
        let check = |text: &str, expect: &[i64]| {
            let costs: Vec<i64> = costs(text).into_iter().map(|(cost, _)| cost).collect();
            assert_eq!(costs, expect, "{text}");
        };
        check("the cat sat on the mat", &[LEANING, WORDS, PREPOSITION, LEANING, LEANING]);
        check("Wait, and see", &[CLAUSE, LEANING]);
        check("You know Ada Lovelace", &[LEANING, NAMES - 35, NAMES]);
        check("Der Hund schläft und träumt", &[LEANING, WORDS, CONJUNCTION, LEANING]);
        check("Le chat dort dans la cuisine", &[LEANING, WORDS, PREPOSITION, LEANING, LEANING]);
        check("xyzzy plugh", &[WORDS]);
    }

    #[test]
    fn a_sentence_ends_with_its_point_but_not_with_that_of_a_title() {
        let check = |text: &str, expect: &[bool]| {
            let ends: Vec<bool> = costs(text).into_iter().map(|(_, ends)| ends).collect();
            assert_eq!(ends, expect, "{text}");
        };
        check("Go. Now", &[true]);
        check("“Go!” he said", &[true, false]);
        check("Dr. Who", &[false]);
        check("J. R. Ewing", &[false, false]);
        check("So do I. Good", &[false, false, true]);
        check("好。 再见", &[true]);
    }
}
