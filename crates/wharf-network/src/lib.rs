//! The network of a container on this machine: a namespace, a way out of it, names.
//!
//! Who runs containers opens an [`Uplink`] once and takes a [`Lease`] for each. For the machine's root a container hangs on
//! a cable (`veth`) and goes out with the machine's address; nothing comes in. For others a program speaks for it
//! (`usermode`). Ports are not published here, and containers do not see each other.
//!
//! Nothing of it is written down anywhere: the kernel knows which cables there are, and takes them away.
//!
//! Reading order: [`uplink`], `namespace`, `veth`, `netlink`, `firewall`, `usermode`, [`resolver`].

pub mod error;
mod firewall;
mod namespace;
mod netlink;
pub mod resolver;
pub mod uplink;
mod usermode;
mod veth;

pub use error::Error;
pub use resolver::hosts;
pub use uplink::{Lease, Power, Settings, Uplink, resolv_conf_of_machine};
