//! What is right and wrong with what an operator made on AWS.
//!
//! Where a role may not look, the line says so and the rest goes on: what it may not look at it may still use.

mod clock;
mod messages;
pub mod reach;
mod storage;

use aws_config::SdkConfig;
use aws_sdk_sqs::config::ProvideCredentials;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use super::{AwsConfig, config, error, sdk_config};
use crate::doctor::{Finding, causes};

pub async fn examine(config: &AwsConfig) -> Vec<Finding> {
    let sdk = sdk_config(config).await;
    let settings = match config.settings(sdk.region().map(|region| region.as_ref())) {
        Ok(settings) => settings,
        Err(problem) => {
            let advice = "set it; deploy/aws makes these on AWS, `server provision` on an emulator";
            return vec![Finding::fail("configuration", causes(&problem), advice)];
        }
    };
    let endpoint = config.aws_endpoint.as_deref();
    let place = endpoint.map_or_else(String::new, |endpoint| format!(", at {endpoint}"));
    let mut findings = vec![Finding::ok("configuration", format!("complete, in {}{place}", settings.region))];

    let identity = credentials(&sdk, endpoint).await;
    let has_none = identity.verdict == crate::doctor::Verdict::Fail;
    findings.push(identity);
    if has_none {
        // Every other line would say the same.
        return findings;
    }
    let (messages, table, bucket) = tokio::join!(
        messages::examine(&sdk, &settings),
        storage::table(&sdk, &settings),
        storage::bucket(&sdk, &settings, endpoint)
    );
    findings.extend(messages);
    findings.extend(table);
    findings.push(bucket);
    findings
}

/// Whose credentials these are; STS tells everybody, without any permission.
async fn credentials(sdk: &SdkConfig, endpoint: Option<&str>) -> Finding {
    if endpoint.is_some_and(config::is_local) {
        return Finding::ok("credentials", "made up, for an emulator");
    }
    let advice = "give this process a role, a profile (AWS_PROFILE) or keys in its environment";
    let Some(provider) = sdk.credentials_provider() else {
        return Finding::fail("credentials", "none are configured", advice);
    };
    if let Err(error) = provider.provide_credentials().await {
        return Finding::fail("credentials", causes(&error), advice);
    }
    match aws_sdk_sts::Client::new(sdk).get_caller_identity().send().await {
        Ok(identity) => Finding::ok("credentials", identity.arn.unwrap_or_default()),
        Err(error) if error.as_service_error().is_some() => {
            Finding::fail("credentials", reason(&error), "they are not taken: renew them")
        }
        // A private network need not reach STS.
        Err(error) => Finding::warn("credentials", format!("there are some; {}", reason(&error)), ""),
    }
}

/// The service's own words, or what kept us from hearing them.
fn reason<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match (error::code(error), error.as_service_error().and_then(ProvideErrorMetadata::message)) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => causes(error),
    }
}

fn is_denied<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let codes =
        ["AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"];
    error::code(error).is_some_and(|code| codes.contains(&code))
}

/// What to make of a look that failed. `action` is IAM's name of the call; `advice` for when the thing is not there.
fn not_seen<E>(
    subject: &'static str,
    name: &str,
    error: &SdkError<E, HttpResponse>,
    action: &str,
    advice: &str,
) -> Finding
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if is_denied(error) {
        let found = format!("{name}: this role may not look at it");
        return Finding::warn(subject, found, format!("allow {action}, or look with another role"));
    }
    let advice = match error.as_service_error() {
        Some(_) => advice,
        None => "is the network open, and the region or --aws-endpoint right?",
    };
    Finding::fail(subject, format!("{name}: {}", reason(error)), advice)
}
