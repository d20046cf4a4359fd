//! The topic port: a doorbell for every server instance.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bytes::Bytes;
use domain::JobEvent;
use http::{HeaderMap, StatusCode};
use tokio::sync::{mpsc, watch};

use crate::Result;

/// Fan-out as SNS gives it: every subscriber hears every event at least once while it is subscribed; order
/// across events is not promised (versions restore it), and what was published before the subscription is not
/// heard. An event is a hint: whoever must know reads the store.
#[async_trait]
pub trait JobTopic: Send + Sync {
    async fn publish(&self, event: &JobEvent) -> Result<()>;

    /// Subscribed when it returns: everything published from then on is heard, by any process. Where that could
    /// not be had in half a minute it returns too, [`Reach::Isolated`], goes on trying, and tells a gap when it is.
    async fn subscribe(&self) -> Result<Subscription>;

    /// Whether this instance hears what is published; the last of its subscriptions says it.
    fn reach(&self) -> watch::Receiver<Reach> {
        static ALWAYS: LazyLock<watch::Sender<Reach>> =
            LazyLock::new(|| watch::Sender::new(Reach::Clustered));
        ALWAYS.subscribe()
    }

    /// Ends every subscription of this process, which then hear `None`, and waits until nothing of them is left
    /// behind, 1.5 s at most: for a process that ends. What stays is swept by others.
    async fn close(&self) {}

    /// Where events are posted to, by a topic that calls us. It must be served before [`JobTopic::subscribe`] is
    /// called, which waits for such a post.
    fn endpoint(&self) -> Option<Arc<dyn TopicEndpoint>> {
        None
    }
}

/// Whether events arrive, as far as an instance can tell: it publishes pings and listens for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Nothing was heard yet.
    Starting,
    Clustered,
    /// Its pings do not come back: whatever matters must be read from the store.
    Isolated,
}

/// The far end of a topic that posts its messages over HTTP. The caller reads the request; what it says is judged
/// here.
#[async_trait]
pub trait TopicEndpoint: Send + Sync {
    /// Whether the last part of the path is a secret of ours. What is posted elsewhere is answered with 404 and
    /// needs not be read.
    fn is_secret(&self, secret: &str) -> bool;

    /// Takes one message and says, in about a second, with which status to answer: 200 taken, now or before; 403
    /// forged; 404 no such secret; 413 larger than [`MAX_POST_BYTES`]; 503 come again.
    async fn take(&self, secret: &str, headers: &HeaderMap, body: Bytes) -> StatusCode;
}

/// Largest body that a [`TopicEndpoint`] takes. A message has at most 256 KiB.
pub const MAX_POST_BYTES: usize = 300_000;

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
