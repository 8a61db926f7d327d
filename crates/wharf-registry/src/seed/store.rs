//! SQL that makes rows of this part by the thousand.

use wharf_context::ProjectId;
use wharf_db::{Db, Statement, Tx, params};
use wharf_oci::{Digest, RepositoryName};

use super::Image;
use crate::blob::store::hex_list;
use crate::error::Error;
use crate::repository::RepositoryId;

pub(super) const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

pub(super) async fn project_of(db: &Db, repository: &RepositoryName) -> Result<Option<ProjectId>, Error> {
    let row = db.get("SELECT project_id FROM repositories WHERE name = ?1", &params![repository.as_str()]).await?;
    Ok(row.map(|row| row.integer(0)).transpose()?.map(ProjectId))
}

pub(super) async fn insert_repository(tx: &mut Tx<'_>, project: ProjectId, name: &str) -> Result<RepositoryId, Error> {
    let now = tx.now();
    let row = tx
        .query_opt(
            "INSERT INTO repositories (project_id, name, created_at) VALUES (?1, ?2, ?3) RETURNING id",
            &params![project.0, name, now],
        )
        .await?;
    Ok(RepositoryId(row.ok_or(Error::MalformedRow { what: "a repository" })?.integer(0)?))
}

/// Makes blobs whose bytes are nowhere, and links them.
pub(super) async fn insert_blobs(
    tx: &mut Tx<'_>,
    repository: RepositoryId,
    digests: &[Digest],
    size_bytes: usize,
) -> Result<(), Error> {
    let (now, list) = (tx.now(), hex_list(digests)?);
    let size = i64::try_from(size_bytes).map_err(|_| Error::MalformedRow { what: "a blob's size" })?;
    tx.execute(
        Statement::dialects(
            "INSERT INTO blobs (digest, size_bytes, storage_key, created_at) \
             SELECT unhex(value), ?2, 'seed-' || value, ?3 FROM json_each(?1)",
            "INSERT INTO blobs (digest, size_bytes, storage_key, created_at) \
             SELECT decode(value, 'hex'), CAST(?2 AS bigint), 'seed-' || value, CAST(?3 AS bigint) \
             FROM json_array_elements_text(CAST(?1 AS text)::json)",
        ),
        &params![list.clone(), size, now],
    )
    .await?;
    tx.execute(
        Statement::dialects(
            "INSERT INTO repository_blobs (repository_id, digest, linked_at) SELECT ?2, unhex(value), ?3 FROM json_each(?1)",
            "INSERT INTO repository_blobs (repository_id, digest, linked_at) \
             SELECT CAST(?2 AS bigint), decode(value, 'hex'), CAST(?3 AS bigint) \
             FROM json_array_elements_text(CAST(?1 AS text)::json)",
        ),
        &params![list, repository.0, now],
    )
    .await?;
    Ok(())
}

/// Makes manifests with their references and tags.
pub(super) async fn insert_images(tx: &mut Tx<'_>, repository: RepositoryId, images: &[Image]) -> Result<(), Error> {
    let now = tx.now();
    let list = serde_json::to_string(images).map_err(|_| Error::MalformedRow { what: "a list of images" })?;
    tx.execute(
        Statement::dialects(
            "INSERT INTO manifests (repository_id, digest, media_type, body, pushed_by, pushed_at) \
             SELECT ?2, unhex(value ->> 'digest'), ?4, CAST(value ->> 'body' AS BLOB), 'seed', ?3 FROM json_each(?1)",
            "INSERT INTO manifests (repository_id, digest, media_type, body, pushed_by, pushed_at) \
             SELECT CAST(?2 AS bigint), decode(value ->> 'digest', 'hex'), CAST(?4 AS text), convert_to(value ->> 'body', 'UTF8'), \
             'seed', CAST(?3 AS bigint) FROM json_array_elements(CAST(?1 AS text)::json)",
        ),
        &params![list.clone(), repository.0, now, MEDIA_TYPE],
    )
    .await?;
    tx.execute(
        Statement::dialects(
            "INSERT INTO manifest_references (manifest_id, kind, digest, repository_id) SELECT m.id, 0, unhex(b.value), ?2 \
             FROM json_each(?1) j CROSS JOIN manifests m ON m.repository_id = ?2 AND m.digest = unhex(j.value ->> 'digest') \
             AND m.deleted_at IS NULL CROSS JOIN json_each(j.value -> 'blobs') b",
            "INSERT INTO manifest_references (manifest_id, kind, digest, repository_id) \
             SELECT m.id, 0, decode(b.value, 'hex'), CAST(?2 AS bigint) FROM json_array_elements(CAST(?1 AS text)::json) j \
             JOIN manifests m ON m.repository_id = CAST(?2 AS bigint) AND m.digest = decode(j.value ->> 'digest', 'hex') \
             AND m.deleted_at IS NULL CROSS JOIN json_array_elements_text(j.value -> 'blobs') b",
        ),
        &params![list.clone(), repository.0],
    )
    .await?;
    tx.execute(
        Statement::dialects(
            "INSERT INTO tags (repository_id, name, digest, changed_by, since_at) \
             SELECT ?2, value ->> 'tag', unhex(value ->> 'digest'), 'seed', ?3 FROM json_each(?1)",
            "INSERT INTO tags (repository_id, name, digest, changed_by, since_at) \
             SELECT CAST(?2 AS bigint), value ->> 'tag', decode(value ->> 'digest', 'hex'), 'seed', CAST(?3 AS bigint) \
             FROM json_array_elements(CAST(?1 AS text)::json)",
        ),
        &params![list, repository.0, now],
    )
    .await?;
    Ok(())
}
