//! The numbers of Whisper's tokens, which follow from how many there are.

/// Models with fewer know English only.
pub const MULTILINGUAL_TOKENS: usize = 51_865;

/// Time stamps are this far apart.
pub const TIMESTAMP_MS: u64 = 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Text tokens are below it.
    pub end: usize,
    pub start: usize,
    /// Their tokens follow `start`, in the order in which whisper.cpp counts them.
    pub languages: usize,
    pub translate: usize,
    pub transcribe: usize,
    pub no_speech: usize,
    pub no_timestamps: usize,
    /// 0.00 s; the others follow.
    pub first_timestamp: usize,
    pub is_multilingual: bool,
}

impl Tokens {
    /// Of a model with `count` tokens.
    pub fn of(count: usize) -> Tokens {
        let is_multilingual = count >= MULTILINGUAL_TOKENS;
        let end = if is_multilingual { 50_257 } else { 50_256 };
        let languages = if is_multilingual { count - 51_766 } else { 99 };
        let start = end + 1;
        let translate = start + languages + 1;
        Tokens {
            end,
            start,
            languages,
            translate,
            transcribe: translate + 1,
            no_speech: translate + 4,
            no_timestamps: translate + 5,
            first_timestamp: translate + 6,
            is_multilingual,
        }
    }

    /// Sound marks, brackets and the like, and all tokens that are neither text nor time.
    pub fn suppressed(&self, words: &[&[u8]]) -> Vec<usize> {
        const MARKS: &str = "\" # ( ) * + / : ; < = > @ [ \\ ] ^ _ ` { | } ~ 「 」 『 』 << >> <<< >>> -- --- -( -[ (' (\" (( )) \
                             ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪ ♩ ♪ ♫ ♬ ♭ ♮ ♯";
        let is_mark = |word: &[u8]| {
            let word = word.strip_prefix(b" ").unwrap_or(word);
            // Notes are several tokens, of which the first is enough.
            !word.is_empty() && (MARKS.split(' ').any(|mark| mark.as_bytes() == word) || word == [0xe2, 0x99])
        };
        let is_opening = |word: &[u8]| matches!(word, b" -" | b" '");
        let text = words.iter().take(self.end).enumerate();
        let marks = text.filter(|(_, word)| is_mark(word) || is_opening(word)).map(|(token, _)| token);
        marks.chain([self.start]).chain(self.translate..=self.no_speech).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_of_published_models_are_found() {
        let english = Tokens::of(51_864);
        assert_eq!((english.end, english.start, english.no_timestamps), (50_256, 50_257, 50_362));
        assert_eq!(english.first_timestamp, 50_363);
        let base = Tokens::of(51_865);
        assert_eq!((base.languages, base.transcribe, base.first_timestamp), (99, 50_359, 50_364));
        let large_v3 = Tokens::of(51_866);
        assert_eq!((large_v3.languages, large_v3.first_timestamp), (100, 50_365));
    }
}
