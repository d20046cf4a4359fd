//! The topic port: a doorbell for every server instance.

use async_trait::async_trait;
use domain::JobEvent;
use tokio::sync::mpsc;

use crate::Result;

/// Fan-out as SNS gives it: every subscriber hears every event at least once while it is subscribed; order
/// across events is not promised (versions restore it), and what was published before the subscription is not
/// heard. An event is a hint: whoever must know reads the store.
#[async_trait]
pub trait JobTopic: Send + Sync {
    async fn publish(&self, event: &JobEvent) -> Result<()>;

    /// Subscribed when it returns: everything published from then on is heard, by any process.
    async fn subscribe(&self) -> Result<Subscription>;
}

#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Boxed inside the channel's bound: events are as large as a page of cues.
    Event(Box<JobEvent>),
    /// Events may have been missed here: read the store for whatever matters.
    Gap,
}

/// One subscriber's end; dropping it unsubscribes. `None` from [`Subscription::next`] means the topic is lost
/// for good and must be subscribed to anew.
pub struct Subscription {
    receiver: mpsc::Receiver<Heard>,
}

impl Subscription {
    pub fn new(receiver: mpsc::Receiver<Heard>) -> Subscription {
        Subscription { receiver }
    }

    pub async fn next(&mut self) -> Option<Heard> {
        self.receiver.recv().await
    }
}
