//! Finds where the model left out what was said in the midst of a window. It happens where somebody says nearly the same
//! again; the word before the hole then seems to last for seconds.

use std::ops::Range;

use domain::{Timestamp, Word};

/// A hole this long was not left by slow speech.
const SHORTEST_MS: u64 = 1_500;
/// The longest that a word takes, and each of its characters.
const WORD_MS: u64 = 500;
const CHARACTER_MS: u64 = 100;

/// The words behind which more was said than they take, each with the stretch up to the next word. `speech` are the
/// stretches in which somebody speaks, and `end` is that of the window.
pub fn find(
    words: &[Word],
    speech: &[(Timestamp, Timestamp)],
    end: Timestamp,
) -> Vec<(usize, Range<Timestamp>)> {
    let spoken_ms = |stretch: &Range<Timestamp>| -> u64 {
        let overlap = |&(from, to): &(Timestamp, Timestamp)| {
            to.min(stretch.end).0.saturating_sub(from.max(stretch.start).0)
        };
        speech.iter().map(overlap).sum()
    };
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let next = words.get(index + 1).map_or(end, |next| next.start);
        let stretch = word.start..next;
        let expected_ms = WORD_MS + CHARACTER_MS * word.text.chars().count() as u64;
        if spoken_ms(&stretch) >= expected_ms + SHORTEST_MS {
            found.push((index, stretch));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_lasts_through_much_speech_hides_others() {
        let at = Timestamp;
        let word = |text: &str, start: u64, end: u64| Word {
            start: at(start),
            end: at(end),
            text: text.into(),
            probability: 1.0,
        };
        let words = [word("one", 0, 400), word("two", 400, 5_000), word("three", 5_000, 5_400)];
        assert_eq!(find(&words, &[(at(0), at(6_000))], at(6_000)), [(1, at(400)..at(5_000))]);
        // A pause is no hole.
        assert_eq!(find(&words, &[(at(0), at(900)), (at(4_900), at(6_000))], at(6_000)), []);
    }
}
