//! What is decoded and not taken yet.

use std::collections::VecDeque;

use super::SAMPLE_RATE;

/// Silence handed out at once.
const MAX_SILENCE: u64 = 10 * SAMPLE_RATE;

/// Samples of 16 kHz in order. Silence is counted, not stored: an hour of it takes no memory.
#[derive(Debug, Default)]
pub struct Ready {
    parts: VecDeque<Part>,
    /// Samples so far, those that were taken included.
    given: u64,
}

#[derive(Debug)]
enum Part {
    Samples(Vec<f32>),
    Silence(u64),
}

impl Ready {
    /// Appends what `fill` appends.
    pub fn fill(&mut self, fill: impl FnOnce(&mut Vec<f32>)) {
        if !matches!(self.parts.back(), Some(Part::Samples(_))) {
            self.parts.push_back(Part::Samples(Vec::new()));
        }
        let Some(Part::Samples(samples)) = self.parts.back_mut() else { return };
        let length_before = samples.len();
        fill(samples);
        self.given += samples.len().saturating_sub(length_before) as u64;
        if samples.is_empty() {
            self.parts.pop_back();
        }
    }

    /// Silence up to this time of the media. Counted from its start, so that many gaps do not add up their rounding.
    pub fn fill_silence_until(&mut self, seconds: f64) {
        let silence = ((seconds * SAMPLE_RATE as f64).round() as u64).saturating_sub(self.given);
        if silence > 0 {
            self.parts.push_back(Part::Silence(silence));
            self.given += silence;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Moves the next samples to `out`.
    pub fn take(&mut self, out: &mut Vec<f32>) {
        match self.parts.front_mut() {
            Some(Part::Silence(left)) if *left > MAX_SILENCE => {
                *left -= MAX_SILENCE;
                out.resize(out.len() + MAX_SILENCE as usize, 0.0);
                return;
            }
            Some(Part::Silence(left)) => out.resize(out.len() + *left as usize, 0.0),
            Some(Part::Samples(samples)) => out.append(samples),
            None => return,
        }
        self.parts.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_between_samples_comes_in_handfuls() {
        let mut ready = Ready::default();
        ready.fill(|samples| samples.extend([1.0, 2.0]));
        ready.fill_silence_until(25.0);
        ready.fill(|_| {});
        ready.fill(|samples| samples.push(3.0));
        let mut out = Vec::new();
        let mut handfuls = Vec::new();
        while !ready.is_empty() {
            ready.take(&mut out);
            handfuls.push(out.len());
        }
        assert_eq!(handfuls, [2, 160_002, 320_002, 400_000, 400_001]);
        assert_eq!((out[1], out[2], out[399_999], out[400_000]), (2.0, 0.0, 0.0, 3.0));
    }
}
