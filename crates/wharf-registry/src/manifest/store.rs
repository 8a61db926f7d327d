//! SQL of `manifests` and `manifest_references`.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use wharf_context::{Permit, ProjectId, Pull, Timestamp};
use wharf_db::{Db, Statement, Tx, params};
use wharf_oci::descriptor::Descriptor;
use wharf_oci::{Digest, Reference};

use super::StoredManifest;
use super::put::{Origin, Parsed};
use crate::blob::store::{digest, hex_list};
use crate::error::Error;
use crate::ports::Resting;
use crate::quota;
use crate::repository::RepositoryId;

const BLOB: i64 = 0;
const MANIFEST: i64 = 1;

pub(super) async fn find(
    db: &Db,
    permit: &Permit<Pull>,
    reference: &Reference,
) -> Result<Option<StoredManifest>, Error> {
    let (repository, project) = (permit.repository().as_str(), permit.project().0);
    let row = match reference {
        Reference::Tag(tag) => {
            db.get(
                "SELECT m.digest, m.media_type, m.body FROM repositories r \
                 JOIN tags t ON t.repository_id = r.id AND t.until_at IS NULL \
                 JOIN manifests m ON m.repository_id = r.id AND m.digest = t.digest AND m.deleted_at IS NULL \
                 WHERE r.name = ?1 AND r.project_id = ?2 AND t.name = ?3",
                &params![repository, project, tag.as_str()],
            )
            .await?
        }
        Reference::Digest(digest) => {
            db.get(
                "SELECT m.digest, m.media_type, m.body FROM repositories r \
                 JOIN manifests m ON m.repository_id = r.id AND m.deleted_at IS NULL \
                 WHERE r.name = ?1 AND r.project_id = ?2 AND m.digest = ?3",
                &params![repository, project, digest.to_bytes()],
            )
            .await?
        }
    };
    let Some(mut row) = row else { return Ok(None) };
    Ok(Some(StoredManifest {
        digest: digest(&row, 0)?,
        media_type: row.take_text(1)?,
        bytes: Bytes::from(row.take_bytes(2)?),
    }))
}

/// Of `digests`, the manifests that the repository has, with the sizes of their bytes.
pub(crate) async fn sizes(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<(Digest, u64)>, Error> {
    let rows = tx
        .query(
            Statement::dialects(
                // CROSS JOIN keeps the order: begun at the repository, it would read all its manifests.
                "SELECT m.digest, LENGTH(m.body) FROM json_each(?2) j CROSS JOIN manifests m \
                 ON m.repository_id = ?1 AND m.digest = unhex(j.value) AND m.deleted_at IS NULL",
                "SELECT m.digest, CAST(LENGTH(m.body) AS bigint) FROM json_array_elements_text(CAST(?2 AS text)::json) j \
                 JOIN manifests m ON m.repository_id = ?1 AND m.digest = decode(j.value, 'hex') AND m.deleted_at IS NULL",
            ),
            &params![repository.0, hex_list(digests)?],
        )
        .await?;
    rows.iter().map(|row| Ok((digest(row, 0)?, row.integer(1)?.unsigned_abs()))).collect()
}

/// Stores a manifest unless it is there; says whether it was.
pub(crate) async fn put(
    tx: &mut Tx<'_>,
    origin: Origin<'_>,
    repository: RepositoryId,
    parsed: &Parsed<'_>,
) -> Result<bool, Error> {
    let pushed_at = origin.at.unwrap_or(tx.now());
    let manifest = parsed.manifest;
    // Referrers are listed with their annotations; no other manifest is ever asked for them.
    let annotations = manifest.subject.as_ref().map(|_| serde_json::to_string(&manifest.annotations));
    let annotations = annotations.transpose().map_err(|_| Error::MalformedRow { what: "annotations" })?;
    let row = tx
        .query_opt(
            "INSERT INTO manifests (repository_id, digest, media_type, artifact_type, subject, annotations, body, pushed_by, pushed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
             ON CONFLICT (repository_id, digest) WHERE deleted_at IS NULL DO NOTHING RETURNING id",
            &params![
                repository.0,
                parsed.digest.to_bytes(),
                manifest.media_type.as_str(),
                manifest.artifact_type.clone(),
                manifest.subject.as_ref().map(|subject| subject.digest.to_bytes()),
                annotations,
                parsed.bytes.to_vec(),
                origin.by,
                pushed_at
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(true) };
    let id = row.integer(0)?;
    refer(tx, repository, id, BLOB, &sorted(manifest.blobs().chain(manifest.optional_blobs()))).await?;
    refer(tx, repository, id, MANIFEST, &sorted(manifest.children().iter())).await?;
    Ok(false)
}

async fn refer(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    manifest: i64,
    kind: i64,
    digests: &[Digest],
) -> Result<(), Error> {
    if digests.is_empty() {
        return Ok(());
    }
    tx.execute(
        Statement::dialects(
            "INSERT INTO manifest_references (manifest_id, kind, digest, repository_id) SELECT ?1, ?2, unhex(value), ?4 FROM json_each(?3)",
            "INSERT INTO manifest_references (manifest_id, kind, digest, repository_id) \
             SELECT CAST(?1 AS bigint), CAST(?2 AS bigint), decode(value, 'hex'), CAST(?4 AS bigint) \
             FROM json_array_elements_text(CAST(?3 AS text)::json)",
        ),
        &params![manifest, kind, hex_list(digests)?, repository.0],
    )
    .await?;
    Ok(())
}

/// A manifest that is in the bin now.
#[derive(Debug)]
pub(crate) struct Gone {
    pub(crate) id: i64,
    pub(crate) subject: Option<Digest>,
}

/// Puts a manifest into the bin; `None` where it is not there. What goes with it is for [`crate::bin::put`] to say.
pub(crate) async fn bin(tx: &mut Tx<'_>, repository: RepositoryId, of: &Digest) -> Result<Option<Gone>, Error> {
    let now = tx.now();
    let row = tx
        .query_opt(
            "UPDATE manifests SET deleted_at = ?3 WHERE repository_id = ?1 AND digest = ?2 AND deleted_at IS NULL \
             RETURNING id, subject",
            &params![repository.0, of.to_bytes(), now],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    quota::store::content::bin_manifest(tx, repository).await?;
    let subject = row.optional_bytes(1)?.map(|_| digest(&row, 1)).transpose()?;
    Ok(Some(Gone { id: row.integer(0)?, subject }))
}

/// Takes a manifest out of the bin; says whether it was there.
pub(crate) async fn unbin(tx: &mut Tx<'_>, repository: RepositoryId, id: i64) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "UPDATE manifests SET deleted_at = NULL WHERE id = ?2 AND repository_id = ?1 AND deleted_at IS NOT NULL",
            &params![repository.0, id],
        )
        .await?;
    Ok(changed > 0)
}

pub(crate) const EXPIRED: &str =
    "SELECT id FROM manifests WHERE deleted_at IS NOT NULL AND deleted_at < ?1 ORDER BY deleted_at LIMIT ?2";
pub(crate) const STILL_EXPIRED: Statement = Statement::dialects(
    "SELECT id FROM manifests WHERE id IN (SELECT value FROM json_each(?1)) AND deleted_at IS NOT NULL AND deleted_at < ?2",
    "SELECT id FROM manifests WHERE id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) \
     AND deleted_at IS NOT NULL AND deleted_at < ?2 FOR UPDATE SKIP LOCKED",
);
pub(crate) const REVIEW_BLOBS: Statement = Statement::dialects(
    "INSERT INTO blob_reviews (digest, review_after) \
     SELECT DISTINCT digest, ?2 FROM manifest_references WHERE kind = 0 AND manifest_id IN (SELECT value FROM json_each(?1)) ORDER BY digest \
     ON CONFLICT (digest) DO UPDATE SET review_after = excluded.review_after",
    "INSERT INTO blob_reviews (digest, review_after) \
     SELECT DISTINCT digest, CAST(?2 AS bigint) FROM manifest_references WHERE kind = 0 \
     AND manifest_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) ORDER BY digest \
     ON CONFLICT (digest) DO UPDATE SET review_after = excluded.review_after",
);
pub(crate) const ERASE_REFERENCES: Statement = Statement::dialects(
    "DELETE FROM manifest_references WHERE manifest_id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM manifest_references WHERE manifest_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json))",
);
pub(crate) const ERASE: Statement = Statement::dialects(
    "DELETE FROM manifests WHERE id IN (SELECT value FROM json_each(?1))",
    "DELETE FROM manifests WHERE id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json))",
);

/// Up to `limit` manifests that were put into the bin before `before`.
pub(crate) async fn expired(db: &Db, before: Timestamp, limit: usize) -> Result<Vec<i64>, Error> {
    let rows = db.list(EXPIRED, &params![before, i64::try_from(limit).unwrap_or(i64::MAX)]).await?;
    rows.iter().map(|row| Ok(row.integer(0)?)).collect()
}

/// Of `ids`, those that still are in the bin since before `before`, and that nobody else is taking out of it.
pub(crate) async fn still_expired(tx: &mut Tx<'_>, ids: &[i64], before: Timestamp) -> Result<Vec<i64>, Error> {
    let rows = tx.query(STILL_EXPIRED, &params![id_list(ids)?, before]).await?;
    rows.iter().map(|row| Ok(row.integer(0)?)).collect()
}

const RESTING: Statement = Statement::dialects(
    "SELECT m.id, r.project_id, r.name, m.digest FROM json_each(?1) j CROSS JOIN manifests m ON m.id = j.value \
     CROSS JOIN repositories r ON r.id = m.repository_id",
    "SELECT m.id, r.project_id, r.name, m.digest FROM json_array_elements_text(CAST(?1 AS text)::json) j \
     JOIN manifests m ON m.id = j.value::bigint JOIN repositories r ON r.id = m.repository_id",
);
const BIN_ANEW: Statement = Statement::dialects(
    "UPDATE manifests SET deleted_at = ?2 WHERE id IN (SELECT value FROM json_each(?1))",
    "UPDATE manifests SET deleted_at = CAST(?2 AS bigint) \
     WHERE id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json))",
);

/// Manifests by what others know them by.
pub(crate) async fn resting(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<(i64, Resting)>, Error> {
    let rows = tx.query(RESTING, &params![id_list(ids)?]).await?;
    let resting = rows.iter().map(|row| {
        let repository = row.text(2)?.parse().map_err(|_| Error::MalformedRow { what: "a repository" })?;
        let project = ProjectId(row.integer(1)?);
        Ok((row.integer(0)?, Resting { project, repository, digest: digest(row, 3)? }))
    });
    resting.collect()
}

/// Lets the time of manifests in the bin begin anew.
pub(crate) async fn bin_anew(tx: &mut Tx<'_>, ids: &[i64]) -> Result<(), Error> {
    if !ids.is_empty() {
        let now = tx.now();
        tx.execute(BIN_ANEW, &params![id_list(ids)?, now]).await?;
    }
    Ok(())
}

/// Takes manifests out of the bin for good and gives their blobs a review date. Says how many.
pub(crate) async fn erase(tx: &mut Tx<'_>, ids: &[i64], grace: Duration) -> Result<usize, Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let list = id_list(ids)?;
    let after = tx.now().plus(grace);
    quota::store::content::release_manifests(tx, &list).await?;
    tx.execute(REVIEW_BLOBS, &params![list.as_str(), after]).await?;
    tx.execute(ERASE_REFERENCES, &params![list.as_str()]).await?;
    tx.execute(ERASE, &params![list]).await?;
    Ok(ids.len())
}

pub(crate) fn id_list(ids: &[i64]) -> Result<String, Error> {
    serde_json::to_string(ids).map_err(|_| Error::MalformedRow { what: "an id list" })
}

/// The digests of descriptors, each once, in one order for all: rows that are locked in one order cannot deadlock.
pub(super) fn sorted<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<Digest> {
    descriptors.map(|descriptor| descriptor.digest).collect::<BTreeSet<_>>().into_iter().collect()
}
