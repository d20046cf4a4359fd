//! The wrapper that makes faults.

use std::time::Duration;

use backend::faults::{FaultPlan, FaultWhen, with_faults};
use tempfile::TempDir;

use crate::{open, run};

#[test]
fn a_call_that_fails_before_had_no_effect() {
    assert_eq!(sent_of_three(FaultWhen::Before), ["1", "3"]);
}

#[test]
fn a_call_that_fails_after_had_its_effect() {
    assert_eq!(sent_of_three(FaultWhen::After), ["1", "2", "3"]);
}

/// Sends three messages, of which the second fails, and says which arrived.
fn sent_of_three(when: FaultWhen) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    run(async {
        let backend = open(&folder).await;
        let (faulty, count) = with_faults(backend.clone(), Some(FaultPlan { fail_call: 2, when }));
        for body in ["1", "2", "3"] {
            let sent = faulty.queue.send(body, Duration::ZERO).await;
            assert_eq!(sent.is_err(), body == "2");
            assert!(sent.err().is_none_or(|error| error.is_transient()));
        }
        assert_eq!(count.get(), 3);
        let mut bodies = Vec::new();
        while let Some(delivery) =
            backend.queue.receive(Duration::ZERO, Duration::from_secs(60)).await.unwrap()
        {
            bodies.push(delivery.body);
        }
        bodies
    })
}
