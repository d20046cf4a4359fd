//! The page for operators tells the settings that there are.

use backend::BackendConfig;
use clap::{Args as _, Command};
use worker::config::{PullArgs, PushArgs};

#[path = "../../../docs/settings.rs"]
mod settings_table;

#[test]
fn the_page_for_operators_tells_the_settings_of_the_worker() {
    let shared = BackendConfig::augment_args(Command::new("backend"));
    let pull = PullArgs::augment_args(Command::new("pull"));
    settings_table::check("worker pull", &pull, &[&shared]);
    let push = PushArgs::augment_args(Command::new("push"));
    settings_table::check("worker push", &push, &[&shared, &pull]);
}
