//! The container's root: layers under an upper folder, by overlayfs.
//!
//! # What is found in `upper` afterwards
//!
//! Only what the process changed, as overlayfs writes it down:
//!
//! - a new or changed file is there with its whole content, also if only its mode changed; a changed folder is there with
//!   what changed in it;
//! - something deleted that the layers have is a *whiteout*: a character device 0:0, or, where overlayfs wrote it for a user
//!   namespace on an older kernel, an empty regular file with the attribute `user.overlay.whiteout` in a folder with
//!   `user.overlay.opaque=x`;
//! - a folder that hides all that the layers have at its place is *opaque*: it has the attribute `trusted.overlay.opaque=y`;
//! - other attributes `trusted.overlay.*` (`origin`, `impure`, `uuid`) are overlayfs' own and mean nothing in a layer;
//! - in a user namespace ([`crate::rootless`]) all of these begin with `user.overlay.` instead;
//! - a folder that was renamed is there as a whole (renaming within a layer is off), and so are both names of a hard link
//!   only if the process made or changed both.
//!
//! Without layers there is nothing to delete from, and `upper` is simply the root.
//!
//! What was made so that something could be mounted is gone again, see [`crate::process::Mount::target`]. With
//! [`Durability::Volatile`] nothing of it is on the disk for sure until the caller has synced it. The mode and owner of
//! `/` are those of `upper` itself: they are the caller's to set.

use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fchmod, fchown, fstat, mkdirat, open};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree, unmount,
};

use crate::error::{Doing as _, Refusal};
use crate::process::{Durability, Rootfs};
use crate::sys::{self, Reach};
use crate::walk;

/// The most layers that overlayfs takes is 500; some are left for a caller that counts differently.
pub const MAX_LAYERS: usize = 490;

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Where changes go.
pub(crate) struct Change<'a> {
    pub(crate) upper: &'a Path,
    pub(crate) work: &'a Path,
    pub(crate) durability: Durability,
}

/// An overlay that is mounted on a folder of the machine, in our own mount namespace.
pub(crate) struct Overlay<'a> {
    at: &'a Path,
}

/// Mounts the root and opens it. `flags` are those of its mount.
pub(crate) fn mount(rootfs: &Rootfs, flags: MountFlags) -> Result<OwnedFd, Refusal> {
    let Rootfs { layers, upper, work, durability } = rootfs;
    if layers.is_empty() {
        let mount = bind(upper).doing_to("show", upper.display())?;
        sys::set_mount_attributes(&mount, Reach::One, attributes(flags)).doing_to("restrict", upper.display())?;
        let place = open_folder(upper)?;
        attach(&mount, &place).doing_to("mount the root on", upper.display())?;
        return Ok(mount);
    }
    Overlay::mount(layers, Some(&Change { upper, work, durability: *durability }), flags)?.root()
}

fn attributes(flags: MountFlags) -> u64 {
    if flags.contains(MountFlags::NODEV) { MountAttrFlags::MOUNT_ATTR_NODEV.bits().into() } else { 0 }
}

impl<'a> Overlay<'a> {
    /// Puts `layers` (lowest first, at least two, or one with a change) together.
    pub(crate) fn mount(
        layers: &'a [PathBuf],
        change: Option<&Change<'a>>,
        flags: MountFlags,
    ) -> Result<Self, Refusal> {
        if layers.len() > MAX_LAYERS {
            return Err(Refusal::image(
                "put the layers together",
                format!("{} are more than {MAX_LAYERS}", layers.len()),
            ));
        }
        let mut opened = Vec::with_capacity(layers.len() + 2);
        let mut options = String::from("lowerdir=");
        for (index, layer) in layers.iter().rev().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            named(&mut options, separator, layer, &mut opened)?;
        }
        if let Some(change) = change {
            named(&mut options, ",upperdir=", change.upper, &mut opened)?;
            named(&mut options, ",workdir=", change.work, &mut opened)?;
            if change.durability == Durability::Volatile {
                options.push_str(",volatile");
            }
        }
        options.push_str(",index=off");
        options.push_str(if in_user_namespace() { ",userxattr" } else { ",metacopy=off,redirect_dir=nofollow" });
        let at = change.map_or(layers[0].as_path(), |change| change.upper);
        // The options must fit into a page, whatever the paths are: so each folder is a number in this folder.
        rustix::process::chdir("/proc/self/fd").doing("go to `/proc/self/fd`; is /proc mounted?")?;
        let mounted = rustix::mount::mount("wharf", at, "overlay", flags, Some(&*c_string(options)?));
        let back = rustix::process::chdir("/");
        mounted.map_err(|error| {
            let hint = "is there overlayfs in this kernel, and is the state folder on a file system that it takes (not itself an overlay)?";
            Refusal::machine(format!("put {} layers together at `{}`", layers.len(), at.display()), format!("{error}; {hint}"))
        })?;
        back.doing("go back to `/`")?;
        Ok(Self { at })
    }

    /// Opens its root.
    pub(crate) fn root(&self) -> Result<OwnedFd, Refusal> {
        open_folder(self.at)
    }

    /// Takes it away from where it was mounted; what was cloned from it stays.
    pub(crate) fn unmount(self) -> Result<(), Refusal> {
        unmount(self.at, UnmountFlags::DETACH).doing_to("unmount", self.at.display())
    }
}

fn c_string(text: String) -> Result<std::ffi::CString, Refusal> {
    std::ffi::CString::new(text).doing("write down the options of overlayfs")
}

/// Opens a folder of the machine, as a place.
pub(crate) fn open_folder(path: &Path) -> Result<OwnedFd, Refusal> {
    open(path, FOLDER, Mode::empty()).doing_to("open", path.display())
}

/// Opens a folder and adds its number to the options.
fn named(options: &mut String, before: &str, path: &Path, opened: &mut Vec<OwnedFd>) -> Result<(), Refusal> {
    let folder = open_folder(path)?;
    write!(options, "{before}{}", folder.as_raw_fd()).doing("write down the options of overlayfs")?;
    opened.push(folder);
    Ok(())
}

/// A part of layers, read-only or with changes that nobody keeps, as a mount that is nowhere yet.
pub(crate) fn tree(layers: &[PathBuf], path: &str, scratch: Option<&Path>) -> Result<OwnedFd, Refusal> {
    let flags = MountFlags::NODEV;
    let open_in = |root: OwnedFd| {
        walk::find(&root, path).map_err(|error| Refusal::image(format!("find `{path}` to mount it"), error))
    };
    let mount = match (layers, scratch) {
        ([], _) => {
            filesystem(c"tmpfs", &[("mode", "755")], MountAttrFlags::MOUNT_ATTR_NODEV).doing("make an empty tree")?
        }
        ([layer], None) => {
            let root = open_folder(layer)?;
            clone(&open_in(root)?).doing_to("show", path)?
        }
        (_, None) => {
            let overlay = Overlay::mount(layers, None, flags)?;
            let mount = open_in(overlay.root()?).and_then(|found| clone(&found).doing_to("show", path));
            overlay.unmount()?;
            mount?
        }
        ([.., top], Some(scratch)) => {
            let (upper, work) = scratch_folders(scratch, top).doing_to("prepare", scratch.display())?;
            let change = Change { upper: &upper, work: &work, durability: Durability::Volatile };
            let overlay = Overlay::mount(layers, Some(&change), flags)?;
            let mount = open_in(overlay.root()?).and_then(|found| clone(&found).doing_to("show", path));
            overlay.unmount()?;
            mount?
        }
    };
    let read_only = if scratch.is_none() { MountAttrFlags::MOUNT_ATTR_RDONLY } else { MountAttrFlags::empty() };
    let attributes = MountAttrFlags::MOUNT_ATTR_NODEV | read_only;
    sys::set_mount_attributes(&mount, Reach::One, attributes.bits().into()).doing_to("restrict", path)?;
    Ok(mount)
}

/// Makes `upper` and `work` in `scratch`; the first looks like the root of the layers.
fn scratch_folders(scratch: &Path, top: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let like = fstat(open(top, FOLDER, Mode::empty())?)?;
    let (upper, work) = (scratch.join("upper"), scratch.join("work"));
    for folder in [&upper, &work] {
        mkdirat(CWD, folder, Mode::from_raw_mode(0o755))?;
    }
    let opened = open(&upper, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    fchown(&opened, Some(rustix::fs::Uid::from_raw(like.st_uid)), Some(rustix::fs::Gid::from_raw(like.st_gid)))?;
    fchmod(&opened, Mode::from_raw_mode(like.st_mode & 0o7777))?;
    Ok((upper, work))
}

/// A new file system of this kind, mounted nowhere yet.
pub(crate) fn filesystem(
    kind: &std::ffi::CStr,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> io::Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        fsconfig_set_string(&context, *key, *value)?;
    }
    fsconfig_create(&context)?;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

/// A second mount of what is at `path` on the machine, and of all that is mounted below it, nowhere yet.
pub(crate) fn bind(path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    Ok(open_tree(CWD, path, flags)?)
}

/// A second mount of what is open, nowhere yet.
pub(crate) fn clone(place: impl AsFd) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    Ok(open_tree(place, c"", flags | OpenTreeFlags::AT_RECURSIVE)?)
}

/// Mounts what is nowhere yet on a place that is open.
pub(crate) fn attach(mount: impl AsFd, place: impl AsFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, c"", place, c"", flags)?)
}

/// Whether we are root only in a user namespace.
pub(crate) fn in_user_namespace() -> bool {
    let Ok(map) = std::fs::read_to_string("/proc/self/uid_map") else { return true };
    map.split_whitespace().ne(["0", "0", "4294967295"])
}

/// Makes `root` the root of this process, and lets go of the old one.
pub(crate) fn pivot(root: impl AsFd) -> Result<(), Refusal> {
    rustix::process::fchdir(&root).doing("enter the root")?;
    // The old root is put on top of the new one, and taken off (pivot_root(2), NOTES).
    rustix::process::pivot_root(".", ".").doing("change the root")?;
    unmount(".", UnmountFlags::DETACH).doing("let go of the machine's root")?;
    rustix::process::chdir("/").doing("enter the new root")
}

/// Whether `place` is not what is named so on every machine: `name` with the numbers of a character device.
pub(crate) fn is_device(name: &str, major: u32, minor: u32) -> bool {
    rustix::fs::statat(CWD, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| {
        rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::CharacterDevice
            && stat.st_rdev == rustix::fs::makedev(major, minor)
    })
}
