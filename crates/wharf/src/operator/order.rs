//! What can be ordered, as it goes through the control socket.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::config::storage::Storage;

/// An order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Save everything.
    Backup(Backup),
    /// Move the catalog, the bytes, or both.
    Migrate(Migrate),
    /// Go on at the old place after all.
    Abandon,
    /// Become the primary.
    TakeOver,
    /// How a pair is.
    StandbyStatus,
}

/// Save everything.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Backup {
    /// The folder of the backup, absolute.
    pub(crate) folder: PathBuf,
    /// Where its bytes go, if not into the folder.
    pub(crate) bytes: Option<Box<Storage>>,
    pub(crate) copy: CopyOptions,
}

/// Move what lies elsewhere in another configuration.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Migrate {
    /// The configuration that counts afterwards.
    pub(crate) to: Box<Config>,
    pub(crate) copy: CopyOptions,
    /// Whether to go on although the source has not all of its bytes.
    pub(crate) leave_out_damaged: bool,
}

/// How bytes are copied.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct CopyOptions {
    pub(crate) parallel: usize,
    /// 0 is no limit.
    pub(crate) bytes_per_second: u64,
    /// Whether what the target has already is read again.
    pub(crate) verify: bool,
}
