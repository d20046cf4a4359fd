//! The topic: a doorbell that everybody subscribed hears.

use backend::{Backend, Heard};
use domain::{JobChange, JobEvent};

use crate::contract;

contract![
    every_subscriber_hears_every_event,
    what_was_published_before_the_subscription_is_not_heard,
    an_event_comes_as_it_was_published,
    a_dropped_subscription_holds_nobody_up,
];

async fn every_subscriber_hears_every_event(backend: &Backend) {
    let mut one = backend.topic.subscribe().await.unwrap();
    let mut other = backend.topic.subscribe().await.unwrap();
    for version in 1..=50 {
        backend.topic.publish(&event(version)).await.unwrap();
    }
    for version in 1..=50 {
        assert_eq!(version_heard(one.next().await), version);
        assert_eq!(version_heard(other.next().await), version);
    }
}

async fn what_was_published_before_the_subscription_is_not_heard(backend: &Backend) {
    backend.topic.publish(&event(1)).await.unwrap();
    let mut early = backend.topic.subscribe().await.unwrap();
    backend.topic.publish(&event(2)).await.unwrap();
    let mut late = backend.topic.subscribe().await.unwrap();
    backend.topic.publish(&event(3)).await.unwrap();

    assert_eq!(version_heard(early.next().await), 2);
    assert_eq!(version_heard(early.next().await), 3);
    assert_eq!(version_heard(late.next().await), 3);
}

async fn an_event_comes_as_it_was_published(backend: &Backend) {
    let mut subscription = backend.topic.subscribe().await.unwrap();
    let cue = domain::Cue {
        start: domain::Timestamp(1),
        end: domain::Timestamp(900),
        text: "Zwölf \"Boxkämpfer\"\n日本語 \u{0} 🎬".into(),
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

pub fn version_heard(heard: Option<Heard>) -> u64 {
    match heard {
        Some(Heard::Event(event)) => event.version,
        other => panic!("no event but {other:?}"),
    }
}
