//! What a process may: its ids, its capabilities, the filter of system calls, and how much of some things.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, fstat};
use rustix::io::Errno;
use rustix::process::{Gid, Resource, Rlimit, Uid, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::error::{Doing as _, Fault, Refusal};
use crate::identity::Identity;
use crate::process::{Limits, Process, Security};
use crate::rootfs::in_user_namespace;
use crate::{seccomp, sys, walk};

/// Docker's default: what an image's root needs to install packages and start services, and nothing about the machine.
/// `MKNOD` is among them; that devices cannot be opened is seen to by the mounts, none of which allows it.
const SANDBOX: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETFCAP)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::AUDIT_WRITE);

/// The largest `/etc/passwd` or `/etc/group` that is read.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

const OPEN_FILES: (u64, u64) = (1024, 524_288);

/// Looks up who the process is, in the image's files.
pub(crate) fn identity(process: &Process, root: &OwnedFd) -> Result<Identity, Refusal> {
    let passwd = read(root, "/etc/passwd")?;
    let group = read(root, "/etc/group")?;
    Identity::look_up(&process.user, &passwd, &group)
        .map_err(|error| Refusal::new(Fault::User, format!("run as user `{}`", process.user), error))
}

/// Reads a file of the image. One that is not there is empty; what is no regular file is never opened for reading.
fn read(root: &OwnedFd, path: &str) -> Result<Vec<u8>, Refusal> {
    let refuse = |reason: String| Refusal::image(format!("read the image's `{path}`"), reason);
    let place = match walk::find(root, path) {
        Ok(place) => place,
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::NOTDIR)) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(refuse(error.to_string())),
    };
    let stat = fstat(&place).map_err(|error| refuse(error.to_string()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(refuse("it is no regular file".to_owned()));
    }
    let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
    if size > MAX_FILE_BYTES {
        return Err(refuse(format!("it has {size} bytes, more than {MAX_FILE_BYTES}")));
    }
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&place));
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| refuse(error.to_string()))?;
    let mut contents = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(std::fs::File::from(file), MAX_FILE_BYTES), &mut contents)
        .map_err(|error| refuse(error.to_string()))?;
    Ok(contents)
}

/// Limits of each process of the container.
pub(crate) fn limit(limits: &Limits) -> Result<(), Refusal> {
    let have = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let (soft, hard) = limits.open_files.unwrap_or((OPEN_FILES.0.min(have), OPEN_FILES.1.min(have)));
    set_open_files(soft, hard).map_err(|error| {
        Refusal::machine(format!("limit open files to {soft}:{hard}"), format!("{error}; we ourselves may have {have}"))
    })
}

/// Lets this process open as many files as it may: each layer is one while they are put together.
pub(crate) fn open_many() -> Result<(), Refusal> {
    let hard = getrlimit(Resource::Nofile).maximum;
    let soft = hard.map_or(4096, |hard| hard.min(4096));
    set_open_files(soft, hard.unwrap_or(u64::MAX)).doing("open many files")
}

fn set_open_files(soft: u64, hard: u64) -> Result<(), Errno> {
    let maximum = (hard != u64::MAX).then_some(hard);
    setrlimit(Resource::Nofile, Rlimit { current: Some(soft), maximum })
}

/// Gives up what a process in a sandbox may not have, becomes its user, and installs the filter.
///
/// The filter comes first, because without `no_new_privs` (which would break `sudo` in images) it takes a capability that
/// goes next; it allows what follows.
pub(crate) fn restrict(process: &Process, identity: &Identity) -> Result<(), Refusal> {
    let have = rustix::thread::capabilities(None).doing("see which capabilities we have")?.permitted;
    let allowed = match process.security {
        Security::Sandbox => have & SANDBOX,
        Security::Insecure => have,
    };
    if process.security == Security::Sandbox {
        let Some(mut filter) = seccomp::filter() else {
            return Err(Refusal::machine(
                "filter system calls",
                "this processor's are not known; `--security=insecure` runs without",
            ));
        };
        sys::install_filter(&mut filter).doing("filter system calls")?;
        for capability in CapabilitySet::all().iter().filter(|one| !SANDBOX.contains(*one)) {
            drop_from_bounding_set(capability).doing("give up capabilities")?;
        }
    }
    rustix::thread::clear_ambient_capability_set().doing("give up capabilities")?;
    become_user(identity)?;
    // Another user than root has lost all by becoming it; this takes what it could get back.
    let permitted = if identity.uid == 0 { allowed } else { CapabilitySet::empty() };
    let sets = CapabilitySets { effective: permitted, permitted, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets).doing("give up capabilities")
}

fn drop_from_bounding_set(capability: CapabilitySet) -> Result<(), Errno> {
    match rustix::thread::remove_capability_from_bounding_set(capability) {
        // A capability that this kernel does not have.
        Err(Errno::INVAL) => Ok(()),
        other => other,
    }
}

fn become_user(identity: &Identity) -> Result<(), Refusal> {
    let refuse = |error: Errno| {
        let hint = if in_user_namespace() {
            "; only ids of `/etc/subuid` and `/etc/subgid` exist here: are there 65536 for you, and is `newuidmap` installed?"
        } else {
            ""
        };
        Refusal::new(Fault::User, format!("become user {}:{}", identity.uid, identity.gid), format!("{error}{hint}"))
    };
    let groups: Vec<Gid> = identity.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    match rustix::thread::set_thread_groups(&groups) {
        // With a single id mapped, groups cannot be set; root needs none.
        Err(Errno::PERM) if in_user_namespace() && identity.uid == 0 => {}
        other => other.map_err(refuse)?,
    }
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(refuse)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(refuse)
}
