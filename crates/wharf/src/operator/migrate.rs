//! Moving catalog and bytes to other places. Reads go on all the time; writes rest from when the last of the bytes and
//! the catalog are copied until the server is started on the new places.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;
use wharf_blob::Store;
use wharf_db::Db;
use wharf_registry::ByteCopy;

use super::order::Migrate;
use super::step::{self, Step, Teller};
use super::{Operator, describe, open_database};
use crate::config::Config;
use crate::wire::operator as wire;

/// What stands in `moves` for the catalog.
pub(crate) const CATALOG: &str = "catalog";
/// What stands in `moves` for the bytes.
pub(crate) const BYTES: &str = "bytes";
/// What clients are told.
pub(crate) const REASON: &str = "the registry is being moved; it takes them again when that is done";

/// How often bytes are copied before writes stop, at most.
const MOST_PASSES: u32 = 10;
/// A pass that takes no longer may as well be made while writes rest.
const SHORT_PASS: Duration = Duration::from_secs(5);

/// What moves, opened where it goes.
struct Targets {
    database: Option<Db>,
    bytes: Option<ByteCopy>,
}

impl Operator {
    /// Moves what lies elsewhere in the configuration `order.to`. What was copied before is not copied again.
    pub(crate) async fn migrate(&self, order: Migrate, teller: &Teller) -> anyhow::Result<serde_json::Value> {
        let to = &*order.to;
        ensure!(!self.db.is_frozen(), "the registry has been moved already: start it on its new places");
        let hold = self.hold_bytes().await?;
        let mut targets = self.open_targets(&order).await?;
        if let Some(bytes) = &mut targets.bytes {
            copy_most(bytes, teller).await?;
            self.refuse_damage(bytes, &order)?;
        }
        hold.confirm().await.context("this process was stopped for so long that bytes may have gone: begin again")?;
        // Whoever ordered it may go away from here on: writes do not rest for longer than they must.
        let (operator, to, teller) = (self.clone(), to.clone(), teller.clone());
        let last = tokio::spawn(async move {
            let since = Instant::now();
            let switched = operator.switch(&mut targets, &order, &teller).await;
            if switched.is_err() {
                operator.thaw().await?;
            }
            switched.map(|()| (targets, since.elapsed()))
        });
        let (targets, rest) = last.await.context("the last part of the move ended unexpectedly")??;
        drop(hold);
        let figures = targets.bytes.as_ref().map(ByteCopy::figures).unwrap_or_default();
        Ok(json!({
            "catalog": targets.database.is_some().then(|| wire::catalog_place(&to)),
            "bytes": targets.bytes.is_some().then(|| to.storage.url.clone()),
            "blobs": figures.seen_blobs(), "blob_bytes": figures.seen_bytes(),
            "copied_blobs": figures.copied_blobs(), "copied_bytes": figures.copied_bytes(),
            "copied_in_seconds_without_writes": rest.as_secs(),
        }))
    }

    /// Goes on at the old places: writes are taken again, and what was copied is left where it is.
    pub(crate) async fn abandon(&self) -> anyhow::Result<serde_json::Value> {
        self.db.clear_moved(CATALOG).await?;
        self.db.clear_moved(BYTES).await?;
        self.thaw().await?;
        Ok(json!({ "catalog": wire::catalog_place(&self.config), "bytes": self.config.storage.url }))
    }

    async fn thaw(&self) -> anyhow::Result<()> {
        self.db.thaw().await.context("take writes again")?;
        self.mode.set_serving();
        Ok(())
    }

    async fn open_targets(&self, order: &Migrate) -> anyhow::Result<Targets> {
        let to = &*order.to;
        let mut targets = Targets { database: None, bytes: None };
        if to.database.url() != self.config.database.url() {
            let target = open_database(&wire::database_settings(to)).await.context("open the new catalog")?;
            ensure!(target.is_empty().await?, "the new catalog is not empty: move into a new one");
            targets.database = Some(target);
        }
        if to.storage.url != self.config.storage.url {
            let target = wire::open_bytes(to, &self.environment, &self.keyring).await?;
            let stores = (Arc::<dyn Store>::clone(&self.store), target);
            targets.bytes = Some(ByteCopy::new(Self::permit(), self.db.clone(), stores, order.copy.into()));
        }
        let has_any = targets.database.is_some() || targets.bytes.is_some();
        ensure!(has_any, "both configurations name the same catalog and the same bytes: there is nothing to move");
        Ok(targets)
    }

    /// Stops writes, copies the rest, and notes where everything is from now on.
    async fn switch(&self, targets: &mut Targets, order: &Migrate, teller: &Teller) -> anyhow::Result<()> {
        teller.send_replace(Step::ReadOnly);
        self.mode.set_read_only(REASON);
        self.db.freeze().await.context("stop writes")?;
        if let Some(bytes) = &mut targets.bytes {
            step::pass(bytes, teller).await.context("copy the last bytes")?;
            self.refuse_damage(bytes, order)?;
        }
        match &targets.database {
            Some(target) => {
                self.db.copy_to(target, step::rows(teller)).await.context("copy the catalog")?;
                self.db.set_moved(CATALOG, &wire::catalog_place(&order.to)).await
            }
            None => self.db.set_moved(BYTES, order.to.storage.url.as_deref().unwrap_or_default()).await,
        }
        .context("note where it has moved")
    }

    fn refuse_damage(&self, bytes: &ByteCopy, order: &Migrate) -> anyhow::Result<()> {
        let damaged = bytes.damaged();
        ensure!(
            damaged.is_empty() || order.leave_out_damaged,
            "the bytes of {} blobs are damaged or missing ({}); `wharf fsck` may repair them, --leave-out-damaged goes on without them",
            damaged.len(),
            describe(damaged)
        );
        Ok(())
    }
}

/// Copies until so little is left that writes may rest for it, or more passes would not help.
async fn copy_most(bytes: &mut ByteCopy, teller: &Teller) -> anyhow::Result<()> {
    let mut last = Duration::MAX;
    for _ in 0..MOST_PASSES {
        let began = Instant::now();
        let copied = step::pass(bytes, teller).await.context("copy the bytes")?;
        let took = began.elapsed();
        if is_enough(copied, took, last) {
            break;
        }
        last = took;
    }
    Ok(())
}

/// Whether writes may rest for what a pass that `took` so long has left. Where it took no less than the `last` one, pushes
/// come as fast as copies: every further pass would leave more.
fn is_enough(copied: u64, took: Duration, last: Duration) -> bool {
    copied == 0 || took < SHORT_PASS || took >= last
}

/// Fails where the catalog, or the bytes, of a configuration have gone to another place.
pub(crate) async fn refuse_moved(config: &Config, db: &Db) -> Result<(), crate::error::Error> {
    let gone = async |what: &'static str| db.moved(what).await.ok().flatten();
    if let Some(moved) = gone(CATALOG).await {
        return Err(crate::error::Error::Moved { what: CATALOG, place: moved.place });
    }
    match gone(BYTES).await {
        Some(moved) if config.storage.url.as_deref() != Some(moved.place.as_str()) => {
            Err(crate::error::Error::Moved { what: BYTES, place: moved.place })
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_end_when_little_is_left_or_each_would_leave_more() {
        let [short, long, longer] = [1, 60, 61].map(Duration::from_secs);
        assert!(is_enough(0, long, longer), "nothing was left");
        assert!(is_enough(9, short, longer), "little is left");
        assert!(is_enough(9, longer, long), "pushes come faster than copies");
        assert!(!is_enough(9, long, longer), "copies come faster than pushes");
        assert!(!is_enough(9, long, Duration::MAX), "the first pass says nothing of the second");
    }
}
