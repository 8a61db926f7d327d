//! `[tls]`: the server's certificate.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Keys of `[tls]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// PEM file with the certificate and its chain. Looked at again when it changes.
    pub(crate) certificate: Option<PathBuf>,
    /// PEM file with the private key.
    pub(crate) key: Option<PathBuf>,
    /// Whether plain HTTP is answered on the same port.
    pub(crate) also_plain: bool,
}
