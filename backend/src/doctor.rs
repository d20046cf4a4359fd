//! What is right with a backend and what is wrong, for `server doctor` and `worker doctor`: one line for each thing,
//! with what to do about it. Looking changes nothing that stays.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{BackendConfig, BackendKind, aws, embedded};

/// Less than this, and the next upload may fail.
const LEAST_FREE_BYTES: u64 = 256 << 20;
/// Less than this, and a long video may not fit.
const ROOM_BYTES: u64 = 5 << 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Ok,
    /// It works, but not well, or not for long.
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub subject: &'static str,
    pub verdict: Verdict,
    pub found: String,
    /// What to do; empty where nothing is to be done.
    pub advice: String,
}

impl Finding {
    pub fn ok(subject: &'static str, found: impl Into<String>) -> Finding {
        Finding { subject, verdict: Verdict::Ok, found: found.into(), advice: String::new() }
    }

    pub fn warn(subject: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { subject, verdict: Verdict::Warn, found: found.into(), advice: advice.into() }
    }

    pub fn fail(subject: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { subject, verdict: Verdict::Fail, found: found.into(), advice: advice.into() }
    }
}

/// One line, whatever an error message brings along.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        let line = |text: &str| {
            let words: Vec<&str> =
                text.split(|sign: char| sign.is_whitespace() || sign.is_control()).collect();
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        };
        write!(f, "{verdict:<4}  {:<16}  {}", self.subject, line(&self.found))?;
        match self.advice.is_empty() {
            true => Ok(()),
            false => write!(f, " → {}", line(&self.advice)),
        }
    }
}

/// Everything that was looked at, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report(pub Vec<Finding>);

impl Report {
    pub fn has_failed(&self) -> bool {
        self.0.iter().any(|finding| finding.verdict == Verdict::Fail)
    }
}

/// A line for each finding, and one that counts them.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.0 {
            writeln!(f, "{finding}")?;
        }
        let count = |verdict| self.0.iter().filter(|finding| finding.verdict == verdict).count();
        let (ok, warn, fail) = (count(Verdict::Ok), count(Verdict::Warn), count(Verdict::Fail));
        writeln!(f, "{ok} ok, {warn} warn, {fail} fail")
    }
}

/// Looks at the backend. Each wait ends: in about half a minute for a service that does not answer.
pub async fn examine(config: &BackendConfig) -> Vec<Finding> {
    let mut findings = vec![folder("data folder", &config.data)];
    findings.extend(match config.backend {
        BackendKind::Embedded => embedded::doctor::examine(&config.data).await,
        BackendKind::Aws => aws::doctor::examine(&config.aws).await,
    });
    findings
}

/// Whether a server hears the topic: subscribes for a moment, as another server does. Nothing to look at with the
/// embedded backend, whose topic is the database.
pub async fn examine_topic(config: &BackendConfig) -> Vec<Finding> {
    match config.backend {
        BackendKind::Embedded => Vec::new(),
        BackendKind::Aws => aws::doctor::reach::examine(config).await,
    }
}

/// Whether a file can be made in the folder, or where it would be made, and how much more fits there.
pub fn folder(subject: &'static str, path: &Path) -> Finding {
    let Some(there) = nearest(path) else {
        return Finding::fail(
            subject,
            format!("{}: no part of it exists", path.display()),
            "name another one",
        );
    };
    let shown = match there == path {
        true => path.display().to_string(),
        false => format!("{}, which is made at the first start", path.display()),
    };
    if let Err(error) = tempfile::tempfile_in(&there) {
        let found = format!("{shown}: cannot be written ({error})");
        return Finding::fail(subject, found, "give it to the user this runs as, or name another one");
    }
    let free = match rustix::fs::statvfs(&there) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            return Finding::warn(subject, format!("{shown}: its free space is not known ({error})"), "");
        }
    };
    let found = format!("{shown}: {:.1} GB free", free as f64 / 1e9);
    let advice = "make room, or name a folder on another disk";
    match free {
        0..LEAST_FREE_BYTES => Finding::fail(subject, found, advice),
        LEAST_FREE_BYTES..ROOM_BYTES => Finding::warn(subject, found, advice),
        _ => Finding::ok(subject, found),
    }
}

/// The folder, or the nearest one above it that exists.
fn nearest(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.ancestors().find(|path| path.exists()).map(Path::to_path_buf)
}

/// An error and its causes on one line, each once.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text += ": ";
            text += &cause_text;
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let check = |finding: Finding, expect: &str| assert_eq!(finding.to_string(), expect);
        check(Finding::ok("table", "jobs: active"), "ok    table             jobs: active");
        check(
            Finding::fail("queue", "no answer:\n  because\u{7} of\tthis", "start it"),
            "fail  queue             no answer: because of this → start it",
        );
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_looked_at_where_it_will_be() {
        let folder = tempfile::TempDir::new().unwrap();
        let check = |path: &Path, verdict: Verdict, expect: &str| {
            let finding = super::folder("data folder", path);
            // How full the disk is, is not for this test.
            assert_eq!(finding.verdict == Verdict::Fail, verdict == Verdict::Fail, "{finding}");
            assert!(finding.found.contains(expect), "{finding}");
        };
        check(folder.path(), Verdict::Ok, " GB free");
        check(&folder.path().join("a/b"), Verdict::Ok, "which is made at the first start");
        std::fs::write(folder.path().join("file"), "").unwrap();
        check(&folder.path().join("file"), Verdict::Fail, "cannot be written");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }
}
