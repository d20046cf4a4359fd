//! Where decoded sound belongs on the time line that a player shows.

/// Time stamps that disagree with the count of samples by less are rounding.
const TOLERANCE_S: f64 = 0.06;
/// A jump forward of more than this is a broken time stamp, not a pause.
const MAX_GAP_S: f64 = 3600.0;
/// Sound that claims to come so much before what was heard already is misdated, not repeated.
const MAX_OVERLAP_S: f64 = 5.0;

/// Stretches of a track's own time and where each is presented: what an edit list says, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Edits(pub Vec<Edit>);

/// The sound from `from_s` to `to_s` is heard at `at_s`. All in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edit {
    pub from_s: f64,
    pub to_s: f64,
    pub at_s: f64,
}

/// A part of a packet, in seconds: so much to skip, so much to keep, and when it is heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    pub skip_s: f64,
    pub keep_s: f64,
    pub at_s: f64,
}

impl Default for Edits {
    /// Everything at its own time. Before zero lies what the encoder needs and nobody should hear.
    fn default() -> Edits {
        Edits(vec![Edit { from_s: 0.0, to_s: f64::INFINITY, at_s: 0.0 }])
    }
}

impl Edits {
    /// What is heard of a packet that starts at `start_s` of the track's own time.
    pub fn pieces(&self, start_s: f64, length_s: f64) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for edit in &self.0 {
            let from_s = edit.from_s.max(start_s);
            let to_s = edit.to_s.min(start_s + length_s);
            if from_s < to_s {
                let at_s = edit.at_s + from_s - edit.from_s;
                pieces.push(Piece { skip_s: from_s - start_s, keep_s: to_s - from_s, at_s });
            }
        }
        pieces
    }

    /// The same with everything heard so many seconds earlier.
    pub fn earlier_by(&self, seconds: f64) -> Edits {
        let moved = |edit: &Edit| Edit { from_s: edit.from_s + seconds, to_s: edit.to_s + seconds, ..*edit };
        Edits(self.0.iter().map(moved).collect())
    }

    /// Whether the stretches follow each other in the track, so that they can be heard as they come.
    pub fn are_in_order(&self) -> bool {
        self.0.windows(2).all(|pair| pair[0].to_s <= pair[1].from_s)
    }

    /// When the presentation ends, of a track of this length.
    pub fn end_s(&self, length_s: f64) -> f64 {
        let ends = self.0.iter().map(|edit| edit.at_s + edit.to_s.min(length_s) - edit.from_s);
        ends.fold(0.0, f64::max)
    }
}

/// Keeps the count of samples and the time stamps together.
#[derive(Debug, Default)]
pub struct Clock {
    /// Seconds of sound so far, silence for gaps included.
    position_s: f64,
    /// What broken time stamps are off by.
    shift_s: f64,
}

/// What is to be done before a packet's sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gap {
    None,
    /// Silence until this time.
    SilenceUntil(f64),
    /// So many seconds of the packet were heard already.
    Overlap(f64),
}

impl Clock {
    /// Compares the time stamp of the next sound with what was heard so far.
    pub fn gap_before(&mut self, at_s: f64) -> Gap {
        let ahead_s = at_s + self.shift_s - self.position_s;
        // Before the first sound even a small offset is meant: it is where the sound starts.
        let is_first = self.position_s == 0.0;
        if ahead_s.abs() < TOLERANCE_S && !is_first {
            return Gap::None;
        }
        if !(-MAX_OVERLAP_S..MAX_GAP_S).contains(&ahead_s) {
            tracing::info!(ahead_s, "time stamps jump: counting samples instead");
            self.shift_s -= ahead_s;
            return Gap::None;
        }
        if ahead_s < 0.0 {
            return Gap::Overlap(-ahead_s);
        }
        self.position_s += ahead_s;
        if ahead_s > 0.0 { Gap::SilenceUntil(self.position_s) } else { Gap::None }
    }

    /// So much sound was heard.
    pub fn advance(&mut self, seconds: f64) {
        self.position_s += seconds;
    }

    pub fn position_s(&self) -> f64 {
        self.position_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: f64 = f64::INFINITY;

    #[test]
    fn a_packet_is_heard_where_the_edits_put_it() {
        let edit = |from_s, to_s, at_s| Edit { from_s, to_s, at_s };
        let piece = |skip_s, keep_s, at_s| Piece { skip_s, keep_s, at_s };
        let check = |edits: &[Edit], packet: (f64, f64), expect: &[Piece]| {
            assert_eq!(Edits(edits.to_vec()).pieces(packet.0, packet.1), expect, "{packet:?} of {edits:?}");
        };
        let whole = Edits::default().0;
        check(&whole, (2.0, 1.0), &[piece(0.0, 1.0, 2.0)]);
        // Priming.
        check(&whole, (-0.5, 1.0), &[piece(0.5, 0.5, 0.0)]);
        check(&whole, (-2.0, 1.0), &[]);
        // Nothing for 1.5 s, and then the track from its second 10 to 12.
        let cut = [edit(10.0, 12.0, 1.5)];
        check(&cut, (9.0, 1.0), &[]);
        check(&cut, (9.5, 1.0), &[piece(0.5, 0.5, 1.5)]);
        check(&cut, (11.0, 1.0), &[piece(0.0, 1.0, 2.5)]);
        check(&cut, (11.5, 1.0), &[piece(0.0, 0.5, 3.0)]);
        check(&cut, (12.0, 1.0), &[]);
        // The second 2 to 2.5 was cut out, within a packet.
        let out = [edit(0.0, 2.0, 0.0), edit(2.5, END, 2.0)];
        check(&out, (1.5, 2.0), &[piece(0.0, 0.5, 1.5), piece(1.0, 1.0, 2.0)]);
        assert!(Edits(out.to_vec()).are_in_order());
        assert!(!Edits(vec![edit(5.0, 6.0, 0.0), edit(0.0, 1.0, 1.0)]).are_in_order());
        assert_eq!(Edits(cut.to_vec()).end_s(60.0), 3.5);
        assert_eq!(Edits(cut.to_vec()).earlier_by(0.5).pieces(10.5, 1.0), [piece(0.0, 1.0, 1.5)]);
        assert_eq!(Edits(out.to_vec()).end_s(10.0), 9.5);
    }

    #[test]
    fn time_stamps_and_samples_are_kept_together() {
        let mut clock = Clock::default();
        let mut check = |at_s: f64, length_s: f64, expect: Gap| {
            assert_eq!(clock.gap_before(at_s), expect, "{at_s}");
            clock.advance(length_s);
        };
        check(0.125, 1.0, Gap::SilenceUntil(0.125));
        // Rounding, and a gap.
        check(1.1875 - 0.03125, 0.875, Gap::None);
        check(4.0, 0.0, Gap::SilenceUntil(4.0));
        check(3.0, 0.0, Gap::Overlap(1.0));
        // A jump is believed once, and what follows goes by it.
        check(9_004.0, 1.0, Gap::None);
        check(9_005.0, 0.0, Gap::None);
        check(9_006.0, 0.0, Gap::SilenceUntil(6.0));
    }
}
