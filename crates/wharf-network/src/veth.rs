//! A cable between a container and this machine, with two addresses of its own.
//!
//! There is no bridge: containers of builds have nothing to say to each other. The name of the end that is here is the
//! lease: the kernel gives each name once, and takes the cable away when the container's namespace goes, also if we are
//! killed.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicU32, Ordering};

use ipnet::Ipv4Net;
use rustix::io::Errno;

use crate::error::Error;
use crate::namespace::Namespace;
use crate::netlink::Netlink;

/// How the names of our ends begin; a number follows.
pub(crate) const PREFIX: &str = "wharf";

/// Where the next search begins: several builds at once should not try the same names.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A cable of this machine.
#[derive(Debug)]
pub(crate) struct Cable {
    name: String,
    /// The address of the end that is here.
    pub(crate) gateway: Ipv4Addr,
    netlink: Netlink,
}

impl Cable {
    /// Connects `namespace`, with the first pair of addresses of `subnet` that is free.
    pub(crate) fn connect(namespace: &Namespace, subnet: Ipv4Net) -> Result<Self, Error> {
        let link = |action: &str| {
            let action = action.to_owned();
            move |source| Error::Link { action, source }
        };
        let netlink = Netlink::open().map_err(link("ask the kernel about links"))?;
        let pairs = 1u32 << (32 - u32::from(subnet.prefix_len())).saturating_sub(1).min(16);
        let start = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id().wrapping_mul(37));
        for offset in 0..pairs {
            let number = start.wrapping_add(offset) % pairs;
            let name = format!("{PREFIX}{number}");
            match netlink.make_cable(&name, "eth0", namespace.file.as_fd()) {
                Err(error) if Errno::from_io_error(&error) == Some(Errno::EXIST) => {}
                Err(error) => return Err(link("make a veth link (is there CAP_NET_ADMIN?)")(error)),
                Ok(()) => {
                    let (gateway, inside) = pair(subnet, number);
                    // From here on it is deleted if something fails.
                    let cable = Self { name, gateway, netlink };
                    cable.configure(namespace, inside).map_err(link(&format!("set up {inside} on a veth link")))?;
                    return Ok(cable);
                }
            }
        }
        Err(Error::Exhausted(subnet))
    }

    fn configure(&self, namespace: &Namespace, inside: Ipv4Addr) -> io::Result<()> {
        let here = self.netlink.index(&self.name)?;
        self.netlink.add_address(here, self.gateway, 31)?;
        self.netlink.switch_on(here)?;
        let there = namespace.netlink.index("eth0")?;
        namespace.netlink.add_address(there, inside, 31)?;
        namespace.netlink.switch_on(there)?;
        namespace.netlink.add_default_route(self.gateway)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // If it is gone, its namespace is; if it cannot be deleted, it goes with it.
        drop(self.netlink.delete(&self.name));
    }
}

/// The addresses of pair `number`: the machine's and the container's.
fn pair(subnet: Ipv4Net, number: u32) -> (Ipv4Addr, Ipv4Addr) {
    let first = u32::from(subnet.network()) + number * 2;
    (Ipv4Addr::from(first), Ipv4Addr::from(first + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_neighbours_inside_of_the_network() {
        let subnet = "10.9.0.0/16".parse().unwrap();
        assert_eq!(pair(subnet, 0), (Ipv4Addr::new(10, 9, 0, 0), Ipv4Addr::new(10, 9, 0, 1)));
        assert_eq!(pair(subnet, 32767), (Ipv4Addr::new(10, 9, 255, 254), Ipv4Addr::new(10, 9, 255, 255)));
    }
}
