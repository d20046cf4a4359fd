//! The page for operators tells the settings that there are.

use backend::BackendConfig;
use clap::{Args as _, Command};
use server::config::Arguments;

#[path = "../../../docs/settings.rs"]
mod settings_table;

#[test]
fn the_page_for_operators_tells_the_settings_of_the_server() {
    let shared = BackendConfig::augment_args(Command::new("backend"));
    settings_table::check("backend", &shared, &[]);
    let server = Arguments::augment_args(Command::new("server"));
    settings_table::check("server", &server, &[&shared]);
}
