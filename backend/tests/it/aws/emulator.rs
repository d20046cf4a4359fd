//! One emulator of AWS for all tests of this binary: `ministack`, kept in the user's cache.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

/// Installs it, and ends it with its standard input: that ends with this process, however it ends.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dev.d/emulator");

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
    // Free a moment ago; the emulator does not say which port it took when it is asked for any.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = Command::new(SCRIPT)
        .arg(port.to_string())
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
