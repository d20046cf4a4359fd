//! What a person does to a cue, as corrections. `at` counts the cues that are shown; what cannot be done is nothing.

use std::collections::BTreeMap;

use super::shown::moved;
use super::{Correction, Corrections, END, MAX_TEXT, ShownCue};
use crate::{Cue, Timestamp};

/// Shortest cue that an edit leaves, in milliseconds: what is shorter, nobody can see or take hold of.
pub const SHORTEST: u64 = 100;

/// What an inserted cue lasts, if there is room.
const INSERTED: u64 = 2_000;

/// Another text. An empty one takes the cue away.
pub fn set_text(shown: &[ShownCue], at: usize, text: &str) -> Vec<Correction> {
    set_texts(shown, &[(at, text.to_owned())])
}

/// Other texts for many cues at once.
pub fn set_texts(shown: &[ShownCue], texts: &[(usize, String)]) -> Vec<Correction> {
    let changed = texts.iter().filter_map(|(at, text)| {
        let (old, text) = (&shown.get(*at)?.cue, clean(text));
        let new = (!text.is_empty()).then(|| Cue { text: text.clone(), doubts: Vec::new(), ..old.clone() });
        (text != old.text).then(|| (*at, new.into_iter().collect()))
    });
    replace_each(shown, changed.collect())
}

/// Other times, as far as the cues beside it leave room.
pub fn set_times(shown: &[ShownCue], at: usize, start: Timestamp, end: Timestamp) -> Vec<Correction> {
    let Some(old) = shown.get(at) else { return Vec::new() };
    let (first, last) = room(shown, at);
    let start = start.clamp(first, Timestamp(last.0.saturating_sub(SHORTEST)).max(first));
    let end = end.clamp(Timestamp(start.0 + SHORTEST).min(last), last);
    if (start, end) == (old.cue.start, old.cue.end) || start >= end {
        return Vec::new();
    }
    replace_each(shown, vec![(at, vec![Cue { start, end, ..old.cue.clone() }])])
}

/// Two cues out of one, parted ahead of this character of its text; each has its share of the time.
pub fn split(shown: &[ShownCue], at: usize, character: usize) -> Vec<Correction> {
    let Some(ShownCue { cue, .. }) = shown.get(at) else { return Vec::new() };
    let letters = cue.text.chars().count().max(1) as u64;
    let ahead: String = cue.text.chars().take(character).collect();
    let behind: String = cue.text.chars().skip(character).collect();
    let (ahead, behind) = (clean(&ahead), clean(&behind));
    let length = cue.end.saturating_sub(cue.start);
    if ahead.is_empty() || behind.is_empty() || length < 2 * SHORTEST {
        return Vec::new();
    }
    let share = (length * character as u64 / letters).clamp(SHORTEST, length - SHORTEST);
    let middle = Timestamp(cue.start.0 + share);
    let part = |start, end, text| Cue { start, end, text, doubts: Vec::new() };
    replace_each(shown, vec![(at, vec![part(cue.start, middle, ahead), part(middle, cue.end, behind)])])
}

/// One cue out of this one and the next.
pub fn merge(shown: &[ShownCue], at: usize) -> Vec<Correction> {
    let (Some(first), Some(second)) = (shown.get(at), shown.get(at + 1)) else { return Vec::new() };
    let text =
        clean(&format!("{} {}", first.cue.text.replace('\n', " "), second.cue.text.replace('\n', " ")));
    let cue = Cue { start: first.cue.start, end: second.cue.end, text, doubts: Vec::new() };
    replace_both(shown, at, cue)
}

pub fn delete(shown: &[ShownCue], at: usize) -> Vec<Correction> {
    if at >= shown.len() {
        return Vec::new();
    }
    replace_each(shown, vec![(at, Vec::new())])
}

/// A cue with this text from `time` on, or from where the cue that is shown then has ended; nothing where there is no
/// room before the next one.
pub fn insert(shown: &[ShownCue], time: Timestamp, text: &str) -> Vec<Correction> {
    let after = shown.partition_point(|shown| shown.cue.start <= time);
    let ahead = after.checked_sub(1);
    let start = ahead.map_or(time, |ahead| time.max(shown[ahead].cue.end));
    let last = shown.get(after).map_or(END, |next| next.cue.start);
    let cue =
        Cue { start, end: Timestamp(start.0 + INSERTED).min(last), text: clean(text), doubts: Vec::new() };
    if cue.end.saturating_sub(start) < SHORTEST {
        return Vec::new();
    }
    // It goes with the cue beside it, since there is nothing of the machine's in its own place.
    match ahead.or((!shown.is_empty()).then_some(0)) {
        Some(beside) => replace_each(shown, vec![(beside, vec![shown[beside].cue.clone(), cue])]),
        None => vec![Correction::Replace { from: Timestamp(0), to: Timestamp(1), cues: vec![cue] }],
    }
}

/// What the machine heard in place of this cue, and of those that were corrected together with it.
pub fn reset(shown: &[ShownCue], at: usize) -> Vec<Correction> {
    let corrected = shown.get(at).filter(|shown| shown.corrected.is_some());
    corrected.map(|shown| Correction::Reset { from: shown.span.0, to: shown.span.1 }).into_iter().collect()
}

/// This cue and all behind it, those not heard yet too, so many milliseconds later or earlier.
pub fn shift_from(shown: &[ShownCue], corrections: &Corrections, at: usize, by: i64) -> Vec<Correction> {
    let Some(first) = shown.get(at) else { return Vec::new() };
    if by == 0 {
        return Vec::new();
    }
    let from = first.span.0;
    let here = corrections.shifts().iter().find(|shift| shift.from == from).map_or(0, |shift| shift.by);
    let mut changes = vec![Correction::Shift { from, by: here + by }];
    for patch in corrections.patches().iter().filter(|patch| patch.from >= from) {
        let mut end = Timestamp(0);
        let mut cues = patch.cues.clone();
        for cue in cues.iter_mut() {
            if cue.start >= first.cue.start {
                (cue.start, cue.end) = (moved(cue.start, by), moved(cue.end, by));
            }
            cue.start = cue.start.max(end);
            cue.end = cue.end.max(Timestamp(cue.start.0 + 1));
            end = cue.end;
        }
        if cues != patch.cues {
            changes.push(Correction::Replace { from: patch.from, to: patch.to, cues });
        }
    }
    changes
}

/// For each of these cues, others in its place.
pub(crate) fn replace_each(shown: &[ShownCue], new: Vec<(usize, Vec<Cue>)>) -> Vec<Correction> {
    let mut spans: BTreeMap<(Timestamp, Timestamp), Vec<Cue>> = BTreeMap::new();
    for (at, _) in &new {
        spans.entry(shown[*at].span).or_default();
    }
    let mut new: BTreeMap<usize, Vec<Cue>> = new.into_iter().collect();
    for (at, one) in shown.iter().enumerate() {
        if let Some(cues) = spans.get_mut(&one.span) {
            cues.extend(new.remove(&at).unwrap_or_else(|| vec![one.cue.clone()]));
        }
    }
    let replaced = |((from, to), cues)| Correction::Replace { from, to, cues: in_order(cues) };
    spans.into_iter().map(replaced).collect()
}

/// `new` in place of this cue and the next; what was corrected together with them stays.
fn replace_both(shown: &[ShownCue], at: usize, new: Cue) -> Vec<Correction> {
    let (mut first, mut second) = (shown[at].span, shown[at + 1].span);
    if second < first {
        (first, second) = (second, first);
    }
    let (from, to) = (first.0, second.1);
    let is_of_them = |one: &ShownCue| one.span == first || one.span == second;
    if shown.iter().any(|one| one.span.0 >= from && one.span.0 < to && !is_of_them(one)) {
        // Others stand between: one stretch takes the new cue, the other keeps what is left of it.
        let (at, other) = if shown[at].span == first { (at, at + 1) } else { (at + 1, at) };
        return replace_each(shown, vec![(at, vec![new]), (other, Vec::new())]);
    }
    let kept =
        shown.iter().enumerate().filter(|(one, shown)| is_of_them(shown) && ![at, at + 1].contains(one));
    let cues = kept.map(|(_, one)| one.cue.clone()).chain([new]).collect();
    vec![Correction::Replace { from, to, cues: in_order(cues) }]
}

fn in_order(mut cues: Vec<Cue>) -> Vec<Cue> {
    cues.sort_by_key(|cue| cue.start);
    cues
}

/// Where this cue may be: from the end of the cue ahead to the start of the next.
pub fn room(shown: &[ShownCue], at: usize) -> (Timestamp, Timestamp) {
    let first = at.checked_sub(1).map_or(Timestamp(0), |ahead| shown[ahead].cue.end);
    (first, shown.get(at + 1).map_or(END, |next| next.cue.start))
}

/// Text as a cue holds it: lines without space around them, none of them empty.
pub fn clean(text: &str) -> String {
    let lines = text.split(['\n', '\r']).map(|line| {
        let kept: String = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        kept.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    text.chars().take(MAX_TEXT).collect()
}
