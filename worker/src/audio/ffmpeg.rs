//! The way out for what symphonia does not decode: AC-3, E-AC-3, surround AAC, MPEG-TS, FLV, AVI.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use domain::Failure;

/// How long a line that is in the pipe already may take to be read.
const REMARK_PATIENCE: Duration = Duration::from_secs(1);

/// Samples of a running `ffmpeg`, which is killed when this is dropped.
pub struct FfmpegReader {
    child: Child,
    stdout: ChildStdout,
    remarks: mpsc::Receiver<Remark>,
    duration_ms: Option<u64>,
    /// Decoded while opening, to learn whether there is anything to decode.
    first: Vec<u8>,
}

/// A line of ffmpeg's that says something.
#[derive(Debug, PartialEq, Eq)]
enum Remark {
    /// Milliseconds, unless ffmpeg does not know.
    Duration(Option<u64>),
    NoSound,
}

fn remark(line: &str) -> Option<Remark> {
    if line.contains("matches no streams") || line.contains("does not contain any stream") {
        return Some(Remark::NoSound);
    }
    // "  Duration: 00:01:02.03, start: 0.000000, bitrate: 130 kb/s"; titles are indented further.
    let time = line.strip_prefix("  Duration: ")?.split(',').next()?;
    let milliseconds = || {
        let mut parts = time.split(':');
        let (hours, minutes) = (parts.next()?.parse::<u64>().ok()?, parts.next()?.parse::<u64>().ok()?);
        let seconds = parts.next()?.parse::<f64>().ok().filter(|seconds| (0.0..60.0).contains(seconds))?;
        Some(hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60_000)? + (seconds * 1000.0) as u64)
    };
    // A container that claims nothing has no length rather than none of it.
    Some(Remark::Duration(milliseconds().filter(|&duration| duration > 0)))
}

impl FfmpegReader {
    /// Starts ffmpeg on `path` and waits for its first samples. Without ffmpeg, or if it does not know what to
    /// do with the file either, the answer is `otherwise`.
    pub fn open(path: &Path, otherwise: Failure) -> Result<FfmpegReader, Failure> {
        let mut command = Command::new("ffmpeg");
        command
            // Only files and pipes: a playlist must not make us open addresses.
            .args([
                "-nostdin",
                "-hide_banner",
                "-nostats",
                // Errors, and what it knows of the media.
                "-loglevel",
                "info",
                "-protocol_whitelist",
                "file,pipe",
                "-i",
            ])
            // An absolute path cannot be taken for an option or a protocol.
            .arg(std::path::absolute(path).map_err(|_| otherwise.clone())?)
            // Gaps of the time line become silence, as with our own decoder.
            .args(["-map", "0:a:0", "-vn", "-af", "aresample=async=1:first_pts=0"])
            .args(["-f", "f32le", "-ac", "1", "-ar", "16000", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        die_with_this_thread(&mut command);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                if error.kind() == ErrorKind::NotFound {
                    tracing::info!("ffmpeg is not installed");
                } else {
                    tracing::warn!(%error, "could not start ffmpeg");
                }
                return Err(otherwise);
            }
        };
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let (sender, remarks) = mpsc::sync_channel(8);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                tracing::debug!(line = &*line, "ffmpeg");
                if let Some(remark) = remark(&line) {
                    // The first remarks matter; a full channel has them.
                    let _ = sender.try_send(remark);
                }
            }
        });
        let mut reader = FfmpegReader { child, stdout, remarks, duration_ms: None, first: Vec::new() };
        let mut first = Vec::new();
        let _ = reader.stdout.by_ref().take(16_384).read_to_end(&mut first);
        if first.is_empty() {
            return Err(reader.reason(otherwise));
        }
        reader.first = first;
        // It was written before the first sample, but perhaps not read yet.
        if let Ok(Remark::Duration(duration)) = reader.remarks.recv_timeout(REMARK_PATIENCE) {
            reader.duration_ms = duration;
        }
        Ok(reader)
    }

    /// What ffmpeg takes from the container, if anything.
    pub fn duration_ms(&self) -> Option<u64> {
        self.duration_ms
    }

    pub fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, Failure> {
        let mut bytes = std::mem::take(&mut self.first);
        let _ = self.stdout.by_ref().take(65_536 - bytes.len() as u64).read_to_end(&mut bytes);
        let is_more = bytes.len() == 65_536;
        out.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        Ok(is_more)
    }

    /// Why there is not one sample, in the words of ffmpeg.
    fn reason(&mut self, otherwise: Failure) -> Failure {
        let _ = self.child.wait();
        // Ends with the thread that reads the pipe of the dead child.
        if self.remarks.iter().any(|remark| remark == Remark::NoSound) {
            return Failure::NoAudio;
        }
        otherwise
    }
}

impl Drop for FfmpegReader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A killed engine must not leave ffmpeg behind. The thread that decodes outlives its reader.
#[allow(unsafe_code)]
fn die_with_this_thread(command: &mut Command) {
    // SAFETY: prctl with these arguments touches nothing but a flag of the calling process and is safe to call
    // between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_read_off_the_line_that_tells_it() {
        let check = |line: &str, expect: Option<Remark>| assert_eq!(remark(line), expect, "{line}");
        check(
            "  Duration: 01:02:03.45, start: 0.000000, bitrate: 1 kb/s",
            Some(Remark::Duration(Some(3_723_450))),
        );
        check("  Duration: 00:00:11.00, start: 0.0", Some(Remark::Duration(Some(11_000))));
        check("  Duration: N/A, bitrate: N/A", Some(Remark::Duration(None)));
        check("  Duration: 00:00:00.00", Some(Remark::Duration(None)));
        check("  Duration: 18446744073709551615:00:00", Some(Remark::Duration(None)));
        check("    title           : Duration: 00:00:01.00", None);
        check("Stream map '0:a:0' matches no streams.", Some(Remark::NoSound));
        check("", None);
    }
}
