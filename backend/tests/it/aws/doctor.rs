//! What the doctor says of AWS when everything is right, and when one thing is not.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use aws_sdk_sqs::types::QueueAttributeName;
use backend::BackendConfig;
use backend::doctor::{Finding, Verdict, examine, examine_topic};

use super::{emulator, provisioned};
use crate::run;

#[test]
fn the_doctor_finds_nothing_wrong_with_what_was_provisioned() {
    run(async {
        let (_folder, config) = provisioned().await;
        set(&config, QueueAttributeName::RedrivePolicy, &policy(&dead_arn(&config), 10)).await;
        let findings = examine(&config).await;
        let subjects: Vec<&str> = findings.iter().map(|finding| finding.subject).collect();
        let expected = [
            "data folder",
            "configuration",
            "credentials",
            "clock",
            "queue",
            "dead letters",
            "redrive policy",
            "retention",
            "topic",
            "table",
            "expiry",
            "items",
            "bucket",
        ];
        assert_eq!(subjects, expected);
        // How full this disk is, is not for this test.
        for finding in &findings[1..] {
            assert_eq!(finding.verdict, Verdict::Ok, "{finding}");
        }
    });
}

#[test]
fn the_doctor_hears_itself_through_the_topic_and_leaves_no_subscription() {
    run(async {
        let (_folder, config) = provisioned().await;
        let found = examine_topic(&config).await;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].subject, found[0].verdict), ("subscription", Verdict::Ok), "{}", found[0]);
        let findings = examine(&config).await;
        let topic = findings.iter().find(|finding| finding.subject == "topic").expect("looked at");
        assert!(topic.found.ends_with(": 0 subscriptions"), "{topic}");
    });
}

#[test]
fn the_doctor_asks_the_public_address_whether_a_server_is_there() {
    run(async {
        let (_folder, mut config) = provisioned().await;
        let mut check = async |answer: Option<&'static str>, verdict: Verdict, words: &str| {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("it has one");
            config.aws.public_url = Some(format!("http://{address}"));
            let serving = tokio::spawn(async move {
                // A listener that is dropped refuses.
                let Some(answer) = answer else { return };
                let answer = move || async move { (axum::http::StatusCode::NOT_FOUND, [(answer, "1")], "") };
                let router = axum::Router::new().route("/sns/{secret}", axum::routing::post(answer));
                axum::serve(listener, router).await.expect("it serves");
            });
            let found = examine_topic(&config).await.pop().expect("the address was asked");
            serving.abort();
            assert_eq!((found.subject, found.verdict), ("public address", verdict), "{found}");
            assert!(found.found.contains(words), "{found}");
        };
        check(Some("x-any"), Verdict::Ok, "a server answers").await;
        check(Some("ngrok-error-code"), Verdict::Warn, "leads to no server").await;
        check(None, Verdict::Warn, "nobody answers").await;
    });
}

/// Provisions, breaks, and looks: the line of `subject` says so in `words`, and no other line fails.
async fn check(
    broken: impl AsyncFnOnce(&mut BackendConfig),
    (subject, verdict, words): (&str, Verdict, &str),
) {
    let (_folder, mut config) = provisioned().await;
    set(&config, QueueAttributeName::RedrivePolicy, &policy(&dead_arn(&config), 10)).await;
    broken(&mut config).await;
    let findings: Vec<Finding> = examine(&config).await.split_off(1);
    let finding = findings.iter().find(|finding| finding.subject == subject).expect("it was looked at");
    assert_eq!(finding.verdict, verdict, "{finding}");
    assert!(finding.to_string().contains(words), "{finding} has no {words}");
    assert!(!finding.advice.is_empty(), "{finding}");
    let others = findings.iter().filter(|other| other.subject != subject);
    for other in others {
        assert_eq!(other.verdict, Verdict::Ok, "{other}");
    }
}

#[test]
fn the_doctor_tells_what_is_wrong_with_the_queues() {
    use QueueAttributeName::{MessageRetentionPeriod, RedrivePolicy, VisibilityTimeout};
    run(async {
        let redrive = |verdict, words| ("redrive policy", verdict, words);
        check(async |config| set(config, RedrivePolicy, "").await, redrive(Verdict::Fail, "there is none"))
            .await;
        check(
            async |config| set(config, RedrivePolicy, &policy(&dead_arn(config), 2)).await,
            redrive(Verdict::Warn, "after 2 receives"),
        )
        .await;
        check(
            async |config| {
                let (_folder, other) = provisioned().await;
                set(config, RedrivePolicy, &policy(&dead_arn(&other), 10)).await;
            },
            redrive(Verdict::Fail, "not the configured one"),
        )
        .await;
        check(
            async |config| set(config, MessageRetentionPeriod, "600").await,
            ("retention", Verdict::Warn, "messages 10 min"),
        )
        .await;
        check(
            async |config| set(config, MessageRetentionPeriod, "1209600").await,
            ("retention", Verdict::Warn, "dead letters for 14 days"),
        )
        .await;
        check(
            async |config| set(config, VisibilityTimeout, "0").await,
            ("retention", Verdict::Warn, "hides no message"),
        )
        .await;
        check(
            async |config| config.aws.queue_url.as_mut().expect("provisioned").push_str("-gone"),
            ("queue", Verdict::Fail, "-gone"),
        )
        .await;
        check(
            async |config| config.aws.dead_letter_queue_url.as_mut().expect("provisioned").push_str("-gone"),
            ("dead letters", Verdict::Fail, "-gone"),
        )
        .await;
        check(
            async |config| config.aws.topic_arn.as_mut().expect("provisioned").push_str("-gone"),
            ("topic", Verdict::Fail, "-gone"),
        )
        .await;
    });
}

#[test]
fn the_doctor_tells_what_is_wrong_with_table_and_bucket() {
    const ALL: [(&str, &str, &str); 3] = [
        ("by_status", "status", "created"),
        ("by_end", "kind", "finished"),
        ("by_expiry", "kind", "expires"),
    ];
    let other = async |config: &mut BackendConfig, indexes: &[(&str, &str, &str)], ttl: Option<&str>| {
        let name = format!("{}-other", config.aws.table.clone().expect("provisioned"));
        create_table(&name, indexes, ttl).await;
        config.aws.table = Some(name);
    };
    run(async {
        check(
            async |config| config.aws.table = Some("gone".into()),
            ("table", Verdict::Fail, "gone: ResourceNotFoundException"),
        )
        .await;
        check(
            async |config| other(config, &ALL, None).await,
            ("expiry", Verdict::Fail, "update-time-to-live"),
        )
        .await;
        check(
            async |config| other(config, &ALL, Some("expires")).await,
            ("expiry", Verdict::Fail, "goes by expires"),
        )
        .await;
        check(
            async |config| other(config, &ALL[..2], Some("ttl")).await,
            ("table", Verdict::Fail, "no index by_expiry"),
        )
        .await;
        let wrong = [ALL[0], ("by_end", "kind", "expires"), ALL[2]];
        check(
            async |config| other(config, &wrong, Some("ttl")).await,
            ("table", Verdict::Fail, "keys of by_end are kind and expires"),
        )
        .await;
        check(
            async |config| config.aws.bucket = Some("there-is-no-such-bucket".into()),
            ("bucket", Verdict::Fail, "there-is-no-such-bucket"),
        )
        .await;
    });
}

#[test]
fn the_doctor_tells_of_missing_settings_and_of_silence() {
    run(async {
        let (_folder, mut config) = provisioned().await;
        config.aws.topic_arn = None;
        let last = examine(&config).await.pop().expect("there is a finding");
        assert_eq!((last.subject, last.verdict), ("configuration", Verdict::Fail));
        assert!(last.found.contains("--topic-arn"), "{last}");

        let (_folder, mut config) = provisioned().await;
        // Nobody may listen on the port of discards.
        config.aws.aws_endpoint = Some("http://127.0.0.1:9".into());
        for url in [&mut config.aws.queue_url, &mut config.aws.dead_letter_queue_url] {
            *url = Some(url.take().expect("provisioned").replace(emulator::endpoint(), "http://127.0.0.1:9"));
        }
        let findings = examine(&config).await;
        for subject in ["queue", "dead letters", "topic", "table", "bucket"] {
            let finding = findings.iter().find(|finding| finding.subject == subject).expect("looked at");
            assert_eq!(finding.verdict, Verdict::Fail, "{finding}");
        }
    });
}

fn policy(arn: &str, count: u32) -> String {
    format!("{{\"deadLetterTargetArn\":\"{arn}\",\"maxReceiveCount\":\"{count}\"}}")
}

fn dead_arn(config: &BackendConfig) -> String {
    let url = config.aws.dead_letter_queue_url.as_deref().expect("provisioned");
    let name = url.rsplit('/').next().expect("a name");
    format!("arn:aws:sqs:eu-central-1:000000000000:{name}")
}

async fn set(config: &BackendConfig, attribute: QueueAttributeName, value: &str) {
    let builder = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .endpoint_url(emulator::endpoint())
        .credentials_provider(Credentials::new("emulator", "emulator", None, None, "emulator"));
    let sqs = aws_sdk_sqs::Client::from_conf(builder.build());
    let url = config.aws.queue_url.as_deref().expect("provisioned");
    sqs.set_queue_attributes().queue_url(url).attributes(attribute, value).send().await.expect("it is set");
}

async fn create_table(name: &str, indexes: &[(&str, &str, &str)], ttl: Option<&str>) {
    let builder = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .endpoint_url(emulator::endpoint())
        .credentials_provider(Credentials::new("emulator", "emulator", None, None, "emulator"));
    let dynamodb = aws_sdk_dynamodb::Client::from_conf(builder.build());
    let key = |name: &str, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete")
    };
    let keys = |partition, sort| vec![key(partition, KeyType::Hash), key(sort, KeyType::Range)];
    let mut request = dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(keys("pk", "sk")));
    // Attributes that no key names may not be defined.
    let mut attributes = vec!["pk", "sk"];
    attributes.extend(indexes.iter().flat_map(|(_, partition, sort)| [*partition, *sort]));
    attributes.sort_unstable();
    attributes.dedup();
    for attribute in attributes {
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S)
            .build();
        request = request.attribute_definitions(definition.expect("complete"));
    }
    for (index, partition, sort) in indexes {
        let index = GlobalSecondaryIndex::builder()
            .index_name(*index)
            .set_key_schema(Some(keys(*partition, *sort)))
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
            .build();
        request = request.global_secondary_indexes(index.expect("complete"));
    }
    request.send().await.expect("the table is made");
    if let Some(attribute) = ttl {
        let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
        let request = dynamodb.update_time_to_live().table_name(name);
        request.time_to_live_specification(ttl.expect("complete")).send().await.expect("it is set");
    }
}
