//! The loudness of sound on its way to the windows, to be told with them.

use domain::peaks::{PEAK_MS, letter};

use crate::audio::SAMPLE_RATE;

const STEP: u64 = SAMPLE_RATE * PEAK_MS / 1000;

/// Letters of what was heard and not told yet.
pub struct Peaks {
    letters: String,
    /// Which step of the media the first letter stands for.
    first: u64,
    /// The next sample to be heard, and the loudest one of its step so far.
    next: u64,
    loudest: f32,
}

impl Peaks {
    /// Hears from sample `origin` on, and tells from `first` on.
    pub fn new(origin: u64, first: u64) -> Peaks {
        Peaks { letters: String::new(), first: first / STEP, next: origin, loudest: 0.0 }
    }

    pub fn hear(&mut self, samples: &[f32]) {
        for sample in samples {
            // Whatever broken sound decodes to.
            if sample.is_finite() {
                self.loudest = self.loudest.max(sample.abs());
            }
            self.next += 1;
            if self.next.is_multiple_of(STEP) {
                if self.next > self.first * STEP {
                    self.letters.push(letter(self.loudest));
                }
                self.loudest = 0.0;
            }
        }
    }

    /// The whole steps before sample `end` that were not told before.
    pub fn take_until(&mut self, end: u64) -> String {
        let count = (end / STEP).saturating_sub(self.first).min(self.letters.len() as u64);
        self.first += count;
        self.letters.drain(..count as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(range: std::ops::Range<u64>) -> String {
        range.map(|step| letter(step as f32 / 10.0)).collect()
    }

    fn sound() -> Vec<f32> {
        (0..10 * STEP).map(|sample| (sample / STEP) as f32 / 10.0).collect()
    }

    #[test]
    fn stretches_that_follow_each_other_tell_each_step_once() {
        for cuts in [vec![], vec![3 * STEP], vec![1, 2, STEP, 2 * STEP - 1, 7 * STEP + 5]] {
            let mut peaks = Peaks::new(0, 0);
            let mut told = String::new();
            for end in cuts.into_iter().chain([10 * STEP]) {
                let decoded = (end + 9).min(10 * STEP);
                peaks.hear(&sound()[peaks.next as usize..decoded as usize]);
                told += &peaks.take_until(end);
            }
            assert_eq!(told, steps(0..10));
        }
    }

    #[test]
    fn who_goes_on_in_the_middle_tells_what_is_left() {
        for (origin, first) in [(0, 4 * STEP), (2 * STEP, 4 * STEP + 8), (4 * STEP, 4 * STEP)] {
            let mut peaks = Peaks::new(origin, first);
            peaks.hear(&sound()[origin as usize..]);
            assert_eq!(peaks.take_until(6 * STEP) + &peaks.take_until(u64::MAX), steps(4..10), "{origin}");
        }
    }
}
