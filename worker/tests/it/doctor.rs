//! `worker doctor` as a process, with the real models.

use std::process::Command;

use crate::support::{MODEL, models};

#[test]
fn the_doctor_ends_with_one_when_something_fails_and_says_what() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let check = |arguments: &[&str], code: i32, lines: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
        command.args(["doctor", "--data", data.to_str().unwrap()]).args(arguments);
        command
            .env_remove("CUELIGHT_BACKEND")
            .env_remove("CUELIGHT_MODEL")
            .env_remove("CUELIGHT_CTRANSLATE2");
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        for line in lines {
            assert!(text.contains(line), "{line}: {text}");
        }
    };
    let models = models();
    let models = models.to_str().unwrap();
    let well = [
        "warn  engine ",
        "ok    model ",
        "ok    voice model ",
        "  sandbox ",
        "ok    ffmpeg ",
        "ok    videos            subtitles become tracks",
        "ok    database ",
        " yt-dlp ",
        "0 fail\n",
    ];
    check(&["--models", models, "--model", MODEL], 0, &well);
    check(&["--models", models, "--model", MODEL], 0, &["; opens up AC-3, E-AC-3, DTS, surround AAC"]);
    let without = ["--models", models, "--model", MODEL, "--media-decoder", "symphonia"];
    check(&without, 0, &["ok    ffmpeg            not used", "ok    videos            none are made"]);
    let empty = folder.path().to_str().unwrap();
    let missing =
        "fail  model             the model base is not installed → pull it with: worker model pull base\n";
    check(&["--models", empty, "--model", "base"], 1, &[missing, "fail  voice model "]);
    let nothing = ["--models", models, "--model", MODEL, "--ctranslate2", "/nowhere/libcuelight.so"];
    check(&nothing, 1, &["fail  engine            CTranslate2: /nowhere/libcuelight.so cannot be loaded"]);
    assert!(!data.exists(), "looking made something");
}
