//! `[encryption]`: what is sealed, and the master key.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address;
use super::source::Environment;

/// The name of the credential that systemd hands over (`LoadCredential=`).
const CREDENTIAL: &str = "wharf-master-key";

/// Keys of `[encryption]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Encryption {
    /// Whether new blobs are sealed. Those that are stay readable when it is turned off.
    pub(crate) blobs: bool,
    /// File with the master key; without it, systemd's credential, else one that is made in the data folder.
    pub(crate) master_key_file: Option<PathBuf>,
    /// Files with master keys that keys in the catalog may still be wrapped by, while the master key is changed.
    #[serde(deserialize_with = "address::list")]
    pub(crate) previous_master_key_files: Vec<String>,
}

/// The file of the credential that systemd hands over, if it does.
pub(crate) fn credential(environment: &Environment) -> Option<PathBuf> {
    let path = PathBuf::from(environment.get("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);
    path.is_file().then_some(path)
}
