//! Whether what is published reaches a server.

use std::time::{Duration, Instant};

use domain::{JobChange, JobEvent, JobId};
use futures::FutureExt as _;

use crate::doctor::{Finding, causes};
use crate::{Backend, BackendConfig, Heard, Result};

/// A new subscription of SNS may take its time.
const PATIENCE: Duration = Duration::from_secs(40);

/// For the public address.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

pub async fn examine(config: &BackendConfig) -> Vec<Finding> {
    let mut findings = vec![subscription(config).await];
    if let Some(url) = &config.aws.public_url {
        findings.push(public_url(url).await);
    }
    findings
}

/// Subscribes, publishes an event of no job, and hears it; then unsubscribes.
async fn subscription(config: &BackendConfig) -> Finding {
    const SUBJECT: &str = "subscription";
    let advice = "may this role subscribe to the topic and make queues cuelight-events-…? \
                  may the topic send to them?";
    // Through a queue: what is posted to the public address, the server that runs there takes.
    let mut config = config.clone();
    config.aws.public_url = None;
    let backend = match crate::connect(&config).await {
        Ok(backend) => backend,
        Err(error) => return Finding::fail(SUBJECT, causes(&error), ""),
    };
    let started = Instant::now();
    let heard = tokio::time::timeout(PATIENCE, hear_own(&backend)).await;
    backend.topic.close().await;
    match heard {
        Ok(Ok(true)) => {
            let seconds = started.elapsed().as_secs_f64();
            Finding::ok(SUBJECT, format!("an event was published and heard in {seconds:.1} s"))
        }
        Ok(Ok(false)) => Finding::fail(SUBJECT, "it was lost at once", advice),
        Ok(Err(error)) => Finding::fail(SUBJECT, causes(&error), advice),
        Err(_) => {
            let found = format!("what was published was not heard in {} s", PATIENCE.as_secs());
            Finding::fail(SUBJECT, found, advice)
        }
    }
}

/// `false`: the topic is lost.
async fn hear_own(backend: &Backend) -> Result<bool> {
    let mut subscription = backend.topic.subscribe().await?;
    // Servers that hear it know of no such job.
    let event = JobEvent { id: JobId::from_bits(rand::random()), version: 1, change: JobChange::Expired };
    backend.topic.publish(&event).await?;
    while let Some(heard) = subscription.next().await {
        match heard {
            Heard::Event(heard) if heard.id == event.id => return Ok(true),
            // Published before it could be heard.
            Heard::Gap => backend.topic.publish(&event).await?,
            Heard::Event(_) => (),
        }
    }
    Ok(false)
}

/// Posts to no secret of anybody's, which a server answers with 404.
async fn public_url(url: &str) -> Finding {
    const SUBJECT: &str = "public address";
    let address = format!("{}/sns/doctor", url.trim_end_matches('/'));
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(ANSWER_PATIENCE)
        .build();
    let answer = async { client?.post(address).body("{}").send().await }.boxed().await;
    let start = "start server and tunnel, and look again";
    match answer {
        Err(error) => Finding::warn(SUBJECT, format!("{url}: nobody answers ({})", causes(&error)), start),
        // A tunnel with nothing at its end says 404 too.
        Ok(answer) if answer.headers().contains_key("ngrok-error-code") => {
            Finding::warn(SUBJECT, format!("{url}: the tunnel leads to no server"), start)
        }
        Ok(answer) if answer.status() == reqwest::StatusCode::NOT_FOUND => {
            Finding::ok(SUBJECT, format!("{url}: a server answers"))
        }
        Ok(answer) => {
            let found = format!("{url}: answers with {}, where a server says 404", answer.status());
            Finding::fail(SUBJECT, found, "is it the address of this server? SNS is sent no further")
        }
    }
}
