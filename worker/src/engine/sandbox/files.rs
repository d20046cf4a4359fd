//! Landlock: which files the child may open, and which it may run. Signals and TCP too, where the kernel knows that.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope,
    path_beneath_rules,
};

use super::Confinement;

/// What this was tested with. An older kernel does what it knows of it.
const TESTED: ABI = ABI::V7;

/// What libraries read when they are loaded and when they look at the processor, wherever a distribution keeps it.
/// Nothing here belongs to a person, and what is missing is passed over.
const OF_THE_SYSTEM: &[&str] = &[
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    // ffmpeg's TLS libraries refuse to be loaded without, although it opens files only.
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/proc/sys/crypto/fips_enabled",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/kernel/mm/transparent_hugepage",
];

/// Fonts, and what says which one is meant by a name.
const FONTS: &[&str] = &[
    "/etc/fonts",
    "/usr/share/fontconfig",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/var/cache/fontconfig",
];

/// Lets this process open what is `readable` and what is in it, `library` with its neighbours, write into the folder
/// that is `writable`, and run `programs`; nothing else. Says what the kernel lacks, if anything.
pub fn confine(
    confinement: &Confinement,
    library: Option<&Path>,
    programs: &[PathBuf],
) -> anyhow::Result<Option<String>> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let run = AccessFs::ReadFile | AccessFs::Execute;
    let nothing = AccessFs::ReadFile | AccessFs::WriteFile;
    let write = read | AccessFs::MakeReg | AccessFs::WriteFile | AccessFs::Truncate;
    let Confinement { readable, writable, .. } = confinement;
    let fonts: &[&str] = if writable.is_some() { FONTS } else { &[] };
    let paths =
        readable.iter().flat_map(|path| with_links(path)).chain(library.into_iter().flat_map(libraries));
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(TESTED))?
        .handle_access(AccessNet::from_all(TESTED))?
        .scope(Scope::from_all(TESTED))?
        .create()?
        .add_rules(path_beneath_rules(OF_THE_SYSTEM, read))?
        .add_rules(path_beneath_rules(fonts, read))?
        .add_rules(path_beneath_rules(paths, read))?
        .add_rules(path_beneath_rules(writable, write))?
        .add_rules(path_beneath_rules(programs, run))?
        // ffmpeg's standard input.
        .add_rules(path_beneath_rules(["/dev/null"], nothing))?
        .restrict_self()
        .context("Landlock")?;
    Ok(match status.landlock {
        LandlockStatus::Available { .. } => None,
        LandlockStatus::NotEnabled => Some("Landlock, which this kernel was started without".into()),
        LandlockStatus::NotImplemented => Some("Landlock, which this kernel does not know or allow".into()),
    })
}

/// A path, and where the links directly in it lead: models may lie on a larger disk.
fn with_links(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let links = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    std::iter::once(path.to_owned()).chain(links.map(|link| link.path())).collect()
}

/// A library, and those beside it that it may need; not the whole folder, which may be somebody's home.
fn libraries(library: &Path) -> Vec<PathBuf> {
    let Some(folder) = fs::canonicalize(library).ok().and_then(|path| path.parent().map(Path::to_owned))
    else {
        return Vec::new();
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_library = |name: &OsStr| name.to_string_lossy().contains(".so");
    entries.filter(|entry| is_library(&entry.file_name())).map(|entry| entry.path()).collect()
}

/// What may be run: ffmpeg, as it would be found, and the loader that the kernel starts it with. Empty without ffmpeg.
pub fn programs() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_program = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    let found = std::env::split_paths(&path).map(|folder| folder.join("ffmpeg")).find(is_program);
    let loader = found.as_deref().and_then(loader);
    found.into_iter().chain(loader).collect()
}

/// The interpreter that an ELF file of 64 bits names: its `PT_INTERP`.
fn loader(program: &Path) -> Option<PathBuf> {
    const PT_INTERP: u64 = 3;
    let file = File::open(program).ok()?;
    let mut head = [0; 64];
    file.read_exact_at(&mut head, 0).ok()?;
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count) = (number(&head[32..40]), number(&head[54..56]), number(&head[56..58]));
    for index in 0..count {
        let mut entry = [0; 56];
        file.read_exact_at(&mut entry, table.checked_add(index * size)?).ok()?;
        if number(&entry[..4]) == PT_INTERP {
            let mut name =
                vec![0; usize::try_from(number(&entry[32..40])).ok().filter(|&size| size <= 4096)?];
            file.read_exact_at(&mut name, number(&entry[8..16])).ok()?;
            return Some(PathBuf::from(OsStr::from_bytes(name.strip_suffix(b"\0")?)));
        }
    }
    None
}

/// Little-endian.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_is_read_off_the_program() {
        // Linked dynamically, as this very program is.
        let loader = loader(&std::env::current_exe().unwrap()).unwrap();
        assert!(loader.is_absolute() && loader.is_file(), "{loader:?}");
        assert!(loader.file_name().unwrap().to_string_lossy().starts_with("ld"), "{loader:?}");
    }

    #[test]
    fn what_is_no_program_has_no_loader() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ffmpeg");
        for content in
            [&b""[..], b"#!/bin/sh\n", b"\x7fELF\x02\x01", &[b"\x7fELF\x02\x01", &[255; 58][..]].concat()]
        {
            fs::write(&path, content).unwrap();
            assert_eq!(loader(&path), None);
        }
    }
}
