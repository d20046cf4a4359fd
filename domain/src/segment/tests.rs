use super::*;

mod properties;

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
    Word { start: Timestamp(start), end: Timestamp(end), text: text.into(), probability: 0.9 }
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
        "Four score and seven years ago\nour fathers brought forth,",
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
fn lines_of_scripts_without_spaces_begin_with_no_mark_and_no_vowel() {
    // As Whisper gives them: character by character.
    let check = |text: &str, line: usize, must_not_start: &str| {
        let chars = text.chars().enumerate();
        let words: Vec<Word> =
            chars.map(|(at, c)| word(at as u64 * 150, at as u64 * 150 + 150, &c.to_string())).collect();
        let cues = texts(&words, Profile::Netflix);
        assert_eq!(cues.concat().replace('\n', ""), text);
        for line_text in cues.iter().flat_map(|cue| cue.lines()) {
            assert!(!line_text.starts_with(|c| must_not_start.contains(c)), "{cues:?}");
            assert!(script::cells(line_text) as usize <= line, "{cues:?}");
        }
    };
    check(
        "我们今天要讲的是，怎样把很长的句子分成容易阅读的字幕。这个问题并不简单，需要仔细想想。",
        32,
        "，。",
    );
    check("字幕は視聴者が読む文章です。だから、とても短くなければなりません。", 26, "、。っ");
    check("ฉันชอบเรียนภาษาไทยที่โรงเรียนในกรุงเทพมหานครเพราะว่าครูสอนดีมากและเพื่อนๆใจดี", 35, "ะาำๆิีึืุู่้๊๋์ั็");
}

#[test]
fn right_to_left_text_stays_in_its_order_and_its_points_take_no_room() {
    let text = "ذَهَبْنَا إِلَى السُّوقِ فِي الصَّبَاحِ البَاكِرِ، وَلَمْ يَكُنْ أَحَدٌ قَدْ فَتَحَ مَتْجَرَهُ بَعْدُ.";
    assert_eq!(
        texts(&spoken(text), Profile::Netflix),
        ["ذَهَبْنَا إِلَى السُّوقِ فِي الصَّبَاحِ البَاكِرِ،\nوَلَمْ يَكُنْ أَحَدٌ قَدْ فَتَحَ مَتْجَرَهُ بَعْدُ."]
    );
    let text = "הלכנו לשוק מוקדם בבוקר, ואף אחד עוד לא פתח את החנות.";
    assert_eq!(
        texts(&spoken(text), Profile::Netflix),
        ["הלכנו לשוק מוקדם בבוקר,\nואף אחד עוד לא פתח את החנות."]
    );
}

#[test]
fn a_short_word_stays_for_the_shortest_duration_where_silence_follows() {
    let cues = into_cues(&[word(1000, 1200, "Yes.")], Timestamp(0), Timestamp(9000), Profile::Netflix);
    assert_eq!(
        cues,
        [Cue { start: Timestamp(1000), end: Timestamp(1833), text: "Yes.".into(), doubts: Vec::new() }]
    );
}

#[test]
fn a_short_word_at_the_end_of_its_window_appears_a_little_early() {
    let cues = into_cues(&[word(800, 1000, "Yes.")], Timestamp(0), Timestamp(1500), Profile::Netflix);
    assert_eq!(
        cues,
        [Cue { start: Timestamp(584), end: Timestamp(1417), text: "Yes.".into(), doubts: Vec::new() }]
    );
}

#[test]
fn a_cue_that_is_too_fast_makes_the_next_one_wait_if_that_can_spare_it() {
    let said = |text: &str, start: u64, each: u64| -> Vec<Word> {
        let words = text.split(' ').enumerate();
        words.map(|(at, text)| word(start + at as u64 * each, start + (at as u64 + 1) * each, text)).collect()
    };
    let fast =
        said("This whole sentence is said a little too fast for anybody in this room to read.", 0, 240);
    let next = fast.last().unwrap().end.0;
    let starts = |each: u64| {
        let slow = said("Nobody minds that very much, since all that follows is said slowly.", next, each);
        let cues =
            into_cues(&[fast.clone(), slow].concat(), Timestamp(0), Timestamp(20_000), Profile::Netflix);
        cues.iter().map(|cue| cue.start.0).collect::<Vec<u64>>()
    };
    assert_eq!((next, starts(500)), (3840, vec![0, 3960]));
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
    CuePage { number, version: 0, start, end, words, cues, open: None, peaks: String::new() }
}

#[test]
fn laying_out_anew_keeps_to_the_lines_of_the_profile() {
    let later = |words: Vec<Word>| -> Vec<Word> {
        words.into_iter().map(|w| word(w.start.0 + 10_000, w.end.0 + 10_000, &w.text)).collect()
    };
    let text = "The quick brown fox jumps over the lazy dog, and nobody knows why it does that.";
    let pages = [page(0, 0, spoken(text)), page(1, 10_000, later(spoken(text)))];
    let shorts = relayout(&pages, &Corrections::default(), Profile::Shorts);
    assert!(shorts.iter().flat_map(|cue| cue.text.lines()).all(|line| line.len() <= 24), "{shorts:?}");
}

#[test]
fn bad_pages_still_make_a_track() {
    let (first, second) = (page(0, 0, spoken("one two")), page(1, 300, spoken("three four")));
    let track = track_of(&[second.clone(), first.clone(), second], Some("en".into()));
    let texts: Vec<&str> = track.cues().iter().map(|cue| cue.text.as_str()).collect();
    assert_eq!((texts, track.language.as_deref()), (vec!["one two", "three four"], Some("en")));
}

#[test]
fn laying_out_for_another_profile_goes_over_the_seams_between_pages() {
    let words = spoken("Nobody knows what the old house on the hill has seen in all these years.");
    let seam = words[4].start;
    let (head, tail) = words.split_at(4);
    let page = |number, start, end, words: &[Word]| {
        let cues = into_cues(words, start, end, Profile::Netflix);
        CuePage {
            number,
            version: 0,
            start,
            end,
            words: words.to_vec(),
            cues,
            open: None,
            peaks: String::new(),
        }
    };
    let end = Timestamp(words.last().unwrap().end.0 + 1000);
    let pages = [page(0, Timestamp(0), seam, head), page(1, seam, end, tail)];
    assert!(pages[0].cues.last().unwrap().text.ends_with("what the"), "{:?}", pages[0].cues);
    assert_eq!(
        relayout(&pages, &Corrections::default(), Profile::Shorts),
        into_cues(&words, Timestamp(0), end, Profile::Shorts)
    );
}

#[test]
fn a_page_without_words_keeps_its_cues_among_those_laid_out_anew() {
    let mut kept = page(1, 10_000, Vec::new());
    kept.cues =
        vec![Cue {
            start: Timestamp(12_000), end: Timestamp(13_000), text: "♪".into(), doubts: Vec::new()
        }];
    let pages = [page(0, 0, spoken("The quick brown fox jumps over the lazy dog.")), kept];
    let cues = relayout(&pages, &Corrections::default(), Profile::Shorts);
    assert!(cues.len() == 2 && cues.last() == pages[1].cues.first(), "{cues:?}");
}

#[test]
fn all_but_the_last_cue_is_settled() {
    let words = spoken(
        "We went to the market early in the morning. |900 Nobody had opened yet, and so we waited there for an hour, \
        which felt like a whole day to us, because it rained.",
    );
    let settled_of = |count: usize| {
        let heard = &words[..count];
        settled(heard, Timestamp(0), heard.last().map_or(Timestamp(0), |word| word.end), Profile::Netflix)
            .words
    };
    assert_eq!([settled_of(0), settled_of(1), settled_of(8)], [0, 0, 0]);
    // The first sentence, at least.
    assert!((9..words.len()).contains(&settled_of(words.len())));
}

#[test]
fn words_that_the_model_doubts_are_marked_where_they_stand() {
    let mut words =
        spoken("Ask not what your country größer can do for you, and wait for the long second line.");
    for index in [1, 5, 13] {
        words[index].probability = 0.3;
    }
    let cues = into_cues(&words, Timestamp(0), Timestamp(20_000), Profile::Netflix);
    let doubted = |cue: &Cue| -> Vec<String> {
        cue.pieces().into_iter().filter(|(_, is_doubted)| *is_doubted).map(|(piece, _)| piece).collect()
    };
    assert_eq!(cues.iter().flat_map(doubted).collect::<Vec<_>>(), ["not", "größer", "the"]);
    let whole: String = cues[0].pieces().into_iter().map(|(piece, _)| piece).collect();
    assert_eq!(whole, cues[0].text);
}
