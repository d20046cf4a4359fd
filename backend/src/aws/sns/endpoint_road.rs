//! The road over HTTP: SNS posts to an address of this instance.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sns::types::Subscription;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::endpoint::{Listener, SnsEndpoint};
use super::names::{Fingerprint, PublicUrl, Secret, TopicArn};
use super::pulse::LOUD_EVERY;
use super::{Inbox, Road, Signal, ping};
use crate::Result;

/// Others are held for dead after so long without a sign of life, if we listened all the time.
const DEAD_AFTER: Duration = LOUD_EVERY.saturating_mul(4);

/// How many others are kept in mind.
const MAX_OTHERS: usize = 10_000;

pub struct EndpointRoad {
    sns: aws_sdk_sns::Client,
    topic: TopicArn,
    url: PublicUrl,
    secret: Secret,
    endpoint: Arc<SnsEndpoint>,
    listener: Arc<Listener>,
    /// Confirmed.
    subscription: Option<String>,
    others: Others,
    /// What an earlier instance at our own address left is removed once: who comes later than we is alive.
    is_address_swept: bool,
}

impl EndpointRoad {
    pub fn new(
        sns: aws_sdk_sns::Client,
        topic: TopicArn,
        url: PublicUrl,
        secret: Secret,
        endpoint: Arc<SnsEndpoint>,
        inbox: Arc<Inbox>,
        signals: mpsc::Sender<Signal>,
    ) -> EndpointRoad {
        let listener = endpoint.open(secret.clone(), inbox, signals);
        let others = Others { since: None, heard: HashMap::new() };
        EndpointRoad {
            sns,
            topic,
            url,
            secret,
            endpoint,
            listener,
            subscription: None,
            others,
            is_address_swept: false,
        }
    }

    async fn unsubscribe(&mut self) {
        if let Some(subscription) = self.subscription.take()
            && let Err(error) = self.sns.unsubscribe().subscription_arn(subscription).send().await
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a subscription was not removed");
        }
    }
}

#[async_trait]
impl Road for EndpointRoad {
    async fn subscribe(&mut self) -> Result<()> {
        // SNS confirms no subscription that it has; so the whole road is tried, the question included.
        self.unsubscribe().await;
        self.others.since = None;
        // Before the call: the question may be here before its answer.
        self.listener.set_pending(true);
        let request = self
            .sns
            .subscribe()
            .topic_arn(self.topic.as_str())
            .protocol(self.url.protocol)
            .endpoint(self.url.endpoint(&self.secret))
            // Raw messages carry no signature.
            .attributes("RawMessageDelivery", "false")
            .attributes("FilterPolicy", ping::filter_policy(&self.secret.fingerprint()));
        let answer = request.send().await?.subscription_arn;
        // The ARN comes only for one that exists: instead of it there are words until it is confirmed.
        self.subscription = answer.filter(|arn| arn.starts_with("arn:"));
        Ok(())
    }

    async fn confirm(&mut self, token: &str) -> Result<()> {
        let request = self
            .sns
            .confirm_subscription()
            .topic_arn(self.topic.as_str())
            .token(token)
            // Nobody shall end it by the link that is in every message.
            .authenticate_on_unsubscribe("true");
        self.subscription = request.send().await?.subscription_arn;
        Ok(())
    }

    fn hear_of(&mut self, other: Fingerprint) {
        self.others.hear(other, Instant::now());
    }

    fn sweep(&mut self) {
        self.others.since.get_or_insert_with(Instant::now);
        let (others, endpoint) = (self.others.clone(), self.endpoint.clone());
        let was_address_swept = std::mem::replace(&mut self.is_address_swept, true);
        let url = (!was_address_swept).then(|| self.url.clone());
        let (sns, topic) = (self.sns.clone(), self.topic.clone());
        tokio::spawn(async move {
            if let Err(error) = sweep(&sns, &topic, others, &endpoint, url.as_ref()).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "subscriptions of dead instances were not swept");
            }
        });
    }

    async fn leave(&mut self) {
        self.listener.set_pending(false);
        self.unsubscribe().await;
        self.endpoint.close(&self.secret);
    }
}

/// Signs of life of other instances.
#[derive(Clone)]
struct Others {
    /// Since when we listen without a break.
    since: Option<Instant>,
    heard: HashMap<Fingerprint, Instant>,
}

impl Others {
    fn hear(&mut self, other: Fingerprint, now: Instant) {
        if self.heard.len() >= MAX_OTHERS {
            self.heard.retain(|_, heard| now.duration_since(*heard) < DEAD_AFTER);
        }
        if self.heard.len() < MAX_OTHERS || self.heard.contains_key(&other) {
            self.heard.insert(other, now);
        }
    }

    /// `at_our_address`: an endpoint there is dead unless it was heard; two instances never share an address.
    fn is_dead(&self, endpoint: &str, at_our_address: Option<&PublicUrl>, now: Instant) -> bool {
        let Some(fingerprint) = Fingerprint::of_endpoint(endpoint) else { return false };
        let is_within = |since: &Instant| now.duration_since(*since) < DEAD_AFTER;
        if self.heard.get(&fingerprint).is_some_and(is_within) {
            return false;
        }
        let have_listened =
            self.since.is_some_and(|since| !is_within(&since)) && self.heard.len() < MAX_OTHERS;
        have_listened || at_our_address.is_some_and(|url| url.has(endpoint))
    }
}

async fn sweep(
    sns: &aws_sdk_sns::Client,
    topic: &TopicArn,
    mut others: Others,
    ours: &SnsEndpoint,
    at_our_address: Option<&PublicUrl>,
) -> Result<()> {
    let subscriptions = subscriptions(sns, topic).await?;
    // Only now: another subscriber of this process may have come meanwhile, and its secret is known before SNS knows it.
    for mine in ours.fingerprints() {
        others.hear(mine, Instant::now());
    }
    for subscription in subscriptions {
        let endpoint = subscription.endpoint().unwrap_or_default();
        // One that was never confirmed has no ARN; SNS drops it after two days.
        let arn = subscription.subscription_arn().filter(|arn| arn.starts_with("arn:"));
        let Some(arn) = arn.filter(|_| others.is_dead(endpoint, at_our_address, Instant::now())) else {
            continue;
        };
        sns.unsubscribe().subscription_arn(arn).send().await?;
        tracing::info!(subscription = arn, "the subscription of a dead instance was removed");
    }
    Ok(())
}

/// All there are for the topic.
pub async fn subscriptions(sns: &aws_sdk_sns::Client, topic: &TopicArn) -> Result<Vec<Subscription>> {
    let mut subscriptions = Vec::new();
    let mut next = None;
    loop {
        let request = sns.list_subscriptions_by_topic().topic_arn(topic.as_str()).set_next_token(next);
        let answer = request.send().await?;
        subscriptions.extend(answer.subscriptions.unwrap_or_default());
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(subscriptions);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_dead_when_it_was_long_unheard_by_one_who_listened() {
        let url = |host: &str| PublicUrl::parse(&format!("https://{host}.example")).unwrap();
        let (ours, theirs) = (url("ours"), url("theirs"));
        let (living, dead) = (Secret::random(), Secret::random());
        let start = Instant::now();
        let mut others = Others { since: Some(start), heard: HashMap::new() };
        others.hear(living.fingerprint(), start);
        let check = |others: &Others, endpoint: &str, first: bool, after: Duration, expect: bool| {
            let address = first.then_some(&ours);
            assert_eq!(others.is_dead(endpoint, address, start + after), expect, "{endpoint} {after:?}");
        };
        let soon = Duration::from_secs(1);
        // At our own address there is nobody else.
        check(&others, &ours.endpoint(&dead), true, soon, true);
        check(&others, &ours.endpoint(&living), true, soon, false);
        check(&others, &ours.endpoint(&dead), false, soon, false);
        // Elsewhere time tells.
        check(&others, &theirs.endpoint(&dead), true, soon, false);
        check(&others, &theirs.endpoint(&dead), false, DEAD_AFTER, true);
        others.hear(living.fingerprint(), start + DEAD_AFTER);
        check(&others, &theirs.endpoint(&living), false, DEAD_AFTER + soon, false);
        check(&others, "https://theirs.example/hooks", false, DEAD_AFTER, false);
        check(&others, "someone@theirs.example", false, DEAD_AFTER, false);
        // Who was cut off in between has not listened.
        others.since = None;
        check(&others, &theirs.endpoint(&dead), false, DEAD_AFTER, false);
    }
}
