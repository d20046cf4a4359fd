//! Words in any state to atoms in order.

use super::script::{
    cells, char_cells, is_ideographic, is_leading_vowel, must_not_end, must_not_start, needs_space,
};
use crate::{Timestamp, Word, payload};

/// A piece of text that stays on one line: a word, or a part of one that is too long or written without spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Atom {
    pub text: String,
    /// Never before the atom ahead of it.
    pub start: Timestamp,
    /// Never after the start of the next atom.
    pub end: Timestamp,
    /// At least 1, so that a row of atoms in a cue is never endless.
    pub cells: u32,
    /// When it stands on one line with the atom ahead of it.
    pub space_before: bool,
    /// It continues the word of the atom ahead of it.
    pub inside_word: bool,
    /// Which of the given words it is of.
    pub word: usize,
    /// The model does not quite believe it.
    pub is_doubtful: bool,
}

/// What the model believes less than this is marked: with base one word in fifty of clear speech, and half of those
/// are wrong. Small words at the start of a sentence often lie just above it, and are right.
const DOUBTFUL: f32 = 0.45;

/// Ideographic words up to this width, four characters, stay whole; longer ones are whole phrases.
const WHOLE_WORD_CELLS: u32 = 8;

/// All text of `words` in their order, with times inside the window that never go back.
pub(super) fn of_words(words: &[Word], window: (Timestamp, Timestamp), line_cells: u32) -> Vec<Atom> {
    let mut atoms: Vec<Atom> = Vec::with_capacity(words.len());
    for (number, word) in words.iter().enumerate() {
        let text = payload::normalized(&word.text);
        let earliest = atoms.last().map_or(window.0, |atom| atom.start);
        // A word out of order starts with the one ahead of it: its place in the text is right, its time is not.
        let start = word.start.min(word.end).clamp(window.0, window.1).max(earliest);
        let end = word.start.max(word.end).clamp(window.0, window.1).max(start);
        let pieces: Vec<(&str, bool)> = text
            .split_whitespace()
            .flat_map(|token| {
                pieces_of(token, line_cells).into_iter().enumerate().map(|(i, piece)| (piece, i > 0))
            })
            .collect();
        if pieces.is_empty() {
            continue;
        }
        if let Some(ahead) = atoms.last_mut() {
            ahead.end = ahead.end.min(start);
        }
        let total: u64 = pieces.iter().map(|(piece, _)| u64::from(cells(piece).max(1))).sum();
        let mut done = 0;
        for (piece, inside_word) in pieces {
            let cells = cells(piece).max(1);
            let at = |done: u64| Timestamp(start.0 + share(end.0 - start.0, done, total));
            let space_before =
                !inside_word && atoms.last().is_some_and(|atom| needs_space(&atom.text, piece));
            let (start, end) = (at(done), at(done + u64::from(cells)));
            atoms.push(Atom {
                text: piece.to_owned(),
                start,
                end,
                cells,
                space_before,
                inside_word,
                word: number,
                is_doubtful: word.probability < DOUBTFUL,
            });
            done += u64::from(cells);
        }
    }
    atoms
}

/// `length * part / whole`; media times are far from the end of u64, foreign ones may not be.
fn share(length: u64, part: u64, whole: u64) -> u64 {
    (u128::from(length) * u128::from(part) / u128::from(whole.max(1))) as u64
}

/// The parts of a token between which a line may break; each fits a line.
fn pieces_of(token: &str, line_cells: u32) -> Vec<&str> {
    let width = cells(token);
    let may_break_anywhere =
        width > WHOLE_WORD_CELLS && token.chars().any(|c| is_ideographic(c) || is_leading_vowel(c));
    if !may_break_anywhere && width <= line_cells {
        return vec![token];
    }
    let mut pieces = Vec::new();
    let (mut piece_start, mut piece_cells) = (0, 0);
    let mut previous: Option<char> = None;
    for (index, c) in token.char_indices() {
        let width = char_cells(c);
        if let Some(previous) = previous {
            let is_bound = must_not_start(c) || must_not_end(previous);
            let may_break = may_break_anywhere
                && !is_bound
                && (is_ideographic(c) || is_ideographic(previous) || is_leading_vowel(c));
            // A row of bound characters must end too, but a mark stays with its letter.
            let must_break = piece_cells + width > line_cells && width > 0;
            if may_break || must_break {
                pieces.push(&token[piece_start..index]);
                (piece_start, piece_cells) = (index, 0);
            }
        }
        piece_cells += width;
        previous = Some(c);
    }
    pieces.push(&token[piece_start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_breaks_where_its_script_allows() {
        let check = |token: &str, expect: &[&str]| assert_eq!(pieces_of(token, 10), expect, "{token}");
        check("word", &["word"]);
        check("exactly-10", &["exactly-10"]);
        check("eleven-long", &["eleven-lon", "g"]);
        check("字幕很重", &["字幕很重"]);
        check("字幕很重要。", &["字", "幕", "很", "重", "要。"]);
        check("「字幕」だって", &["「字", "幕」", "だっ", "て"]);
        check("使用Python写字幕", &["使", "用", "Python", "写", "字", "幕"]);
        check("ฉันชอบเรียนภาษาไทยที่โรงเรียน", &["ฉันชอบ", "เรียนภาษา", "ไทยที่", "โรง", "เรียน"]);
        check("。。。。。。", &["。。。。。", "。"]);
        check("aaaaaaaaae\u{301}\u{301}b", &["aaaaaaaaae\u{301}\u{301}", "b"]);
    }

    #[test]
    fn times_are_brought_into_order_and_into_the_window() {
        let word = |start, end, text: &str| Word {
            start: Timestamp(start),
            end: Timestamp(end),
            text: text.into(),
            probability: 1.0,
        };
        let words = [
            word(0, 30, "early"),
            word(40, 60, "two words"),
            word(50, 45, "back"),
            word(20, 30, " \n"),
            word(900, 800, "late"),
        ];
        let atoms = of_words(&words, (Timestamp(10), Timestamp(100)), 42);
        let seen: Vec<(u64, u64, &str)> =
            atoms.iter().map(|atom| (atom.start.0, atom.end.0, atom.text.as_str())).collect();
        assert_eq!(
            seen,
            [(10, 30, "early"), (40, 47, "two"), (47, 47, "words"), (47, 50, "back"), (100, 100, "late")]
        );
    }
}
