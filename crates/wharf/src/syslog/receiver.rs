//! Where syslog messages go: over TLS (RFC 5425) and TCP with counted octets (RFC 6587), or as datagrams (RFC 5426).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a receiver may take to read a batch to its end and to close.
const CLOSE: Duration = Duration::from_secs(10);
/// The largest datagram.
const MAX_DATAGRAM_BYTES: usize = 65_507;

/// What the operator chose.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// `tls://HOST:PORT`, `tcp://HOST:PORT` or `udp://HOST:PORT`.
    pub(crate) url: Url,
    /// PEM file of the authorities to believe; without it, those of the system.
    pub(crate) authorities: Option<PathBuf>,
    /// PEM files of our own certificate and its key, for receivers that ask for one.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
}

/// A receiver.
#[derive(Debug)]
pub(crate) struct Receiver {
    name: String,
    host: String,
    port: u16,
    way: Way,
}

enum Way {
    Tls(TlsConnector, ServerName<'static>),
    Tcp,
    Udp,
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tls(..) => "Tls",
            Self::Tcp => "Tcp",
            Self::Udp => "Udp",
        })
    }
}

impl Receiver {
    /// A receiver. Nobody is spoken to yet.
    pub(crate) fn open(choice: &Choice) -> anyhow::Result<Self> {
        let url = &choice.url;
        let host = url.host_str().context("it names no host")?.trim_matches(['[', ']']).to_owned();
        let (way, usual_port) = match url.scheme() {
            "tls" => {
                let name = ServerName::try_from(host.clone()).context("its host cannot stand in a certificate")?;
                (Way::Tls(TlsConnector::from(Arc::new(tls(choice)?)), name), 6514)
            }
            "tcp" => (Way::Tcp, 601),
            "udp" => (Way::Udp, 514),
            _ => bail!("it begins with none of `tls://`, `tcp://` and `udp://`"),
        };
        Ok(Self { name: url.as_str().to_owned(), host, port: url.port().unwrap_or(usual_port), way })
    }

    /// What the catalog knows it by.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Sends messages. When this is `Ok`, the receiver has read them all, as far as its way can tell.
    pub(crate) async fn send(&self, messages: &[Vec<u8>]) -> anyhow::Result<()> {
        match &self.way {
            Way::Udp => self.send_datagrams(messages).await,
            Way::Tcp => stream(self.connect().await?, messages).await,
            Way::Tls(connector, name) => {
                let connecting = connector.connect(name.clone(), self.connect().await?);
                let connection = timeout(CONNECT, connecting).await.context("agree on TLS")?.context("agree on TLS")?;
                stream(connection, messages).await
            }
        }
    }

    async fn connect(&self) -> anyhow::Result<TcpStream> {
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let connection = timeout(CONNECT, connecting).await.context("connect")?.context("connect")?;
        connection.set_nodelay(true).context("set up the connection")?;
        Ok(connection)
    }

    async fn send_datagrams(&self, messages: &[Vec<u8>]) -> anyhow::Result<()> {
        let mut found = tokio::net::lookup_host((self.host.as_str(), self.port)).await.context("find the host")?;
        let address = found.next().context("the host has no address")?;
        let from = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(from).await.context("open a socket")?;
        for message in messages {
            let fits = &message[..message.len().min(MAX_DATAGRAM_BYTES)];
            socket.send_to(fits, address).await.context("send a datagram")?;
        }
        Ok(())
    }
}

/// Sends each message behind its length, ends our side, and waits until the receiver has read it all and ends its own.
async fn stream(mut connection: impl AsyncRead + AsyncWrite + Unpin, messages: &[Vec<u8>]) -> anyhow::Result<()> {
    let mut frames = Vec::with_capacity(messages.iter().map(|message| message.len() + 8).sum());
    for message in messages {
        frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
        frames.extend_from_slice(message);
    }
    connection.write_all(&frames).await.context("send")?;
    connection.shutdown().await.context("end the connection")?;
    let mut nothing = [0; 64];
    match timeout(CLOSE, connection.read(&mut nothing)).await {
        Ok(Ok(0)) => Ok(()),
        Ok(Ok(_)) => bail!("the receiver answered: this is no syslog receiver"),
        // A receiver that closes TLS without saying so has closed.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(()),
        Ok(Err(error)) => Err(error).context("wait for the receiver to close"),
        Err(_) => bail!("the receiver did not close within {} s: it may not have read all", CLOSE.as_secs()),
    }
}

fn tls(choice: &Choice) -> anyhow::Result<ClientConfig> {
    let roots = match &choice.authorities {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).with_context(|| format!("believe `{}`", path.display()))?;
            }
            ensure!(!roots.is_empty(), "`{}` holds no certificate", path.display());
            roots
        }
        None => {
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            ensure!(added > 0, "the machine has no certificate authorities: name a file of them");
            roots
        }
    };
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let Some((certificate, key)) = &choice.identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).with_context(|| format!("read the key in `{}`", key.display()))?;
    builder.with_client_auth_cert(chain, private).context("use the certificate and its key")
}

fn certificates(path: &PathBuf) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = || format!("read the certificates in `{}`", path.display());
    CertificateDer::pem_file_iter(path).with_context(read)?.collect::<Result<_, _>>().with_context(read)
}
