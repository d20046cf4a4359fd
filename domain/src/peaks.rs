//! How loud media is over time, small enough to keep with its words: for each twentieth of a second the loudest sample,
//! as one letter.

mod speech;

pub use speech::{onset, release, snapped};

/// Milliseconds that one letter stands for.
pub const PEAK_MS: u64 = 50;

/// In order of loudness.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The letter for a loudest sample, of 0 to 1. Half of the scale is for what is softer than a quarter, as ears have it.
pub fn letter(amplitude: f32) -> char {
    // `as` saturates, and makes zero of what is not a number.
    let level = (amplitude.abs().clamp(0.0, 1.0).sqrt() * 63.0).round() as usize;
    char::from(LETTERS[level.min(63)])
}

/// How high to draw each letter, 0 to 1; what is no such letter is silence.
pub fn heights(letters: &str) -> impl Iterator<Item = f32> {
    letters.bytes().map(|letter| f32::from(level(letter)) / 63.0)
}

/// 0 to 63.
fn level(letter: u8) -> u8 {
    match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_is_read_as_it_is_written() {
        for (at, letter) in LETTERS.iter().enumerate() {
            assert_eq!(usize::from(level(*letter)), at);
        }
    }

    #[test]
    fn a_letter_tells_how_loud_it_was() {
        let drawn = |amplitude: f32| heights(&letter(amplitude).to_string()).next().unwrap();
        for amplitude in [0.0, 0.01, 0.1, 0.5, 1.0] {
            assert!((drawn(amplitude) - f32::sqrt(amplitude)).abs() < 0.01, "{amplitude}");
            assert_eq!(drawn(amplitude), drawn(-amplitude));
        }
        assert_eq!([f32::NAN, 7.0].map(letter), ['A', '_']);
        assert_eq!(heights("A?_").collect::<Vec<_>>(), [0.0, 0.0, 1.0]);
    }
}
