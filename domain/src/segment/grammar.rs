//! What a small word is: article, preposition, pronoun, …, by language.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::lexicon::{LEXICONS, Lexicon};

/// What a word may be. Small words are many things at once: «that» is a conjunction and a determiner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Class {
    pub conjunction: bool,
    pub preposition: bool,
    /// Belongs to the noun behind it, always: «the», «my».
    pub determiner: bool,
    /// So too, but may stand alone: «this», «some».
    pub loose_determiner: bool,
    /// Subject of the verb behind it, always: «I», «they».
    pub subject: bool,
    /// So too, but may be an object: «you», «it».
    pub loose_subject: bool,
    /// Auxiliary or copula.
    pub auxiliary: bool,
    /// Negation, or adverb that belongs to what follows: «never», «very».
    pub adverb: bool,
    pub adjective: bool,
    /// Looks like one, or like the verb of a preposition: «weighted», «relying».
    pub participle: bool,
    /// Belongs to the word ahead of it: «up» in «give up», «pas» in «n'est pas», «himself».
    pub clinging: bool,
}

impl Class {
    /// A word that says how others hang together, and little else.
    pub(super) fn is_small(self) -> bool {
        self.leans_always() || self.may_lean() || self.clinging
    }

    /// It belongs to what follows it.
    pub(super) fn leans_always(self) -> bool {
        self.conjunction || self.preposition || self.determiner || self.subject
    }

    /// It does so unless something new begins.
    pub(super) fn may_lean(self) -> bool {
        self.loose_determiner || self.loose_subject || self.auxiliary
    }

    /// Words behind it that begin something new, so that even a word that could lean on them does not.
    pub(super) fn begins_phrase(self) -> bool {
        self.leans_always()
    }
}

/// The small words of one language. No dictionary: these few make most of the bad breaks.
pub(super) struct Grammar {
    classes: HashMap<&'static str, Class>,
    lexicon: &'static Lexicon,
}

static GRAMMARS: LazyLock<Vec<Grammar>> = LazyLock::new(|| LEXICONS.iter().map(Grammar::new).collect());

impl Grammar {
    fn new(lexicon: &'static Lexicon) -> Grammar {
        let mut classes: HashMap<&'static str, Class> = HashMap::new();
        let mut add = |words: &'static str, set: fn(&mut Class)| {
            words.split_whitespace().for_each(|word| set(classes.entry(word).or_default()));
        };
        add(lexicon.conjunctions, |class| class.conjunction = true);
        add(lexicon.prepositions, |class| class.preposition = true);
        add(lexicon.determiners, |class| class.determiner = true);
        add(lexicon.loose_determiners, |class| class.loose_determiner = true);
        add(lexicon.subjects, |class| class.subject = true);
        add(lexicon.loose_subjects, |class| class.loose_subject = true);
        add(lexicon.auxiliaries, |class| class.auxiliary = true);
        add(lexicon.adverbs, |class| class.adverb = true);
        add(lexicon.adjectives, |class| class.adjective = true);
        add(lexicon.clinging, |class| class.clinging = true);
        Grammar { classes, lexicon }
    }

    /// The grammar whose small words are most frequent in a text. The text decides, as its language may be unknown.
    pub(super) fn of<'a>(tokens: impl Iterator<Item = &'a str>) -> Option<&'static Grammar> {
        let words: Vec<String> = tokens.map(bare).collect();
        let score = |grammar: &Grammar| words.iter().filter(|word| grammar.class(word).is_small()).count();
        let mut best: Option<(&Grammar, usize)> = None;
        for grammar in GRAMMARS.iter() {
            let score = score(grammar);
            // Among equals the first: English.
            if score > best.map_or(0, |(_, most)| most) {
                best = Some((grammar, score));
            }
        }
        best.map(|(grammar, _)| grammar)
    }

    pub(super) fn class(&self, word: &str) -> Class {
        self.classes.get(word).copied().unwrap_or_else(|| Class {
            adjective: has_ending(word, self.lexicon.adjective_endings),
            participle: has_ending(word, self.lexicon.participle_endings),
            ..Class::default()
        })
    }

    /// Capitals mark names; not in German, where they mark all nouns.
    pub(super) fn has_capital_names(&self) -> bool {
        self.lexicon.has_capital_names
    }

    /// Adjectives stand ahead of their noun; else mostly behind it.
    pub(super) fn has_adjectives_first(&self) -> bool {
        self.lexicon.has_adjectives_first
    }

    /// Whether people read it as fast as Netflix's guide for English expects.
    pub(super) fn is_english(&self) -> bool {
        std::ptr::eq(self.lexicon, &LEXICONS[0])
    }
}

/// Short words with such an ending are mostly something else.
fn has_ending(word: &str, endings: &str) -> bool {
    word.chars().count() >= 6 && endings.split_whitespace().any(|ending| word.ends_with(ending))
}

/// Lower case, without the marks around it.
pub(super) fn bare(token: &str) -> String {
    token.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().replace('’', "'")
}
