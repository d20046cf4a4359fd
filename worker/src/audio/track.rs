//! Which of several sound tracks is heard.

/// A sound track as its container tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundTrack {
    /// The container's number for it.
    pub id: u32,
    /// As the container says it: BCP 47 or ISO 639-2.
    pub language: Option<String>,
    pub is_default: bool,
    /// What it is encoded in, for people.
    pub codec: String,
}

/// What AAC is called that only ffmpeg decodes: people know their file as AAC, and wonder.
pub const UNUSUAL_AAC: &str = "AAC sound of an unusual kind, such as surround";

/// The first track in the wanted language, else the default one, else the first.
pub fn choose<'a>(tracks: &'a [SoundTrack], language: Option<&str>) -> Option<&'a SoundTrack> {
    let speaks = |track: &&SoundTrack| match (language, &track.language) {
        (Some(wanted), Some(spoken)) => is_same(wanted, spoken),
        _ => false,
    };
    let by_language = tracks.iter().find(speaks);
    let chosen =
        by_language.or_else(|| tracks.iter().find(|track| track.is_default)).or_else(|| tracks.first());
    if let Some(track) = chosen
        && tracks.len() > 1
    {
        tracing::info!(
            track = track.id,
            track.language,
            tracks = tracks.len(),
            is_by_language = by_language.is_some(),
            "chose a sound track"
        );
    }
    chosen
}

/// Whether two tags mean one language, whatever the region: `en-GB` and `eng` do.
fn is_same(one: &str, other: &str) -> bool {
    let one = plain(one);
    !one.is_empty() && one == plain(other)
}

/// The shortest tag of a language.
fn plain(tag: &str) -> String {
    let primary = tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let is_three_letters = primary.len() == 3;
    let short = ISO_639_2.split("; ").find(|codes| is_three_letters && codes[3..].contains(&primary));
    let code = short.map_or(primary.as_str(), |codes| &codes[..2]);
    // Whisper's own codes stand for several tags.
    domain::language::find(code).map_or(code, |language| language.code).to_owned()
}

/// The tag of ISO 639-2 that containers take, of a tag of BCP 47; `None` for a language that has none here.
pub fn three_letters(tag: &str) -> Option<String> {
    let plain = plain(tag);
    // Whisper files Javanese under another code.
    let plain = if plain == "jw" { "jv" } else { plain.as_str() };
    if plain.len() == 3 {
        return Some(plain.to_owned());
    }
    let codes = ISO_639_2.split("; ").find(|codes| plain.len() == 2 && codes.starts_with(plain))?;
    let codes: Vec<&str> = codes.split(' ').collect();
    // Of two, the second is the one for terminology, which MP4 wants; Matroska's writer knows both.
    codes.get(2).or(codes.get(1)).map(|code| (*code).to_owned())
}

/// The codes of ISO 639-1 of Whisper's languages, each with those of ISO 639-2, which containers use.
const ISO_639_2: &str = "\
    af afr; am amh; ar ara; as asm; az aze; ba bak; be bel; bg bul; bn ben; bo tib bod; br bre; bs bos; \
    ca cat; cs cze ces; cy wel cym; da dan; de ger deu; el gre ell; en eng; es spa; et est; eu baq eus; \
    fa per fas; fi fin; fo fao; fr fre fra; gl glg; gu guj; ha hau; he heb; hi hin; hr hrv; ht hat; hu hun; \
    hy arm hye; id ind; is ice isl; it ita; ja jpn; jv jav; ka geo kat; kk kaz; km khm; kn kan; ko kor; \
    la lat; lb ltz; ln lin; lo lao; lt lit; lv lav; mg mlg; mi mao mri; mk mac mkd; ml mal; mn mon; mr mar; \
    ms may msa; mt mlt; my bur mya; ne nep; nl dut nld; nn nno; no nor nob; oc oci; pa pan; pl pol; ps pus; \
    pt por; ro rum ron; ru rus; sa san; sd snd; si sin; sk slo slk; sl slv; sn sna; so som; sq alb sqi; \
    sr srp; su sun; sv swe; sw swa; ta tam; te tel; tg tgk; th tha; tk tuk; tl tgl; tr tur; tt tat; uk ukr; \
    ur urd; uz uzb; vi vie; yi yid; yo yor; zh chi zho cmn";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_decides_then_the_default_then_the_order() {
        let track = |id, language: &str, is_default| SoundTrack {
            id,
            language: (!language.is_empty()).then(|| language.to_owned()),
            is_default,
            codec: String::new(),
        };
        let tracks = [
            track(1, "", false),
            track(2, "ger", true),
            track(3, "en", true),
            track(4, "eng", false),
            track(5, "pt-BR", false),
        ];
        let check = |language: Option<&str>, expect: u32| {
            assert_eq!(choose(&tracks, language).map(|track| track.id), Some(expect), "{language:?}");
        };
        check(None, 2);
        check(Some("de-AT"), 2);
        check(Some("EN"), 3);
        check(Some("pt"), 5);
        check(Some("fr"), 2);
        check(Some(""), 2);
        assert_eq!(choose(&tracks[3..], None).map(|track| track.id), Some(4));
        assert_eq!(choose(&[], Some("en")), None);
    }

    #[test]
    fn one_language_has_many_tags() {
        for (one, other) in
            [("de", "deu"), ("de", "ger"), ("zh-Hant", "chi"), ("nb", "nor"), ("jw", "jav"), ("yue", "yue")]
        {
            assert!(is_same(one, other) && is_same(other, one), "{one} {other}");
        }
        for (one, other) in [("de", "eng"), ("und", "en"), ("", ""), ("e", "eng"), ("en", "engl")] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn containers_are_told_the_language_in_three_letters() {
        let check = |tag: &str, expect: Option<&str>| {
            assert_eq!(three_letters(tag).as_deref(), expect, "{tag}");
        };
        check("en", Some("eng"));
        check("en-GB", Some("eng"));
        check("de", Some("deu"));
        check("zh-Hant", Some("zho"));
        check("jw", Some("jav"));
        check("nb", Some("nob"));
        check("yue", Some("yue"));
        check("haw", Some("haw"));
        check("", None);
        check("xx", None);
        for language in domain::language::LANGUAGES {
            assert!(three_letters(language.code).is_some_and(|code| code.len() == 3), "{}", language.code);
        }
    }

    #[test]
    fn every_language_of_whisper_has_its_codes() {
        for language in domain::language::LANGUAGES {
            let has_codes = ISO_639_2.split("; ").any(|codes| plain(&codes[3..6]) == language.code);
            assert!(has_codes || language.code.len() == 3, "{}", language.code);
        }
    }
}
