//! What only these adapters promise.

use std::time::Duration;

use backend::{AwsConfig, Heard, QueueStats};
use domain::{Corrections, Cue, JobChange, JobEvent, Progress, Timestamp, Track};

use super::provisioned;
use crate::{new_job, run};

const NO_TIME: Duration = Duration::ZERO;
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_setting_that_is_missing_is_named_when_connecting() {
    run(async {
        let (_folder, mut config) = provisioned().await;
        config.aws.table = None;
        config.aws.topic_arn = None;
        let error = backend::connect(&config).await.err().expect("it is not complete");
        assert!(!error.is_transient());
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "the aws backend is not configured: --topic-arn, --table missing");
    });
}

#[test]
fn the_numbers_of_messages_come_without_an_age() {
    run(async {
        let (_folder, config) = provisioned().await;
        let queue = backend::connect(&config).await.unwrap().queue;
        queue.send("held", NO_TIME).await.unwrap();
        queue.receive(NO_TIME, MINUTE).await.unwrap().unwrap();
        queue.send("visible", NO_TIME).await.unwrap();
        queue.send("later", MINUTE).await.unwrap();
        let expected = QueueStats { visible: 1, in_flight: 1, delayed: 1, dead: 0, oldest_age: None };
        assert_eq!(queue.stats().await.unwrap(), expected);
    });
}

#[test]
fn a_large_body_survives_and_one_with_control_characters_is_refused_for_good() {
    run(async {
        let (_folder, config) = provisioned().await;
        let queue = backend::connect(&config).await.unwrap().queue;
        let body = "{\"öäü\u{1F3AC}'; DROP TABLE messages; --\n\"}".repeat(4_000);
        queue.send(&body, NO_TIME).await.unwrap();
        assert_eq!(queue.receive(NO_TIME, MINUTE).await.unwrap().unwrap().body, body);
        let error = queue.send("a \u{0}", NO_TIME).await.unwrap_err();
        assert!(!error.is_transient(), "{error:?}");
    });
}

#[test]
fn corrections_larger_than_an_item_are_saved_in_parts() {
    run(async {
        let (_folder, config) = provisioned().await;
        let store = backend::connect(&config).await.unwrap().store;
        let job = new_job();
        store.create(&job, None).await.unwrap();
        store.claim(job.id, crate::MESSAGE, 1).await.unwrap();
        store.finish(job.id, 1, None, &crate::store_contract::success()).await.unwrap();
        let cue = |number: u64| Cue {
            start: Timestamp(number * 1_000),
            end: Timestamp(number * 1_000 + 900),
            text: "ö".repeat(100),
            doubts: Vec::new(),
        };
        for (saves, cues) in [(0, 6_000), (1, 4_000), (2, 5_000)] {
            let typed = Corrections::whole(&Track::new(None, (0..cues).map(cue).collect()).unwrap());
            store.save_corrections(job.id, saves, &typed).await.unwrap();
            assert!(
                store.read(job.id).await.unwrap().unwrap().corrections == typed,
                "{cues} cues came back otherwise"
            );
        }
    });
}

#[test]
fn a_page_too_large_for_an_item_is_refused_for_good_and_changes_nothing() {
    run(async {
        let (_folder, config) = provisioned().await;
        let store = backend::connect(&config).await.unwrap().store;
        let job = new_job();
        store.create(&job, None).await.unwrap();
        store.claim(job.id, crate::MESSAGE, 1).await.unwrap();
        let mut page = crate::store_contract::page(0);
        page.cues[0].text = "x".repeat(400_000);
        let progress = crate::store_contract::transcribing(0.5);
        let error = store.append_cues(job.id, 1, &page, &progress).await.unwrap_err();
        assert!(!error.is_transient());
        assert_eq!(store.get(job.id).await.unwrap().unwrap().progress.pages, 0);
        let page = crate::store_contract::page(0);
        store.append_cues(job.id, 1, &page, &progress).await.unwrap();
        assert_eq!(store.pages(job.id, 0).await.unwrap().len(), 1);
    });
}

#[test]
fn media_in_many_parts_come_back_whole() {
    run(async {
        let (_folder, config) = provisioned().await;
        let media = backend::connect(&config).await.unwrap().media;
        let id = crate::new_id();
        let mut writer = media.write(id).await.unwrap();
        let mut expected = Vec::new();
        for number in 0..40u8 {
            let piece = bytes::Bytes::from(vec![number; 1 << 20]);
            expected.extend_from_slice(&piece);
            writer.write(piece).await.unwrap();
        }
        assert_eq!(writer.finish().await.unwrap(), expected.len() as u64);
        for _ in 0..2 {
            let Some(backend::MediaLocation::File(path)) = media.locate(id).await.unwrap() else {
                panic!("it is not there")
            };
            assert!(std::fs::read(path).unwrap() == expected, "the content changed");
        }
    });
}

#[test]
fn only_an_emulator_on_this_machine_is_provisioned() {
    run(async {
        for endpoint in [None, Some("https://127.0.0.1:1"), Some("http://example.com")] {
            let config = AwsConfig { aws_endpoint: endpoint.map(Into::into), ..AwsConfig::default() };
            let error = backend::aws::provision(&config, "name", 3).await.unwrap_err();
            assert!(!error.is_transient());
        }
    });
}

/// SNS refuses what is larger than 256 KB.
#[test]
fn an_event_too_large_for_the_topic_is_told_without_its_cues() {
    run(async {
        let (_folder, config) = provisioned().await;
        let topic = backend::connect(&config).await.unwrap().topic;
        let mut heard = topic.subscribe().await.unwrap();
        let cue = |number: u64| Cue {
            start: Timestamp(number * 1_000),
            end: Timestamp(number * 1_000 + 900),
            text: "ö".repeat(100),
            doubts: Vec::new(),
        };
        let progress = Progress { pages: 1, cues: 2_000, ..Progress::default() };
        let change = JobChange::Cues { page: 0, cues: (0..2_000).map(cue).collect(), progress };
        let event = JobEvent { id: new_job().id, version: 3_000, change };
        topic.publish(&event).await.unwrap();
        assert_eq!(heard.next().await, Some(Heard::Event(Box::new(event.without_cues()))));
    });
}
