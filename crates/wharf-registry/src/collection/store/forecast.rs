//! SQL of what collection would take: pages by time and key over the indexes that collection itself uses.

use std::time::Duration;

use uuid::Uuid;
use wharf_blob::UploadState;
use wharf_context::Timestamp;
use wharf_db::{Db, Row, Tx, params};

use super::count;
use crate::blob::store::digest;
use crate::collection::forecast::{Forecast, Reason};
use crate::error::Error;
use crate::repository::RepositoryId;

/// A row's place in a list that is ordered by time: what follows is later, or has a larger key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct After {
    pub(crate) at: Timestamp,
    pub(crate) key: Vec<u8>,
}

impl Default for After {
    fn default() -> Self {
        Self { at: Timestamp(i64::MIN), key: Vec::new() }
    }
}

impl After {
    fn id(&self) -> i64 {
        <[u8; 8]>::try_from(self.key.as_slice()).map_or(i64::MIN, i64::from_be_bytes)
    }

    fn by_id(at: Timestamp, id: i64) -> Self {
        Self { at, key: id.to_be_bytes().to_vec() }
    }
}

type Entry = (After, Option<Forecast>);

pub(crate) const DELETING: &str = "SELECT delete_after, id, digest, size_bytes FROM blobs \
     WHERE state = 1 AND (delete_after, id) > (?1, ?2) ORDER BY delete_after, id LIMIT ?3";
pub(crate) const UPLOADS: &str = "SELECT touched_at, id, repository, state FROM uploads \
     WHERE (touched_at, id) > (?1, ?2) ORDER BY touched_at, id LIMIT ?3";
pub(crate) const BINNED: &str = "SELECT m.deleted_at, m.id, m.digest, CAST(LENGTH(m.body) AS bigint), r.name \
     FROM manifests m JOIN repositories r ON r.id = m.repository_id \
     WHERE m.deleted_at IS NOT NULL AND (m.deleted_at, m.id) > (?1, ?2) ORDER BY m.deleted_at, m.id LIMIT ?3";
pub(crate) const UNTAGGED: &str = "SELECT v.since_at, v.repository_id, v.digest, r.name, \
     (SELECT CAST(LENGTH(m.body) AS bigint) FROM manifests m \
      WHERE m.repository_id = v.repository_id AND m.digest = v.digest AND m.deleted_at IS NULL) \
     FROM manifest_reviews v JOIN repositories r ON r.id = v.repository_id \
     WHERE (v.since_at, v.repository_id, v.digest) > (?1, ?2, ?3) \
     ORDER BY v.since_at, v.repository_id, v.digest LIMIT ?4";
pub(crate) const UNUSED: &str = "SELECT v.review_after, v.digest, \
     (SELECT b.size_bytes FROM blobs b WHERE b.digest = v.digest AND b.state <> 1 LIMIT 1), \
     CAST(CASE WHEN EXISTS (SELECT 1 FROM repository_blobs l \
      JOIN manifest_references f ON f.digest = l.digest AND f.repository_id = l.repository_id \
      WHERE l.digest = v.digest) THEN 1 ELSE 0 END AS bigint) \
     FROM blob_reviews v WHERE (v.review_after, v.digest) > (?1, ?2) ORDER BY v.review_after, v.digest LIMIT ?3";

/// Blobs whose bytes are being deleted.
pub(crate) async fn deleting(db: &Db, after: &After, limit: usize) -> Result<Vec<Entry>, Error> {
    let rows = db.list(DELETING, &params![after.at, after.id(), count(limit)]).await?;
    let entries = rows.iter().map(|row| {
        let due_at = row.timestamp(0)?;
        let entry = entry(Reason::Deleting, due_at, size(row, 3)?);
        Ok((After::by_id(due_at, row.integer(1)?), Some(Forecast { digest: Some(digest(row, 2)?), ..entry })))
    });
    entries.collect()
}

/// Uploads, which nobody may have continued when `expiry` is over.
pub(crate) async fn uploads(db: &Db, after: &After, (expiry, limit): (Duration, usize)) -> Result<Vec<Entry>, Error> {
    let rows = db.list(UPLOADS, &params![after.at, &after.key, count(limit)]).await?;
    let malformed = || Error::MalformedRow { what: "an upload" };
    let entries = rows.iter().map(|row| {
        let at = row.timestamp(0)?;
        let state = UploadState::from_bytes(row.bytes(3)?).ok_or_else(malformed)?;
        let entry = Forecast {
            upload: Some(Uuid::from_slice(row.bytes(1)?).map_err(|_| malformed())?),
            repository: Some(row.text(2)?.parse().map_err(|_| malformed())?),
            ..entry(Reason::UploadExpires, at.plus(expiry), state.offset)
        };
        Ok((After { at, key: row.bytes(1)?.to_vec() }, Some(entry)))
    });
    entries.collect()
}

/// Manifests in the bin.
pub(crate) async fn binned(db: &Db, after: &After, (keep, limit): (Duration, usize)) -> Result<Vec<Entry>, Error> {
    let rows = db.list(BINNED, &params![after.at, after.id(), count(limit)]).await?;
    let entries = rows.iter().map(|row| {
        let at = row.timestamp(0)?;
        let entry = Forecast {
            digest: Some(digest(row, 2)?),
            repository: Some(name(row, 4)?),
            ..entry(Reason::Binned, at.plus(keep), size(row, 3)?)
        };
        Ok((After::by_id(at, row.integer(1)?), Some(entry)))
    });
    entries.collect()
}

/// Manifests that may be needed by nothing; whether they are is not looked at here.
pub(crate) async fn untagged(
    tx: &mut Tx<'_>,
    after: &After,
    (time, limit): (Duration, usize),
) -> Result<Vec<(After, Option<Forecast>, RepositoryId)>, Error> {
    let (id, rest) = after.key.split_at_checked(8).unwrap_or_default();
    let id = After { at: after.at, key: id.to_vec() }.id();
    let rows = tx.query(UNTAGGED, &params![after.at, id, rest, count(limit)]).await?;
    let entries = rows.iter().map(|row| {
        let (at, repository) = (row.timestamp(0)?, RepositoryId(row.integer(1)?));
        let key = [&repository.0.to_be_bytes(), row.bytes(2)?].concat();
        let size_bytes = row.optional_integer(4)?.map(i64::unsigned_abs);
        let forecast = size_bytes.map(|size_bytes| entry(Reason::Untagged, at.plus(time), size_bytes));
        let forecast = match forecast {
            Some(entry) => Some(Forecast { digest: Some(digest(row, 2)?), repository: Some(name(row, 3)?), ..entry }),
            None => None,
        };
        Ok((After { at, key }, forecast, repository))
    });
    entries.collect()
}

/// Blobs that are to be looked at and that no manifest names.
pub(crate) async fn unused(db: &Db, after: &After, limit: usize) -> Result<Vec<Entry>, Error> {
    let rows = db.list(UNUSED, &params![after.at, &after.key, count(limit)]).await?;
    let entries = rows.iter().map(|row| {
        let due_at = row.timestamp(0)?;
        let digest = digest(row, 1)?;
        let is_named = row.boolean(3)?;
        let size_bytes = row.optional_integer(2)?.map(i64::unsigned_abs).filter(|_| !is_named);
        let entry = size_bytes.map(|size_bytes| entry(Reason::Unused, due_at, size_bytes));
        Ok((
            After { at: due_at, key: digest.to_bytes() },
            entry.map(|entry| Forecast { digest: Some(digest), ..entry }),
        ))
    });
    entries.collect()
}

fn entry(reason: Reason, due_at: Timestamp, size_bytes: u64) -> Forecast {
    Forecast { reason, digest: None, upload: None, repository: None, size_bytes, due_at }
}

fn size(row: &Row, column: usize) -> Result<u64, Error> {
    Ok(row.integer(column)?.unsigned_abs())
}

fn name(row: &Row, column: usize) -> Result<wharf_oci::RepositoryName, Error> {
    row.text(column)?.parse().map_err(|_| Error::MalformedRow { what: "a repository" })
}
