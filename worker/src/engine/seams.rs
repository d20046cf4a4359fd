//! Joins what two windows heard on both sides of a cut within speech: each heard a second of the other's.

use std::ops::Range;

use domain::{Timestamp, Word};

/// A single word that both windows heard is the same one if they let it end this near to each other.
const NEAR_MS: u64 = 400;

/// Of the words heard in `heard`, those of `own`. `previous` are the last words of the window before.
pub fn keep_own(
    mut words: Vec<Word>,
    own: &Range<Timestamp>,
    heard: &Range<Timestamp>,
    previous: &[Word],
) -> Vec<Word> {
    if heard.end > own.end {
        let count = words.iter().take_while(|word| middle(word) < own.end.0).count();
        words.truncate(count);
    }
    if heard.start < own.start {
        let reach = own.start.0 - heard.start.0;
        words.drain(..count_known(&words, previous, own.start, reach));
    }
    for word in &mut words {
        word.start = word.start.clamp(own.start, own.end);
        word.end = word.end.clamp(own.start, own.end);
    }
    words
}

/// How many of the first `words` are the previous window's: up to where both heard the same, or else up to the end of its
/// last word. Times alone are not enough, since the windows may put the word at the cut on different sides of it.
fn count_known(words: &[Word], previous: &[Word], cut: Timestamp, reach: u64) -> usize {
    let keys = |words: &[Word]| words.iter().map(|word| key(&word.text)).collect::<Vec<_>>();
    let (heard, known) = (keys(words), keys(previous));
    let end = previous.last().map_or(cut, |word| word.end);
    for length in (1..=known.len().min(heard.len())).rev() {
        let reach = if length == 1 { NEAR_MS } else { reach };
        let distance = |count: usize| words[count - 1].end.0.abs_diff(end.0);
        let is_same = |count: &usize| heard[count - length..*count] == known[known.len() - length..];
        let same = (length..=heard.len()).filter(is_same).min_by_key(|&count| distance(count));
        if let Some(count) = same.filter(|&count| distance(count) <= reach) {
            return count;
        }
    }
    words.iter().take_while(|word| middle(word) < end.0).count()
}

fn middle(word: &Word) -> u64 {
    word.start.0.midpoint(word.end.0)
}

fn key(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that last 300 ms each, from `start` on.
    fn words_at(start: u64, text: &str) -> Vec<Word> {
        let word = |(index, text): (usize, &str)| {
            let start = start + 300 * index as u64;
            Word { start: Timestamp(start), end: Timestamp(start + 300), text: text.into(), probability: 1.0 }
        };
        text.split(' ').enumerate().map(word).collect()
    }

    fn kept(words: Vec<Word>, own: Range<u64>, heard: Range<u64>, previous: &str) -> String {
        let at = |range: Range<u64>| Timestamp(range.start)..Timestamp(range.end);
        // The last of them ends at the cut.
        let count = previous.split(' ').count() as u64;
        let previous = words_at(own.start.saturating_sub(300 * count), previous);
        let kept = keep_own(words, &at(own.clone()), &at(heard), &previous);
        assert!(kept.iter().all(|word| word.start.0 >= own.start && word.end.0 <= own.end), "{kept:?}");
        kept.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_window_that_hears_no_more_than_its_own_keeps_all() {
        assert_eq!(
            kept(words_at(9_000, "and so it goes"), 9_000..12_000, 9_000..12_000, "and so"),
            "and so it goes"
        );
    }

    #[test]
    fn each_side_of_a_cut_has_its_words_once() {
        // The cut is at 10 s, in the midst of "over".
        let left = words_at(8_600, "the brown fox jumps over the lazy dog");
        assert_eq!(kept(left, 0..10_000, 0..11_000, ""), "the brown fox jumps over");
        let right = words_at(9_000, "Fox jumps, over the lazy dog and");
        assert_eq!(kept(right, 10_000..20_000, 9_000..20_000, "brown fox jumps over"), "the lazy dog and");
    }

    #[test]
    fn a_word_that_is_put_on_different_sides_of_the_cut_is_neither_lost_nor_said_twice() {
        // The window before ended with "jumps" and left "over" to this one, which puts it before the cut.
        let right = words_at(9_000, "fox jumps over the lazy");
        assert_eq!(kept(right, 10_000..20_000, 9_000..20_000, "brown fox jumps"), "over the lazy");
        // It has "over" already, which this one puts behind the cut.
        let right = words_at(9_400, "jumps over the lazy");
        assert_eq!(kept(right, 9_500..20_000, 8_500..20_000, "fox jumps over"), "the lazy");
    }

    #[test]
    fn windows_that_heard_different_words_are_joined_at_the_cut() {
        let right = words_at(9_000, "socks jumped clover the lazy");
        assert_eq!(kept(right, 10_000..20_000, 9_000..20_000, "fox jumps over"), "the lazy");
    }

    #[test]
    fn the_same_word_said_again_later_is_another_one() {
        let right = words_at(9_700, "the cat and the dog");
        assert_eq!(kept(right, 10_000..20_000, 9_000..20_000, "saw the"), "cat and the dog");
    }
}
