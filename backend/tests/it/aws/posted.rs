//! SNS that posts to this instance: confirmed, watched, subscribed anew, and cleaned up after.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use backend::{Backend, BackendConfig, Heard, Reach, Subscription, TopicEndpoint};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{emulator, provisioned};
use crate::run;
use crate::topic_contract::{event, version_heard};

const PATIENCE: Duration = Duration::from_secs(30);

/// An instance with an address of its own, which SNS reaches.
struct Instance {
    backend: Backend,
    _folder: TempDir,
    config: BackendConfig,
    server: JoinHandle<()>,
}

impl Instance {
    async fn start() -> Instance {
        Instance::start_with(None).await
    }

    /// Quick to notice that it is cut off.
    async fn alert() -> Instance {
        Instance::start_with(Some(Duration::from_millis(300))).await
    }

    async fn start_with(topic_ping_every: Option<Duration>) -> Instance {
        let (folder, mut config) = provisioned().await;
        config.aws.topic_ping_every = topic_ping_every;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Instance::start_at(listener, folder, config).await
    }

    async fn start_at(listener: TcpListener, folder: TempDir, mut config: BackendConfig) -> Instance {
        config.aws.public_url = Some(format!("http://{}", listener.local_addr().unwrap()));
        config.aws.sns_accept_unsigned = true;
        let backend = backend::connect(&config).await.unwrap();
        let endpoint = backend.topic.endpoint().unwrap();
        let server = tokio::spawn(serve(listener, endpoint));
        Instance { backend, _folder: folder, config, server }
    }

    /// The emulator as an operator sees it.
    fn sns(&self) -> aws_sdk_sns::Client {
        let config = aws_sdk_sns::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .endpoint_url(emulator::endpoint())
            .credentials_provider(Credentials::new("emulator", "emulator", None, None, "emulator"))
            .build();
        aws_sdk_sns::Client::from_conf(config)
    }

    async fn subscriptions(&self) -> Vec<(String, String)> {
        let topic = self.config.aws.topic_arn.as_deref().unwrap();
        let answer = self.sns().list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
        let subscriptions = answer.subscriptions.unwrap_or_default().into_iter();
        subscriptions.map(|one| (one.subscription_arn.unwrap(), one.endpoint.unwrap())).collect()
    }

    async fn drop_subscriptions(&self) {
        for (arn, _) in self.subscriptions().await {
            self.sns().unsubscribe().subscription_arn(arn).send().await.unwrap();
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, endpoint: Arc<dyn TopicEndpoint>) {
    type Endpoint = State<Arc<dyn TopicEndpoint>>;
    async fn take(
        State(endpoint): Endpoint,
        Path(secret): Path<String>,
        headers: HeaderMap,
        body: Bytes,
    ) -> StatusCode {
        endpoint.take(&secret, &headers, body).await
    }
    let router = axum::Router::new().route("/sns/{secret}", post(take)).with_state(endpoint);
    axum::serve(listener, router).await.unwrap();
}

pub fn on_aws_over_http<F: Future<Output = ()>>(test: impl FnOnce(Backend) -> F) {
    run(async {
        let instance = Instance::start().await;
        test(instance.backend.clone()).await;
    });
}

async fn until(reach: &mut watch::Receiver<Reach>, wanted: Reach) {
    let wait = reach.wait_for(|reach| *reach == wanted);
    tokio::time::timeout(PATIENCE, wait).await.expect("the reach never came").unwrap();
}

#[test]
fn a_subscription_dropped_behind_our_back_is_noticed_and_made_anew() {
    run(async {
        let instance = Instance::alert().await;
        check_recovery(&instance).await;
    });
}

#[test]
fn a_subscription_of_a_queue_dropped_behind_our_back_is_made_anew_too() {
    run(async {
        let mut instance = Instance::alert().await;
        instance.config.aws.public_url = None;
        instance.backend = backend::connect(&instance.config).await.unwrap();
        check_recovery(&instance).await;
    });
}

async fn check_recovery(instance: &Instance) {
    let topic = &instance.backend.topic;
    let mut reach = topic.reach();
    let mut subscription = topic.subscribe().await.unwrap();
    until(&mut reach, Reach::Clustered).await;
    topic.publish(&event(4)).await.unwrap();
    next_event(&mut subscription, 4).await;

    instance.drop_subscriptions().await;
    until(&mut reach, Reach::Isolated).await;
    until(&mut reach, Reach::Clustered).await;
    topic.publish(&event(5)).await.unwrap();
    let gaps = next_event(&mut subscription, 5).await;
    assert!(gaps >= 2, "one when it was noticed, one when it was over: {gaps}");
    assert_eq!(instance.subscriptions().await.len(), 1);

    topic.close().await;
    assert_eq!(subscription.next().await, None);
    assert_eq!(instance.subscriptions().await, [], "nothing stays behind");
    assert_eq!(*reach.borrow(), Reach::Starting);
}

/// The number of gaps before it.
async fn next_event(subscription: &mut Subscription, version: u64) -> usize {
    let mut gaps = 0;
    loop {
        match tokio::time::timeout(PATIENCE, subscription.next()).await.expect("an event in time") {
            Some(Heard::Gap) => gaps += 1,
            heard => {
                assert_eq!(version_heard(heard), version);
                return gaps;
            }
        }
    }
}

#[test]
fn an_instance_that_cannot_be_reached_starts_isolated_and_joins_when_it_can() {
    run(async {
        let mut instance = Instance::alert().await;
        // Bound and closed again: nobody listens where SNS posts to.
        instance.server.abort();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        instance.config.aws.public_url = Some(format!("http://{address}"));
        instance.backend = backend::connect(&instance.config).await.unwrap();

        let mut reach = instance.backend.topic.reach();
        let subscribing = instance.backend.topic.subscribe();
        let mut subscription = tokio::time::timeout(PATIENCE, subscribing).await.unwrap().unwrap();
        assert_eq!(*reach.borrow_and_update(), Reach::Isolated);

        let listener = TcpListener::bind(address).await.unwrap();
        instance.server = tokio::spawn(serve(listener, instance.backend.topic.endpoint().unwrap()));
        until(&mut reach, Reach::Clustered).await;
        instance.backend.topic.publish(&event(2)).await.unwrap();
        assert!(next_event(&mut subscription, 2).await >= 1, "what was published before it joined is lost");
    });
}

/// Each of the killed ones leaves its subscription; its runtime ends without a word to anybody.
#[test]
fn twenty_killed_instances_leave_no_subscription_but_that_of_the_living() {
    let (folder, config) = run(provisioned());
    let folder = Arc::new(folder);
    let mut address = "127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap();
    let start = async |address: std::net::SocketAddr| {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let scratch = TempDir::new_in(folder.path()).unwrap();
        let instance = Instance::start_at(listener, scratch, config.clone()).await;
        let subscription = instance.backend.topic.subscribe().await.unwrap();
        (address, instance, subscription)
    };
    for _ in 0..20 {
        let runtime = crate::runtime();
        let (bound, instance, subscription) = runtime.block_on(start(address));
        address = bound;
        runtime.shutdown_timeout(PATIENCE);
        drop((instance, subscription));
    }
    run(async {
        let (_, instance, subscription) = start(address).await;
        let only_one = async {
            while instance.subscriptions().await.len() > 1 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, only_one).await.expect("the dead are swept");
        let [(_, endpoint)] = &instance.subscriptions().await[..] else { panic!("not one") };
        assert!(endpoint.starts_with(&format!("http://{address}/sns/")));
        // It is the living one's: what is published is heard.
        let mut subscription = subscription;
        instance.backend.topic.publish(&event(9)).await.unwrap();
        assert_eq!(version_heard(subscription.next().await), 9);
    });
}
