//! Titles that are safe to show in lists, headers and logs.

use url::Url;

/// Longer titles are cut, in characters.
const MAX_TITLE: usize = 200;

/// One line without control characters and without characters that turn the writing direction, cut to 200.
pub(super) fn cleaned(text: &str) -> String {
    let mut title = String::new();
    // A hostile text may be megabytes long; what lies far behind the cut is not looked at.
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .take(MAX_TITLE)
    {
        let word: String = word.chars().filter(|c| !is_unseen(*c)).take(MAX_TITLE).collect();
        if !word.is_empty() && !title.is_empty() {
            title.push(' ');
        }
        title.push_str(&word);
    }
    let cut: String = title.chars().take(MAX_TITLE).collect();
    cut.trim_end().to_owned()
}

/// The last part of the path as people would write it, or the host where the path is empty.
pub(super) fn of_url(url: &Url) -> String {
    let mut segments = url.path_segments().into_iter().flatten();
    let last = segments.rfind(|segment| !segment.is_empty()).unwrap_or_default();
    let title = cleaned(&percent_decoded(last));
    if title.is_empty() { url.host_str().unwrap_or("link").to_owned() } else { title }
}

/// The file's own name: browsers of old send the whole path.
pub(super) fn of_filename(filename: &str) -> String {
    cleaned(filename.rsplit(['/', '\\']).next().unwrap_or_default())
}

/// The title without the ending of its file, and what became of it behind that.
pub(super) fn of_video(title: &str, what: &str) -> String {
    let stem = match title.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && is_file_ending(ending) => stem,
        _ => title,
    };
    let room = MAX_TITLE - what.chars().count() - " ()".len();
    let stem: String = stem.chars().take(room).collect();
    format!("{} ({what})", stem.trim_end())
}

fn is_file_ending(text: &str) -> bool {
    (2..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Marks of direction, and characters that show nothing: two titles must not look alike by them, and none may be
/// there without being seen. The joiners stay, since scripts and emoji are written with them.
fn is_unseen(c: char) -> bool {
    let turns =
        matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let is_empty = matches!(
        c,
        '\u{00AD}' | '\u{034F}' | '\u{180E}' | '\u{200B}' | '\u{2060}'..='\u{2065}' | '\u{206A}'..='\u{206F}' | '\u{FEFF}'
    );
    let is_filler = matches!(c, '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}');
    turns || is_empty || is_filler
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let is_pair = tail.len() >= 2 && tail[..2].iter().all(u8::is_ascii_hexdigit);
        match (first, is_pair.then(|| digits(&tail[..2])).flatten()) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
