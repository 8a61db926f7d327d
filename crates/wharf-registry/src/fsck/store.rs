//! SQL of `fsck_runs` and `fsck_findings`, and what a check reads of the registry's other tables.

use uuid::Uuid;
use wharf_blob::{StorageKey, UploadKey, UploadState};
use wharf_db::{Db, Row, Statement, Tx, params};
use wharf_oci::Digest;

use super::phases::{Done, NewFinding, Phase, Position};
use super::rule::{Problem, Resolution, Standing};
use super::{Finding, FsckCounts, FsckOptions, FsckRun, FsckState};
use crate::blob::store::{digest, key};
use crate::error::Error;

/// A check that goes on, as its walker needs it.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) id: i64,
    pub(super) options: FsckOptions,
    pub(super) position: Position,
}

/// Begins a check; `None` when one goes on.
pub(super) async fn start(tx: &mut Tx<'_>, by: &str, options: FsckOptions) -> Result<Option<i64>, Error> {
    let now = tx.now();
    let row = tx
        .query_opt(
            "INSERT INTO fsck_runs (started_by, started_at, reads_bytes, rate, expected_blobs, expected_bytes) \
             SELECT ?1, ?2, ?3, ?4, count(*), CAST(coalesce(sum(size_bytes), 0) AS bigint) FROM blobs WHERE state <> 1 \
             ON CONFLICT DO NOTHING RETURNING id",
            &params![by, now, options.reads_bytes, signed(options.bytes_per_second)],
        )
        .await?;
    row.map(|row| Ok(row.integer(0)?)).transpose()
}

pub(super) async fn cancel(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let now = tx.now();
    let ended = tx.execute("UPDATE fsck_runs SET state = 2, ended_at = ?1 WHERE state = 0", &params![now]).await?;
    Ok(ended > 0)
}

pub(super) async fn running(db: &Db) -> Result<Option<Running>, Error> {
    let row = db.get("SELECT id, reads_bytes, rate, phase, place FROM fsck_runs WHERE state = 0", &[]).await?;
    let Some(mut row) = row else { return Ok(None) };
    let options = FsckOptions { reads_bytes: row.boolean(1)?, bytes_per_second: unsigned(&row, 2)? };
    let phase = Phase::from_number(row.integer(3)?).ok_or(Error::MalformedRow { what: "a check" })?;
    Ok(Some(Running { id: row.integer(0)?, options, position: Position { phase, place: row.take_text(4)? } }))
}

/// Writes down what a step has done; `false` when the check was cancelled meanwhile.
pub(super) async fn advance(tx: &mut Tx<'_>, run: i64, done: &Done) -> Result<bool, Error> {
    let counts = done.counts;
    let (state, phase, place) = match &done.next {
        Some(next) => (0, next.phase.number(), next.place.as_str()),
        None => (1, Phase::LAST.number(), ""),
    };
    let ended_at = done.next.is_none().then(|| tx.now());
    let changed = tx
        .execute(
            "UPDATE fsck_runs SET state = ?2, phase = ?3, place = ?4, ended_at = ?5, manifests = manifests + ?6, \
             tags = tags + ?7, blobs = blobs + ?8, read_bytes = read_bytes + ?9, stored = stored + ?10, \
             uploads = uploads + ?11 WHERE id = ?1 AND state = 0",
            &params![
                run,
                state,
                phase,
                place,
                ended_at,
                signed(counts.manifests),
                signed(counts.tags),
                signed(counts.blobs),
                signed(counts.read_bytes),
                signed(counts.stored),
                signed(counts.uploads)
            ],
        )
        .await?;
    Ok(changed > 0)
}

pub(super) async fn note(tx: &mut Tx<'_>, run: i64, finding: &NewFinding) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO fsck_findings (run_id, problem, subject, repository, details, resolution, found_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (run_id, problem, subject, repository) \
         DO UPDATE SET details = excluded.details, resolution = excluded.resolution",
        &params![
            run,
            finding.problem.name(),
            finding.subject.as_str(),
            finding.repository.as_deref().unwrap_or(""),
            finding.details.as_str(),
            finding.resolution as i64,
            now
        ],
    )
    .await?;
    Ok(())
}

macro_rules! runs {
    ($tail:literal) => {
        concat!(
            "SELECT r.id, r.state, r.started_by, r.started_at, r.ended_at, r.reads_bytes, r.rate, r.manifests, r.tags, \
             r.blobs, r.read_bytes, r.stored, r.uploads, r.expected_blobs, r.expected_bytes, \
             (SELECT count(*) FROM fsck_findings f WHERE f.run_id = r.id AND f.resolution = 0), \
             (SELECT count(*) FROM fsck_findings f WHERE f.run_id = r.id AND f.resolution = 1), \
             (SELECT count(*) FROM fsck_findings f WHERE f.run_id = r.id AND f.resolution = 2) FROM fsck_runs r ",
            $tail
        )
    };
}

pub(super) async fn get(db: &Db, id: i64) -> Result<Option<FsckRun>, Error> {
    db.get(runs!("WHERE r.id = ?1"), &params![id]).await?.map(run).transpose()
}

/// The newest check: the one that goes on, if one does.
pub(super) async fn latest(db: &Db) -> Result<Option<FsckRun>, Error> {
    db.get(runs!("ORDER BY r.id DESC LIMIT 1"), &[]).await?.map(run).transpose()
}

fn run(mut row: Row) -> Result<FsckRun, Error> {
    let state = match row.integer(1)? {
        0 => FsckState::Running,
        1 => FsckState::Done,
        2 => FsckState::Cancelled,
        _ => return Err(Error::MalformedRow { what: "a check" }),
    };
    let counts = FsckCounts {
        manifests: unsigned(&row, 7)?,
        tags: unsigned(&row, 8)?,
        blobs: unsigned(&row, 9)?,
        read_bytes: unsigned(&row, 10)?,
        stored: unsigned(&row, 11)?,
        uploads: unsigned(&row, 12)?,
    };
    Ok(FsckRun {
        id: row.integer(0)?,
        state,
        started_by: row.take_text(2)?,
        started_at: row.timestamp(3)?,
        ended_at: row.optional_timestamp(4)?,
        options: FsckOptions { reads_bytes: row.boolean(5)?, bytes_per_second: unsigned(&row, 6)? },
        counts,
        expected_blobs: unsigned(&row, 13)?,
        expected_bytes: unsigned(&row, 14)?,
        open: unsigned(&row, 15)?,
        repaired: unsigned(&row, 16)?,
        quarantined: unsigned(&row, 17)?,
    })
}

pub(super) async fn findings(db: &Db, run: i64, after: i64, limit: i64) -> Result<Vec<Finding>, Error> {
    let rows = db
        .list(
            "SELECT id, problem, subject, repository, details, resolution, found_at FROM fsck_findings \
             WHERE run_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            &params![run, after, limit],
        )
        .await?;
    rows.into_iter().map(finding).collect()
}

fn finding(mut row: Row) -> Result<Finding, Error> {
    let malformed = Error::MalformedRow { what: "a finding" };
    let name = row.take_text(1)?;
    let Some(problem) = Problem::ALL.into_iter().find(|problem| problem.name() == name) else { return Err(malformed) };
    let resolution = usize::try_from(row.integer(5)?).ok().and_then(|number| Resolution::ALL.get(number).copied());
    Ok(Finding {
        id: row.integer(0)?,
        problem,
        subject: row.take_text(2)?,
        repository: Some(row.take_text(3)?).filter(|name| !name.is_empty()),
        details: row.take_text(4)?,
        resolution: resolution.ok_or(malformed)?,
        found_at: row.timestamp(6)?,
    })
}

/// A manifest that is not in the bin.
#[derive(Debug)]
pub(super) struct ManifestRow {
    pub(super) id: i64,
    pub(super) digest: Digest,
    pub(super) media_type: String,
    pub(super) body: Vec<u8>,
    pub(super) repository: String,
}

pub(super) async fn manifests(db: &Db, after: i64, limit: i64) -> Result<Vec<ManifestRow>, Error> {
    let rows = db
        .list(
            "SELECT m.id, m.digest, m.media_type, m.body, r.name FROM manifests m JOIN repositories r ON r.id = m.repository_id \
             WHERE m.id > ?1 AND m.deleted_at IS NULL ORDER BY m.id LIMIT ?2",
            &params![after, limit],
        )
        .await?;
    let manifest = |mut row: Row| {
        Ok(ManifestRow {
            id: row.integer(0)?,
            digest: digest(&row, 1)?,
            media_type: row.take_text(2)?,
            body: row.take_bytes(3)?,
            repository: row.take_text(4)?,
        })
    };
    rows.into_iter().map(manifest).collect()
}

/// Of the manifests from after `first` to `last`, what they stand on and the repository does not have: manifest, blob.
/// A blob that was lost or quarantined is not told here: its own row tells it.
pub(super) async fn unknown_blobs(db: &Db, first: i64, last: i64) -> Result<Vec<(i64, Digest)>, Error> {
    let rows = db
        .list(
            "SELECT f.manifest_id, f.digest FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id \
             WHERE f.manifest_id > ?1 AND f.manifest_id <= ?2 AND f.kind = 0 AND m.deleted_at IS NULL AND (NOT EXISTS \
             (SELECT 1 FROM repository_blobs l WHERE l.repository_id = f.repository_id AND l.digest = f.digest) \
             OR NOT EXISTS (SELECT 1 FROM blobs b WHERE b.digest = f.digest AND b.state <> 1))",
            &params![first, last],
        )
        .await?;
    rows.iter().map(|row| Ok((row.integer(0)?, digest(row, 1)?))).collect()
}

/// A tag, and whether its manifest is there.
#[derive(Debug)]
pub(super) struct TagRow {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) digest: Digest,
    pub(super) repository: String,
    pub(super) has_manifest: bool,
}

pub(super) async fn tags(db: &Db, after: i64, limit: i64) -> Result<Vec<TagRow>, Error> {
    let rows = db
        .list(
            "SELECT t.id, t.name, t.digest, r.name, m.id FROM tags t JOIN repositories r ON r.id = t.repository_id \
             LEFT JOIN manifests m ON m.repository_id = t.repository_id AND m.digest = t.digest AND m.deleted_at IS NULL \
             WHERE t.id > ?1 AND t.until_at IS NULL ORDER BY t.id LIMIT ?2",
            &params![after, limit],
        )
        .await?;
    let tag = |mut row: Row| {
        Ok(TagRow {
            id: row.integer(0)?,
            name: row.take_text(1)?,
            digest: digest(&row, 2)?,
            repository: row.take_text(3)?,
            has_manifest: row.optional_integer(4)?.is_some(),
        })
    };
    rows.into_iter().map(tag).collect()
}

/// A blob that is not being deleted.
#[derive(Debug)]
pub(super) struct BlobRow {
    pub(super) id: i64,
    pub(super) digest: Digest,
    pub(super) size_bytes: u64,
    pub(super) key: StorageKey,
    pub(super) standing: Standing,
}

pub(super) async fn blobs(db: &Db, after: i64, limit: i64) -> Result<Vec<BlobRow>, Error> {
    let rows = db
        .list(
            "SELECT id, digest, size_bytes, storage_key, state FROM blobs WHERE id > ?1 AND state <> 1 ORDER BY id LIMIT ?2",
            &params![after, limit],
        )
        .await?;
    let blob = |row: &Row| {
        let standing = match row.integer(4)? {
            0 => Standing::Present,
            2 => Standing::Lost,
            _ => Standing::Quarantined,
        };
        Ok(BlobRow {
            id: row.integer(0)?,
            digest: digest(row, 1)?,
            size_bytes: unsigned(row, 2)?,
            key: key(row, 3)?,
            standing,
        })
    };
    rows.iter().map(blob).collect()
}

/// Some repositories that link a blob.
pub(super) async fn repositories_of(db: &Db, blob: &Digest, limit: i64) -> Result<Vec<String>, Error> {
    let rows = db
        .list(
            "SELECT r.name FROM repository_blobs l JOIN repositories r ON r.id = l.repository_id \
             WHERE l.digest = ?1 ORDER BY l.repository_id LIMIT ?2",
            &params![blob.to_bytes(), limit],
        )
        .await?;
    rows.into_iter().map(|mut row| Ok(row.take_text(0)?)).collect()
}

/// Takes a present blob (0) out of service: lost (2) or quarantined (3). `false` when its row has changed meanwhile.
pub(super) async fn withdraw(tx: &mut Tx<'_>, key: &StorageKey, standing: Standing) -> Result<bool, Error> {
    let state = match standing {
        Standing::Present => 0,
        Standing::Lost => 2,
        Standing::Quarantined => 3,
    };
    let statement = "UPDATE blobs SET state = ?2 WHERE storage_key = ?1 AND state = 0";
    Ok(tx.execute(statement, &params![key.to_string(), state]).await? > 0)
}

/// Brings a withdrawn blob back, unless others' bytes have taken its place.
pub(super) async fn restore(tx: &mut Tx<'_>, key: &StorageKey) -> Result<bool, Error> {
    let restored = tx
        .execute(
            "UPDATE blobs SET state = 0 WHERE storage_key = ?1 AND state IN (2, 3) AND NOT EXISTS \
             (SELECT 1 FROM blobs b WHERE b.digest = blobs.digest AND b.state = 0)",
            &params![key.to_string()],
        )
        .await?;
    Ok(restored > 0)
}

/// Whether a blob's row still says `standing` of these bytes.
pub(super) async fn is_withdrawn(tx: &mut Tx<'_>, key: &StorageKey) -> Result<bool, Error> {
    let statement = "SELECT 1 FROM blobs WHERE storage_key = ?1 AND state IN (2, 3)";
    Ok(tx.query_opt(statement, &params![key.to_string()]).await?.is_some())
}

/// Of `keys`, those that neither a blob nor an upload has.
pub(super) async fn unknown_keys(db: &Db, keys: &[StorageKey]) -> Result<Vec<StorageKey>, Error> {
    let keys = serde_json::to_string(keys).map_err(|_| Error::MalformedRow { what: "a key list" })?;
    let rows = db
        .list(
            Statement::dialects(
                "SELECT j.value FROM json_each(?1) j WHERE NOT EXISTS (SELECT 1 FROM blobs b WHERE b.storage_key = j.value) \
                 AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.upload_key = j.value)",
                "SELECT j.value FROM json_array_elements_text(CAST(?1 AS text)::json) j \
                 WHERE NOT EXISTS (SELECT 1 FROM blobs b WHERE b.storage_key = j.value) \
                 AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.upload_key = j.value)",
            ),
            &params![keys],
        )
        .await?;
    rows.iter().map(|row| key(row, 0)).collect()
}

/// An upload that holds bytes.
#[derive(Debug)]
pub(super) struct UploadRow {
    pub(super) id: Uuid,
    pub(super) key: UploadKey,
    pub(super) repository: String,
    pub(super) offset_bytes: u64,
}

pub(super) async fn uploads(db: &Db, after: Uuid, limit: i64) -> Result<Vec<UploadRow>, Error> {
    let rows = db
        .list(
            "SELECT id, upload_key, repository, state FROM uploads WHERE id > ?1 ORDER BY id LIMIT ?2",
            &params![after.as_bytes().as_slice(), limit],
        )
        .await?;
    let malformed = || Error::MalformedRow { what: "an upload" };
    let upload = |mut row: Row| {
        let state = UploadState::from_bytes(row.bytes(3)?).ok_or_else(malformed)?;
        Ok(UploadRow {
            id: Uuid::from_slice(row.bytes(0)?).map_err(|_| malformed())?,
            key: row.text(1)?.parse().map_err(|_| malformed())?,
            repository: row.take_text(2)?,
            offset_bytes: state.offset,
        })
    };
    rows.into_iter().map(upload).collect()
}

/// Whether an upload is still open.
pub(super) async fn has_upload(db: &Db, id: Uuid) -> Result<bool, Error> {
    Ok(db.get("SELECT 1 FROM uploads WHERE id = ?1", &params![id.as_bytes().as_slice()]).await?.is_some())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row, column: usize) -> Result<u64, Error> {
    u64::try_from(row.integer(column)?).map_err(|_| Error::MalformedRow { what: "a count" })
}
