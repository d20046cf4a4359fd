use proptest::prelude::*;

use super::*;

/// Speech (true) and silence (false) of so many frames each.
fn curve(parts: &[(bool, u64)]) -> Vec<Frame> {
    let frame = |is_speech: bool| Frame {
        probability: if is_speech { 0.95 } else { 0.02 },
        level: if is_speech { -20.0 } else { -60.0 },
    };
    parts.iter().flat_map(|&(is_speech, count)| (0..count).map(move |_| frame(is_speech))).collect()
}

fn cut(first_frame: u64, short_first: bool, frames: &[Frame]) -> Vec<Span> {
    spans_of(Cutter::new(first_frame, first_frame, short_first), frames)
}

fn spans_of(mut cutter: Cutter, frames: &[Frame]) -> Vec<Span> {
    let mut spans = Vec::new();
    for frame in frames {
        cutter.push(*frame);
        spans.extend(std::iter::from_fn(|| cutter.next_span()));
    }
    cutter.finish();
    spans.extend(std::iter::from_fn(|| cutter.next_span()));
    spans
}

fn bounds(spans: &[Span]) -> Vec<(u64, u64)> {
    let bounds = |span: &Span| match span {
        Span::Speech { start, end, .. } | Span::Silence { start, end } => (*start, *end),
    };
    spans.iter().map(bounds).collect()
}

#[test]
fn silence_alone_gives_no_window() {
    assert_eq!(cut(0, true, &curve(&[(false, 500)])), vec![]);
}

#[test]
fn long_silence_is_told() {
    let spans = cut(0, true, &curve(&[(false, 2500)]));
    assert!(spans.iter().all(|span| matches!(span, Span::Silence { .. })), "{spans:?}");
    assert_eq!(spans.len(), 2);
}

#[test]
fn a_click_is_no_speech() {
    assert_eq!(cut(0, true, &curve(&[(false, 100), (true, 2), (false, 100)])), vec![]);
}

#[test]
fn speech_is_padded_on_both_sides() {
    let spans = cut(0, true, &curve(&[(false, 100), (true, 50), (false, 100)]));
    assert_eq!(spans, vec![Span::Speech { start: 87, end: 163, heard: (87, 163), speech: vec![(100, 150)] }]);
}

#[test]
fn padding_stops_at_the_ends_of_the_media() {
    let spans = cut(7, true, &curve(&[(true, 50), (false, 3)]));
    assert_eq!(spans, vec![Span::Speech { start: 7, end: 60, heard: (7, 60), speech: vec![(7, 57)] }]);
}

#[test]
fn near_regions_share_a_window_and_far_ones_do_not() {
    let spans = cut(0, false, &curve(&[(true, 50), (false, 40), (true, 50), (false, 90), (true, 50)]));
    assert_eq!(bounds(&spans), vec![(0, 153), (217, 280)]);
}

#[test]
fn a_full_window_is_cut_between_regions() {
    let spans = cut(0, false, &curve(&[(true, 300), (false, 20), (true, 300)]));
    assert_eq!(bounds(&spans), vec![(0, 310), (310, 620)]);
}

#[test]
fn speech_without_a_pause_is_cut_where_it_is_quietest() {
    let mut frames = curve(&[(true, 900)]);
    for frame in &mut frames[399..402] {
        frame.level = -50.0;
    }
    let spans = cut(0, false, &frames);
    assert_eq!(bounds(&spans)[0], (0, 400));
}

#[test]
fn both_windows_hear_beyond_a_cut_within_speech() {
    let spans = cut(0, false, &curve(&[(true, 700)]));
    let [Span::Speech { end, heard: left, .. }, Span::Speech { start, heard: right, speech, .. }] =
        &spans[..]
    else {
        panic!("{spans:?}")
    };
    assert_eq!((end, left.0), (start, 0));
    assert!((LEAST_OVERLAP..=OVERLAP).contains(&(left.1 - end)), "{spans:?}");
    assert!((LEAST_OVERLAP..=OVERLAP).contains(&(start - right.0)), "{spans:?}");
    assert_eq!(speech[0].0, right.0);
}

#[test]
fn only_the_first_window_is_short() {
    let spans = cut(0, true, &curve(&[(true, 2000)]));
    let lengths: Vec<u64> = bounds(&spans).iter().map(|(start, end)| end - start).collect();
    assert!(lengths[0] <= MAX_FIRST_WINDOW, "{lengths:?}");
    assert!(lengths[1..lengths.len() - 1].iter().all(|&length| length > MAX_FIRST_WINDOW), "{lengths:?}");
}

proptest! {
    #[test]
    fn windows_are_in_order_short_enough_and_hold_all_speech(
        parts in prop::collection::vec((any::<bool>(), 1u64..400), 0..30),
        jitter in prop::collection::vec(0.0f32..1.0, 1..50),
        first_frame in 0u64..1000,
        short_first: bool,
    ) {
        let mut frames = curve(&parts);
        for (i, frame) in frames.iter_mut().enumerate() {
            frame.level += 10.0 * jitter[i % jitter.len()];
        }
        let spans = cut(first_frame, short_first, &frames);
        let mut previous_end = first_frame;
        for span in &spans {
            let (start, end) = match span {
                Span::Speech { start, end, heard, speech } => {
                    prop_assert!(end - start <= MAX_WINDOW + OVERLAP);
                    prop_assert!(heard.1 - heard.0 <= MAX_WINDOW + 2 * OVERLAP);
                    prop_assert!(heard.0 <= *start && heard.1 >= *end);
                    prop_assert!(!speech.is_empty());
                    let mut inner = heard.0;
                    for &(from, to) in speech {
                        prop_assert!(from >= inner && to > from && to <= heard.1, "{span:?}");
                        inner = to;
                    }
                    (*start, *end)
                }
                Span::Silence { start, end } => (*start, *end),
            };
            prop_assert!(start >= previous_end && end > start, "{spans:?}");
            previous_end = end;
        }
        prop_assert!(previous_end <= first_frame + frames.len() as u64);

        // Every stretch of speech that is no click lies in a window.
        let mut at = first_frame;
        for &(is_speech, count) in &parts {
            let middle = at + count / 2;
            let is_covered = spans.iter().any(|span| {
                matches!(span, Span::Speech { start, end, .. } if (*start..*end).contains(&middle))
            });
            prop_assert!(!is_speech || count < MIN_SPEECH || is_covered, "frame {middle} of {spans:?}");
            at += count;
        }
    }

    #[test]
    fn what_is_kept_is_enough(parts in prop::collection::vec((any::<bool>(), 1u64..400), 0..20)) {
        let mut cutter = Cutter::new(0, 0, true);
        let mut promised = 0;
        for frame in curve(&parts) {
            cutter.push(frame);
            while let Some(span) = cutter.next_span() {
                if let Span::Speech { heard, .. } = span {
                    prop_assert!(heard.0 >= promised);
                }
            }
            promised = cutter.keep_from();
        }
    }

    #[test]
    fn a_cutter_that_begins_later_goes_on_as_the_one_before(
        parts in prop::collection::vec((any::<bool>(), 1u64..600), 2..30),
        jitter in prop::collection::vec(0.0f32..1.0, 1..50),
        span in 0usize..20,
    ) {
        let mut frames = curve(&parts);
        for (i, frame) in frames.iter_mut().enumerate() {
            frame.level += 10.0 * jitter[i % jitter.len()];
        }
        let whole = cut(0, false, &frames);
        let Some(&(_, first)) = bounds(&whole).get(span) else { return Ok(()) };
        let now = first.saturating_sub(250);
        let rest = spans_of(Cutter::new(now, first, false), &frames[now as usize..]);
        prop_assert_eq!(&rest[..], &whole[span + 1..]);
    }
}
