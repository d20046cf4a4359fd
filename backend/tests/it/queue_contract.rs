//! The queue: a to-do list that loses nothing and repeats itself at times.

use std::task::Poll;
use std::time::{Duration, Instant};

use backend::{Backend, Delivery, LeaseState, QueueStats, ReceiptHandle};
use domain::WallTime;

use crate::{MAX_RECEIVE_COUNT, contract};

const NO_TIME: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);
/// Long enough for whatever comes; no test waits for its end unless it fails.
const LONG: Duration = Duration::from_secs(20);
const MINUTE: Duration = Duration::from_secs(60);

contract![
    a_message_is_delivered_as_it_was_sent,
    an_empty_queue_delivers_nothing,
    a_message_is_delivered_to_one_receiver,
    a_received_message_is_hidden,
    a_deleted_message_does_not_come_again,
    a_message_comes_again_when_its_visibility_ends,
    a_message_given_back_comes_at_once,
    an_extended_message_stays_hidden,
    a_visibility_that_ran_out_is_lost,
    a_stale_receipt_neither_extends_nor_deletes,
    deleting_what_is_gone_is_success,
    a_delayed_message_comes_after_its_delay,
    a_message_sent_while_somebody_waits_comes_promptly,
    every_waiter_gets_one_of_the_messages_sent,
    a_dropped_receive_takes_no_message,
    a_message_received_too_often_becomes_a_dead_letter,
    a_dead_letter_does_not_hide_the_message_behind_it,
    a_message_is_named_the_same_each_time_it_comes,
    a_buried_message_is_a_letter_that_says_why,
    a_reason_is_one_line_whatever_it_was,
    dead_letters_stay_until_they_are_deleted_and_come_oldest_first,
    many_letters_are_deleted_at_once,
];

/// SQS tells no age of a message (CloudWatch does), and takes no control characters (JSON has none).
mod not_on_aws {
    use super::{a_body_of_many_bytes_and_signs_survives, the_stats_tell_messages_by_their_state};

    crate::contract_but_for_aws![
        the_stats_tell_messages_by_their_state,
        a_body_of_many_bytes_and_signs_survives,
    ];
}

async fn a_message_is_delivered_as_it_was_sent(backend: &Backend) {
    send(backend, "hello").await;
    let delivery = receive(backend, NO_TIME, MINUTE).await.unwrap();
    assert_eq!(delivery.body, "hello");
    assert_eq!(delivery.receive_count, 1);
}

async fn an_empty_queue_delivers_nothing(backend: &Backend) {
    assert_eq!(receive(backend, NO_TIME, MINUTE).await, None);
    let start = Instant::now();
    assert_eq!(receive(backend, SECOND, MINUTE).await, None);
    assert!(start.elapsed() >= SECOND, "the wait was cut short");
}

async fn a_message_is_delivered_to_one_receiver(backend: &Backend) {
    for number in 0..20 {
        send(backend, &number.to_string()).await;
    }
    let receives = (0..30).map(|_| receive(backend, NO_TIME, MINUTE));
    let deliveries = futures::future::join_all(receives).await;
    let mut bodies: Vec<i32> = deliveries.into_iter().flatten().map(|d| d.body.parse().unwrap()).collect();
    bodies.sort();
    assert_eq!(bodies, Vec::from_iter(0..20));
}

async fn a_received_message_is_hidden(backend: &Backend) {
    send(backend, "hello").await;
    receive(backend, NO_TIME, MINUTE).await.unwrap();
    assert_eq!(receive(backend, NO_TIME, MINUTE).await, None);
}

async fn a_deleted_message_does_not_come_again(backend: &Backend) {
    send(backend, "hello").await;
    let delivery = receive(backend, NO_TIME, SECOND).await.unwrap();
    backend.queue.delete(&delivery.receipt).await.unwrap();
    assert_eq!(receive(backend, 2 * SECOND, SECOND).await, None);
    assert_eq!(backend.queue.stats().await.unwrap(), QueueStats::default());
}

async fn a_message_comes_again_when_its_visibility_ends(backend: &Backend) {
    send(backend, "hello").await;
    let first = receive(backend, NO_TIME, SECOND).await.unwrap();
    let start = Instant::now();
    let second = receive(backend, LONG, MINUTE).await.unwrap();
    assert!(start.elapsed() < 3 * SECOND, "it came late: {:?}", start.elapsed());
    assert_eq!((second.body.as_str(), second.receive_count), ("hello", 2));
    assert_ne!(first.receipt, second.receipt);
}

async fn a_message_given_back_comes_at_once(backend: &Backend) {
    send(backend, "hello").await;
    let delivery = receive(backend, NO_TIME, MINUTE).await.unwrap();
    assert_eq!(backend.queue.set_visibility(&delivery.receipt, NO_TIME).await.unwrap(), LeaseState::Held);
    assert_eq!(receive(backend, SECOND, MINUTE).await.unwrap().receive_count, 2);
}

async fn an_extended_message_stays_hidden(backend: &Backend) {
    send(backend, "hello").await;
    let delivery = receive(backend, NO_TIME, SECOND).await.unwrap();
    assert_eq!(backend.queue.set_visibility(&delivery.receipt, MINUTE).await.unwrap(), LeaseState::Held);
    assert_eq!(receive(backend, 2 * SECOND, MINUTE).await, None);
    assert_eq!(backend.queue.set_visibility(&delivery.receipt, MINUTE).await.unwrap(), LeaseState::Held);
}

async fn a_visibility_that_ran_out_is_lost(backend: &Backend) {
    send(backend, "hello").await;
    let first = receive(backend, NO_TIME, SECOND).await.unwrap();
    receive(backend, LONG, MINUTE).await.unwrap();
    assert_eq!(backend.queue.set_visibility(&first.receipt, MINUTE).await.unwrap(), LeaseState::Lost);
}

async fn a_stale_receipt_neither_extends_nor_deletes(backend: &Backend) {
    send(backend, "hello").await;
    let stale = receive(backend, NO_TIME, MINUTE).await.unwrap().receipt;
    backend.queue.set_visibility(&stale, NO_TIME).await.unwrap();
    let current = receive(backend, SECOND, MINUTE).await.unwrap().receipt;

    assert_eq!(backend.queue.set_visibility(&stale, NO_TIME).await.unwrap(), LeaseState::Lost);
    backend.queue.delete(&stale).await.unwrap();
    assert_eq!(receive(backend, NO_TIME, MINUTE).await, None);
    assert_eq!(backend.queue.set_visibility(&current, MINUTE).await.unwrap(), LeaseState::Held);
}

async fn deleting_what_is_gone_is_success(backend: &Backend) {
    send(backend, "hello").await;
    let delivery = receive(backend, NO_TIME, MINUTE).await.unwrap();
    backend.queue.delete(&delivery.receipt).await.unwrap();
    backend.queue.delete(&delivery.receipt).await.unwrap();
    backend.queue.delete(&ReceiptHandle("never given out".into())).await.unwrap();
    assert_eq!(backend.queue.set_visibility(&delivery.receipt, MINUTE).await.unwrap(), LeaseState::Lost);
}

async fn a_delayed_message_comes_after_its_delay(backend: &Backend) {
    let start = Instant::now();
    backend.queue.send("later", SECOND).await.unwrap();
    assert_eq!(receive(backend, NO_TIME, MINUTE).await, None);
    assert_eq!(backend.queue.stats().await.unwrap().delayed, 1);
    assert_eq!(receive(backend, LONG, MINUTE).await.unwrap().body, "later");
    assert!((SECOND..3 * SECOND).contains(&start.elapsed()), "it came after {:?}", start.elapsed());
}

async fn a_message_sent_while_somebody_waits_comes_promptly(backend: &Backend) {
    let mut waiting = Box::pin(receive(backend, LONG, MINUTE));
    // Not there yet, so it waits by now or will look after the send.
    assert!(futures::poll!(&mut waiting).is_pending());
    let start = Instant::now();
    send(backend, "hello").await;
    assert_eq!(waiting.await.unwrap().body, "hello");
    assert!(start.elapsed() < SECOND, "it came after {:?}", start.elapsed());
}

async fn every_waiter_gets_one_of_the_messages_sent(backend: &Backend) {
    let waiting = futures::future::join_all((0..8).map(|_| receive(backend, LONG, MINUTE)));
    let sending = async {
        for number in 0..8 {
            send(backend, &number.to_string()).await;
        }
    };
    let (deliveries, ()) = futures::join!(waiting, sending);
    let mut bodies: Vec<String> = deliveries.into_iter().map(|delivery| delivery.unwrap().body).collect();
    bodies.sort();
    assert_eq!(bodies, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}

async fn a_dropped_receive_takes_no_message(backend: &Backend) {
    // Dropped at every stage: before it looks, while it looks, while it takes.
    for polls in 0..40 {
        send(backend, "hello").await;
        let mut receiving = Box::pin(receive(backend, LONG, MINUTE));
        let mut delivered = None;
        for _ in 0..polls / 4 {
            if let Poll::Ready(delivery) = futures::poll!(&mut receiving) {
                delivered = delivery;
                break;
            }
            // Something that takes as long as a step of the receive.
            backend.queue.stats().await.unwrap();
        }
        drop(receiving);
        let delivery = match delivered {
            Some(delivery) => delivery,
            None => receive(backend, LONG, MINUTE).await.expect("the message was not lost"),
        };
        assert_eq!(delivery.receive_count, 1, "a receive that nobody heard of does not count");
        backend.queue.delete(&delivery.receipt).await.unwrap();
    }
}

async fn a_message_received_too_often_becomes_a_dead_letter(backend: &Backend) {
    send(backend, "poison").await;
    exhaust(backend).await;
    assert_eq!(receive(backend, NO_TIME, MINUTE).await, None);

    let letters = backend.queue.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    let expected = ("poison", None, MAX_RECEIVE_COUNT);
    assert_eq!((letter.body.as_str(), letter.reason.as_deref(), letter.attempts), expected);
    let stats = backend.queue.stats().await.unwrap();
    assert_eq!((stats.visible, stats.in_flight, stats.dead), (0, 0, 1));
}

async fn a_dead_letter_does_not_hide_the_message_behind_it(backend: &Backend) {
    send(backend, "poison").await;
    exhaust(backend).await;
    send(backend, "good").await;
    assert_eq!(receive(backend, NO_TIME, MINUTE).await.unwrap().body, "good");
}

async fn a_message_is_named_the_same_each_time_it_comes(backend: &Backend) {
    send(backend, "one").await;
    send(backend, "one").await;
    let first = receive(backend, SECOND, MINUTE).await.unwrap();
    let other = receive(backend, SECOND, MINUTE).await.unwrap();
    assert_ne!(first.message_id, other.message_id);
    backend.queue.set_visibility(&first.receipt, NO_TIME).await.unwrap();
    assert_eq!(receive(backend, SECOND, MINUTE).await.unwrap().message_id, first.message_id);
}

async fn a_buried_message_is_a_letter_that_says_why(backend: &Backend) {
    send(backend, "poison").await;
    let delivery = receive(backend, NO_TIME, SECOND).await.unwrap();
    let started = WallTime::now();
    bury(backend, &delivery, "it crashed each time", 3).await;
    // The message is gone.
    assert_eq!(receive(backend, 2 * SECOND, MINUTE).await, None);

    let letters = backend.queue.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    let expected = ("poison", Some("it crashed each time"), 3);
    assert_eq!((letter.body.as_str(), letter.reason.as_deref(), letter.attempts), expected);
    let buried_after = letter.buried_at.unwrap().duration_since(started);
    assert!((-1..20).contains(&buried_after.as_secs()), "{buried_after:?}");
    assert_eq!(backend.queue.stats().await.unwrap().dead, 1);

    // Where somebody else ends the message, or nobody has it any more.
    backend.queue.bury("another", None, "why not", 1).await.unwrap();
    assert_eq!(backend.queue.dead_letters(10).await.unwrap().len(), 2);
}

async fn a_reason_is_one_line_whatever_it_was(backend: &Backend) {
    let cases = [
        ("", "no reason was given".to_owned()),
        (" \n\t", "no reason was given".to_owned()),
        ("one\r\n two\u{0}three\u{1b}[31m", "one two three [31m".to_owned()),
        (&"ö".repeat(5_000), "ö".repeat(500)),
    ];
    for (reason, expected) in cases {
        backend.queue.bury("body", None, reason, 1).await.unwrap();
        let letter = backend.queue.dead_letters(10).await.unwrap().remove(0);
        assert_eq!(letter.reason, Some(expected));
        backend.queue.delete_dead_letters(&[letter.id]).await.unwrap();
    }
}

async fn dead_letters_stay_until_they_are_deleted_and_come_oldest_first(backend: &Backend) {
    for body in ["one", "two"] {
        send(backend, body).await;
        exhaust(backend).await;
        assert_eq!(receive(backend, NO_TIME, MINUTE).await, None);
    }
    backend.queue.bury("three", None, "a reason", 1).await.unwrap();
    for _ in 0..2 {
        assert_eq!(bodies(backend, 2).await, ["one", "two"]);
        assert_eq!(bodies(backend, 10).await, ["one", "two", "three"]);
    }
    let id = backend.queue.dead_letters(1).await.unwrap().remove(0).id;
    let ids = [id, "no id at all".to_owned()];
    for _ in 0..2 {
        backend.queue.delete_dead_letters(&ids).await.unwrap();
        assert_eq!(bodies(backend, 10).await, ["two", "three"]);
    }
    // A new letter takes no old one's id: whoever remembers ids must not mistake it.
    backend.queue.bury("four", None, "a reason", 1).await.unwrap();
    let ids_now: Vec<String> =
        backend.queue.dead_letters(10).await.unwrap().into_iter().map(|letter| letter.id).collect();
    assert!(!ids_now.contains(&ids[0]));
}

async fn many_letters_are_deleted_at_once(backend: &Backend) {
    for number in 0..35 {
        backend.queue.bury(&format!("{number:02}"), None, "a reason", 1).await.unwrap();
    }
    let letters = backend.queue.dead_letters(100).await.unwrap();
    assert_eq!(letters.len(), 35);
    let mut ids: Vec<String> = letters.into_iter().map(|letter| letter.id).collect();
    let kept = ids.split_off(30);
    backend.queue.delete_dead_letters(&ids).await.unwrap();
    let left: Vec<String> =
        backend.queue.dead_letters(100).await.unwrap().into_iter().map(|letter| letter.id).collect();
    assert!(left.len() == 5 && left.iter().all(|id| kept.contains(id)), "{left:?} of {kept:?}");
    backend.queue.delete_dead_letters(&[]).await.unwrap();
}

async fn the_stats_tell_messages_by_their_state(backend: &Backend) {
    assert_eq!(backend.queue.stats().await.unwrap(), QueueStats::default());
    send(backend, "held").await;
    receive(backend, NO_TIME, MINUTE).await.unwrap();
    send(backend, "visible").await;
    backend.queue.send("later", MINUTE).await.unwrap();
    let stats = backend.queue.stats().await.unwrap();
    assert_eq!((stats.visible, stats.in_flight, stats.delayed, stats.dead), (1, 1, 1, 0));
    assert!(stats.oldest_age.unwrap() < MINUTE);
}

async fn a_body_of_many_bytes_and_signs_survives(backend: &Backend) {
    let body = "{\"öäü\u{0}\u{1F3AC}'; DROP TABLE messages; --\n\"}".repeat(4_000);
    send(backend, &body).await;
    assert_eq!(receive(backend, NO_TIME, MINUTE).await.unwrap().body, body);
}

async fn send(backend: &Backend, body: &str) {
    backend.queue.send(body, NO_TIME).await.unwrap();
}

async fn receive(backend: &Backend, wait: Duration, visibility: Duration) -> Option<Delivery> {
    backend.queue.receive(wait, visibility).await.unwrap()
}

async fn bury(backend: &Backend, delivery: &Delivery, reason: &str, attempts: u32) {
    backend.queue.bury(&delivery.body, Some(&delivery.receipt), reason, attempts).await.unwrap();
}

async fn bodies(backend: &Backend, limit: usize) -> Vec<String> {
    let letters = backend.queue.dead_letters(limit).await.unwrap();
    letters.into_iter().map(|letter| letter.body).collect()
}

/// Receives one message as often as it may be, and gives it back each time.
async fn exhaust(backend: &Backend) {
    for count in 1..=MAX_RECEIVE_COUNT {
        let delivery = receive(backend, SECOND, MINUTE).await.unwrap();
        assert_eq!(delivery.receive_count, count);
        backend.queue.set_visibility(&delivery.receipt, NO_TIME).await.unwrap();
    }
}
