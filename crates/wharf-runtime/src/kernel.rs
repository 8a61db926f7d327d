//! `/proc`, `/sys` and `/dev` of a container.
//!
//! All three must be folders of the image, or not be there at all: a link would put the kernel's files where the image
//! wants them. What is hidden or made read-only in them is found through the mount itself, never through a path of the
//! image.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, fstat, mkdirat, openat, symlinkat};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::error::{Doing as _, Refusal};
use crate::process::{Network, Process, Security};
use crate::rootfs::{attach, bind, clone, filesystem, in_user_namespace, is_device};
use crate::stubs::Recorder;
use crate::sys::{self, Reach};
use crate::walk;

const NOTHING_SPECIAL: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV).union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// What tells about the machine, or could be used against it (the list is Docker's).
const HIDDEN_IN_PROC: &[&str] = &[
    "acpi",
    "asound",
    "interrupts",
    "kcore",
    "keys",
    "latency_stats",
    "sched_debug",
    "scsi",
    "timer_list",
    "timer_stats",
];
const HIDDEN_IN_SYS: &[&str] = &["firmware", "devices/virtual/powercap"];
const READ_ONLY_IN_PROC: &[&str] = &["bus", "fs", "irq", "sys", "sysrq-trigger"];

/// Name, major and minor number of the devices that everybody may have.
const DEVICES: &[(&str, u32, u32)] =
    &[("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];
/// What BuildKit gives beside them to a process that may do everything.
const INSECURE_DEVICES: &[&str] =
    &["loop-control", "loop0", "loop1", "loop2", "loop3", "loop4", "loop5", "loop6", "loop7", "fuse", "kvm"];

const LINKS: &[(&CStr, &CStr)] = &[
    (c"fd", c"/proc/self/fd"),
    (c"stdin", c"/proc/self/fd/0"),
    (c"stdout", c"/proc/self/fd/1"),
    (c"stderr", c"/proc/self/fd/2"),
    (c"core", c"/proc/kcore"),
    (c"ptmx", c"pts/ptmx"),
];

/// Mounts all three into `root`.
pub(crate) fn mount(process: &Process, root: &OwnedFd, recorder: &mut Recorder<'_>) -> Result<(), Refusal> {
    let proc = place(root, "proc", recorder)?;
    let mounted = filesystem(c"proc", &[], NOTHING_SPECIAL).map_err(|error| {
        let hint = "inside of another container, it must show all of its own /proc (docker: `--security-opt systempaths=unconfined`)";
        Refusal::machine("make a `/proc`", format!("{error}; {hint}"))
    })?;
    attach(&mounted, &proc).doing("mount `/proc`")?;

    let sys = place(root, "sys", recorder)?;
    let sysfs = sysfs(process)?;
    attach(&sysfs, &sys).doing("mount `/sys`")?;

    let dev = place(root, "dev", recorder)?;
    devices(process, &dev)?;

    if process.security == Security::Sandbox {
        hide(&mounted, HIDDEN_IN_PROC).doing("hide parts of `/proc`")?;
        hide(&sysfs, HIDDEN_IN_SYS).doing("hide parts of `/sys`")?;
        make_read_only(&mounted, READ_ONLY_IN_PROC).doing("make parts of `/proc` read-only")?;
    }
    Ok(())
}

fn place(root: &OwnedFd, name: &str, recorder: &mut Recorder<'_>) -> Result<OwnedFd, Refusal> {
    walk::own_folder(root, name, recorder).map_err(|error| {
        let reason = if matches!(Errno::from_io_error(&error), Some(Errno::NOTDIR | Errno::LOOP)) {
            "the image has something there that is no folder".to_owned()
        } else {
            error.to_string()
        };
        Refusal::image(format!("mount `/{name}`"), reason)
    })
}

fn sysfs(process: &Process) -> Result<OwnedFd, Refusal> {
    let read_only =
        if process.security == Security::Sandbox { MountAttrFlags::MOUNT_ATTR_RDONLY } else { MountAttrFlags::empty() };
    let attributes = NOTHING_SPECIAL | read_only;
    match filesystem(c"sysfs", &[], attributes) {
        // It shows a network; in a user namespace one that is not ours cannot be mounted. What is there is shown instead.
        Err(_) if process.network != Network::None && in_user_namespace() => {
            let seen = bind(Path::new("/sys")).doing("show `/sys`")?;
            let attributes = NOTHING_SPECIAL | MountAttrFlags::MOUNT_ATTR_RDONLY;
            sys::set_mount_attributes(&seen, Reach::Below, attributes.bits().into()).doing("make `/sys` read-only")?;
            Ok(seen)
        }
        made => made.doing("make a `/sys`"),
    }
}

fn devices(process: &Process, place: &OwnedFd) -> Result<(), Refusal> {
    let sandbox = process.security == Security::Sandbox;
    // Without devices: even who may make one (CAP_MKNOD) cannot open it. The harmless ones are mounts of their own.
    let no_devices = if sandbox { MountAttrFlags::MOUNT_ATTR_NODEV } else { MountAttrFlags::empty() };
    let dev = filesystem(c"tmpfs", &[("mode", "755"), ("size", "64m")], no_devices | MountAttrFlags::MOUNT_ATTR_NOSUID)
        .doing("make a `/dev`")?;
    attach(&dev, place).doing("mount `/dev`")?;
    for (name, major, minor) in DEVICES {
        let device = format!("/dev/{name}");
        if !is_device(&device, *major, *minor) {
            return Err(Refusal::machine(format!("show `{device}`"), "the machine has no such device there"));
        }
        show_device(&dev, name).doing_to("show", device)?;
    }
    if !sandbox {
        for name in INSECURE_DEVICES.iter().filter(|name| Path::new("/dev").join(name).exists()) {
            show_device(&dev, name).doing_to("show `/dev`'s", name)?;
        }
    }
    for (name, target) in LINKS {
        symlinkat(*target, &dev, *name).doing("make the links in `/dev`")?;
    }
    let terminals = [("mode", "0620"), ("ptmxmode", "0666"), ("newinstance", ""), ("gid", "5")];
    // Where group 5 does not exist for us, terminals belong to the group of their user.
    let terminals = if has_group(5) { &terminals[..] } else { &terminals[..3] };
    let no_programs = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    folder(&dev, c"pts", || devpts(terminals, no_programs)).doing("mount `/dev/pts`")?;
    folder(&dev, c"mqueue", || filesystem(c"mqueue", &[], NOTHING_SPECIAL)).doing("mount `/dev/mqueue`")?;
    let size = process.limits.shared_memory_bytes.unwrap_or(64 * 1024 * 1024).to_string();
    folder(&dev, c"shm", || filesystem(c"tmpfs", &[("mode", "1777"), ("size", &size)], NOTHING_SPECIAL))
        .doing("mount `/dev/shm`")
}

fn devpts(options: &[(&str, &str)], attributes: MountAttrFlags) -> io::Result<OwnedFd> {
    use rustix::mount::{
        FsMountFlags, FsOpenFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen,
    };
    let context = fsopen(c"devpts", FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        if value.is_empty() { fsconfig_set_flag(&context, *key)? } else { fsconfig_set_string(&context, *key, *value)? }
    }
    fsconfig_create(&context)?;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

fn folder(dev: &OwnedFd, name: &CStr, make: impl FnOnce() -> io::Result<OwnedFd>) -> io::Result<()> {
    mkdirat(dev, name, Mode::from_raw_mode(0o755))?;
    let place =
        openat(dev, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    attach(make()?, place)
}

fn show_device(dev: &OwnedFd, name: &str) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    drop(openat(dev, name, flags, Mode::from_raw_mode(0o644))?);
    let place = openat(dev, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    attach(bind(&Path::new("/dev").join(name))?, place)
}

/// Whether this number of a group means something to us.
fn has_group(gid: u64) -> bool {
    let Ok(map) = std::fs::read_to_string("/proc/self/gid_map") else { return false };
    map.lines().any(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        matches!(numbers[..], [first, _, count] if (first..first + count).contains(&gid))
    })
}

/// Covers folders with an empty one, and files with `/dev/null`. What the kernel does not have needs no cover.
fn hide(mount: &OwnedFd, names: &[&str]) -> io::Result<()> {
    let mut empty: Option<OwnedFd> = None;
    for name in names {
        let Some(place) = find(mount, name)? else { continue };
        if FileType::from_raw_mode(fstat(&place)?.st_mode) != FileType::Directory {
            attach(bind(Path::new("/dev/null"))?, place)?;
            continue;
        }
        let cover = match &empty {
            Some(empty) => clone(empty)?,
            None => filesystem(
                c"tmpfs",
                &[("mode", "755"), ("size", "0")],
                NOTHING_SPECIAL | MountAttrFlags::MOUNT_ATTR_RDONLY,
            )?,
        };
        attach(&cover, place)?;
        empty = Some(cover);
    }
    Ok(())
}

fn make_read_only(mount: &OwnedFd, names: &[&str]) -> io::Result<()> {
    for name in names {
        let Some(place) = find(mount, name)? else { continue };
        let same = clone(&place)?;
        sys::set_mount_attributes(
            &same,
            Reach::Below,
            (NOTHING_SPECIAL | MountAttrFlags::MOUNT_ATTR_RDONLY).bits().into(),
        )?;
        attach(same, place)?;
    }
    Ok(())
}

fn find(mount: impl AsFd, name: &str) -> io::Result<Option<OwnedFd>> {
    match openat(mount, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => Ok(None),
        found => Ok(Some(found?)),
    }
}
