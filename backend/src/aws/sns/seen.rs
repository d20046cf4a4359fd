//! Ids of messages that were taken already.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// A message is taken within an hour of its timestamp, which may be an hour ahead of us.
const KEPT: Duration = Duration::from_secs(2 * 60 * 60);

/// Beyond it the oldest are forgotten: a message that comes twice does no harm, it only costs a look.
const CAPACITY: usize = 50_000;

#[derive(Default)]
pub struct Seen {
    ids: HashSet<String>,
    by_age: VecDeque<(Instant, String)>,
}

impl Seen {
    /// False if it was there.
    pub fn insert(&mut self, id: &str) -> bool {
        let now = Instant::now();
        while let Some((since, _)) = self.by_age.front()
            && (self.by_age.len() >= CAPACITY || now.duration_since(*since) > KEPT)
        {
            let (_, oldest) = self.by_age.pop_front().expect("there is a front");
            self.ids.remove(&oldest);
        }
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.by_age.push_back((now, id.to_owned()));
        true
    }

    /// It could not be taken after all, and will come again.
    pub fn forget(&mut self, id: &str) {
        self.ids.remove(id);
        self.by_age.retain(|(_, other)| other != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_id_is_known_for_two_hours_and_memory_stays_bounded() {
        let mut seen = Seen::default();
        assert!(seen.insert("a"));
        assert!(!seen.insert("a"));
        seen.forget("a");
        assert!(seen.insert("a"));
        tokio::time::advance(KEPT + Duration::from_secs(1)).await;
        assert!(seen.insert("a"));
        for number in 0..CAPACITY * 2 {
            seen.insert(&number.to_string());
        }
        assert_eq!((seen.ids.len(), seen.by_age.len()), (CAPACITY, CAPACITY));
    }
}
