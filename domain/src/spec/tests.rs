use proptest::prelude::*;

use super::*;
use crate::VideoHow;

fn options(pairs: &[(&str, &str)]) -> SpecOptions {
    let value = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let [language, task, model, profile, title] =
        ["language", "task", "model", "profile", "title"].map(value);
    SpecOptions { language, task, model, profile, title }
}

#[test]
fn a_link_is_http_without_a_password() {
    let check = |url: &str, expect: Result<&str, &str>| {
        let spec = JobSpec::link(url, &SpecOptions::default());
        let source = spec.as_ref().map(|spec| match &spec.source {
            Source::Link { url } => url.as_str(),
            Source::Upload { filename, .. } => filename,
        });
        assert_eq!(source.map_err(InvalidSpec::code), expect, "{url:?}");
        assert!(spec.err().is_none_or(|error| error.field() == "url"));
    };
    check("https://example.com/talk.mp4", Ok("https://example.com/talk.mp4"));
    check("  HTTP://Example.com:80/a b.mp4#t=10 ", Ok("http://example.com/a%20b.mp4"));
    check("http://127.0.0.1:9/x?sig=1", Ok("http://127.0.0.1:9/x?sig=1"));
    check("", Err("url_missing"));
    check(" \n", Err("url_missing"));
    check("talk.mp4", Err("url_malformed"));
    check("http://", Err("url_malformed"));
    check("https://exa mple.com/", Err("url_malformed"));
    check("//example.com/talk.mp4", Err("url_malformed"));
    check("file:///etc/passwd", Err("url_scheme"));
    check("javascript:alert(1)", Err("url_scheme"));
    check("ftp://example.com/talk.mp4", Err("url_scheme"));
    check("example.com:8080/talk.mp4", Err("url_scheme"));
    check("https://user:secret@example.com/", Err("url_user_info"));
    check("https://user@example.com/", Err("url_user_info"));
    check("https://:secret@example.com/", Err("url_user_info"));
    check(
        &format!("https://example.com/{}", "a".repeat(2028)),
        Ok(&format!("https://example.com/{}", "a".repeat(2028))),
    );
    check(&format!("https://example.com/{}", "a".repeat(2029)), Err("url_too_long"));
    check(&format!("https://example.com/{}", "é".repeat(900)), Err("url_too_long"));
}

#[test]
fn choices_are_checked_each_at_its_field() {
    let check = |pairs: &[(&str, &str)], expect: Result<(), (&str, &str)>| {
        let spec = JobSpec::link("https://example.com/", &options(pairs));
        assert_eq!(spec.map(|_| ()).map_err(|error| (error.field(), error.code())), expect, "{pairs:?}");
    };
    check(
        &[("language", "de-AT"), ("task", "translate"), ("model", "large-v3_q5.0"), ("profile", "bbc")],
        Ok(()),
    );
    check(&[("language", ""), ("task", ""), ("model", ""), ("profile", ""), ("title", "")], Ok(()));
    check(&[("language", "auto")], Ok(()));
    check(&[("language", "klingon")], Err(("language", "unknown_language")));
    check(&[("task", "dub")], Err(("task", "unknown_task")));
    check(&[("profile", "cinema")], Err(("profile", "unknown_profile")));
    check(&[("model", &"m".repeat(64))], Ok(()));
    check(&[("model", &"m".repeat(65))], Err(("model", "model_name")));
    check(&[("model", "../base")], Err(("model", "model_name")));
    check(&[("model", "..")], Err(("model", "model_name")));
    check(&[("model", "größe")], Err(("model", "model_name")));
    check(&[("model", "tiny.en")], Ok(()));
    check(&[("model", "tiny.en"), ("language", "en-US")], Ok(()));
    check(&[("model", "tiny.en"), ("language", "fr")], Err(("model", "english_model_only")));
    check(&[("model", "tiny.en"), ("task", "translate")], Err(("model", "english_model_translates")));
}

#[test]
fn a_title_is_given_or_made_and_always_harmless() {
    let of_link = |url: &str, title: &str| JobSpec::link(url, &options(&[("title", title)])).unwrap().title;
    assert_eq!(of_link("https://example.com/a/My%20talk%C3%A9.mp4?x=1", ""), "My talké.mp4");
    assert_eq!(of_link("https://example.com/a/dir/", ""), "dir");
    assert_eq!(of_link("https://example.com/", ""), "example.com");
    assert_eq!(of_link("https://example.com/%00%e2%80%ae", ""), "example.com");
    assert_eq!(of_link("https://example.com/100%25%zz%", ""), "100%%zz%");
    assert_eq!(
        of_link("https://example.com/x", "  The\ttalk\n\u{202E}4pm.\u{1b}[31mexe\0 "),
        "The talk 4pm. [31mexe"
    );
    assert_eq!(of_link("https://example.com/x", "\u{202E}\u{200B}"), "x");
    assert_eq!(of_link("https://example.com/x", &"ä".repeat(900)).chars().count(), 200);

    let of_file = |filename: &str| JobSpec::upload(filename, 7, &SpecOptions::default());
    assert_eq!(of_file("C:\\videos\\talk.mp4").unwrap().title, "talk.mp4");
    assert_eq!(of_file("../../etc/passwd").unwrap().title, "passwd");
    assert_eq!(of_file("talk.mp4").unwrap().source, Source::Upload { filename: "talk.mp4".into(), bytes: 7 });
    assert_eq!(of_file(" \0"), Err(InvalidSpec::FileMissing));
    assert_eq!(of_file("videos/"), Err(InvalidSpec::FileMissing));
}

#[test]
fn a_retry_keeps_what_is_not_changed() {
    let first = options(&[("language", "de"), ("model", "base"), ("profile", "ted"), ("title", "Vortrag")]);
    let spec = JobSpec::link("https://example.com/talk.mp4", &first).unwrap();
    assert_eq!(spec.clone().with_options(&SpecOptions::default()), Ok(spec.clone()));

    let changed =
        spec.clone().with_options(&options(&[("model", "small"), ("language", ""), ("title", " ")])).unwrap();
    let expect = JobSpec { model: Some("small".into()), language: None, ..spec.clone() };
    assert_eq!(changed, expect);

    let refused = spec.with_options(&options(&[("model", "base.en")]));
    assert_eq!(refused.map_err(|error| error.code()), Err("english_model_only"));
}

#[test]
fn a_title_holds_nothing_that_cannot_be_seen() {
    let check = |title: &str, expect: &str| {
        let spec = JobSpec::upload("a.wav", 1, &options(&[("title", title)])).unwrap();
        assert_eq!(spec.title, expect, "{title:?}");
    };
    check("a\u{ad}b\u{200b}c\u{2060}d", "abcd");
    check("\u{202e}gpj.exe\u{2066}", "gpj.exe");
    check("\u{3164}\u{115f}\u{ffa0}", "a.wav");
    // A family, and Persian: held together and apart by joiners.
    check("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{200d}\u{1f469}");
    check("می\u{200c}خواهم", "می\u{200c}خواهم");
}

#[test]
fn every_refusal_speaks_to_people() {
    let all = [
        InvalidSpec::UrlMissing,
        InvalidSpec::UrlMalformed,
        InvalidSpec::UrlScheme { scheme: "ftp".into() },
        InvalidSpec::UrlUserInfo,
        InvalidSpec::UrlTooLong,
        InvalidSpec::FileMissing,
        InvalidSpec::UnknownLanguage { language: "xx".into() },
        InvalidSpec::UnknownTask { task: "dub".into() },
        InvalidSpec::ModelName { model: "?".into() },
        InvalidSpec::EnglishModelOnly { model: "tiny.en".into(), language: "de".into() },
        InvalidSpec::EnglishModelTranslates { model: "tiny.en".into() },
        InvalidSpec::UnknownProfile { profile: "cinema".into() },
    ];
    let mut codes: Vec<&str> = all.iter().map(InvalidSpec::code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all.len());
    for error in all {
        assert!(error.message().ends_with('.') && error.hint().ends_with('.'), "{error:?}");
        assert_eq!(error.to_string(), error.message());
    }
}

#[test]
fn options_are_read_from_json_with_any_of_their_fields() {
    let read: SpecOptions = serde_json::from_str(r#"{"language": "en", "unknown": 1}"#).unwrap();
    assert_eq!(read, options(&[("language", "en")]));
}

fn video(how: VideoHow) -> Video {
    Video { of: JobId::from_bits(42), how, offset_ms: -250 }
}

#[test]
fn a_video_is_of_the_same_media_and_its_title_says_what_it_is() {
    let choices = options(&[("language", "fr"), ("profile", "ted")]);
    let spec = JobSpec::upload("talk.mp4", 7, &choices).unwrap();
    let burned = spec.video(video(VideoHow::Burn), Profile::Bbc);
    let expect = JobSpec {
        title: "talk (subtitles drawn in)".into(),
        profile: Profile::Bbc,
        video: Some(video(VideoHow::Burn)),
        ..spec.clone()
    };
    assert_eq!(burned, expect);
    assert!(spec.has_media_before() && !burned.has_media_before());
    let title = |title: &str| {
        JobSpec { title: title.into(), ..spec.clone() }.video(video(VideoHow::Mux), spec.profile).title
    };
    assert_eq!(title("Chapter 1. The end"), "Chapter 1. The end (with subtitle track)");
    assert_eq!(title(".mp4"), ".mp4 (with subtitle track)");
    assert_eq!(title(&"ä".repeat(200)).chars().count(), 200);
}

#[test]
fn a_video_survives_json_and_a_wish_of_before_there_were_videos_is_read() {
    let spec = JobSpec::upload("talk.mp4", 7, &SpecOptions::default()).unwrap();
    let stored = serde_json::to_value(&spec).unwrap();
    assert_eq!(stored.get("video"), None);
    assert_eq!(serde_json::from_value::<JobSpec>(stored).unwrap(), spec);
    for how in VideoHow::ALL {
        let spec = spec.video(video(how), Profile::Ted);
        let mut stored = serde_json::to_value(&spec).unwrap();
        assert_eq!(
            (&stored["video"]["how"], VideoHow::parse(how.as_str())),
            (&how.as_str().into(), Some(how))
        );
        assert_eq!(serde_json::from_value::<JobSpec>(stored.clone()).unwrap(), spec);
        stored["video"].as_object_mut().unwrap().remove("offset_ms");
        assert_eq!(serde_json::from_value::<JobSpec>(stored).unwrap().video.unwrap().offset_ms, 0);
    }
    assert_eq!(VideoHow::parse("print"), None);
}

proptest! {
    #[test]
    fn any_text_makes_a_spec_that_survives_json_or_a_refusal(
        url in any::<String>(),
        filename in any::<String>(),
        title in prop::option::of(any::<String>()),
        model in prop::option::of("[ -~]{0,70}"),
    ) {
        let options = SpecOptions { title, model, ..SpecOptions::default() };
        let _ = JobSpec::link(&url, &options);
        let _ = JobSpec::link(&format!("https://example.com/{url}"), &options);
        if let Ok(spec) = JobSpec::upload(&filename, 1, &options) {
            prop_assert!(!spec.title.is_empty() && spec.title.chars().count() <= 200);
            let is_hostile = |c: char| c.is_control() || ('\u{202A}'..='\u{202E}').contains(&c);
            prop_assert!(!spec.title.chars().any(is_hostile));
            let json = serde_json::to_string(&spec).unwrap();
            prop_assert_eq!(serde_json::from_str::<JobSpec>(&json).unwrap(), spec);
        }
    }
}
