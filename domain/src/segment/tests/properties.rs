//! What is true of any words.

use proptest::prelude::*;

use super::*;

/// The whole text in the cues that are settled while it is heard in such steps, and then the rest.
fn streamed(words: &[Word], steps: &[usize], end: Timestamp) -> Vec<Cue> {
    let (mut cues, mut rest, mut start) = (Vec::new(), Vec::new(), Timestamp(0));
    let mut unheard = words;
    for step in steps {
        let (heard, later) = unheard.split_at((*step).min(unheard.len()));
        unheard = later;
        rest.extend_from_slice(heard);
        let heard_until = rest.last().map_or(start, |word: &Word| word.end);
        let settled = settled(&rest, start, heard_until, Profile::Netflix);
        assert!(settled.cues.iter().all(|cue| cue.end <= settled.end), "{settled:?}");
        cues.extend(settled.cues);
        rest.drain(..settled.words);
        start = settled.end;
    }
    rest.extend_from_slice(unheard);
    cues.extend(into_cues(&rest, start, end, Profile::Netflix));
    cues
}

fn any_profile() -> impl Strategy<Value = Profile> {
    prop::sample::select(Profile::ALL.to_vec())
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[A-Za-z']{1,12}[,.?!]?",
        2 => "(the|a|of|and|I|is|mr\\.)",
        2 => "[\u{4E00}-\u{4E40}あ-ん。、「」]{1,30}",
        1 => "[가-힣]{1,8}",
        1 => any::<String>(),
        1 => "[a-z]{40,120}",
        1 => "(e\u{301}|\u{300}|\u{200D}|👍){1,50}",
        1 => "[ \t\n\r]{0,3}",
    ]
}

/// Anything a model may hand over when it is wrong.
fn any_words() -> impl Strategy<Value = Vec<Word>> {
    let time = || prop_oneof![9 => 0u64..40_000, 1 => any::<u64>()];
    let probability = prop_oneof![any::<f32>(), Just(f32::NAN)];
    let word = (time(), time(), any_text(), probability).prop_map(|(start, end, text, probability)| Word {
        start: Timestamp(start),
        end: Timestamp(end),
        text,
        probability,
    });
    prop::collection::vec(word, 0..60)
}

/// What a model hands over when it is right: words in order, some pauses, none longer than a line.
fn good_words() -> impl Strategy<Value = Vec<Word>> {
    let parts = (prop_oneof![4 => 0u64..80, 1 => 0u64..3000], 80u64..900, "[A-Za-z']{1,12}[,.?!]?");
    prop::collection::vec(parts, 1..80).prop_map(|words| {
        let mut clock = 0;
        let words = words.into_iter().map(|(pause, length, text)| {
            let start = clock + pause;
            clock = start + length;
            word(start, clock, &text)
        });
        words.collect()
    })
}

/// English sentences at some speed, with some pauses.
fn sentences() -> impl Strategy<Value = Vec<Word>> {
    const WORDS: &[&str] = &[
        "the",
        "old",
        "house",
        "stands",
        "on",
        "a",
        "hill",
        "and",
        "nobody",
        "has",
        "ever",
        "seen",
        "it.",
        "We",
        "went",
        "there,",
        "but",
        "they",
        "would",
        "not",
        "let",
        "us",
        "in.",
        "Yesterday",
        "morning",
        "extraordinarily",
    ];
    let said = (prop::sample::select(WORDS), 0u64..40, prop_oneof![9 => 0u64..60, 1 => 200u64..2500]);
    prop::collection::vec(said, 20..150).prop_map(|said| {
        let mut clock = 0;
        let words = said.into_iter().map(|(text, slower, pause)| {
            let start = clock + pause;
            clock = start + text.len() as u64 * (50 + slower);
            word(start, clock, text)
        });
        words.collect()
    })
}

fn unspaced(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_words_make_valid_cues_with_all_their_text(
        words in any_words(),
        start in 0u64..20_000,
        end in prop_oneof![9 => 0u64..50_000, 1 => any::<u64>()],
        profile in any_profile(),
    ) {
        let (start, end) = (Timestamp(start), Timestamp(end));
        let cues = into_cues(&words, start, end, profile);
        let (first, last) = (start.min(end), start.max(end));
        prop_assert!(cues.iter().all(|cue| first <= cue.start && cue.end <= last));
        prop_assert!(Track::new(None, cues.clone()).is_ok(), "{:?}", cues);
        let has_room = last.0 - first.0 >= 2 * cues.len() as u64;
        prop_assert!(!has_room || cues.iter().all(|cue| cue.start < cue.end), "{:?}", cues);

        let expect: String = words.iter().map(|word| unspaced(&crate::payload::normalized(&word.text))).collect();
        let text: String = cues.iter().map(|cue| unspaced(&cue.text)).collect();
        prop_assert_eq!(text, expect);

        let norms = Text::of(&words, (first, last), profile).norms;
        for cue in &cues {
            prop_assert!(!cue.text.is_empty() && cue.text.lines().count() <= 2, "{:?}", cue);
            prop_assert!(cue.text.lines().all(|line| script::cells(line) <= norms.line_cells), "{:?}", cue);
            prop_assert!(cue.end.0 - cue.start.0 <= norms.longest.max(1), "{:?}", cue);
        }
        prop_assert_eq!(into_cues(&words, start, end, profile), cues);
    }

    #[test]
    fn good_words_keep_to_the_profile(words in good_words(), profile in any_profile()) {
        let norms = Norms::of(profile, Script::Alphabetic, false);
        let end = Timestamp(words.last().unwrap().end.0 + 2000);
        let cues = into_cues(&words, Timestamp(0), end, profile);
        prop_assert!(cues[0].start <= words[0].start);
        for pair in cues.windows(2) {
            let gap = pair[1].start.0 - pair[0].end.0;
            prop_assert!(gap >= norms.gap, "{:?}", pair);
        }
        for cue in &cues {
            prop_assert!(cue.text.lines().all(|line| line.chars().count() <= norms.line_cells as usize));
            // One line if it fits.
            let fits_one = cue.text.chars().count() <= norms.line_cells as usize;
            prop_assert!(!fits_one || !cue.text.contains('\n'), "{:?}", cue);
        }
        let last = cues.last().unwrap();
        prop_assert!(last.end.0 - last.start.0 >= norms.shortest, "{:?}", last);
    }

    #[test]
    fn words_that_come_step_by_step_make_one_track(
        words in sentences(),
        steps in prop::collection::vec(1usize..40, 0..12),
    ) {
        let end = Timestamp(words.last().unwrap().end.0 + 5000);
        let cues = streamed(&words, &steps, end);
        prop_assert!(Track::new(None, cues.clone()).is_ok(), "{:?}", cues);
        let text: String = cues.iter().map(|cue| unspaced(&cue.text)).collect();
        prop_assert_eq!(text, words.iter().map(|word| word.text.as_str()).collect::<String>());
        // It costs hardly more than what is laid out at once.
        let cost = |cues: &[Cue]| cost_of(cues, &words, Timestamp(0), end, Profile::Netflix).unwrap();
        let whole = cost(&into_cues(&words, Timestamp(0), end, Profile::Netflix));
        prop_assert!(cost(&cues) <= whole + whole / 5 + 200, "{} {}", cost(&cues), whole);
    }

    #[test]
    fn no_other_layout_costs_less(words in sentences(), seam in 1usize..19) {
        let end = Timestamp(words.last().unwrap().end.0 + 5000);
        let lay_out = |words: &[Word]| into_cues(words, Timestamp(0), end, Profile::Netflix);
        let cost = |cues: &[Cue]| cost_of(cues, &words, Timestamp(0), end, Profile::Netflix).unwrap();
        let whole = lay_out(&words);
        prop_assert!(cost(&whole) <= cost(&[lay_out(&words[..seam]), lay_out(&words[seam..])].concat()));
    }

    #[test]
    fn cues_survive_every_format(words in any_words(), profile in any_profile()) {
        let cues = into_cues(&words, Timestamp(0), Timestamp(40_000), profile);
        let certain = cues.iter().map(|cue| Cue { doubts: Vec::new(), ..cue.clone() }).collect();
        let (track, certain) = (Track::new(None, cues).unwrap(), Track::new(None, certain).unwrap());
        // Nobody else's format knows of doubts.
        for (format, expected) in
            [(crate::Format::WebVtt, &certain), (crate::Format::Srt, &certain), (crate::Format::Json, &track)]
        {
            prop_assert_eq!(format.read(&format.write(&track)), Ok(expected.clone()));
        }
    }
}
