//! One emulator of AWS for all tests of this binary: `ministack`, kept in the user's cache.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

const VERSION: &str = "1.5.33";

/// Ends with its standard input, and that ends with this process, however it ends.
const RUN: &str = "
import os, runpy, sys, threading
def end():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=end, daemon=True).start()
runpy.run_module('ministack', run_name='__main__')
";

/// The address of the emulator, started by whoever asks first.
pub fn endpoint() -> &'static str {
    static EMULATOR: LazyLock<Emulator> = LazyLock::new(start);
    &EMULATOR.endpoint
}

struct Emulator {
    endpoint: String,
    /// Its standard input is held open for as long as it shall live.
    _process: Child,
}

fn start() -> Emulator {
    let folder = install();
    // Free a moment ago; the emulator does not say which port it took when it is asked for any.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = Command::new(folder.join("bin/python"))
        .args(["-c", RUN])
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("LOG_LEVEL", "WARNING")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // It does not tell when it listens.
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert_eq!(child.try_wait().unwrap(), None, "the emulator did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    Emulator { endpoint: format!("http://127.0.0.1:{port}"), _process: child }
}

/// The environment that holds the emulator, made if it is missing.
fn install() -> PathBuf {
    let home = PathBuf::from(std::env::var_os("HOME").expect("there is a home for the cache"));
    let tools = home.join(".cache/cuelight/tools");
    std::fs::create_dir_all(&tools).unwrap();
    let folder = tools.join(format!("ministack-{VERSION}"));
    // Two test binaries may come at once.
    let lock = File::create(tools.join("ministack.lock")).unwrap();
    lock.lock().unwrap();
    let is_whole = folder.join("whole");
    if !is_whole.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        run(pip(&folder).arg(format!("ministack=={VERSION}")));
        File::create(is_whole).unwrap();
    }
    folder
}

fn pip(folder: &Path) -> Command {
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?} failed: {status}");
}
