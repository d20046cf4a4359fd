//! What a script asks of a layout: how wide its characters are, and whether it parts words by spaces.

/// The scripts whose lines are counted differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Alphabetic,
    Chinese,
    Japanese,
    Korean,
    Thai,
}

impl Script {
    /// The script of the text, by its characters: the language is not always known, and not always right.
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Script {
        let (mut others, mut han, mut kana, mut hangul, mut thai) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
        for c in texts.flat_map(str::chars) {
            match c {
                _ if is_kana(c) => kana += 1,
                _ if is_han(c) => han += 1,
                _ if is_hangul(c) => hangul += 1,
                '\u{0E01}'..='\u{0E4E}' => thai += 1,
                _ if c.is_alphabetic() => others += 1,
                _ => {}
            }
        }
        if thai > others.max(3 * (han + kana + hangul)) {
            return Script::Thai;
        }
        others += thai;
        // One Chinese character says about as much as three letters.
        if 3 * (han + kana + hangul) <= others || han + kana + hangul == 0 {
            Script::Alphabetic
        } else if hangul >= han + kana {
            Script::Korean
        } else if 10 * kana >= han {
            Script::Japanese
        } else {
            Script::Chinese
        }
    }
}

/// Whether a space belongs between two pieces of text when they are set in one line.
pub(crate) fn needs_space(before: &str, after: &str) -> bool {
    let (Some(last), Some(first)) = (before.chars().next_back(), after.chars().next()) else {
        return false;
    };
    let is_closing = after.chars().all(|c| matches!(c, ',' | '.' | '!' | '?' | ';' | ':' | '…' | '%'));
    !is_closing && !is_spaceless(last) && !is_spaceless(first)
}

/// Cells that the text takes: two for a full-width character, none for one that combines.
pub(crate) fn cells(text: &str) -> u32 {
    text.chars().map(char_cells).sum()
}

pub(super) fn char_cells(c: char) -> u32 {
    match c {
        _ if combines(c) => 0,
        _ if is_han(c) || is_kana(c) || is_hangul(c) || is_full_width_mark(c) => 2,
        '\u{1F300}'..='\u{1FAFF}' => 2,
        _ => 1,
    }
}

/// Characters that belong to the one before them, so that no line starts with one.
pub(super) fn combines(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}'
        // Hebrew and Arabic points.
        | '\u{0591}'..='\u{05BD}' | '\u{05BF}' | '\u{05C1}' | '\u{05C2}' | '\u{05C4}' | '\u{05C5}' | '\u{05C7}'
        | '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{0670}' | '\u{06D6}'..='\u{06DC}'
        | '\u{06DF}'..='\u{06E4}' | '\u{06E7}' | '\u{06E8}' | '\u{06EA}'..='\u{06ED}'
        // Vowels and viramas of Devanagari that stand above or below.
        | '\u{0901}' | '\u{0902}' | '\u{093C}' | '\u{0941}'..='\u{0948}' | '\u{094D}'
        // Thai and Lao.
        | '\u{0E31}' | '\u{0E34}'..='\u{0E3A}' | '\u{0E47}'..='\u{0E4E}'
        | '\u{0EB1}' | '\u{0EB4}'..='\u{0EBC}' | '\u{0EC8}'..='\u{0ECE}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}'
        | '\u{20D0}'..='\u{20FF}'
        | '\u{3099}' | '\u{309A}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{E0100}'..='\u{E01EF}')
}

pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{2FDF}' | '々' | '〇' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFD}')
}

pub(super) fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309F}')
}

/// Hiragana and katakana with the mark of length. Half-width forms are rare enough to count as wide.
fn is_kana(c: char) -> bool {
    is_hiragana(c) || matches!(c, '\u{30A0}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{FF66}'..='\u{FF9F}')
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '\u{A960}'..='\u{A97F}' | '\u{AC00}'..='\u{D7FF}')
}

fn is_full_width_mark(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{3004}' | '\u{3006}' | '\u{3008}'..='\u{303F}' | '\u{FF01}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}')
}

/// Characters that may stand at either side of a line break although no space parts them.
pub(super) fn is_ideographic(c: char) -> bool {
    is_han(c) || is_kana(c) || is_full_width_mark(c) || matches!(c, '\u{3100}'..='\u{312F}')
}

/// Characters of scripts that write no spaces between words: Chinese, Japanese, Thai, Lao, Burmese, Khmer.
fn is_spaceless(c: char) -> bool {
    is_ideographic(c)
        || matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}')
}

/// Vowels of Thai and Lao that are written ahead of their consonant: a syllable starts with them.
pub(super) fn is_leading_vowel(c: char) -> bool {
    matches!(c, '\u{0E40}'..='\u{0E44}' | '\u{0EC0}'..='\u{0EC4}')
}

/// Letters of Thai and Lao.
pub(super) fn is_thai(c: char) -> bool {
    matches!(c, '\u{0E01}'..='\u{0E4E}' | '\u{0E81}'..='\u{0ECE}')
}

/// No line starts with these: closing marks, small kana, the mark of length, vowels that follow their consonant.
pub(super) fn must_not_start(c: char) -> bool {
    combines(c)
        || c == '\u{200D}'
        || ",.!?;:)]}%…’”»、。，．！？；：）］｝」』】〉》〕〗・ー々ゝゞ～".contains(c)
        || "ะาำๅๆฯະາຳໆ".contains(c)
        || "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ".contains(c)
}

/// No line ends with these: opening marks, vowels that lead to their consonant, and the joiner of emoji.
pub(super) fn must_not_end(c: char) -> bool {
    c == '\u{200D}' || is_leading_vowel(c) || "([{‘“«（［｛「『【〈《〔〖".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_known_by_its_characters() {
        let check = |text: &str, expect: Script| assert_eq!(Script::of([text].into_iter()), expect, "{text}");
        check("Hello there", Script::Alphabetic);
        check("", Script::Alphabetic);
        check("Привет 123", Script::Alphabetic);
        check("สวัสดี", Script::Thai);
        check("مرحبا", Script::Alphabetic);
        check("字幕很重要", Script::Chinese);
        check("我们用 Python 写字幕程序", Script::Chinese);
        check("字幕を書く", Script::Japanese);
        check("カタカナ", Script::Japanese);
        check("자막을 씁니다", Script::Korean);
        check("He said 你好 to everybody in the room", Script::Alphabetic);
    }

    #[test]
    fn spaces_stand_where_the_script_writes_them() {
        let check = |before: &str, after: &str, expect: bool| {
            assert_eq!(needs_space(before, after), expect, "{before} {after}");
        };
        check("two", "words", true);
        check("자막을", "씁니다", true);
        check("字", "幕", false);
        check("使用", "Python", false);
        check("สวัส", "ดี", false);
        check("end", ".", false);
        check("end", "...so", true);
        check("", "word", false);
        check("word", "", false);
    }

    #[test]
    fn full_width_characters_take_two_cells_and_marks_none() {
        let check = |text: &str, expect: u32| assert_eq!(cells(text), expect, "{text}");
        check("abc", 3);
        check("字幕。", 6);
        check("e\u{301}", 1);
        check("자막", 4);
        check("👍\u{1F3FD}", 2);
        check("ที่นี่", 2);
        check("مَرْحَبًا", 5);
        check("שָׁלוֹם", 4);
    }
}
