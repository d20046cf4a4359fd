//! The endpoint that SNS posts to: what is refused, and that nothing goes out because of it.
//!
//! Keys and certificates are our own; the host of certificates is a TLS server of ours under SNS's name. Everything
//! else is what runs.

mod signer;
mod trap;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backend::aws::sns::{Inbox, Secret, Signal, SignaturePolicy, SnsEndpoint, TopicArn, signals};
use backend::{Heard, MAX_POST_BYTES};
use domain::{JobChange, JobEvent, JobId, WallTime};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use signer::Signer;
use trap::{CertificateHost, Trap};

const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:jobs";
const HOST: &str = "sns.eu-central-1.amazonaws.com";
const FILE: &str = "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";

/// The endpoint of one subscriber, served as the server serves it.
struct Endpoint {
    address: SocketAddr,
    path: String,
    client: reqwest::Client,
    certificates: CertificateHost,
    signer: Signer,
    heard: mpsc::Receiver<Heard>,
    signals: mpsc::Receiver<Signal>,
    listener: Arc<backend::aws::sns::Listener>,
    _server: tokio::task::JoinHandle<()>,
}

impl Endpoint {
    async fn start() -> Endpoint {
        Endpoint::start_with(SignaturePolicy::Any).await
    }

    async fn start_with(policy: SignaturePolicy) -> Endpoint {
        let signer = Signer::new("sns.amazonaws.com");
        let certificates = CertificateHost::start(HOST).await;
        certificates.serve(FILE, &signer.certificate());
        let topic = TopicArn::parse(TOPIC).unwrap();
        let endpoint = Arc::new(SnsEndpoint::new(topic, policy, certificates.client()));
        let (inbox, heard) = Inbox::new();
        let (sender, signals) = signals();
        let secret = Secret::random();
        let path = format!("/sns/{}", secret.expose());
        let listener = endpoint.open(secret, Arc::new(inbox), sender);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let server = tokio::spawn(async move {
            axum::serve(socket, server::sns::router(endpoint)).await.unwrap();
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Endpoint { address, path, client, certificates, signer, heard, signals, listener, _server: server }
    }

    async fn post(&self, message: &Value) -> StatusCode {
        self.post_as(message["Type"].as_str().unwrap_or_default(), message.to_string()).await
    }

    async fn post_as(&self, kind: &str, body: impl Into<reqwest::Body>) -> StatusCode {
        self.post_to(&self.path, kind, body).await
    }

    async fn post_to(&self, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> StatusCode {
        let request = self
            .client
            .post(format!("http://{}{path}", self.address))
            .header("content-type", "text/plain; charset=UTF-8")
            .header("x-amz-sns-message-type", kind)
            .body(body);
        request.send().await.unwrap().status()
    }

    fn nothing_happened(&mut self, case: &str) {
        assert!(self.heard.try_recv().is_err(), "{case}: an event got through");
        assert!(self.signals.try_recv().is_err(), "{case}: a signal got through");
    }
}

fn event(version: u64) -> JobEvent {
    JobEvent { id: JobId::from_bits(7), version, change: JobChange::Expired }
}

/// An event as SNS posts it, unsigned yet.
fn notification(event: &JobEvent) -> Value {
    json!({
        "Type": "Notification",
        "MessageId": format!("22b80b92-fdea-4c2c-8f9d-{:012x}", rand::random::<u32>()),
        "TopicArn": TOPIC,
        "Message": serde_json::to_string(event).unwrap(),
        "Timestamp": WallTime::now().to_string(),
        "SignatureVersion": "2",
        "SigningCertURL": format!("https://{HOST}/{FILE}"),
        "UnsubscribeURL": format!("https://{HOST}/?Action=Unsubscribe"),
    })
}

fn confirmation(subscribe_url: &str) -> Value {
    let mut message = notification(&event(1));
    message["Type"] = json!("SubscriptionConfirmation");
    message["Message"] = json!("You have chosen to subscribe");
    message["Token"] = json!("a token");
    message["SubscribeURL"] = json!(subscribe_url);
    message
}

fn with(mut message: Value, field: &str, value: impl Into<Value>) -> Value {
    message[field] = value.into();
    message
}

fn without(mut message: Value, field: &str) -> Value {
    message.as_object_mut().unwrap().remove(field);
    message
}

#[tokio::test]
async fn a_signed_event_is_heard_once_however_often_it_comes() {
    let mut endpoint = Endpoint::start().await;
    let message = endpoint.signer.sign(notification(&event(3)));
    for _ in 0..10 {
        assert_eq!(endpoint.post(&message).await, 200);
    }
    assert_eq!(endpoint.heard.recv().await, Some(Heard::Event(Box::new(event(3)))));
    endpoint.nothing_happened("a duplicate");
    // Later ones may come before earlier ones: who hears them compares versions.
    for version in [9, 8] {
        let message = endpoint.signer.sign(notification(&event(version)));
        assert_eq!(endpoint.post(&message).await, 200);
        assert_eq!(endpoint.heard.recv().await, Some(Heard::Event(Box::new(event(version)))));
    }
    assert_eq!(endpoint.certificates.requests(), 1, "the certificate is kept");
}

#[tokio::test]
async fn a_subject_that_is_empty_and_one_that_is_missing_are_signed_differently() {
    let mut endpoint = Endpoint::start().await;
    let missing = endpoint.signer.sign(notification(&event(1)));
    let empty = endpoint.signer.sign(with(notification(&event(2)), "Subject", ""));
    assert_eq!(endpoint.post(&with(missing.clone(), "Subject", "")).await, 403);
    assert_eq!(endpoint.post(&without(empty.clone(), "Subject")).await, 403);
    endpoint.nothing_happened("a moved subject");
    assert_eq!(endpoint.post(&missing).await, 200);
    assert_eq!(endpoint.post(&empty).await, 200);
}

/// The table of attacks. `trap` is where a server that can be talked into it would go.
#[tokio::test]
async fn a_forged_message_is_refused_changes_nothing_and_sends_us_nowhere() {
    let mut endpoint = Endpoint::start().await;
    let trap = Trap::start().await;
    let stranger = Signer::new("sns.amazonaws.com");
    let signer = endpoint.signer.clone();
    let good = || signer.sign(notification(&event(1)));
    let signed_at = |url: String| signer.sign(with(notification(&event(1)), "SigningCertURL", url));
    let trapped = trap.address;

    let newline = |field: &str| {
        let value = notification(&event(1))[field].as_str().unwrap().to_owned();
        signer.sign(with(notification(&event(1)), field, format!("{value}\nType\nNotification")))
    };
    // What the text under both signatures would be, if the kind were not part of it.
    let as_confirmation = with(
        with(with(good(), "Type", "SubscriptionConfirmation"), "Token", "t"),
        "SubscribeURL",
        format!("http://{trapped}/"),
    );
    let moved = {
        let message = signer.sign(with(notification(&event(1)), "Message", "m\nMessageId\nother"));
        with(with(message, "Message", "m"), "MessageId", "other\nMessageId\nother")
    };
    let old = WallTime::now() - Duration::from_secs(2 * 60 * 60);
    let ahead = WallTime::now() + Duration::from_secs(2 * 60 * 60);
    let attacks: Vec<(&str, Value)> = vec![
        ("no signature", notification(&event(1))),
        ("an emulator's signature", with(notification(&event(1)), "Signature", "FAKE")),
        ("a bad signature", with(good(), "Signature", "AAAA")),
        ("a good signature by another key", stranger.sign(notification(&event(1)))),
        ("another message under the signature", with(good(), "Message", "{}")),
        ("another id under the signature", with(good(), "MessageId", "another")),
        ("another time under the signature", with(good(), "Timestamp", WallTime::UNIX_EPOCH.to_string())),
        ("another version of the signature", with(good(), "SignatureVersion", "1")),
        ("an unknown version of the signature", with(good(), "SignatureVersion", "3")),
        ("no version of the signature", without(good(), "SignatureVersion")),
        ("a notification as a confirmation", as_confirmation),
        ("fields moved between the orders", moved),
        ("a newline in the id", newline("MessageId")),
        ("a newline in the time", newline("Timestamp")),
        ("a newline in the topic", newline("TopicArn")),
        ("a newline in the subject", signer.sign(with(notification(&event(1)), "Subject", "a\nb"))),
        ("a subject that was not signed", with(good(), "Subject", "s")),
        ("a certificate without TLS", signed_at(format!("http://{HOST}/{FILE}"))),
        ("a certificate at a bucket", signed_at(format!("https://sns.s3.amazonaws.com/{FILE}"))),
        ("a certificate at a longer host", signed_at(format!("https://{HOST}.evil.test/{FILE}"))),
        ("a certificate at a user's host", signed_at(format!("https://{HOST}@{trapped}/{FILE}"))),
        ("a certificate with user info", signed_at(format!("https://user:pass@{HOST}/{FILE}"))),
        ("a certificate with a query", signed_at(format!("https://{HOST}/{FILE}?a=b"))),
        ("a certificate with a port", signed_at(format!("https://{HOST}:{}/{FILE}", trapped.port()))),
        ("a certificate of another region", signed_at(format!("https://sns.us-east-1.amazonaws.com/{FILE}"))),
        ("a certificate in another folder", signed_at(format!("https://{HOST}/a/{FILE}"))),
        ("a certificate of another name", signed_at(format!("https://{HOST}/evil.pem"))),
        ("a certificate at the trap", signed_at(format!("http://{trapped}/{FILE}"))),
        ("a certificate at the metadata", signed_at("http://169.254.169.254/latest/".into())),
        ("a certificate in a file", signed_at("file:///etc/passwd".into())),
        ("no certificate", without(good(), "SigningCertURL")),
        (
            "somebody else's topic",
            signer.sign(with(notification(&event(1)), "TopicArn", TOPIC.replace("jobs", "other"))),
        ),
        (
            "our topic in another account",
            signer.sign(with(notification(&event(1)), "TopicArn", TOPIC.replace("1234", "9999"))),
        ),
        (
            "a replay after two hours",
            signer.sign(with(notification(&event(1)), "Timestamp", old.to_string())),
        ),
        (
            "a message from the future",
            signer.sign(with(notification(&event(1)), "Timestamp", ahead.to_string())),
        ),
        ("no time", signer.sign(with(notification(&event(1)), "Timestamp", "soon"))),
        ("a confirmation nobody asked for", signer.sign(confirmation(&format!("http://{trapped}/")))),
        ("a confirmation of the metadata", signer.sign(confirmation("http://169.254.169.254/"))),
        ("a confirmation without a token", without(confirmation("http://a.test/"), "Token")),
        ("an unknown kind", signer.sign(with(notification(&event(1)), "Type", "Other"))),
        ("no message", without(good(), "Message")),
        ("a number for a text", with(good(), "Message", 1)),
    ];
    for (case, message) in &attacks {
        assert_eq!(endpoint.post(message).await, 403, "{case}");
        endpoint.nothing_happened(case);
    }
    assert_eq!(endpoint.post_as("SubscriptionConfirmation", good().to_string()).await, 403, "another header");
    assert_eq!(endpoint.post_as("", good().to_string()).await, 403, "an empty header");
    let twice = good().to_string().replacen('{', r#"{"Message": "first","#, 1);
    assert_eq!(endpoint.post_as("Notification", twice).await, 403, "a field twice");
    assert_eq!(endpoint.post_as("Notification", "hello").await, 403, "no JSON");
    assert_eq!(endpoint.post_as("Notification", vec![0xff; 100]).await, 403, "no text");
    assert_eq!(endpoint.post_as("Notification", "").await, 403, "nothing");
    endpoint.nothing_happened("the last ones");
    assert_eq!(trap.connections(), 0);
    // SNS's own certificate, which the true messages need too.
    assert_eq!(endpoint.certificates.requests(), 1);
    assert_eq!(endpoint.post(&good()).await, 200, "the true one still gets through");
}

#[tokio::test]
async fn a_confirmation_is_answered_once_when_we_asked_and_its_link_is_never_visited() {
    let mut endpoint = Endpoint::start().await;
    let trap = Trap::start().await;
    let link = format!("http://{}/?Action=ConfirmSubscription", trap.address);
    let message = endpoint.signer.sign(confirmation(&link));
    endpoint.listener.set_pending(true);
    assert_eq!(endpoint.post(&message).await, 200);
    let Some(Signal::Confirm(token)) = endpoint.signals.recv().await else { panic!("no token") };
    assert_eq!(token, "a token");
    assert_eq!(endpoint.post(&message).await, 200, "it came again");
    assert_eq!(endpoint.post(&endpoint.signer.sign(confirmation(&link))).await, 403, "another one");
    endpoint.nothing_happened("a second confirmation");
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn an_end_of_the_subscription_is_told() {
    let mut endpoint = Endpoint::start().await;
    let message = with(confirmation("http://a.test/"), "Type", "UnsubscribeConfirmation");
    assert_eq!(endpoint.post(&endpoint.signer.sign(message)).await, 200);
    assert!(matches!(endpoint.signals.recv().await, Some(Signal::Unsubscribed)));
}

#[tokio::test]
async fn a_certificate_must_be_of_sns_and_of_today() {
    let day = Duration::from_secs(24 * 60 * 60);
    let now = WallTime::now();
    for (case, signer) in [
        ("another subject", Signer::new("evil.test")),
        ("another region's", Signer::new("sns-signing.me-south-1.amazonaws.com")),
        ("expired", Signer::valid("sns.amazonaws.com", now - day * 2, now - day)),
        ("not valid yet", Signer::valid("sns.amazonaws.com", now + day, now + day * 2)),
    ] {
        let mut endpoint = Endpoint::start().await;
        endpoint.certificates.serve(FILE, &signer.certificate());
        assert_eq!(endpoint.post(&signer.sign(notification(&event(1)))).await, 403, "{case}");
        endpoint.nothing_happened(case);
    }
    let endpoint = Endpoint::start().await;
    let message = endpoint.signer.sign(notification(&event(1)));
    for (case, body) in
        [("no certificate", "hello".to_owned()), ("a large file", endpoint.signer.certificate().repeat(100))]
    {
        let endpoint = Endpoint::start().await;
        endpoint.certificates.serve(FILE, &body);
        assert_eq!(endpoint.post(&message).await, 403, "{case}");
    }
    let elsewhere = Endpoint::start().await;
    let trap = Trap::start().await;
    elsewhere.certificates.redirect(FILE, &format!("http://{}/", trap.address));
    assert_eq!(elsewhere.post(&message).await, 403, "a redirect");
    assert_eq!(trap.connections(), 0);
}

#[tokio::test]
async fn a_certificate_that_is_unreachable_makes_sns_come_again_and_is_asked_for_once_in_half_a_minute() {
    let endpoint = Endpoint::start().await;
    endpoint.certificates.fail(FILE);
    let message = endpoint.signer.sign(notification(&event(1)));
    let posts = (0..20).map(|_| endpoint.post(&message));
    let statuses = futures::future::join_all(posts).await;
    assert_eq!(statuses, [StatusCode::SERVICE_UNAVAILABLE; 20]);
    assert_eq!(endpoint.post(&message).await, 503);
    assert_eq!(endpoint.certificates.requests(), 1);
    // Still, after it is well again: the failure is kept for 30 s, and another file is not.
    endpoint.certificates.serve(FILE, &endpoint.signer.certificate());
    assert_eq!(endpoint.post(&message).await, 503);
    let other = FILE.replace("0123", "4567");
    endpoint.certificates.serve(&other, &endpoint.signer.certificate());
    let message = with(notification(&event(1)), "SigningCertURL", format!("https://{HOST}/{other}"));
    assert_eq!(endpoint.post(&endpoint.signer.sign(message)).await, 200);
}

#[tokio::test]
async fn a_host_of_certificates_that_says_nothing_costs_a_second() {
    let endpoint = Endpoint::start().await;
    endpoint.certificates.stall(FILE);
    let message = endpoint.signer.sign(notification(&event(1)));
    let started = std::time::Instant::now();
    assert_eq!(endpoint.post(&message).await, 503);
    assert!(started.elapsed() < Duration::from_millis(1500), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_host_of_certificates_with_a_certificate_of_its_own_making_is_not_believed() {
    let endpoint = Endpoint::start().await;
    let impostor = CertificateHost::start(HOST).await;
    impostor.serve(FILE, &endpoint.signer.certificate());
    endpoint.certificates.send_to(&impostor);
    assert_eq!(endpoint.post(&endpoint.signer.sign(notification(&event(1)))).await, 503);
    assert_eq!(impostor.requests(), 0);
}

#[tokio::test]
async fn version_one_is_refused_where_it_was_told_so() {
    let endpoint = Endpoint::start_with(SignaturePolicy::VersionTwo).await;
    let message = endpoint.signer.sign(notification(&event(1)));
    assert_eq!(endpoint.post(&with(message.clone(), "SignatureVersion", "1")).await, 403);
    assert_eq!(endpoint.certificates.requests(), 0);
    assert_eq!(endpoint.post(&message).await, 200);
}

#[tokio::test]
async fn without_signatures_everything_else_still_counts() {
    let mut endpoint = Endpoint::start_with(SignaturePolicy::Unsigned).await;
    let message = notification(&event(1));
    assert_eq!(endpoint.post(&with(message.clone(), "TopicArn", TOPIC.replace("jobs", "other"))).await, 403);
    assert_eq!(endpoint.post(&with(message.clone(), "Timestamp", "2020-01-01T00:00:00.000Z")).await, 403);
    assert_eq!(endpoint.post_as("SubscriptionConfirmation", message.to_string()).await, 403);
    assert_eq!(endpoint.post(&confirmation("http://a.test/")).await, 403);
    endpoint.nothing_happened("a refused one");
    assert_eq!(endpoint.post(&message).await, 200);
    assert_eq!(endpoint.certificates.requests(), 0);
}

#[tokio::test]
async fn a_body_may_have_any_type_and_300_kb_is_too_much() {
    let endpoint = Endpoint::start().await;
    let url = format!("http://{}{}", endpoint.address, endpoint.path);
    for content_type in [Some("text/plain; charset=UTF-8"), Some("application/json"), None] {
        let message = endpoint.signer.sign(notification(&event(1)));
        let request = endpoint.client.post(&url).header("x-amz-sns-message-type", "Notification");
        let request = match content_type {
            Some(content_type) => request.header("content-type", content_type),
            None => request,
        };
        assert_eq!(request.body(message.to_string()).send().await.unwrap().status(), 200, "{content_type:?}");
    }
    let large = |bytes: usize| {
        let message = notification(&event(1));
        let rest = message.to_string().len() - message["Message"].as_str().unwrap().len();
        let message = endpoint.signer.sign(with(message, "Message", "m".repeat(bytes - rest - 360)));
        message.to_string()
    };
    assert_eq!(endpoint.post_as("Notification", large(256 * 1024)).await, 200);
    assert_eq!(endpoint.post_as("Notification", "m".repeat(300 * 1024)).await, 413);
    assert_eq!(endpoint.post_to("/sns/elsewhere", "Notification", "m".repeat(300 * 1024)).await, 413);
    // Without a declared length it is read up to the limit.
    let chunks =
        futures::stream::iter((0..4).map(|_| Ok::<_, std::io::Error>("m".repeat(MAX_POST_BYTES / 3))));
    assert_eq!(endpoint.post_as("Notification", reqwest::Body::wrap_stream(chunks)).await, 413);
}

#[tokio::test]
async fn a_path_that_is_not_secret_is_nowhere() {
    let mut endpoint = Endpoint::start().await;
    let message = endpoint.signer.sign(notification(&event(1))).to_string();
    let almost = &endpoint.path[..endpoint.path.len() - 1];
    let upper = endpoint.path.to_uppercase().replace("/SNS/", "/sns/");
    for path in [
        "/sns/",
        "/sns",
        "/",
        "/sns/0",
        "/sns/%00",
        almost,
        &format!("{almost}g"),
        &format!("{}/", endpoint.path),
        &format!("{}x", endpoint.path),
        &upper,
    ] {
        if path != endpoint.path {
            assert_eq!(endpoint.post_to(path, "Notification", message.clone()).await, 404, "{path}");
        }
    }
    endpoint.nothing_happened("another path");
    assert_eq!(endpoint.certificates.requests(), 0);
    let read = endpoint.client.get(format!("http://{}{}", endpoint.address, endpoint.path)).send().await;
    assert_eq!(read.unwrap().status(), 405);
}

#[tokio::test]
async fn a_subscriber_that_is_behind_makes_sns_come_again_and_hears_of_the_gap() {
    let mut endpoint = Endpoint::start_with(SignaturePolicy::Unsigned).await;
    let mut taken = 0;
    let late = loop {
        let message = notification(&event(taken + 1));
        match endpoint.post(&message).await.as_u16() {
            200 => taken += 1,
            503 => break message,
            status => panic!("{status}"),
        }
    };
    assert!(taken >= 100, "{taken}");
    for version in 1..=taken {
        assert_eq!(endpoint.heard.recv().await, Some(Heard::Event(Box::new(event(version)))));
    }
    assert_eq!(endpoint.post(&late).await, 200, "it was not remembered as taken");
    assert_eq!(endpoint.heard.recv().await, Some(Heard::Gap));
    assert_eq!(endpoint.heard.recv().await, Some(Heard::Event(Box::new(event(taken + 1)))));
}

#[tokio::test]
async fn ten_thousand_posts_of_garbage_are_answered_quickly() {
    let mut endpoint = Endpoint::start().await;
    let garbage = with(notification(&event(1)), "Signature", "AAAA").to_string();
    let started = std::time::Instant::now();
    let posters = (0..20).map(|number| {
        let (endpoint, garbage) = (&endpoint, &garbage);
        async move {
            for _ in 0..500 {
                let status = match number % 3 {
                    0 => endpoint.post_as("Notification", garbage.clone()).await,
                    1 => endpoint.post_as("Notification", "garbage").await,
                    _ => endpoint.post_to("/sns/garbage", "Notification", "garbage").await,
                };
                assert!(matches!(status.as_u16(), 403 | 404), "{status}");
            }
        }
    });
    futures::future::join_all(posters).await;
    // A few seconds in an unoptimised build; the bound only tells quick from stuck.
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert!(endpoint.certificates.requests() <= 1);
    endpoint.nothing_happened("garbage");
    let message = endpoint.signer.sign(notification(&event(1)));
    assert_eq!(endpoint.post(&message).await, 200);
}
