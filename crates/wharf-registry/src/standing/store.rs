//! SQL that reads `repositories`, `manifests` and `tags` by names.

use bytes::Bytes;
use wharf_context::ProjectId;
use wharf_db::{Db, Row, Tx, params};
use wharf_oci::{Digest, RepositoryName, Tag};

use super::{AttachedManifest, StandingManifest, TagSpell};
use crate::blob::store::digest as digest_at;
use crate::error::Error;
use crate::manifest::StoredManifest;

const MANIFEST: &str = "SELECT m.media_type, m.body, m.pushed_by, m.pushed_at FROM repositories r \
     JOIN manifests m ON m.repository_id = r.id AND m.deleted_at IS NULL \
     WHERE r.name = ?1 AND r.project_id = ?2 AND m.digest = ?3";

pub(super) async fn manifest(
    tx: &mut Tx<'_>,
    project: ProjectId,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<StandingManifest>, Error> {
    let row = tx.query_opt(MANIFEST, &params![repository.as_str(), project, digest.to_bytes()]).await?;
    row.map(|row| read(row, digest)).transpose()
}

pub(super) async fn find_manifest(
    db: &Db,
    project: ProjectId,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<StandingManifest>, Error> {
    let row = db.get(MANIFEST, &params![repository.as_str(), project, digest.to_bytes()]).await?;
    row.map(|row| read(row, digest)).transpose()
}

fn read(mut row: Row, digest: &Digest) -> Result<StandingManifest, Error> {
    let manifest =
        StoredManifest { digest: *digest, media_type: row.take_text(0)?, bytes: Bytes::from(row.take_bytes(1)?) };
    Ok(StandingManifest { manifest, pushed_by: row.take_text(2)?, since: row.timestamp(3)? })
}

pub(super) async fn attached(
    tx: &mut Tx<'_>,
    project: ProjectId,
    (repository, development): (&RepositoryName, &RepositoryName),
    subject: &Digest,
    limit: u32,
) -> Result<Vec<AttachedManifest>, Error> {
    const SQL: &str = "SELECT a.digest, MIN(CASE WHEN d.pushed_at < a.pushed_at THEN d.pushed_at ELSE a.pushed_at END), MAX(a.id) \
         FROM (SELECT m.id, m.digest, m.pushed_at FROM repositories r \
             JOIN manifests m ON m.repository_id = r.id AND m.subject = ?3 AND m.deleted_at IS NULL \
             WHERE r.name = ?1 AND r.project_id = ?2 \
           UNION ALL SELECT m.id, m.digest, m.pushed_at FROM repositories r \
             JOIN tags t ON t.repository_id = r.id AND t.name = ?4 AND t.until_at IS NULL \
             JOIN manifests m ON m.repository_id = r.id AND m.digest = t.digest AND m.deleted_at IS NULL \
             WHERE r.name = ?1 AND r.project_id = ?2) a \
         LEFT JOIN repositories o ON o.name = ?5 AND o.project_id = ?2 \
         LEFT JOIN manifests d ON d.repository_id = o.id AND d.digest = a.digest AND d.deleted_at IS NULL \
         GROUP BY a.digest ORDER BY 3 DESC LIMIT ?6";
    let tag = format!("{}-{}.att", subject.algorithm().name(), subject.hex());
    let params = params![repository.as_str(), project, subject.to_bytes(), tag, development.as_str(), limit];
    let rows = tx.query(SQL, &params).await?;
    rows.iter().map(|row| Ok(AttachedManifest { digest: digest_at(row, 0)?, attached_at: row.timestamp(1)? })).collect()
}

pub(super) async fn pointed(
    tx: &mut Tx<'_>,
    project: ProjectId,
    repository: &RepositoryName,
    tag: &Tag,
) -> Result<Option<Digest>, Error> {
    const SQL: &str = "SELECT t.digest FROM repositories r JOIN tags t ON t.repository_id = r.id AND t.until_at IS NULL \
         WHERE r.name = ?1 AND r.project_id = ?2 AND t.name = ?3";
    let row = tx.query_opt(SQL, &params![repository.as_str(), project, tag.as_str()]).await?;
    row.map(|row| digest_at(&row, 0)).transpose()
}

pub(super) async fn tags_at(
    tx: &mut Tx<'_>,
    project: ProjectId,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Vec<Tag>, Error> {
    const SQL: &str = "SELECT t.name FROM repositories r JOIN tags t ON t.repository_id = r.id AND t.until_at IS NULL \
         WHERE r.name = ?1 AND r.project_id = ?2 AND t.digest = ?3 ORDER BY t.name";
    let rows = tx.query(SQL, &params![repository.as_str(), project, digest.to_bytes()]).await?;
    rows.iter().map(|row| tag(row, 0)).collect()
}

pub(super) async fn spells(
    db: &Db,
    project: ProjectId,
    (repository, digest): (&RepositoryName, &Digest),
    limit: u32,
) -> Result<Vec<TagSpell>, Error> {
    // Two halves, because each has an index of its own.
    const SQL: &str = "SELECT t.name, t.changed_by, t.since_at, t.until_at FROM repositories r \
         JOIN tags t ON t.repository_id = r.id AND t.digest = ?3 AND t.until_at IS NULL WHERE r.name = ?1 AND r.project_id = ?2 \
         UNION ALL SELECT t.name, t.changed_by, t.since_at, t.until_at FROM repositories r \
         JOIN tags t ON t.repository_id = r.id AND t.digest = ?3 AND t.until_at IS NOT NULL WHERE r.name = ?1 AND r.project_id = ?2 \
         ORDER BY 3 DESC, 1 LIMIT ?4";
    let rows = db.list(SQL, &params![repository.as_str(), project, digest.to_bytes(), limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(TagSpell {
                tag: tag(row, 0)?,
                changed_by: row.text(1)?.to_owned(),
                since: row.timestamp(2)?,
                until: row.optional_timestamp(3)?,
            })
        })
        .collect()
}

fn tag(row: &Row, column: usize) -> Result<Tag, Error> {
    row.text(column)?.parse().map_err(|_| Error::MalformedRow { what: "a tag" })
}
