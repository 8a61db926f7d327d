//! Following the primary: saying hello, taking a base where one is needed, and a session after the other.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use wharf_db::log::Position;

use super::bytes::Carrier;
use super::message::{Hello, POSITION, Welcome};
use super::role::{Part, Role};
use super::session::Session;
use super::{JOURNAL, Standby, catalog_file, file, open_replica};

/// How long to wait before another try.
const PAUSE: Duration = Duration::from_secs(1);

impl Standby {
    /// Follows until somebody orders a take-over.
    pub(crate) fn start(&self) {
        let standby = self.clone();
        let task = tokio::spawn(async move { standby.follow().await });
        *self.inner.following.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    async fn follow(&self) {
        let mut last = String::new();
        loop {
            let trouble = match self.follow_once().await {
                Ok(()) => "the primary has ended the connection".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            // The same every second would only hide the rest of the log.
            if trouble != last {
                tracing::warn!(trouble, primary = %self.inner.peer.url(), "does not follow the primary; trying again");
                last.clone_from(&trouble);
            }
            self.inner.progress.end(trouble);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn follow_once(&self) -> anyhow::Result<()> {
        let inner = &self.inner;
        let position = self.position()?;
        let welcome: Welcome = inner.peer.post("hello", &self.hello(position)).await?;
        for needed in &welcome.masters {
            ensure!(
                inner.masters.contains(needed),
                "the primary's catalog is sealed under master key `{needed}`, and this machine has `{}`: copy the \
                 primary's master key here",
                inner.masters.join("`, `")
            );
        }
        self.adopt(&welcome)?;
        let carrier = Carrier { peer: inner.peer.clone(), store: Arc::clone(&inner.store) };
        match position.filter(|_| welcome.goes_on && self.status().is_whole) {
            Some(position) => inner.progress.begin(welcome.lineage, position.done),
            None => self.begin_anew(&welcome, &carrier).await.context("copy the primary")?,
        }
        tracing::info!(primary = %inner.peer.url(), from = inner.progress.done(), "follows the primary");
        let (replica, progress) = (Arc::clone(&inner.replica), Arc::clone(&inner.progress));
        Session { id: welcome.session, carrier, replica, progress }.run().await
    }

    /// Where the copy is. One that a failure has closed is opened again.
    fn position(&self) -> anyhow::Result<Option<Position>> {
        let mut replica = self.inner.replica.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(replica) = replica.as_mut() else { return Ok(None) };
        replica.recover().context("open the copy of the catalog")?;
        Ok(replica.position())
    }

    fn hello(&self, position: Option<Position>) -> Hello {
        let role = self.role().clone();
        Hello {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            catalog: wharf_db::migrations::fingerprint(),
            history: role.as_ref().map(|role| role.history),
            epoch: role.map_or(0, |role| role.epoch),
            lineage: position.map(|position| position.lineage),
            done: position.map_or(0, |position| position.done),
            url: self.inner.config.server.public_url.clone(),
        }
    }

    /// Becomes the standby of whoever has answered, if what is here allows it.
    fn adopt(&self, welcome: &Welcome) -> anyhow::Result<()> {
        let of = self.inner.peer.url().clone();
        let role = self.role().clone();
        let is_whole = match role.as_ref().map(|role| &role.part) {
            Some(Part::Standby { is_whole, .. }) => *is_whole,
            None => false,
            Some(Part::Primary(_) | Part::Fenced { .. }) => {
                let epoch = role.as_ref().map_or(0, |role| role.epoch);
                ensure!(
                    welcome.epoch > epoch,
                    "both are at epoch {epoch}, and this one was a primary: only who has taken over from it can be followed"
                );
                self.set_aside(epoch)?;
                false
            }
        };
        let part = Part::Standby { of, is_whole };
        let adopted = Role { history: welcome.history, epoch: welcome.epoch, part };
        if role.as_ref() != Some(&adopted) {
            self.set_role(adopted)?;
        }
        let mut replica = self.inner.replica.lock().unwrap_or_else(PoisonError::into_inner);
        if replica.is_none() {
            *replica = Some(open_replica(&self.inner.config, &self.inner.folder)?);
        }
        Ok(())
    }

    /// Keeps the catalog of one that was a primary under another name: it may know of pushes that the other does not.
    fn set_aside(&self, epoch: u64) -> anyhow::Result<()> {
        let catalog = catalog_file(&self.inner.config).context("a standby needs its catalog in a file")?;
        let beside = |ending: &str| {
            let mut path = catalog.as_os_str().to_owned();
            path.push(ending);
            PathBuf::from(path)
        };
        // The log first: without it the file is an older state, and with another one it would be no state at all.
        for ending in ["-wal", ""] {
            let (from, to) = (beside(ending), beside(&format!(".epoch-{epoch}{ending}")));
            if from.exists() {
                std::fs::rename(&from, &to).with_context(|| format!("set `{}` aside", from.display()))?;
                tracing::warn!(path = %to.display(), "the catalog that this server had as primary is kept here");
            }
        }
        for path in [beside("-shm"), self.inner.folder.join(JOURNAL)] {
            if path.exists() {
                std::fs::remove_file(&path).with_context(|| format!("remove `{}`", path.display()))?;
            }
        }
        Ok(())
    }

    /// Takes a copy of the whole. The one that is here stays as it is until the new one is complete: most bytes come before
    /// the catalog, the rest after it, and what is no longer wanted goes last.
    async fn begin_anew(&self, welcome: &Welcome, carrier: &Carrier) -> anyhow::Result<()> {
        tracing::info!(primary = %self.inner.peer.url(), "copies the primary");
        carrier.bring_all().await?;
        let position = self.fetch_base(welcome).await.context("copy the catalog")?;
        let extra = carrier.bring_all().await?;
        let replica = Arc::clone(&self.inner.replica);
        let replaced = tokio::task::spawn_blocking(move || {
            let mut replica = replica.lock().unwrap_or_else(PoisonError::into_inner);
            replica.as_mut().context("the catalog was taken over")?.replace(position).context("take the new catalog")
        });
        replaced.await.context("take the new catalog")??;
        let role = self.role().clone().context("a standby has a role")?;
        let part = Part::Standby { of: self.inner.peer.url().clone(), is_whole: true };
        self.set_role(Role { part, ..role })?;
        carrier.store.delete(&extra).await.context("delete what the primary has no more")?;
        self.inner.progress.begin(position.lineage, position.done);
        Ok(())
    }

    async fn fetch_base(&self, welcome: &Welcome) -> anyhow::Result<Position> {
        let path = {
            let replica = self.inner.replica.lock().unwrap_or_else(PoisonError::into_inner);
            replica.as_ref().context("the catalog was taken over")?.base_path()
        };
        let (headers, pieces) = self.inner.peer.stream("base").await?.context("the primary gives no copy")?;
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
        let (number, size_bytes) = (number(POSITION), number("content-length"));
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("write `{}`", path.display()))?;
        let (file, found) = file::write(file, pieces).await?;
        ensure!(size_bytes == Some(found), "the copy is not complete");
        tokio::task::spawn_blocking(move || file.sync_all()).await?.context("sync the copy")?;
        let number = number.context("the copy has no position")?;
        Ok(Position { lineage: welcome.lineage, batch: number, done: number })
    }
}
