//! Sealed blobs and HTTPS between the two.

use super::{Pair, blobs, has, push};
use crate::server::Server;

#[test]
fn a_sealed_pair_that_speaks_https_takes_over_with_everything() {
    let key = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (certificate, private) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, key.cert.pem()).expect("a writable folder");
    std::fs::write(&private, key.signing_key.serialize_pem()).expect("a writable folder");
    let (certificate, private) = (certificate.display().to_string(), private.display().to_string());
    let pair = Pair::with(&[
        ("WHARF_ENCRYPTION_BLOBS", "true"),
        ("WHARF_TLS_CERTIFICATE", &certificate),
        ("WHARF_TLS_KEY", &private),
        // The test itself speaks plainly.
        ("WHARF_TLS_ALSO_PLAIN", "true"),
        ("WHARF_STANDBY_AUTHORITIES", &certificate),
    ]);
    let primary = pair.primary("a");
    let before = push(&primary, "sealed/before");
    let standby = Server::with(pair.settings("b", Some(&format!("https://{}", primary.address))));
    pair.wait_until_level("b");
    let after = push(&primary, "sealed/after");
    pair.wait_until_level("b");
    let stored = blobs(&pair.data("b"));
    assert_eq!(blobs(&pair.data("a")), stored);
    for bytes in before.blobs.values().chain(after.blobs.values()).filter(|bytes| bytes.len() > 64) {
        let is_plain = |stored: &[u8]| stored.windows(64).any(|window| window == &bytes[..64]);
        assert!(!stored.iter().any(|(_, stored)| is_plain(stored)), "a blob lies there in the clear");
    }
    pair.take_over("b");
    has(&standby, "sealed/before", &before);
    has(&standby, "sealed/after", &after);
}

#[test]
fn a_standby_does_not_believe_a_certificate_of_nobody_s() {
    let key = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (certificate, private) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, key.cert.pem()).expect("a writable folder");
    std::fs::write(&private, key.signing_key.serialize_pem()).expect("a writable folder");
    let pair = Pair::with(&[
        ("WHARF_TLS_CERTIFICATE", &certificate.display().to_string()),
        ("WHARF_TLS_KEY", &private.display().to_string()),
        ("WHARF_TLS_ALSO_PLAIN", "true"),
    ]);
    let primary = pair.primary("a");
    let _standby = Server::with(pair.settings("b", Some(&format!("https://{}", primary.address))));
    super::wait("it says why it does not follow", || {
        let status = pair.does("b", &["status"])["standby"].clone();
        status["is_following"] == false && status["trouble"].as_str().is_some_and(|trouble| trouble.contains("reach"))
    });
}
