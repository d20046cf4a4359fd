//! What the engine can do once it is confined: its work, and nothing else.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use domain::Failure;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
use worker::engine::sandbox::try_out;
use worker::engine::{Engine, EngineConfig, Request, SandboxMode};

use crate::engine::{config, hear, installed, request, with_both_engines};
use crate::process_support::{ProcessEnd, children};
use crate::support::{MODEL, cache, models, patiently, speech};

with_both_engines![a_confined_engine_finds_no_way_out,];

async fn a_confined_engine_finds_no_way_out(config: EngineConfig) {
    let _open = left_open();
    let mut victim = victim();
    let config = EngineConfig { sandbox: SandboxMode::Required, ..config };
    let tried = try_out(&config, Some(victim.id()), true).await.unwrap();
    assert_eq!(tried.lacks, [""; 0], "this test needs a kernel with Landlock and seccomp");
    assert_eq!(tried.open, [""; 0]);
    assert_eq!(tried.broken, [""; 0]);
    assert!(tried.ways > 30, "{tried:?}");
    assert_eq!(victim.try_wait().unwrap(), None, "it was killed all the same");
    victim.kill().unwrap();
    victim.wait().unwrap();
}

/// The test of the test: it would notice.
#[tokio::test]
async fn without_the_sandbox_the_ways_out_are_found() {
    let mut victim = victim();
    let config = EngineConfig { sandbox: SandboxMode::Off, ..config() };
    let tried = try_out(&config, Some(victim.id()), true).await.unwrap();
    for way in [
        "connect by TCP",
        "listen for TCP",
        "send by UDP",
        "make a Unix socket",
        "read any file",
        "list any folder",
        "write any file",
        "make files beside what it reads",
        "change what it reads",
        "remove what it reads",
        "signal the worker",
        "kill other processes",
        "run a shell",
        "leave its process group",
        "call memfd_create",
    ] {
        assert!(tried.open.iter().any(|open| open == way), "{way}: {tried:?}");
    }
    victim.wait().unwrap();
    // What is not for the kernel to grant.
    for way in [
        "find more in its environment",
        "use files that the worker's parent left open",
        "take more memory than it may",
        "raise its limits",
        "leave a core dump",
    ] {
        assert!(!tried.open.iter().any(|open| open == way), "{way}: {tried:?}");
    }
}

#[tokio::test]
async fn media_that_was_not_given_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media");
    std::fs::copy(speech(), &media).unwrap();
    let readable = vec![cache().join("speech"), models()];
    let mut engine = Engine::spawn(&EngineConfig { readable, ..config() }).await.unwrap();
    assert_eq!(hear(&mut engine, &request(&media)).await.unwrap_err(), Failure::CorruptMedia);
    assert!(hear(&mut engine, &request(&speech())).await.is_ok());
}

#[tokio::test]
async fn models_may_be_links_to_another_disk() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("ggml-tiny.en.bin");
    symlink(installed("ggml-tiny.en.bin"), &model).unwrap();
    let voice_model = folder.path().join("ggml-silero-v6.2.0.bin");
    symlink(installed("ggml-silero-v6.2.0.bin"), &voice_model).unwrap();
    let readable = vec![folder.path().to_owned(), cache().join("speech")];
    let mut engine = Engine::spawn(&EngineConfig { readable, ..config() }).await.unwrap();
    let heard = hear(&mut engine, &Request { model, voice_model, ..request(&speech()) }).await.unwrap();
    assert!(heard.text().contains("country"), "{}", heard.text());
}

#[tokio::test]
async fn what_the_child_started_ends_with_it() {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/forking_engine.sh");
    let engine = Engine::spawn(&EngineConfig { program: script, ..config() }).await.unwrap();
    let forked = async {
        loop {
            if let Some(child) = children(engine.process_id().unwrap()).first() {
                return *child;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let end = ProcessEnd::of(patiently("the fork", forked).await);
    drop(engine);
    end.within(Duration::from_secs(2)).await;
}

/// Nothing falls back in silence, and nothing at all where the whole sandbox is required.
#[test]
fn where_the_kernel_lacks_a_part_the_worker_says_so_or_does_not_start() {
    for (call, lack) in [(libc::SYS_landlock_create_ruleset, "Landlock"), (libc::SYS_seccomp, "seccomp")] {
        let best_effort = transcribe_without(call, "best-effort");
        let said = String::from_utf8_lossy(&best_effort.stderr);
        let text = String::from_utf8_lossy(&best_effort.stdout);
        assert!(best_effort.status.success() && text.contains("country"), "{said}");
        assert_eq!(said.matches("the sandbox of the engine is not complete").count(), 1, "{said}");
        assert!(said.contains("WARN") && said.contains(lack), "{said}");

        let required = transcribe_without(call, "required");
        let said = String::from_utf8_lossy(&required.stderr);
        assert!(!required.status.success() && required.stdout.is_empty(), "{said}");
        assert!(said.contains("It lacks: ") && said.contains(lack), "{said}");
    }
}

/// `worker transcribe` as on a kernel that does not know the system call.
fn transcribe_without(call: i64, mode: &str) -> Output {
    let refusal = SeccompAction::Errno(libc::ENOSYS as u32);
    let architecture = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    let rules = BTreeMap::from([(call, Vec::new())]);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, architecture).unwrap();
    let program = BpfProgram::try_from(filter).unwrap();
    let mut transcribe = Command::new(env!("CARGO_BIN_EXE_worker"));
    transcribe.arg("transcribe").arg(speech()).args(["--model", MODEL, "--sandbox", mode]);
    transcribe.arg("--models").arg(models());
    let confine = move || seccompiler::apply_filter(&program).map_err(std::io::Error::other);
    // SAFETY: two system calls, and no memory is allocated unless they fail.
    #[allow(unsafe_code)]
    unsafe {
        transcribe.pre_exec(confine)
    };
    transcribe.output().unwrap()
}

/// A process that nobody needs.
fn victim() -> std::process::Child {
    Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn().unwrap()
}

/// A file that every child inherits, as when whoever started the worker forgot to close it.
#[allow(unsafe_code)]
fn left_open() -> std::os::fd::OwnedFd {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    let secret = tempfile::tempfile().unwrap();
    // SAFETY: the new descriptor is nobody else's, and `dup` makes one that is inherited.
    unsafe { OwnedFd::from_raw_fd(libc::dup(secret.as_raw_fd())) }
}
