//! Moments as people type them, and places in a text.

use domain::Timestamp;

/// `0:01:02.345`.
pub fn write(time: Timestamp) -> String {
    let (seconds, millis) = (time.0 / 1_000, time.0 % 1_000);
    format!("{}:{:02}:{:02}.{millis:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// `1:02:03.45`, `62.5`, `1:02,5`: hours and minutes may be missing. `None`: this is no moment.
pub fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim().replace(',', ".");
    let mut parts = text.rsplitn(3, ':');
    let seconds = parts.next()?;
    let is_number = seconds.starts_with(|c: char| c.is_ascii_digit())
        && seconds.chars().all(|c| c.is_ascii_digit() || c == '.');
    let seconds: f64 = seconds.parse().ok().filter(|_| is_number)?;
    let mut whole = 0_u64;
    for (part, length) in parts.zip([60, 3_600]) {
        let is_number = part.len() <= 6 && part.chars().all(|c| c.is_ascii_digit());
        whole += part.parse::<u64>().ok().filter(|_| is_number)? * length;
    }
    (seconds < 1e9).then(|| Timestamp(whole * 1_000 + Timestamp::from_secs_f64(seconds).0))
}

/// How many characters of the clean text stand ahead of a place in what was typed, which the browser counts in units of
/// UTF-16. White space does not count, since cleaning changes it.
pub fn characters_ahead(typed: &str, place: u32, clean: &str) -> usize {
    let mut units = 0;
    let ahead = typed.chars().take_while(|c| {
        units += c.len_utf16();
        units <= place as usize
    });
    let mut letters = ahead.filter(|c| !c.is_whitespace()).count();
    for (at, c) in clean.chars().enumerate() {
        if letters == 0 {
            return at;
        }
        letters -= usize::from(!c.is_whitespace());
    }
    clean.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let check =
            |text: &str, expect: Option<u64>| assert_eq!(read(text).map(|time| time.0), expect, "{text}");
        check("0:01:02.345", Some(62_345));
        check(" 1:02,5 ", Some(62_500));
        check("7", Some(7_000));
        check("100:00:00", Some(360_000_000));
        for wrong in
            ["", ":", "a", "1:", "1:2:3:4", "-1", "1e9", "nan", "9999999:00", ".", "1..2", "99999999999"]
        {
            check(wrong, None);
        }
        assert_eq!(read(&write(Timestamp(3_723_004))), Some(Timestamp(3_723_004)));
    }

    #[test]
    fn the_place_in_what_was_typed_is_found_in_the_clean_text() {
        let check = |typed: &str, place, clean: &str, expect| {
            assert_eq!(characters_ahead(typed, place, clean), expect, "{typed:?} at {place}");
        };
        check("one two", 3, "one two", 3);
        check("  one  two", 6, "one two", 4 - 1);
        check("😀 two", 2, "😀 two", 1);
        check("one two", 0, "one two", 0);
        check("one two", 9, "one two", 7);
    }
}
