//! Which way out of a container this machine has, and containers' networks that use it.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use ipnet::Ipv4Net;

use crate::error::Error;
use crate::namespace::Namespace;
use crate::usermode::{Helper, Program};
use crate::veth::Cable;
use crate::{firewall, resolver};

/// What an operator chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Addresses for containers, two for each; nobody else on this machine or behind it may have them.
    pub subnet: Ipv4Net,
    /// Who we are.
    pub power: Power,
    /// A folder that is there, for files that last as long as containers.
    pub folder: PathBuf,
}

/// What we may do to the machine's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Everything: we are the machine's root.
    Machine,
    /// Nothing: we are root of a user namespace only.
    UserNamespace,
}

impl Settings {
    /// Where nobody has said otherwise.
    #[must_use]
    pub fn new(power: Power, folder: PathBuf) -> Self {
        let subnet = Ipv4Net::new_assert(std::net::Ipv4Addr::new(10, 214, 0, 0), 16);
        Self { subnet, power, folder }
    }
}

/// The way out.
#[derive(Debug)]
pub struct Uplink {
    way: Way,
    warning: Option<&'static str>,
}

#[derive(Debug, Clone)]
enum Way {
    Veth(Ipv4Net),
    Usermode(Program, PathBuf),
    Machine,
}

impl Uplink {
    /// Finds the way, and opens it: for root a link and this machine's address, for others a program that is installed, and
    /// without one the machine's own network.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        match settings.power {
            Power::Machine => {
                let warning = firewall::open(settings.subnet)?;
                Ok(Self { way: Way::Veth(settings.subnet), warning })
            }
            Power::UserNamespace => Ok(match Program::installed() {
                Some(program) => Self { way: Way::Usermode(program, settings.folder.clone()), warning: None },
                None => Self { way: Way::Machine, warning: Some(NO_PROGRAM) },
            }),
        }
    }

    /// What people should be told.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        self.warning
    }

    /// A network for one container. Blocks for some milliseconds.
    pub fn lease(&self) -> Result<Lease, Error> {
        let (namespace, link) = match &self.way {
            Way::Machine => (None, Link::None),
            Way::Veth(subnet) => {
                let namespace = Namespace::make().map_err(Error::Namespace)?;
                let cable = Cable::connect(&namespace, *subnet)?;
                (Some(namespace), Link::Veth(cable))
            }
            Way::Usermode(program, folder) => {
                let namespace = Namespace::make().map_err(Error::Namespace)?;
                let helper = Helper::start(*program, &namespace, folder)?;
                (Some(namespace), Link::Usermode { program: *program, _helper: helper })
            }
        };
        Ok(Lease { namespace, link })
    }
}

/// What is told where there is no other way.
const NO_PROGRAM: &str = "neither `pasta` nor `slirp4netns` is installed: commands of the build share the network of this machine, \
     its loopback included";

/// The network of one container. It ends when this is dropped and the container has ended.
#[derive(Debug)]
pub struct Lease {
    link: Link,
    namespace: Option<Namespace>,
}

#[derive(Debug)]
enum Link {
    None,
    Veth(Cable),
    Usermode { program: Program, _helper: Helper },
}

impl Lease {
    /// The namespace, to be handed to who makes the container. `None`: it takes the machine's own network.
    pub fn namespace(&self) -> io::Result<Option<OwnedFd>> {
        self.namespace.as_ref().map(|namespace| namespace.file.try_clone()).transpose()
    }

    /// The machine, as the container sees it, where it does: Docker's `host-gateway`.
    #[must_use]
    pub fn gateway(&self) -> Option<IpAddr> {
        match &self.link {
            Link::Veth(cable) => Some(IpAddr::V4(cable.gateway)),
            Link::None | Link::Usermode { .. } => None,
        }
    }

    /// The container's `/etc/resolv.conf`.
    #[must_use]
    pub fn resolv_conf(&self) -> String {
        match &self.link {
            Link::None => resolver::of_machine(),
            Link::Veth(_) => resolver::for_container(),
            Link::Usermode { program, .. } => resolver::with_server(program.server()),
        }
    }
}

/// The `/etc/resolv.conf` of a container that takes the machine's own network.
#[must_use]
pub fn resolv_conf_of_machine() -> String {
    resolver::of_machine()
}

#[cfg(test)]
mod tests;
