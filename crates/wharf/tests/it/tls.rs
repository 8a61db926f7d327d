//! TLS: HTTP/2 and HTTP/1.1, plain on the same port, and certificates that change under way.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use super::server::{Server, ask, eventually, run, write};

/// A certificate's files.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a new certificate there, by renaming, and returns it.
    fn renew(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
        self.replace("key.pem", &signing_key.serialize_pem());
        self.replace("cert.pem", &cert.pem());
        cert.der().clone()
    }

    fn replace(&self, name: &str, text: &str) {
        write(&self.path("new"), text);
        std::fs::rename(self.path("new"), self.path(name)).expect("renamed");
    }

    fn serve(&self, prepare: impl FnOnce(&mut std::process::Command)) -> Server {
        let arguments = |path: &Path| path.display().to_string();
        let (cert, key) = (arguments(&self.path("cert.pem")), arguments(&self.path("key.pem")));
        Server::start_with(&["--tls-certificate", &cert, "--tls-key", &key], prepare)
    }
}

/// A TLS connection that believes `authority` and offers `protocols`.
fn connect(
    server: &Server,
    authority: &CertificateDer<'static>,
    protocols: &[&str],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    StreamOwned::new(connection, server.connect())
}

fn handshake(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> std::io::Result<Option<String>> {
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream.conn.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()))
}

#[test]
fn http_2_is_chosen_by_those_who_offer_it() {
    let files = Files::new();
    let authority = files.renew();
    let server = files.serve(|_| {});
    assert_eq!(server.welcome("address"), Some(format!("https://{}", server.address())));
    for (offered, chosen) in [(&["h2", "http/1.1"][..], Some("h2")), (&["http/1.1"], Some("http/1.1")), (&[], None)] {
        let mut stream = connect(&server, &authority, offered);
        assert_eq!(handshake(&mut stream).expect("a handshake").as_deref(), chosen);
        if chosen != Some("h2") {
            assert!(ask(stream, "/livez").starts_with("HTTP/1.1 200"));
        }
    }
}

#[test]
fn plain_http_is_answered_with_a_sentence_or_served_when_asked() {
    let files = Files::new();
    let authority = files.renew();
    let server = files.serve(|_| {});
    let refused = server.get("/livez");
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("speaks HTTPS"), "{refused}");

    let server = files.serve(|command| {
        command.env("WHARF_TLS_ALSO_PLAIN", "true");
    });
    assert!(server.get("/livez").starts_with("HTTP/1.1 200"));
    assert!(ask(connect(&server, &authority, &[]), "/livez").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_new_certificate_is_used_and_a_broken_one_is_not() {
    let files = Files::new();
    let first = files.renew();
    let server = files.serve(|_| {});
    assert!(handshake(&mut connect(&server, &first, &[])).is_ok());

    let second = files.renew();
    eventually("the new certificate is used", || handshake(&mut connect(&server, &second, &[])).is_ok());
    assert!(handshake(&mut connect(&server, &first, &[])).is_err());

    files.replace("cert.pem", "no certificate");
    eventually("the log tells", || server.log().contains("the old one stays"));
    assert!(handshake(&mut connect(&server, &second, &[])).is_ok());

    let third = files.renew();
    server.signal("HUP");
    eventually("the next one is used", || handshake(&mut connect(&server, &third, &[])).is_ok());
}

#[test]
fn a_key_of_another_certificate_is_refused_at_the_start() {
    let files = Files::new();
    files.renew();
    let key = std::fs::read_to_string(files.path("key.pem")).expect("a key");
    files.renew();
    files.replace("key.pem", &key);
    let (code, _, problem) = run(|command| {
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(files.path("data"));
        command.arg("--tls-certificate").arg(files.path("cert.pem")).arg("--tls-key").arg(files.path("key.pem"));
    });
    assert!(code == 3 && problem.contains("not that of the certificate"), "{problem}");
}
