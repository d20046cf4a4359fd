//! `server provision`: makes on an emulator of AWS what `deploy/aws` makes on AWS itself.

use std::io::Write as _;

use anyhow::Context as _;
use backend::AwsConfig;

/// Make queues, topic, table and bucket on an emulator of AWS, and print the settings that name them.
#[derive(Debug, Clone, clap::Args)]
pub struct ProvisionArguments {
    /// What everything is named after: lower-case letters, digits and hyphens, at most 40.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub name: String,
    /// Address of an emulator on this machine. For AWS itself there is a template in deploy/aws.
    #[arg(long, value_name = "URL", env = "CUELIGHT_AWS_ENDPOINT")]
    pub aws_endpoint: String,
    #[arg(long, value_name = "REGION", default_value = "us-east-1", env = "CUELIGHT_AWS_REGION")]
    pub aws_region: String,
    /// Deliveries of one message before it becomes a dead letter.
    #[arg(long, value_name = "N", default_value_t = 10, env = "CUELIGHT_MAX_RECEIVE_COUNT",
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub max_receive_count: u32,
}

/// Prints lines for an environment file, which a shell reads too: `set -a; eval "$(server provision …)"`. What is
/// there already stays.
pub async fn run(arguments: ProvisionArguments) -> anyhow::Result<()> {
    let bare = AwsConfig {
        aws_endpoint: Some(arguments.aws_endpoint),
        aws_region: Some(arguments.aws_region),
        ..AwsConfig::default()
    };
    let config = backend::aws::provision(&bare, &arguments.name, arguments.max_receive_count)
        .await
        .context("nothing was provisioned\nOn AWS itself use the template in deploy/aws.")?;
    let lines = environment(&config).context("these settings do not fit into an environment file")?;
    Ok(std::io::stdout().write_all(lines.as_bytes())?)
}

/// One line for each setting; none if a value means something to a shell.
fn environment(config: &AwsConfig) -> Option<String> {
    let settings = [
        ("CUELIGHT_AWS_ENDPOINT", &config.aws_endpoint),
        ("CUELIGHT_AWS_REGION", &config.aws_region),
        ("CUELIGHT_QUEUE_URL", &config.queue_url),
        ("CUELIGHT_DEAD_LETTER_QUEUE_URL", &config.dead_letter_queue_url),
        ("CUELIGHT_TOPIC_ARN", &config.topic_arn),
        ("CUELIGHT_TABLE", &config.table),
        ("CUELIGHT_BUCKET", &config.bucket),
    ];
    let mut lines = String::from("CUELIGHT_BACKEND=aws\n");
    for (name, value) in settings {
        let value = value.as_deref()?;
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "-_.:/[]".contains(sign);
        if value.is_empty() || !value.chars().all(is_plain) {
            return None;
        }
        lines += &format!("{name}={value}\n");
    }
    Some(lines)
}

/// What all four services take, with room for what is appended.
fn parse_name(text: &str) -> Result<String, String> {
    let is_letter = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit();
    let is_name = (3..=40).contains(&text.len())
        && text.starts_with(is_letter)
        && text.ends_with(is_letter)
        && text.chars().all(|sign| is_letter(sign) || sign == '-');
    match is_name {
        true => Ok(text.to_owned()),
        false => Err("3 to 40 lower-case letters, digits and hyphens, none of these at an end".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_queue_topic_table_and_bucket() {
        let check = |text: &str, expect: bool| assert_eq!(parse_name(text).is_ok(), expect, "{text}");
        check("cuelight", true);
        check("cuelight-2", true);
        check("Cuelight", false);
        check("cue_light", false);
        check("cue.light", false);
        check("-cuelight", false);
        check("cuelight-", false);
        check("cl", false);
        check(&"c".repeat(41), false);
    }

    #[test]
    fn only_values_that_mean_nothing_to_a_shell_are_printed() {
        let config = |endpoint: &str| AwsConfig {
            aws_endpoint: Some(endpoint.into()),
            aws_region: Some("us-east-1".into()),
            queue_url: Some("http://127.0.0.1:4566/000000000000/c".into()),
            dead_letter_queue_url: Some("http://127.0.0.1:4566/000000000000/c-dead".into()),
            topic_arn: Some("arn:aws:sns:us-east-1:000000000000:c".into()),
            table: Some("c".into()),
            bucket: Some("c".into()),
            ..AwsConfig::default()
        };
        let lines = environment(&config("http://127.0.0.1:4566")).unwrap();
        assert_eq!(lines.lines().count(), 8);
        assert!(lines.contains("\nCUELIGHT_TOPIC_ARN=arn:aws:sns:us-east-1:000000000000:c\n"), "{lines}");
        for endpoint in ["http://127.0.0.1/$(id)", "http://127.0.0.1/;id", "http://127.0.0.1/ x", ""] {
            assert_eq!(environment(&config(endpoint)), None, "{endpoint}");
        }
    }
}
