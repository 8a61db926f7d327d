//! The client against registries of the tests' own: well-behaved, forgetful, broken and hostile ones.

mod copying;
mod hostile;
mod logging_in;
mod reading;
mod server;
mod uploading;

use wharf_client::{Credentials, Registry, Repository, Settings};
use wharf_http::Retry;
use wharf_oci::{Algorithm, Descriptor, Digest, MediaType};
use zeroize::Zeroizing;

use crate::server::Server;

/// A client that tries again at once.
fn registry(server: &Server, credentials: Credentials) -> Registry {
    // Every test may be the first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let retry = Retry { times: 3, first: std::time::Duration::from_millis(1) };
    let settings = Settings { retry, ..Settings::default() };
    Registry::new(server.host(), settings, credentials).expect("a client")
}

fn repository(server: &Server) -> Repository {
    registry(server, Credentials::Anonymous).repository("team/app".parse().expect("a name"))
}

fn password() -> Credentials {
    Credentials::Password { username: "ann".to_owned(), password: Zeroizing::new("secret".to_owned()) }
}

fn descriptor(media_type: &str, content: &[u8]) -> Descriptor {
    Descriptor::new(media_type, Digest::of(Algorithm::Sha256, content), content.len() as u64)
}

/// A manifest of one config and some layers.
fn image(layers: &[Descriptor]) -> Vec<u8> {
    let describe = |descriptor: &Descriptor| String::from_utf8(descriptor.render()).expect("JSON is UTF-8");
    let config = describe(&descriptor("application/vnd.oci.image.config.v1+json", b"{}"));
    let layers: Vec<String> = layers.iter().map(describe).collect();
    let media_type = MediaType::OciManifest.as_str();
    format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{config},"layers":[{}]}}"#, layers.join(","))
        .into_bytes()
}

/// Bytes that are the same in each run and nowhere alike.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}
