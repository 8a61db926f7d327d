//! The system calls that no crate of ours wraps safely, each behind a function that is safe to call.
//!
//! Everything `unsafe` of this crate that is not in [`crate::entry`] stands here.
#![expect(unsafe_code, reason = "system calls without a safe wrapper; each block says why it is sound")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::ptr;

use rustix::process::Pid;
use rustix::thread::UnshareFlags;

/// Where one is after [`fork_into`].
pub(crate) enum Forked {
    /// In the new process.
    Child,
    /// In the old one.
    Parent {
        /// The new process.
        pid: Pid,
        /// It, as a descriptor that becomes readable when it ends.
        pidfd: OwnedFd,
    },
}

/// Makes a copy of this process, in the new namespaces that `flags` (`CLONE_NEW…`) name.
///
/// Fails in a process of several threads: the copy would hold locks whose owners do not exist in it.
pub(crate) fn fork_into(flags: c_int) -> io::Result<Forked> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("the process has several threads"));
    }
    let mut pidfd: c_int = -1;
    let flags = flags | libc::CLONE_PIDFD | libc::SIGCHLD;
    // SAFETY: without CLONE_VM and with no stack this is a fork: the child gets a copy of all memory. There is one thread
    // (checked above), so no lock is held by a thread that the child does not have. With CLONE_PIDFD the kernel writes one
    // descriptor to the third argument, which outlives the call.
    let pid =
        unsafe { libc::syscall(libc::SYS_clone, libc::c_long::from(flags), 0usize, &raw mut pidfd, 0usize, 0usize) };
    match Pid::from_raw(c_int::try_from(checked(pid)?).unwrap_or(0)) {
        None => Ok(Forked::Child),
        // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
        Some(pid) => Ok(Forked::Parent { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } }),
    }
}

/// Moves this process into new namespaces.
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: what is unsafe about it is a thread that no longer shares descriptors with the others; of the flags that we
    // pass none does that.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// `struct mount_attr` of mount_setattr(2).
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Which mounts [`set_mount_attributes`] changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The one.
    One,
    /// It and all below it.
    Below,
}

/// Sets attributes (`MOUNT_ATTR_…`) of the mount that `mount` is the root of.
pub(crate) fn set_mount_attributes(mount: impl AsFd, reach: Reach, attributes: u64) -> io::Result<()> {
    let attributes = MountAttributes { set: attributes, clear: 0, propagation: 0, user_namespace: 0 };
    let recursive = if reach == Reach::Below { libc::AT_RECURSIVE } else { 0 };
    let flags = libc::AT_EMPTY_PATH | recursive;
    // SAFETY: the path is a string that ends with NUL, and the pointer and size are those of one structure of four u64, as
    // mount_setattr(2) has it; the kernel only reads both, during the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    checked(result).map(drop)
}

/// One instruction of a filter of system calls.
pub(crate) use libc::sock_filter as FilterInstruction;

/// Filters this process' system calls from now on, and those of all that it starts.
pub(crate) fn install_filter(program: &mut [FilterInstruction]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let program = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    // SAFETY: `program` describes a slice that lives until the call returns, with its true length; the kernel copies it.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    checked(result).map(drop)
}

/// Becomes another program. Returns only if that fails.
pub(crate) fn execute(program: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let arguments = pointers(arguments);
    let environment = pointers(environment);
    // SAFETY: the program is a string that ends with NUL; both lists hold pointers to such strings and end with a null
    // pointer, and what they point to outlives the call.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

/// Gives every signal its default effect and blocks none: what a program expects that is started.
pub(crate) fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: SIG_DFL is a valid disposition, and no handler is installed. For numbers that cannot be changed (SIGKILL,
        // SIGSTOP, those of the C library) the call fails and changes nothing.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: an all-zero sigset_t is valid memory for sigemptyset, which initialises it; sigprocmask only reads it.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// Lets the next program inherit no descriptor above standard error.
pub(crate) fn close_on_execute() -> io::Result<()> {
    const CLOSE_RANGE_CLOEXEC: u32 = 4;
    // SAFETY: the call takes three numbers; it closes nothing now, it only marks descriptors.
    checked(unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, CLOSE_RANGE_CLOEXEC) }).map(drop)
}

/// Switches the loopback of this network namespace on.
pub(crate) fn loopback_up() -> io::Result<()> {
    let socket = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::DGRAM, None)?;
    // SAFETY: ifreq is a C structure of integers and character arrays, for which all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = c_char::from_ne_bytes([*from]);
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(i16::MAX);
    // SAFETY: SIOCSIFFLAGS reads one ifreq, which `request` is; its name ends with NUL.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    checked(result.into()).map(drop)
}

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
