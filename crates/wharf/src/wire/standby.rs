//! The two parts of a pair, made from the configuration: a primary that may be followed, and a standby.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use axum::Router;
use futures_util::FutureExt as _;
use wharf_blob::{Followed, Store};
use wharf_db::{Db, Keyring};

use super::background::Background;
use super::{Front, keys, store};
use crate::config::Config;
use crate::config::source::Environment;
use crate::config::storage::Place;
use crate::error::Error;
use crate::server::health::Check;
use crate::server::mode::Mode;
use crate::standby::client::Peer;
use crate::standby::hub::Hub;
use crate::standby::role::{self, Asked, Role, RoleFile, Start};
use crate::standby::secret::Token;
use crate::standby::{Parts, Standby, answers, catalog_file, endpoint, fence};

/// How a server with this data folder starts.
pub(crate) async fn start(config: &Config, folder: &Path) -> anyhow::Result<Start> {
    let role = RoleFile::of(folder).read()?;
    let standby = &config.standby;
    let has_catalog = catalog_file(config).is_some_and(|path| path.exists());
    let was_new = role.is_none();
    let asked = Asked { of: standby.of.as_ref(), has_token: standby.token_file.is_some(), has_catalog };
    let start = role::decide(role, asked);
    match &start {
        Start::Refused(why) => return Err(Error::Standby(why.clone()).into()),
        Start::Primary(role) if was_new => RoleFile::of(folder).write(role)?,
        Start::Primary(_) | Start::Alone | Start::Standby(_) => {}
    }
    let (Start::Primary(role), Some(of)) = (&start, &standby.of) else { return Ok(start) };
    if fence::is_above(standby, of, role, token(config)?).await? {
        return Ok(Start::Standby(Some(role.clone())));
    }
    tracing::warn!(%of, "this server has taken over and is the primary: take `standby.of` out of its configuration");
    Ok(start)
}

/// What makes a primary one that may be followed.
pub(crate) struct Pair {
    folder: PathBuf,
    role: Role,
    token: Token,
}

impl Pair {
    pub(crate) fn open(config: &Config, folder: &Path, role: Role) -> anyhow::Result<Self> {
        Ok(Self { folder: folder.to_owned(), role, token: token(config)? })
    }

    /// A primary whose bytes lie in `files`.
    pub(super) fn hub(&self, config: &Config, files: &Arc<dyn Store>, mode: &Mode) -> Hub {
        let parts = (Arc::clone(files), mode.clone());
        Hub::new(&config.standby, self.folder.clone(), self.role.clone(), parts)
    }

    /// The routes for the standby.
    pub(super) fn router(&self, hub: &Hub, keyring: &Keyring) -> Router {
        let keyring = keyring.clone();
        let masters = Arc::new(move || {
            let keyring = keyring.clone();
            async move {
                let keys = keyring.list().await.context("list the catalog's keys")?;
                let mut masters: Vec<String> = keys.into_iter().map(|key| key.master).collect();
                masters.sort();
                masters.dedup();
                Ok(masters)
            }
            .boxed()
        });
        endpoint::router(hub.clone(), self.token.clone(), masters)
    }

    /// Begins to be followed. From here on what is acknowledged may have to wait for the standby.
    pub(super) async fn begin(&self, config: &Config, hub: &Hub, db: &Db) -> anyhow::Result<[Background; 2]> {
        hub.attach(db).await?;
        if let Some(fence) = fence::taken_over_by(&config.standby, hub, self.token.clone()).await {
            hub.fence(&fence).await.context("stop writes")?;
            bail!(Error::Standby(format!("`{}` has taken over from this server", fence.by)));
        }
        let telling = fence::tell_old_primary(config.clone(), hub.clone(), self.token.clone());
        Ok([Background::start(hub.clone().watch()), Background::start(telling)])
    }
}

/// `files`, whose changes are told to the standby if there may be one.
pub(super) fn followed(files: Arc<dyn Store>, hub: Option<&Hub>) -> Arc<dyn Store> {
    match hub {
        Some(hub) => Arc::new(Followed::new(files, Arc::new(hub.clone()))),
        None => files,
    }
}

/// Whether this server is still the one that counts.
pub(super) fn primary_check(hub: &Hub) -> Check {
    let hub = hub.clone();
    Arc::new(move || {
        let is_fenced = hub.is_fenced();
        async move { if is_fenced { Err("another server has taken over".to_owned()) } else { Ok(()) } }.boxed()
    })
}

fn token(config: &Config) -> anyhow::Result<Token> {
    let path = config.standby.token_file.as_deref();
    Token::read(path.context("`standby.token_file` is not set")?)
}

/// A standby that follows, and answers that it is one.
pub(crate) async fn follow(
    config: &Config,
    environment: &Environment,
    folder: &Path,
    role: Option<Role>,
    front: &Front,
) -> anyhow::Result<Standby> {
    let of = config.standby.of.as_ref().context("`standby.of` is not set")?;
    let token = token(config)?;
    ensure!(matches!(config.storage.place(), Place::Files(_)), "a standby keeps its bytes in files");
    let parts = Parts {
        config: config.clone(),
        environment: environment.clone(),
        front: front.clone(),
        peer: Peer::open(&config.standby, of, token.clone())?,
        role,
        store: store::open(config, environment).await?,
        masters: keys::masters(config)?,
        holds: super::holds(config)?,
    };
    let standby = Standby::open(folder, parts)?;
    front.show(answers::router(standby.clone(), token));
    front.figures.set_standby(standby.clone());
    standby.start();
    Ok(standby)
}
