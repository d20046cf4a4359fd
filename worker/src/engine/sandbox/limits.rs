//! What every kernel can do: limits, flags and capabilities of the process, and the files it was born with.

#![allow(unsafe_code)]

use std::io;

use anyhow::Context;
use rlimit::Resource;

/// Files the child may hold open: the media, the models, pipes, and those of libraries.
const MAX_OPEN_FILES: u64 = 256;

/// To read what belongs to somebody else, as root can: `sudo worker transcribe` of one's own file.
const CAP_DAC_READ_SEARCH: u32 = 1 << 2;

/// Confines this process as far as no kernel feature is needed.
pub fn set(address_space_bytes: u64, file_bytes: u64) -> anyhow::Result<()> {
    close_inherited_files();
    let limits = [
        (Resource::AS, address_space_bytes),
        (Resource::CORE, 0),
        (Resource::NOFILE, MAX_OPEN_FILES),
        // By default it writes to pipes only.
        (Resource::FSIZE, file_bytes),
    ];
    for (resource, limit) in limits {
        let (_, hard) = resource.get().context("could not read a limit")?;
        let limit = limit.min(hard);
        resource.set(limit, limit).context("could not set a limit")?;
    }
    drop_capabilities().context("could not drop capabilities")?;
    set_flag(libc::PR_SET_NO_NEW_PRIVS, 1).context("could not give up new privileges")?;
    hide_this_process().context("could not hide this process")?;
    // Last: a change of credentials may clear it.
    set_flag(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong).context("could not tie this process")
}

/// Keeps this process's memory, environment and open files from others of the same user, whatever the kernel lacks:
/// the credentials of a worker are in its environment. There are no core dumps of it any more, and only root can
/// debug it.
pub fn hide_this_process() -> io::Result<()> {
    set_flag(libc::PR_SET_DUMPABLE, 0)
}

fn set_flag(flag: libc::c_int, value: libc::c_ulong) -> io::Result<()> {
    // SAFETY: the flags used here change this process only and take no pointers.
    match unsafe { libc::prctl(flag, value, 0 as libc::c_ulong, 0 as libc::c_ulong, 0 as libc::c_ulong) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whoever started the worker may have left files open, and they pass through everybody who does not close them.
fn close_inherited_files() {
    // SAFETY: this process has just begun; nobody in it owns a descriptor but the first three.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, 0 as libc::c_uint) == 0
        {
            return;
        }
    }
    // Before Linux 5.9 one by one, as far as descriptors may reach.
    let (most, _) = Resource::NOFILE.get().unwrap_or((1024, 1024));
    for descriptor in 3..most.min(1 << 20) as libc::c_int {
        // SAFETY: as above.
        unsafe { libc::close(descriptor) };
    }
}

#[repr(C)]
struct CapabilityHeader {
    version: u32,
    process: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapabilityData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Of what root may do, reading stays; Landlock says what. Who is not root has nothing to lose.
fn drop_capabilities() -> io::Result<()> {
    /// Two sets of 32 bits; since Linux 2.6.26.
    const VERSION_3: u32 = 0x2008_0522;
    let mut header = CapabilityHeader { version: VERSION_3, process: 0 };
    let mut data = [CapabilityData::default(); 2];
    // SAFETY: version 3 reads the header, and reads or writes two sets; both outlive the calls.
    let results = unsafe {
        let got = libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr());
        data[0].effective &= CAP_DAC_READ_SEARCH;
        data[0].permitted &= CAP_DAC_READ_SEARCH;
        data[0].inheritable = 0;
        data[1] = CapabilityData::default();
        [got, libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr())]
    };
    if results == [0, 0] { Ok(()) } else { Err(io::Error::last_os_error()) }
}
