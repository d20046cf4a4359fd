//! TTML in the IMSC text profile: <https://www.w3.org/TR/ttml-imsc1.0.1/>. What broadcasters and film services ask
//! for.

use std::fmt::Write as _;

use roxmltree::{Document, Node};

use super::timing::{CueLines, excerpt};
use super::{ParseError, language_tag};
use crate::{Timestamp, Track, payload};

const NAMESPACE: &str = "http://www.w3.org/ns/ttml";
const PARAMETER: &str = "http://www.w3.org/ns/ttml#parameter";

/// Everything ahead of the cues but the language: white text with a dark outline's worth of background, centred in
/// the lower part of the picture, as IMSC players draw it without further wishes.
const HEAD: &str = r##"
  <head>
    <styling>
      <style xml:id="text" tts:fontFamily="proportionalSansSerif" tts:fontSize="80%" tts:lineHeight="120%" tts:color="#FFFFFFFF" tts:textAlign="center"/>
      <style xml:id="line" tts:backgroundColor="#000000CC"/>
    </styling>
    <layout>
      <region xml:id="bottom" tts:origin="10% 70%" tts:extent="80% 25%" tts:displayAlign="after" tts:overflow="visible"/>
    </layout>
  </head>
"##;

pub(super) fn write(track: &Track) -> String {
    let track = track.normalized();
    let language = track.language.as_deref().and_then(language_tag).unwrap_or_default();
    let mut file = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <tt xmlns=\"{NAMESPACE}\" xmlns:ttp=\"{PARAMETER}\" xmlns:tts=\"{NAMESPACE}#styling\" \
         ttp:profile=\"{NAMESPACE}/profile/imsc1/text\" ttp:timeBase=\"media\" xml:lang=\"{language}\">{HEAD}  \
         <body style=\"text\" region=\"bottom\">\n    <div xml:space=\"preserve\">"
    );
    for cue in track.cues() {
        let text = escaped(&cue.text).replace('\n', "<br/>");
        write!(
            file,
            "\n      <p begin=\"{}\" end=\"{}\"><span style=\"line\">{text}</span></p>",
            cue.start, cue.end
        )
        .expect("a string takes everything");
    }
    file.push_str("\n    </div>\n  </body>\n</tt>\n");
    file
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub(super) fn read(text: &str) -> Result<Track, ParseError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let document = Document::parse(text).map_err(|error| ParseError {
        line: error.pos().row.max(1) as usize,
        problem: format!("this is no XML: {}", excerpt(&error.to_string())),
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "tt" {
        let problem =
            format!("a TTML file starts with the element tt, not {}", excerpt(root.tag_name().name()));
        return Err(ParseError { line: line_of(root), problem });
    }
    let clock = Clock::of(root);
    let language = root.attribute((XML, "lang")).and_then(language_tag).map(str::to_owned);
    let mut cues = CueLines::default();
    for node in root.descendants().filter(|node| is_paragraph(*node)) {
        let Some(times) = clock.times(node)? else { continue };
        let mut text = String::new();
        collect(node, &mut text);
        cues.push(line_of(node), times, payload::normalized(&text))?;
    }
    Ok(cues.into_track(language))
}

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Older files have the namespaces of drafts: whatever the root is in.
fn is_paragraph(node: Node<'_, '_>) -> bool {
    let root = node.document().root_element();
    node.tag_name().name() == "p" && node.tag_name().namespace() == root.tag_name().namespace()
}

fn line_of(node: Node<'_, '_>) -> usize {
    node.document().text_pos_at(node.range().start).row as usize
}

/// The text of a paragraph. White space is one space, unless it is to be preserved.
fn collect(node: Node<'_, '_>, text: &mut String) {
    for child in node.children() {
        if child.is_element() && child.tag_name().name() == "br" {
            text.push('\n');
        } else if child.is_element() && child.tag_name().name() != "metadata" {
            collect(child, text);
        } else if let Some(piece) = child.text().filter(|_| child.is_text()) {
            if is_preserved(child) {
                text.push_str(piece);
                continue;
            }
            for c in piece.chars() {
                let c = if matches!(c, ' ' | '\t' | '\r' | '\n') { ' ' } else { c };
                if c != ' ' || !text.ends_with([' ', '\n']) {
                    text.push(c);
                }
            }
        }
    }
}

fn is_preserved(node: Node<'_, '_>) -> bool {
    node.ancestors().find_map(|node| node.attribute((XML, "space"))) == Some("preserve")
}

/// How a document counts time.
struct Clock {
    /// Frames a second.
    frames: f64,
    /// Ticks a second.
    ticks: f64,
}

impl Clock {
    fn of(root: Node<'_, '_>) -> Clock {
        // Drafts had a namespace of their own for parameters too.
        let parameter = |name: &str| {
            let attribute = root.attributes().find(|attribute| attribute.name() == name);
            attribute.map(|attribute| attribute.value().to_owned())
        };
        let number =
            |name| parameter(name).and_then(|value| value.parse::<f64>().ok()).filter(|rate| *rate > 0.0);
        let multiplier = parameter("frameRateMultiplier").and_then(|value| {
            let (above, below) = value.split_once([' ', ':'])?;
            let (above, below): (f64, f64) = (above.parse().ok()?, below.trim().parse().ok()?);
            (above > 0.0 && below > 0.0).then_some(above / below)
        });
        let frames = number("frameRate").unwrap_or(30.0) * multiplier.unwrap_or(1.0);
        let ticks = number("tickRate").unwrap_or(if parameter("frameRate").is_some() { frames } else { 1.0 });
        Clock { frames, ticks }
    }

    /// When a paragraph is shown; `None` for one without times. What contains it may begin later than the media.
    fn times(&self, node: Node<'_, '_>) -> Result<Option<(Timestamp, Timestamp)>, ParseError> {
        let time = |node: Node<'_, '_>, name: &str| {
            let Some(value) = node.attribute(name) else { return Ok(None) };
            let seconds = self.seconds(value.trim());
            let problem = || format!("this time cannot be read: {}", excerpt(value));
            seconds.map(Some).ok_or_else(|| ParseError { line: line_of(node), problem: problem() })
        };
        let mut offset = 0.0;
        for container in node.ancestors().skip(1).filter(Node::is_element) {
            offset += time(container, "begin")?.unwrap_or(0.0);
        }
        let begin = time(node, "begin")?;
        let end = match (time(node, "end")?, time(node, "dur")?) {
            (Some(end), _) => end,
            (None, Some(duration)) => begin.unwrap_or(0.0) + duration,
            (None, None) => return Ok(None),
        };
        let begin = begin.unwrap_or(0.0) + offset;
        Ok(Some((Timestamp::from_secs_f64(begin), Timestamp::from_secs_f64(end + offset))))
    }

    /// `00:00:01.500`, `00:00:01:12` (frames), `1.5s`, `1500ms`, `45f`, `90t`, `2m`, `1h`.
    fn seconds(&self, text: &str) -> Option<f64> {
        if text.contains(':') {
            let parts: Vec<&str> = text.split(':').collect();
            let (clock, frames) = match parts.as_slice() {
                [hours, minutes, seconds] => ([*hours, *minutes, *seconds], "0"),
                [hours, minutes, seconds, frames] => ([*hours, *minutes, *seconds], *frames),
                _ => return None,
            };
            let [hours, minutes, seconds] = clock.map(number);
            return Some(hours? * 3600.0 + minutes? * 60.0 + seconds? + number(frames)? / self.frames);
        }
        let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
        let amount = number(&text[..unit_at])?;
        match &text[unit_at..] {
            "h" => Some(amount * 3600.0),
            "m" => Some(amount * 60.0),
            "s" => Some(amount),
            "ms" => Some(amount / 1000.0),
            "f" => Some(amount / self.frames),
            "t" => Some(amount / self.ticks),
            _ => None,
        }
    }
}

/// Digits, perhaps with a fraction: no sign, no exponent.
fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_whole =
        text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(|c: char| c.is_ascii_digit());
    if is_plain && is_whole { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cues(body: &str, parameters: &str) -> Result<Vec<(u64, u64, String)>, ParseError> {
        let text = format!(
            "<tt xmlns=\"{NAMESPACE}\" xmlns:ttp=\"{PARAMETER}\" {parameters}><body><div>{body}</div></body></tt>"
        );
        let cues = read(&text)?.into_cues().into_iter();
        Ok(cues.map(|cue| (cue.start.0, cue.end.0, cue.text)).collect())
    }

    #[test]
    fn times_are_read_in_every_notation_of_the_standard() {
        let check = |attributes: &str, parameters: &str, expect: (u64, u64)| {
            let read = cues(&format!("<p {attributes}>Hi</p>"), parameters);
            assert_eq!(read, Ok(vec![(expect.0, expect.1, "Hi".to_owned())]), "{attributes}");
        };
        check("begin='00:00:01.500' end='00:00:02'", "", (1500, 2000));
        check("begin='1.5s' dur='500ms'", "", (1500, 2000));
        check("begin='00:00:01:12' end='00:00:02:00'", "ttp:frameRate='24'", (1500, 2000));
        check("begin='45f' end='60f'", "ttp:frameRate='30'", (1500, 2000));
        check("begin='0f' end='24f'", "ttp:frameRate='24' ttp:frameRateMultiplier='1000 1001'", (0, 1001));
        check("begin='15000000t' end='20000000t'", "ttp:tickRate='10000000'", (1500, 2000));
        check("begin='0.5m' end='0.01h'", "", (30_000, 36_000));
        check("end='2s'", "", (0, 2000));
    }

    #[test]
    fn foreign_paragraphs_are_read_as_they_are_shown() {
        let check = |body: &str, expect: &[(u64, u64, &str)]| {
            let expect = expect.iter().map(|(start, end, text)| (*start, *end, (*text).to_owned())).collect();
            assert_eq!(cues(body, ""), Ok(expect), "{body}");
        };
        check(
            "<p begin='1s' end='2s'>\n  one <span>two</span>\n  three<br/>\n  four</p>",
            &[(1000, 2000, "one two three\nfour")],
        );
        check("<p begin='1s' end='2s' xml:space='preserve'>a  b</p>", &[(1000, 2000, "a  b")]);
        check("<div begin='10s'><p begin='1s' end='2s'>later</p></div>", &[(11_000, 12_000, "later")]);
        check("<p>never shown</p>", &[]);
        check("<p begin='1s' end='2s'>&lt;i&gt; &amp;amp; &#x42;</p>", &[(1000, 2000, "<i> &amp; B")]);
    }

    #[test]
    fn what_is_no_ttml_is_refused_with_its_line() {
        let check = |text: &str, line: usize, begins: &str| {
            let error = read(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.problem.starts_with(begins), "{}", error.problem);
        };
        check("", 1, "this is no XML: ");
        check("<tt>\n<p></tt>", 2, "this is no XML: ");
        check("<html/>", 1, "a TTML file starts with the element tt, not html");
        check("<tt>\n<p begin='soon' end='2s'>Hi</p></tt>", 2, "this time cannot be read: soon");
        check("<tt>\n<p begin='-1s' end='2s'>Hi</p></tt>", 2, "this time cannot be read: -1s");
        check("<tt>\n\n<p begin='3s' end='2s'>Hi</p></tt>", 3, "cue 1 ends before it starts");
        // Entities that grow without end are not expanded.
        let bomb = "<!DOCTYPE tt [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><tt><p end='1s'>&b;</p></tt>";
        assert!(read(bomb).is_err());
    }
}
