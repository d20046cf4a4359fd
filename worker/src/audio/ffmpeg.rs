//! The way out for what symphonia does not decode: AC-3, E-AC-3, surround AAC, MPEG-TS, FLV, AVI.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;

use domain::Failure;

/// Samples of a running `ffmpeg`, which is killed when this is dropped.
pub struct FfmpegReader {
    child: Child,
    stdout: ChildStdout,
    complaints: mpsc::Receiver<String>,
    /// Decoded while opening, to learn whether there is anything to decode.
    first: Vec<u8>,
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
                "-loglevel",
                "error",
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
        let (sender, complaints) = mpsc::sync_channel(64);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                tracing::debug!(line, "ffmpeg");
                // The first lines tell what is wrong; a full channel has them.
                let _ = sender.try_send(line);
            }
        });
        let mut reader = FfmpegReader { child, stdout, complaints, first: Vec::new() };
        let mut first = Vec::new();
        let _ = reader.stdout.by_ref().take(16_384).read_to_end(&mut first);
        if first.is_empty() {
            return Err(reader.reason(otherwise));
        }
        reader.first = first;
        Ok(reader)
    }

    /// Not asked of ffmpeg: it would be another process, and the length is a hint only.
    pub fn duration_ms(&self) -> Option<u64> {
        None
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
        for line in self.complaints.iter() {
            if line.contains("matches no streams") || line.contains("does not contain any stream") {
                return Failure::NoAudio;
            }
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
