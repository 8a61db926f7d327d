//! SQL of `manifests` and `manifest_references`.

use std::collections::BTreeSet;

use bytes::Bytes;
use wharf_context::{Context, Permit, Pull};
use wharf_db::{Db, Statement, Tx, params};
use wharf_oci::descriptor::Descriptor;
use wharf_oci::{Digest, Reference};

use super::StoredManifest;
use super::put::Parsed;
use crate::blob::store::{digest, hex_list};
use crate::error::Error;
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
pub(super) async fn sizes(
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
pub(super) async fn put(
    tx: &mut Tx<'_>,
    ctx: &Context,
    repository: RepositoryId,
    parsed: &Parsed<'_>,
) -> Result<bool, Error> {
    let now = tx.now();
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
                ctx.caller.name.as_str(),
                now
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

/// Puts a manifest into the bin; says whether it was there.
pub(super) async fn bin(tx: &mut Tx<'_>, repository: RepositoryId, digest: &Digest) -> Result<bool, Error> {
    let now = tx.now();
    let changed = tx
        .execute(
            "UPDATE manifests SET deleted_at = ?3 WHERE repository_id = ?1 AND digest = ?2 AND deleted_at IS NULL",
            &params![repository.0, digest.to_bytes(), now],
        )
        .await?;
    if changed > 0 {
        quota::store::bin_manifest(tx, repository).await?;
    }
    Ok(changed > 0)
}

/// The digests of descriptors, each once, in one order for all: rows that are locked in one order cannot deadlock.
pub(super) fn sorted<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<Digest> {
    descriptors.map(|descriptor| descriptor.digest).collect::<BTreeSet<_>>().into_iter().collect()
}
