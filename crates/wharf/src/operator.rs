//! What an operator asks of the registry as a whole: save it, restore it, move it.
//!
//! It is done by the server that runs ([`crate::control`] brings the order), or by the command itself where none does.
//! Tables are copied by `wharf-db`, bytes by `wharf-registry`; here stands in which order, and when the places switch.
//!
//! Reading order: [`order`], [`step`], [`backup`] with [`manifest`], [`restore`], [`migrate`], [`desk`].

pub(crate) mod backup;
pub(crate) mod desk;
pub(crate) mod manifest;
pub(crate) mod migrate;
pub(crate) mod order;
pub(crate) mod restore;
pub(crate) mod step;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use wharf_blob::Store;
use wharf_context::{Clock, Maintain, SystemClock};
use wharf_db::{Db, Keyring, Settings};
use wharf_registry::{BytesHold, CopySettings, Damaged, Registry};

use crate::config::Config;
use crate::config::source::Environment;
use crate::config::storage::Storage;
use crate::server::mode::Mode;
use crate::wire::operator as wire;

/// The folder of a backup's bytes.
const BYTES: &str = "blobs";
/// How long to wait for the hold that another process has: a little longer than it outlives that process.
const PATIENCE: Duration = Duration::from_secs(45);

/// The parts that such work takes. Whoever has one is the operator: it is made from the data folder.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    pub(crate) config: Config,
    pub(crate) environment: Environment,
    pub(crate) db: Db,
    /// As the configuration seals it.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keyring: Keyring,
    pub(crate) registry: Registry,
    pub(crate) mode: Mode,
}

impl Operator {
    /// Who has the data folder may do all of it.
    fn permit() -> Maintain {
        Maintain::granted()
    }

    /// Keeps bytes from being deleted until the work has ended. A hold that a killed process has left ends soon.
    async fn hold_bytes(&self) -> anyhow::Result<BytesHold> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let hold = self.registry.hold_bytes(Self::permit()).await.context("keep bytes from being deleted")?;
            match hold {
                Some(hold) => return Ok(hold),
                None => ensure!(Instant::now() < deadline, "another backup or move goes on"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Opens a database that is not the server's own.
async fn open_database(settings: &Settings) -> anyhow::Result<Db> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(Db::open(settings, clock, Vec::new()).await?)
}

impl From<order::CopyOptions> for CopySettings {
    fn from(options: order::CopyOptions) -> Self {
        Self { parallel: options.parallel, bytes_per_second: options.bytes_per_second, rehashes: options.verify }
    }
}

impl Operator {
    /// The store that a backup's bytes lie in: a folder beside its manifest, or one that was named.
    async fn backup_bytes(&self, folder: &Path, elsewhere: Option<&Storage>) -> anyhow::Result<Arc<dyn Store>> {
        let inside = || Storage { url: Some(format!("file:{}", folder.join(BYTES).display())), ..Storage::default() };
        let storage = elsewhere.cloned().unwrap_or_else(inside);
        let config = Config { storage, ..self.config.clone() };
        wire::open_bytes(&config, &self.environment, &self.keyring).await.context("open the bytes of the backup")
    }
}

/// A list of what is damaged, for people: the first few and how many more.
fn describe(damaged: &[Damaged]) -> String {
    const SHOWN: usize = 5;
    let shown = damaged.iter().take(SHOWN).map(|blob| format!("{}: {}", blob.digest, blob.reason));
    let more = damaged.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join("; ")
}
