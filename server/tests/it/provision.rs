//! `server provision` as a process, against a real emulator.

use std::collections::HashMap;
use std::process::{Command, Output};

use crate::emulator;

fn provision(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.arg("provision").args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CUELIGHT_")) {
        command.env_remove(name);
    }
    command.output().unwrap()
}

#[test]
fn provisioning_prints_the_settings_and_does_it_again_without_harm() {
    let arguments = ["--name", "printed", "--aws-endpoint", emulator::endpoint()];
    let first = provision(&arguments);
    assert!(first.status.success(), "{first:?}");
    let text = String::from_utf8(first.stdout).unwrap();
    let lines: HashMap<&str, &str> = text.lines().map(|line| line.split_once('=').unwrap()).collect();
    let check = |name: &str, expect: &str| {
        assert!(lines.get(name).is_some_and(|value| value.ends_with(expect)), "{name}: {text}");
    };
    check("CUELIGHT_BACKEND", "aws");
    check("CUELIGHT_AWS_ENDPOINT", emulator::endpoint());
    check("CUELIGHT_AWS_REGION", "us-east-1");
    check("CUELIGHT_QUEUE_URL", "/printed");
    check("CUELIGHT_DEAD_LETTER_QUEUE_URL", "/printed-dead");
    check("CUELIGHT_TOPIC_ARN", ":printed");
    check("CUELIGHT_TABLE", "printed");
    check("CUELIGHT_BUCKET", "printed");
    let second = provision(&arguments);
    assert_eq!(String::from_utf8(second.stdout).unwrap(), text);
}

#[test]
fn aws_itself_is_not_provisioned_and_the_template_is_named() {
    let output = provision(&["--name", "real", "--aws-endpoint", "https://sqs.eu-central-1.amazonaws.com"]);
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    let problem = String::from_utf8(output.stderr).unwrap();
    assert!(problem.contains("deploy/aws") && problem.contains("only an emulator"), "{problem}");
}
