//! The log-Mel spectrogram that Whisper was trained on.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use crate::audio::SAMPLE_RATE;

/// Samples from one frame to the next: 10 ms.
const HOP: usize = SAMPLE_RATE as usize / 100;
const LENGTH: usize = 400;
const BINS: usize = LENGTH / 2 + 1;

pub struct Features {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// Of each band the first bin that counts, and the weights from there on: most are zero.
    bands: Vec<(usize, Vec<f32>)>,
}

impl Features {
    /// `filters` are rows of [`BINS`] weights.
    pub fn new(filters: &[f32]) -> Features {
        let turn = std::f32::consts::TAU / LENGTH as f32;
        let band = |row: &[f32]| {
            let first = row.iter().position(|weight| *weight != 0.0).unwrap_or(0);
            let end = row.iter().rposition(|weight| *weight != 0.0).map_or(first, |last| last + 1);
            (first, row[first..end].to_vec())
        };
        Features {
            fft: RealFftPlanner::new().plan_fft_forward(LENGTH),
            window: (0..LENGTH).map(|n| 0.5 - 0.5 * (turn * n as f32).cos()).collect(),
            bands: filters.chunks_exact(BINS).map(band).collect(),
        }
    }

    pub fn bands(&self) -> usize {
        self.bands.len()
    }

    /// A row of `frames` numbers for each band. After the samples comes silence; what does not fit is left out.
    pub fn of(&self, samples: &[f32], frames: usize) -> Vec<f32> {
        let half = LENGTH / 2;
        let mut padded = Vec::with_capacity(frames * HOP + LENGTH);
        // Mirrored at the start, as in training.
        padded.extend((1..=half).rev().map(|at| samples.get(at).copied().unwrap_or(0.0)));
        padded.extend_from_slice(&samples[..samples.len().min(frames * HOP + half)]);
        padded.resize(frames * HOP + LENGTH, 0.0);

        let mut rows = vec![0.0f32; self.bands.len() * frames];
        let mut input = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut power = [0.0f32; BINS];
        let mut highest = f32::MIN;
        for frame in 0..frames {
            let sound = &padded[frame * HOP..][..LENGTH];
            for ((value, sample), weight) in input.iter_mut().zip(sound).zip(&self.window) {
                *value = sample * weight;
            }
            // Its only error is a buffer of another size.
            if self.fft.process_with_scratch(&mut input, &mut spectrum, &mut scratch).is_err() {
                continue;
            }
            for (power, value) in power.iter_mut().zip(&spectrum) {
                *power = value.norm_sqr();
            }
            for (band, (first, weights)) in self.bands.iter().enumerate() {
                let sum: f32 =
                    power[*first..].iter().zip(weights).map(|(power, weight)| power * weight).sum();
                let level = sum.max(1e-10).log10();
                highest = highest.max(level);
                rows[band * frames + frame] = level;
            }
        }
        for level in &mut rows {
            *level = (level.max(highest - 8.0) + 4.0) / 4.0;
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_in_its_band_and_silence_is_below() {
        // Two bands: below and above 2 kHz.
        let filters: Vec<f32> = [true, false]
            .iter()
            .flat_map(|is_low| (0..BINS).map(move |bin| f32::from(u8::from((bin < 50) == *is_low))))
            .collect();
        let features = Features::new(&filters);
        let tone: Vec<f32> =
            (0..16_000).map(|n| (std::f32::consts::TAU * 440.0 * n as f32 / 16_000.0).sin() * 0.5).collect();
        let rows = features.of(&tone, 200);
        assert_eq!(rows.len(), 400);
        let (low, high) = rows.split_at(200);
        assert!(low[50] > 1.5 && high[50] < low[50] - 1.0, "{} {}", low[50], high[50]);
        let floor = low[50] - 2.0;
        assert!((low[150] - floor).abs() < 0.1, "the floor is 80 dB below the loudest: {} {floor}", low[150]);
    }
}
