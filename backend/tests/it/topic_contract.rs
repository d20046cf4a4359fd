//! The topic: a doorbell that everybody subscribed hears.

use backend::{Backend, Heard, Reach, Subscription};
use domain::{JobChange, JobEvent};

use crate::{contract, contract_over};

contract![
    every_subscriber_hears_every_event,
    what_was_published_before_the_subscription_is_not_heard,
    an_event_comes_as_it_was_published,
    a_dropped_subscription_holds_nobody_up,
    who_is_subscribed_hears_and_knows_it,
];

contract_over!(
    aws_over_http,
    crate::aws::posted::on_aws_over_http,
    every_subscriber_hears_every_event,
    what_was_published_before_the_subscription_is_not_heard,
    an_event_comes_as_it_was_published,
    a_dropped_subscription_holds_nobody_up,
    who_is_subscribed_hears_and_knows_it,
);

async fn who_is_subscribed_hears_and_knows_it(backend: &Backend) {
    let mut reach = backend.topic.reach();
    let _subscription = backend.topic.subscribe().await.unwrap();
    assert_eq!(*reach.borrow_and_update(), Reach::Clustered);
}

async fn every_subscriber_hears_every_event(backend: &Backend) {
    let mut one = backend.topic.subscribe().await.unwrap();
    let mut other = backend.topic.subscribe().await.unwrap();
    for version in 1..=50 {
        backend.topic.publish(&event(version)).await.unwrap();
    }
    let all: Vec<u64> = (1..=50).collect();
    assert_eq!(versions_heard(&mut one, 50).await, all);
    assert_eq!(versions_heard(&mut other, 50).await, all);
}

async fn what_was_published_before_the_subscription_is_not_heard(backend: &Backend) {
    backend.topic.publish(&event(1)).await.unwrap();
    let mut early = backend.topic.subscribe().await.unwrap();
    backend.topic.publish(&event(2)).await.unwrap();
    // Or it may still be on its way when the next one subscribes.
    assert_eq!(versions_heard(&mut early, 1).await, [2]);
    let mut late = backend.topic.subscribe().await.unwrap();
    backend.topic.publish(&event(3)).await.unwrap();

    assert_eq!(versions_heard(&mut early, 1).await, [3]);
    assert_eq!(versions_heard(&mut late, 1).await, [3]);
}

async fn an_event_comes_as_it_was_published(backend: &Backend) {
    let mut subscription = backend.topic.subscribe().await.unwrap();
    let cue = domain::Cue {
        start: domain::Timestamp(1),
        end: domain::Timestamp(900),
        text: "Zwölf \"Boxkämpfer\"\n日本語 \u{0} 🎬".into(),
        doubts: Vec::new(),
    };
    let change = JobChange::Cues { page: 3, cues: vec![cue], progress: Default::default() };
    let sent = JobEvent { id: crate::new_id(), version: 9, change };
    backend.topic.publish(&sent).await.unwrap();
    assert_eq!(subscription.next().await, Some(Heard::Event(Box::new(sent))));
}

async fn a_dropped_subscription_holds_nobody_up(backend: &Backend) {
    let mut listening = backend.topic.subscribe().await.unwrap();
    drop(backend.topic.subscribe().await.unwrap());
    backend.topic.publish(&event(1)).await.unwrap();
    assert_eq!(version_heard(listening.next().await), 1);
}

pub fn event(version: u64) -> JobEvent {
    JobEvent {
        id: domain::JobId::from_bits(7),
        version,
        change: JobChange::Queued { progress: Default::default() },
    }
}

/// In order, which the topic does not promise: versions restore it.
pub async fn versions_heard(subscription: &mut Subscription, count: usize) -> Vec<u64> {
    let mut versions = Vec::new();
    while versions.len() < count {
        versions.push(version_heard(subscription.next().await));
    }
    versions.sort_unstable();
    versions
}

pub fn version_heard(heard: Option<Heard>) -> u64 {
    match heard {
        Some(Heard::Event(event)) => event.version,
        other => panic!("no event but {other:?}"),
    }
}
