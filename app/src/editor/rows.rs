//! The cues of the list, each with a name that stays while it is edited.

use std::collections::HashMap;
use std::sync::Arc;

use domain::Timestamp;
use domain::correction::ShownCue;

/// Where the machine heard what the cue says, and which of the cues in its place it is. Typing, other times, cues that
/// arrive and edits elsewhere leave it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub from: u64,
    pub nth: u32,
}

/// Shared: a copy costs no text.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    pub cues: Arc<Vec<ShownCue>>,
    pub keys: Arc<Vec<Key>>,
    places: Arc<HashMap<Key, usize>>,
}

impl PartialEq for Rows {
    fn eq(&self, other: &Rows) -> bool {
        self.cues == other.cues
    }
}

impl Rows {
    pub fn of(cues: Vec<ShownCue>) -> Rows {
        let mut counts: HashMap<u64, u32> = HashMap::with_capacity(cues.len());
        let key_of = |shown: &ShownCue| {
            let from = shown.span.0.0;
            let count = counts.entry(from).or_default();
            *count += 1;
            Key { from, nth: *count - 1 }
        };
        let keys: Vec<Key> = cues.iter().map(key_of).collect();
        let places = keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
        Rows { cues: Arc::new(cues), keys: Arc::new(keys), places: Arc::new(places) }
    }

    pub fn place(&self, key: Key) -> Option<usize> {
        self.places.get(&key).copied()
    }

    pub fn get(&self, key: Key) -> Option<&ShownCue> {
        self.cues.get(self.place(key)?)
    }

    /// The cue that is spoken at `position` milliseconds, or else the last one before it.
    pub fn at(&self, position: u64) -> Option<Key> {
        let after = self.cues.partition_point(|shown| shown.cue.start <= Timestamp(position));
        self.keys.get(after.checked_sub(1)?).copied()
    }

    /// The one so many rows further down, or the last on the way there.
    pub fn beside(&self, key: Key, by: isize) -> Option<Key> {
        let last = self.keys.len().checked_sub(1)?;
        let at = self.place(key)?.saturating_add_signed(by).min(last);
        self.keys.get(at).copied()
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.from, self.nth)
    }
}

impl std::str::FromStr for Key {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Key, Self::Err> {
        let (from, nth) = text.split_once('-').unwrap_or((text, ""));
        Ok(Key { from: from.parse()?, nth: nth.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use domain::correction::{Correction, merge, set_text, split};
    use domain::{Corrections, Cue};

    use super::*;

    fn machine() -> Vec<Cue> {
        let cue = |at: u64| Cue {
            start: Timestamp(1_000 * at),
            end: Timestamp(1_000 * at + 800),
            text: format!("m{at} and more"),
            doubts: Vec::new(),
        };
        (0..4).map(cue).collect()
    }

    #[test]
    fn a_cue_keeps_its_name_whatever_is_done_to_it_and_beside_it() {
        let (mut corrections, heard) = (Corrections::default(), machine());
        let names = |corrections: &Corrections| {
            let rows = Rows::of(corrections.shown(&heard));
            rows.keys.iter().map(Key::to_string).collect::<Vec<_>>()
        };
        let make = |corrections: &mut Corrections, changes: Vec<Correction>| {
            changes.iter().for_each(|change| corrections.apply(change, 0));
        };
        let change = set_text(&corrections.shown(&heard), 1, "typed text");
        make(&mut corrections, change);
        assert_eq!(names(&corrections), ["0-0", "1000-0", "2000-0", "3000-0"]);
        let change = split(&corrections.shown(&heard), 1, 5);
        make(&mut corrections, change);
        assert_eq!(names(&corrections), ["0-0", "1000-0", "1000-1", "2000-0", "3000-0"]);
        let change = merge(&corrections.shown(&heard), 2);
        make(&mut corrections, change);
        assert_eq!(names(&corrections), ["0-0", "1000-0", "1000-1", "3000-0"]);
        assert_eq!("1000-1".parse(), Ok(Key { from: 1_000, nth: 1 }));
    }

    #[test]
    fn neighbours_end_at_the_ends_of_the_list() {
        let rows = Rows::of(Corrections::default().shown(&machine()));
        let key = rows.at(1_900).unwrap();
        let check = |by, expect: u64| assert_eq!(rows.beside(key, by).map(|key| key.from), Some(expect));
        check(0, 1_000);
        check(1, 2_000);
        check(9, 3_000);
        check(-9, 0);
        assert_eq!((Rows::default().at(7), Rows::default().beside(key, 1)), (None, None));
    }
}
