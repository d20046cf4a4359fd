use proptest::prelude::*;

use super::*;

fn cue(start: u64, end: u64, text: &str) -> Cue {
    Cue { start: Timestamp(start), end: Timestamp(end), text: text.into(), doubts: Vec::new() }
}

/// What the machine laid out: a cue for each second, named by it.
fn machine(seconds: u64) -> Vec<Cue> {
    (0..seconds).map(|at| cue(1_000 * at, 1_000 * at + 800, &format!("m{at}"))).collect()
}

fn texts(corrections: &Corrections, machine: &[Cue]) -> Vec<String> {
    corrections.shown(machine).into_iter().map(|shown| shown.cue.text).collect()
}

fn times(corrections: &Corrections, machine: &[Cue]) -> Vec<(u64, u64)> {
    corrections.shown(machine).iter().map(|shown| (shown.cue.start.0, shown.cue.end.0)).collect()
}

fn applied(corrections: &mut Corrections, changes: &[Correction]) {
    for change in changes {
        assert_eq!(change.check(), Ok(()), "{change:?}");
        corrections.apply(change, 1);
    }
}

#[test]
fn a_text_is_changed_where_it_stands_and_later_windows_come_behind_it() {
    let mut corrections = Corrections::default();
    let change = set_text(&corrections.shown(&machine(3)), 1, " better \n\n text ");
    applied(&mut corrections, &change);
    assert_eq!(texts(&corrections, &machine(5)), ["m0", "better\ntext", "m2", "m3", "m4"]);
    let change = reset(&corrections.shown(&machine(5)), 1);
    applied(&mut corrections, &change);
    assert_eq!(texts(&corrections, &machine(5)), ["m0", "m1", "m2", "m3", "m4"]);
    assert!(corrections.is_empty());
}

#[test]
fn the_text_of_a_cue_is_what_a_person_typed_and_nothing_hidden() {
    let check = |typed: &str, expect: &[&str]| {
        let mut corrections = Corrections::default();
        let change = set_text(&corrections.shown(&machine(2)), 0, typed);
        applied(&mut corrections, &change);
        assert_eq!(texts(&corrections, &machine(2)), expect, "{typed:?}");
    };
    check("a\r\nb", &["a\nb", "m1"]);
    check("\u{1b}[2Ja\u{0}", &["[2Ja", "m1"]);
    check("<b>&amp;</b>", &["<b>&amp;</b>", "m1"]);
    check("  \n ", &["m1"]);
    check("m0", &["m0", "m1"]);
    check(&"x".repeat(3_000), &[&"x".repeat(MAX_TEXT), "m1"]);
}

#[test]
fn a_cue_is_split_merged_inserted_and_deleted() {
    let mut corrections = Corrections::default();
    let heard = [cue(0, 3_000, "one two three"), cue(4_000, 5_000, "four")];
    let step = |corrections: &mut Corrections, change: Vec<Correction>, expect: &[&str]| {
        assert!(!change.is_empty());
        applied(corrections, &change);
        assert_eq!(texts(corrections, &heard), expect);
    };
    let shown = |corrections: &Corrections| corrections.shown(&heard);
    let change = split(&shown(&corrections), 0, 7);
    step(&mut corrections, change, &["one two", "three", "four"]);
    assert_eq!(times(&corrections, &heard)[..2], [(0, 1_615), (1_615, 3_000)]);
    let change = merge(&shown(&corrections), 1);
    step(&mut corrections, change, &["one two", "three four"]);
    let change = insert(&shown(&corrections), Timestamp(9_000), "five");
    step(&mut corrections, change, &["one two", "three four", "five"]);
    assert_eq!(times(&corrections, &heard)[2], (9_000, 11_000));
    let change = delete(&shown(&corrections), 0);
    step(&mut corrections, change, &["three four", "five"]);
    let change = reset(&shown(&corrections), 0);
    step(&mut corrections, change, &["one two three", "four"]);
}

#[test]
fn what_cannot_be_done_is_nothing() {
    let none = Corrections::default();
    let heard = [cue(0, 1_000, "one two"), cue(1_050, 1_100, "three")];
    let shown = none.shown(&heard);
    for nothing in [
        set_text(&shown, 7, "x"),
        set_text(&shown, 0, "one two"),
        split(&shown, 0, 0),
        split(&shown, 0, 7),
        split(&shown, 1, 2),
        merge(&shown, 1),
        delete(&shown, 2),
        insert(&shown, Timestamp(500), "x"),
        reset(&shown, 0),
        shift_from(&shown, &none, 0, 0),
        set_times(&shown, 0, Timestamp(0), Timestamp(1_000)),
    ] {
        assert_eq!(nothing, []);
    }
    let at_start = insert(&[], Timestamp(3_000), "first");
    let mut corrections = Corrections::default();
    applied(&mut corrections, &at_start);
    assert_eq!(times(&corrections, &[]), [(3_000, 5_000)]);
}

#[test]
fn times_are_moved_as_far_as_there_is_room() {
    let check = |start, end, expect: (u64, u64)| {
        let mut corrections = Corrections::default();
        let change = set_times(&corrections.shown(&machine(3)), 1, Timestamp(start), Timestamp(end));
        applied(&mut corrections, &change);
        assert_eq!(times(&corrections, &machine(3))[1], expect, "{start} to {end}");
    };
    check(900, 1_900, (900, 1_900));
    check(0, 9_000, (800, 2_000));
    check(1_500, 1_500, (1_500, 1_600));
    check(5_000, 0, (1_900, 2_000));
}

#[test]
fn a_shift_moves_what_was_heard_written_and_is_still_to_be_heard() {
    let mut corrections = Corrections::default();
    let change = set_text(&corrections.shown(&machine(3)), 2, "typed");
    applied(&mut corrections, &change);
    let change = shift_from(&corrections.shown(&machine(3)), &corrections, 1, 250);
    applied(&mut corrections, &change);
    assert_eq!(times(&corrections, &machine(4)), [(0, 800), (1_250, 2_050), (2_250, 3_050), (3_250, 4_050)]);
    // Once more from the same place: the shift of a place is one.
    let change = shift_from(&corrections.shown(&machine(4)), &corrections, 1, -300);
    applied(&mut corrections, &change);
    assert_eq!(times(&corrections, &machine(4)), [(0, 800), (950, 1_750), (1_950, 2_750), (2_950, 3_750)]);
    assert_eq!(corrections.shifts().len(), 1);
}

#[test]
fn the_word_that_is_spoken_has_the_moment_at_which_it_was_heard() {
    let starts: Vec<Timestamp> = [0, 700, 1_000, 1_600, 2_000].map(Timestamp).into();
    let heard = [cue(0, 900, "one two"), cue(1_000, 1_900, "three\nfour"), cue(2_000, 2_900, "five")];
    let mut corrections = Corrections::default();
    #[track_caller]
    fn check(shown: &ShownCue, starts: &[Timestamp], at: u64, expect: Option<(usize, u64)>) {
        assert_eq!(
            shown.word_at(starts, Timestamp(at)).map(|(word, until)| (word, until.0)),
            expect,
            "at {at}"
        );
    }
    let shown = corrections.shown(&heard);
    check(&shown[0], &starts, 0, Some((0, 700)));
    check(&shown[0], &starts, 699, Some((0, 700)));
    check(&shown[0], &starts, 700, Some((1, 900)));
    check(&shown[0], &starts, 900, None);
    check(&shown[1], &starts, 1_700, Some((1, 1_900)));
    check(&shown[1], &starts, 999, None);
    // As many words as were heard keep their moments; else the letters share the time.
    applied(&mut corrections, &set_text(&shown, 0, "ein zwo"));
    applied(&mut corrections, &set_text(&shown, 1, "three and four"));
    let shown = corrections.shown(&heard);
    check(&shown[0], &starts, 650, Some((0, 700)));
    check(&shown[1], &starts, 1_000, Some((0, 1_360)));
    check(&shown[1], &starts, 1_400, Some((1, 1_600)));
    // Words are shifted with their cue.
    let shift = shift_from(&shown, &corrections, 2, 500);
    applied(&mut corrections, &shift);
    check(&corrections.shown(&heard)[2], &starts, 2_499, None);
    check(&corrections.shown(&heard)[2], &starts, 2_500, Some((0, 3_400)));
    check(&shown[2], &[], 2_100, Some((0, 2_900)));
}

#[test]
fn a_saved_track_stands_for_everything_and_is_changed_cue_by_cue() {
    let track = Track::new(None, vec![cue(500, 900, "a"), cue(2_000, 3_000, "b")]).unwrap();
    let mut corrections = Corrections::whole(&track);
    assert_eq!(corrections.track(&[], None), track);
    assert_eq!(texts(&corrections, &machine(9)), ["a", "b"]);
    let change = set_text(&corrections.shown(&machine(9)), 1, "c");
    assert_eq!(change[0].span(), (Timestamp(2_000), END));
    applied(&mut corrections, &change);
    assert_eq!(texts(&corrections, &machine(9)), ["a", "c"]);
    let silence = Corrections::whole(&Track::default());
    assert_eq!(texts(&silence, &machine(9)), Vec::<String>::new());
}

#[test]
fn only_what_somebody_else_said_of_the_same_place_is_a_conflict() {
    let mut corrections = Corrections::default();
    let shown = corrections.shown(&machine(5));
    for (at, revision) in [(1, 1), (3, 2)] {
        corrections.apply(&set_text(&shown, at, "theirs")[0], revision);
    }
    let check = |base: Revision, changes: Vec<Correction>, expect: &[u64]| {
        let spans = corrections.conflicts(base + 1.., &changes);
        assert_eq!(spans.iter().map(|span| span.0.0).collect::<Vec<_>>(), expect, "{changes:?}");
    };
    check(0, set_text(&shown, 0, "mine"), &[]);
    check(0, set_text(&shown, 1, "mine"), &[1_000]);
    check(1, set_text(&shown, 1, "mine"), &[]);
    check(1, set_text(&shown, 3, "mine"), &[3_000]);
    // The very same is none: an answer was lost, and the save is done again.
    check(0, set_text(&shown, 3, "theirs"), &[]);
    check(0, merge(&shown, 0), &[0]);
}

#[test]
fn corrections_that_make_no_sense_are_refused() {
    let replace = |from, to, cues: &[Cue]| Correction::Replace {
        from: Timestamp(from),
        to: Timestamp(to),
        cues: cues.to_vec(),
    };
    let check = |correction: Correction, expect| assert_eq!(correction.check(), Err(expect));
    check(replace(5, 5, &[]), InvalidCorrection::Reversed);
    check(replace(5, u64::MAX, &[]), InvalidCorrection::TooLate);
    check(replace(0, 5, &[cue(3, 2, "")]), InvalidCorrection::Cues);
    check(replace(0, 5, &[cue(0, 3, ""), cue(2, 4, "")]), InvalidCorrection::Cues);
    check(replace(0, 5, &[cue(0, 3, &"x".repeat(2_001))]), InvalidCorrection::TooLong);
    check(Correction::Shift { from: Timestamp(0), by: i64::MIN }, InvalidCorrection::TooFar);
    check(Correction::Shift { from: Timestamp(u64::MAX - 1), by: 1 }, InvalidCorrection::TooLate);
}

#[test]
fn another_profile_lays_out_what_people_wrote() {
    let words = ["one", "two", "three"].into_iter().enumerate().map(|(at, text)| crate::Word {
        start: Timestamp(1_000 * at as u64),
        end: Timestamp(1_000 * at as u64 + 500),
        text: text.into(),
        probability: 0.9,
    });
    let words: Vec<crate::Word> = words.collect();
    let heard = [cue(0, 1_600, "one two"), cue(2_000, 2_900, "three")];
    let mut corrections = Corrections::default();
    let change = set_text(&corrections.shown(&heard), 0, "one zwei");
    applied(&mut corrections, &change);
    let timed: Vec<(String, u64)> =
        corrections.words(&words).into_iter().map(|word| (word.text, word.start.0)).collect();
    assert_eq!(timed, [("one".into(), 0), ("zwei".into(), 1_000), ("three".into(), 2_000)]);
}

fn edits() -> impl Strategy<Value = Vec<(u8, usize, u64)>> {
    proptest::collection::vec((0..8_u8, 0..12_usize, 0..12_000_u64), 1..25)
}

fn edit(corrections: &Corrections, heard: &[Cue], (kind, at, number): (u8, usize, u64)) -> Vec<Correction> {
    let shown = corrections.shown(heard);
    match kind {
        0 => set_text(&shown, at, &format!("t{number} and {at}")),
        1 => set_times(&shown, at, Timestamp(number), Timestamp(number + 700)),
        2 => split(&shown, at, number as usize % 5),
        3 => merge(&shown, at),
        4 => delete(&shown, at),
        5 => insert(&shown, Timestamp(number), "new"),
        6 => reset(&shown, at),
        _ => shift_from(&shown, corrections, at, number as i64 - 6_000),
    }
}

proptest! {
    #[test]
    fn whatever_is_done_makes_a_track_and_is_taken_back(edits in edits()) {
        let heard = machine(8);
        let mut corrections = Corrections::default();
        let mut undo = Vec::new();
        for one in edits {
            let before = corrections.shown(&heard);
            let changes = edit(&corrections, &heard, one);
            undo.push((corrections.inverse(&changes), before));
            for change in &changes {
                prop_assert_eq!(change.check(), Ok(()), "{:?}", change);
                corrections.apply(change, 0);
            }
            let shown: Vec<Cue> = corrections.shown(&heard).into_iter().map(|shown| shown.cue).collect();
            prop_assert!(Track::new(None, shown).is_ok());
            let json = serde_json::to_string(&corrections).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Corrections>(&json).unwrap(), &corrections);
            let apart = corrections.patches().windows(2).all(|two| two[0].to <= two[1].from);
            prop_assert!(apart);
        }
        for (inverse, before) in undo.into_iter().rev() {
            for change in &inverse {
                prop_assert_eq!(change.check(), Ok(()));
                corrections.apply(change, 0);
            }
            prop_assert_eq!(corrections.shown(&heard), before);
        }
        prop_assert!(corrections.is_empty());
    }

    #[test]
    fn a_change_done_twice_is_done_once(edits in edits()) {
        let heard = machine(8);
        let mut corrections = Corrections::default();
        for one in edits {
            let changes = edit(&corrections, &heard, one);
            changes.iter().for_each(|change| corrections.apply(change, 0));
            let once = corrections.clone();
            changes.iter().for_each(|change| corrections.apply(change, 0));
            prop_assert_eq!(&corrections, &once);
        }
    }
}
