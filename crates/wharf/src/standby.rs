//! A second machine that follows this one, and takes over by one command.
//!
//! The primary numbers what it commits, stores and deletes ([`hub`], [`backlog`]) and hands it to whoever follows
//! ([`endpoint`]). The standby has the catalog's file and the bytes, and no server beside ([`follow`], [`session`],
//! [`bytes`]); when it takes over ([`take_over`]) it becomes a server like any other. Which of the two is which stands in a
//! file ([`role`]). How the log is read and a copy kept by it is `wharf-db`'s (`wharf_db::log`). Why all this is as it is:
//! `docs/adr/0010-standby.md`.
//!
//! Reading order: [`role`], [`message`], [`backlog`], [`hub`], [`endpoint`]; [`client`], [`progress`], [`bytes`],
//! [`session`], [`follow`], [`take_over`], [`answers`]; [`fence`] for both.

pub(crate) mod answers;
pub(crate) mod backlog;
mod bytes;
pub(crate) mod client;
pub(crate) mod endpoint;
pub(crate) mod fence;
mod file;
mod follow;
pub(crate) mod hub;
pub(crate) mod message;
mod progress;
pub(crate) mod role;
pub(crate) mod secret;
mod session;
pub(crate) mod take_over;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use url::Url;
use uuid::Uuid;
use wharf_blob::Store;
use wharf_db::log::Replica;

use crate::config::Config;
use crate::config::source::Environment;
use crate::data::Hold;
use crate::wire::{Assembled, Front};
use client::Peer;
use progress::Progress;
use role::{Part, Role, RoleFile};
use session::SharedReplica;

/// The journal of the catalog's copy, in the data folder.
const JOURNAL: &str = "standby.log";

/// A server that follows another one. Clones share it.
#[derive(Clone)]
pub(crate) struct Standby {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    environment: Environment,
    front: Front,
    peer: Peer,
    folder: PathBuf,
    file: RoleFile,
    /// `None` before the primary has said which registry it is.
    role: Mutex<Option<Role>>,
    store: Arc<dyn Store>,
    /// The ids of the master keys that this machine has.
    masters: Vec<String>,
    replica: SharedReplica,
    progress: Arc<Progress>,
    following: Mutex<Option<JoinHandle<()>>>,
    /// Files outside of the data folder that nobody else may use.
    holds: Mutex<Vec<Hold>>,
    taking_over: tokio::sync::Mutex<()>,
    taken_over: OnceLock<Assembled>,
}

/// What there is to see of a standby.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StandbyStatus {
    pub(crate) of: Url,
    pub(crate) history: Option<Uuid>,
    pub(crate) epoch: u64,
    /// Whether it could take over.
    pub(crate) is_whole: bool,
    pub(crate) is_following: bool,
    /// What it has heard of and does not have.
    pub(crate) behind_items: u64,
    /// For how long it has not had all that the primary has; unknown before it once had.
    pub(crate) behind_seconds: Option<f64>,
    /// Why it does not follow.
    pub(crate) trouble: Option<String>,
}

/// What a standby is made of.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) environment: Environment,
    pub(crate) front: Front,
    pub(crate) peer: Peer,
    pub(crate) role: Option<Role>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) masters: Vec<String>,
    pub(crate) holds: Vec<Hold>,
}

impl Standby {
    /// Opens what is here of the copy. Nobody is spoken to yet.
    pub(crate) fn open(folder: &Path, parts: Parts) -> anyhow::Result<Self> {
        let Parts { config, environment, front, peer, role, store, masters, holds } = parts;
        let is_standby = matches!(role, Some(Role { part: Part::Standby { .. }, .. }));
        // What lies in the folder of one that was a primary is no copy.
        let replica = is_standby.then(|| open_replica(&config, folder)).transpose()?;
        let inner = Inner {
            config,
            environment,
            front,
            peer,
            folder: folder.to_owned(),
            file: RoleFile::of(folder),
            role: Mutex::new(role),
            store,
            masters,
            replica: Arc::new(Mutex::new(replica)),
            progress: Arc::new(Progress::new()),
            following: Mutex::new(None),
            holds: Mutex::new(holds),
            taking_over: tokio::sync::Mutex::default(),
            taken_over: OnceLock::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    fn role(&self) -> MutexGuard<'_, Option<Role>> {
        self.inner.role.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what it is now.
    fn set_role(&self, role: Role) -> anyhow::Result<()> {
        self.inner.file.write(&role)?;
        *self.role() = Some(role);
        Ok(())
    }

    /// What it has become, once it has taken over.
    pub(crate) fn taken_over(&self) -> Option<&Assembled> {
        self.inner.taken_over.get()
    }

    pub(crate) fn status(&self) -> StandbyStatus {
        let view = self.inner.progress.view();
        let role = self.role().clone();
        let is_whole = matches!(role, Some(Role { part: Part::Standby { is_whole: true, .. }, .. }));
        StandbyStatus {
            of: self.inner.peer.url().clone(),
            history: role.as_ref().map(|role| role.history),
            epoch: role.map_or(0, |role| role.epoch),
            is_whole,
            is_following: view.is_following,
            behind_items: view.behind_items,
            behind_seconds: view.behind.map(|behind| behind.as_secs_f64()),
            trouble: view.trouble,
        }
    }
}

/// Where the catalog of a configuration lies, if it is a file.
pub(crate) fn catalog_file(config: &Config) -> Option<PathBuf> {
    let path = config.database.url().strip_prefix("sqlite:")?;
    (path != ":memory:").then(|| PathBuf::from(path))
}

fn open_replica(config: &Config, folder: &Path) -> anyhow::Result<Replica> {
    let catalog = catalog_file(config).context("a standby needs its catalog in a file")?;
    Replica::open(&catalog, &folder.join(JOURNAL)).context("open the copy of the catalog")
}
