//! The server's certificate: read from files, read again when they change, kept when what comes is broken.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::config::tls::Tls as Settings;
use crate::error::Error;

/// How often the files are looked at. Two `stat` calls cost nothing, and unlike change notices they work on every
/// filesystem and through the symbolic links that Kubernetes swaps.
const LOOK: Duration = Duration::from_secs(2);

/// TLS for every connection, with the certificate of the moment.
#[derive(Clone)]
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
    /// Whether plain HTTP is answered on the same port.
    pub(crate) also_plain: bool,
}

impl Tls {
    /// TLS as configured, if it is.
    pub(crate) fn open(settings: &Settings) -> Result<Option<Self>, Error> {
        let (Some(chain), Some(key)) = (&settings.certificate, &settings.key) else { return Ok(None) };
        let certificate = Arc::new(Certificate::open(chain, key).map_err(Error::Certificate)?);
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Certificate>::clone(&certificate);
        let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Clients that come back skip half of the handshake, without a table of sessions on our side.
        config.ticketer =
            rustls::crypto::ring::Ticketer::new().map_err(|error| Error::Certificate(error.to_string()))?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Some(Self { acceptor, certificate, also_plain: settings.also_plain }))
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Reads the files again if they changed, and tells the log how it went.
    pub(crate) fn reload(&self) {
        match self.certificate.reload() {
            Ok(false) => {}
            Ok(true) => tracing::info!(file = %self.certificate.chain.display(), "a new TLS certificate is in use"),
            Err(why) => tracing::error!(why, "the new TLS certificate cannot be used; the old one stays"),
        }
    }

    /// Looks for changes for as long as the server lives.
    pub(crate) async fn watch(self) {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            self.reload();
        }
    }
}

/// A certificate in two files.
#[derive(Debug)]
struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
    seen: Mutex<Stamps>,
}

/// What tells one version of the files from another: inode, size, time of change.
type Stamps = [Option<(u64, u64, i64, i64)>; 2];

impl Certificate {
    fn open(chain: &Path, key: &Path) -> Result<Self, String> {
        let seen = stamps(chain, key);
        let current = ArcSwap::from_pointee(read(chain, key)?);
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), current, seen: Mutex::new(seen) })
    }

    /// Whether the files changed and a new certificate is in use. A broken version is told once, not at every look.
    fn reload(&self) -> Result<bool, String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = stamps(&self.chain, &self.key);
        if *seen == stamps {
            return Ok(false);
        }
        *seen = stamps;
        self.current.store(Arc::new(read(&self.chain, &self.key)?));
        Ok(true)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn stamps(chain: &Path, key: &Path) -> Stamps {
    [chain, key].map(|path| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.ino(), file.size(), file.ctime(), file.ctime_nsec()))
    })
}

/// Reads both files; they must belong together.
fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let unreadable = |path: &Path, why: &dyn std::fmt::Display| format!("`{}`: {why}", path.display());
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(chain).and_then(Iterator::collect).map_err(|error| unreadable(chain, &error))?;
    if certificates.is_empty() {
        return Err(unreadable(chain, &"there is no certificate in it"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
    let provider = rustls::crypto::CryptoProvider::get_default().expect("main installs the provider");
    CertifiedKey::from_der(certificates, private, provider).map_err(|error| {
        if matches!(error, rustls::Error::InconsistentKeys(_)) {
            return unreadable(key, &"the key is not that of the certificate");
        }
        unreadable(chain, &error)
    })
}
