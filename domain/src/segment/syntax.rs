//! Where a sentence may be broken: after punctuation, before conjunctions and prepositions, and never inside a phrase.

use super::atoms::Atom;
use super::grammar::{Class, Grammar, bare};
use super::script::{
    is_han, is_hiragana, is_ideographic, is_leading_vowel, is_thai, must_not_end, must_not_start,
};

/// The place ahead of an atom, as a place to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Boundary {
    /// 0 after a sentence, 75 between any two words, far more inside a phrase.
    pub cost: i64,
    pub ends_sentence: bool,
    /// Inside a phrase that no guide lets one part: the silence of a speaker who hesitates does not mend that.
    pub is_inside_phrase: bool,
}

const SENTENCE: i64 = 0;
const CLAUSE: i64 = 25;
const CONJUNCTION: i64 = 40;
const PREPOSITION: i64 = 50;
/// Ahead of an article or a subject: something begins.
const PHRASE: i64 = 60;
const WORDS: i64 = 75;
const NAMES: i64 = 110;
const LEANING: i64 = 150;
const INSIDE_WORD: i64 = 600;
/// More than a cue of its own costs, so that rather a cue is added than a phrase broken.
const INSIDE_PHRASE: i64 = 450;

/// The boundary ahead of each atom; the first one is free.
pub(super) fn boundaries(atoms: &[Atom], grammar: Option<&Grammar>) -> Vec<Boundary> {
    let words: Vec<String> = atoms.iter().map(|atom| bare(&atom.text)).collect();
    let mut boundaries: Vec<Boundary> = Vec::with_capacity(atoms.len());
    for index in 0..atoms.len() {
        let Some(ahead) = index.checked_sub(1) else {
            boundaries.push(plain(SENTENCE));
            continue;
        };
        let pair = Pair {
            ahead: &atoms[ahead],
            ahead_word: &words[ahead],
            // The first word of a sentence has a capital anyway.
            is_capital_earned: ahead > 0 && !boundaries[ahead].ends_sentence,
            atom: &atoms[index],
            word: &words[index],
        };
        boundaries.push(pair.boundary(grammar));
    }
    boundaries
}

fn plain(cost: i64) -> Boundary {
    Boundary { cost, ends_sentence: false, is_inside_phrase: false }
}

/// Two atoms that follow each other, with their bare words.
struct Pair<'a> {
    ahead: &'a Atom,
    ahead_word: &'a str,
    is_capital_earned: bool,
    atom: &'a Atom,
    word: &'a str,
}

impl Pair<'_> {
    fn boundary(&self, grammar: Option<&Grammar>) -> Boundary {
        let (ahead, atom) = (self.ahead, self.atom);
        let last = ahead.text.trim_end_matches(is_closing_mark).chars().next_back().unwrap_or(' ');
        let is_whole_word = !atom.inside_word;
        if is_whole_word || is_ideographic(last) {
            if ends_sentence(last) && !is_abbreviation(&ahead.text, self.ahead_word) {
                return Boundary { ends_sentence: true, ..plain(SENTENCE) };
            }
            if matches!(last, ',' | ';' | ':' | '—' | '–' | '،' | '؛' | '、' | '，' | '；' | '：') {
                return plain(CLAUSE);
            }
        }
        if let (Some(before), Some(after)) = (ahead.text.chars().next_back(), atom.text.chars().next())
            && !atom.space_before
        {
            if must_not_end(before) || must_not_start(after) {
                return Boundary { is_inside_phrase: true, ..plain(INSIDE_WORD) };
            }
            if is_ideographic(before) && is_ideographic(after) {
                return plain(between_ideographs(before, after, atom.inside_word));
            }
            // Without a dictionary: a vowel that leads to its consonant begins a syllable at least.
            if is_thai(before) && is_thai(after) {
                return plain(if is_leading_vowel(after) { WORDS } else { LEANING });
            }
        }
        if atom.inside_word {
            return plain(INSIDE_WORD);
        }
        let is_inside_phrase = is_abbreviation(&ahead.text, self.ahead_word)
            || grammar.is_some_and(|grammar| self.is_inside_phrase(grammar));
        if is_inside_phrase {
            return Boundary { is_inside_phrase, ..plain(INSIDE_PHRASE) };
        }
        let Some(grammar) = grammar else {
            return plain(WORDS);
        };
        let (here, next) = (grammar.class(self.ahead_word), grammar.class(self.word));
        plain(match () {
            _ if here.may_lean() => LEANING,
            // «weighted sum», «relying on»: more likely than not.
            _ if here.participle && (next == Class::default() || next.preposition) => NAMES,
            _ if next.conjunction => CONJUNCTION,
            _ if next.preposition => PREPOSITION,
            _ if next.begins_phrase() => PHRASE,
            _ => WORDS,
        })
    }

    /// What Netflix's guide says not to part: a noun from its article or adjective, a first name from the last, a verb
    /// from its subject pronoun, auxiliary, reflexive pronoun, negation or particle; and a word from the preposition or
    /// conjunction that leads to it.
    fn is_inside_phrase(&self, grammar: &Grammar) -> bool {
        let (here, next) = (grammar.class(self.ahead_word), grammar.class(self.word));
        let is_name = |text: &str| text.chars().next().is_some_and(char::is_uppercase);
        let is_full_name = grammar.has_capital_names()
            && self.is_capital_earned
            && is_name(&self.ahead.text)
            && is_name(&self.atom.text)
            && !here.is_small()
            && !next.is_small();
        let is_possessive = self.ahead_word.ends_with("'s") || self.ahead_word.ends_with("s'");
        here.leans_always()
            || next.clinging
            // «to rely on.»
            || next.preposition && self.atom.text.ends_with(|c: char| !c.is_alphanumeric())
            || is_full_name
            || (here.may_lean() || here.adverb || is_possessive) && !next.begins_phrase()
            || here.adjective && !next.is_small() && !next.adverb
            || next.adjective && !grammar.has_adjectives_first() && here == Class::default()
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::atoms::of_words;
    use crate::{Timestamp, Word};

    fn boundaries_of(text: &str) -> Vec<Boundary> {
        let words: Vec<Word> = text
            .split(' ')
            .map(|text| Word { start: Timestamp(0), end: Timestamp(0), text: text.into(), probability: 1.0 })
            .collect();
        let atoms = of_words(&words, (Timestamp(0), Timestamp(0)), 42);
        boundaries(&atoms, Grammar::of(text.split(' '))).split_off(1)
    }

    #[test]
    fn a_break_costs_by_the_words_around_it() {
        let check = |text: &str, expect: &[i64]| {
            let costs: Vec<i64> = boundaries_of(text).iter().map(|boundary| boundary.cost).collect();
            assert_eq!(costs, expect, "{text}");
        };
        check("the cat sat on the mat", &[INSIDE_PHRASE, WORDS, PREPOSITION, INSIDE_PHRASE, INSIDE_PHRASE]);
        check("Wait, and see", &[CLAUSE, INSIDE_PHRASE]);
        check("It is the end", &[INSIDE_PHRASE, LEANING, INSIDE_PHRASE]);
        check("Der Hund schläft und träumt", &[INSIDE_PHRASE, WORDS, CONJUNCTION, INSIDE_PHRASE]);
        check(
            "Le chat dort dans la cuisine",
            &[INSIDE_PHRASE, WORDS, PREPOSITION, INSIDE_PHRASE, INSIDE_PHRASE],
        );
        check("xyzzy plugh", &[WORDS]);
    }

    #[test]
    fn marks_and_vowels_stay_with_their_letter_even_as_words_of_their_own() {
        let check = |text: &str, expect: bool| {
            assert_eq!(boundaries_of(text)[0].is_inside_phrase, expect, "{text}");
        };
        check("字 ，", true);
        check("「 字", true);
        check("字 幕", false);
        check("word ,", true);
        check("word ...so", false);
        check("ก า", true);
        check("เ ก", true);
        check("ก ก", false);
    }

    /// `|` stands where a break may be, and nowhere else may one be.
    #[test]
    fn phrases_stay_whole() {
        let check = |marked: &str| {
            let text = marked.replace("| ", "");
            let mut seen = String::new();
            for (token, boundary) in text.split(' ').skip(1).zip(boundaries_of(&text)) {
                seen += if boundary.is_inside_phrase { " " } else { " | " };
                seen += token;
            }
            assert_eq!(text.split(' ').next().unwrap_or_default().to_owned() + &seen, marked);
        };
        // Article, adjective and noun; verb and its pronoun, auxiliary, negation, particle, reflexive pronoun.
        check("the old house | stood | on a very small hill");
        check("we have never seen | the beautiful garden");
        check("they gave up | before you did not");
        check("she will hurt himself | in his father's house");
        // What may lean does not where something begins.
        check("give | it | to me");
        check("I want | this | because it is | in the house");
        // A first and a last name, but no sentence's first word.
        check("So I asked | Ada Lovelace | about Charles Babbage");
        check("Yesterday | Ada | wrote");
        check("il n'a pas voulu | donner | le grand livre | à sa soeur");
        check("ils ne veulent pas | de cette maison");
        check("la langue maternelle | de mon père");
        check("das alte | Haus | steht | auf einem Berg");
        check("la casa | de mi hermano | no está aquí");
    }

    #[test]
    fn a_sentence_ends_with_its_point_but_not_with_that_of_a_title() {
        let check = |text: &str, expect: &[bool]| {
            let ends: Vec<bool> = boundaries_of(text).iter().map(|boundary| boundary.ends_sentence).collect();
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
