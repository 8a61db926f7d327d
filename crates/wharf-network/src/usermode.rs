//! A way out for somebody who may make no links: a program that speaks for the container through sockets of its own.
//!
//! Both programs that are common are taken, `pasta` first. One runs per container, and ends with it: it is tied to a thread
//! that does nothing but wait for it, so that it is killed when this process is.

use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal, set_parent_process_death_signal};

use crate::error::Error;
use crate::namespace::Namespace;

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Pasta,
    Slirp4netns,
}

const HINT: &str = "`--network=host` works without";

impl Program {
    /// The first that is installed.
    pub(crate) fn installed() -> Option<Self> {
        [Self::Pasta, Self::Slirp4netns].into_iter().find(|program| {
            let found = Command::new(program.name()).arg("--version").stdin(Stdio::null()).output();
            found.is_ok_and(|done| done.status.success())
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pasta => "pasta",
            Self::Slirp4netns => "slirp4netns",
        }
    }

    /// The address at which it answers for the machine's name servers.
    pub(crate) fn server(self) -> &'static str {
        match self {
            Self::Pasta => "169.254.1.1",
            Self::Slirp4netns => "10.0.2.3",
        }
    }

    /// Writes something to standard output when it is ready.
    fn command(self, namespace: &Path) -> Command {
        let mut command = Command::new(self.name());
        match self {
            Self::Pasta => {
                command.args(["--config-net", "--foreground", "--quiet", "--no-map-gw", "--ns-ifname", "eth0"]);
                command.args(["-t", "none", "-u", "none", "-T", "none", "-U", "none"]);
                command.args(["--dns-forward", self.server(), "--pid", "/dev/stdout", "--netns"]).arg(namespace);
            }
            Self::Slirp4netns => {
                command.args([
                    "--configure",
                    "--mtu=65520",
                    "--disable-host-loopback",
                    "--ready-fd=1",
                    "--netns-type=path",
                ]);
                command.arg(namespace).arg("eth0");
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        die_with_thread(&mut command);
        command
    }
}

#[expect(unsafe_code, reason = "see the block")]
fn die_with_thread(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    // SAFETY: between fork and exec this makes one system call and touches no memory that others could have locked.
    unsafe { command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?)) };
}

/// A namespace as a file. By the descriptor of another process a program that has given up capabilities may not open it.
#[derive(Debug)]
struct File(PathBuf);

impl File {
    fn of(namespace: &Namespace, folder: &Path) -> io::Result<Self> {
        let path = folder.join(format!("network-{}-{}", std::process::id(), namespace.file.as_raw_fd()));
        std::fs::write(&path, "")?;
        let file = Self(path);
        let source = format!("/proc/self/fd/{}", namespace.file.as_raw_fd());
        rustix::mount::mount_bind(source, &file.0)?;
        Ok(file)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Its mount namespace is the user's own and ends with it, so nothing worse than an empty file stays.
        unmount(&self.0, UnmountFlags::DETACH).ok();
        drop(std::fs::remove_file(&self.0));
    }
}

/// A program that is running for one container.
#[derive(Debug)]
pub(crate) struct Helper {
    _file: File,
    pidfd: std::os::fd::OwnedFd,
    ended: Receiver<()>,
}

impl Helper {
    /// Starts it for `namespace`, and waits until it is ready. `folder` is one of ours.
    pub(crate) fn start(program: Program, namespace: &Namespace, folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Program { program: program.name().to_owned(), hint: HINT, source };
        let file = File::of(namespace, folder).map_err(Error::Namespace)?;
        let mut command = program.command(&file.0);
        let (say_started, started) = channel();
        let (say_ended, ended) = channel();
        let wait = move || {
            let (mut child, pidfd, stderr) = match start(&mut command) {
                Ok(started) => started,
                Err(error) => return drop(say_started.send(Err(error))),
            };
            let ready = wait_until_ready(&mut child);
            drop(say_started.send(Ok((pidfd, ready, stderr))));
            drop(child.wait());
            drop(say_ended);
        };
        std::thread::Builder::new().name(program.name().to_owned()).spawn(wait).map_err(failed)?;
        let (pidfd, ready, stderr) =
            started.recv().unwrap_or_else(|_| Err(io::Error::other("its thread has panicked"))).map_err(failed)?;
        if ready {
            return Ok(Self { _file: file, pidfd, ended });
        }
        let mut said = String::new();
        drop(stderr.map(|stderr| stderr.take(4096).read_to_string(&mut said)));
        Err(Error::Refused { program: program.name().to_owned(), said: said.trim().to_owned(), hint: HINT })
    }
}

type Started = (Child, std::os::fd::OwnedFd, Option<std::process::ChildStderr>);

fn start(command: &mut Command) -> io::Result<Started> {
    let mut child = command.spawn()?;
    let pid =
        i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("no process id"))?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let stderr = child.stderr.take();
    Ok((child, pidfd, stderr))
}

fn wait_until_ready(child: &mut Child) -> bool {
    let Some(stdout) = &mut child.stdout else { return false };
    stdout.read(&mut [0; 1]).is_ok_and(|count| count > 0)
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It fails only if it has ended.
        pidfd_send_signal(&self.pidfd, Signal::KILL).ok();
        // An error says that the thread is gone, and with it the program.
        self.ended.recv().ok();
    }
}
