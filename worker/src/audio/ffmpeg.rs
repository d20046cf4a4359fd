//! The way out for what symphonia does not decode: AC-3, E-AC-3, surround AAC, MPEG-TS, FLV, AVI.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use domain::Failure;

use super::listing::Listing;
use super::track;

/// More than ffmpeg says of any honest file.
pub const MAX_LISTING_BYTES: u64 = 1 << 20;
/// A file that claims to start later than this has broken time stamps, and no silence of that length at its start.
pub const MAX_START_S: f64 = 3600.0;

/// How the time stamps of a container are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLine {
    /// As they are, as browsers do: sound that starts at 1.5 s is heard at 1.5 s.
    AsIs,
    /// Streams cut out of a broadcast start anywhere: players count from their first time stamp.
    FromStart,
}

/// Samples of a running `ffmpeg`, which is killed when this is dropped.
pub struct FfmpegReader {
    child: Child,
    stdout: ChildStdout,
    duration_ms: Option<u64>,
    /// Decoded while opening, to learn whether there is anything to decode.
    first: Vec<u8>,
}

impl FfmpegReader {
    /// Starts ffmpeg on `path` and waits for the first samples of the track that suits `language`. Without ffmpeg, or if
    /// it does not know what to do with the file either, the answer is `otherwise`.
    pub fn open(
        path: &Path,
        language: Option<&str>,
        time_line: TimeLine,
        otherwise: Failure,
    ) -> Result<FfmpegReader, Failure> {
        // An absolute path cannot be taken for an option or a protocol.
        let path = std::path::absolute(path).map_err(|_| otherwise.clone())?;
        let listing = match list(&path) {
            Ok(listing) if listing.is_media => listing,
            Ok(_) => return Err(otherwise),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                tracing::warn!("this media takes ffmpeg, which is not installed");
                return Err(otherwise);
            }
            Err(error) => {
                tracing::warn!(%error, "could not start ffmpeg");
                return Err(otherwise);
            }
        };
        let tracks: Vec<_> = listing.sounds.iter().map(|sound| sound.track.clone()).collect();
        let id = track::choose(&tracks, language).ok_or(Failure::NoAudio)?.id;
        let is_mono = listing.sounds.iter().any(|sound| sound.track.id == id && sound.is_mono);

        let mut command = ffmpeg();
        if time_line == TimeLine::AsIs && listing.start_s < MAX_START_S {
            command.arg("-copyts");
        } else {
            // ffmpeg counts from the first time stamp of the tracks it is to decode, unless it is told of an offset. What
            // counts is the first one of all, since players show the picture too.
            command.args(["-itsoffset", "0.000001"]);
        }
        // Gaps of the time line become silence, as with our own decoder. ffmpeg mixes down with the shares of ITU-R BS.775
        // too, but counts both sides in full.
        let volume = if is_mono { 1.0 } else { std::f64::consts::FRAC_1_SQRT_2 };
        let filter = format!(
            "aresample=async=1:first_pts=0,\
             aformat=sample_fmts=flt:sample_rates=16000:channel_layouts=mono,volume={volume}:precision=float"
        );
        command
            .args(["-loglevel", "error", "-i"])
            .arg(&path)
            .args(["-map", &format!("0:{id}"), "-vn", "-sn", "-dn", "-af", &filter])
            .args(["-f", "f32le", "-"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            tracing::warn!(%error, "could not start ffmpeg");
            otherwise.clone()
        })?;
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                tracing::debug!(line = &*String::from_utf8_lossy(&line), "ffmpeg");
            }
        });
        let mut reader = FfmpegReader { child, stdout, duration_ms: listing.duration_ms, first: Vec::new() };
        let mut first = Vec::new();
        let _ = reader.stdout.by_ref().take(16_384).read_to_end(&mut first);
        if first.is_empty() {
            return Err(otherwise);
        }
        reader.first = first;
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
}

/// What ffmpeg says of the file without decoding it.
fn list(path: &Path) -> io::Result<Listing> {
    // Without an output it complains and ends; what it said before is what counts.
    let mut child = ffmpeg().arg("-i").arg(path).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut text = Vec::new();
    let stderr = child.stderr.take().expect("stderr is piped");
    let read = stderr.take(MAX_LISTING_BYTES).read_to_end(&mut text);
    let _ = child.kill();
    child.wait()?;
    read?;
    Ok(Listing::parse(&String::from_utf8_lossy(&text)))
}

/// Only files and pipes: a playlist must not make us open addresses.
fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-hide_banner", "-nostats", "-protocol_whitelist", "file,pipe"])
        .stdin(Stdio::null());
    die_with_this_thread(&mut command);
    command
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
