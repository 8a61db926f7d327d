//! Fsck: every reference has its bytes, every byte its digest, every upload its owner.
//!
//! A check is a row: any node goes on with it, from where it stopped, under a lease. It reads at most so many bytes a
//! second and takes nothing from anybody. What is missing is told as lost; bytes that are not what their digest says
//! are quarantined: they stay where they are and are served to nobody. Both are repaired from another registry that has
//! them ([`crate::Replicas`]), or by whoever pushes them again. Nothing is deleted here, ever.

mod bytes;
mod keeper;
mod phases;
mod rule;
mod store;
mod walk;

use wharf_context::{Context, Inspect, Maintain, Timestamp};
use wharf_db::AuditEntry;

pub use rule::{Problem, Resolution};

use crate::error::Error;
use crate::page::{self, Page};
use crate::registry::Registry;

/// How a check is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FsckOptions {
    /// Whether the bytes of blobs are read and hashed; without it only their sizes are looked at.
    pub reads_bytes: bool,
    /// How many bytes are read in a second at most; 0 is no limit.
    pub bytes_per_second: u64,
}

/// Whether a check goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FsckState {
    /// Some node is at it, or will be in a moment.
    Running,
    /// Everything was looked at.
    Done,
    /// Somebody ended it.
    Cancelled,
}

/// What has been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FsckCounts {
    /// Manifests: their own digest, and what they stand on.
    pub manifests: u64,
    /// Tags.
    pub tags: u64,
    /// Blobs that the catalog knows.
    pub blobs: u64,
    /// Bytes of blobs that were read.
    pub read_bytes: u64,
    /// Things that lie in the blob store.
    pub stored: u64,
    /// Open uploads.
    pub uploads: u64,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsckRun {
    /// Its number.
    pub id: i64,
    /// Whether it goes on.
    pub state: FsckState,
    /// Who started it.
    pub started_by: String,
    /// When.
    pub started_at: Timestamp,
    /// When it was done or cancelled.
    pub ended_at: Option<Timestamp>,
    /// How it is done.
    pub options: FsckOptions,
    /// What has been looked at so far.
    pub counts: FsckCounts,
    /// How many blobs there were when it began.
    pub expected_blobs: u64,
    /// How many bytes they had.
    pub expected_bytes: u64,
    /// How many findings nobody has resolved.
    pub open: u64,
    /// How many were repaired.
    pub repaired: u64,
    /// How many blobs were quarantined.
    pub quarantined: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its number; later ones are larger.
    pub id: i64,
    /// What sort of thing it is.
    pub problem: Problem,
    /// The digest, tag, upload or storage key that it is about.
    pub subject: String,
    /// Where; the first one of several.
    pub repository: Option<String>,
    /// In a sentence.
    pub details: String,
    /// What became of it.
    pub resolution: Resolution,
    /// When it was found.
    pub found_at: Timestamp,
}

impl Registry {
    /// Starts a check of everything. One at a time.
    pub async fn start_fsck(&self, _: Maintain, ctx: &Context, options: FsckOptions) -> Result<FsckRun, Error> {
        let id = self
            .db
            .transaction(async |tx| {
                let id = store::start(tx, &ctx.caller.name, options).await?.ok_or(Error::FsckRunning)?;
                tx.audit(&AuditEntry::new(ctx, "fsck.start", "registry")).await?;
                Ok::<_, Error>(id)
            })
            .await?;
        self.fsck_wanted.notify_one();
        store::get(&self.db, id).await?.ok_or(Error::FsckUnknown)
    }

    /// The check that goes on, or else the last one.
    pub async fn get_fsck(&self, _: Inspect) -> Result<FsckRun, Error> {
        store::latest(&self.db).await?.ok_or(Error::FsckUnknown)
    }

    /// What a check has found, in the order of its finding.
    pub async fn list_fsck_findings(
        &self,
        _: Inspect,
        run: i64,
        after: i64,
        wanted: Option<usize>,
    ) -> Result<Page<Finding>, Error> {
        let limit = page::limit(wanted);
        Ok(Page::cut(store::findings(&self.db, run, after, page::limit_and_one(limit)).await?, limit))
    }

    /// Ends the check that goes on. What it found stays.
    pub async fn cancel_fsck(&self, _: Maintain, ctx: &Context) -> Result<(), Error> {
        self.db
            .transaction(async |tx| {
                if !store::cancel(tx).await? {
                    return Err(Error::FsckUnknown);
                }
                tx.audit(&AuditEntry::new(ctx, "fsck.cancel", "registry")).await?;
                Ok(())
            })
            .await
    }
}
