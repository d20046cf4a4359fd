//! WebVTT in which each word has its moment: players that style `::cue(:past)` and `::cue(:future)` show the word
//! that is being said. <https://www.w3.org/TR/webvtt1/#webvtt-timestamp-tag>

use super::webvtt;
use crate::{Cue, Timestamp, Track, Word};

/// `track`, made of these words in order, with a timestamp ahead of each word. Read as plain WebVTT, it is the very track that [`Format::WebVtt`] writes.
///
/// [`Format::WebVtt`]: super::Format::WebVtt
pub fn write(track: &Track, words: &[Word]) -> String {
    let mut letters = Letters::new(words);
    webvtt::write_with(track, |cue| timed(cue, &mut letters))
}

/// The letters of all words in order, each with the moment its word begins.
struct Letters {
    letters: Vec<(char, usize)>,
    starts: Vec<Timestamp>,
    next: usize,
}

/// Letters that a cue may lack, because its text was brought into normal form.
const MOST_SKIPPED: usize = 32;

impl Letters {
    fn new(words: &[Word]) -> Letters {
        let starts = words.iter().map(|word| word.start).collect();
        let letters = words.iter().enumerate().flat_map(|(number, word)| {
            word.text.chars().filter(|c| !c.is_whitespace()).map(move |c| (c, number))
        });
        Letters { letters: letters.collect(), starts, next: 0 }
    }

    /// The word that the next letter of the text belongs to. A letter that no word near by has belongs to none.
    fn take(&mut self, letter: char) -> Option<usize> {
        let ahead = self.letters[self.next..].iter().take(MOST_SKIPPED);
        let skipped = ahead.clone().position(|(c, _)| *c == letter)?;
        self.next += skipped + 1;
        Some(self.letters[self.next - 1].1)
    }
}

fn timed(cue: &Cue, letters: &mut Letters) -> String {
    let mut text = String::new();
    let mut last_word = None;
    // A timestamp must lie inside its cue, and after the one ahead of it.
    let mut told = cue.start;
    for c in cue.text.chars() {
        if !c.is_whitespace()
            && let Some(word) = letters.take(c)
            && last_word != Some(word)
        {
            last_word = Some(word);
            let start = letters.starts[word];
            if start > told && start < cue.end {
                text.push_str(&format!("<{start}>"));
                told = start;
            }
        }
        text.push_str(&webvtt::escaped(c.encode_utf8(&mut [0; 4])));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Corrections, CuePage, Format, Profile, segment};

    fn word(start: u64, end: u64, text: &str) -> Word {
        Word { start: Timestamp(start), end: Timestamp(end), text: text.into(), probability: 1.0 }
    }

    fn page(number: u32, end: u64, words: Vec<Word>) -> CuePage {
        let start = words.first().map_or(Timestamp(0), |word| word.start);
        CuePage {
            number,
            version: 0,
            start,
            end: Timestamp(end),
            words,
            cues: Vec::new(),
            open: None,
            peaks: String::new(),
        }
    }

    fn relayout(pages: &[CuePage]) -> Vec<Cue> {
        segment::relayout(pages, &Corrections::default(), Profile::Netflix)
    }

    fn written(pages: &[CuePage]) -> (String, Track) {
        let track = Track::arranged(Some("en".into()), relayout(pages));
        (write(&track, &segment::words_of(pages)), track)
    }

    #[test]
    fn each_word_has_its_moment() {
        let check = |words: &[(u64, u64, &str)], expect: &str| {
            let words = words.iter().map(|(start, end, text)| word(*start, *end, text)).collect();
            let (file, _) = written(&[page(0, 9000, words)]);
            let text =
                file.split_once("-->").and_then(|(_, rest)| rest.split_once('\n')).map(|(_, text)| text);
            assert_eq!(text.map(str::trim_end), Some(expect));
        };
        check(
            &[(0, 400, "Ask"), (500, 800, "not"), (900, 1500, "R&D.")],
            "Ask <00:00:00.500>not <00:00:00.900>R&amp;D.",
        );
        check(&[(0, 400, "字"), (400, 1800, "幕")], "字<00:00:00.400>幕");
        check(&[(0, 900, "same"), (0, 1500, "moment")], "same moment");
    }

    proptest! {
        #[test]
        fn it_reads_as_the_plain_track(texts in prop::collection::vec("[a-z<&]{1,12}[.,]?|字幕|\\{x\\}", 1..40)) {
            let words = texts.iter().enumerate();
            let words = words.map(|(number, text)| word(number as u64 * 300, number as u64 * 300 + 250, text)).collect();
            let pages = [page(0, 300 * texts.len() as u64 + 2000, words)];
            let (file, track) = written(&pages);
            prop_assert_eq!(Format::WebVtt.read(&file), Format::WebVtt.read(&Format::WebVtt.write(&track)));
        }
    }
}
