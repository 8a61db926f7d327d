//! What speaking to a registry needs to be told.

use std::time::Duration;

use wharf_http::Retry;

/// Settings of the client of one registry.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Certificate authorities, proxies and the time to connect. Whose certificates are believed is `security`'s.
    pub http: wharf_http::Settings,
    /// How the registry may be spoken to.
    pub security: Security,
    /// How often what failed for the network's or the registry's trouble is tried again.
    pub retry: Retry,
    /// How long the registry may be silent in the middle of anything.
    pub patience: Duration,
    /// Send blobs in chunks of so many bytes, for proxies on the way that refuse large requests; otherwise in one piece.
    pub chunk_bytes: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        // Reading whole bodies is watched piece by piece here: one read limit for sending and reading would be wrong.
        let http = wharf_http::Settings { read_timeout: Duration::from_secs(24 * 3600), ..Default::default() };
        Self {
            http,
            security: Security::Verified,
            retry: Retry::default(),
            patience: Duration::from_secs(60),
            chunk_bytes: None,
        }
    }
}

/// How a registry may be spoken to. This machine's own may always be spoken to without TLS, as docker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// By TLS, with a certificate that is vouched for.
    #[default]
    Verified,
    /// By TLS with any certificate, else without TLS.
    Insecure,
    /// Without TLS.
    PlainHttp,
}
