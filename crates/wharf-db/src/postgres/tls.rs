//! TLS to PostgreSQL: rustls with ring.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Source;

/// Whom to believe.
#[derive(Debug)]
pub(super) enum Verification {
    /// Anybody: encryption against listeners only, which is what libpq's `prefer` and `require` mean.
    None,
    /// The machine's authorities.
    System,
    /// The authorities in this PEM file.
    File(PathBuf),
}

/// Makes the client's side of TLS.
#[derive(Clone)]
pub(super) struct Connector(pub(super) MakeRustlsConnect);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl Connector {
    pub(super) fn new(verification: &Verification) -> Result<Self, Source> {
        config(verification).map(|config| Self(MakeRustlsConnect::new(config)))
    }
}

fn config(verification: &Verification) -> Result<ClientConfig, Source> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match verification {
        Verification::None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))),
        Verification::System => builder.with_root_certificates(system_roots()?),
        Verification::File(path) => builder.with_root_certificates(roots_from(path)?),
    };
    Ok(builder.with_no_client_auth())
}

fn roots_from(path: &Path) -> Result<RootCertStore, Source> {
    let cannot_read = |error: &dyn fmt::Display| format!("cannot read `sslrootcert` `{}`: {error}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| cannot_read(&error))? {
        roots.add(certificate.map_err(|error| cannot_read(&error))?).map_err(|error| cannot_read(&error))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, Source> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(loaded.certs);
    match (added, loaded.errors.into_iter().next()) {
        (0, Some(error)) => Err(error.into()),
        (0, None) => Err("the machine has no certificate authorities".into()),
        (_, _) => Ok(roots),
    }
}

/// Accepts every certificate, and still checks that the server has its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
