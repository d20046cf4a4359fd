//! What goes over the wire: how many calls, and what becomes of a write whose answer is lost.

use std::time::Duration;

use backend::{Backend, Claim, Created, Finished, IdempotencyKey, SavedCorrections, Written};
use domain::{Corrections, JobEvent, Track};

use super::provisioned;
use super::proxy::{self, Proxy};
use crate::store_contract::{later, page, success, transcribing};
use crate::{new_job, run};

const NO_TIME: Duration = Duration::ZERO;
const MINUTE: Duration = Duration::from_secs(60);

/// A write that got through although its answer did not, and is sent again by the SDK, meets its own effect.
#[test]
fn a_write_whose_answer_is_lost_is_recognised_as_the_success_it_was() {
    behind_proxy(async |backend, proxy| {
        let store = &backend.store;
        let job = new_job();
        let key = IdempotencyKey { key: "once".into(), fingerprint: "wish".into() };

        proxy.lose_answer_of("TransactWriteItems");
        assert_eq!(store.create(&job, Some(&key)).await.unwrap(), Created::New);
        assert_eq!(proxy.take_calls(), ["TransactWriteItems"; 2]);

        proxy.lose_answer_of("PutItem");
        let Claim::Won(claimed) = store.claim(job.id, crate::MESSAGE, 1).await.unwrap() else {
            panic!("not won")
        };
        assert_eq!((claimed.attempt, claimed.version), (1, later(job.version, 1)));
        assert_eq!(proxy.take_calls(), ["GetItem", "PutItem", "PutItem"]);

        proxy.lose_answer_of("PutItem");
        let reported = store.report(job.id, 1, &transcribing(0.1)).await.unwrap();
        assert_eq!(reported, Written::At(later(job.version, 2)));
        assert_eq!(proxy.take_calls(), ["PutItem"; 2]);

        proxy.lose_answer_of("TransactWriteItems");
        let appended = store.append_cues(job.id, 1, &page(0), &transcribing(0.5)).await.unwrap();
        assert_eq!(appended, Written::At(later(job.version, 3)));
        assert_eq!(proxy.take_calls(), ["TransactWriteItems"; 2]);

        proxy.lose_answer_of("TransactWriteItems");
        let finished = store.finish(job.id, 1, Some(&page(1)), &success()).await.unwrap();
        assert!(matches!(finished, Finished::First(_)));
        assert_eq!(proxy.take_calls(), ["TransactWriteItems"; 2]);

        let stored = store.read(job.id).await.unwrap().unwrap();
        assert_eq!((stored.job.version, stored.job.attempt), (later(job.version, 5), 1));
        assert_eq!((stored.job.progress.pages, stored.pages.len()), (2, 2));
    });
}

#[test]
fn an_end_without_a_page_whose_answer_is_lost_is_recognised_too() {
    behind_proxy(async |backend, proxy| {
        let store = &backend.store;
        let job = new_job();
        store.create(&job, None).await.unwrap();
        store.claim(job.id, crate::MESSAGE, 1).await.unwrap();
        proxy.take_calls();
        proxy.lose_answer_of("PutItem");
        assert!(matches!(store.finish(job.id, 1, None, &success()).await.unwrap(), Finished::First(_)));
        assert_eq!(proxy.take_calls(), ["PutItem"; 2]);
    });
}

#[test]
fn a_short_job_costs_three_writes_and_one_read_by_the_server() {
    behind_proxy(async |backend, proxy| {
        let Backend { queue, store, topic, .. } = backend;
        let job = new_job();
        store.create(&job, None).await.unwrap();
        queue.send("a job", NO_TIME).await.unwrap();
        assert_eq!(proxy.take_calls(), ["PutItem", "SendMessage"], "submit");

        let delivery = queue.receive(NO_TIME, MINUTE).await.unwrap().unwrap();
        let Claim::Won(claimed) = store.claim(job.id, crate::MESSAGE, 1).await.unwrap() else {
            panic!("not won")
        };
        topic.publish(&JobEvent::state_of(&claimed)).await.unwrap();
        assert_eq!(proxy.take_calls(), ["ReceiveMessage", "GetItem", "PutItem", "Publish"], "start");

        let finished = store.finish(job.id, 1, Some(&page(0)), &success()).await.unwrap();
        let Finished::First(ended) = finished else { panic!("not first") };
        topic.publish(&JobEvent::cues_of(&ended, &page(0))).await.unwrap();
        topic.publish(&JobEvent::state_of(&ended)).await.unwrap();
        queue.delete(&delivery.receipt).await.unwrap();
        assert_eq!(proxy.take_calls(), ["TransactWriteItems", "Publish", "Publish", "DeleteMessage"], "end");

        assert_eq!(store.read(job.id).await.unwrap().unwrap().pages.len(), 1);
        assert_eq!(proxy.take_calls(), ["Query"], "read");
    });
}

#[test]
fn each_page_of_a_long_job_costs_one_write() {
    behind_proxy(async |backend, proxy| {
        let store = &backend.store;
        let job = new_job();
        store.create(&job, None).await.unwrap();
        store.claim(job.id, crate::MESSAGE, 1).await.unwrap();
        proxy.take_calls();
        for number in 0..3 {
            store.append_cues(job.id, 1, &page(number), &transcribing(0.5)).await.unwrap();
            assert_eq!(proxy.take_calls(), ["TransactWriteItems"], "page {number}");
        }
        store.report(job.id, 1, &transcribing(0.6)).await.unwrap();
        assert_eq!(proxy.take_calls(), ["PutItem"], "sign of life");
        assert_eq!(store.read(job.id).await.unwrap().unwrap().pages.len(), 3);
        assert_eq!(proxy.take_calls(), ["Query"], "read");
    });
}

/// The job, its pages and the parts of its corrections are read with one query, as long as they fit into its megabyte.
#[test]
fn corrections_are_read_together_with_their_job() {
    behind_proxy(async |backend, proxy| {
        let store = &backend.store;
        let job = new_job();
        store.create(&job, None).await.unwrap();
        store.claim(job.id, crate::MESSAGE, 1).await.unwrap();
        store.finish(job.id, 1, Some(&page(0)), &success()).await.unwrap();
        let typed = Corrections::whole(&Track::new(None, page(0).cues).unwrap());
        let saved = store.save_corrections(job.id, 0, &typed).await.unwrap();
        assert!(matches!(saved, SavedCorrections::Done(_)));
        proxy.take_calls();
        assert_eq!(store.read(job.id).await.unwrap().unwrap().corrections, typed);
        assert_eq!(proxy.take_calls(), ["Query"]);
    });
}

#[test]
fn a_dropped_subscription_leaves_no_queue_behind() {
    behind_proxy(async |backend, proxy| {
        let subscription = backend.topic.subscribe().await.unwrap();
        drop(subscription);
        proxy.heard_of("Unsubscribe").await;
        proxy.heard_of("DeleteQueue").await;
    });
}

/// Its owner gave no sign of life since 1970.
#[test]
fn the_queue_of_a_dead_subscriber_is_swept_by_the_next() {
    behind_proxy(async |backend, proxy| {
        let _dead = backend.topic.subscribe().await.unwrap();
        proxy.heard_of("ListQueues").await;
        let queues = proxy.sqs("ListQueues", r#"{"QueueNamePrefix": "cuelight-events-"}"#).await;
        let url = queue_of_this_test(&queues, proxy);
        let tag = format!(r#"{{"QueueUrl": "{url}", "Tags": {{"cuelight-alive": "0"}}}}"#);
        proxy.sqs("TagQueue", &tag).await;
        proxy.take_calls();

        let _living = backend.topic.subscribe().await.unwrap();
        proxy.heard_of("DeleteQueue").await;
        // In this order: a queue without a subscription is found again, a subscription without a queue is not.
        let calls = proxy.take_calls();
        let mut before = calls.iter().take_while(|call| *call != "DeleteQueue");
        assert!(before.any(|call| call == "Unsubscribe"), "{calls:?}");
        let gone = async {
            let listing = r#"{"QueueNamePrefix": "cuelight-events-"}"#;
            while proxy.sqs("ListQueues", listing).await.contains(&url) {}
        };
        tokio::time::timeout(MINUTE, gone).await.expect("the queue is deleted");
    });
}

/// The address of the one queue among those listed whose topic is this test's.
fn queue_of_this_test(listed: &str, proxy: &Proxy) -> String {
    let mine = format!("/cuelight-events-{}-", proxy.name);
    let url = listed.split('"').find(|part| part.contains(&mine));
    url.expect("the subscriber has a queue").to_owned()
}

fn behind_proxy(test: impl AsyncFnOnce(&Backend, &Proxy)) {
    run(async {
        let (_folder, mut config) = provisioned().await;
        let proxy = proxy::start(config.aws.table.as_deref().unwrap()).await;
        config.aws.aws_endpoint = Some(proxy.endpoint.clone());
        let backend = backend::connect(&config).await.unwrap();
        test(&backend, &proxy).await;
    });
}
