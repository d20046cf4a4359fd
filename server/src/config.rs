//! What the operator sets: arguments and environment, turned once into values that cannot be wrong.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use backend::{BackendConfig, BackendKind};
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::provision::ProvisionArguments;

/// Cuelight's server: pages, HTTP interface and WebSocket.
#[derive(Debug, Clone, Parser)]
#[command(name = "server", version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    instead: Option<Instead>,
    #[command(flatten)]
    arguments: Arguments,
}

#[derive(Debug, Clone, Subcommand)]
enum Instead {
    Provision(ProvisionArguments),
    /// Look at everything a server with these settings needs; print a line for each, and what to do about it. Ends
    /// with 1 if something would fail.
    Doctor(Box<Arguments>),
}

/// What the server is asked to do.
#[derive(Debug, Clone)]
pub enum Command {
    Serve(Box<Arguments>),
    Provision(ProvisionArguments),
    Doctor(Box<Arguments>),
}

impl Command {
    /// Reads the command line; ends the process with a message where it makes no sense.
    pub fn read() -> Command {
        let line = CommandLine::parse();
        match line.instead {
            None => Command::Serve(Box::new(line.arguments.checked())),
            Some(Instead::Provision(arguments)) => Command::Provision(arguments),
            Some(Instead::Doctor(arguments)) => Command::Doctor(Box::new(arguments.checked())),
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", env = "CUELIGHT_LISTEN")]
    pub listen: SocketAddr,
    /// Listen where other machines can reach it. There is no login yet: everybody who can may use it.
    #[arg(long)]
    pub allow_anyone: bool,
    /// Where to listen for operators: /ops, /api/v1/ops, /api/v1/dead-letters, /metrics, /readyz and /healthz, and
    /// nothing else. Without it they are where everything is, if only this machine can reach that. There is no login:
    /// keep it from people who only use Cuelight.
    #[arg(long, value_name = "ADDRESS:PORT", env = "CUELIGHT_OPERATORS_LISTEN")]
    pub operators_listen: Option<SocketAddr>,
    /// Where to listen for posts of SNS, and for nothing else: what a tunnel or a load balancer then makes public.
    /// Without it they are taken where everything is. Needs --public-url.
    #[arg(long, value_name = "ADDRESS:PORT", env = "CUELIGHT_SNS_LISTEN")]
    pub sns_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub backend: BackendConfig,
    #[command(flatten)]
    pub config: Config,
}

/// What [`crate::run`] needs to know.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Folder of the built pages: `pkg/`, `main.css` and the public files.
    #[arg(long, value_name = "DIR", default_value = "target/site", env = "CUELIGHT_SITE")]
    pub site: PathBuf,
    /// Names of models to offer, the first one as the default.
    #[arg(long = "model", value_name = "NAME", default_values_t = [String::from("base")], env = "CUELIGHT_OFFER", value_delimiter = ',')]
    pub models: Vec<String>,
    /// Largest upload, in bytes.
    #[arg(long, value_name = "N", default_value_t = 4 << 30, env = "CUELIGHT_MAX_UPLOAD_BYTES")]
    pub max_upload_bytes: u64,
    /// How long a job and its media are kept: 90s, 30m, 12h, 7d.
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = parse_duration, env = "CUELIGHT_RETENTION")]
    pub retention: Duration,
    /// Names this server is reached by besides localhost; with a port where it is not the usual one.
    #[arg(long = "public-host", value_name = "HOST", env = "CUELIGHT_PUBLIC_HOST", value_delimiter = ',')]
    pub public_hosts: Vec<String>,
    /// Bytes of disk that uploads leave free.
    #[arg(long, value_name = "N", default_value_t = 256 << 20, env = "CUELIGHT_MIN_FREE_BYTES")]
    pub min_free_bytes: u64,
    /// How often the slow reconcilers look: expired jobs, dead letters, lost jobs, unheard ends.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration)]
    pub reconcile_every: Duration,
    /// A running job without a sign of life for this long has lost its worker: at least three times the workers'
    /// visibility.
    #[arg(long, value_name = "DURATION", default_value = "6m", value_parser = parse_duration, env = "CUELIGHT_WORKER_SILENCE")]
    pub worker_silence: Duration,
    /// How long an upload may take for each 4 KiB.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration)]
    pub upload_patience: Duration,
    /// The folder whose disk takes the uploads, where free space can be asked for.
    #[arg(skip)]
    pub media_folder: Option<PathBuf>,
}

impl Arguments {
    fn checked(mut self) -> Arguments {
        if let Err(problem) = self.check() {
            CommandLine::command().error(clap::error::ErrorKind::ValueValidation, problem).exit();
        }
        self.config.media_folder = Some(self.backend.data.clone());
        self
    }

    /// The rules that span several arguments.
    pub fn check(&self) -> Result<(), String> {
        for address in [Some(self.listen), self.operators_listen].into_iter().flatten() {
            if !address.ip().is_loopback() && !self.allow_anyone {
                return Err(format!(
                    "other machines can reach this address, and there is no login: {address}\n\
                     Listen on 127.0.0.1, or add --allow-anyone to let everybody in.",
                ));
            }
        }
        let is_posted_to = self.backend.backend == BackendKind::Aws && self.backend.aws.public_url.is_some();
        if self.sns_listen.is_some() && !is_posted_to {
            return Err("--sns-listen: SNS has no address to post to\n\
                        Add --backend aws and --public-url."
                .to_owned());
        }
        if self.config.models.is_empty() {
            return Err("no model is offered\nName at least one with --model.".to_owned());
        }
        Ok(())
    }
}

/// A number and a unit (`s`, `m`, `h`, `d`).
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("a duration is a number and one of s, m, h, d: {text}");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| problem())?;
    let unit = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(problem()),
    };
    // A century is enough for everybody, and keeps every sum of times in range.
    let seconds = number.checked_mul(unit).filter(|seconds| *seconds <= 100 * 366 * 24 * 60 * 60);
    seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, expect) in [
            ("90s", Some(90)),
            ("30m", Some(1800)),
            ("7d", Some(604_800)),
            ("7", None),
            ("d", None),
            ("", None),
            ("-1s", None),
            ("0s", None),
            ("1 h", None),
            ("99999999999999999999d", None),
            ("999999999999d", None),
        ] {
            assert_eq!(parse_duration(text).ok(), expect.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn an_address_others_can_reach_must_be_asked_for() {
        let check = |line: &str| CommandLine::try_parse_from(line.split(' ')).unwrap().arguments.check();
        assert_eq!(check("server --listen 127.0.0.1:0"), Ok(()));
        assert_eq!(check("server --listen [::1]:0"), Ok(()));
        assert!(check("server --listen 0.0.0.0:80").unwrap_err().contains("--allow-anyone"));
        assert_eq!(check("server --listen 0.0.0.0:80 --allow-anyone"), Ok(()));
        assert!(check("server --operators-listen 0.0.0.0:81").unwrap_err().contains("0.0.0.0:81"));
        assert_eq!(check("server --operators-listen 127.0.0.1:81"), Ok(()));
    }

    #[test]
    fn a_listener_for_sns_needs_an_address_that_sns_posts_to() {
        let check = |line: &str| CommandLine::try_parse_from(line.split(' ')).unwrap().arguments.check();
        assert!(check("server --sns-listen 127.0.0.1:0").unwrap_err().contains("--public-url"));
        assert!(check("server --sns-listen 127.0.0.1:0 --public-url https://a.example").is_err());
        let complete = "server --sns-listen 127.0.0.1:0 --backend aws --public-url https://a.example";
        assert_eq!(check(complete), Ok(()));
    }
}
