//! Which stretch of the media the waveform shows, and where in it a moment stands: pure.

/// Longest and shortest stretch, in milliseconds.
const SHORTEST: f64 = 2_000.0;
const LONGEST: f64 = 120_000.0;

/// Where the playhead stays while it plays, and where it comes when it was elsewhere; shares of the width.
const PLAYING: f64 = 0.6;
const ARRIVING: f64 = 0.25;

/// Milliseconds of media on pixels of CSS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    pub start: f64,
    pub span: f64,
    pub width: f64,
    /// Of the media, as far as that is known.
    pub length: f64,
}

impl View {
    pub fn new() -> View {
        View { start: 0.0, span: 15_000.0, width: 600.0, length: f64::INFINITY }
    }

    pub fn end(&self) -> f64 {
        self.start + self.span
    }

    pub fn x(&self, ms: f64) -> f64 {
        (ms - self.start) / self.span * self.width
    }

    pub fn ms(&self, x: f64) -> f64 {
        self.start + x / self.width * self.span
    }

    /// So many times as much, around what stands at `x`.
    pub fn zoom(&mut self, by: f64, x: f64) {
        let fixed = self.ms(x);
        self.span = (self.span * by).clamp(SHORTEST, LONGEST);
        self.start = fixed - x / self.width * self.span;
        self.keep_within();
    }

    pub fn move_to(&mut self, start: f64) {
        self.start = start;
        self.keep_within();
    }

    /// Goes with the playhead, which has moved: smoothly while it plays.
    pub fn follow(&mut self, playhead: f64, is_playing: bool) {
        let at = (playhead - self.start) / self.span;
        if !(0.0..1.0).contains(&at) {
            self.move_to(playhead - ARRIVING * self.span);
        } else if is_playing && at > PLAYING {
            self.move_to(playhead - PLAYING * self.span);
        }
    }

    /// Brings a stretch into view, unless it is there, or its beginning where it is longer.
    pub fn show(&mut self, from: f64, to: f64) {
        if from < self.start || to.min(from + self.span / 2.0) > self.end() {
            self.move_to(from - ARRIVING * self.span);
        }
    }

    fn keep_within(&mut self) {
        self.start = self.start.min(self.length - self.span).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_view_goes_with_the_playhead_and_stays_where_a_person_moved_it() {
        let mut view = View { start: 10_000.0, span: 10_000.0, width: 500.0, length: 60_000.0 };
        let mut check = |playhead, is_playing, start: f64| {
            view.follow(playhead, is_playing);
            assert_eq!(view.start, start, "{playhead}");
        };
        check(12_000.0, true, 10_000.0);
        check(17_000.0, true, 11_000.0);
        check(19_000.0, false, 11_000.0);
        check(40_000.0, false, 37_500.0);
        check(59_000.0, true, 50_000.0);
        check(1_000.0, false, 0.0);
    }

    #[test]
    fn a_cue_is_brought_into_view_once() {
        let mut view = View { start: 10_000.0, span: 10_000.0, width: 500.0, length: f64::INFINITY };
        let mut check = |from, to, start: f64| {
            view.show(from, to);
            assert_eq!(view.start, start, "{from}");
        };
        check(12_000.0, 14_000.0, 10_000.0);
        check(18_000.0, 26_000.0, 15_500.0);
        check(3_000.0, 5_000.0, 500.0);
    }

    proptest! {
        #[test]
        fn a_moment_and_its_place_belong_together(
            start in 0.0..1e7_f64, span in SHORTEST..LONGEST, width in 50.0..3_000.0_f64, ms in 0.0..1e7_f64,
        ) {
            let view = View { start, span, width, length: f64::INFINITY };
            prop_assert!((view.ms(view.x(ms)) - ms).abs() < 0.01);
        }

        #[test]
        fn what_is_under_the_pointer_stays_there_while_zooming(x in 0.0..600.0_f64, by in 0.2..5.0_f64) {
            let mut view = View { start: 500_000.0, ..View::new() };
            let before = view.ms(x);
            view.zoom(by, x);
            prop_assert!((view.ms(x) - before).abs() < 0.01);
            prop_assert!((SHORTEST..=LONGEST).contains(&view.span));
        }

        #[test]
        fn a_view_stays_within_the_media(length in 100.0..1e6_f64, to in -1e6..2e6_f64, by in 0.1..9.0_f64) {
            let mut view = View { length, ..View::new() };
            view.move_to(to);
            view.zoom(by, 300.0);
            prop_assert!(view.start >= 0.0 && (view.end() <= length + 0.01 || view.start == 0.0));
        }
    }
}
