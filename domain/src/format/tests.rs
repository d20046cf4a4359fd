use proptest::prelude::*;

use super::*;
use crate::{Cue, Timestamp, payload};

fn cue(start: u64, end: u64, text: &str) -> Cue {
    Cue { start: Timestamp(start), end: Timestamp(end), text: text.into(), doubts: Vec::new() }
}

fn track(cues: &[(u64, u64, &str)]) -> Track {
    Track::new(None, cues.iter().map(|(start, end, text)| cue(*start, *end, text)).collect()).unwrap()
}

/// Pieces that break subtitle files where nobody thought of them.
fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[ -~\n]{0,20}",
        prop::sample::select(vec![
            "-->",
            "--",
            ">",
            "<",
            "{\\an8}",
            "}",
            "{",
            "\\",
            "<script>alert(1)</script>",
            "<i>",
            "</i>",
            "&",
            "&amp;",
            "&lt;",
            "&#10;",
            "\n",
            "\n\n",
            "\r\n",
            "\r",
            "\u{2028}",
            "12",
            "\n7\n",
            "00:00:01,000 --> 00:00:02,000",
            "\n\n3\n00:00:01,000 --> 00:00:02,000\nfake\n\n",
            "\n\n00:00:01.000 --> 00:00:02.000\nfake\n\n",
            "WEBVTT",
            "NOTE",
            "STYLE",
            "\u{FEFF}",
            "\0",
            "\u{1b}[31m",
            "\u{202E}",
            "\u{2060}",
            "\u{A0}",
            "\t",
            " ",
            "字幕",
            "👩\u{200D}👩",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn hostile_track() -> impl Strategy<Value = Track> {
    let cues = prop::collection::vec((0u64..4_000_000, 0u64..9_000, hostile_text()), 0..6);
    (cues, prop::option::of("[a-z]{2}(-[A-Z]{2})?")).prop_map(|(cues, language)| {
        let mut clock = 0;
        let cues = cues.into_iter().map(|(gap, length, text)| {
            let start = clock + gap % 7 * gap;
            clock = start + length;
            cue(start, clock, &text)
        });
        Track::new(language, cues.collect()).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_as_webvtt_reads_back_equal(track in hostile_track()) {
        prop_assert_eq!(Format::WebVtt.read(&Format::WebVtt.write(&track)), Ok(track.normalized()));
    }

    #[test]
    fn what_is_written_as_srt_reads_back_equal_but_for_the_language(track in hostile_track()) {
        let mut expect = track.normalized();
        expect.language = None;
        prop_assert_eq!(Format::Srt.read(&Format::Srt.write(&track)), Ok(expect));
    }

    #[test]
    fn what_is_written_as_ttml_reads_back_equal(track in hostile_track()) {
        prop_assert_eq!(Format::Ttml.read(&Format::Ttml.write(&track)), Ok(track.normalized()));
    }

    #[test]
    fn what_is_written_as_ass_reads_back_equal_to_the_hundredth(track in hostile_track()) {
        let expect = track.normalized();
        let read = Format::Ass.read(&Format::Ass.write(&track)).unwrap();
        let texts = |track: &Track| track.cues().iter().map(|cue| cue.text.clone()).collect::<Vec<_>>();
        prop_assert_eq!(texts(&read), texts(&expect));
        for (read, expect) in read.cues().iter().zip(expect.cues()) {
            // A row of cues shorter than a hundredth pushes what follows; these are few and short.
            let limit = 5 + 10 * expect.text.len().max(6) as u64;
            prop_assert!(read.start.0.abs_diff(expect.start.0) <= limit);
        }
    }

    #[test]
    fn what_is_written_as_json_reads_back_exactly(track in hostile_track()) {
        prop_assert_eq!(Format::Json.read(&Format::Json.write(&track)), Ok(track));
    }

    #[test]
    fn what_is_written_as_text_reads_back_as_lines(track in hostile_track()) {
        let normal = track.normalized();
        let expect: Vec<String> = normal.cues().iter().map(|cue| payload::in_one_line(&cue.text)).collect();
        prop_assert_eq!(txt::lines(&Format::Txt.write(&track)), expect);
    }

    #[test]
    fn text_in_normal_form_survives_every_format_that_has_times(text in hostile_text()) {
        let text = payload::normalized(&text);
        prop_assume!(!text.is_empty());
        let track = track(&[(0, 1000, &text)]);
        for format in [Format::WebVtt, Format::Srt, Format::Ttml, Format::Ass, Format::Json] {
            prop_assert_eq!(format.read(&format.write(&track)), Ok(track.clone()));
        }
    }

    #[test]
    fn a_written_file_has_the_skeleton_that_strict_readers_expect(track in hostile_track()) {
        let count = track.normalized().cues().len();
        let vtt = Format::WebVtt.write(&track);
        prop_assert_eq!(vtt.matches("-->").count(), count);
        prop_assert_eq!(vtt.matches('<').count(), 0);
        let srt = Format::Srt.write(&track);
        prop_assert_eq!(srt.matches("-->").count(), count);
        prop_assert_eq!(srt.matches("\n\n").count(), count);
        let has_control = |file: &str| file.chars().any(|c| c.is_control() && c != '\n');
        prop_assert!(!has_control(&vtt) && !has_control(&srt));
        let ttml = Format::Ttml.write(&track);
        prop_assert_eq!(ttml.matches("<p ").count(), count);
        let ass = Format::Ass.write(&track);
        prop_assert_eq!(ass.matches("\nDialogue: ").count(), count);
        prop_assert!(!has_control(&ttml) && !has_control(&ass));
    }

    #[test]
    fn reading_never_fails_but_by_saying_the_line(text in hostile_text(), signed in any::<bool>()) {
        let text = if signed { format!("WEBVTT\n\n{text}") } else { text };
        for format in Format::ALL {
            if let Err(error) = format.read(&text) {
                prop_assert!(error.line >= 1 && !error.problem.is_empty());
            }
        }
    }
}

#[test]
fn written_files_look_as_players_expect_them() {
    let mut track = track(&[(0, 1500, "Hello & <welcome>"), (3_600_000, 3_601_001, "two\n\nlines --> here")]);
    track.language = Some("en-GB".into());
    let check = |format: Format, expect: &str| assert_eq!(format.write(&track), expect);
    check(
        Format::WebVtt,
        "WEBVTT\n\nNOTE Language: en-GB\n\n00:00:00.000 --> 00:00:01.500\nHello &amp; &lt;welcome&gt;\n\n\
         01:00:00.000 --> 01:00:01.001\ntwo\nlines --&gt; here\n",
    );
    check(
        Format::Srt,
        "1\n00:00:00,000 --> 00:00:01,500\nHello & <\u{2060}welcome>\n\n\
         2\n01:00:00,000 --> 01:00:01,001\ntwo\nlines --\u{2060}> here\n\n",
    );
    let ttml = Format::Ttml.write(&track);
    assert!(ttml.contains("xml:lang=\"en-GB\""));
    assert!(ttml.contains(
        "<p begin=\"01:00:00.000\" end=\"01:00:01.001\"><span style=\"line\">two<br/>lines --&gt; here</span></p>"
    ));
    let ass = Format::Ass.write(&track);
    assert!(ass.ends_with(
        "Dialogue: 0,0:00:00.00,0:00:01.50,Default,,0,0,0,,Hello & <welcome>\n\
         Dialogue: 0,1:00:00.00,1:00:01.00,Default,,0,0,0,,two\\Nlines --> here\n"
    ));
    check(Format::Txt, "Hello & <welcome>\ntwo lines --> here\n");
    check(
        Format::Json,
        "{\n  \"language\": \"en-GB\",\n  \"cues\": [\n    {\n      \"start\": 0,\n      \"end\": 1500,\n      \
         \"text\": \"Hello & <welcome>\"\n    },\n    {\n      \"start\": 3600000,\n      \"end\": 3601001,\n      \
         \"text\": \"two\\n\\nlines --> here\"\n    }\n  ]\n}\n",
    );
}

#[test]
fn an_empty_track_is_a_sound_file() {
    for format in [Format::WebVtt, Format::Srt, Format::Ttml, Format::Ass, Format::Json] {
        assert_eq!(format.read(&format.write(&Track::default())), Ok(Track::default()));
    }
    assert_eq!(Format::WebVtt.write(&Track::default()), "WEBVTT\n");
}

#[test]
fn a_language_that_is_no_tag_stays_out_of_the_file() {
    let language = "en\n\n00:00.000 --> 00:01.000\nfake";
    let track = Track::new(Some(language.into()), Vec::new()).unwrap();
    assert_eq!(Format::WebVtt.write(&track), "WEBVTT\n");
}

#[test]
fn foreign_webvtt_is_read() {
    let check = |text: &str, cues: &[(u64, u64, &str)]| {
        let read = Format::WebVtt.read(text).map(Track::into_cues);
        assert_eq!(read, Ok(track(cues).into_cues()), "{text:?}");
    };
    check("\u{FEFF}WEBVTT\r\n\r\n00:01.000 --> 00:02.000\r\nHi\r\n", &[(1000, 2000, "Hi")]);
    check(
        "WEBVTT - title\n\nintro\n00:01.000 --> 00:02.000 align:start line:0%\n<i>Hi</i>",
        &[(1000, 2000, "Hi")],
    );
    check("WEBVTT\nKind: captions\nLanguage: en\n\n00:01.000 --> 00:02.000\nHi\n", &[(1000, 2000, "Hi")]);
    check(
        "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n00:01.000 --> 00:02.000\nHi",
        &[(1000, 2000, "Hi")],
    );
    check(
        "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:fred\n\nNOTE a --> b\nmore\n\n00:01.000 --> 00:02.000\nHi",
        &[(1000, 2000, "Hi")],
    );
    check(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n\n00:02.000 --> 00:03.000\nHi",
        &[(1000, 2000, ""), (2000, 3000, "Hi")],
    );
    check(
        "WEBVTT\n\n1\n00:01.000 --> 00:02.000\nHi\n2\n00:02.000 --> 00:03.000\n&lt;b&gt; &amp;amp;",
        &[(1000, 2000, "Hi"), (2000, 3000, "<b> &amp;")],
    );
    check("WEBVTT\n00:01.000 --> 00:02.000\nHi", &[(1000, 2000, "Hi")]);
    let language = |text: &str| Format::WebVtt.read(text).map(|track| track.language);
    assert_eq!(language("WEBVTT\nKind: captions\nLanguage: en\n"), Ok(Some("en".into())));
    assert_eq!(language("WEBVTT\n\nNOTE\nLanguage: de-CH\n"), Ok(Some("de-CH".into())));
    assert_eq!(language("WEBVTT\n\nNOTE Language: of the gods\n"), Ok(None));
}

#[test]
fn foreign_srt_is_read() {
    let check = |text: &str, cues: &[(u64, u64, &str)]| {
        assert_eq!(Format::Srt.read(text), Ok(track(cues)), "{text:?}");
    };
    check("\u{FEFF}1\r\n00:00:01,000 --> 00:00:02,000\r\nHi\r\n\r\n", &[(1000, 2000, "Hi")]);
    check("00:00:01.000 --> 00:00:02.000\nno number, points", &[(1000, 2000, "no number, points")]);
    check("1\n0:00:01,0 --> 0:00:02,5 X1:40 X2:600\n{\\an8}<b>Hi</b>", &[(1000, 2500, "Hi")]);
    check(
        "1\n00:00:01,000 --> 00:00:02,000\na\n\nb\n\n2\n00:00:02,000 --> 00:00:03,000\n1984\n",
        &[(1000, 2000, "a\nb"), (2000, 3000, "1984")],
    );
    check(
        "1\n00:00:01,000 --> 00:00:02,000\nno\n2\n00:00:02,000 --> 00:00:03,000\ngap",
        &[(1000, 2000, "no"), (2000, 3000, "gap")],
    );
    check("1\n00:00:01,000 --> 00:00:02,000\nturn --> left", &[(1000, 2000, "turn --> left")]);
    check("\n\n", &[]);
}

#[test]
fn a_file_that_is_no_track_is_refused_with_its_line() {
    let check = |format: Format, text: &str, line: usize, problem: &str| {
        let expect = ParseError { line, problem: problem.into() };
        assert_eq!(format.read(text), Err(expect), "{text:?}");
    };
    check(Format::WebVtt, "", 1, "a WebVTT file starts with the word WEBVTT");
    check(Format::WebVtt, "WEBVTTX\n", 1, "a WebVTT file starts with the word WEBVTT");
    check(
        Format::WebVtt,
        "WEBVTT\n\n00:01 -> 00:02\nHi",
        3,
        "this is neither a cue nor a comment: 00:01 -> 00:02",
    );
    check(
        Format::WebVtt,
        "WEBVTT\n\nname\n00:01.000 --> soon\nHi",
        4,
        "these times cannot be read: 00:01.000 --> soon",
    );
    check(
        Format::WebVtt,
        "WEBVTT\n\n00:01.000 --> 00:03.000\na\n\n00:02.000 --> 00:04.000\nb",
        6,
        "cue 2 starts at 00:00:02.000, before the one ahead of it (line 3) ends at 00:00:03.000",
    );
    check(Format::WebVtt, "WEBVTT\n\n00:02.000 --> 00:01.000\na", 3, "cue 1 ends before it starts");
    check(
        Format::Srt,
        "<html>\n",
        1,
        "an SRT file starts with a number and times, and this is neither: <html>",
    );
    check(
        Format::Srt,
        "Title\n\n1\n00:00:01,000 --> 00:00:02,000\nHi",
        1,
        "an SRT file starts with a number and times, and this is neither: Title",
    );
    check(
        Format::Srt,
        "1\n00:00:01,000 --> 00:00:0x,000\nHi",
        2,
        "these times cannot be read: 00:00:01,000 --> 00:00:0x,000",
    );
    check(Format::Txt, "Hi", 1, "plain text has no times, so it makes no track: use VTT, SRT or JSON");
    check(Format::Json, "{\n  \"cues\": 7\n}", 2, "invalid type: integer `7`, expected a sequence");
    check(
        Format::Json,
        "{\n\"cues\": [{\"start\": 5, \"end\": 4, \"text\": \"\"}]\n}",
        1,
        "cue 1 ends before it starts",
    );
}

#[test]
fn an_extension_names_its_format() {
    for format in Format::ALL {
        assert_eq!(Format::from_extension(format.extension()), Some(format));
    }
    assert_eq!(Format::from_extension("exe"), None);
}
