//! What only the embedded adapter promises: several processes, crashes, and files that are not as they should be.

mod doctor;
mod files;
mod processes;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Names the task of the child process, and its data folder.
const TASK: &str = "CUELIGHT_TEST_TASK";
const DATA: &str = "CUELIGHT_TEST_DATA";

/// Starts this test binary once more, to do `task` on the same data as another process.
fn start(task: &str, data: &Path) -> OtherProcess {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::processes::the_other_process", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env(DATA, data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    OtherProcess { child, output }
}

struct OtherProcess {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl OtherProcess {
    /// What it said next; `None` when it is gone. The test harness in it talks too, so its words are marked.
    fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            let is_over = self.output.read_line(&mut line).unwrap() == 0;
            if is_over {
                return None;
            }
            if let Some((_, said)) = line.trim_end().split_once("@@") {
                return Some(said.to_owned());
            }
        }
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

/// Says something to the process that started this one.
fn say(words: impl std::fmt::Display) {
    use std::io::Write;
    let mut output = std::io::stdout().lock();
    // In one write, so that a kill never halves it.
    output.write_all(format!("@@{words}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}
