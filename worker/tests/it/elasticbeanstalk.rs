//! `deploy/elasticbeanstalk` against the code: routes, settings and schedule cannot drift apart.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use worker::config::PushArgs;
use worker::push;
use worker::tasks::{Task, TaskConfig};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: PushArgs,
}

fn read(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join("deploy/elasticbeanstalk").join(name)).unwrap()
}

/// `name: value` of every line that has one; a list item's dash is no part of the name.
fn pairs(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines
        .filter_map(|line| line.trim_start_matches([' ', '-']).split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.trim().trim_matches('"').to_owned()))
        .collect()
}

/// The command of the Procfile, as the worker reads it.
fn procfile() -> PushArgs {
    let text = read("Procfile");
    let command = text.trim().strip_prefix("web: ./worker push ").expect("it starts the worker in push mode");
    Cli::parse_from(std::iter::once("push").chain(command.split(' '))).args
}

#[test]
fn the_schedule_posts_every_task_once_in_its_period() {
    let pairs = pairs(&read("cron.yaml"));
    let all = |name: &str| -> Vec<String> {
        pairs.iter().filter(|pair| pair.0 == name).map(|pair| pair.1.clone()).collect()
    };
    let (urls, schedules) = (all("url"), all("schedule"));
    assert_eq!(urls, Task::ALL.map(|task| format!("/tasks/{task}")));
    assert_eq!(all("name"), Task::ALL.map(Task::name));
    let defaults: TaskConfig = procfile().pull.tasks.config(false);
    for (task, schedule) in Task::ALL.into_iter().zip(schedules) {
        let fields: Vec<&str> = schedule.split(' ').collect();
        let seconds = match fields[..] {
            [minutes, "*", "*", "*", "*"] if minutes.starts_with("*/") => {
                minutes[2..].parse::<u64>().unwrap() * 60
            }
            [_, "*", "*", "*", "*"] => 60 * 60,
            [_, _, "*", "*", "*"] => 24 * 60 * 60,
            _ => panic!("{schedule}"),
        };
        assert_eq!(defaults.period(task), Some(Duration::from_secs(seconds)), "{task}: {schedule}");
    }
}

#[test]
fn the_daemon_waits_longer_than_the_worker_works_and_shorter_than_the_message_hides() {
    let settings: HashMap<String, String> = pairs(&read(".ebextensions/worker.config")).into_iter().collect();
    let seconds = |name: &str| Duration::from_secs(settings[name].parse().unwrap());
    let args = procfile();
    assert_eq!(settings["HttpPath"], "/");
    assert_eq!(settings["MimeType"], "application/json");
    assert_eq!(settings["HttpConnections"], args.pull.slots.to_string());
    assert_eq!(seconds("VisibilityTimeout"), Duration::from_secs(300));
    assert_eq!(seconds("InactivityTimeout"), Duration::from_secs(299));
    assert_eq!(seconds("ConnectTimeout"), Duration::from_secs(5));
    assert_eq!(seconds("ErrorVisibilityTimeout"), push::ERROR_VISIBILITY);
    let days = seconds("RetentionPeriod").as_secs() / 86_400;
    assert!((4..=14).contains(&days), "{days}");
    let retries: u32 = settings["MaxRetries"].parse().unwrap();
    assert!((1..=100).contains(&retries));
    assert_eq!(args.patience, Cli::parse_from(["push"]).args.patience);
    assert!(args.patience + Duration::from_secs(15) <= seconds("InactivityTimeout"));
    assert!(seconds("InactivityTimeout") < seconds("VisibilityTimeout"));
    let proxy = read(".platform/nginx/conf.d/patience.conf");
    assert!(proxy.contains("proxy_read_timeout 300s;"), "the proxy between them waits as long");
    assert_eq!(args.listen.to_string(), "127.0.0.1:5000", "where the platform's proxy passes requests on to");
}

#[test]
fn the_environment_names_settings_that_exist() {
    let command = Cli::command();
    let known: Vec<&str> =
        command.get_arguments().filter_map(|argument| argument.get_env()?.to_str()).collect();
    let set = pairs(&read(".ebextensions/environment.config"));
    let texts = [read("README.md"), read(".platform/hooks/predeploy/models.sh")].concat();
    let named = texts.split(|c: char| !c.is_ascii_uppercase() && c != '_').map(str::to_owned);
    let names = set.into_iter().map(|(name, _)| name).chain(named);
    let names: Vec<String> = names.filter(|name| name.starts_with("CUELIGHT_")).collect();
    assert!(names.len() > 8, "{names:?}");
    for name in names {
        assert!(known.contains(&name.as_str()), "{name} is no setting: {known:?}");
    }
}
