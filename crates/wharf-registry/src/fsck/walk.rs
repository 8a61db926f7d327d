//! Walking through everything, a step at a time.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use uuid::Uuid;
use wharf_oci::manifest::{Content, Manifest};

use super::keeper::Keeper;
use super::phases::{NewFinding, Phase, Position, Step};
use super::rule::{Problem, Resolution};
use super::store::{self, ManifestRow, Running};
use super::{FsckCounts, FsckOptions};
use crate::error::Error;
use crate::registry::Registry;

/// How often a node looks whether a check waits that another node was asked for, or has died over.
const LOOK: Duration = Duration::from_secs(20);
/// How many manifests one step reads: each may have 4 MiB.
const MANIFESTS: i64 = 20;
/// How many of everything else.
const ROWS: i64 = 1_000;
/// A step over blobs ends after so many bytes, so that a restart repeats little.
const STEP_BYTES: u64 = 1 << 30;

impl Registry {
    /// Goes on with whatever check is wanted, until the future is dropped. One that fails is logged and tried again.
    pub async fn run_fsck(&self) {
        loop {
            let looked = async {
                self.continue_fsck().await?;
                self.note_fsck().await
            };
            if let Err(error) = looked.await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the check of the registry was interrupted and will go on");
            }
            drop(tokio::time::timeout(LOOK, self.fsck_wanted.notified()).await);
        }
    }

    /// Goes on with the check that is wanted, if one is and no other node is at it, to its end.
    pub async fn continue_fsck(&self) -> Result<(), Error> {
        let Some(running) = store::running(&self.db).await? else { return Ok(()) };
        let Some(mut keeper) = Keeper::take(&self.db, running.options.bytes_per_second).await? else { return Ok(()) };
        let walked = self.walk(&mut keeper, running).await;
        keeper.give_back().await?;
        walked
    }

    /// What the last check came to, for this node's figures.
    async fn note_fsck(&self) -> Result<(), Error> {
        if let Some(run) = store::latest(&self.db).await? {
            self.counters.checked(&run);
        }
        Ok(())
    }

    async fn walk(&self, keeper: &mut Keeper, running: Running) -> Result<(), Error> {
        let Running { id, options, mut position } = running;
        loop {
            keeper.keep().await?;
            let step = self.step_through(keeper, options, &position).await?;
            let done = &step.done(position.phase);
            let lease = keeper.lease();
            let goes_on = self
                .db
                .transaction(async |tx| {
                    tx.check_lease(lease).await?;
                    for finding in &done.findings {
                        store::note(tx, id, finding).await?;
                    }
                    store::advance(tx, id, done).await
                })
                .await?;
            match &done.next {
                Some(next) if goes_on => position = next.clone(),
                Some(_) | None => return Ok(()),
            }
        }
    }

    async fn step_through(
        &self,
        keeper: &mut Keeper,
        options: FsckOptions,
        position: &Position,
    ) -> Result<Step, Error> {
        let place = position.place.as_str();
        match position.phase {
            Phase::Manifests => self.step_manifests(row_id(place)?).await,
            Phase::Tags => self.step_tags(row_id(place)?).await,
            Phase::Blobs => self.step_blobs(keeper, options, row_id(place)?).await,
            Phase::Stored => self.step_stored(place).await,
            Phase::Uploads => self.step_uploads(place).await,
        }
    }

    async fn step_manifests(&self, after: i64) -> Result<Step, Error> {
        let rows = store::manifests(&self.db, after, MANIFESTS).await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(Step::default()) };
        let mut unknown: HashMap<i64, Vec<_>> = HashMap::new();
        for (manifest, blob) in store::unknown_blobs(&self.db, after, last).await? {
            unknown.entry(manifest).or_default().push(blob);
        }
        let mut step = Step { last: Some(last.to_string()), ..Step::default() };
        for row in &rows {
            step.counts.manifests += 1;
            step.findings.extend(check_manifest(row));
            for blob in unknown.get(&row.id).into_iter().flatten() {
                if !self.settings.sparse_images || is_config(row, blob) {
                    let details =
                        format!("{}, and manifest `{}` stands on it", Problem::BlobUnknown.what(), row.digest);
                    step.findings.push(open(Problem::BlobUnknown, blob, Some(&row.repository), details));
                }
            }
        }
        Ok(step)
    }

    async fn step_tags(&self, after: i64) -> Result<Step, Error> {
        let rows = store::tags(&self.db, after, ROWS).await?;
        let dangling = rows.iter().filter(|row| !row.has_manifest).map(|row| {
            let details = format!("{}: `{}`", Problem::TagDangling.what(), row.digest);
            open(Problem::TagDangling, &row.name, Some(&row.repository), details)
        });
        Ok(Step {
            last: rows.last().map(|row| row.id.to_string()),
            counts: FsckCounts { tags: rows.len() as u64, ..FsckCounts::default() },
            findings: dangling.collect(),
        })
    }

    async fn step_blobs(&self, keeper: &mut Keeper, options: FsckOptions, after: i64) -> Result<Step, Error> {
        let mut step = Step::default();
        for row in store::blobs(&self.db, after, ROWS).await? {
            step.findings.extend(self.check_blob(keeper, options, &row).await?);
            step.counts.blobs += 1;
            step.counts.read_bytes += if options.reads_bytes { row.size_bytes } else { 0 };
            step.last = Some(row.id.to_string());
            keeper.keep().await?;
            if step.counts.read_bytes >= STEP_BYTES {
                break;
            }
        }
        Ok(step)
    }

    /// What lies in the store for longer than any push takes, and belongs to nothing.
    async fn step_stored(&self, place: &str) -> Result<Step, Error> {
        let after = if place.is_empty() { None } else { Some(place.parse().map_err(|_| malformed())?) };
        let limit = usize::try_from(ROWS).unwrap_or(usize::MAX);
        let page = self.store.list(after, limit).await.map_err(Error::store("list what is stored"))?;
        let old: Vec<_> = page.iter().filter(|stored| stored.age > self.settings.grace).collect();
        let keys: Vec<_> = old.iter().map(|stored| stored.key).collect();
        let unknown: HashSet<_> = store::unknown_keys(&self.db, &keys).await?.into_iter().collect();
        let findings = old.iter().filter(|stored| unknown.contains(&stored.key)).map(|stored| {
            let details = format!("{}: {} bytes", Problem::BytesUnknown.what(), stored.size_bytes);
            open(Problem::BytesUnknown, &stored.key, None, details)
        });
        Ok(Step {
            last: page.last().map(|stored| stored.key.to_string()),
            counts: FsckCounts { stored: page.len() as u64, ..FsckCounts::default() },
            findings: findings.collect(),
        })
    }

    async fn step_uploads(&self, place: &str) -> Result<Step, Error> {
        let after = if place.is_empty() { Uuid::nil() } else { place.parse().map_err(|_| malformed())? };
        let rows = store::uploads(&self.db, after, ROWS).await?;
        if rows.is_empty() {
            return Ok(Step::default());
        }
        let listed = self.store.uploads().await.map_err(Error::store("list uploads"))?;
        let listed: HashSet<_> = listed.into_iter().map(|upload| upload.key).collect();
        let mut step = Step { last: rows.last().map(|row| row.id.to_string()), ..Step::default() };
        for row in rows {
            step.counts.uploads += 1;
            if row.offset_bytes == 0 || listed.contains(&row.key) {
                continue;
            }
            // It may have ended since its row was read: then its bytes are a blob's, or its row is gone.
            let finished = self.store.size(&row.key.storage_key()).await.map_err(Error::store("look at an upload"))?;
            if finished.is_none() && store::has_upload(&self.db, row.id).await? {
                let details =
                    format!("its first {} bytes are not in the blob store; its client begins anew", row.offset_bytes);
                step.findings.push(open(Problem::UploadLost, &row.id, Some(&row.repository), details));
            }
        }
        Ok(step)
    }
}

fn check_manifest(row: &ManifestRow) -> Option<NewFinding> {
    if row.digest.matches(&row.body) {
        return None;
    }
    let details = format!("{}; restore the catalog from a backup", Problem::ManifestDigest.what());
    Some(open(Problem::ManifestDigest, &row.digest, Some(&row.repository), details))
}

/// Whether a blob is an image's config, which no image may lack.
fn is_config(row: &ManifestRow, blob: &wharf_oci::Digest) -> bool {
    let manifest = Manifest::parse(Some(&row.media_type), &row.body);
    matches!(manifest.map(|manifest| manifest.content), Ok(Content::Image { config, .. }) if config.digest == *blob)
}

fn open(problem: Problem, subject: &dyn std::fmt::Display, repository: Option<&String>, details: String) -> NewFinding {
    let repository = repository.cloned();
    NewFinding { problem, subject: subject.to_string(), repository, details, resolution: Resolution::Open }
}

fn row_id(place: &str) -> Result<i64, Error> {
    if place.is_empty() { Ok(0) } else { place.parse().map_err(|_| malformed()) }
}

fn malformed() -> Error {
    Error::MalformedRow { what: "a check" }
}
