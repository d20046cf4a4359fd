//! Follows the topic: subscribe, note what comes, read the store, merge, and go on from there.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use backend::{Backend, Heard, Reach, Subscription};

use crate::Server;
use crate::error::causes;
use crate::known::UNHEARD_EVERY;
use crate::metrics;

/// How well this server knows what goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not yet: what ended lately is still being read.
    Starting,
    /// Events reach us.
    Clustered,
    /// They do not: the store is read slowly instead.
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
        let mut reach = server.backend.topic.reach();
        loop {
            let is_clustered = *reach.borrow_and_update() == Reach::Clustered;
            // Before the store is read: what is read from now on, events carry on. What came before was not heard.
            server.hub.known.follow(is_clustered);
            server.hub.miss();
            if !catch_up(server, &mut subscription).await {
                break;
            }
            stand(server, if is_clustered { Standing::Clustered } else { Standing::Isolated });
            let turned = reach.wait_for(|reach| (*reach == Reach::Clustered) != is_clustered);
            let is_lost = tokio::select! {
                () = hear_all(server, &mut subscription) => true,
                turned = turned => turned.is_err(),
            };
            if is_lost {
                break;
            }
        }
        tracing::warn!("the subscription to the topic ended; subscribing anew");
        server.hub.known.follow(false);
        if *server.standing.borrow() != Standing::Starting {
            stand(server, Standing::Isolated);
        }
    }
}

fn stand(server: &Server, standing: Standing) {
    if server.standing.send_replace(standing) == standing {
        return;
    }
    let known = server.hub.known.count();
    match standing {
        Standing::Isolated => {
            tracing::warn!(known, "events do not reach this server; it reads the store instead")
        }
        _ => tracing::info!(known, "events reach this server"),
    }
}

/// While events do not reach the server: what ended, and the jobs that somebody watches, from the store every few
/// seconds. One read for each job, however many watch it. Until the server stops.
pub async fn look_slowly(server: Server) {
    let mut standing = server.standing.subscribe();
    let looking = async {
        while standing.wait_for(|standing| *standing == Standing::Isolated).await.is_ok() {
            if let Err(error) = look(&server).await {
                tracing::warn!(error = %causes(&error), "the store does not tell what events did not");
            }
            tokio::time::sleep(UNHEARD_EVERY).await;
        }
    };
    tokio::select! {
        () = server.stop.cancelled() => {}
        () = looking => {}
    }
}

async fn look(server: &Server) -> backend::Result<()> {
    server.completed.look().await?;
    for id in server.hub.watched() {
        server.hub.job(id).await?;
        server.hub.fall_behind(id);
    }
    Ok(())
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

async fn hear_all(server: &Server, subscription: &mut Subscription) {
    while hear(server, subscription.next().await).await {}
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
