//! Moves the bounds of words to the pauses that can be heard around them.
//!
//! Attention says which word is spoken, but lets the one before a pause last until well into the next one.

use domain::{Timestamp, Word};

use crate::audio::SAMPLE_RATE;

const FRAME_MS: u64 = 10;
const FRAME: usize = SAMPLE_RATE as usize * FRAME_MS as usize / 1000;
/// A shorter one is a plosive.
const PAUSE_MS: u64 = 80;
/// How late attention may notice the word after a pause, and how early.
const LATE_MS: u64 = 400;
const EARLY_MS: u64 = 150;
/// How much further off a word may be that follows a comma than one that does not.
const COMMA_MS: u64 = 150;
/// Of the way from the quietest to the loudest tenth, in decibels: what lies below is a pause.
const QUIET: f32 = 0.3;

/// `words` were heard in `samples`, of which the first is at `start`.
pub fn snap(words: &mut [Word], samples: &[f32], start: Timestamp) {
    for (from, to) in pauses(samples) {
        let (from, to) = (start.0 + from, start.0 + to);
        let is_next = |word: &Word| (from.saturating_sub(EARLY_MS)..to + LATE_MS).contains(&word.start.0);
        // The nearest to the end of the pause; where people pause there mostly is a comma.
        let distance = |&(index, word): &(usize, &Word)| {
            let follows_comma =
                index > 0 && words[index - 1].text.ends_with([',', '.', ';', ':', '?', '!', '…']);
            word.start.0.abs_diff(to) + if follows_comma { 0 } else { COMMA_MS }
        };
        let candidates = words.iter().enumerate().filter(|(_, word)| is_next(word));
        let Some((next, _)) = candidates.min_by_key(distance) else { continue };
        // Over before the sound comes back: not the word that brings it.
        if words[next].end.0 <= to {
            continue;
        }
        words[next].start = Timestamp(to);
        if let Some(before) = next.checked_sub(1).map(|index| &mut words[index])
            && before.start.0 < from
        {
            before.end = before.end.min(Timestamp(from));
        }
    }
}

/// Stretches of quiet between sounds, in milliseconds from the first sample on.
fn pauses(samples: &[f32]) -> Vec<(u64, u64)> {
    let level = |frame: &[f32]| {
        let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / FRAME as f32;
        10.0 * power.max(1e-10).log10()
    };
    let levels: Vec<f32> = samples.chunks_exact(FRAME).map(level).collect();
    let mut sorted = levels.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let (Some(quietest), Some(loudest)) = (sorted.get(sorted.len() / 10), sorted.get(sorted.len() * 9 / 10))
    else {
        return Vec::new();
    };
    // Beyond 60 dB below the loudest nothing is heard, so digital silence is no measure.
    let floor = quietest.max(loudest - 60.0);
    let limit = floor + QUIET * (loudest - floor);
    let mut pauses = Vec::new();
    let mut since = None;
    for (index, level) in levels.iter().enumerate() {
        let at = index as u64 * FRAME_MS;
        if *level < limit {
            since.get_or_insert(at);
        } else if let Some(from) = since.take()
            && at - from >= PAUSE_MS
        {
            pauses.push((from, at));
        }
    }
    pauses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(start: u64, end: u64) -> Word {
        Word { start: Timestamp(start), end: Timestamp(end), text: "word".into(), probability: 1.0 }
    }

    /// Sound and quiet in turn, of so many milliseconds each.
    fn sound(lengths_ms: &[u64]) -> Vec<f32> {
        let mut samples = Vec::new();
        for (number, length) in lengths_ms.iter().enumerate() {
            let volume = if number % 2 == 0 { 0.3 } else { 0.001 };
            let count = *length as usize * SAMPLE_RATE as usize / 1000;
            samples.extend((0..count).map(|n| volume * (n as f32 * 0.2).sin()));
        }
        samples
    }

    #[test]
    fn the_word_after_a_pause_begins_where_it_is_heard() {
        let mut words = [word(5_000, 5_700), word(5_700, 6_100)];
        snap(&mut words, &sound(&[400, 150, 500]), Timestamp(5_000));
        assert_eq!((words[0].end.0, words[1].start.0), (5_400, 5_550));
    }

    #[test]
    fn the_word_after_a_comma_is_the_one_after_the_pause() {
        let mut words = [word(0, 300), word(300, 480), word(480, 900)];
        words[0].text = "six,".into();
        snap(&mut words, &sound(&[250, 200, 500]), Timestamp(0));
        assert_eq!((words[0].end.0, words[1].start.0), (250, 450));
    }

    #[test]
    fn plosives_and_pauses_inside_a_word_move_nothing() {
        let before = [word(0, 900), word(900, 1_200)];
        let mut words = before.clone();
        snap(&mut words, &sound(&[400, 50, 400, 60, 300]), Timestamp(0));
        assert_eq!(words, before);
        let mut words = [word(0, 1_200)];
        snap(&mut words, &sound(&[600, 100, 500]), Timestamp(0));
        assert_eq!(words, [word(0, 1_200)]);
    }
}
