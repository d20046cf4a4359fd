//! Any rate to 16 kHz, as a stream, without delay and without losing the end.

use audioadapter_buffers::direct::SequentialSlice;
use domain::Failure;
use rubato::{Fft, FixedSync, Indexing, Resampler};

use super::SAMPLE_RATE;

/// Input frames handed to the filter at once.
const CHUNK: usize = 4096;

/// Turns mono samples of one rate into samples of 16 kHz.
pub struct ToSixteen {
    filter: Option<Fft<f32>>,
    rate: u32,
    pending: Vec<f32>,
    scratch: Vec<f32>,
    /// Output samples of the filter's own delay that still have to be dropped.
    delay: usize,
    fed: u64,
    given: u64,
}

impl ToSixteen {
    /// Fails with `CorruptMedia` on rates that no recording has.
    pub fn new(rate: u32) -> Result<ToSixteen, Failure> {
        if !(1_000..=768_000).contains(&rate) {
            return Err(Failure::CorruptMedia);
        }
        let filter = if u64::from(rate) == SAMPLE_RATE {
            None
        } else {
            let filter = Fft::new(rate as usize, SAMPLE_RATE as usize, CHUNK, 1, FixedSync::Input)
                .map_err(|_| Failure::CorruptMedia)?;
            Some(filter)
        };
        let delay = filter.as_ref().map_or(0, |filter| filter.output_delay());
        Ok(ToSixteen { filter, rate, pending: Vec::new(), scratch: Vec::new(), delay, fed: 0, given: 0 })
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Takes `samples` and appends what is ready to `out`.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.fed += samples.len() as u64;
        if self.filter.is_none() {
            self.given += samples.len() as u64;
            out.extend_from_slice(samples);
            return;
        }
        self.pending.extend_from_slice(samples);
        self.drain(out);
    }

    /// Appends what is still in the filter, so that the output is as long as the input was.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let expected = self.fed * SAMPLE_RATE / u64::from(self.rate);
        let mut rounds = 0;
        while self.given < expected && rounds < 1000 {
            let padded = self.pending.len() + CHUNK;
            self.pending.resize(padded, 0.0);
            self.drain(out);
            rounds += 1;
        }
        let surplus = self.given.saturating_sub(expected) as usize;
        out.truncate(out.len().saturating_sub(surplus));
        self.given = expected;
        self.pending.clear();
    }

    fn drain(&mut self, out: &mut Vec<f32>) {
        let Some(filter) = &mut self.filter else { return };
        let mut used = 0;
        loop {
            let needed = filter.input_frames_next();
            if self.pending.len() - used < needed {
                break;
            }
            let room = filter.output_frames_max();
            self.scratch.resize(room, 0.0);
            let input = SequentialSlice::new(&self.pending[used..used + needed], 1, needed)
                .expect("the slice has the length that is named");
            let mut output = SequentialSlice::new_mut(&mut self.scratch, 1, room)
                .expect("the slice has the length that is named");
            let (taken, made) = filter
                .process_into_buffer(&input, &mut output, Some(&Indexing::new()))
                .expect("the buffers have the sizes the filter asked for");
            used += taken;
            let skipped = self.delay.min(made);
            self.delay -= skipped;
            out.extend_from_slice(&self.scratch[skipped..made]);
            self.given += (made - skipped) as u64;
        }
        self.pending.drain(..used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_keeps_its_length_its_phase_and_its_height() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
            let tone = |rate: f64, i: usize| (i as f64 / rate * 440.0 * std::f64::consts::TAU).sin() as f32;
            let input: Vec<f32> = (0..rate as usize * 2).map(|i| tone(rate as f64, i)).collect();
            let mut resampler = ToSixteen::new(rate).unwrap();
            let mut output = Vec::new();
            for part in input.chunks(1000) {
                resampler.push(part, &mut output);
            }
            resampler.finish(&mut output);
            assert_eq!(output.len(), 32_000, "at {rate} Hz");
            for (i, sample) in output.iter().enumerate().skip(2000).take(28_000) {
                let expected = tone(16_000.0, i);
                // The filter's delay is no whole number of samples at odd rates: one sample is 0.17.
                assert!((sample - expected).abs() < 0.15, "at {rate} Hz, sample {i}: {sample} {expected}");
            }
        }
    }

    #[test]
    fn rates_that_no_recording_has_are_refused() {
        for rate in [0, 1, 999, u32::MAX] {
            assert_eq!(ToSixteen::new(rate).err(), Some(Failure::CorruptMedia));
        }
    }
}
