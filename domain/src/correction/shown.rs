//! What the machine heard and what people changed, together.

use super::{Corrections, Patch, Revision};
use crate::{Cue, CuePage, Timestamp, Track, Word};

/// A cue as it is shown, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCue {
    pub cue: Cue,
    /// The stretch, in the machine's times, that a correction of this cue has to name. Cues that were corrected together
    /// have one.
    pub span: (Timestamp, Timestamp),
    /// The save that brought it; `None`: as the machine laid it out.
    pub corrected: Option<Revision>,
}

impl ShownCue {
    /// Which of the words of its text is spoken at `time`, counted from 0, and when the next one is or the cue ends. The
    /// machine heard words begin at `starts`, in its own times.
    pub fn word_at(&self, starts: &[Timestamp], time: Timestamp) -> Option<(usize, Timestamp)> {
        let cue = &self.cue;
        // What a person wrote stands at the person's own times.
        let by = if self.corrected.is_some() { 0 } else { cue.start.0 as i64 - self.span.0.0 as i64 };
        let from = starts.partition_point(|start| moved(*start, by) < cue.start);
        let inside =
            starts[from..].iter().map(|start| moved(*start, by)).take_while(|start| *start < cue.end);
        let heard = inside.map(|start| Word { start, end: cue.end, text: String::new(), probability: 1.0 });
        let words = spoken(cue, &heard.collect::<Vec<_>>());
        let at = words.partition_point(|word| word.start <= time);
        let next = words.get(at).map_or(cue.end, |word| word.start);
        (cue.start <= time && time < cue.end).then_some((at.checked_sub(1)?, next))
    }
}

impl Corrections {
    /// The cues to show, in order and apart, where the machine laid out `machine`.
    pub fn shown<'a>(&self, machine: impl IntoIterator<Item = &'a Cue>) -> Vec<ShownCue> {
        let heard = machine.into_iter().filter(|cue| self.patch_at(cue.start).is_none()).map(|cue| {
            let by = self.shift_at(cue.start);
            let moved = Cue { start: moved(cue.start, by), end: moved(cue.end, by), ..cue.clone() };
            let span = (cue.start, cue.end.max(Timestamp(cue.start.0 + 1)));
            ShownCue { cue: moved, span, corrected: None }
        });
        let corrected = self.patches.iter().flat_map(|patch| {
            let Patch { from, to, cues, revision } = patch;
            let shown =
                |cue: &Cue| ShownCue { cue: cue.clone(), span: (*from, *to), corrected: Some(*revision) };
            cues.iter().map(shown)
        });
        let mut shown: Vec<ShownCue> = heard.chain(corrected).collect();
        shown.sort_by_key(|shown| shown.cue.start);
        for at in 1..shown.len() {
            let next = shown[at].cue.start;
            let ahead = &mut shown[at - 1].cue;
            ahead.end = ahead.end.min(next);
        }
        shown
    }

    /// The track to show of what is stored.
    pub fn track(&self, pages: &[CuePage], language: Option<String>) -> Track {
        let machine = crate::segment::track_of(pages, language.clone());
        if self.is_empty() {
            return machine;
        }
        let shown = self.shown(machine.cues());
        Track::arranged(language, shown.into_iter().map(|shown| shown.cue).collect())
    }

    /// The machine's words, and in place of those that people changed, theirs, with times as good as can be told.
    pub fn words(&self, words: &[Word]) -> Vec<Word> {
        let middle = |word: &Word| Timestamp(word.start.0.midpoint(word.end.0));
        let heard = words.iter().filter(|word| self.patch_at(middle(word)).is_none()).map(|word| {
            let by = self.shift_at(word.start);
            Word { start: moved(word.start, by), end: moved(word.end, by), ..word.clone() }
        });
        let written = self.patches.iter().flat_map(|patch| &patch.cues).flat_map(|cue| spoken(cue, words));
        let mut all: Vec<Word> = heard.chain(written).collect();
        all.sort_by_key(|word| word.start);
        all
    }

    fn patch_at(&self, time: Timestamp) -> Option<&Patch> {
        let after = self.patches.partition_point(|patch| patch.from <= time);
        self.patches[..after].last().filter(|patch| time < patch.to)
    }

    pub(super) fn shift_at(&self, time: Timestamp) -> i64 {
        self.shifts.iter().take_while(|shift| shift.from <= time).map(|shift| shift.by).sum()
    }
}

/// Never before the media begins.
pub(super) fn moved(time: Timestamp, by: i64) -> Timestamp {
    Timestamp(time.0.saturating_add_signed(by))
}

/// The words of a cue that a person wrote. Where they are as many as the machine heard there, each has its moment;
/// otherwise the letters share the time of the cue.
pub(crate) fn spoken(cue: &Cue, heard: &[Word]) -> Vec<Word> {
    let texts: Vec<&str> = cue.text.split_whitespace().collect();
    let from = heard.partition_point(|word| word.start < cue.start);
    let inside: Vec<&Word> = heard[from..].iter().take_while(|word| word.start < cue.end).collect();
    let word = |text: &str, start, end| Word { start, end, text: text.to_owned(), probability: 1.0 };
    if inside.len() == texts.len() {
        let timed = texts.iter().zip(inside);
        return timed.map(|(text, heard)| word(text, heard.start, heard.end.min(cue.end))).collect();
    }
    let letters = |text: &str| text.chars().count() as u64 + 1;
    let total: u64 = texts.iter().map(|text| letters(text)).sum::<u64>().max(1);
    let length = cue.end.saturating_sub(cue.start);
    let mut passed = 0;
    let mut timed = |text: &&str| {
        let start = cue.start.0 + length * passed / total;
        passed += letters(text);
        word(text, Timestamp(start), Timestamp(cue.start.0 + length * passed / total))
    };
    texts.iter().map(&mut timed).collect()
}
