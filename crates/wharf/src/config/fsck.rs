//! `[fsck]`: how the registry checks itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::address;
use super::size::Size;

/// Keys of `[fsck]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Fsck {
    /// How many bytes a check reads in a second at most, so that pulls do not feel it; `0` is no limit.
    pub(crate) rate: Size,
    /// Registries that damaged blobs are fetched from, the nearest first: `https://HOST[/PREFIX]`. The same repositories
    /// stand below the prefix there.
    #[serde(deserialize_with = "address::list")]
    pub(crate) sources: Vec<Url>,
    /// File with the log-ins for them, as `docker login` writes it; without it, nobody logs in.
    pub(crate) credentials_file: Option<PathBuf>,
}

impl Default for Fsck {
    fn default() -> Self {
        Self { rate: Size(100_000_000), sources: Vec::new(), credentials_file: None }
    }
}
