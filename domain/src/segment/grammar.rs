//! Small words, by language.

/// The small words of one language. No dictionary: these few make most of the bad breaks.
pub(super) struct Grammar {
    pub conjunctions: &'static [&'static str],
    pub prepositions: &'static [&'static str],
    /// Articles, possessives, pronouns before their verb, auxiliaries, negations.
    pub leaning: &'static [&'static str],
    /// Capitals mark names; not in German, where they mark all nouns.
    pub has_capital_names: bool,
}

impl Grammar {
    /// The grammar whose small words are most frequent. The text decides, as the language may be unknown.
    pub(super) fn of(words: &[String]) -> Option<&'static Grammar> {
        let score = |grammar: &Grammar| words.iter().filter(|word| grammar.leans(word)).count();
        // `max_by_key` takes the last of equals; English, the first, should win.
        GRAMMARS.iter().rev().max_by_key(|grammar| score(grammar)).filter(|grammar| score(grammar) > 0)
    }

    /// Whether no line should end with the word.
    pub(super) fn leans(&self, word: &str) -> bool {
        self.leaning.contains(&word) || self.prepositions.contains(&word) || self.conjunctions.contains(&word)
    }
}

const GRAMMARS: &[Grammar] = &[
    // English.
    Grammar {
        conjunctions: &[
            "and", "but", "or", "nor", "so", "because", "that", "which", "who", "whom", "whose", "when",
            "where", "while", "if", "unless", "until", "although", "though", "than", "since", "whether",
            "how", "why", "what",
        ],
        prepositions: &[
            "of", "in", "on", "at", "by", "for", "from", "to", "with", "without", "into", "onto", "over",
            "under", "about", "after", "before", "between", "through", "during", "against", "among",
            "around", "behind", "beyond", "across", "toward", "towards", "upon", "within", "as", "like",
        ],
        leaning: &[
            "a",
            "an",
            "the",
            "this",
            "these",
            "those",
            "my",
            "your",
            "his",
            "her",
            "its",
            "our",
            "their",
            "some",
            "any",
            "every",
            "each",
            "no",
            "not",
            "i",
            "you",
            "he",
            "she",
            "it",
            "we",
            "they",
            "i'm",
            "you're",
            "he's",
            "she's",
            "it's",
            "we're",
            "they're",
            "i've",
            "you've",
            "we've",
            "they've",
            "i'll",
            "you'll",
            "we'll",
            "they'll",
            "i'd",
            "am",
            "is",
            "are",
            "was",
            "were",
            "be",
            "been",
            "being",
            "has",
            "have",
            "had",
            "do",
            "does",
            "did",
            "will",
            "would",
            "can",
            "could",
            "shall",
            "should",
            "may",
            "might",
            "must",
            "don't",
            "doesn't",
            "didn't",
            "isn't",
            "aren't",
            "wasn't",
            "weren't",
            "won't",
            "can't",
            "couldn't",
            "wouldn't",
            "shouldn't",
            "haven't",
            "hasn't",
            "very",
            "there's",
            "that's",
        ],
        has_capital_names: true,
    },
    // German.
    Grammar {
        conjunctions: &[
            "und", "oder", "aber", "denn", "sondern", "dass", "weil", "wenn", "als", "ob", "damit", "obwohl",
            "während", "bevor", "nachdem", "wie", "wo", "was",
        ],
        prepositions: &[
            "in", "im", "an", "am", "auf", "aus", "bei", "beim", "mit", "nach", "seit", "von", "vom", "zu",
            "zum", "zur", "durch", "für", "gegen", "ohne", "um", "über", "unter", "vor", "zwischen",
            "hinter", "neben",
        ],
        leaning: &[
            "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines",
            "kein", "keine", "keinen", "mein", "meine", "dein", "deine", "sein", "seine", "ihr", "ihre",
            "unser", "unsere", "dieser", "diese", "dieses", "ich", "du", "er", "sie", "es", "wir", "man",
            "nicht", "ist", "sind", "war", "hat", "haben", "wird", "kann", "sehr",
        ],
        has_capital_names: false,
    },
    // French.
    Grammar {
        conjunctions: &[
            "et", "ou", "mais", "donc", "car", "ni", "que", "qui", "dont", "où", "quand", "lorsque", "parce",
            "si", "comme", "puisque",
        ],
        prepositions: &[
            "de", "du", "des", "à", "au", "aux", "en", "dans", "sur", "sous", "avec", "sans", "pour", "par",
            "chez", "vers", "entre", "contre", "avant", "après", "depuis", "pendant",
        ],
        leaning: &[
            "le", "la", "les", "un", "une", "ce", "cet", "cette", "ces", "mon", "ma", "mes", "ton", "ta",
            "tes", "son", "sa", "ses", "notre", "nos", "votre", "vos", "leur", "leurs", "je", "tu", "il",
            "elle", "on", "nous", "vous", "ils", "elles", "ne", "n'est", "c'est", "est", "sont", "a", "ont",
            "très", "se",
        ],
        has_capital_names: true,
    },
    // Spanish.
    Grammar {
        conjunctions: &[
            "y", "e", "o", "u", "pero", "sino", "que", "porque", "cuando", "donde", "si", "aunque", "como",
            "mientras", "quien",
        ],
        prepositions: &[
            "de", "del", "a", "al", "en", "con", "sin", "por", "para", "sobre", "entre", "hasta", "desde",
            "hacia", "contra", "según", "tras",
        ],
        leaning: &[
            "el", "la", "los", "las", "un", "una", "unos", "unas", "mi", "mis", "tu", "tus", "su", "sus",
            "este", "esta", "estos", "estas", "ese", "esa", "no", "se", "me", "te", "le", "lo", "nos", "es",
            "son", "ha", "han", "muy", "yo", "él", "ella",
        ],
        has_capital_names: true,
    },
    // Italian.
    Grammar {
        conjunctions: &[
            "e", "ed", "o", "ma", "però", "che", "perché", "quando", "dove", "se", "come", "mentre", "cui",
        ],
        prepositions: &[
            "di", "del", "della", "dei", "delle", "a", "al", "alla", "ai", "da", "dal", "dalla", "in", "nel",
            "nella", "con", "su", "sul", "sulla", "per", "tra", "fra", "senza", "verso",
        ],
        leaning: &[
            "il", "lo", "la", "i", "gli", "le", "un", "uno", "una", "mio", "mia", "tuo", "tua", "suo", "sua",
            "questo", "questa", "quel", "quella", "non", "si", "mi", "ti", "ci", "è", "sono", "ha", "hanno",
            "molto",
        ],
        has_capital_names: true,
    },
    // Portuguese.
    Grammar {
        conjunctions: &[
            "e", "ou", "mas", "que", "porque", "quando", "onde", "se", "como", "embora", "enquanto", "quem",
        ],
        prepositions: &[
            "de", "do", "da", "dos", "das", "a", "ao", "à", "em", "no", "na", "nos", "nas", "com", "sem",
            "por", "pelo", "pela", "para", "sobre", "entre", "até", "desde",
        ],
        leaning: &[
            "o", "os", "as", "um", "uma", "uns", "umas", "meu", "minha", "seu", "sua", "este", "esta",
            "esse", "essa", "isso", "não", "eu", "você", "ele", "ela", "nós", "eles", "é", "são", "foi",
            "tem", "muito",
        ],
        has_capital_names: true,
    },
    // Dutch.
    Grammar {
        conjunctions: &[
            "en", "of", "maar", "want", "dat", "omdat", "als", "toen", "terwijl", "die", "wie", "wat", "waar",
        ],
        prepositions: &[
            "van", "in", "op", "aan", "bij", "met", "naar", "voor", "door", "over", "onder", "uit", "tot",
            "tegen", "zonder", "tussen", "om", "te",
        ],
        leaning: &[
            "de", "het", "een", "dit", "deze", "mijn", "jouw", "zijn", "haar", "ons", "onze", "hun", "ik",
            "jij", "je", "hij", "zij", "ze", "wij", "we", "niet", "geen", "is", "was", "heeft", "hebben",
            "wordt", "kan", "heel",
        ],
        has_capital_names: true,
    },
];
