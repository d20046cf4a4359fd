use proptest::prelude::*;

use super::*;

/// Words spoken one after the other at 15 characters a second; `|500` is a pause in milliseconds.
fn spoken(text: &str) -> Vec<Word> {
    let mut clock = 0;
    let mut words = Vec::new();
    for token in text.split_whitespace() {
        if let Some(pause) = token.strip_prefix('|') {
            clock += pause.parse::<u64>().unwrap();
            continue;
        }
        let length = (token.chars().count() as u64 + 1) * 1000 / 15;
        words.push(word(clock, clock + length, token));
        clock += length;
    }
    words
}

fn word(start: u64, end: u64, text: &str) -> Word {
    Word { start: Timestamp(start), end: Timestamp(end), text: text.into(), probability: 0.5 }
}

fn texts(words: &[Word], profile: Profile) -> Vec<String> {
    let end = words.last().map_or(0, |word| word.end.0) + 400;
    into_cues(words, Timestamp(0), Timestamp(end), profile).into_iter().map(|cue| cue.text).collect()
}

#[test]
fn sentences_become_cues_that_break_where_a_reader_would() {
    let check =
        |text: &str, expect: &[&str]| assert_eq!(texts(&spoken(text), Profile::Netflix), expect, "{text}");
    check("Hello.", &["Hello."]);
    check(
        "And so, my fellow Americans, |500 ask not what your country can do for you, |600 ask what you can do for your country.",
        &[
            "And so, my fellow Americans,\nask not what your country can do for you,",
            "ask what you can do for your country.",
        ],
    );
    check(
        "The quick brown fox jumps over the lazy dog and runs away.",
        &["The quick brown fox jumps\nover the lazy dog and runs away."],
    );
    check("Yes. I know.", &["Yes. I know."]);
    check(
        "We went to the market early in the morning. |900 Nobody had opened yet.",
        &["We went to the market early\nin the morning.", "Nobody had opened yet."],
    );
}

#[test]
fn no_word_stands_alone_on_its_line_where_the_other_line_is_long() {
    let cues = texts(&spoken("Thou that art now the world's fresh ornament,"), Profile::Netflix);
    assert_eq!(cues, ["Thou that art now\nthe world's fresh ornament,"]);
}

#[test]
fn a_speech_is_cut_where_its_speaker_breathes() {
    let speech = "Four score and seven years ago our fathers brought forth, |300 upon this continent, a new nation, \
        |400 conceived in liberty, and dedicated to the proposition that all men are created equal. |900 Now we are \
        engaged in a great civil war, |300 testing whether that nation, or any nation so conceived, and so \
        dedicated, can long endure.";
    let expect = [
        "Four score and seven years\nago our fathers brought forth,",
        "upon this continent,\na new nation, conceived in liberty,",
        "and dedicated to the proposition\nthat all men are created equal.",
        "Now we are engaged in a great civil war,\ntesting whether that nation,",
        "or any nation so conceived,\nand so dedicated, can long endure.",
    ];
    assert_eq!(texts(&spoken(speech), Profile::Netflix), expect);
}

#[test]
fn chinese_and_japanese_lines_hold_fewer_characters() {
    let words =
        [word(0, 6000, "字幕は視聴者が読む文章です。"), word(6000, 12000, "だから短くなければなりません。")];
    let cues = texts(&words, Profile::Netflix);
    assert_eq!(cues.concat().replace('\n', ""), "字幕は視聴者が読む文章です。だから短くなければなりません。");
    assert!(cues.iter().flat_map(|cue| cue.lines()).all(|line| line.chars().count() <= 13), "{cues:?}");
    assert_eq!(cues.len(), 2, "{cues:?}");

    let words = [word(0, 5000, "我们今天要讲的是怎样把很长的句子分成容易阅读的字幕。")];
    let cues = texts(&words, Profile::Netflix);
    assert!(cues.iter().flat_map(|cue| cue.lines()).all(|line| line.chars().count() <= 16), "{cues:?}");
    assert_eq!(cues.len(), 1, "{cues:?}");
}

#[test]
fn a_short_word_stays_for_the_shortest_duration_where_silence_follows() {
    let cues = into_cues(&[word(1000, 1200, "Yes.")], Timestamp(0), Timestamp(9000), Profile::Netflix);
    assert_eq!(cues, [Cue { start: Timestamp(1000), end: Timestamp(1833), text: "Yes.".into() }]);
}

#[test]
fn a_short_word_at_the_end_of_its_window_appears_a_little_early() {
    let cues = into_cues(&[word(800, 1000, "Yes.")], Timestamp(0), Timestamp(1500), Profile::Netflix);
    assert_eq!(cues, [Cue { start: Timestamp(584), end: Timestamp(1417), text: "Yes.".into() }]);
}

#[test]
fn small_gaps_are_closed_to_two_frames_and_large_ones_stay() {
    let words = spoken(
        "Nobody had opened the gate yet, and nobody knew why it was shut. |450 We waited for an hour in the rain. |5000 Then it came.",
    );
    let cues = into_cues(&words, Timestamp(0), Timestamp(60_000), Profile::Netflix);
    let gaps: Vec<u64> = cues.windows(2).map(|pair| pair[1].start.0 - pair[0].end.0).collect();
    assert_eq!(gaps[0], 83, "{cues:?}");
    assert!(gaps[1] > 3000, "{cues:?}");
}

#[test]
fn a_word_stretched_over_music_goes_after_the_longest_duration() {
    let cues = into_cues(&[word(0, 20_000, "Ooh")], Timestamp(0), Timestamp(20_000), Profile::Netflix);
    assert_eq!(cues[0].end, Timestamp(7000));
}

#[test]
fn words_that_crowd_at_one_moment_still_get_a_moment_each() {
    let words = vec![word(5000, 5000, "crowded words are many here"); 20];
    let cues = into_cues(&words, Timestamp(0), Timestamp(5000), Profile::Netflix);
    assert!(cues.len() > 5);
    assert!(cues.iter().all(|cue| cue.end > cue.start), "{cues:?}");
}

fn page(number: u32, start: u64, words: Vec<Word>) -> CuePage {
    let (start, end) = (Timestamp(start), Timestamp(start + 10_000));
    let cues = into_cues(&words, start, end, Profile::Netflix);
    CuePage { number, version: 0, start, end, words, cues }
}

#[test]
fn laying_out_anew_for_the_same_profile_changes_nothing() {
    let later = |words: Vec<Word>| -> Vec<Word> {
        words.into_iter().map(|w| word(w.start.0 + 10_000, w.end.0 + 10_000, &w.text)).collect()
    };
    let text = "The quick brown fox jumps over the lazy dog, and nobody knows why it does that.";
    let pages = [page(0, 0, spoken(text)), page(1, 10_000, later(spoken(text)))];
    assert_eq!(relayout(&pages, Profile::Netflix), track_of(&pages, None).cues());
    let shorts = relayout(&pages, Profile::Shorts);
    assert!(shorts.iter().flat_map(|cue| cue.text.lines()).all(|line| line.len() <= 24), "{shorts:?}");
}

#[test]
fn bad_pages_still_make_a_track() {
    let (first, second) = (page(0, 0, spoken("one two")), page(1, 300, spoken("three four")));
    let track = track_of(&[second.clone(), first.clone(), second], Some("en".into()));
    let texts: Vec<&str> = track.cues().iter().map(|cue| cue.text.as_str()).collect();
    assert_eq!((texts, track.language.as_deref()), (vec!["one two", "three four"], Some("en")));
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

        let norms = Norms::of(profile, Script::of(words.iter().map(|word| word.text.as_str())));
        for cue in &cues {
            prop_assert!(!cue.text.is_empty() && cue.text.lines().count() <= 2, "{:?}", cue);
            prop_assert!(cue.text.lines().all(|line| script::cells(line) <= norms.line_cells), "{:?}", cue);
            prop_assert!(cue.end.0 - cue.start.0 <= norms.longest.max(1), "{:?}", cue);
        }
        prop_assert_eq!(into_cues(&words, start, end, profile), cues);
    }

    #[test]
    fn good_words_keep_to_the_profile(words in good_words(), profile in any_profile()) {
        let norms = Norms::of(profile, Script::Alphabetic);
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
    fn cues_survive_every_format(words in any_words(), profile in any_profile()) {
        let cues = into_cues(&words, Timestamp(0), Timestamp(40_000), profile);
        let track = Track::new(None, cues).unwrap();
        for format in [crate::Format::WebVtt, crate::Format::Srt, crate::Format::Json] {
            prop_assert_eq!(format.read(&format.write(&track)), Ok(track.clone()));
        }
    }
}
