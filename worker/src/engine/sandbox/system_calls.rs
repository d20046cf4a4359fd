//! seccomp: the system calls of computing, reading and starting ffmpeg. All others do not exist for the child.
//!
//! What is allowed is listed, not what is denied: kernels gain system calls, and what changes files without opening
//! them (`chmod`, `utimensat`, `setxattr`) is no business of Landlock. Everything else is answered as by a kernel that
//! is too old to know it, instead of by death: libraries of other machines then fall back as they do there (the C
//! library to `clone` where `clone3` is unknown), and decoding fails at worst instead of crashing the job three times.

use std::collections::BTreeMap;

use anyhow::Context;
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{self, Eq, Gt, Le, MaskedEq, Ne};
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
/// The argument with this index compares like this with this value.
type Condition = (u8, SeccompCmpOp, u64);

/// Whatever their arguments.
const ALWAYS: &[i64] = &[
    // Memory.
    libc::SYS_brk,
    libc::SYS_get_mempolicy,
    libc::SYS_madvise,
    libc::SYS_mbind,
    libc::SYS_membarrier,
    libc::SYS_mlock,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munlock,
    libc::SYS_munmap,
    libc::SYS_set_mempolicy,
    // Threads, and the end.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_get_robust_list,
    libc::SYS_getcpu,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    // Signals to oneself.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_sigaltstack,
    // Time.
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_times,
    // Files: Landlock and the limit on their size say which, and that they are not written.
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_pselect6,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_write,
    libc::SYS_writev,
    // Who and where one is.
    libc::SYS_capget,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getgroups,
    libc::SYS_getpgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getresgid,
    libc::SYS_getresuid,
    libc::SYS_getrusage,
    libc::SYS_getsid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];

/// Those that newer architectures do without.
#[cfg(target_arch = "x86_64")]
const OF_OLD: &[i64] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_dup2,
    libc::SYS_epoll_create,
    libc::SYS_epoll_wait,
    libc::SYS_getdents,
    libc::SYS_getpgrp,
    libc::SYS_getrlimit,
    libc::SYS_lstat,
    libc::SYS_open,
    libc::SYS_pause,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_select,
    libc::SYS_setrlimit,
    libc::SYS_stat,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const OF_OLD: &[i64] = &[];

/// Of files that one may write: Landlock and the limit on their size say which, and how much.
const OF_WRITING: &[i64] = &[
    libc::SYS_fallocate,
    libc::SYS_fdatasync,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
];

/// Confines this thread and all that it starts; with `runs_programs` they may start others, with `writes` write files.
/// Says what the kernel lacks, if anything.
pub fn confine(runs_programs: bool, writes: bool) -> anyhow::Result<Option<String>> {
    let Ok(architecture) = TargetArch::try_from(std::env::consts::ARCH) else {
        return Ok(Some(format!("seccomp, which is not set up for {}", std::env::consts::ARCH)));
    };
    let refusal = SeccompAction::Errno(libc::ENOSYS as u32);
    let mut rules = rules(runs_programs)?;
    if writes {
        rules.extend(OF_WRITING.iter().map(|call| (*call, Vec::new())));
    }
    let filter = SeccompFilter::new(rules, refusal, SeccompAction::Allow, architecture)?;
    match apply_filter(&BpfProgram::try_from(filter)?) {
        Ok(()) => Ok(None),
        Err(Error::Seccomp(error)) => {
            Ok(Some(format!("seccomp, which this kernel does not know or allow ({error})")))
        }
        Err(error) => Err(error).context("seccomp"),
    }
}

fn rules(runs_programs: bool) -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = ALWAYS.iter().chain(OF_OLD).map(|call| (*call, Vec::new())).collect();
    let process = u64::from(std::process::id());
    // Of its own process only: limits, where it runs, signals to its threads.
    allow(&mut rules, libc::SYS_prlimit64, &[(0, Eq, 0)])?;
    allow(&mut rules, libc::SYS_sched_setaffinity, &[(0, Eq, 0)])?;
    allow(&mut rules, libc::SYS_tgkill, &[(0, Eq, process)])?;
    // Not whom a file's signals go to.
    use libc::{F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFD, F_SETFL};
    for command in [F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFD, F_SETFL] {
        allow(&mut rules, libc::SYS_fcntl, &[(1, Eq, command as u64)])?;
    }
    // Not what changes a file that is open for reading.
    use libc::{FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, TCGETS, TIOCGWINSZ};
    for command in [FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, TCGETS, TIOCGWINSZ] {
        allow(&mut rules, libc::SYS_ioctl, &[(1, Eq, command)])?;
    }
    // Not what would let it outlive its parent.
    use libc::{PR_CAPBSET_READ, PR_GET_DUMPABLE, PR_GET_NAME, PR_SET_NAME, PR_SET_VMA};
    for option in [PR_CAPBSET_READ, PR_GET_DUMPABLE, PR_GET_NAME, PR_SET_NAME, PR_SET_VMA] {
        allow(&mut rules, libc::SYS_prctl, &[(0, Eq, option as u64)])?;
    }
    let killed = libc::SIGKILL as u64;
    allow(&mut rules, libc::SYS_prctl, &[(0, Eq, libc::PR_SET_PDEATHSIG as u64), (1, Eq, killed)])?;
    if !runs_programs {
        let thread = libc::CLONE_THREAD as u64;
        allow(&mut rules, libc::SYS_clone, &[(0, MaskedEq(thread), thread)])?;
        return Ok(rules);
    }
    // In namespaces of its own a process has all capabilities. `clone3` has its flags in memory, where nobody can
    // look at them, so it is not allowed.
    let namespaces = libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET;
    let refused = (namespaces | libc::CLONE_PARENT) as u32;
    allow(&mut rules, libc::SYS_clone, &[(0, MaskedEq(refused.into()), 0)])?;
    for call in [libc::SYS_execve, libc::SYS_wait4, libc::SYS_waitid] {
        rules.insert(call, Vec::new());
    }
    #[cfg(target_arch = "x86_64")]
    for call in [libc::SYS_fork, libc::SYS_vfork] {
        rules.insert(call, Vec::new());
    }
    // Rust's `Command` hears over a pair of sockets why a program did not start. Datagrams could go elsewhere.
    let kind = !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) as u32;
    let packets = (1, MaskedEq(kind.into()), libc::SOCK_SEQPACKET as u64);
    let pair = [(0, Eq, libc::AF_UNIX as u64), packets];
    allow(&mut rules, libc::SYS_socketpair, &pair)?;
    rules.insert(libc::SYS_recvfrom, Vec::new());
    // To end ffmpeg, whose number nobody knows yet. Landlock keeps others of the same user from it, since Linux 6.12;
    // the parent is safe on any.
    let parent = std::os::unix::process::parent_id();
    let others = [(0, Ne, parent.into()), (0, Gt, 1), (0, Le, i32::MAX as u64), (1, Eq, killed)];
    allow(&mut rules, libc::SYS_kill, &others)?;
    Ok(rules)
}

/// Allows `call` where all of `conditions` are met, besides what was allowed of it before.
fn allow(rules: &mut Rules, call: i64, conditions: &[Condition]) -> Result<(), seccompiler::BackendError> {
    // Numbers and flags have 32 bits for the kernel, whatever the upper half of their register holds.
    let condition = |(argument, operator, value): &Condition| {
        SeccompCondition::new(*argument, Dword, operator.clone(), *value)
    };
    let conditions = conditions.iter().map(condition).collect::<Result<_, _>>()?;
    rules.entry(call).or_default().push(SeccompRule::new(conditions)?);
    Ok(())
}
