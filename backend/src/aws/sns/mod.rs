//! What a subscriber of the topic needs: a road on which SNS's messages come (posts to our endpoint, or a queue), and
//! somebody who watches that they do.
//!
//! A message is a hint, however well it is signed: what it says is only ever a reason to look.

mod certificate;
mod endpoint;
mod endpoint_road;
mod envelope;
mod inbox;
mod names;
mod ping;
mod pulse;
mod queue_road;
mod refusals;
mod seen;
mod signature;
mod supervisor;

use async_trait::async_trait;

pub use certificate::guarded_client;
pub use endpoint::{Listener, SignaturePolicy, SnsEndpoint};
pub use endpoint_road::EndpointRoad;
pub use inbox::Inbox;
pub use names::{ArnProblem, Fingerprint, PublicUrl, PublicUrlProblem, Secret, TopicArn};
pub use ping::Ping;
pub use queue_road::QueueRoad;
pub use supervisor::Supervisor;

use crate::Result;
use refusals::{Forgery, Refusal, Trouble};

/// How messages come from the topic to one subscriber.
#[async_trait]
pub trait Road: Send {
    /// Asks SNS for the subscription, anew if there was one. Messages may come later than this returns.
    async fn subscribe(&mut self) -> Result<()>;

    /// Answers SNS's question whether we want the subscription.
    async fn confirm(&mut self, token: &str) -> Result<()>;

    /// Another subscriber is alive.
    fn hear_of(&mut self, other: Fingerprint);

    /// Removes what dead subscribers left, on its own time.
    fn sweep(&mut self);

    /// Removes the subscription; what cannot be removed now is swept by others.
    async fn leave(&mut self);
}

/// What a road tells the supervisor.
#[derive(Debug)]
pub enum Signal {
    Ping(Ping),
    /// SNS asks whether we want the subscription.
    Confirm(String),
    /// SNS says that somebody ended the subscription.
    Unsubscribed,
    /// The road is gone for good.
    Over,
}

/// Signals on their way; a road that finds no room tries again.
const SIGNALS: usize = 64;

pub fn signals() -> (tokio::sync::mpsc::Sender<Signal>, tokio::sync::mpsc::Receiver<Signal>) {
    tokio::sync::mpsc::channel(SIGNALS)
}
