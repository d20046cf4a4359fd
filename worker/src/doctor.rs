//! `worker doctor`: what a worker with these settings would find.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use backend::doctor::{Finding, Report, folder};
use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::task::spawn_blocking;

use crate::config::{PullArgs, WorkerConfig};
use crate::engine::sandbox::{self, Tried};
use crate::engine::{EngineConfig, SandboxMode, check_ctranslate2};
use crate::model::{Manifest, find_in};

/// For another program to tell its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// Prints a line for each finding. A failure, unless nothing fails.
pub async fn run(args: &PullArgs) -> anyhow::Result<ExitCode> {
    let mut findings = backend::doctor::examine(&args.backend).await;
    let scratch = args.scratch.clone().unwrap_or_else(|| args.backend.data.join("scratch"));
    findings.push(folder("scratch folder", &scratch));
    let library = args.ctranslate2.clone();
    findings.push(spawn_blocking(move || engine(library.as_deref())).await?);
    let (folder, name) = (args.models.clone(), args.model.clone());
    findings.extend(spawn_blocking(move || models(&Manifest::bundled(), &folder, &name)).await?);
    findings.push(sandbox(WorkerConfig::from_args(args)?.engine).await);
    let without = "AC-3, E-AC-3, MPEG-TS and FLV cannot be decoded without it: apt-get install ffmpeg";
    findings.push(program("ffmpeg", "-version", without).await);
    let without = "without it only links straight to a media file are of use";
    findings.push(program("yt-dlp", "--version", without).await);
    let report = Report(findings);
    io::stdout().write_all(report.to_string().as_bytes())?;
    Ok(if report.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What transcribes.
fn engine(ctranslate2: Option<&Path>) -> Finding {
    const NAME: &str = "engine";
    let advice = "make it with ./dev engine ctranslate2, and put its path into CUELIGHT_CTRANSLATE2";
    match ctranslate2 {
        None if cfg!(target_arch = "x86_64") => {
            Finding::warn(NAME, "whisper.cpp; CTranslate2 takes a third of its time", advice)
        }
        None => Finding::ok(NAME, "whisper.cpp"),
        Some(path) => match check_ctranslate2(path) {
            Ok(()) => Finding::ok(NAME, format!("CTranslate2: {}", path.display())),
            Err(error) => Finding::fail(NAME, format!("CTranslate2: {error:#}"), advice),
        },
    }
}

/// The model for jobs that ask for none, and the one that tells speech from silence. Reads both files whole.
fn models(manifest: &Manifest, folder: &Path, name: &str) -> Vec<Finding> {
    let voice = manifest.voice().map(|model| model.name.as_str());
    let model = |subject, name: &str| {
        let pull = format!("worker model pull --force {name}");
        match find_in(manifest, folder, name) {
            Ok(path) => match (sum(&path), manifest.model(name)) {
                (Ok(found), Some(model)) if found == model.sha256 => {
                    Finding::ok(subject, format!("{name}: {}", path.display()))
                }
                (Ok(_), _) => {
                    let found = format!("{name}: damaged, its checksum is wrong: {}", path.display());
                    Finding::fail(subject, found, pull)
                }
                (Err(error), _) => Finding::fail(subject, format!("{name}: cannot be read ({error})"), pull),
            },
            Err(error) => {
                let problem = error.to_string();
                let (found, advice) = problem.split_once('\n').unwrap_or((&problem, ""));
                Finding::fail(subject, found, advice)
            }
        }
    };
    let mut findings = vec![model("model", name)];
    findings.extend(voice.map(|voice| model("voice model", voice)));
    findings
}

/// SHA-256 in lower-case hexadecimal.
fn sum(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Has an engine try to get out of its sandbox.
async fn sandbox(config: EngineConfig) -> Finding {
    if config.sandbox == SandboxMode::Off {
        let found = "off: who takes the engine over can do what the worker can";
        return Finding::warn("sandbox", found, "leave out --sandbox off");
    }
    match sandbox::try_out(&config, None, true).await {
        Ok(tried) => judge(&tried, config.sandbox == SandboxMode::Required),
        Err(error) => Finding::fail("sandbox", format!("not tried out: {error:#}"), ""),
    }
}

fn judge(tried: &Tried, is_required: bool) -> Finding {
    let Tried { lacks, ways, open, broken } = tried;
    let mut found = format!("{} of {ways} ways out of the engine are closed", ways - open.len());
    for (what, list) in [("it lacks", lacks), ("open", open), ("it cannot", broken)] {
        if !list.is_empty() {
            found = format!("{found}; {what}: {}", list.join(", "));
        }
    }
    let kernel = "run it on Linux 5.13 or later with Landlock and seccomp, or on a machine of its own";
    match (lacks.is_empty(), open.is_empty(), broken.is_empty()) {
        (true, true, true) => Finding::ok("sandbox", found),
        (true, true, false) => Finding::warn("sandbox", found, "media that needs ffmpeg fails"),
        (false, ..) if !is_required => Finding::warn("sandbox", found, kernel),
        _ => Finding::fail("sandbox", found, kernel),
    }
}

/// A program that is of use but not needed.
async fn program(name: &'static str, argument: &str, without: &str) -> Finding {
    let mut command = Command::new(name);
    command.arg(argument).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            let version: String = text.lines().next().unwrap_or_default().chars().take(60).collect();
            Finding::ok(name, version)
        }
        Ok(Ok(output)) => Finding::warn(name, format!("does not run: {}", output.status), without),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            Finding::warn(name, "not found", without)
        }
        Ok(Err(error)) => Finding::warn(name, format!("does not run: {error}"), without),
        Err(_) => Finding::warn(name, "does not answer", without),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backend::doctor::Verdict;

    #[test]
    fn a_model_is_held_against_its_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "default = 'small'\n[[model]]\nname = 'small'\nkind = 'whisper'\nlanguages = 'english'\n\
             file = 'small.bin'\nsize = 3\nsha256 = '{}'\nsource = []",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of "abc"
        );
        let manifest = Manifest::parse(&text).unwrap();
        let check = |content: Option<&str>, name: &str, verdict: Verdict, words: &str| {
            if let Some(content) = content {
                std::fs::write(folder.path().join("small.bin"), content).unwrap();
            }
            let finding = models(&manifest, folder.path(), name).remove(0);
            assert_eq!(finding.verdict, verdict, "{finding}");
            assert!(finding.to_string().contains(words), "{finding}");
        };
        check(None, "small", Verdict::Fail, "worker model pull small");
        check(None, "other", Verdict::Fail, "known models: small");
        check(Some("ab"), "small", Verdict::Fail, "worker model pull small");
        check(Some("abd"), "small", Verdict::Fail, "checksum is wrong");
        check(Some("abc"), "small", Verdict::Ok, "small.bin");
    }

    #[test]
    fn a_sandbox_is_judged_by_what_is_open_and_by_what_was_asked_for() {
        let check = |[lacks, open, broken]: [&[&str]; 3], required: bool, verdict: Verdict, text: &str| {
            let owned = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect();
            let tried = Tried { lacks: owned(lacks), ways: 30, open: owned(open), broken: owned(broken) };
            let finding = judge(&tried, required);
            assert_eq!((finding.verdict, finding.found.as_str()), (verdict, text));
        };
        let closed = "30 of 30 ways out of the engine are closed";
        check([&[], &[], &[]], true, Verdict::Ok, closed);
        check(
            [&[], &[], &["run ffmpeg: no"]],
            true,
            Verdict::Warn,
            &format!("{closed}; it cannot: run ffmpeg: no"),
        );
        let partly = "29 of 30 ways out of the engine are closed; it lacks: Landlock; open: read any file";
        check([&["Landlock"], &["read any file"], &[]], false, Verdict::Warn, partly);
        check([&["Landlock"], &["read any file"], &[]], true, Verdict::Fail, partly);
        let open = "29 of 30 ways out of the engine are closed; open: signal the worker";
        check([&[], &["signal the worker"], &[]], false, Verdict::Fail, open);
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_no_failure() {
        let finding = program("no-such-program", "--version", "not needed").await;
        assert_eq!((finding.verdict, finding.found.as_str()), (Verdict::Warn, "not found"));
        assert_eq!(program("true", "--version", "not needed").await.verdict, Verdict::Ok);
        assert_eq!(program("false", "--version", "not needed").await.verdict, Verdict::Warn);
    }
}
