//! Keeps one subscription alive: pings itself through the topic, confirms, and subscribes anew when nothing comes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::inbox::Inbox;
use super::names::{Fingerprint, TopicArn};
use super::ping::{self, Ping};
use super::pulse::Pulse;
use super::{Road, Signal};
use crate::{BackendError, Reach};

/// A ping that takes longer to publish counts as unheard.
const PING_PATIENCE: Duration = Duration::from_secs(5);

pub struct Supervisor {
    pub sns: aws_sdk_sns::Client,
    pub topic: TopicArn,
    pub me: Fingerprint,
    pub road: Box<dyn Road>,
    pub inbox: Arc<Inbox>,
    pub signals: mpsc::Receiver<Signal>,
    pub reach: watch::Sender<Reach>,
    pub ping_every: Duration,
    pub stop: CancellationToken,
}

impl Supervisor {
    /// Runs until it is told to stop, the subscriber goes or the road is over, and leaves nothing behind. The road
    /// was asked for its first subscription already. `started` is told when messages come, or when waiting for them
    /// is over.
    pub async fn run(mut self, started: oneshot::Sender<()>) {
        self.reach.send_replace(Reach::Starting);
        let (inbox, stop) = (self.inbox.clone(), self.stop.clone());
        tokio::select! {
            () = stop.cancelled() => (),
            () = inbox.closed() => (),
            () = self.watch(started) => (),
        }
        self.reach.send_replace(Reach::Starting);
        self.road.leave().await;
    }

    async fn watch(&mut self, started: oneshot::Sender<()>) {
        let mut started = Some(started);
        let mut pulse = Pulse::new(self.ping_every, Instant::now());
        loop {
            let before = pulse.reach();
            tokio::select! {
                signal = self.signals.recv() => match signal {
                    None | Some(Signal::Over) => return,
                    Some(Signal::Ping(ping)) if ping.from == self.me => pulse.hear(ping.number),
                    Some(Signal::Ping(ping)) => self.road.hear_of(ping.from),
                    Some(Signal::Confirm(token)) => self.confirm(&token, &mut pulse).await,
                    Some(Signal::Unsubscribed) => {
                        tracing::info!("SNS says that a subscription of ours ended");
                        pulse.doubt(Instant::now());
                    }
                },
                () = sleep_until(pulse.next()) => self.ping(&mut pulse).await,
            }
            self.inbox.pay_gap();
            if pulse.reach() != before {
                self.tell(before, pulse.reach());
            }
            if pulse.reach() != Reach::Starting
                && let Some(started) = started.take()
            {
                // Whoever waited may have gone.
                let _ = started.send(());
            }
            if pulse.wants_subscription(Instant::now()) {
                self.subscribe(&mut pulse).await;
            }
        }
    }

    async fn ping(&mut self, pulse: &mut Pulse) {
        let beat = pulse.beat(Instant::now());
        let ping = Ping { from: self.me.clone(), number: beat.number };
        let published =
            timeout(PING_PATIENCE, ping::publish(&self.sns, &self.topic, &ping, beat.is_loud)).await;
        match published {
            Ok(Ok(())) => (),
            Ok(Err(error)) => log(&error, "a ping was not published"),
            Err(_) => tracing::warn!("a ping was not published in time"),
        }
        if beat.is_loud && pulse.reach() == Reach::Clustered {
            self.road.sweep();
        }
    }

    async fn subscribe(&mut self, pulse: &mut Pulse) {
        match self.road.subscribe().await {
            Ok(()) => pulse.subscribed(Instant::now()),
            Err(error) => log(&error, "the topic was not subscribed anew"),
        }
    }

    async fn confirm(&mut self, token: &str, pulse: &mut Pulse) {
        match self.road.confirm(token).await {
            Ok(()) => pulse.subscribed(Instant::now()),
            Err(error) => log(&error, "the subscription to the topic was not confirmed"),
        }
    }

    fn tell(&mut self, before: Reach, now: Reach) {
        match (before, now) {
            (_, Reach::Isolated) => tracing::warn!("nothing comes from the topic; this instance is cut off"),
            _ => tracing::info!("the topic is heard"),
        }
        let is_first = before == Reach::Starting && now == Reach::Clustered;
        if !is_first {
            self.inbox.tell_gap();
        }
        if now == Reach::Clustered {
            self.road.sweep();
        }
        self.reach.send_replace(now);
    }
}

fn log(error: &BackendError, message: &str) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "{message}");
}
