//! Where speech begins and ends, as far as loudness tells.

use super::{PEAK_MS, level};
use crate::Timestamp;

/// So many steps on either side tell how loud it is when nobody speaks, and when somebody does: ten seconds.
const AROUND: usize = 200;

/// What is not louder than the quiet by this many levels is no speech.
const LEAST_CONTRAST: u8 = 6;

/// Steps of quiet within a word, as before a plosive.
const CLOSURE: usize = 2;

/// Fewer steps of sound are a click.
const SHORTEST_SPEECH: usize = 2;

/// The moment nearest to `time`, at most `reach` milliseconds from it, in which somebody begins to speak. A step of
/// [`PEAK_MS`] early rather than late. `None`: there is none, as within a sentence, or nothing is heard there yet.
pub fn onset(letters: &str, time: Timestamp, reach: u64) -> Option<Timestamp> {
    nearest(runs(letters, time, reach).into_iter().map(|(from, _)| from), time, reach)
}

/// The same for the moment in which somebody stops. What sounds where the letters end may go on.
pub fn release(letters: &str, time: Timestamp, reach: u64) -> Option<Timestamp> {
    let ends = runs(letters, time, reach).into_iter().map(|(_, to)| to).filter(|to| *to < letters.len());
    nearest(ends, time, reach)
}

/// Start and end moved to where speech begins and ends, each as far as that is near; together they stay a stretch.
pub fn snapped(letters: &str, start: Timestamp, end: Timestamp, reach: u64) -> (Timestamp, Timestamp) {
    let from = onset(letters, start, reach).unwrap_or(start);
    let to = release(letters, end, reach).unwrap_or(end);
    if from < to { (from, to) } else { (start, end) }
}

fn nearest(steps: impl Iterator<Item = usize>, time: Timestamp, reach: u64) -> Option<Timestamp> {
    let moments = steps.map(|step| step as u64 * PEAK_MS).filter(|moment| moment.abs_diff(time.0) <= reach);
    moments.min_by_key(|moment| moment.abs_diff(time.0)).map(Timestamp)
}

/// Steps from and to which somebody speaks, near `time`.
fn runs(letters: &str, time: Timestamp, reach: u64) -> Vec<(usize, usize)> {
    let (center, reach) = ((time.0 / PEAK_MS) as usize, (reach / PEAK_MS) as usize + 1);
    let first = center.saturating_sub(AROUND.max(reach));
    let last = center.saturating_add(AROUND.max(reach)).min(letters.len());
    let near = letters.as_bytes().get(first..last).unwrap_or_default();
    let levels: Vec<u8> = near.iter().map(|letter| level(*letter)).collect();
    let Some(threshold) = threshold(&levels) else { return Vec::new() };
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for step in (0..levels.len()).filter(|step| levels[*step] > threshold) {
        match runs.last_mut() {
            Some((_, to)) if step - *to <= CLOSURE => *to = step + 1,
            _ => runs.push((step, step + 1)),
        }
    }
    runs.retain(|(from, to)| to - from >= SHORTEST_SPEECH);
    // Somebody spoke before the first step that was looked at, unless the media begins there.
    runs.retain(|(from, _)| *from > 0 || first == 0);
    runs.into_iter().map(|(from, to)| (first + from, first + to)).collect()
}

/// Between the quiet and the loud of these, nearer to the quiet: voices fade in and out. In levels, which are the square
/// root of what sounds, a quarter of the way is 24 dB below the loud.
fn threshold(levels: &[u8]) -> Option<u8> {
    let mut counts = [0_usize; 64];
    for level in levels {
        counts[usize::from(*level)] += 1;
    }
    // The level that so many tenths of the steps do not exceed.
    let share = |of_ten: usize| {
        let mut seen = 0;
        let level = counts.iter().position(|count| {
            seen += count;
            seen * 10 > levels.len() * of_ten
        });
        level.map(|level| level as u8)
    };
    let (quiet, loud) = (share(1)?, share(9)?);
    let contrast = loud - quiet;
    (contrast >= LEAST_CONTRAST).then(|| quiet + (contrast / 4).max(LEAST_CONTRAST / 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::peaks::LETTERS;

    fn letters(levels: impl IntoIterator<Item = u8>) -> String {
        levels.into_iter().map(|level| char::from(LETTERS[usize::from(level)])).collect()
    }

    /// Quiet and speech in turn, so many steps each.
    fn turns(quiet: u8, loud: u8, lengths: &[usize]) -> String {
        let level = |at: usize| if at.is_multiple_of(2) { quiet } else { loud };
        letters(lengths.iter().enumerate().flat_map(|(at, length)| std::iter::repeat_n(level(at), *length)))
    }

    #[test]
    fn speech_begins_and_ends_where_it_stands_out() {
        // Speech from 1 s to 2 s, with a plosive at 1.5 s, and from 2.5 s to where the letters end.
        let sound = turns(4, 40, &[20, 10, 2, 8, 10, 30]);
        let check = |time, begins: Option<u64>, ends: Option<u64>| {
            assert_eq!(onset(&sound, Timestamp(time), 400).map(|time| time.0), begins, "onset at {time}");
            assert_eq!(release(&sound, Timestamp(time), 400).map(|time| time.0), ends, "release at {time}");
        };
        check(0, None, None);
        check(700, Some(1_000), None);
        check(1_290, Some(1_000), None);
        check(1_550, None, None);
        check(2_260, Some(2_500), Some(2_000));
        check(3_900, None, None);
        check(1_000_000, None, None);
    }

    #[test]
    fn a_click_is_no_speech_and_neither_is_noise() {
        let click = turns(4, 40, &[20, 1, 20, 20, 20]);
        assert_eq!(onset(&click, Timestamp(1_000), 300), None);
        assert_eq!(onset(&click, Timestamp(2_000), 300), Some(Timestamp(2_050)));
        assert_eq!(onset(&turns(20, 24, &[20, 20, 20]), Timestamp(1_000), 500), None);
        assert_eq!(onset("", Timestamp(0), 500), None);
    }

    #[test]
    fn a_cue_that_would_be_turned_around_stays() {
        let sound = turns(4, 40, &[20, 20, 20]);
        let check = |start, end, expect: (u64, u64)| {
            let (from, to) = snapped(&sound, Timestamp(start), Timestamp(end), 500);
            assert_eq!((from.0, to.0), expect);
        };
        check(900, 2_300, (1_000, 2_000));
        check(1_300, 1_400, (1_000, 1_400));
        check(600, 800, (600, 800));
    }

    proptest! {
        /// However loud the room is: whoever is well above it is found, and found again from there.
        #[test]
        fn each_beginning_and_end_is_found(
            quiet in 0_u8..20, louder in 14_u8..40, lengths in prop::collection::vec(4_usize..40, 3..9),
            noise in prop::collection::vec(0_u8..2, 400), off in 0_u64..100,
        ) {
            let plain = turns(quiet, quiet + louder, &lengths);
            let sound = letters(plain.bytes().zip(noise.iter().cycle()).map(|(letter, more)| level(letter) + more));
            let mut step = 0;
            for (at, length) in lengths.iter().enumerate() {
                let moment = Timestamp(step as u64 * PEAK_MS);
                let beside = Timestamp((moment.0 + off).saturating_sub(50));
                // Where it is quiet, or loud, nearly all the time, nothing stands out.
                let stands_out = threshold(&plain.bytes().map(level).collect::<Vec<_>>()).is_some();
                if step > 0 && stands_out {
                    let edge = if at % 2 == 1 { onset } else { release };
                    prop_assert_eq!(edge(&sound, beside, 90), Some(moment));
                    prop_assert_eq!(edge(&sound, moment, 0), Some(moment));
                }
                step += length;
            }
        }

        #[test]
        fn what_is_found_is_near_and_a_cue_stays_a_stretch(
            levels in prop::collection::vec(0_u8..64, 0..600), start in 0_u64..40_000, length in 1_u64..9_000, reach in 0_u64..1_000,
        ) {
            let sound = letters(levels);
            let (start, end) = (Timestamp(start), Timestamp(start + length));
            let (from, to) = snapped(&sound, start, end, reach);
            prop_assert!(from < to);
            prop_assert!(from.0.abs_diff(start.0) <= reach && to.0.abs_diff(end.0) <= reach);
        }
    }
}
