//! What one container process is: its root, its mounts, who it is, what it may.
//!
//! A description says everything and decides nothing; [`crate::launch`] sends it to a process of its own. Paths of the
//! machine are the caller's and trusted; paths inside of the container are an image's and are not.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One process and the container around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The file system that it sees as `/`.
    pub rootfs: Rootfs,
    /// What is mounted into it beside `/proc`, `/sys` and `/dev`, in this order.
    pub mounts: Vec<Mount>,
    /// The program and its arguments. A program without `/` is looked for in the `PATH` of [`Process::environment`].
    pub arguments: Vec<String>,
    /// Its whole environment; only `HOME` is added, out of the image's `/etc/passwd`, where it is not in here.
    pub environment: Vec<Variable>,
    /// The folder that it starts in, absolute. It is made (0755, root) if it is not there.
    pub working_directory: String,
    /// `name`, `uid`, `name:group`, `uid:gid`…, as in a Dockerfile's USER. Names are looked up in the image. Empty: root.
    pub user: String,
    /// Its host name.
    pub hostname: String,
    /// Which network it sees.
    pub network: Network,
    /// What it may do.
    pub security: Security,
    /// What it may use.
    pub limits: Limits,
}

/// The layers that make the root, and where changes go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rootfs {
    /// Unpacked layers, **lowest first**, as in an image's manifest; at most 490. None: an empty root (`FROM scratch`).
    pub layers: Vec<PathBuf>,
    /// Takes what the process changes: new and changed files, deleted ones as whiteouts. See [`crate::rootfs`] for what is
    /// found here afterwards. Usually empty; what is already in it lies above the layers.
    pub upper: PathBuf,
    /// An empty folder on the same file system as `upper`, for overlayfs alone.
    pub work: PathBuf,
    /// Whether overlayfs writes back when it is told to sync, and when it is unmounted.
    pub durability: Durability,
}

/// What a sync inside of the container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Durability {
    /// Nothing: what is in `upper` is worthless until the caller has synced it. Package managers sync after each file, so
    /// this is what makes a step fast.
    Volatile,
    /// What it does everywhere.
    Synced,
}

/// A thing of the machine that shows inside of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where, absolute. Links on the way are followed inside of the container's root. What is missing is made (folders 0755,
    /// root) and, if the process leaves it as it is, is taken out of `upper` again afterwards.
    pub target: String,
    /// What.
    pub source: Source,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A folder, file or socket of the machine itself, at exactly this path.
    Bind {
        /// Where it is.
        path: PathBuf,
        /// May it be changed?
        access: Access,
    },
    /// A path inside of another file system of layers: an image, a stage, a build context. Links are followed inside of it.
    Tree {
        /// Unpacked layers, lowest first. One folder is a tree of one layer.
        layers: Vec<PathBuf>,
        /// What to show of it, `/` for all.
        path: String,
        /// Where changes go, which nobody wants afterwards: an empty folder on a file system that takes an overlay's upper
        /// folder. `None`: nothing can be changed.
        scratch: Option<PathBuf>,
    },
    /// An empty file system in memory.
    Tmpfs {
        /// How much it may hold. `None`: half of the memory, as the kernel has it.
        size_bytes: Option<u64>,
        /// The mode of its root.
        mode: u32,
    },
    /// A file that exists in memory only, and cannot be written: a secret, a script, `/etc/resolv.conf`.
    File {
        /// What is in it.
        contents: Contents,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its mode.
        mode: u32,
    },
}

/// May what is mounted be changed?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// No.
    ReadOnly,
    /// Yes, and it stays changed.
    ReadWrite,
}

/// Bytes that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Contents(pub Vec<u8>);

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Contents {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Contents {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        data_encoding::BASE64.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

/// One variable of the environment. It may hold a secret: no log shows its value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.name)
    }
}

/// Which network a process sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// None but its own loopback.
    None,
    /// The machine's.
    Host,
    /// That of the network namespace that is handed over with the description
    /// ([`crate::launch::Handed::network_namespace`]).
    Namespace,
}

/// What a process may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Security {
    /// Docker's fourteen capabilities, Docker's filter of system calls, parts of `/proc` and `/sys` hidden or read-only,
    /// no devices but the harmless ones.
    Sandbox,
    /// All capabilities that we have, no filter, nothing hidden. It can do to the machine what we can.
    Insecure,
}

/// What a process, and all that it starts, may use. `None`: no limit of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory, swap included.
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Processor time, in thousandths of one processor.
    pub cpu_millis: Option<u64>,
    /// Open files of each process, soft and hard. `None`: 1024 and 524288, or as much as we may.
    pub open_files: Option<(u64, u64)>,
    /// The size of `/dev/shm`. `None`: 64 MiB.
    pub shared_memory_bytes: Option<u64>,
}
