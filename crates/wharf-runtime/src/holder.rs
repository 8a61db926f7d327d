//! The process that holds a container: it makes the namespaces, waits, cleans up and answers.
//!
//! It has one thread, lives outside of the container, and is a child of the caller. Its standard input is the socket to
//! the caller; standard output and error are the container's, and are let go of as soon as the container has them.

use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, pidfd_send_signal, waitpid};

use crate::cgroup::Cgroup;
use crate::error::{Doing as _, Refusal};
use crate::init::{self, Init};
use crate::launch::{Exit, Status};
use crate::process::{Network, Process};
use crate::stubs::Stubs;
use crate::sys::{self, Forked};
use crate::wire::{self, Answer, Report, Request};

/// What the container's first process exits with if it did not become the program; nobody sees it.
const NOT_STARTED: i32 = 125;

/// Takes one description from standard input, and holds that container until it has ended.
pub(crate) fn hold() -> io::Result<()> {
    let caller = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let Some((request, descriptors)) = wire::receive::<Request>(&caller)? else { return Ok(()) };
    // From here on nothing but what is sent to it may hold the socket: its closing is a message.
    rustix::stdio::dup2_stdin(null()?)?;
    let answer = match run(request, descriptors, &caller) {
        Ok(exit) => Answer::Ended(exit),
        Err(refusal) => Answer::Refused(refusal),
    };
    // The caller may be gone: then nobody asks.
    drop(wire::send(&caller, &answer, &[]));
    Ok(())
}

fn run(request: Request, descriptors: Vec<OwnedFd>, caller: &UnixStream) -> Result<Exit, Refusal> {
    let Request { process, stdin, network_namespace } = request;
    let mut descriptors = descriptors.into_iter();
    let stdin = stdin.then(|| descriptors.next()).flatten();
    let network_namespace = network_namespace.then(|| descriptors.next()).flatten();
    let upper = process.rootfs.upper.clone();
    let cgroup = Cgroup::make(&process.limits)?;

    let (report, theirs) = UnixStream::pair().doing("make a socket")?;
    let forked = sys::fork_into(namespaces(&process)).map_err(|error| {
        let hint = "making namespaces takes root, or user namespaces that an ordinary user may make";
        Refusal::machine("make namespaces", format!("{error}; {hint}"))
    })?;
    let (pid, pidfd) = match forked {
        Forked::Child => {
            drop(report);
            become_program(Init { process, stdin, network_namespace, report: theirs })
        }
        Forked::Parent { pid, pidfd } => (pid, pidfd),
    };
    drop((stdin, network_namespace, theirs));
    let_go_of_output().doing("let go of the output")?;
    let container = Container { pid, pidfd, report, caller };
    let result = container.watch(cgroup.as_ref());
    if let Err(error) = result.stubs.remove(&upper) {
        return Err(Refusal::machine(format!("take what was made for mounts out of `{}`", upper.display()), error));
    }
    let out_of_memory = cgroup.map(Cgroup::end).unwrap_or_default();
    result.status.map(|status| Exit { status, out_of_memory })
}

/// Never comes back: this is the container's first process.
#[expect(clippy::exit, reason = "a copy of a process must not go on as the process that it is a copy of")]
fn become_program(init: Init) -> ! {
    let report = init.report.try_clone();
    let refusal = init::run(init);
    if let Ok(report) = report {
        drop(wire::send(&report, &Report::Refused(refusal), &[]));
    }
    std::process::exit(NOT_STARTED)
}

fn namespaces(process: &Process) -> i32 {
    let network = if process.network == Network::None { libc::CLONE_NEWNET } else { 0 };
    libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | libc::CLONE_NEWCGROUP | network
}

fn null() -> io::Result<OwnedFd> {
    Ok(rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
}

/// The caller's pipes must end when the container does.
fn let_go_of_output() -> io::Result<()> {
    let null = null()?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(rustix::stdio::dup2_stderr(&null)?)
}

struct Container<'a> {
    pid: Pid,
    pidfd: OwnedFd,
    report: UnixStream,
    caller: &'a UnixStream,
}

struct Watched {
    status: Result<Status, Refusal>,
    stubs: Stubs,
}

impl Container<'_> {
    /// Lets the container go on, and waits for its end.
    fn watch(self, cgroup: Option<&Cgroup>) -> Watched {
        let joined = cgroup.map_or(Ok(()), |cgroup| cgroup.join(self.pid));
        if let Err(refusal) = joined {
            return self.abandon(refusal);
        }
        // If it is gone already, waiting says so.
        drop((&self.report).write_all(&[1]));
        let stopped = self.wait_for_end();
        let (stubs, refusal) = self.reports();
        let status = match (waited(self.pid), refusal, stopped) {
            (Err(error), ..) => Err(Refusal::machine("wait for the command", error)),
            (Ok(_), Some(refusal), false) => Err(refusal),
            (Ok(_), _, true) => Ok(Status::Stopped),
            (Ok(status), None, false) => Ok(status),
        };
        Watched { status, stubs }
    }

    fn abandon(self, refusal: Refusal) -> Watched {
        self.kill();
        drop(waited(self.pid));
        Watched { status: Err(refusal), stubs: Stubs::default() }
    }

    /// Waits until the first process has ended, and with it all others; ends them when the caller wants that or is gone.
    /// Whether it did.
    fn wait_for_end(&self) -> bool {
        let mut stopped = false;
        loop {
            let events = if stopped { PollFlags::empty() } else { PollFlags::IN };
            let mut watched = [PollFd::new(&self.pidfd, PollFlags::IN), PollFd::new(self.caller, events)];
            match poll(&mut watched, None) {
                Ok(_) | Err(Errno::INTR) => {}
                // It cannot be watched: better no container than one that nobody watches.
                Err(_) => self.kill(),
            }
            let [container, caller] = watched.map(|watched| !watched.revents().is_empty());
            if container {
                return stopped;
            }
            if caller && !stopped {
                stopped = true;
                self.kill();
            }
            if stopped {
                // A hang-up would be told again and again.
                poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], None).ok();
            }
        }
    }

    fn kill(&self) {
        // It fails only if the process has ended.
        pidfd_send_signal(&self.pidfd, Signal::KILL).ok();
    }

    /// What it told before it became the program.
    fn reports(&self) -> (Stubs, Option<Refusal>) {
        let (mut stubs, mut refusal) = (Stubs::default(), None);
        // Its end of the socket is closed: this ends. What cannot be read is what a killed process has half written.
        while let Ok(Some((report, _))) = wire::receive::<Report>(&self.report) {
            match report {
                Report::Made(made) => stubs = made,
                Report::Refused(refused) => refusal = Some(refused),
            }
        }
        (stubs, refusal)
    }
}

fn waited(pid: Pid) -> io::Result<Status> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(None) => return Err(io::Error::other("it did not end")),
            Ok(Some((_, status))) => {
                let code = status.exit_status().map(Status::Code);
                return Ok(code
                    .or_else(|| status.terminating_signal().map(Status::Signal))
                    .unwrap_or(Status::Code(NOT_STARTED)));
            }
        }
    }
}
