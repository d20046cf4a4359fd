//! Tells people on standard error how far a download is.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// A line that is rewritten on a terminal, and a new line now and then elsewhere.
pub struct Progress {
    label: String,
    total: u64,
    /// What was there already: it does not count for the rate.
    resumed: u64,
    done: u64,
    started: Instant,
    shown: Option<Instant>,
    is_terminal: bool,
}

const TERMINAL_EVERY: Duration = Duration::from_millis(100);
const PLAIN_EVERY: Duration = Duration::from_secs(5);

impl Progress {
    /// `resumed` of `total` bytes are there already.
    pub fn new(label: &str, resumed: u64, total: u64) -> Progress {
        let is_terminal = std::io::stderr().is_terminal();
        let started = Instant::now();
        Progress { label: label.to_owned(), total, resumed, done: resumed, started, shown: None, is_terminal }
    }

    pub fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let every = if self.is_terminal { TERMINAL_EVERY } else { PLAIN_EVERY };
        if self.shown.unwrap_or(self.started).elapsed() >= every {
            self.show();
        }
    }

    /// Shows the last state, complete or not.
    pub fn end(mut self) {
        self.show();
        if self.is_terminal {
            write_error("\n");
        }
    }

    fn show(&mut self) {
        self.shown = Some(Instant::now());
        let line = line(&self.label, self.resumed, self.done, self.total, self.started.elapsed());
        if self.is_terminal { write_error(&format!("\r\x1b[2K{line}")) } else { say(&line) }
    }
}

/// One line for people on standard error.
pub fn say(line: &str) {
    write_error(&format!("{line}\n"));
}

/// Megabytes, as they are sold: of a million bytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn line(label: &str, resumed: u64, done: u64, total: u64, took: Duration) -> String {
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
    let rate = (done - resumed) as f64 / took.as_secs_f64().max(0.001);
    format!("{label}: {} of {}, {percent} %, {}/s", megabytes(done), megabytes(total), megabytes(rate as u64))
}

fn write_error(text: &str) {
    // Nobody reads: the work is done all the same.
    let _closed = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_bytes_share_and_rate() {
        let check = |resumed, done, total, seconds, expect: &str| {
            assert_eq!(line("base", resumed, done, total, Duration::from_secs(seconds)), expect);
        };
        check(0, 37_000_000, 148_000_000, 2, "base: 37.0 MB of 148.0 MB, 25 %, 18.5 MB/s");
        check(20_000_000, 30_000_000, 40_000_000, 10, "base: 30.0 MB of 40.0 MB, 75 %, 1.0 MB/s");
        check(0, 0, 0, 1, "base: 0.0 MB of 0.0 MB, 100 %, 0.0 MB/s");
    }
}
