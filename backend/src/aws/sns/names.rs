//! The two names that everything about SNS over HTTP hangs on, parsed once: the topic's, and our own address.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// `arn:PARTITION:sns:REGION:ACCOUNT:NAME`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn {
    text: String,
    region: String,
    /// Of every host name of this partition.
    domain: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has the form arn:aws:sns:REGION:ACCOUNT:NAME")]
pub struct ArnProblem;

impl TopicArn {
    pub fn parse(text: &str) -> Result<TopicArn, ArnProblem> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "sns", region, account, name] = parts[..] else { return Err(ArnProblem) };
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        // The region becomes part of a host name.
        let is_region = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_region || !is_word(region) || !is_word(account) || !is_word(name) {
            return Err(ArnProblem);
        }
        let domain = match partition {
            "aws" | "aws-us-gov" => "amazonaws.com",
            "aws-cn" => "amazonaws.com.cn",
            "aws-eusc" => "amazonaws.eu",
            _ => return Err(ArnProblem),
        };
        Ok(TopicArn { text: text.into(), region: region.into(), domain })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn name(&self) -> &str {
        self.text.rsplit(':').next().unwrap_or_default()
    }

    /// The one host that has the certificates of this topic's messages.
    pub fn certificate_host(&self) -> String {
        format!("sns.{}.{}", self.region, self.domain)
    }

    /// Whom a certificate that signs this topic's messages may name; as the SDK for Java has them, region by region:
    /// the plain name, the one of newer regions, and those of China and GovCloud.
    pub fn certificate_subjects(&self) -> Vec<String> {
        let TopicArn { region, domain, .. } = self;
        let mut subjects = vec![
            format!("sns.{domain}"),
            format!("sns-signing.{region}.{domain}"),
            format!("sns-{region}.{domain}"),
        ];
        if region == "us-gov-east-1" {
            subjects.push(format!("sns-us-gov-west-1.{domain}"));
        }
        subjects
    }
}

/// Where SNS reaches this instance, without the path of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    base: String,
    pub protocol: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicUrlProblem {
    #[error("it is no address: give https://HOST")]
    NoAddress,
    #[error("SNS posts over http or https")]
    Scheme,
    #[error("it must end after the host or a path: no user, query or fragment")]
    Parts,
}

impl PublicUrl {
    pub fn parse(text: &str) -> Result<PublicUrl, PublicUrlProblem> {
        let url = Url::parse(text).map_err(|_| PublicUrlProblem::NoAddress)?;
        let protocol = match url.scheme() {
            "https" => "https",
            "http" => "http",
            _ => return Err(PublicUrlProblem::Scheme),
        };
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_bare {
            return Err(PublicUrlProblem::Parts);
        }
        Ok(PublicUrl { base: url.as_str().trim_end_matches('/').to_owned(), protocol })
    }

    /// The whole address with the secret of one subscription.
    pub fn endpoint(&self, secret: &Secret) -> String {
        format!("{}/sns/{}", self.base, secret.0)
    }

    /// Whether an endpoint is one of an instance at this address, whatever its secret.
    pub fn has(&self, endpoint: &str) -> bool {
        let rest = endpoint.strip_prefix(&self.base).and_then(|rest| rest.strip_prefix("/sns/"));
        rest.is_some_and(Secret::is_one)
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.base)
    }
}

/// The last part of the path that one subscription is posted to: 128 random bits in hex.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    pub fn random() -> Secret {
        Secret(format!("{:032x}", rand::random::<u128>()))
    }

    /// For the one who posts.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn is_one(text: &str) -> bool {
        text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// Whether the text is this secret, in a time that does not tell how much of it is right.
    pub fn is(&self, text: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), text.as_bytes()).is_ok()
    }

    /// Names the subscription to others without telling the secret.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0)
    }
}

/// Shown nowhere, the log included.
impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// The first 16 bytes of the SHA-256 of a secret, in hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    fn of(secret: &str) -> Fingerprint {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
        Fingerprint(digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Of the instance that an endpoint belongs to, if it is one of ours by its shape.
    pub fn of_endpoint(endpoint: &str) -> Option<Fingerprint> {
        let (base, secret) = endpoint.rsplit_once('/')?;
        (base.ends_with("/sns") && Secret::is_one(secret)).then(|| Fingerprint::of(secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_the_host_and_the_subjects_of_its_certificates() {
        let check = |arn: &str, expect: Option<(&str, &str)>| {
            let arn = TopicArn::parse(arn).ok();
            let host = arn.as_ref().map(TopicArn::certificate_host);
            assert_eq!(host.as_deref(), expect.map(|(host, _)| host));
            if let (Some(arn), Some((_, subject))) = (arn, expect) {
                assert!(arn.certificate_subjects().contains(&subject.to_owned()), "{subject}");
            }
        };
        let frankfurt = "sns.eu-central-1.amazonaws.com";
        check("arn:aws:sns:eu-central-1:1:jobs", Some((frankfurt, "sns.amazonaws.com")));
        check(
            "arn:aws:sns:me-south-1:1:jobs",
            Some(("sns.me-south-1.amazonaws.com", "sns-signing.me-south-1.amazonaws.com")),
        );
        check(
            "arn:aws-cn:sns:cn-north-1:1:jobs",
            Some(("sns.cn-north-1.amazonaws.com.cn", "sns-cn-north-1.amazonaws.com.cn")),
        );
        check(
            "arn:aws-us-gov:sns:us-gov-east-1:1:jobs",
            Some(("sns.us-gov-east-1.amazonaws.com", "sns-us-gov-west-1.amazonaws.com")),
        );
        check("arn:aws:sns:eu.evil:1:jobs", None);
        check("arn:aws:sns:eu-central-1@evil:1:jobs", None);
        check("arn:aws:sqs:eu-central-1:1:jobs", None);
        check("arn:aws:sns:eu-central-1:1:jobs:subscription", None);
        check("arn:evil:sns:eu-central-1:1:jobs", None);
        check("arn:aws:sns::1:jobs", None);
    }

    #[test]
    fn a_public_address_ends_after_its_host_or_path() {
        let check = |text: &str, expect: Result<&str, PublicUrlProblem>| {
            let url = PublicUrl::parse(text);
            let protocol_and_base = url.map(|url| format!("{} {}", url.protocol, url.base));
            assert_eq!(protocol_and_base, expect.map(str::to_owned), "{text}");
        };
        check("https://a.example", Ok("https https://a.example"));
        check("https://a.example/", Ok("https https://a.example"));
        check("http://127.0.0.1:8080/b/", Ok("http http://127.0.0.1:8080/b"));
        check("https://A.Example", Ok("https https://a.example"));
        check("a.example", Err(PublicUrlProblem::NoAddress));
        check("ftp://a.example", Err(PublicUrlProblem::Scheme));
        check("https://me@a.example", Err(PublicUrlProblem::Parts));
        check("https://a.example/?a", Err(PublicUrlProblem::Parts));
        check("https://a.example/#a", Err(PublicUrlProblem::Parts));
    }

    #[test]
    fn an_endpoint_of_our_shape_belongs_to_an_instance_and_others_do_not() {
        let (url, secret) = (PublicUrl::parse("https://a.example").unwrap(), Secret::random());
        let endpoint = url.endpoint(&secret);
        assert_eq!(Fingerprint::of_endpoint(&endpoint), Some(secret.fingerprint()));
        assert!(url.has(&endpoint));
        assert!(!url.has(&format!("{endpoint}0")) && !url.has("https://a.example/sns/mine"));
        assert!(!url.has(&endpoint.replace("a.example", "a.example.evil")));
        assert_eq!(Fingerprint::of_endpoint("https://a.example/hooks/abc"), None);
        assert_eq!(Fingerprint::of_endpoint(&endpoint.replace("/sns/", "/")), None);
        assert!(secret.is(endpoint.rsplit('/').next().unwrap()) && !secret.is(""));
        assert!(!format!("{secret:?}").contains(&secret.0));
    }
}
