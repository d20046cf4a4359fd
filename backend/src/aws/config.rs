//! What must be said to use AWS.

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
}

/// The same, complete.
#[derive(Debug)]
pub struct Settings {
    pub region: String,
    pub queue_url: String,
    pub dead_letter_queue_url: String,
    pub topic_arn: String,
    pub table: String,
    pub bucket: String,
}

/// Every setting that is missing, as it is written on the command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the aws backend is not configured: {} missing", .0.join(", "))]
pub struct MissingSettings(pub Vec<&'static str>);

impl From<MissingSettings> for BackendError {
    fn from(missing: MissingSettings) -> BackendError {
        BackendError::Permanent(missing.into())
    }
}

impl AwsConfig {
    /// `region` is what the SDK found, our own setting included.
    pub fn settings(&self, region: Option<&str>) -> Result<Settings, MissingSettings> {
        let mut missing = Vec::new();
        let mut required = |value: Option<&str>, name: &'static str| match value {
            Some(value) if !value.is_empty() => value.to_owned(),
            _ => {
                missing.push(name);
                String::new()
            }
        };
        let settings = Settings {
            region: required(region, "--aws-region (or AWS_REGION)"),
            queue_url: required(self.queue_url.as_deref(), "--queue-url"),
            dead_letter_queue_url: required(self.dead_letter_queue_url.as_deref(), "--dead-letter-queue-url"),
            topic_arn: required(self.topic_arn.as_deref(), "--topic-arn"),
            table: required(self.table.as_deref(), "--table"),
            bucket: required(self.bucket.as_deref(), "--bucket"),
        };
        if missing.is_empty() { Ok(settings) } else { Err(MissingSettings(missing)) }
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
