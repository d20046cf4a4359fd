//! From the tokens of the model to words with times: pure.

use domain::{Timestamp, Word};

/// A text token as the model gave it. Times are milliseconds from the start of what the model heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// A token may hold a part of a character only.
    pub bytes: Vec<u8>,
    pub probability: f32,
    pub start_ms: i64,
    pub end_ms: i64,
}

/// Tokens to words, not yet tidied. `start` is where on the media's time line the model began to hear.
pub fn join(tokens: &[Token], start: Timestamp, language: &str) -> Vec<Word> {
    struct Draft {
        bytes: Vec<u8>,
        start_ms: i64,
        end_ms: i64,
        probability: f32,
        tokens: u32,
    }
    // These are written without spaces: every token that completes a character is a word.
    let is_spaceless = matches!(language, "zh" | "yue" | "ja" | "th" | "lo" | "my" | "km" | "bo");
    let mut drafts: Vec<Draft> = Vec::new();
    for token in tokens {
        let begins_word = match drafts.last() {
            None => true,
            Some(draft) if is_spaceless => {
                std::str::from_utf8(&draft.bytes).is_ok() && !is_punctuation(&token.bytes)
            }
            Some(_) => token.bytes.first().is_some_and(u8::is_ascii_whitespace),
        };
        match drafts.last_mut() {
            Some(draft) if !begins_word => {
                draft.bytes.extend_from_slice(&token.bytes);
                draft.end_ms = token.end_ms;
                draft.probability += token.probability;
                draft.tokens += 1;
            }
            _ => drafts.push(Draft {
                bytes: token.bytes.clone(),
                start_ms: token.start_ms,
                end_ms: token.end_ms,
                probability: token.probability,
                tokens: 1,
            }),
        }
    }
    let at = |ms: i64| Timestamp(start.0.saturating_add_signed(ms));
    drafts
        .into_iter()
        .filter_map(|draft| {
            let text = String::from_utf8_lossy(&draft.bytes).replace(['♪', '♫', '\u{fffd}'], "");
            let text = text.trim();
            (!text.is_empty()).then(|| Word {
                start: at(draft.start_ms),
                end: at(draft.end_ms),
                text: text.to_owned(),
                probability: draft.probability / draft.tokens as f32,
            })
        })
        .collect()
}

/// Drops what the model says about sounds that are no speech: `[BLANK_AUDIO]`, `(music)`, `*laughs*`.
pub fn drop_sounds(words: Vec<Word>) -> Vec<Word> {
    /// A longer bracket is somebody's sentence.
    const LONGEST: usize = 6;
    let close_of = |text: &str| match text.chars().next() {
        Some('[') => Some(']'),
        Some('(') => Some(')'),
        Some('*') => Some('*'),
        _ => None,
    };
    let mut kept = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        if let Some(close) = close_of(&words[at].text) {
            let is_end = |word: &Word| {
                let text = word.text.trim_end_matches(['.', ',', '!', '?']);
                text.len() > 1 && text.ends_with(close)
            };
            let rest = &words[at..words.len().min(at + LONGEST)];
            if let Some(length) = rest.iter().position(is_end) {
                at += length + 1;
                continue;
            }
        }
        if words[at].text.chars().any(|c| c.is_alphanumeric() || matches!(c, '&' | '%' | '+' | '$' | '€')) {
            kept.push(words[at].clone());
        }
        at += 1;
    }
    kept
}

/// Whether the model made up the words of a segment from music or noise, in a window with `speech_s` seconds of
/// what seemed to be speech. Measured: words that were spoken, even badly heard ones, are believed with 0.6 and
/// more on the mean; what chords bring forth mostly with less than 0.55, in snatches of a second.
pub fn are_invented(words: &[Word], no_speech_probability: f32, speech_s: f64) -> bool {
    const SNATCH_S: f64 = 2.0;
    if words.is_empty() {
        return false;
    }
    let count = words.len() as f32;
    let mean = words.iter().map(|word| word.probability).sum::<f32>() / count;
    // One word that the model does not believe says more than many usual ones after it.
    let geometric = (words.iter().map(|word| word.probability.max(1e-3).ln()).sum::<f32>() / count).exp();
    // Models of many languages never say that there is no speech.
    let is_doubted = no_speech_probability > 0.6 && mean < 0.4;
    is_doubted || geometric < if speech_s < SNATCH_S { 0.55 } else { 0.15 }
}

/// Whether the model fell into a loop: the same phrase again and again, without end.
pub fn has_loop(words: &[Word]) -> bool {
    collapse_loops(words.to_vec()).len() < words.len()
}

/// Whether nobody could have said `words` in so little time: a loop whose rounds differ a little.
pub fn are_too_many(words: &[Word], speech_s: f64) -> bool {
    /// The fastest speakers reach 25 characters a second.
    const FASTEST: f64 = 32.0;
    let characters: usize = words.iter().map(|word| word.text.chars().count() + 1).sum();
    characters as f64 > FASTEST * (speech_s + 1.0)
}

/// Leaves one of each phrase that is repeated four times or more in a row. People do repeat single words.
pub fn collapse_loops(words: Vec<Word>) -> Vec<Word> {
    const LONGEST_PHRASE: usize = 12;
    let key = |word: &Word| -> String {
        word.text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let keys: Vec<String> = words.iter().map(key).collect();
    let mut kept = Vec::with_capacity(words.len());
    let mut at = 0;
    'words: while at < words.len() {
        for length in 1..=LONGEST_PHRASE {
            let Some(phrase) = keys.get(at..at + length) else { break };
            let times = keys[at..].chunks_exact(length).take_while(|other| *other == phrase).count();
            let is_loop = times >= if length == 1 { 8 } else { 4 };
            if is_loop {
                kept.extend_from_slice(&words[at..at + length]);
                at += length * times;
                continue 'words;
            }
        }
        kept.push(words[at].clone());
        at += 1;
    }
    kept
}

/// Where the model heard words in silence, moves them to the speech; then makes all times lie in
/// `start..=end`, in order, each word ending no earlier than it begins and before the next begins.
pub fn fit_times(words: &mut [Word], speech: &[(Timestamp, Timestamp)], start: Timestamp, end: Timestamp) {
    /// The voice activity model is late by a little at both edges.
    const EDGE_MS: u64 = 60;
    for word in words.iter_mut() {
        let in_region = |at: Timestamp| speech.iter().any(|&(from, to)| (from..to).contains(&at));
        if !in_region(word.start)
            && let Some(&(onset, _)) = speech.iter().find(|&&(from, _)| from > word.start)
            && onset < word.end
        {
            word.start = Timestamp(onset.0.saturating_sub(EDGE_MS)).max(word.start);
        }
        if !in_region(word.end)
            && let Some(&(_, offset)) = speech.iter().rev().find(|&&(_, to)| to <= word.end)
            && offset > word.start
        {
            word.end = Timestamp(offset.0 + EDGE_MS).min(word.end);
        }
    }
    let mut earliest = start;
    for index in 0..words.len() {
        let next_start = words.get(index + 1).map_or(end, |next| next.start);
        let word = &mut words[index];
        word.start = word.start.clamp(earliest, end);
        word.end = word.end.min(next_start.max(word.start)).clamp(word.start, end);
        earliest = word.end;
    }
}

/// A capital for the first of `words` where the word ahead of it ended a sentence. The model hears each window
/// for itself: it ends most with a full stop, and begins what it takes for the middle of a sentence small.
pub fn begin_sentence(words: &mut [Word], previous: Option<&str>) {
    let (Some(first), Some(previous)) = (words.first_mut(), previous) else { return };
    let ending = previous.trim_end_matches(['"', '\'', '”', '’', '»', ')']);
    let is_end = ending.ends_with(['.', '!', '?']) && !ending.ends_with("..");
    let mut rest = first.text.chars();
    let Some(initial) = rest.next() else { return };
    // Beyond Latin, Greek, Cyrillic and Armenian no script has capitals at the start of sentences.
    let has_capital = initial.is_lowercase() && initial < '\u{590}';
    // Not "iPhone".
    if is_end && has_capital && !rest.clone().any(char::is_uppercase) {
        first.text = initial.to_uppercase().chain(rest).collect();
    }
}

fn is_punctuation(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        !text.is_empty() && text.chars().all(|c| !c.is_alphanumeric() && !c.is_whitespace())
    })
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
