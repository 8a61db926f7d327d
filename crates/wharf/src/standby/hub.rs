//! The primary's side: what is committed, stored and deleted goes into the backlog, and whoever has to waits for the
//! standby.
//!
//! The catalog calls it from the thread that commits, the blob store when an upload ends. Sessions are opened by
//! [`super::endpoint`]; there is one at a time, the latest.

mod waiting;
mod watch;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use url::Url;
use uuid::Uuid;
use wharf_blob::Store;
use wharf_db::Db;

use super::backlog::{Backlog, Lag};
use super::message::{Done, Fence, Fenced, Item};
use super::role::{Part, Primary, Role, RoleFile};
use crate::config::standby::{Standby as Settings, StandbyMode};
use crate::server::mode::Mode;

/// What the folder of a copy of the catalog begins with.
pub(super) const BASE: &str = "standby-base-";

/// What clients are told while a synchronous standby is away.
const AWAY: &str = "the standby does not answer, and nothing is acknowledged that it does not have";
/// What clients are told after a take-over.
const FENCED: &str = "another server has taken over from this one";

/// What a primary knows of its standby. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    folder: PathBuf,
    file: RoleFile,
    store: Arc<dyn Store>,
    db: OnceLock<Db>,
    mode: Mode,
    state: Mutex<State>,
    /// Changes with every item, and with every change of what a standby has.
    changed: tokio::sync::watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    role: Role,
    backlog: Backlog,
    /// The number of the last commit.
    last_batch: u64,
    session: Option<Session>,
    /// Since when no standby is on a level with this server.
    away_since: Option<Instant>,
    is_fenced: bool,
}

#[derive(Debug)]
struct Session {
    id: Uuid,
    is_whole: bool,
    heard: Instant,
}

/// What there is to see of the pair from here.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct PrimaryStatus {
    pub(crate) history: Uuid,
    pub(crate) epoch: u64,
    pub(crate) is_fenced: bool,
    pub(crate) is_synchronous: bool,
    pub(crate) is_connected: bool,
    /// Whether the standby has a whole copy and follows.
    pub(crate) is_level: bool,
    pub(crate) lag_bytes: u64,
    pub(crate) lag_seconds: f64,
}

impl Hub {
    pub(crate) fn new(settings: &Settings, folder: PathBuf, role: Role, parts: (Arc<dyn Store>, Mode)) -> Self {
        let (store, mode) = parts;
        let state = State {
            role,
            backlog: Backlog::new(settings.buffer.0),
            last_batch: 0,
            session: None,
            away_since: Some(Instant::now()),
            is_fenced: false,
        };
        let file = RoleFile::of(&folder);
        let changed = tokio::sync::watch::Sender::new(0);
        let (settings, state) = (settings.clone(), Mutex::new(state));
        Self { inner: Arc::new(Inner { settings, folder, file, store, db: OnceLock::new(), mode, state, changed }) }
    }

    /// Begins to get what `db` commits.
    pub(crate) async fn attach(&self, db: &Db) -> anyhow::Result<()> {
        self.clean();
        db.follow_log(Arc::new(self.clone())).await.context("follow the catalog's log")?;
        ensure!(self.inner.db.set(db.clone()).is_ok(), "the catalog is followed already");
        Ok(())
    }

    /// Removes copies of the catalog that a killed process has left.
    fn clean(&self) {
        let left = std::fs::read_dir(&self.inner.folder).into_iter().flatten().flatten();
        for entry in left.filter(|entry| entry.file_name().to_string_lossy().starts_with(BASE)) {
            if let Err(error) = std::fs::remove_dir_all(entry.path()) {
                tracing::warn!(path = %entry.path().display(), %error, "cannot remove a copy that nobody wants");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.inner.changed.send_modify(|version| *version += 1);
        changed
    }

    /// The catalog, once it is open.
    pub(super) fn db(&self) -> anyhow::Result<&Db> {
        self.inner.db.get().context("the server is still starting")
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.inner.store
    }

    pub(super) fn folder(&self) -> &std::path::Path {
        &self.inner.folder
    }

    pub(crate) fn role(&self) -> Role {
        self.state().role.clone()
    }

    pub(crate) fn is_fenced(&self) -> bool {
        self.state().is_fenced
    }

    /// Remembers something, durably and then in memory.
    pub(super) fn remember(&self, change: impl FnOnce(&mut Primary)) -> anyhow::Result<()> {
        let mut state = self.state();
        let mut role = state.role.clone();
        if let Part::Primary(primary) = &mut role.part {
            change(primary);
        }
        if role != state.role {
            self.inner.file.write(&role)?;
            state.role = role;
        }
        Ok(())
    }

    /// The last number that was given out.
    pub(super) fn last(&self) -> u64 {
        self.state().backlog.last()
    }

    /// A standby has come: whether it may go on after `done`, and its session, which ends the one before.
    pub(super) fn open_session(&self, lineage: Option<Uuid>, done: u64) -> (Uuid, Uuid, bool) {
        self.change(|state| {
            let id = Uuid::new_v4();
            state.end_session();
            state.session = Some(Session { id, is_whole: false, heard: Instant::now() });
            let goes_on = lineage.is_some_and(|lineage| state.backlog.can_go_on(lineage, done));
            (id, state.backlog.lineage(), goes_on)
        })
    }

    pub(super) fn is_session(&self, id: Uuid) -> bool {
        self.state().session.as_ref().is_some_and(|session| session.id == id)
    }

    pub(super) fn end_session(&self, id: Uuid) {
        self.change(|state| {
            if state.session.as_ref().is_some_and(|session| session.id == id) {
                state.end_session();
            }
        });
    }

    /// What a session is to be sent after `number`; waits up to `patience` for something. `None`: the session has ended, or
    /// what it wants is gone.
    pub(super) async fn next(&self, session: Uuid, number: u64, patience: Duration) -> Option<(Bytes, u64)> {
        let mut changed = self.inner.changed.subscribe();
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let (pieces, reached, last) = {
                let state = self.state();
                state.session.as_ref().filter(|open| open.id == session)?;
                let (pieces, reached) = state.backlog.after(number).ok()?;
                (pieces, reached, state.backlog.last())
            };
            if !pieces.is_empty() {
                return Some((pieces.concat().into(), reached));
            }
            if tokio::time::timeout_at(deadline, changed.changed()).await.is_err() {
                return Some((Item::Beat.to_bytes(last), number));
            }
        }
    }

    /// The standby has come further.
    pub(super) fn confirm(&self, done: Done) -> anyhow::Result<()> {
        let is_first = self.change(|state| {
            let Some(session) = state.session.as_mut().filter(|session| session.id == done.session) else {
                bail!("another session has begun");
            };
            session.heard = Instant::now();
            if done.is_whole && !session.is_whole {
                session.is_whole = true;
                state.away_since = None;
                tracing::info!("the standby is on a level with this server");
            }
            state.backlog.confirm(done.done, done.more);
            Ok(done.is_whole && state.role.primary().is_some_and(|primary| !primary.has_standby))
        })?;
        if is_first { self.remember(|primary| primary.has_standby = true) } else { Ok(()) }
    }

    /// Another server has taken over, or is about to: nothing is acknowledged any more. Gives the last number there is.
    pub(crate) async fn fence(&self, fence: &Fence) -> anyhow::Result<Fenced> {
        let role = self.role();
        ensure!(fence.history == role.history, "that is another registry");
        ensure!(fence.epoch > role.epoch, "this server is at epoch {}, too", role.epoch);
        self.inner.mode.set_read_only(FENCED);
        if let Err(error) = self.db()?.freeze().await {
            self.inner.mode.clear(FENCED);
            return Err(error).context("stop writes");
        }
        let mut state = self.state();
        let role = Role { part: Part::Fenced { by: fence.by.clone() }, ..role };
        self.inner.file.write(&role)?;
        state.role = role;
        state.is_fenced = true;
        tracing::error!(by = fence.by, "{FENCED}: writes are refused from now on");
        Ok(Fenced { lineage: state.backlog.lineage(), last: state.backlog.last() })
    }

    pub(crate) fn status(&self) -> PrimaryStatus {
        let state = self.state();
        let Lag { bytes, time } = state.backlog.lag(Instant::now());
        PrimaryStatus {
            history: state.role.history,
            epoch: state.role.epoch,
            is_fenced: state.is_fenced,
            is_synchronous: self.inner.settings.mode == StandbyMode::Synchronous,
            is_connected: state.session.is_some(),
            is_level: state.session.as_ref().is_some_and(|session| session.is_whole),
            lag_bytes: bytes,
            lag_seconds: time
                .max(state.away_since.filter(|_| bytes > 0).map_or(time, |since| since.elapsed()))
                .as_secs_f64(),
        }
    }

    /// How the standby is reached that takes over from this server.
    pub(super) fn note_standby(&self, url: Option<Url>) -> anyhow::Result<()> {
        self.remember(|primary| primary.standby_url = url)
    }
}

impl State {
    fn end_session(&mut self) {
        if let Some(session) = self.session.take()
            && session.is_whole
        {
            self.away_since = Some(Instant::now());
        }
    }
}
