// The tables of settings in operations.md, made out of the command lines; included by tests of server and worker.

use std::path::Path;

use clap::{Arg, Command};

/// Compares the table between `<!-- settings: NAME -->` and `<!-- end -->` with the arguments of a command, without
/// those of `others`. With `CUELIGHT_UPDATE_DOCS` in the environment it writes the table instead.
pub fn check(name: &str, command: &Command, others: &[&Command]) {
    let is_elsewhere = |argument: &Arg| {
        others.iter().any(|other| other.get_arguments().any(|its| its.get_id() == argument.get_id()))
    };
    let mut expected = String::from("\n| option | environment | default | |\n| --- | --- | --- | --- |\n");
    for argument in command.get_arguments().filter(|argument| !is_elsewhere(argument)) {
        expected.push_str(&row(argument));
    }

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let text = std::fs::read_to_string(&path).expect("the page can be read");
    let (before, rest) =
        text.split_once(&format!("<!-- settings: {name} -->")).expect("the table has a place");
    let (found, after) = rest.split_once("<!-- end -->").expect("the table has an end");
    if std::env::var_os("CUELIGHT_UPDATE_DOCS").is_some() {
        let text = format!("{before}<!-- settings: {name} -->{expected}<!-- end -->{after}");
        std::fs::write(&path, text).expect("the page can be written");
        return;
    }
    assert_eq!(
        found, expected,
        "docs/operations.md tells other settings of {name} than there are; to write them there: \
         CUELIGHT_UPDATE_DOCS=1 cargo test -p server -p worker settings"
    );
}

fn row(argument: &Arg) -> String {
    let mut option = format!("--{}", argument.get_long().expect("every setting is an option"));
    if argument.get_action().takes_values() {
        let value =
            argument.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
        option = format!("{option} {value}");
    }
    let environment =
        argument.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
    let home = std::env::var("HOME").unwrap_or_default();
    let mut defaults = Vec::new();
    for value in argument.get_default_values() {
        let value = value.to_string_lossy();
        defaults.push(match value.strip_prefix(&home).filter(|_| !home.is_empty()) {
            Some(rest) => format!("~{rest}"),
            None => value.into_owned(),
        });
    }
    let default = match defaults.is_empty() || !argument.get_action().takes_values() {
        true => String::new(),
        false => format!("`{}`", defaults.join(",")),
    };
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
    format!("| `{option}` | {environment} | {default} | {help} |\n")
}
