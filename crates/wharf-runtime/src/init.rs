//! The first process of a container, from its birth until it is the program.
//!
//! It begins as a copy of the process that holds the container, in new namespaces, and goes through [`run`] once, top to
//! bottom. Whatever fails is told by a [`Report`], and ends it.

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount_change};
use rustix::net::RecvFlags;
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::error::{Doing as _, Refusal};
use crate::process::{Network, Process, Security};
use crate::program::{self, Program};
use crate::stubs::Recorder;
use crate::wire::{self, Report};
use crate::{kernel, mounts, privileges, rootfs, sys};

/// What the container's first process holds.
pub(crate) struct Init {
    pub(crate) process: Process,
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) network_namespace: Option<OwnedFd>,
    /// To the process that holds the container.
    pub(crate) report: UnixStream,
}

/// Becomes the program of the container, or says why not.
pub(crate) fn run(mut init: Init) -> Refusal {
    let prepared = prepare(&mut init);
    match prepared {
        Ok(program) => program.execute(),
        Err(refusal) => refusal,
    }
}

fn prepare(init: &mut Init) -> Result<Program, Refusal> {
    let process = &init.process;
    wait_for_holder(&init.report)?;
    rustix::process::setsid().doing("begin a session")?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    network(process.network, init.network_namespace.take())?;

    // Nothing that is mounted from here on shows on the machine.
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE).doing("keep mounts to ourselves")?;
    let root = fill_root(process, &init.report)?;
    let identity = privileges::identity(process, &root)?;
    let program = Program::prepare(process, &identity)?;
    rootfs::pivot(&root)?;

    rustix::system::sethostname(process.hostname.as_bytes()).doing_to("take the host name", &process.hostname)?;
    program::enter_folder(process, &root)?;
    program::connect(init.stdin.take(), &identity)?;
    privileges::limit(&process.limits)?;
    sys::close_on_execute().doing("keep what is open to ourselves")?;
    sys::reset_signals();
    privileges::restrict(process, &identity)?;
    // Last, because becoming another user forgets it.
    die_with_holder(&init.report)?;
    Ok(program)
}

/// The holder first writes down who we are (limits); and it may be gone already.
fn wait_for_holder(report: &UnixStream) -> Result<(), Refusal> {
    let mut go = [0; 1];
    std::io::Read::read_exact(&mut &*report, &mut go).doing("wait for what holds the container")?;
    set_parent_process_death_signal(Some(Signal::KILL)).doing("tie ourselves to what holds the container")
}

fn die_with_holder(report: &UnixStream) -> Result<(), Refusal> {
    set_parent_process_death_signal(Some(Signal::KILL)).doing("tie ourselves to what holds the container")?;
    // If it died before that line, no signal comes; but its end of the socket is closed.
    match rustix::net::recv(report.as_fd(), &mut [0u8; 1][..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Err(Errno::AGAIN) => Ok(()),
        _ => Err(Refusal::machine("start the command", "what holds the container has ended")),
    }
}

fn network(network: Network, namespace: Option<OwnedFd>) -> Result<(), Refusal> {
    match (network, namespace) {
        (Network::Host, _) => Ok(()),
        (Network::None, _) => sys::loopback_up().doing("switch the loopback on"),
        (Network::Namespace, Some(namespace)) => {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .doing("enter the network namespace")
        }
        (Network::Namespace, None) => Err(Refusal::machine("enter the network namespace", "none was handed over")),
    }
}

/// Mounts the root and everything in it, and tells what was made for that.
fn fill_root(process: &Process, report: &UnixStream) -> Result<OwnedFd, Refusal> {
    privileges::open_many()?;
    let flags = match process.security {
        Security::Sandbox => MountFlags::NODEV,
        Security::Insecure => MountFlags::empty(),
    };
    let upper = rootfs::open_folder(&process.rootfs.upper)?;
    let root = rootfs::mount(&process.rootfs, flags)?;
    let mut recorder = Recorder::new(root.as_fd(), &upper).doing("look at the root")?;
    let filled = kernel::mount(process, &root, &mut recorder).and_then(|()| {
        process.mounts.iter().try_for_each(|mount| mounts::mount(mount, process.security, &root, &mut recorder))
    });
    // Told in any case: what was made goes again, also if something failed later.
    let stubs = recorder.finish().doing("look at what was made in the root")?;
    wire::send(report, &Report::Made(stubs), &[]).doing("report to what holds the container")?;
    filled?;
    Ok(root)
}
