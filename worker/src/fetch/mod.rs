//! Link to local file, trusting nothing: neither the link, nor where it leads, nor what comes.
//!
//! One GET of a direct link. No automatic decompression, no proxies from the environment, no cookies, no
//! playlists.

mod address;
mod download;
mod sniff;

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::Failure;

pub use address::{AddressPolicy, Open};

#[derive(Debug, Clone)]
pub struct FetchConfig {
    /// Larger files are refused: before the body where its length is told, else as soon as it shows.
    pub max_bytes: u64,
    pub connect: Duration,
    /// Longest silence of the site: before its answer, and between two pieces of the body.
    pub idle: Duration,
    /// Everything together, resumed transfers included.
    pub total: Duration,
    /// A slower site is given up; measured over each `rate_window`.
    pub min_bytes_per_second: u64,
    pub rate_window: Duration,
    /// How often a connection that was cut is made again.
    pub resumes: u32,
    /// Wait before that.
    pub resume_delay: Duration,
    pub redirects: usize,
    /// Longest wait a site may ask for.
    pub retry_after_cap: Duration,
}

impl Default for FetchConfig {
    fn default() -> FetchConfig {
        FetchConfig {
            max_bytes: 4_000_000_000,
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(20),
            total: Duration::from_secs(60 * 60),
            min_bytes_per_second: 4_000,
            rate_window: Duration::from_secs(30),
            resumes: 5,
            resume_delay: Duration::from_secs(1),
            redirects: 5,
            retry_after_cap: Duration::from_secs(10 * 60),
        }
    }
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Trying again would end the same way.
    #[error("the media cannot be had: {}", .0.code())]
    Refused(Failure),
    /// The site did not serve it this time, and may have said when to come again.
    #[error("the site did not serve the media")]
    Unreachable {
        retry_after: Option<Duration>,
        #[source]
        cause: Box<dyn StdError + Send + Sync>,
    },
    /// Our own disk refused it.
    #[error("the scratch folder did not take the media")]
    Scratch(#[source] io::Error),
}

impl FetchError {
    fn unreachable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> FetchError {
        FetchError::Unreachable { retry_after: None, cause: cause.into() }
    }
}

/// How far a fetch is; read it while the fetch runs.
#[derive(Debug, Default)]
pub struct Received {
    bytes: AtomicU64,
    /// 0: not told.
    total: AtomicU64,
}

impl Received {
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub fn total(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|total| *total > 0)
    }
}

/// Fetches links; one for the whole worker. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    client: reqwest::Client,
    config: FetchConfig,
    policy: Arc<dyn AddressPolicy>,
}

impl Fetcher {
    /// Fails when the machine's certificates cannot be loaded.
    pub fn new(config: FetchConfig, policy: Arc<dyn AddressPolicy>) -> reqwest::Result<Fetcher> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("cuelight/", env!("CARGO_PKG_VERSION")))
            // Redirects are followed by hand: each address passes the policy.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(config.connect)
            .dns_resolver(Arc::new(address::Resolver { policy: policy.clone() }))
            // A job is one request; an idle connection would only be a surprise later.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Fetcher { client, config, policy })
    }

    /// Streams what `link` leads to into a new file at `into`; says its size in bytes. Memory use does not
    /// depend on the size.
    pub async fn fetch(&self, link: &str, into: &Path, received: &Received) -> Result<u64, FetchError> {
        let fetched = download::download(self, link, into, received);
        match tokio::time::timeout(self.config.total, fetched).await {
            Ok(result) => result,
            Err(_) => Err(FetchError::unreachable("it took longer than it may")),
        }
    }
}
