//! When to ping, what unheard pings mean, and when to subscribe anew: pure, fed with moments.

use std::time::Duration;

use tokio::time::Instant;

use crate::Reach;

/// Pings that go unheard one after another before we are cut off.
const MISSES: u32 = 3;

/// Until the first ping is heard they follow quickly: somebody waits for it.
const FIRST_PINGS: Duration = Duration::from_secs(1);

/// How often others shall hear that we live. They hold us for dead after four times that.
pub const LOUD_EVERY: Duration = Duration::from_secs(5 * 60);

/// How long a ping may take when there is reason to doubt.
const DOUBT: Duration = Duration::from_secs(5);

const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

pub struct Pulse {
    every: Duration,
    reach: Reach,
    /// Of the last ping.
    number: u64,
    is_unheard: bool,
    misses: u32,
    is_in_doubt: bool,
    next_ping: Instant,
    last_loud: Option<Instant>,
    /// The end of our patience with the first subscription.
    starts_until: Instant,
    next_subscribe: Instant,
    pause: Duration,
}

/// A ping to publish.
#[derive(Debug, PartialEq, Eq)]
pub struct Beat {
    pub number: u64,
    pub is_loud: bool,
}

impl Pulse {
    pub fn new(every: Duration, now: Instant) -> Pulse {
        Pulse {
            every,
            reach: Reach::Starting,
            number: 0,
            is_unheard: false,
            misses: 0,
            is_in_doubt: false,
            next_ping: now,
            last_loud: None,
            starts_until: now + every * 2,
            next_subscribe: now,
            pause: every / 3,
        }
    }

    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// When the next beat is due.
    pub fn next(&self) -> Instant {
        self.next_ping
    }

    pub fn beat(&mut self, now: Instant) -> Beat {
        if self.is_unheard {
            self.misses += 1;
        }
        let is_cut_off = match self.reach {
            Reach::Starting => now >= self.starts_until,
            Reach::Clustered => self.misses >= MISSES || self.is_in_doubt && self.is_unheard,
            Reach::Isolated => false,
        };
        if is_cut_off {
            self.lose(now);
        }
        self.number += 1;
        self.is_unheard = true;
        self.next_ping = match self.reach {
            Reach::Starting => now + self.every.min(FIRST_PINGS),
            Reach::Clustered if self.is_in_doubt => now + self.every.min(DOUBT),
            _ => now + self.every,
        };
        let is_loud = self.last_loud.is_none_or(|last| now.duration_since(last) >= LOUD_EVERY);
        if is_loud {
            self.last_loud = Some(now);
        }
        Beat { number: self.number, is_loud }
    }

    /// One of our own pings came back; a late one tells as much as one in time.
    pub fn hear(&mut self, number: u64) {
        if number == 0 || number > self.number {
            return;
        }
        self.misses = 0;
        self.is_unheard &= number != self.number;
        self.is_in_doubt = false;
        self.reach = Reach::Clustered;
        self.pause = self.every / 3;
    }

    /// Something says that the subscription ended; it may be an older one of ours. One ping decides.
    pub fn doubt(&mut self, now: Instant) {
        self.is_in_doubt = true;
        self.is_unheard = false;
        self.next_ping = now;
    }

    /// We are cut off, and know it. Subscribing anew is due at once.
    fn lose(&mut self, now: Instant) {
        self.is_in_doubt = false;
        self.reach = Reach::Isolated;
        self.next_subscribe = now;
    }

    /// We just subscribed: a ping is due at once.
    pub fn subscribed(&mut self, now: Instant) {
        self.next_ping = now;
    }

    /// Whether to subscribe anew now; each time it is, the next one is later.
    pub fn wants_subscription(&mut self, now: Instant) -> bool {
        if self.reach != Reach::Isolated || now < self.next_subscribe {
            return false;
        }
        self.next_subscribe = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(15);

    #[test]
    fn three_pings_unheard_and_we_are_isolated_within_a_minute() {
        let start = Instant::now();
        let mut pulse = Pulse::new(EVERY, start);
        let first = pulse.beat(start);
        assert_eq!((pulse.reach(), first), (Reach::Starting, Beat { number: 1, is_loud: true }));
        pulse.hear(1);
        assert_eq!(pulse.reach(), Reach::Clustered);
        let mut now = pulse.next();
        pulse.beat(now);
        pulse.hear(2);
        let dropped = now;
        while pulse.reach() == Reach::Clustered {
            now = pulse.next();
            assert!(!pulse.beat(now).is_loud);
        }
        assert!(now - dropped <= Duration::from_secs(60), "{:?}", now - dropped);
        pulse.hear(3);
        assert_eq!(pulse.reach(), Reach::Clustered);
    }

    #[test]
    fn one_ping_heard_forgives_those_before() {
        let mut pulse = Pulse::new(EVERY, Instant::now());
        for number in 1..=20 {
            pulse.beat(pulse.next());
            if number % 3 == 1 {
                pulse.hear(number);
            }
            assert_eq!(pulse.reach(), Reach::Clustered);
        }
    }

    #[test]
    fn in_doubt_one_ping_decides_within_five_seconds() {
        for is_heard in [true, false] {
            let start = Instant::now();
            let mut pulse = Pulse::new(EVERY, start);
            let beat = pulse.beat(start);
            pulse.hear(beat.number);
            pulse.doubt(start);
            assert_eq!(pulse.next(), start);
            let beat = pulse.beat(start);
            assert_eq!(pulse.reach(), Reach::Clustered);
            if is_heard {
                pulse.hear(beat.number);
            }
            let now = pulse.next();
            assert_eq!(now - start, DOUBT);
            pulse.beat(now);
            assert_eq!(pulse.reach() == Reach::Clustered, is_heard);
        }
    }

    #[test]
    fn a_number_that_was_never_sent_tells_nothing() {
        let mut pulse = Pulse::new(EVERY, Instant::now());
        pulse.hear(1);
        pulse.hear(0);
        assert_eq!(pulse.reach(), Reach::Starting);
    }

    #[test]
    fn a_start_that_takes_half_a_minute_is_isolation_and_subscribing_is_tried_ever_slower() {
        let start = Instant::now();
        let mut pulse = Pulse::new(EVERY, start);
        assert!(!pulse.wants_subscription(start));
        while pulse.reach() == Reach::Starting {
            pulse.beat(pulse.next());
        }
        let mut now = start + Duration::from_secs(30);
        let mut pauses = Vec::new();
        while pauses.len() < 9 {
            let since = now;
            while !pulse.wants_subscription(now) {
                now += Duration::from_secs(1);
            }
            pauses.push((now - since).as_secs());
        }
        assert_eq!(pauses, [0, 5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn a_loud_ping_comes_every_five_minutes() {
        let start = Instant::now();
        let mut pulse = Pulse::new(EVERY, start);
        let mut loud = Vec::new();
        while pulse.next() < start + Duration::from_secs(16 * 60) {
            let now = pulse.next();
            let beat = pulse.beat(now);
            pulse.hear(beat.number);
            if beat.is_loud {
                loud.push((now - start).as_secs() / 60);
            }
        }
        assert_eq!(loud, [0, 5, 10, 15]);
    }
}
