//! The normal form of cue text: what survives every subtitle format.
//!
//! Cue text comes from a model, from people and from files, so it can hold anything. Formats that part cues by
//! empty lines cannot carry everything; so each writer brings text into this form first, and each reader
//! answers in it. Text in normal form survives writing and reading unchanged.

use crate::{Cue, Track};

/// Shows nothing and takes no room. The SRT writer puts it where plain text would look like markup.
pub(crate) const WORD_JOINER: char = '\u{2060}';

/// Cue text in normal form.
///
/// - Lines end with `\n`, whatever ended them before (CR, CR LF, vertical tab, form feed, NEL, U+2028, U+2029);
///   there are no empty lines, and no white space at the ends of a line. A tab is a space.
/// - Control characters, byte order marks, what XML cannot hold, and the overrides U+202D and U+202E are gone: they
///   have no glyph, or show text in another order than it has. Embeddings and isolates stay: Arabic and Hebrew need
///   them.
/// - A word joiner after `<`, `{` or `\\`, and inside `-->`, is gone: see [`crate::format`] on SRT.
pub fn normalized(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut line = String::new();
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                push_line(&mut normal, &line);
                line.clear();
            }
            '\t' => line.push(' '),
            '\u{FEFF}' | '\u{202D}' | '\u{202E}' | '\u{FFFE}' | '\u{FFFF}' => {}
            _ if c.is_control() => {}
            WORD_JOINER if line.ends_with(['<', '{', '\\']) => {}
            '>' => {
                let unjoined = line.trim_end_matches(WORD_JOINER);
                if unjoined.ends_with("--") {
                    line.truncate(unjoined.len());
                }
                line.push('>');
            }
            _ => line.push(c),
        }
    }
    push_line(&mut normal, &line);
    normal
}

fn push_line(text: &mut String, line: &str) {
    let line = line.trim();
    if line.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

/// The lines of cue text as one line: parted by a space, but for scripts that write none.
pub fn in_one_line(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for line in text.lines() {
        if crate::segment::needs_space(&joined, line) {
            joined.push(' ');
        }
        joined.push_str(line);
    }
    joined
}

impl Cue {
    /// The cue with its text in normal form.
    pub fn normalized(&self) -> Cue {
        let text = normalized(&self.text);
        // They count the characters of the text as it was.
        let doubts = if text == self.text { self.doubts.clone() } else { Vec::new() };
        Cue { text, doubts, ..*self }
    }
}

impl Track {
    /// The track as subtitle files can hold it: text in normal form, no cue without text, and none without
    /// duration: such a cue joins the one that starts with it, or lasts a millisecond.
    pub fn normalized(&self) -> Track {
        let mut cues: Vec<Cue> = Vec::with_capacity(self.cues().len());
        for cue in self.cues() {
            let cue = cue.normalized();
            if cue.text.is_empty() {
                continue;
            }
            match cues.last_mut() {
                Some(last) if last.start == last.end && last.start == cue.start => {
                    last.end = cue.end;
                    last.text = format!("{}\n{}", last.text, cue.text);
                }
                _ => cues.push(cue),
            }
        }
        for cue in &mut cues {
            // The next cue starts later, or this one would have joined it.
            cue.end = cue.end.max(crate::Timestamp(cue.start.0.saturating_add(1)));
        }
        Track::arranged(self.language.clone(), cues)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Timestamp;

    #[test]
    fn the_normal_form_keeps_text_and_drops_what_breaks_files() {
        let check = |text: &str, expect: &str| assert_eq!(normalized(text), expect, "{text:?}");
        check("plain", "plain");
        check("two\nlines", "two\nlines");
        check("a\r\nb\rc\u{2028}d\u{85}e", "a\nb\nc\nd\ne");
        check("a\n\n \n\nb\n", "a\nb");
        check("  blanks\t \n\tinside\tstay ", "blanks\ninside stay");
        check("\u{FEFF}mark\0 bell\u{7} esc\u{1b}[31m", "mark bell esc[31m");
        check("\u{202E}gnp.exe", "gnp.exe");
        check("\u{2067}עברית\u{2069}", "\u{2067}עברית\u{2069}");
        check("<script>alert('x')</script> & --> 1", "<script>alert('x')</script> & --> 1");
        check("<\u{2060}i> --\u{2060}\u{2060}> {\u{2060}\\an8}", "<i> --> {\\an8}");
        check("e-\u{2060}mail", "e-\u{2060}mail");
        check(" \r\n\t", "");
    }

    #[test]
    fn lines_join_with_a_space_unless_the_script_writes_none() {
        let check = |text: &str, expect: &str| assert_eq!(in_one_line(text), expect);
        check("two\nlines", "two lines");
        check("字幕は\n二行", "字幕は二行");
        check("그는\n말했다", "그는 말했다");
        check("", "");
    }

    #[test]
    fn a_cue_without_duration_joins_the_next_or_lasts_a_millisecond() {
        let cue = |start, end, text: &str| Cue {
            start: Timestamp(start),
            end: Timestamp(end),
            text: text.into(),
            doubts: Vec::new(),
        };
        let track = |cues| Track::new(None, cues).unwrap();
        let before =
            track(vec![cue(0, 5, "a"), cue(5, 5, "b"), cue(5, 9, "c"), cue(9, 9, " "), cue(9, 9, "d")]);
        assert_eq!(before.normalized(), track(vec![cue(0, 5, "a"), cue(5, 9, "b\nc"), cue(9, 10, "d")]));
    }

    proptest! {
        #[test]
        fn the_normal_form_is_stable(text in any::<String>(), tricky in "[-<>{\\\\\u{2060}\n ]{0,12}") {
            let normal = normalized(&(text + &tricky));
            prop_assert_eq!(normalized(&normal), normal.clone());
            prop_assert!(normal.split('\n').all(|line| line.trim() == line));
        }
    }
}
