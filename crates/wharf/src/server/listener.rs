//! Sockets that accept: TCP, Unix, and those that the service manager hands over.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::config::address::ListenAddress;
use crate::config::source::Environment;
use crate::error::Error;

/// Connections that the kernel completes before we accept them.
const BACKLOG: i32 = 4096;

/// What a listening socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The registry.
    Registry,
    /// `/metrics` alone.
    Metrics,
}

/// A socket that accepts connections.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Accepting,
    address: String,
    pub(crate) purpose: Purpose,
}

#[derive(Debug)]
enum Accepting {
    Tcp(TcpListener),
    Unix { listener: UnixListener, _file: Option<SocketFile> },
}

/// A connection that was accepted.
#[derive(Debug)]
pub(crate) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Listener {
    /// Listens on `address`.
    pub(crate) fn bind(address: &ListenAddress, purpose: Purpose) -> Result<Self, Error> {
        let failed = |source| Error::Listen { address: address.to_string(), source };
        let socket = match address {
            ListenAddress::Tcp { host, port } => bind_tcp(host, *port),
            ListenAddress::Unix(path) => bind_unix(path),
        };
        Self::new(socket.map_err(failed)?, purpose).map_err(failed)
    }

    fn new(socket: Accepting, purpose: Purpose) -> io::Result<Self> {
        let address = match &socket {
            Accepting::Tcp(listener) => listener.local_addr()?.to_string(),
            Accepting::Unix { listener, .. } => {
                let address = listener.local_addr()?;
                format!("unix:{}", address.as_pathname().unwrap_or(Path::new("(unnamed)")).display())
            }
        };
        Ok(Self { socket, address, purpose })
    }

    /// The address as people write it, with the port that the kernel chose.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The TCP address, if it is one.
    pub(crate) fn tcp_address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Accepting::Tcp(listener) => listener.local_addr().ok(),
            Accepting::Unix { .. } => None,
        }
    }

    /// The next connection. Errors may pass by themselves.
    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match &self.socket {
            Accepting::Tcp(listener) => listener.accept().await.map(|(stream, peer)| Accepted::Tcp(stream, peer)),
            Accepting::Unix { listener, .. } => listener.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
        }
    }
}

/// Sockets that were handed over by systemd or another that speaks `LISTEN_FDS`, in their order. One that is called
/// `metrics` (`FileDescriptorName=`) serves metrics.
pub(crate) fn inherited(environment: &Environment) -> Result<Vec<Listener>, Error> {
    let names = environment.get("LISTEN_FDNAMES").map(String::as_str).unwrap_or_default();
    let mut names = names.split(':');
    let mut sockets = ListenFd::from_env();
    (0..sockets.len())
        .map(|index| {
            let purpose = if names.next() == Some("metrics") { Purpose::Metrics } else { Purpose::Registry };
            let socket = take(&mut sockets, index);
            let listener = socket.and_then(|socket| Listener::new(socket, purpose));
            listener.map_err(|source| Error::Listen { address: format!("inherited socket {index}"), source })
        })
        .collect()
}

fn take(sockets: &mut ListenFd, index: usize) -> io::Result<Accepting> {
    if let Ok(Some(socket)) = sockets.take_tcp_listener(index) {
        socket.set_nonblocking(true)?;
        return TcpListener::from_std(socket).map(Accepting::Tcp);
    }
    let socket = sockets.take_unix_listener(index)?.ok_or(io::ErrorKind::NotFound)?;
    socket.set_nonblocking(true)?;
    UnixListener::from_std(socket).map(|listener| Accepting::Unix { listener, _file: None })
}

/// Tries the addresses of `host` in turn. No host is every address of the machine, IPv6 with IPv4 where there is IPv6.
fn bind_tcp(host: &str, port: u16) -> io::Result<Accepting> {
    let candidates: Vec<SocketAddr> = if host.is_empty() {
        vec![([0_u16; 8], port).into(), ([0_u8; 4], port).into()]
    } else {
        std::net::ToSocketAddrs::to_socket_addrs(&(host, port))?.collect()
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in candidates {
        match bind_address(address) {
            Ok(listener) => return Ok(Accepting::Tcp(listener)),
            Err(error) => last = error,
        }
        if last.kind() == io::ErrorKind::AddrInUse {
            break;
        }
    }
    Err(last)
}

fn bind_address(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    // A restart must not wait for the last one's connections to be forgotten.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Listens on a path. What a dead server left there is removed; a live one's socket is not.
fn bind_unix(path: &Path) -> io::Result<Accepting> {
    let is_left_over = std::os::unix::net::UnixStream::connect(path)
        .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if is_left_over {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    let file = SocketFile(path.to_owned());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(Accepting::Unix { listener, _file: Some(file) })
}

/// A socket's file, which goes when we go.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(path = %self.0.display(), %error, "the socket's file was not removed");
        }
    }
}

/// Sets what every TCP connection needs.
pub(crate) fn tune(stream: &TcpStream) -> io::Result<()> {
    // An answer's headers must not wait for its body.
    stream.set_nodelay(true)?;
    // Peers that vanished without a word are noticed after about two minutes.
    let keepalive = TcpKeepalive::new().with_time(std::time::Duration::from_secs(60));
    let keepalive = keepalive.with_interval(std::time::Duration::from_secs(20)).with_retries(3);
    socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
