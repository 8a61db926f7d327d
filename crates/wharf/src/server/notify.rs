//! Telling the service manager how things stand (`sd_notify(3)`): one datagram per message.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::config::source::Environment;

/// The service manager, if one listens.
#[derive(Debug)]
pub(crate) struct Supervisor {
    socket: Option<(UnixDatagram, SocketAddr)>,
}

impl Supervisor {
    /// The one that started us.
    pub(crate) fn of(environment: &Environment) -> Self {
        let address = environment.get("NOTIFY_SOCKET").and_then(|name| match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name).ok(),
            None => SocketAddr::from_pathname(name).ok(),
        });
        Self { socket: UnixDatagram::unbound().ok().zip(address) }
    }

    /// Requests are being answered.
    pub(crate) fn ready(&self) {
        self.tell("READY=1\nSTATUS=serving");
    }

    /// The end has begun.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=waiting for transfers to end");
    }

    fn tell(&self, message: &str) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(message.as_bytes(), address) {
            tracing::warn!(%error, "the service manager was not told");
        }
    }
}
