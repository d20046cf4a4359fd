//! The subscriber's end of a road: events go in, and what found no room is owed as a gap.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::{self, error::TrySendError};

use crate::Heard;

/// Events waiting for one subscriber in this process.
const CAPACITY: usize = 1024;

pub struct Inbox {
    sender: mpsc::Sender<Heard>,
    owes_gap: AtomicBool,
}

/// Why an event was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum NotTaken {
    Full,
    /// The subscriber has gone.
    Closed,
}

impl Inbox {
    pub fn new() -> (Inbox, mpsc::Receiver<Heard>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Inbox { sender, owes_gap: AtomicBool::new(false) }, receiver)
    }

    /// Returns when the subscriber has gone.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }

    /// Waits for room.
    pub async fn put(&self, heard: Heard) -> Result<(), NotTaken> {
        self.sender.send(heard).await.map_err(|_| NotTaken::Closed)
    }

    pub fn try_put(&self, heard: Heard) -> Result<(), NotTaken> {
        self.pay_gap();
        self.sender.try_send(heard).map_err(|error| match error {
            TrySendError::Full(_) => {
                // It may come again or not.
                self.owes_gap.store(true, Ordering::Relaxed);
                NotTaken::Full
            }
            TrySendError::Closed(_) => NotTaken::Closed,
        })
    }

    /// Tells a gap, now or as soon as there is room.
    pub fn tell_gap(&self) {
        self.owes_gap.store(true, Ordering::Relaxed);
        self.pay_gap();
    }

    pub fn pay_gap(&self) {
        if self.owes_gap.swap(false, Ordering::Relaxed)
            && let Err(TrySendError::Full(_)) = self.sender.try_send(Heard::Gap)
        {
            self.owes_gap.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_found_no_room_is_told_as_one_gap() {
        let (inbox, mut receiver) = Inbox::new();
        let event = || {
            let id = domain::JobId::from_bits(1);
            Heard::Event(Box::new(domain::JobEvent { id, version: 1, change: domain::JobChange::Expired }))
        };
        for _ in 0..CAPACITY {
            assert_eq!(inbox.try_put(event()), Ok(()));
        }
        assert_eq!(inbox.try_put(event()), Err(NotTaken::Full));
        assert_eq!(inbox.try_put(event()), Err(NotTaken::Full));
        for _ in 0..CAPACITY {
            assert_eq!(receiver.recv().await, Some(event()));
        }
        inbox.pay_gap();
        inbox.pay_gap();
        assert_eq!(receiver.recv().await, Some(Heard::Gap));
        assert_eq!(inbox.try_put(event()), Ok(()));
        assert_eq!(receiver.recv().await, Some(event()));
        drop(receiver);
        assert_eq!(inbox.try_put(event()), Err(NotTaken::Closed));
    }
}
