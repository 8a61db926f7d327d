//! Taking over: the old primary is asked to stop, what it still has is waited for, and the copy becomes a registry.
//!
//! The one step that decides is that the role is written; whatever was broken off before or after it goes on when the
//! same is ordered again.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use wharf_db::log::Replica;

use super::message::{Fence, Fenced};
use super::role::{Part, Primary, Role, RoleFile};
use super::{JOURNAL, Standby, open_replica};
use crate::config::Config;
use crate::wire;

/// How long the old primary may take to stop: its last commits wait for this standby.
const STOP: Duration = Duration::from_secs(30);
/// How long what it still has may take.
const DRAIN: Duration = Duration::from_secs(120);

impl Standby {
    /// Takes over, or says why not. Done twice it is done once.
    pub(crate) async fn take_over(&self) -> anyhow::Result<Value> {
        let _one_at_a_time = self.inner.taking_over.lock().await;
        if self.taken_over().is_some() {
            return Ok(self.outcome(false));
        }
        let role =
            self.role().clone().context("this standby has never met its primary: there is nothing to take over")?;
        let was_asked = match &role.part {
            Part::Standby { is_whole: true, .. } => self.stop_primary(&role).await?,
            Part::Standby { is_whole: false, .. } => {
                bail!("this standby does not have all of the registry yet; `wharf standby status` says how far it is")
            }
            // It has, and could not serve then.
            Part::Primary(primary) if primary.taken_from.as_ref() == Some(self.inner.peer.url()) => false,
            Part::Primary(_) => bail!("this server was a primary and has never met the one that it is to follow"),
            Part::Fenced { by } => bail!("`{by}` has taken over from this server"),
        };
        if matches!(role.part, Part::Standby { .. }) {
            self.stop_following().await?;
            self.set_role(role.taken_over(self.inner.peer.url()))?;
        }
        self.become_primary()
            .await
            .context("this server is the primary now and cannot serve yet; repeat the command, or restart it")?;
        tracing::warn!(epoch = role.epoch + 1, "has taken over");
        Ok(self.outcome(was_asked))
    }

    fn outcome(&self, was_asked: bool) -> Value {
        let epoch = self.role().as_ref().map_or(0, |role| role.epoch);
        json!({ "epoch": epoch, "primary_stopped": was_asked, "taken_over_from": self.inner.peer.url() })
    }

    /// Asks the primary to acknowledge nothing more, and waits until all is here that it has. False: it cannot be asked.
    async fn stop_primary(&self, role: &Role) -> anyhow::Result<bool> {
        let own = self.inner.config.server.public_url.as_ref().map(ToString::to_string);
        let by = own.unwrap_or_else(|| "its standby".to_owned());
        let fence = Fence { history: role.history, epoch: role.epoch + 1, by };
        let asked = tokio::time::timeout(STOP, self.inner.peer.post::<Fenced>("fence", &fence)).await;
        let fenced = match asked {
            Ok(Ok(fenced)) => fenced,
            Ok(Err(error)) => {
                tracing::warn!(error = format!("{error:#}"), "the old primary does not answer: taking over without it");
                return Ok(false);
            }
            Err(_) => {
                tracing::warn!("the old primary does not answer in time: taking over without it");
                return Ok(false);
            }
        };
        let progress = &self.inner.progress;
        let drained = async {
            let mut changes = progress.changes();
            while !progress.has(fenced.lineage, fenced.last) {
                changes.changed().await.ok();
            }
        };
        let drained = tokio::time::timeout(DRAIN, drained).await;
        ensure!(
            drained.is_ok(),
            "the primary has stopped, and what it has last does not come; repeat the command, or stop the primary first to \
             take over without that"
        );
        Ok(true)
    }

    /// Ends following. The catalog's file is whole when this returns.
    async fn stop_following(&self) -> anyhow::Result<()> {
        let task = self.inner.following.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            // It was ended, which is what it says.
            task.await.ok();
        }
        let replica = self.inner.replica.clone();
        let finished = tokio::task::spawn_blocking(move || {
            let replica = replica.lock().unwrap_or_else(PoisonError::into_inner).take();
            replica.map(Replica::finish).transpose()
        });
        finished.await.context("bring the catalog to its end")?.context("bring the catalog to its end")?;
        Ok(())
    }

    async fn become_primary(&self) -> anyhow::Result<()> {
        let inner = &self.inner;
        let role = self.role().clone().context("a standby has a role")?;
        forget_journal(&inner.folder)?;
        // They are taken again as every server does.
        inner.holds.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let pair = wire::standby::Pair::open(&inner.config, &inner.folder, role)?;
        let assembled = wire::assemble(&inner.config, &inner.environment, Some(pair), &inner.front).await?;
        inner.front.show(assembled.router.clone());
        ensure!(inner.taken_over.set(assembled).is_ok(), "somebody else has taken over meanwhile");
        Ok(())
    }
}

/// The journal is worth nothing when the copy is a catalog of its own.
fn forget_journal(folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(JOURNAL);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove `{}`", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether a server becomes the primary again that was told that another one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    No,
    AlsoFenced,
}

/// Takes over where no server runs: the next start is a primary's.
pub(crate) fn take_over_alone(config: &Config, folder: &Path, force: Force) -> anyhow::Result<Value> {
    let file = RoleFile::of(folder);
    let role = file.read()?.context("this data folder is no standby's")?;
    let taken = match &role.part {
        Part::Standby { of, is_whole: true } => {
            ensure!(open_replica(config, folder)?.finish()?, "there is no copy of the catalog");
            let taken = role.taken_over(of);
            file.write(&taken)?;
            taken
        }
        Part::Standby { is_whole: false, .. } => bail!("this standby does not have all of the registry yet"),
        Part::Primary(_) => role,
        Part::Fenced { .. } if force == Force::AlsoFenced => {
            // Above the one that has taken over, should it come back.
            let taken = Role { epoch: role.epoch + 2, part: Part::Primary(Primary::default()), ..role };
            file.write(&taken)?;
            taken
        }
        Part::Fenced { by } => {
            bail!(
                "`{by}` has taken over from this server; if that one is lost, --force makes this one the primary again"
            )
        }
    };
    forget_journal(folder)?;
    Ok(json!({ "epoch": taken.epoch, "primary_stopped": false }))
}
