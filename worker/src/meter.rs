//! How far an attempt is, as people see it: a share that never falls and a remaining time as measured.

use std::time::Duration;

/// Share of the whole that fetching is shown as.
const FETCHING: f32 = 0.05;
/// Only the end of the job shows as the whole.
const ALMOST: f32 = 0.99;
/// What a window still weighs in the measured rate when the next one is heard.
const FADING: f64 = 0.9;
/// Media of unknown length is shown as half done after this time.
const UNKNOWN_HALF_MS: f32 = 10.0 * 60_000.0;

/// Pure: is told what happened, and holds the share (0 to 1) and the rate.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    fraction: f32,
    duration_ms: Option<u64>,
    position_ms: u64,
    /// Milliseconds of media heard, and the milliseconds that took; older windows weigh less. Two sums, since
    /// windows that are transcribed side by side come in bursts, where the rate of each alone says nothing.
    heard_ms: f64,
    took_ms: f64,
}

impl Meter {
    /// For a job that an earlier attempt brought to `fraction`: people do not see it fall.
    pub fn starting_at(fraction: f32) -> Meter {
        Meter { fraction: fraction.clamp(0.0, ALMOST), ..Meter::default() }
    }

    pub fn fraction(&self) -> f32 {
        self.fraction
    }

    /// Bytes received so far, of a total that the site may not have told.
    pub fn fetched(&mut self, received: u64, total: Option<u64>) {
        let share = match total {
            Some(total) if total > 0 => (received as f32 / total as f32).min(1.0),
            _ => 0.5,
        };
        self.raise(FETCHING * share);
    }

    /// The media is here.
    pub fn has_media(&mut self) {
        self.raise(FETCHING);
    }

    /// The media's length, as the container claims it, and where the hearing starts.
    pub fn opened(&mut self, duration_ms: Option<u64>, resume_from_ms: u64) {
        self.duration_ms = duration_ms;
        self.position_ms = resume_from_ms;
        self.raise_to_position();
    }

    /// Everything up to `position_ms` is heard; the part since the last call took `took`.
    pub fn heard(&mut self, position_ms: u64, took: Duration) {
        let heard_ms = position_ms.saturating_sub(self.position_ms) as f64;
        self.position_ms = self.position_ms.max(position_ms);
        self.heard_ms = self.heard_ms * FADING + heard_ms;
        self.took_ms = self.took_ms * FADING + took.as_secs_f64() * 1000.0;
        self.raise_to_position();
    }

    /// Remaining time in milliseconds; unknown before the first window and for media of unknown length.
    pub fn eta_ms(&self) -> Option<u64> {
        let left_ms = self.duration_ms?.saturating_sub(self.position_ms) as f64;
        (self.heard_ms > 0.0).then(|| (left_ms * self.took_ms / self.heard_ms).round() as u64)
    }

    fn raise_to_position(&mut self) {
        let position = self.position_ms as f32;
        let share = match self.duration_ms {
            Some(duration) if duration > 0 => position / duration as f32,
            _ => position / (position + UNKNOWN_HALF_MS),
        };
        self.raise(FETCHING + (1.0 - FETCHING) * share);
    }

    fn raise(&mut self, fraction: f32) {
        self.fraction = self.fraction.max(fraction.min(ALMOST));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_of_the_media_is_about_half_of_the_way() {
        let mut meter = Meter::default();
        meter.fetched(50, Some(100));
        assert_eq!(meter.fraction(), 0.025);
        meter.has_media();
        meter.opened(Some(60_000), 0);
        meter.heard(30_000, Duration::from_secs(10));
        assert!((meter.fraction() - 0.525).abs() < 1e-6);
        assert_eq!(meter.eta_ms(), Some(10_000));
    }

    #[test]
    fn the_remaining_time_is_unknown_without_a_length() {
        let mut meter = Meter::default();
        meter.opened(None, 0);
        meter.heard(30_000, Duration::from_secs(10));
        assert_eq!(meter.eta_ms(), None);
        assert!(meter.fraction() > 0.05);
    }

    #[test]
    fn windows_that_come_in_a_burst_do_not_promise_an_early_end() {
        let mut meter = Meter::default();
        meter.opened(Some(120_000), 0);
        for window in 1..=4 {
            meter.heard(window * 30_000 - 15_000, Duration::from_secs(10));
            meter.heard(window * 30_000, Duration::ZERO);
            let true_ms = (4 - window) * 10_000;
            assert!(meter.eta_ms().unwrap().abs_diff(true_ms) <= 2_000, "{meter:?}");
        }
    }

    proptest! {
        #[test]
        fn the_share_never_falls_and_stays_below_one(
            fetched in prop::collection::vec((any::<u64>(), any::<Option<u64>>()), 0..5),
            duration in any::<Option<u64>>(),
            resume in any::<u64>(),
            heard in prop::collection::vec((any::<u64>(), 0u64..100_000), 0..20),
        ) {
            let mut meter = Meter::default();
            let mut last = 0.0;
            let mut check = |meter: &Meter| {
                assert!(meter.fraction() >= last && meter.fraction() < 1.0);
                last = meter.fraction();
            };
            for (received, total) in fetched {
                meter.fetched(received, total);
                check(&meter);
            }
            meter.opened(duration, resume);
            check(&meter);
            for (position, took) in heard {
                meter.heard(position, Duration::from_millis(took));
                meter.eta_ms();
                check(&meter);
            }
        }
    }
}
