//! The real program in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// Killed when it is dropped.
pub struct Process {
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
    child: Child,
}

impl Process {
    /// Returns when it listens.
    pub fn start(arguments: &[&str]) -> Process {
        Process::start_in(arguments, &[])
    }

    /// With these variables in its environment.
    pub fn start_in(arguments: &[&str], environment: &[(String, String)]) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_server"))
            .args(["--listen", "127.0.0.1:0", "--site", "no such folder", "--reconcile-every", "1h"])
            .args(arguments)
            .env("RUST_LOG", "info")
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("the server says where it listens").unwrap();
            if let Some((_, address)) = line.split_once("serving address=") {
                break address.trim().parse().unwrap();
            }
        };
        // A full pipe would stop it.
        let log = Arc::new(Mutex::new(String::new()));
        let written = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                written.lock().unwrap().push_str(&line);
            }
        });
        Process { address, log, child }
    }

    /// What it has logged since it listens.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// As a crash would end it: nothing is said goodbye to.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
