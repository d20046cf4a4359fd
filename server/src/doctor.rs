//! `server doctor`: what a server with these settings would find.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use backend::doctor::{Finding, Report, Verdict};

use crate::config::Arguments;

/// Prints a line for each finding. A failure, unless nothing fails.
pub async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut findings = backend::doctor::examine(&arguments.backend).await;
    // Where looking at the topic failed, subscribing to it would take long to say the same.
    if !findings.iter().any(|finding| finding.verdict == Verdict::Fail) {
        findings.extend(backend::doctor::examine_topic(&arguments.backend).await);
    }
    findings.push(pages(&arguments.config.site));
    let report = Report(findings);
    std::io::stdout().write_all(report.to_string().as_bytes())?;
    Ok(if report.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Whether the pages were built.
fn pages(site: &Path) -> Finding {
    let shown = site.display();
    let parts = ["start", "job", "editor"].map(|part| [format!("pkg/{part}.js"), format!("pkg/{part}.wasm")]);
    let all = parts.into_iter().flatten().chain(["pkg/cuelight.css".to_owned()]);
    let missing: Vec<String> = all.filter(|name| !site.join(name).is_file()).collect();
    match missing.is_empty() {
        true => Finding::ok("pages", format!("built, in {shown}")),
        false => {
            let found = format!("{shown} has no {}", missing.join(", "));
            Finding::fail("pages", found, "build them with ./dev build, and name their folder with --site")
        }
    }
}
