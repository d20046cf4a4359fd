//! Tags and entities in the payload of foreign cues.

/// Whether a `<` before this text opens a tag: `i>`, `/i>`, `v Name>`, `c.yellow>`, `00:00:01.000>`. What people
/// write by itself (`a < b`, `<3` at the end) stays text.
fn tag_end(after: &str) -> Option<usize> {
    if !opens_tag(after) {
        return None;
    }
    after.find('>')
}

/// Whether text after a `<` could be taken for a tag by some player.
pub(super) fn opens_tag(after: &str) -> bool {
    after.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '!' | '?'))
}

/// Payload without its tags.
pub(super) fn without_tags(payload: &str) -> String {
    let mut text = String::with_capacity(payload.len());
    let mut rest = payload;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        match tag_end(after) {
            Some(end) => rest = &after[end + 1..],
            None => {
                text.push('<');
                rest = after;
            }
        }
    }
    text + rest
}

/// Text without the override blocks (`{\an8}`) that SRT files carry over from ASS.
pub(super) fn without_overrides(payload: &str) -> String {
    let mut text = String::with_capacity(payload.len());
    let mut rest = payload;
    while let Some(start) = rest.find("{\\") {
        text.push_str(&rest[..start]);
        match rest[start..].find('}') {
            Some(end) => rest = &rest[start + end + 1..],
            None => {
                text.push_str("{\\");
                rest = &rest[start + 2..];
            }
        }
    }
    text + rest
}

/// Text with its entities resolved; what is no entity stays as it is.
pub(super) fn without_entities(payload: &str) -> String {
    let mut text = String::with_capacity(payload.len());
    let mut rest = payload;
    while let Some(start) = rest.find('&') {
        text.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        match entity(after) {
            Some((c, length)) => {
                text.push(c);
                rest = &after[length..];
            }
            None => {
                text.push('&');
                rest = after;
            }
        }
    }
    text + rest
}

/// The character of the entity that `after` starts with, and the entity's length with its semicolon.
fn entity(after: &str) -> Option<(char, usize)> {
    // The longest that is known, or that names a character, is `#x10FFFF`.
    let end = after.bytes().take(12).position(|byte| byte == b';')?;
    let c = match &after[..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{A0}',
        "lrm" => '\u{200E}',
        "rlm" => '\u{200F}',
        name => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_their_text_stays() {
        let check = |payload: &str, expect: &str| assert_eq!(without_tags(payload), expect, "{payload:?}");
        check("<i>one</i> <c.yellow.bg>two</c>", "one two");
        check("<v Roger Bingham>We are", "We are");
        check("<00:00:01.000>karaoke", "karaoke");
        check("<font color=\"#fff\">white</font>", "white");
        check("a < b > c, I <3 you", "a < b > c, I <3 you");
        check("<<i>b>", "<b>");
        check("<i", "<i");
    }

    #[test]
    fn override_blocks_go() {
        let check =
            |payload: &str, expect: &str| assert_eq!(without_overrides(payload), expect, "{payload:?}");
        check("{\\an8}top", "top");
        check("{plain} {\\b1", "{plain} {\\b1");
    }

    #[test]
    fn entities_become_characters_once() {
        let check =
            |payload: &str, expect: &str| assert_eq!(without_entities(payload), expect, "{payload:?}");
        check("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d");
        check("&amp;lt;", "&lt;");
        check("&#65;&#x42;&#X43;", "ABC");
        check(
            "R&D, AT&T; &; &#xD800; &#; &unknown; é&日本語日本;",
            "R&D, AT&T; &; &#xD800; &#; &unknown; é&日本語日本;",
        );
    }
}
