//! What is mounted into a container beside its root and the kernel's files: secrets, caches, other stages, sockets.

use std::io;
use std::io::Write as _;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, fchmod, fchown, fstat, fstatfs, openat};
use rustix::mount::MountAttrFlags;
use rustix::process::{Gid, Uid};

use crate::error::{Doing as _, Refusal};
use crate::process::{Access, Contents, Mount, Security, Source};
use crate::rootfs::{attach, bind, clone, filesystem, tree};
use crate::stubs::Recorder;
use crate::sys::{self, Reach};
use crate::walk::{self, Make};

/// The kernel's file system of devices and drivers.
const SYSFS_MAGIC: u64 = 0x6265_6572;

/// Mounts one thing into `root`.
pub(crate) fn mount(
    mount: &Mount,
    security: Security,
    root: &OwnedFd,
    recorder: &mut Recorder<'_>,
) -> Result<(), Refusal> {
    let target = mount.target.as_str();
    let source = prepare(&mount.source, security)?;
    let is_folder = file_type(&source).doing_to("look at what is mounted on", target)? == FileType::Directory;
    let make = if is_folder { Make::Folder } else { Make::File };
    let place = walk::make(root, target, make, recorder)
        .map_err(|error| Refusal::image(format!("mount on `{target}`"), error))?;
    let refuse = |reason: &str| Err(Refusal::image(format!("mount on `{target}`"), reason));
    let place_is_folder = file_type(&place).doing_to("look at", target)? == FileType::Directory;
    let is_kernels = is_kernels(&place).doing_to("look at", target)?;
    match (is_folder, place_is_folder) {
        _ if is_kernels => refuse("it is in `/proc` or `/sys`, where nothing can be mounted"),
        _ if is_same(&place, root).doing_to("look at", target)? => refuse("it is the root itself"),
        (true, false) => refuse("a folder cannot be mounted on a file"),
        (false, true) => refuse("a file cannot be mounted on a folder"),
        (true, true) | (false, false) => attach(&source, &place).doing_to("mount on", target),
    }
}

fn file_type(file: &OwnedFd) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(fstat(file)?.st_mode))
}

/// Whether it is in `/proc` or `/sys`.
fn is_kernels(place: &OwnedFd) -> io::Result<bool> {
    let is_sysfs = u64::try_from(fstatfs(place)?.f_type).is_ok_and(|kind| kind == SYSFS_MAGIC);
    Ok(is_sysfs || walk::is_in_proc(place)?)
}

fn is_same(place: &OwnedFd, root: &OwnedFd) -> io::Result<bool> {
    let (place, root) = (fstat(place)?, fstat(root)?);
    Ok((place.st_dev, place.st_ino) == (root.st_dev, root.st_ino))
}

/// Makes the mount, which is nowhere yet.
fn prepare(source: &Source, security: Security) -> Result<OwnedFd, Refusal> {
    let no_devices =
        if security == Security::Sandbox { MountAttrFlags::MOUNT_ATTR_NODEV } else { MountAttrFlags::empty() };
    match source {
        Source::Bind { path, access } => {
            let mount = bind(path).doing_to("show", path.display())?;
            let read_only =
                if *access == Access::ReadOnly { MountAttrFlags::MOUNT_ATTR_RDONLY } else { MountAttrFlags::empty() };
            sys::set_mount_attributes(&mount, Reach::Below, (no_devices | read_only).bits().into())
                .doing_to("restrict", path.display())?;
            Ok(mount)
        }
        Source::Tree { layers, path, scratch } => tree(layers, path, scratch.as_deref()),
        Source::Tmpfs { size_bytes, mode } => {
            let mode = format!("{:o}", mode & 0o7777);
            let size = size_bytes.map(|bytes| bytes.to_string());
            let options: Vec<_> =
                [("mode", mode.as_str())].into_iter().chain(size.as_deref().map(|size| ("size", size))).collect();
            filesystem(c"tmpfs", &options, no_devices | MountAttrFlags::MOUNT_ATTR_NOSUID)
                .doing("make a file system in memory")
        }
        Source::File { contents, uid, gid, mode } => file(contents, (*uid, *gid), *mode).doing("keep a file in memory"),
    }
}

/// A file in a file system of its own in memory, read-only.
fn file(contents: &Contents, owner: (u32, u32), mode: u32) -> io::Result<OwnedFd> {
    let size = (contents.0.len() + 64 * 1024).to_string();
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let memory = filesystem(c"tmpfs", &[("mode", "700"), ("size", &size)], attributes)?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = std::fs::File::from(openat(&memory, "file", flags, Mode::from_raw_mode(0o600))?);
    file.write_all(&contents.0)?;
    fchown(&file, Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1)))?;
    fchmod(&file, Mode::from_raw_mode(mode & 0o7777))?;
    drop(file);
    sys::set_mount_attributes(&memory, Reach::One, MountAttrFlags::MOUNT_ATTR_RDONLY.bits().into())?;
    // A part of a mount that is nowhere cannot be cloned before Linux 6.15: it is attached for that moment.
    in_passing(memory, |root| {
        let file = openat(root, "file", OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        clone(file)
    })
}

/// Attaches a mount to a place of the machine for as long as `with` takes; only this mount namespace sees it.
fn in_passing<T>(mount: OwnedFd, with: impl FnOnce(&OwnedFd) -> io::Result<T>) -> io::Result<T> {
    let place = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    attach(&mount, place)?;
    let result = with(&mount);
    let taken =
        rustix::process::fchdir(&mount).and_then(|()| rustix::mount::unmount(".", rustix::mount::UnmountFlags::DETACH));
    rustix::process::chdir("/")?;
    taken?;
    result
}
