//! Follows the topic: subscribe, note what comes, read the store, merge, and go on from there.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use backend::{Backend, Heard, Subscription};

use crate::Server;
use crate::error::causes;
use crate::metrics;

/// How well this server knows what goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not yet: what ended lately is still being read.
    Starting,
    /// Events reach us.
    Clustered,
    /// They reached us once, and do not now.
    Isolated,
}

/// Follows until the server stops. A lost subscription is made anew; what it missed counts as a gap.
pub async fn follow(server: Server) {
    tokio::select! {
        () = server.stop.cancelled() => {}
        never = follow_for_ever(&server) => match never {},
    }
}

async fn follow_for_ever(server: &Server) -> Infallible {
    loop {
        let mut subscription = subscribe(&server.backend).await;
        // Before the store is read: what is read from now on, events carry on. What came before was not heard.
        server.hub.known.follow(true);
        server.hub.miss();
        if catch_up(server, &mut subscription).await {
            server.standing.send_replace(Standing::Clustered);
            let known = server.hub.known.count();
            tracing::info!(known, "the topic is heard");
            while hear(server, subscription.next().await).await {}
        }
        tracing::warn!("the subscription to the topic ended; subscribing anew");
        server.hub.known.follow(false);
        server.standing.send_if_modified(|standing| {
            let was_clustered = *standing == Standing::Clustered;
            if was_clustered {
                *standing = Standing::Isolated;
            }
            was_clustered
        });
    }
}

/// Reads from the store what ended lately while events go on to be heard. False: the subscription ended.
async fn catch_up(server: &Server, subscription: &mut Subscription) -> bool {
    let mut reading = pin!(server.completed.catch_up());
    loop {
        tokio::select! {
            () = &mut reading => return true,
            heard = subscription.next() => {
                if !hear(server, heard).await {
                    return false;
                }
            }
        }
    }
}

/// False: the subscription ended.
async fn hear(server: &Server, heard: Option<Heard>) -> bool {
    match heard {
        Some(Heard::Event(event)) => {
            metrics::count_heard();
            server.hub.hear(*event).await;
        }
        Some(Heard::Gap) => {
            metrics::count_gap();
            tracing::info!("the topic may have lost events; watchers look for themselves");
            server.hub.miss();
        }
        None => return false,
    }
    true
}

/// Tries until the topic takes the subscription.
async fn subscribe(backend: &Backend) -> Subscription {
    let mut pause = Duration::from_millis(100);
    loop {
        match backend.topic.subscribe().await {
            Ok(subscription) => return subscription,
            Err(error) => tracing::warn!(error = %causes(&error), "the topic does not take the subscription"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}
