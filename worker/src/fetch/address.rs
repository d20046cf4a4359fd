//! Which addresses a link may lead to. The seam stands; today every address is open.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use domain::Failure;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::FetchError;

/// Asked for every address before it is dialled: literal ones, and every answer of the name service.
pub trait AddressPolicy: Debug + Send + Sync {
    fn allows(&self, address: IpAddr) -> bool;
}

/// Everything may be reached. For machines whose users may reach it anyway.
#[derive(Debug, Clone, Copy)]
pub struct Open;

impl AddressPolicy for Open {
    fn allows(&self, _: IpAddr) -> bool {
        true
    }
}

/// A link as something that may be dialled: http or https, and no literal address that is shut. Names are checked
/// when they are resolved, because only the answer that is dialled counts.
pub fn check_link(link: &Url, policy: &dyn AddressPolicy) -> Result<(), FetchError> {
    let is_web = matches!(link.scheme(), "http" | "https");
    let is_open = match link.host() {
        Some(Host::Ipv4(address)) => policy.allows(address.into()),
        Some(Host::Ipv6(address)) => policy.allows(address.to_canonical()),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    if is_web && is_open { Ok(()) } else { Err(FetchError::Refused(Failure::BlockedAddress)) }
}

/// Resolves names as the system does and keeps the answers that are open, so the checked address is the dialled
/// one.
#[derive(Debug)]
pub struct Resolver {
    pub policy: Arc<dyn AddressPolicy>,
}

/// Every address of a name is shut.
#[derive(Debug, thiserror::Error)]
#[error("no address of this name may be reached")]
pub struct Shut;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy.clone();
        Box::pin(async move {
            let answers = tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>();
            if answers.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            let open: Vec<SocketAddr> =
                answers.into_iter().filter(|answer| policy.allows(answer.ip().to_canonical())).collect();
            if open.is_empty() {
                return Err(Shut.into());
            }
            let addresses: Addrs = Box::new(open.into_iter());
            Ok(addresses)
        })
    }
}

/// What a failed request means.
pub fn judge(error: reqwest::Error) -> FetchError {
    let mut source: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(cause) = source {
        if cause.is::<Shut>() {
            return FetchError::Refused(Failure::BlockedAddress);
        }
        // How rustls reports that the two sides do not understand or do not trust each other.
        let is_bad_tls = cause
            .downcast_ref::<io::Error>()
            .is_some_and(|io| error.is_connect() && io.kind() == io::ErrorKind::InvalidData);
        if is_bad_tls {
            return FetchError::Refused(Failure::MediaUnreachable);
        }
        source = cause.source();
    }
    // Links may carry secrets in their query.
    FetchError::unreachable(error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct NoLoopback;

    impl AddressPolicy for NoLoopback {
        fn allows(&self, address: IpAddr) -> bool {
            !address.is_loopback()
        }
    }

    #[test]
    fn literal_addresses_meet_the_policy_in_every_spelling() {
        let check = |link: &str, expect: bool| {
            let is_open = check_link(&Url::parse(link).unwrap(), &NoLoopback).is_ok();
            assert_eq!(is_open, expect, "{link}");
        };
        check("http://93.184.216.34/a.mp4", true);
        check("https://example.com/a.mp4", true);
        check("http://127.0.0.1/a.mp4", false);
        check("http://127.1/a.mp4", false);
        check("http://2130706433/a.mp4", false);
        check("http://0x7f.1/a.mp4", false);
        check("http://[::1]/a.mp4", false);
        check("http://[::ffff:127.0.0.1]/a.mp4", false);
        check("http://user@127.0.0.1/a.mp4", false);
        check("file:///etc/passwd", false);
        check("ftp://example.com/a.mp4", false);
        check("data:video/mp4,abc", false);
    }

    #[tokio::test]
    async fn a_name_that_leads_only_to_shut_addresses_is_refused() {
        let fetcher = super::super::Fetcher::new(Default::default(), Arc::new(NoLoopback)).unwrap();
        let into = tempfile::tempdir().unwrap();
        let fetched =
            fetcher.fetch("http://localhost:9/a.mp4", &into.path().join("media"), &Default::default()).await;
        assert!(matches!(fetched, Err(FetchError::Refused(Failure::BlockedAddress))), "{fetched:?}");
    }
}
