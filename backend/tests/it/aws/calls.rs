//! What goes over the wire: how many calls, and what becomes of a write whose answer is lost.

use std::time::Duration;

use backend::{Backend, Claim, Created, Finished, IdempotencyKey, Written};
use domain::JobEvent;

use super::provisioned;
use super::proxy::{self, Proxy};
use crate::store_contract::{page, success, transcribing};
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
        let Claim::Won(claimed) = store.claim(job.id, crate::MESSAGE).await.unwrap() else {
            panic!("not won")
        };
        assert_eq!((claimed.attempt, claimed.version), (1, 2));
        assert_eq!(proxy.take_calls(), ["GetItem", "PutItem", "PutItem"]);

        proxy.lose_answer_of("PutItem");
        assert_eq!(store.report(job.id, 1, &transcribing(0.1)).await.unwrap(), Written::At(3));
        assert_eq!(proxy.take_calls(), ["PutItem"; 2]);

        proxy.lose_answer_of("TransactWriteItems");
        assert_eq!(store.append_cues(job.id, 1, &page(0), &transcribing(0.5)).await.unwrap(), Written::At(4));
        assert_eq!(proxy.take_calls(), ["TransactWriteItems"; 2]);

        proxy.lose_answer_of("PutItem");
        assert!(matches!(store.finish(job.id, 1, &success()).await.unwrap(), Finished::First(_)));
        assert_eq!(proxy.take_calls(), ["PutItem"; 2]);

        let stored = store.get(job.id).await.unwrap().unwrap();
        assert_eq!((stored.version, stored.attempt, stored.progress.pages), (5, 1, 1));
        assert_eq!(store.pages(job.id, 0).await.unwrap().len(), 1);
    });
}

#[test]
fn a_short_job_costs_a_handful_of_calls() {
    behind_proxy(async |backend, proxy| {
        let Backend { queue, store, topic, .. } = backend;
        let job = new_job();
        store.create(&job, None).await.unwrap();
        queue.send("a job", NO_TIME).await.unwrap();
        assert_eq!(proxy.take_calls(), ["PutItem", "SendMessage"], "submit");

        let delivery = queue.receive(NO_TIME, MINUTE).await.unwrap().unwrap();
        let Claim::Won(claimed) = store.claim(job.id, crate::MESSAGE).await.unwrap() else {
            panic!("not won")
        };
        topic.publish(&JobEvent::state_of(&claimed)).await.unwrap();
        assert_eq!(proxy.take_calls(), ["ReceiveMessage", "GetItem", "PutItem", "Publish"], "start");

        store.append_cues(job.id, 1, &page(0), &transcribing(0.5)).await.unwrap();
        topic.publish(&JobEvent::cues_of(&claimed, &page(0))).await.unwrap();
        assert_eq!(proxy.take_calls(), ["TransactWriteItems", "Publish"], "each page");

        let Finished::First(ended) = store.finish(job.id, 1, &success()).await.unwrap() else {
            panic!("not first")
        };
        topic.publish(&JobEvent::state_of(&ended)).await.unwrap();
        queue.delete(&delivery.receipt).await.unwrap();
        assert_eq!(proxy.take_calls(), ["PutItem", "Publish", "DeleteMessage"], "end");

        store.get(job.id).await.unwrap().unwrap();
        assert_eq!(store.pages(job.id, 0).await.unwrap().len(), 1);
        assert_eq!(proxy.take_calls(), ["GetItem", "Query"], "read");
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
        proxy.heard_of("Unsubscribe").await;
        assert!(proxy.take_calls().contains(&"DeleteQueue".to_owned()));
        let queues = proxy.sqs("ListQueues", r#"{"QueueNamePrefix": "cuelight-events-"}"#).await;
        assert!(!queues.contains(&url));
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
