//! From windows to pages: all cues of a window are committed but the last, which later words may join.

use domain::{CuePage, Heard, Profile, Timestamp, Word, segment};

/// Lays out the windows of one job. The words of a cue that later ones may still join wait for them.
pub struct Pages {
    profile: Profile,
    /// What waits, and from where it is laid out.
    open: Option<(Timestamp, Heard)>,
}

impl Pages {
    /// Goes on behind `last`, the last page that is stored.
    pub fn after(last: Option<&CuePage>, profile: Profile) -> Pages {
        let open = last.and_then(|page| Some((page.end, page.open.clone()?)));
        Pages { profile, open }
    }

    /// The page of the next window. It has no number yet.
    pub fn window(&mut self, start: Timestamp, end: Timestamp, fresh: Vec<Word>) -> CuePage {
        // Nothing was said for long: no word to come belongs to those that wait.
        let is_pause = fresh.is_empty();
        let (from, mut words) =
            self.open.take().map_or((start, Vec::new()), |(from, open)| (from, open.words));
        words.extend(fresh);
        if is_pause {
            return self.page(from, end, words);
        }
        let settled = segment::settled(&words, from, end, self.profile);
        let rest = Heard { words: words.split_off(settled.words), until: end };
        self.open = Some((settled.end, rest.clone()));
        let (cues, open) = (settled.cues, Some(rest));
        CuePage {
            number: 0,
            version: 0,
            start: from,
            end: settled.end,
            words,
            cues,
            open,
            peaks: String::new(),
        }
    }

    /// The page of what still waits when nothing follows any more, up to `end`, that of the media.
    pub fn rest(&mut self, end: Timestamp) -> Option<CuePage> {
        let (from, open) = self.open.take()?;
        Some(self.page(from, end.max(open.until), open.words))
    }

    fn page(&self, start: Timestamp, end: Timestamp, words: Vec<Word>) -> CuePage {
        let cues = segment::into_cues(&words, start, end, self.profile);
        CuePage { number: 0, version: 0, start, end, words, cues, open: None, peaks: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of 300 ms each from `start` on, and the end of the last one.
    fn spoken(start: u64, text: &str) -> (Vec<Word>, Timestamp) {
        let word = |(index, text): (usize, &str)| {
            let start = start + 300 * index as u64;
            Word { start: Timestamp(start), end: Timestamp(start + 300), text: text.into(), probability: 1.0 }
        };
        let words: Vec<Word> = text.split(' ').enumerate().map(word).collect();
        let end = words.last().map_or(Timestamp(start), |word| word.end);
        (words, end)
    }

    const FIRST: &str = "We went to the market early in the morning. Nobody had opened yet, and so we waited there for \
                         an hour, which felt like a whole";
    const SECOND: &str = "day to us, because it rained. Then somebody came.";

    fn text(pages: &[CuePage]) -> String {
        let cues = pages.iter().flat_map(|page| &page.cues);
        cues.map(|cue| cue.text.replace('\n', " ")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_sentence_over_the_seam_of_two_windows_is_laid_out_as_one() {
        let mut pages = Pages::after(None, Profile::Netflix);
        let (words, seam) = spoken(0, FIRST);
        let (more, end) = spoken(seam.0, SECOND);
        let first = pages.window(Timestamp(0), seam, words.clone());
        assert!(!first.cues.is_empty() && first.end < seam && first.heard_until() == seam, "{first:?}");
        let second = pages.window(seam, end, more.clone());
        let rest = pages.rest(end).unwrap();
        assert_eq!((first.end, second.end), (second.start, rest.start));
        let all = [first, second, rest];
        let whole = segment::into_cues(&[words, more].concat(), Timestamp(0), end, Profile::Netflix);
        assert_eq!(all.iter().flat_map(|page| page.cues.clone()).collect::<Vec<_>>(), whole);
        assert_eq!(pages.rest(end), None);
    }

    #[test]
    fn who_goes_on_behind_a_stored_page_makes_the_same_ones() {
        let mut pages = Pages::after(None, Profile::Netflix);
        let (words, seam) = spoken(0, FIRST);
        let (more, end) = spoken(seam.0, SECOND);
        let first = pages.window(Timestamp(0), seam, words);
        let mut others = Pages::after(Some(&first), Profile::Netflix);
        assert_eq!(others.window(seam, end, more.clone()), pages.window(seam, end, more));
        assert_eq!(others.rest(end), pages.rest(end));
    }

    #[test]
    fn what_waits_is_laid_out_when_a_long_silence_follows() {
        let mut pages = Pages::after(None, Profile::Netflix);
        let (words, end) = spoken(0, "This is all.");
        let first = pages.window(Timestamp(0), end, words);
        let silence = pages.window(end, Timestamp(60_000), Vec::new());
        assert_eq!((text(&[first, silence]).as_str(), pages.rest(end)), ("This is all.", None));
    }
}
