//! `server doctor` as a process.

use std::process::Command;

use tempfile::TempDir;

#[test]
fn the_doctor_ends_with_one_when_something_fails_and_says_what() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let site = folder.path().join("site");
    let check = |arguments: &[&str], code: i32, lines: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        command.args(["doctor", "--data", data.to_str().unwrap(), "--site", site.to_str().unwrap()]);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CUELIGHT_")) {
            command.env_remove(name);
        }
        let output = command.args(arguments).env("AWS_EC2_METADATA_DISABLED", "true").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        for line in lines {
            assert!(text.contains(line), "{line}: {text}");
        }
    };
    check(&[], 1, &["ok    database ", "\nfail  pages ", " → build them with ./dev build", "1 fail\n"]);
    assert!(!data.exists(), "looking made something");

    std::fs::create_dir_all(site.join("pkg")).unwrap();
    for name in ["start.js", "start.wasm", "job.js", "job.wasm", "editor.js", "editor.wasm", "cuelight.css"] {
        std::fs::write(site.join("pkg").join(name), "").unwrap();
    }
    check(&[], 0, &["ok    pages ", "0 fail\n"]);
    check(&["--backend", "aws", "--table", "jobs"], 1, &["fail  configuration ", "--queue-url", "--bucket"]);
}
