use proptest::prelude::*;

use super::*;

fn tokens(parts: &[&[u8]]) -> Vec<Token> {
    let token = |(i, bytes): (usize, &&[u8])| Token {
        bytes: bytes.to_vec(),
        probability: 0.5,
        start_ms: i as i64 * 100,
        end_ms: i as i64 * 100 + 100,
    };
    parts.iter().enumerate().map(token).collect()
}

fn word(text: &str, start: u64, end: u64) -> Word {
    Word { start: Timestamp(start), end: Timestamp(end), text: text.into(), probability: 0.5 }
}

fn text(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join("|")
}

#[test]
fn tokens_become_words() {
    let check = |parts: &[&[u8]], language: &str, expect: &str| {
        assert_eq!(text(&join(&tokens(parts), Timestamp(0), language)), expect);
    };
    check(&[b" And", b" so", b",", b" my", b" fell", b"ow"], "en", "And|so,|my|fellow");
    check(&[b"And", b" don", b"'", b"t"], "en", "And|don't");
    // A character in three tokens.
    check(&[b" \xe2", b"\x82", b"\xac", b"5"], "en", "€5");
    check(&["今日".as_bytes(), "は".as_bytes(), "。".as_bytes(), "雨".as_bytes()], "ja", "今日|は。|雨");
    check(&[b"\xe4\xbb", b"\x8a", "日".as_bytes()], "zh", "今|日");
    check(&[" ♪".as_bytes(), " la".as_bytes(), " ♪".as_bytes()], "en", "la");
    check(&[b" bad\xff", b" "], "en", "bad");
}

#[test]
fn a_word_lasts_from_its_first_token_to_its_last() {
    let words = join(&tokens(&[b" a", b" fell", b"ow"]), Timestamp(1000), "en");
    assert_eq!((words[1].start, words[1].end), (Timestamp(1100), Timestamp(1300)));
    assert_eq!(words[1].probability, 0.5);
}

#[test]
fn sounds_are_dropped_and_sentences_in_brackets_stay() {
    let check = |input: &str, expect: &str| {
        let words = input.split_whitespace().map(|text| word(text, 0, 0)).collect();
        assert_eq!(text(&drop_sounds(words)), expect);
    };
    check("[BLANK_AUDIO]", "");
    check("so (upbeat music) well", "so|well");
    check("*door closes* Hello - there.", "Hello|there.");
    check("(he said that nobody would ever come here)", "(he|said|that|nobody|would|ever|come|here)");
    check("[unclosed words", "[unclosed|words");
}

#[test]
fn words_that_the_model_does_not_believe_are_invented() {
    let check = |probabilities: &[f32], no_speech: f32, speech_s: f64, expect: bool| {
        let words: Vec<Word> =
            probabilities.iter().map(|&probability| Word { probability, ..word("w", 0, 0) }).collect();
        assert_eq!(are_invented(&words, no_speech, speech_s), expect, "{probabilities:?}");
    };
    check(&[], 1.0, 0.5, false);
    check(&[0.04, 0.97], 0.0, 0.5, true);
    check(&[0.04, 0.97], 0.0, 5.0, false);
    check(&[0.3, 0.0, 0.05, 0.14, 0.0, 0.4], 0.0, 4.0, true);
    check(&[0.9], 0.0, 0.3, false);
    check(&[0.6, 0.5, 0.7], 0.0, 1.0, false);
    check(&[0.08, 0.09, 0.9, 1.0, 0.9, 0.5, 1.0], 0.2, 5.0, false);
    check(&[0.3, 0.3], 0.9, 5.0, true);
    check(&[f32::NAN], 0.0, 1.0, true);
}

#[test]
fn loops_are_collapsed_and_people_may_repeat_themselves() {
    let check = |input: &str, expect: &str| {
        let words = input.split_whitespace().map(|text| word(text, 0, 0)).collect();
        assert_eq!(text(&collapse_loops(words)), expect);
    };
    check("no no no no", "no|no|no|no");
    check("a b. a b a b A b c", "a|b.|c");
    check("thank you thank you thank you", "thank|you|thank|you|thank|you");
    check("x x x x x x x x x x", "x");
}

#[test]
fn a_window_after_the_end_of_a_sentence_begins_with_a_capital() {
    let check = |previous: Option<&str>, first: &str, expect: &str| {
        let mut words = vec![word(first, 0, 0), word("next", 0, 0)];
        begin_sentence(&mut words, previous);
        assert_eq!(text(&words), format!("{expect}|next"), "{previous:?}");
    };
    check(Some("foe."), "to", "To");
    check(Some("foe.”"), "to", "To");
    check(Some("так?"), "или", "Или");
    check(Some("foe,"), "to", "to");
    check(Some("foe"), "to", "to");
    check(Some("foe..."), "to", "to");
    check(Some("foe."), "iPhone", "iPhone");
    check(Some("foe."), "8", "8");
    check(Some("foe."), "ა", "ა");
    check(None, "to", "to");
    begin_sentence(&mut [], Some("foe."));
}

#[test]
fn words_in_silence_move_to_the_speech() {
    let mut words = vec![word("a", 100, 1200), word("b", 1200, 3000)];
    let speech = [(Timestamp(1000), Timestamp(2000))];
    fit_times(&mut words, &speech, Timestamp(0), Timestamp(5000));
    assert_eq!(words, vec![word("a", 940, 1200), word("b", 1200, 2060)]);
}

proptest! {
    #[test]
    fn times_are_in_order_and_inside(
        times in prop::collection::vec((0u64..20_000, 0u64..20_000), 0..20),
        speech in prop::collection::vec((0u64..20_000, 1u64..3_000), 0..5),
        start in 0u64..5_000,
        length in 0u64..15_000,
    ) {
        let mut words: Vec<Word> = times.iter().map(|&(from, to)| word("w", from, to)).collect();
        let speech: Vec<_> = speech.iter().map(|&(at, l)| (Timestamp(at), Timestamp(at + l))).collect();
        let (start, end) = (Timestamp(start), Timestamp(start + length));
        fit_times(&mut words, &speech, start, end);
        let mut previous = start;
        for word in &words {
            prop_assert!(word.start >= previous && word.end >= word.start && word.end <= end, "{words:?}");
            previous = word.end;
        }
    }

    #[test]
    fn any_bytes_make_words(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..12)) {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        for language in ["en", "ja"] {
            for word in drop_sounds(join(&tokens(&parts), Timestamp(0), language)) {
                prop_assert!(!word.text.is_empty() && word.text.trim() == word.text);
            }
        }
    }
}

#[test]
fn nobody_says_forty_words_in_two_seconds() {
    let word = Word { start: Timestamp(0), end: Timestamp(50), text: "ligne".into(), probability: 0.9 };
    assert!(are_too_many(&vec![word.clone(); 40], 2.0));
    assert!(!are_too_many(&vec![word; 10], 2.0));
}
