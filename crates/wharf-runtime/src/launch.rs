//! The caller's side: starting a process, reading what it says, waiting for it, ending it.
//!
//! The caller may have threads, and a process with threads must not fork itself; so this program is started again
//! ([`crate::entry`]), and gets the description over a socket: nothing of it is in an argument or in the environment. That
//! socket is also the leash. When it closes, by [`Stop::stop`], by dropping [`Running`], or because the caller was killed,
//! everything in the container is killed.

use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustix::fs::{CWD, MemfdFlags, memfd_create};
use rustix::mount::{MountAttrFlags, OpenTreeFlags, open_tree};
use rustix::pipe::{PipeFlags, pipe_with};
use serde::{Deserialize, Serialize};

use crate::entry::VERB;
use crate::error::Error;
use crate::process::Process;
use crate::sys::{self, Reach};
use crate::wire::{self, Answer, Request};

/// A program that can be started to hold a container: this one, with the argument by which it calls
/// [`crate::entry::hold`].
#[derive(Debug)]
pub struct Entry {
    /// The program's file, seen through a mount that cannot be written.
    program: OwnedFd,
}

impl Entry {
    /// This program. Takes a capability (CAP_SYS_ADMIN), as all of this does.
    ///
    /// A program in a container can open what holds it by `/proc/self/exe`, and could overwrite it if it were root
    /// (CVE-2019-5736). So it is started through a read-only mount that exists for nobody else.
    pub fn this() -> Result<Self, Error> {
        let program = PathBuf::from("/proc/self/exe");
        let open = || -> io::Result<OwnedFd> {
            let program = open_tree(CWD, &program, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)?;
            sys::set_mount_attributes(&program, Reach::One, MountAttrFlags::MOUNT_ATTR_RDONLY.bits().into())?;
            Ok(program)
        };
        let opened = open().map_err(|source| Error::Entry { program: program.display().to_string(), source })?;
        Ok(Self { program: opened })
    }

    fn command(&self) -> Command {
        // The new process has its own /proc/self, but the descriptor's number is the same in it until it is executed.
        let mut command = Command::new(format!("/proc/self/fd/{}", self.program.as_raw_fd()));
        command.arg0("wharf").arg(VERB).env_clear();
        command
    }
}

/// What is handed over beside the description.
#[derive(Debug, Default)]
pub struct Handed {
    /// What the process reads. `None`: nothing, as from `/dev/null`. For bytes see [`input`].
    pub stdin: Option<OwnedFd>,
    /// The network namespace, for [`crate::process::Network::Namespace`].
    pub network_namespace: Option<OwnedFd>,
}

/// A file in memory that holds `bytes`, to be read from its beginning: the standard input that a heredoc is.
pub fn input(bytes: &[u8]) -> Result<OwnedFd, Error> {
    let write = || -> io::Result<OwnedFd> {
        let mut file = std::fs::File::from(memfd_create("stdin", MemfdFlags::CLOEXEC)?);
        file.write_all(bytes)?;
        rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0))?;
        Ok(file.into())
    };
    write().map_err(|source| Error::Channel { action: "keep the standard input in memory", source })
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// What it said, or what ended it.
    pub status: Status,
    /// The kernel killed something in the container because [`crate::process::Limits::memory_bytes`] was reached.
    pub out_of_memory: bool,
}

/// What a process said when it ended, or what ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It exited with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
    /// It was ended by us: see [`Stop`].
    Stopped,
}

impl Exit {
    /// Whether it succeeded.
    #[must_use]
    pub fn is_success(self) -> bool {
        self.status == Status::Code(0)
    }

    /// The number that a shell would give it: 128 and the signal where it was killed.
    #[must_use]
    pub fn code(self) -> i32 {
        match self.status {
            Status::Code(code) => code,
            Status::Signal(signal) => 128 + signal,
            Status::Stopped => 128 + 9,
        }
    }
}

/// A process in its container. Dropping it kills all that runs there.
#[derive(Debug)]
pub struct Running {
    /// What it writes to standard output: ends when everything in the container has ended. If nobody reads, it waits.
    pub stdout: Option<OwnedFd>,
    /// What it writes to standard error.
    pub stderr: Option<OwnedFd>,
    control: Arc<UnixStream>,
    holder: Child,
}

/// Ends a container from anywhere, also while somebody else waits for it.
#[derive(Debug, Clone)]
pub struct Stop(Arc<UnixStream>);

impl Stop {
    /// Kills everything in the container, at once. [`Running::wait`] then says [`Status::Stopped`].
    pub fn stop(&self) {
        // It fails only where the other side is gone already.
        drop(self.0.shutdown(std::net::Shutdown::Write));
    }
}

impl Running {
    /// What ends the container.
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(Arc::clone(&self.control))
    }

    /// The process that holds the container; it is a child of this one.
    #[must_use]
    pub fn holder_id(&self) -> u32 {
        self.holder.id()
    }

    /// Waits until the process has ended, and everything in its container with it. Blocks: somebody else must read the
    /// output meanwhile.
    pub fn wait(&mut self) -> Result<Exit, Error> {
        let answer = wire::receive::<Answer>(&self.control);
        // It answers last of all: what is waited for here is a process that is about to exit.
        self.holder.wait().map_err(|source| Error::Channel { action: "wait for what holds the container", source })?;
        match answer {
            Ok(Some((Answer::Ended(exit), _))) => Ok(exit),
            Ok(Some((Answer::Refused(refusal), _))) => Err(refusal.into()),
            Ok(None) => Err(Error::Silent),
            Err(source) => Err(Error::Channel { action: "hear from what holds the container", source }),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop().stop();
        drop(self.holder.wait());
    }
}

/// Starts `process`. That it is started says nothing yet: a container that cannot be made, or a program that is not there,
/// is told by [`Running::wait`].
pub fn spawn(entry: &Entry, process: &Process, handed: &Handed) -> Result<Running, Error> {
    let channel = |action| move |source: io::Error| Error::Channel { action, source };
    let (control, theirs) = UnixStream::pair().map_err(channel("make a socket"))?;
    let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(|error| channel("make a pipe")(error.into()));
    let ((stdout, their_stdout), (stderr, their_stderr)) = (pipe()?, pipe()?);
    let mut command = entry.command();
    command
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(their_stdout))
        .stderr(Stdio::from(their_stderr));
    let holder = command
        .spawn()
        .map_err(|source| Error::Start { program: command.get_program().to_string_lossy().into_owned(), source })?;
    // It holds the other ends of the pipes: they must not stay open here.
    drop(command);
    let running = Running { stdout: Some(stdout), stderr: Some(stderr), control: Arc::new(control), holder };

    let request = Request {
        process: process.clone(),
        stdin: handed.stdin.is_some(),
        network_namespace: handed.network_namespace.is_some(),
    };
    let descriptors: Vec<_> =
        [&handed.stdin, &handed.network_namespace].into_iter().flatten().map(|fd| fd.as_fd()).collect();
    wire::send(&running.control, &request, &descriptors).map_err(channel("send the description of the process"))?;
    Ok(running)
}
