//! SQL of what is where: reads `repositories`, `manifests` and `tags`.

use wharf_context::ProjectId;
use wharf_db::{Db, Row, Tx, params};
use wharf_oci::{Digest, Reference, RepositoryName};

use super::{MAX_TAGS, Presence, Stored, Tagged};
use crate::blob::store::digest;
use crate::error::Error;

const TAGS: &str = "SELECT name, MAX(since_at), CAST(MAX(now) AS bigint) FROM (\
     SELECT name, since_at, 1 AS now FROM tags WHERE repository_id = ?1 AND digest = ?2 AND until_at IS NULL \
     UNION ALL \
     SELECT name, since_at, 0 AS now FROM tags WHERE repository_id = ?1 AND digest = ?2 AND until_at IS NOT NULL) pointed \
     GROUP BY name ORDER BY MAX(since_at) DESC, name LIMIT ?3";

pub(super) async fn get(tx: &mut Tx<'_>, repository: &RepositoryName, of: &Digest) -> Result<Option<Presence>, Error> {
    let row = tx
        .query_opt(
            "SELECT r.id, r.project_id, m.pushed_at, m.pushed_by FROM repositories r \
             JOIN manifests m ON m.repository_id = r.id AND m.digest = ?2 AND m.deleted_at IS NULL WHERE r.name = ?1",
            &params![repository.as_str(), of.to_bytes()],
        )
        .await?;
    let Some(mut row) = row else { return Ok(None) };
    let tags = tx.query(TAGS, &params![row.integer(0)?, of.to_bytes(), MAX_TAGS]).await?;
    Ok(Some(Presence {
        project: ProjectId(row.integer(1)?),
        pushed_at: row.timestamp(2)?,
        pushed_by: row.take_text(3)?,
        tags: tags.iter().map(tagged).collect::<Result<_, _>>()?,
    }))
}

fn tagged(row: &Row) -> Result<Tagged, Error> {
    let tag = row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a tag" })?;
    Ok(Tagged { tag, since: row.timestamp(1)?, is_current: row.boolean(2)? })
}

pub(super) async fn list(db: &Db, position: i64, limit: u32) -> Result<Vec<Stored>, Error> {
    let rows = db
        .list(
            "SELECT m.id, r.name, m.digest FROM manifests m JOIN repositories r ON r.id = m.repository_id \
             WHERE m.id > ?1 AND m.deleted_at IS NULL ORDER BY m.id LIMIT ?2",
            &params![position, limit],
        )
        .await?;
    let malformed = |_| Error::MalformedRow { what: "a repository" };
    let stored = |row: &Row| {
        let repository = row.text(1)?.parse().map_err(malformed)?;
        Ok(Stored { position: row.integer(0)?, repository, digest: digest(row, 2)? })
    };
    rows.iter().map(stored).collect()
}

pub(super) async fn resolve(
    db: &Db,
    project: ProjectId,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Option<Digest>, Error> {
    let row = match reference {
        Reference::Tag(tag) => {
            db.get(
                "SELECT t.digest FROM repositories r JOIN tags t ON t.repository_id = r.id AND t.until_at IS NULL \
                 WHERE r.name = ?1 AND r.project_id = ?2 AND t.name = ?3",
                &params![repository.as_str(), project, tag.as_str()],
            )
            .await?
        }
        Reference::Digest(of) => {
            db.get(
                "SELECT m.digest FROM repositories r JOIN manifests m ON m.repository_id = r.id AND m.deleted_at IS NULL \
                 WHERE r.name = ?1 AND r.project_id = ?2 AND m.digest = ?3",
                &params![repository.as_str(), project, of.to_bytes()],
            )
            .await?
        }
    };
    row.map(|row| digest(&row, 0)).transpose()
}
