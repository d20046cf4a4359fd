//! Receives that outlive their callers.
//!
//! A long poll that is dropped goes on at SQS, which may give its message to a connection that nobody reads: it
//! would be hidden for its whole visibility, and counted. So the poll goes on here too, and the next receive takes
//! it over; when none comes, its message is given back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_sqs::Client;
use tokio::task::JoinHandle;

use super::queue::set_visibility;
use crate::{Delivery, Result};

/// How long a message that came for a receive that was dropped is kept for the next receive of this process.
const KEPT_FOR_THE_NEXT: Duration = Duration::from_secs(1);

pub type Poll = JoinHandle<Result<Option<Delivery>>>;

/// Receives that go on although their callers have gone.
#[derive(Default)]
pub struct Parked {
    polls: Mutex<Vec<(u64, Poll)>>,
}

impl Parked {
    /// `is_ended`: only one that does not have to be waited for.
    pub fn take(&self, is_ended: bool) -> Option<Poll> {
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        let index = polls.iter().position(|(_, poll)| !is_ended || poll.is_finished())?;
        Some(polls.remove(index).1)
    }

    fn take_by_number(&self, number: u64) -> Option<Poll> {
        let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        let index = polls.iter().position(|(other, _)| *other == number)?;
        Some(polls.remove(index).1)
    }
}

/// A receive with a caller; when the caller goes, it is parked.
pub struct WaitedFor {
    poll: Option<Poll>,
    parked: Arc<Parked>,
    client: Client,
    url: String,
}

impl WaitedFor {
    pub fn new(client: Client, url: String, parked: Arc<Parked>, poll: Poll) -> WaitedFor {
        WaitedFor { poll: Some(poll), parked, client, url }
    }

    pub async fn ended(&mut self) -> Result<Option<Delivery>> {
        let poll = self.poll.as_mut().expect("a receive is waited for once");
        let ended = poll.await;
        self.poll = None;
        ended?
    }
}

impl Drop for WaitedFor {
    fn drop(&mut self) {
        let Some(poll) = self.poll.take() else { return };
        // Without a runtime everything ends, this poll too.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let number = rand::random();
        self.parked.polls.lock().unwrap_or_else(PoisonError::into_inner).push((number, poll));
        let (parked, client, url) = (self.parked.clone(), self.client.clone(), self.url.clone());
        runtime.spawn(async move {
            tokio::time::sleep(KEPT_FOR_THE_NEXT).await;
            let Some(poll) = parked.take_by_number(number) else { return };
            let Ok(Ok(Some(delivery))) = poll.await else { return };
            if let Err(error) = set_visibility(&client, &url, &delivery.receipt, Duration::ZERO).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "a message that nobody waited for was not given back; it comes again later"
                );
            }
        });
    }
}
