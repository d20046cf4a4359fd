//! `worker doctor`: what a worker with these settings would find.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use backend::doctor::{Finding, Report, Verdict, folder};
use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::task::spawn_blocking;

use crate::audio::MediaDecoder;
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
    findings.push(ffmpeg(args.media_decoder).await);
    findings.push(videos(args.media_decoder).await);
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
            Finding::warn(NAME, "whisper.cpp; CTranslate2 takes less than half of its time", advice)
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

/// What ffmpeg opens up: for people, and the name of the decoder or container in its own lists.
const OPENED: &[(&str, &str)] = &[
    ("AC-3", "ac3"),
    ("E-AC-3", "eac3"),
    ("DTS", "dca"),
    ("surround AAC and HE-AAC", "aac"),
    ("MPEG-TS", "mpegts"),
    ("AVI", "avi"),
    ("FLV", "flv"),
    ("Windows Media", "asf"),
];

/// Whether ffmpeg is there, and what this build of it opens up.
async fn ffmpeg(decoder: MediaDecoder) -> Finding {
    let names = |is_missing: &dyn Fn(&str) -> bool| {
        let names = OPENED.iter().filter(|(_, name)| is_missing(name)).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(", ")
    };
    let all = names(&|_| true);
    if decoder == MediaDecoder::Symphonia {
        return Finding::ok("ffmpeg", format!("not used, as --media-decoder says; so no {all}"));
    }
    let without = format!("without it these fail: {all}; apt-get install ffmpeg");
    let finding = program("ffmpeg", "-version", &without).await;
    if finding.verdict != Verdict::Ok {
        return finding;
    }
    let (decoders, containers) = tokio::join!(listed("-decoders"), listed("-demuxers"));
    let known = decoders + &containers;
    let version = finding.found.split(" Copyright").next().unwrap_or_default();
    let missing = names(&|name| !is_listed(&known, name));
    match missing.is_empty() {
        true => Finding::ok("ffmpeg", format!("{version}; opens up {all}")),
        false => Finding::warn("ffmpeg", format!("{version}; does not know {missing}"), without),
    }
}

/// What videos with subtitles take of ffmpeg: for people, and the name in its own lists.
const OF_VIDEOS: &[(&str, &str)] = &[
    ("tracks in MP4", "mov_text"),
    ("tracks in Matroska", "srt"),
    ("drawing", "ass"),
    ("H.264", "libx264"),
    ("AAC", "aac"),
];

/// Whether videos with subtitles can be made.
async fn videos(decoder: MediaDecoder) -> Finding {
    const NAME: &str = "videos";
    if decoder == MediaDecoder::Symphonia {
        return Finding::ok(NAME, "none are made, as --media-decoder says");
    }
    let (encoders, filters) = tokio::join!(listed("-encoders"), listed("-filters"));
    let known = encoders + &filters;
    let missing = OF_VIDEOS.iter().filter(|(_, name)| !is_listed(&known, name)).map(|(name, _)| *name);
    let missing: Vec<_> = missing.collect();
    let install = "apt-get install ffmpeg";
    match missing.len() {
        0 => Finding::ok(NAME, "subtitles become tracks of videos, or are drawn into them"),
        all if all == OF_VIDEOS.len() => Finding::warn(NAME, "none are made without ffmpeg", install),
        _ => Finding::warn(NAME, format!("ffmpeg does not know: {}", missing.join(", ")), install),
    }
}

/// One of ffmpeg's lists; empty if it does not answer.
async fn listed(option: &str) -> String {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", option]);
    command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.ok().and_then(Result::ok).map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).into_owned()
}

/// `" A....D ac3   ATSC A/52A"`: flags, the name or several of them, and what it means.
fn is_listed(list: &str, name: &str) -> bool {
    let names = list.lines().filter_map(|line| line.split_whitespace().nth(1));
    names.flat_map(|names| names.split(',')).any(|listed| listed == name)
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

    #[test]
    fn what_ffmpeg_knows_is_read_off_its_lists() {
        let list =
            " A....D eac3                 ATSC A/52B (AC-3, E-AC-3)\n D  mov,mp4,m4a     QuickTime / MOV\n";
        for (name, expect) in [("eac3", true), ("mp4", true), ("ac3", false), ("ATSC", false)] {
            assert_eq!(is_listed(list, name), expect, "{name}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_no_failure() {
        let finding = program("no-such-program", "--version", "not needed").await;
        assert_eq!((finding.verdict, finding.found.as_str()), (Verdict::Warn, "not found"));
        assert_eq!(program("true", "--version", "not needed").await.verdict, Verdict::Ok);
        assert_eq!(program("false", "--version", "not needed").await.verdict, Verdict::Warn);
    }
}
