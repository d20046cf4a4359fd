//! Turns at tasks that are done once across all workers.

use std::time::{Duration, Instant};

use backend::Backend;
use domain::WallTime;

use crate::contract;

contract![
    one_of_many_takers_gets_the_turn,
    a_turn_is_free_again_when_its_period_is_over,
    a_turn_that_is_given_back_is_free_at_once,
    turns_at_other_tasks_are_apart,
    turns_are_listed_with_when_they_were_taken,
];

const HOUR: Duration = Duration::from_secs(3600);

async fn one_of_many_takers_gets_the_turn(backend: &Backend) {
    let takers = (0..10).map(|_| backend.store.take_turn("cleanup", HOUR));
    let taken = futures::future::try_join_all(takers).await.unwrap();
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    assert!(!backend.store.take_turn("cleanup", HOUR).await.unwrap());
    assert!(!backend.store.take_turn("cleanup", Duration::MAX).await.unwrap());
}

async fn a_turn_is_free_again_when_its_period_is_over(backend: &Backend) {
    let period = Duration::from_millis(300);
    let begin = Instant::now();
    assert!(backend.store.take_turn("cleanup", HOUR).await.unwrap());
    let mut refused = 0;
    while !backend.store.take_turn("cleanup", period).await.unwrap() {
        refused += 1;
    }
    assert!(refused > 0 && begin.elapsed() >= period, "{:?}", begin.elapsed());
    assert!(!backend.store.take_turn("cleanup", HOUR).await.unwrap(), "the period starts anew");
}

async fn a_turn_that_is_given_back_is_free_at_once(backend: &Backend) {
    for _ in 0..2 {
        assert!(backend.store.take_turn("cleanup", HOUR).await.unwrap());
        backend.store.give_back_turn("cleanup").await.unwrap();
    }
    backend.store.give_back_turn("cleanup").await.unwrap();
    assert!(backend.store.take_turn("cleanup", HOUR).await.unwrap());
}

async fn turns_at_other_tasks_are_apart(backend: &Backend) {
    for task in ["cleanup", "stats", "update-model@one", "update-model@two"] {
        assert!(backend.store.take_turn(task, HOUR).await.unwrap(), "{task}");
    }
    backend.store.give_back_turn("stats").await.unwrap();
    assert!(!backend.store.take_turn("cleanup", HOUR).await.unwrap());
}

async fn turns_are_listed_with_when_they_were_taken(backend: &Backend) {
    assert_eq!(backend.store.turns().await.unwrap(), []);
    let before = WallTime::now();
    for task in ["stats", "cleanup", "update-model@one"] {
        assert!(backend.store.take_turn(task, HOUR).await.unwrap());
    }
    backend.store.give_back_turn("stats").await.unwrap();
    assert!(!backend.store.take_turn("cleanup", HOUR).await.unwrap());
    let turns = backend.store.turns().await.unwrap();
    let tasks: Vec<&str> = turns.iter().map(|turn| turn.task.as_str()).collect();
    assert_eq!(tasks, ["cleanup", "update-model@one"]);
    // Stored to the microsecond.
    let (before, now) = (before - Duration::from_micros(1), WallTime::now());
    assert!(turns.iter().all(|turn| before <= turn.taken_at && turn.taken_at <= now), "{turns:?}");
}
