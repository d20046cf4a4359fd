//! The certificates that SNS publishes: which addresses may hold one, and fetching it without being sent elsewhere.
//!
//! A message names its certificate, so a forger chooses the address. Only SNS's own host of our topic's region is
//! asked, over TLS with the system's roots; that is the chain of trust, so the certificate itself has only its dates
//! and its subject looked at.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::WallTime;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::names::TopicArn;
use super::{Forgery, Refusal, Trouble};

/// How long a post waits for the certificate; the fetch goes on without it, for when the post comes again.
const PATIENCE: Duration = Duration::from_millis(800);

/// An address that failed is not asked again for so long.
const FAILURE_KEPT: Duration = Duration::from_secs(30);

/// SNS has one certificate at a time, and a new one every few months.
const MAX_CERTIFICATES: usize = 16;

const MAX_BYTES: usize = 64 * 1024;

/// What is needed of one.
#[derive(Debug)]
pub struct Certificate {
    /// An RSA key as PKCS#1 has it.
    pub public_key: Vec<u8>,
    /// Seconds since 1970.
    valid: std::ops::RangeInclusive<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    Unreachable,
    /// There is none, or it is not one of SNS's.
    None,
}

type Fetch = Shared<BoxFuture<'static, Result<Arc<Certificate>, Problem>>>;

pub struct Certificates {
    client: reqwest::Client,
    host: String,
    subjects: Vec<String>,
    /// By address: one fetch for each, under way or done. A short section, never held across an await.
    fetches: Mutex<HashMap<String, (Instant, Fetch)>>,
    /// One connection at a time, whatever is asked for.
    turn: Arc<Semaphore>,
}

/// Follows no redirect and no proxy, and speaks only TLS.
pub fn guarded_client() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .https_only(true)
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(5))
}

impl Certificates {
    pub fn new(client: reqwest::Client, topic: &TopicArn) -> Certificates {
        Certificates {
            client,
            host: topic.certificate_host(),
            subjects: topic.certificate_subjects(),
            fetches: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// The certificate at an address that a message names; valid now.
    pub async fn get(&self, url: &str) -> Result<Arc<Certificate>, Refusal> {
        if !self.is_allowed(url) {
            return Err(Forgery::CertificateAddress.into());
        }
        let fetch = self.fetch(url)?;
        match tokio::time::timeout(PATIENCE, fetch).await {
            Ok(Ok(certificate)) if certificate.valid.contains(&WallTime::now().as_second()) => {
                Ok(certificate)
            }
            Ok(Ok(_)) => Err(Forgery::Certificate.into()),
            Ok(Err(Problem::None)) => Err(Forgery::Certificate.into()),
            Ok(Err(Problem::Unreachable)) | Err(_) => Err(Trouble::CertificateUnreachable.into()),
        }
    }

    /// Letter by letter: whoever parses addresses can be talked into seeing another host.
    fn is_allowed(&self, url: &str) -> bool {
        let rest = url.strip_prefix("https://").and_then(|rest| rest.strip_prefix(&self.host));
        let name = rest.and_then(|rest| rest.strip_prefix("/SimpleNotificationService-"));
        let hex = name.and_then(|name| name.strip_suffix(".pem"));
        hex.is_some_and(|hex| {
            hex.len() == 32 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    }

    fn fetch(&self, url: &str) -> Result<Fetch, Refusal> {
        let mut fetches = self.fetches.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let ended = |fetch: &Fetch| fetch.clone().now_or_never();
        fetches.retain(|_, (since, fetch)| {
            let has_failed = matches!(ended(fetch), Some(Err(_)));
            !has_failed || now.duration_since(*since) < FAILURE_KEPT
        });
        if let Some((_, fetch)) = fetches.get(url) {
            return Ok(fetch.clone());
        }
        if fetches.len() >= MAX_CERTIFICATES {
            // A forger who knows the secret makes names up: each costs a fetch, and this is the end of it for now.
            let out_of_date = |fetch: &Fetch| match ended(fetch) {
                Some(Ok(certificate)) => *certificate.valid.end() < WallTime::now().as_second(),
                _ => false,
            };
            fetches.retain(|_, (_, fetch)| !out_of_date(fetch));
        }
        if fetches.len() >= MAX_CERTIFICATES {
            return Err(Trouble::CertificateUnreachable.into());
        }
        let (client, subjects, turn) = (self.client.clone(), self.subjects.clone(), self.turn.clone());
        let owned = url.to_owned();
        let task = tokio::spawn(async move {
            let _turn = turn.acquire().await;
            let fetched = fetch(&client, &owned).await;
            let certificate = fetched.and_then(|pem| read(&pem, &subjects).ok_or(Problem::None));
            match &certificate {
                Ok(_) => tracing::info!(url = owned, "a certificate of SNS was fetched"),
                Err(problem) => tracing::warn!(url = owned, ?problem, "a certificate of SNS was not fetched"),
            }
            certificate.map(Arc::new)
        });
        let fetch = task.map(|ended| ended.unwrap_or(Err(Problem::Unreachable))).boxed().shared();
        fetches.insert(url.to_owned(), (now, fetch.clone()));
        Ok(fetch)
    }
}

async fn fetch(client: &reqwest::Client, url: &str) -> Result<Vec<u8>, Problem> {
    let unreachable = |error: reqwest::Error| {
        tracing::debug!(error = &error as &dyn std::error::Error, "the host of certificates did not answer");
        Problem::Unreachable
    };
    let mut response = client.get(url).send().await.map_err(unreachable)?;
    if response.status().is_server_error() || response.status() == reqwest::StatusCode::TOO_MANY_REQUESTS {
        return Err(Problem::Unreachable);
    }
    if response.status() != reqwest::StatusCode::OK {
        return Err(Problem::None);
    }
    let mut pem = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if pem.len() + chunk.len() > MAX_BYTES {
            return Err(Problem::None);
        }
        pem.extend_from_slice(&chunk);
    }
    Ok(pem)
}

/// The first certificate of a PEM file, if it names one of `subjects`.
pub(super) fn read(pem: &[u8], subjects: &[String]) -> Option<Certificate> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem).ok()?;
    let certificate = pem.parse_x509().ok()?;
    let mut names = certificate.subject().iter_common_name();
    // One name: with two, which one counts would be a matter of taste.
    let (Some(name), None) = (names.next(), names.next()) else { return None };
    let name = name.as_str().ok()?;
    if !subjects.iter().any(|subject| subject == name) {
        return None;
    }
    let validity = certificate.validity();
    Some(Certificate {
        public_key: certificate.public_key().subject_public_key.data.to_vec(),
        valid: validity.not_before.timestamp()..=validity.not_after.timestamp(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_of_certificates_of_our_region_is_asked() {
        let topic = TopicArn::parse("arn:aws:sns:eu-central-1:1:jobs").unwrap();
        let certificates = Certificates::new(reqwest::Client::new(), &topic);
        let check =
            |url: &str, is_allowed: bool| assert_eq!(certificates.is_allowed(url), is_allowed, "{url}");
        let file = "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";
        let host = "sns.eu-central-1.amazonaws.com";
        check(&format!("https://{host}/{file}"), true);
        for url in [
            format!("http://{host}/{file}"),
            format!("HTTPS://{host}/{file}"),
            format!("https://sns.s3.amazonaws.com/{file}"),
            format!("https://sns.us-east-1.amazonaws.com/{file}"),
            format!("https://{host}.evil.test/{file}"),
            format!("https://{host}.cn/{file}"),
            format!("https://evil.test/{host}/{file}"),
            format!("https://user@{host}/{file}"),
            format!("https://{host}@evil.test/{file}"),
            format!("https://{host}:443/{file}"),
            format!("https://{host}:8443/{file}"),
            format!("https://{host}/{file}?x=1"),
            format!("https://{host}/{file}#x"),
            format!("https://{host}/../{file}"),
            format!("https://{host}/bucket/{file}"),
            format!("https://{host}//{file}"),
            format!("https://{host}\\@evil.test/{file}"),
            format!("https://{host}/{file}\n"),
            format!(" https://{host}/{file}"),
            format!("https://{host}/SimpleNotificationService-xyz.pem"),
            format!("https://{host}/SimpleNotificationService-0123456789ABCDEF0123456789ABCDEF.pem"),
            "http://169.254.169.254/latest/meta-data".into(),
            "file:///etc/passwd".into(),
            String::new(),
        ] {
            check(&url, false);
        }
    }
}
