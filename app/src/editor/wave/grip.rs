//! What of a cue a pointer takes hold of, and where it may be drawn to: pure.

use domain::Timestamp;
use domain::correction::{SHORTEST, ShownCue, room};

use super::view::View;
use crate::editor::rows::Key;

/// On either side of an edge, in pixels of CSS.
const REACH: f64 = 10.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grip {
    Start,
    End,
    Whole,
}

/// What stands under a pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// Of the cue whose edges can be drawn.
    Grip(Grip),
    /// Another cue, by its place.
    Cue(usize),
    Nothing,
}

/// `target` is the place of the cue whose edges can be drawn.
pub fn hit(view: &View, cues: &[ShownCue], target: Option<usize>, x: f64) -> Hit {
    if let Some(cue) = target.and_then(|at| cues.get(at)).map(|shown| &shown.cue) {
        let (start, end) = (view.x(cue.start.0 as f64), view.x(cue.end.0 as f64));
        // Of a narrow cue a third is left to be moved by.
        let inside = REACH.min((end - start) / 3.0);
        if (start - REACH..=start + inside).contains(&x) {
            return Hit::Grip(Grip::Start);
        }
        if (end - inside..=end + REACH).contains(&x) {
            return Hit::Grip(Grip::End);
        }
        if (start..end).contains(&x) {
            return Hit::Grip(Grip::Whole);
        }
    }
    let ms = view.ms(x);
    let after = cues.partition_point(|shown| shown.cue.start.0 as f64 <= ms);
    match after.checked_sub(1).filter(|at| ms < cues[*at].cue.end.0 as f64) {
        Some(at) => Hit::Cue(at),
        None => Hit::Nothing,
    }
}

/// A cue on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drag {
    pub key: Key,
    pub grip: Grip,
    /// The moment that the pointer took hold of.
    grabbed: f64,
    from: (u64, u64),
    /// The cues beside it, where it stops.
    room: (u64, u64),
    /// As it is shown meanwhile.
    pub now: (Timestamp, Timestamp),
}

impl Drag {
    /// `length` of the media, which no cue is drawn beyond.
    pub fn new(key: Key, grip: Grip, grabbed: f64, cues: &[ShownCue], at: usize, length: f64) -> Drag {
        let cue = &cues[at].cue;
        let (first, last) = room(cues, at);
        // `as` saturates: media of unknown length has no end.
        let last = last.0.min((length as u64).max(cue.end.0));
        let (from, room) = ((cue.start.0, cue.end.0), (first.0.min(cue.start.0), last));
        Drag { key, grip, grabbed, from, room, now: (cue.start, cue.end) }
    }

    pub fn is_changed(&self) -> bool {
        (self.now.0.0, self.now.1.0) != self.from
    }

    /// The pointer is at this moment. `snap` may know a better one near the edge that is drawn.
    pub fn move_to(&mut self, ms: f64, snap: impl Fn(Grip, Timestamp) -> Option<Timestamp>) {
        let ((start, end), (first, last)) = (self.from, self.room);
        let by = (ms - self.grabbed).round() as i64;
        let drawn = |edge: u64, grip: Grip| {
            let wished = Timestamp(edge.saturating_add_signed(by));
            snap(grip, wished).unwrap_or(wished).0
        };
        let (start, end) = match self.grip {
            // A cue that is shorter already can only grow.
            Grip::Start => (
                drawn(start, Grip::Start).clamp(first, end.saturating_sub(SHORTEST).max(start).min(end)),
                end,
            ),
            Grip::End => (start, drawn(end, Grip::End).clamp((start + SHORTEST).min(end), last)),
            Grip::Whole => {
                let length = end - start;
                let start = drawn(start, Grip::Start).clamp(first, last - length);
                (start, start + length)
            }
        };
        self.now = (Timestamp(start), Timestamp(end));
    }
}

#[cfg(test)]
mod tests {
    use domain::{Corrections, Cue};
    use proptest::prelude::*;

    use super::*;

    fn cues(times: &[(u64, u64)]) -> Vec<ShownCue> {
        let cue = |(start, end): &(u64, u64)| Cue {
            start: Timestamp(*start),
            end: Timestamp(*end),
            text: "a".into(),
            doubts: Vec::new(),
        };
        Corrections::default().shown(&times.iter().map(cue).collect::<Vec<_>>())
    }

    const KEY: Key = Key { from: 0, nth: 0 };

    #[test]
    fn edges_are_taken_hold_of_within_ten_pixels_and_only_of_one_cue() {
        let cues = cues(&[(1_000, 2_000), (3_000, 5_000), (6_000, 6_100)]);
        // A pixel is ten milliseconds.
        let view = View { start: 0.0, span: 10_000.0, width: 1_000.0, length: 10_000.0 };
        let check = |target, x, expect| assert_eq!(hit(&view, &cues, target, x), expect, "{x}");
        check(Some(1), 289.0, Hit::Nothing);
        check(Some(1), 291.0, Hit::Grip(Grip::Start));
        check(Some(1), 309.0, Hit::Grip(Grip::Start));
        check(Some(1), 400.0, Hit::Grip(Grip::Whole));
        check(Some(1), 491.0, Hit::Grip(Grip::End));
        check(Some(1), 509.0, Hit::Grip(Grip::End));
        check(Some(1), 150.0, Hit::Cue(0));
        check(None, 300.0, Hit::Cue(1));
        check(None, 250.0, Hit::Nothing);
        check(Some(9), 605.0, Hit::Cue(2));
        // Ten pixels wide: both edges and the middle can be had.
        for (x, grip) in [(601.0, Grip::Start), (605.0, Grip::Whole), (609.0, Grip::End)] {
            check(Some(2), x, Hit::Grip(grip));
        }
    }

    #[test]
    fn a_drag_stops_at_the_neighbours_and_leaves_a_cue_that_can_be_seen() {
        let cues = cues(&[(1_000, 2_000), (3_000, 5_000), (6_000, 7_000)]);
        let check = |grip, to: f64, expect: (u64, u64)| {
            let mut drag = Drag::new(KEY, grip, 4_000.0, &cues, 1, 20_000.0);
            drag.move_to(to, |_, _| None);
            assert_eq!((drag.now.0.0, drag.now.1.0), expect, "{grip:?} to {to}");
        };
        check(Grip::Start, 3_500.0, (2_500, 5_000));
        check(Grip::Start, -9e9, (2_000, 5_000));
        check(Grip::Start, 9e9, (4_900, 5_000));
        check(Grip::End, 4_250.0, (3_000, 5_250));
        check(Grip::End, 9e9, (3_000, 6_000));
        check(Grip::End, 0.0, (3_000, 3_100));
        check(Grip::Whole, 3_500.0, (2_500, 4_500));
        check(Grip::Whole, -9e9, (2_000, 4_000));
        check(Grip::Whole, 9e9, (4_000, 6_000));
        let mut last = Drag::new(KEY, Grip::End, 7_000.0, &cues, 2, 8_000.0);
        last.move_to(30_000.0, |_, _| None);
        assert_eq!(last.now.1, Timestamp(8_000));
    }

    #[test]
    fn an_edge_goes_to_where_speech_is_near_and_a_whole_cue_by_its_start() {
        let cues = cues(&[(1_000, 2_000)]);
        let snap = |grip: Grip, _| (grip == Grip::Start).then_some(Timestamp(1_450));
        let check = |grip, expect: (u64, u64)| {
            let mut drag = Drag::new(KEY, grip, 0.0, &cues, 0, f64::INFINITY);
            drag.move_to(400.0, snap);
            assert_eq!((drag.now.0.0, drag.now.1.0), expect, "{grip:?}");
        };
        check(Grip::Start, (1_450, 2_000));
        check(Grip::End, (1_000, 2_400));
        check(Grip::Whole, (1_450, 2_450));
    }

    proptest! {
        /// Whatever is done: it stays between its neighbours, and starts before it ends; and what is saved is what was
        /// shown.
        #[test]
        fn a_drag_never_turns_a_cue_around(
            gaps in prop::collection::vec((0_u64..500, 1_u64..3_000), 3), at in 0_usize..3,
            grip in prop::sample::select(vec![Grip::Start, Grip::End, Grip::Whole]),
            to in -20_000.0..20_000.0_f64, snapped in prop::option::of(0_u64..12_000),
        ) {
            let mut end = 0;
            let times: Vec<(u64, u64)> = gaps.iter().map(|(gap, length)| {
                let start = end + gap;
                end = start + length;
                (start, end)
            }).collect();
            let cues = cues(&times);
            let mut drag = Drag::new(KEY, grip, times[at].0 as f64, &cues, at, 9_000.0);
            drag.move_to(to, |_, _| snapped.map(Timestamp));
            let (start, end) = drag.now;
            prop_assert!(start < end);
            prop_assert!(at == 0 || start.0 >= times[at - 1].1);
            prop_assert!(at == 2 || end.0 <= times[at + 1].0);
            if times[at].1 - times[at].0 >= SHORTEST {
                let change = domain::correction::set_times(&cues, at, start, end);
                let saved = change.first().map(|change| match change {
                    domain::Correction::Replace { cues, .. } => (cues[0].start, cues[0].end),
                    _ => unreachable!(),
                });
                prop_assert_eq!(saved, drag.is_changed().then_some((start, end)));
            }
        }
    }
}
