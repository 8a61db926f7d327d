//! Layers put on each other by the kernel's overlay file system.
//!
//! A mount exists only as a descriptor: no other process sees it, and it goes with the last one that holds it. Layers are
//! added one by one, which Linux can from 6.8 on, so that their number is not bounded by the length of an option.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen,
};

use crate::error::Error;
use crate::session::open_folder;

/// Where changes go.
#[derive(Debug, Clone)]
pub struct Upper {
    /// The folder that takes them.
    pub upper: PathBuf,
    /// A folder on the same file system that the kernel needs.
    pub work: PathBuf,
}

/// Mounts `lowers`, the lowest first, with changes going to `upper`.
pub fn mount(lowers: &[PathBuf], upper: &Upper) -> Result<OwnedFd, Error> {
    let failed = |step| move |errno: Errno| Error::Overlay { layers: lowers.len() + 1, step, source: errno.into() };
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed("opening"))?;
    for lower in lowers.iter().rev() {
        fsconfig_set_string(&context, "lowerdir+", lower.as_path()).map_err(failed("adding a layer"))?;
    }
    fsconfig_set_string(&context, "upperdir", upper.upper.as_path()).map_err(failed("naming the upper folder"))?;
    fsconfig_set_string(&context, "workdir", upper.work.as_path()).map_err(failed("naming the work folder"))?;
    // What these keep in the upper folder is no part of a layer.
    for option in ["redirect_dir", "metacopy", "index", "xino"] {
        fsconfig_set_string(&context, option, "off").map_err(failed("setting options"))?;
    }
    // What is unfinished when the machine stops is thrown away in any case.
    fsconfig_set_flag(&context, "volatile").map_err(failed("setting options"))?;
    created(&context).map_err(failed("mounting"))
}

/// Mounts `lowers`, the lowest first, for reading.
pub fn mount_read_only(lowers: &[PathBuf]) -> Result<OwnedFd, Error> {
    let failed = |step| move |errno: Errno| Error::Overlay { layers: lowers.len(), step, source: errno.into() };
    match lowers {
        [] => Err(failed("there is nothing to read")(Errno::INVAL)),
        [only] => open_folder(only),
        _ => {
            let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed("opening"))?;
            for lower in lowers.iter().rev() {
                fsconfig_set_string(&context, "lowerdir+", lower.as_path()).map_err(failed("adding a layer"))?;
            }
            created(&context).map_err(failed("mounting"))
        }
    }
}

fn created(context: &OwnedFd) -> Result<OwnedFd, Errno> {
    fsconfig_create(context)?;
    fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
}

/// Makes the two folders that changes need.
pub(crate) fn make_upper(folder: &Path) -> Result<Upper, Error> {
    let upper = Upper { upper: folder.join("upper"), work: folder.join("work") };
    for path in [folder, &upper.upper, &upper.work] {
        std::fs::create_dir(path).map_err(|source| Error::file("make", path, source))?;
    }
    // It becomes the root of what is built, whatever this process's mask is.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&upper.upper, mode).map_err(|source| Error::file("open up", &upper.upper, source))?;
    Ok(upper)
}
