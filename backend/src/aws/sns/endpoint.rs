//! The HTTP endpoint that SNS posts to, and every reason why it takes nobody else's word.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::WallTime;
use http::{HeaderMap, StatusCode};
use tokio::sync::mpsc;

use super::Signal;
use super::certificate::Certificates;
use super::envelope::{Envelope, Kind};
use super::inbox::{Inbox, NotTaken};
use super::names::{Fingerprint, Secret, TopicArn};
use super::ping::{self, Read};
use super::refusals::{Forgery, Refusal, RefusalLog, Trouble};
use super::seen::Seen;
use super::signature::Signature;
use crate::{MAX_POST_BYTES, TopicEndpoint};

const TYPE_HEADER: &str = "x-amz-sns-message-type";

/// Older messages are refused, replays among them.
const TIME_WINDOW: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignaturePolicy {
    /// Versions 1 and 2. A topic signs with version 1 until somebody sets its `SignatureVersion`, and SHA-1 is
    /// broken for those who may choose both of two texts, which nobody here may.
    Any,
    VersionTwo,
    /// None at all: an emulator's.
    Unsigned,
}

/// Takes the posts for every subscriber of this process.
pub struct SnsEndpoint {
    topic: TopicArn,
    policy: SignaturePolicy,
    certificates: Certificates,
    listeners: Mutex<HashMap<Fingerprint, Arc<Listener>>>,
    refusals: RefusalLog,
}

/// One subscriber, behind its secret path.
pub struct Listener {
    secret: Secret,
    inbox: Arc<Inbox>,
    signals: mpsc::Sender<Signal>,
    /// Whether we asked for a subscription and were not asked back yet.
    is_pending: AtomicBool,
    seen: Mutex<Seen>,
}

impl SnsEndpoint {
    /// `client` fetches the certificates: [`guarded_client`](super::guarded_client).
    pub fn new(topic: TopicArn, policy: SignaturePolicy, client: reqwest::Client) -> SnsEndpoint {
        let certificates = Certificates::new(client, &topic);
        SnsEndpoint {
            topic,
            policy,
            certificates,
            listeners: Mutex::default(),
            refusals: RefusalLog::default(),
        }
    }

    /// From now on the posts to this secret are taken.
    pub fn open(&self, secret: Secret, inbox: Arc<Inbox>, signals: mpsc::Sender<Signal>) -> Arc<Listener> {
        let fingerprint = secret.fingerprint();
        let is_pending = AtomicBool::new(false);
        let listener = Arc::new(Listener { secret, inbox, signals, is_pending, seen: Mutex::default() });
        self.listeners().insert(fingerprint, listener.clone());
        listener
    }

    pub fn close(&self, secret: &Secret) {
        self.listeners().remove(&secret.fingerprint());
    }

    /// Of every subscriber of this process.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.listeners().keys().cloned().collect()
    }

    fn listeners(&self) -> MutexGuard<'_, HashMap<Fingerprint, Arc<Listener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listener(&self, secret: &str) -> Option<Arc<Listener>> {
        self.listeners().values().find(|listener| listener.secret.is(secret)).cloned()
    }

    async fn judge(&self, secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
        if body.len() > MAX_POST_BYTES {
            return Err(Refusal::TooLarge);
        }
        let listener = self.listener(secret).ok_or(Refusal::UnknownPath)?;
        let envelope = Envelope::parse(body)?;
        if envelope.topic_arn != self.topic.as_str() {
            return Err(Forgery::Topic.into());
        }
        let header = headers.get(TYPE_HEADER).map(|value| value.as_bytes());
        if header != Some(envelope.kind.as_str().as_bytes()) {
            return Err(Forgery::Type.into());
        }
        // Before the signature, which may cost a request.
        let age = envelope.moment().map(|moment| WallTime::now().duration_since(moment).unsigned_abs());
        if age.is_none_or(|age| age > TIME_WINDOW) {
            return Err(Forgery::Time.into());
        }
        if self.policy != SignaturePolicy::Unsigned {
            let signature = Signature::of(&envelope, self.policy)?;
            let certificate = self.certificates.get(&envelope.signing_cert_url).await?;
            signature.verify(&envelope, &certificate)?;
        }
        listener.take_once(envelope)
    }
}

#[async_trait]
impl TopicEndpoint for SnsEndpoint {
    fn is_secret(&self, secret: &str) -> bool {
        let is_known = self.listener(secret).is_some();
        if !is_known {
            self.refusals.tell(Refusal::UnknownPath);
        }
        is_known
    }

    async fn take(&self, secret: &str, headers: &HeaderMap, body: Bytes) -> StatusCode {
        match self.judge(secret, headers, &body).await {
            Ok(()) => StatusCode::OK,
            Err(refusal) => {
                self.refusals.tell(refusal);
                refusal.status()
            }
        }
    }
}

impl Listener {
    /// We asked, or gave up: only in between is SNS's question answered.
    pub fn set_pending(&self, is_pending: bool) {
        self.is_pending.store(is_pending, Ordering::SeqCst);
    }

    fn take_once(&self, envelope: Envelope) -> Result<(), Refusal> {
        let id = envelope.message_id.clone();
        let seen = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen().insert(&id) {
            return Ok(());
        }
        let taken = self.take(envelope);
        if taken.is_err() {
            seen().forget(&id);
        }
        taken
    }

    fn take(&self, envelope: Envelope) -> Result<(), Refusal> {
        match envelope.kind {
            Kind::Notification => match ping::read(&envelope.message) {
                Read::Ping(ping) => self.signal(Signal::Ping(ping)),
                Read::Heard(heard) => self.inbox.try_put(heard).map_err(|not_taken| match not_taken {
                    NotTaken::Full => Trouble::Behind.into(),
                    NotTaken::Closed => Refusal::UnknownPath,
                }),
            },
            Kind::SubscriptionConfirmation => {
                let is_asked = self.is_pending.swap(false, Ordering::SeqCst);
                let Some(token) = envelope.token.filter(|_| is_asked) else {
                    return Err(Forgery::Unasked.into());
                };
                self.signal(Signal::Confirm(token)).inspect_err(|_| self.set_pending(true))
            }
            Kind::UnsubscribeConfirmation => self.signal(Signal::Unsubscribed),
        }
    }

    fn signal(&self, signal: Signal) -> Result<(), Refusal> {
        self.signals.try_send(signal).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Trouble::Behind.into(),
            mpsc::error::TrySendError::Closed(_) => Refusal::UnknownPath,
        })
    }
}
