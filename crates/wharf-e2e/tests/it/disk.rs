//! A file system of a test's own, in a file.

use std::path::{Path, PathBuf};

use crate::command::Program;

/// A mounted file system in a file; it is unmounted with this value.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) image: PathBuf,
    pub(crate) mounted: PathBuf,
}

impl Disk {
    /// An empty one of so many bytes.
    pub(crate) fn make(folder: &Path, size_bytes: u64) -> Self {
        let image = folder.join("disk.img");
        std::fs::File::create(&image).and_then(|file| file.set_len(size_bytes)).expect("a writable folder");
        Program::new("mkfs.ext4", folder).args(["-q", "-F", "disk.img"]).run();
        Self::mount(folder, image)
    }

    /// The journal is not written on a timer: only what asks for it gets onto the disk.
    pub(crate) fn mount(folder: &Path, image: PathBuf) -> Self {
        let mounted = image.with_extension("mounted");
        std::fs::create_dir_all(&mounted).expect("a writable folder");
        Program::new("mount", folder).args(["-o", "loop,commit=600"]).args([&image, &mounted]).run();
        Self { image, mounted }
    }

    /// Where a server may put its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.mounted.join("data")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Program::new("umount", Path::new("/")).args([&self.mounted]).output();
    }
}
