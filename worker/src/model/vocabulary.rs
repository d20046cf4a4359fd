//! Reads the words of a `tokenizer.json` as raw bytes.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// Everything from here on is no word.
const END: &str = "<|endoftext|>";

#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    #[error("the tokenizer cannot be read")]
    Json(#[from] serde_json::Error),
    #[error("the tokenizer has no {END}")]
    NoEnd,
    #[error("the tokenizer has no word of number {0}")]
    Gap(u32),
    #[error("the tokenizer's word is not in byte-level form: {0}")]
    Letter(String),
}

#[derive(Deserialize)]
struct Tokenizer {
    model: Words,
    added_tokens: Vec<Added>,
}

#[derive(Deserialize)]
struct Words {
    vocab: HashMap<String, u32>,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
}

/// The bytes of the words below `<|endoftext|>` in the order of their numbers, and of that one too if `with_end` (as
/// the published English-only models have it).
pub fn read(json: &[u8], with_end: bool) -> Result<Vec<Vec<u8>>, VocabularyError> {
    let tokenizer: Tokenizer = serde_json::from_slice(json)?;
    let end =
        tokenizer.added_tokens.iter().find(|token| token.content == END).ok_or(VocabularyError::NoEnd)?.id;
    let by_number: BTreeMap<u32, &String> =
        tokenizer.model.vocab.iter().map(|(word, number)| (*number, word)).collect();
    let bytes = bytes_by_letter();
    let mut words = Vec::new();
    for number in 0..end {
        let word = by_number.get(&number).ok_or(VocabularyError::Gap(number))?;
        let word_bytes: Option<Vec<u8>> = word.chars().map(|letter| bytes.get(&letter).copied()).collect();
        words.push(word_bytes.ok_or_else(|| VocabularyError::Letter((*word).clone()))?);
    }
    if with_end {
        words.push(END.as_bytes().to_vec());
    }
    Ok(words)
}

/// GPT-2's byte-level letters: printable bytes of Latin-1 stand for themselves, the others are counted up from U+0100.
fn bytes_by_letter() -> HashMap<char, u8> {
    let mut next = 0x100u32;
    let mut letters = HashMap::new();
    for byte in 0..=255u8 {
        let letter = if matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff) {
            char::from(byte)
        } else {
            next += 1;
            char::from_u32(next - 1).expect("no surrogate lies between U+0100 and U+01FF")
        };
        letters.insert(letter, byte);
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, with_end: bool, expect: &[&[u8]]) {
        assert_eq!(read(json.as_bytes(), with_end).unwrap(), expect);
    }

    #[test]
    fn words_are_raw_bytes_in_order_of_number() {
        let json = r#"{"model": {"vocab": {"Ġa": 1, "!": 0, "Ã©": 2, "<|endoftext|>": 3}},
                       "added_tokens": [{"id": 3, "content": "<|endoftext|>"}]}"#;
        check(json, false, &[b"!", b" a", "é".as_bytes()]);
        check(json, true, &[b"!", b" a", "é".as_bytes(), b"<|endoftext|>"]);
    }

    #[test]
    fn each_byte_has_a_letter_of_its_own() {
        let letters = bytes_by_letter();
        assert_eq!(letters.len(), 256);
        assert_eq!(letters[&'Ġ'], b' ');
        assert_eq!(letters[&'Ċ'], b'\n');
    }

    #[test]
    fn a_missing_number_is_an_error() {
        let json =
            r#"{"model": {"vocab": {"!": 0}}, "added_tokens": [{"id": 2, "content": "<|endoftext|>"}]}"#;
        assert!(matches!(read(json.as_bytes(), false), Err(VocabularyError::Gap(1))));
    }
}
