//! One container process: namespaces, layers, mounts, capabilities, the filter of system calls.
//!
//! A caller describes a process ([`process::Process`]) and starts it ([`launch::spawn`]). What runs it is this program,
//! started again ([`entry`]): that process has one thread, makes the namespaces (`holder`), and its copy in them
//! (`init`) mounts the root and becomes the program. No image is looked for here, no layer unpacked, no network made,
//! and nothing outlives its caller.
//!
//! ```no_run
//! # fn example(process: wharf_runtime::Process) -> Result<(), Box<dyn std::error::Error>> {
//! let entry = wharf_runtime::Entry::this()?;
//! let mut running = wharf_runtime::spawn(&entry, &process, &wharf_runtime::Handed::default())?;
//! // … somebody reads running.stdout and running.stderr to their ends …
//! let exit = running.wait()?;
//! # Ok(()) }
//! ```
//!
//! Reading order: [`process`], [`launch`], `wire`, [`entry`], `holder`, `init`, [`rootfs`], `kernel`, `mounts`, `walk`,
//! `stubs`, [`identity`], `privileges`, `seccomp`, `program`, `cgroup`, [`rootless`], `sys`.

mod cgroup;
pub mod entry;
pub mod error;
mod holder;
pub mod identity;
mod init;
mod kernel;
pub mod launch;
mod mounts;
mod privileges;
pub mod process;
mod program;
pub mod rootfs;
pub mod rootless;
mod seccomp;
mod stubs;
mod sys;
mod walk;
mod wire;

pub use error::{Error, Fault, Refusal};
pub use identity::Identity;
pub use launch::{Entry, Exit, Handed, Running, Status, Stop, spawn};
pub use process::{Access, Contents, Durability, Limits, Mount, Network, Process, Rootfs, Security, Source, Variable};
