//! What must be said to use AWS.

use std::time::Duration;

use super::sns::{ArnProblem, PublicUrl, PublicUrlProblem, SignaturePolicy, TopicArn};
use crate::BackendError;

/// Names of what an operator created. Credentials come from the SDK's usual chain (environment, profile, role);
/// an endpoint `http://` on this very machine is an emulator and gets made-up ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct AwsConfig {
    /// Address of an emulator of AWS; without it, AWS itself.
    #[arg(long, value_name = "URL", env = "CUELIGHT_AWS_ENDPOINT")]
    pub aws_endpoint: Option<String>,
    /// Region; without it, the one of the environment or the profile.
    #[arg(long, value_name = "REGION", env = "CUELIGHT_AWS_REGION")]
    pub aws_region: Option<String>,
    /// Address of the SQS queue of jobs.
    #[arg(long, value_name = "URL", env = "CUELIGHT_QUEUE_URL")]
    pub queue_url: Option<String>,
    /// Address of the SQS queue that the redrive policy of the first one names.
    #[arg(long, value_name = "URL", env = "CUELIGHT_DEAD_LETTER_QUEUE_URL")]
    pub dead_letter_queue_url: Option<String>,
    /// The SNS topic of job events.
    #[arg(long, value_name = "ARN", env = "CUELIGHT_TOPIC_ARN")]
    pub topic_arn: Option<String>,
    /// Name of the DynamoDB table.
    #[arg(long, value_name = "NAME", env = "CUELIGHT_TABLE")]
    pub table: Option<String>,
    /// Name of the S3 bucket for media.
    #[arg(long, value_name = "NAME", env = "CUELIGHT_BUCKET")]
    pub bucket: Option<String>,
    /// Address of this very instance, as SNS reaches it (a real host, or a tunnel such as ngrok): SNS posts events to
    /// URL/sns/SECRET. No two instances may share it. Without it, events come through an SQS queue of this instance.
    #[arg(long, value_name = "URL", env = "CUELIGHT_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Take SNS messages without checking signatures, which emulators do not make. Refused with AWS itself.
    #[arg(long, env = "CUELIGHT_SNS_ACCEPT_UNSIGNED")]
    pub sns_accept_unsigned: bool,
    /// Refuse signatures of version 1 (SHA-1), which SNS makes unless the topic's SignatureVersion is 2.
    #[arg(long, env = "CUELIGHT_SNS_SIGNATURE_V2_ONLY")]
    pub sns_signature_v2_only: bool,
    /// How often this instance pings itself through the topic, in seconds; three pings unheard, and it knows that it
    /// is cut off. Without it, every 15 s.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, env = "CUELIGHT_TOPIC_PING_EVERY")]
    pub topic_ping_every: Option<Duration>,
}

const PING_EVERY: Duration = Duration::from_secs(15);

/// The same, complete.
#[derive(Debug)]
pub struct Settings {
    pub region: String,
    pub queue_url: String,
    pub dead_letter_queue_url: String,
    pub topic_arn: TopicArn,
    pub table: String,
    pub bucket: String,
    /// Where SNS posts to; absent: events come through a queue.
    pub public_url: Option<PublicUrl>,
    pub ping_every: Duration,
}

/// What cannot be used as it is set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableSettings {
    #[error(transparent)]
    Missing(#[from] MissingSettings),
    #[error("--topic-arn is not the ARN of a topic")]
    TopicArn(#[source] ArnProblem),
    #[error("--public-url cannot be used")]
    PublicUrl(#[source] PublicUrlProblem),
    #[error(
        "--sns-accept-unsigned is for an emulator on this machine (--aws-endpoint http://127.0.0.1:PORT): AWS signs \
         its messages, and without the check anybody could forge them"
    )]
    Unsigned,
}

impl From<UnusableSettings> for BackendError {
    fn from(problem: UnusableSettings) -> BackendError {
        BackendError::Permanent(problem.into())
    }
}

/// Every setting that is missing, as it is written on the command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the aws backend is not configured: {} missing", .0.join(", "))]
pub struct MissingSettings(pub Vec<&'static str>);

impl AwsConfig {
    pub(super) fn signature_policy(&self) -> SignaturePolicy {
        match (self.sns_accept_unsigned, self.sns_signature_v2_only) {
            (true, _) => SignaturePolicy::Unsigned,
            (false, true) => SignaturePolicy::VersionTwo,
            (false, false) => SignaturePolicy::Any,
        }
    }

    /// `region` is what the SDK found, our own setting included.
    pub fn settings(&self, region: Option<&str>) -> Result<Settings, UnusableSettings> {
        let mut missing = Vec::new();
        let mut required = |value: Option<&str>, name: &'static str| match value {
            Some(value) if !value.is_empty() => value.to_owned(),
            _ => {
                missing.push(name);
                String::new()
            }
        };
        let region = required(region, "--aws-region (or AWS_REGION)");
        let queue_url = required(self.queue_url.as_deref(), "--queue-url");
        let dead_letter_queue_url =
            required(self.dead_letter_queue_url.as_deref(), "--dead-letter-queue-url");
        let topic_arn = required(self.topic_arn.as_deref(), "--topic-arn");
        let table = required(self.table.as_deref(), "--table");
        let bucket = required(self.bucket.as_deref(), "--bucket");
        if !missing.is_empty() {
            return Err(MissingSettings(missing).into());
        }
        if self.sns_accept_unsigned && !self.aws_endpoint.as_deref().is_some_and(is_local) {
            return Err(UnusableSettings::Unsigned);
        }
        let public_url = self.public_url.as_deref().map(PublicUrl::parse).transpose();
        Ok(Settings {
            region,
            queue_url,
            dead_letter_queue_url,
            topic_arn: TopicArn::parse(&topic_arn).map_err(UnusableSettings::TopicArn)?,
            table,
            bucket,
            public_url: public_url.map_err(UnusableSettings::PublicUrl)?,
            ping_every: self.topic_ping_every.unwrap_or(PING_EVERY),
        })
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(seconds @ 1..=60) => Ok(Duration::from_secs(seconds.into())),
        _ => Err(format!("a number of seconds from 1 to 60: {text}")),
    }
}

/// Whether the endpoint is a plain HTTP port of this machine, which AWS never is.
pub fn is_local(endpoint: &str) -> bool {
    let Some(address) = endpoint.strip_prefix("http://") else { return false };
    let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = |host: &str| {
        authority.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    !authority.contains('@') && ["127.0.0.1", "localhost", "[::1]"].into_iter().any(is_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_setting_is_named_at_once() {
        let config =
            AwsConfig { table: Some("jobs".into()), bucket: Some(String::new()), ..AwsConfig::default() };
        let missing = config.settings(None).unwrap_err();
        let expected = "the aws backend is not configured: --aws-region (or AWS_REGION), --queue-url, \
                        --dead-letter-queue-url, --topic-arn, --bucket missing";
        assert_eq!(missing.to_string(), expected);
    }

    #[test]
    fn unsigned_messages_are_taken_from_an_emulator_only() {
        let check = |endpoint: Option<&str>, is_fine: bool| {
            let config =
                AwsConfig { aws_endpoint: endpoint.map(Into::into), sns_accept_unsigned: true, ..complete() };
            let settings = config.settings(Some("eu-central-1"));
            assert_eq!(settings.err(), (!is_fine).then_some(UnusableSettings::Unsigned), "{endpoint:?}");
        };
        check(Some("http://127.0.0.1:4566"), true);
        check(None, false);
        check(Some("https://sns.eu-central-1.amazonaws.com"), false);
        check(Some("http://emulator.example:4566"), false);
    }

    #[test]
    fn an_address_or_a_topic_that_cannot_be_one_is_refused() {
        let config = AwsConfig { topic_arn: Some("jobs".into()), ..complete() };
        assert!(matches!(config.settings(Some("r")), Err(UnusableSettings::TopicArn(_))));
        let config = AwsConfig { public_url: Some("example.com".into()), ..complete() };
        assert!(matches!(config.settings(Some("r")), Err(UnusableSettings::PublicUrl(_))));
    }

    fn complete() -> AwsConfig {
        let any = || Some("any".to_owned());
        AwsConfig {
            queue_url: any(),
            dead_letter_queue_url: any(),
            topic_arn: Some("arn:aws:sns:eu-central-1:123456789012:jobs".into()),
            table: any(),
            bucket: any(),
            ..AwsConfig::default()
        }
    }

    #[test]
    fn only_a_plain_port_of_this_machine_is_an_emulator_without_credentials() {
        let check = |endpoint: &str, expect: bool| assert_eq!(is_local(endpoint), expect, "{endpoint}");
        check("http://127.0.0.1:4566", true);
        check("http://localhost/", true);
        check("http://[::1]:80", true);
        check("https://127.0.0.1:4566", false);
        check("http://127.0.0.1.example.com", false);
        check("http://127.0.0.1:80@example.com", false);
        check("http://localhost.example.com", false);
        check("https://sqs.eu-central-1.amazonaws.com", false);
    }
}
