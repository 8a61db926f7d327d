//! A network namespace that no process is in yet.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use rustix::thread::UnshareFlags;

use crate::netlink::Netlink;

/// What a container may do in its own network without being root, as with Docker.
const SETTINGS: &[(&str, &str)] =
    &[("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"), ("/proc/sys/net/ipv4/ping_group_range", "0 2147483647")];

/// A namespace, and a socket to the kernel that is in it.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) file: OwnedFd,
    pub(crate) netlink: Netlink,
}

impl Namespace {
    /// Makes one, with its loopback on. A thread of its own goes into it and ends; nothing else of this process moves.
    pub(crate) fn make() -> io::Result<Self> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("network namespace".to_owned()).spawn_scoped(scope, enter)?;
            thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that makes it has panicked")))
        })
    }
}

fn enter() -> io::Result<Namespace> {
    new_network()?;
    let file = fs::File::open("/proc/thread-self/ns/net")?.into();
    let netlink = Netlink::open()?;
    netlink.switch_on(netlink.index("lo")?)?;
    for (path, value) in SETTINGS {
        // A kernel without the setting, or `/proc/sys` that is read-only: then only root may.
        drop(fs::write(path, value));
    }
    Ok(Namespace { file, netlink })
}

#[expect(unsafe_code, reason = "see the block")]
fn new_network() -> io::Result<()> {
    // SAFETY: what is unsafe about it is a thread that no longer shares its descriptors or folder with the others; this
    // flag changes the network namespace of this thread alone, which has nothing open in it.
    Ok(unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }?)
}
