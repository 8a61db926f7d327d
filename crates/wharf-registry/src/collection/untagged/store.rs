//! SQL of `manifest_reviews`.

use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Db, Statement, Tx, params};
use wharf_oci::{Digest, Environments, RepositoryName};

use crate::blob::store::{digest, hex_list};
use crate::collection::rule::Needs;
use crate::collection::store::count;
use crate::error::Error;
use crate::ports::Resting;
use crate::repository::RepositoryId;

/// A manifest: where, and which.
pub(crate) type Place<'a> = (RepositoryId, &'a Digest);

/// A manifest that was noted.
#[derive(Debug, Clone)]
pub(super) struct Review {
    pub(super) repository: RepositoryId,
    pub(super) digest: Digest,
    since_at: Timestamp,
}

const NOTE: &str = "INSERT INTO manifest_reviews (repository_id, digest, since_at) VALUES (?1, ?2, ?3) \
     ON CONFLICT (repository_id, digest) DO UPDATE SET since_at = excluded.since_at";
const NOTE_ALL: Statement = Statement::dialects(
    "INSERT INTO manifest_reviews (repository_id, digest, since_at) \
     SELECT ?1, unhex(value), ?3 FROM json_each(?2) WHERE true ORDER BY value \
     ON CONFLICT (repository_id, digest) DO UPDATE SET since_at = excluded.since_at",
    "INSERT INTO manifest_reviews (repository_id, digest, since_at) \
     SELECT CAST(?1 AS bigint), decode(value, 'hex'), CAST(?3 AS bigint) \
     FROM json_array_elements_text(CAST(?2 AS text)::json) ORDER BY value \
     ON CONFLICT (repository_id, digest) DO UPDATE SET since_at = excluded.since_at",
);
pub(in crate::collection) const DUE: &str = "SELECT repository_id, digest, since_at FROM manifest_reviews WHERE since_at < ?1 \
     ORDER BY since_at, repository_id, digest LIMIT ?2";
pub(in crate::collection) const TAKE: &str =
    "DELETE FROM manifest_reviews WHERE repository_id = ?1 AND digest = ?2 AND since_at = ?3";
pub(in crate::collection) const NEEDS: &str = "SELECT \
     (SELECT CAST(1 AS bigint) FROM manifests m \
      WHERE m.repository_id = ?1 AND m.digest = ?2 AND m.deleted_at IS NULL), \
     (SELECT CAST(1 AS bigint) FROM tags t \
      WHERE t.repository_id = ?1 AND t.digest = ?2 AND t.until_at IS NULL LIMIT 1), \
     (SELECT CAST(1 AS bigint) FROM manifest_references f JOIN manifests m ON m.id = f.manifest_id AND m.deleted_at IS NULL \
      WHERE f.digest = ?2 AND f.repository_id = ?1 AND f.kind = 1 LIMIT 1), \
     (SELECT CAST(1 AS bigint) FROM manifests m \
      WHERE m.repository_id = ?1 AND m.subject = ?2 AND m.subject IS NOT NULL AND m.deleted_at IS NULL LIMIT 1), \
     (SELECT CAST(1 AS bigint) FROM manifests m JOIN manifests s \
      ON s.repository_id = m.repository_id AND s.digest = m.subject AND s.deleted_at IS NULL \
      WHERE m.repository_id = ?1 AND m.digest = ?2 AND m.deleted_at IS NULL), \
     (SELECT t.until_at FROM tags t WHERE t.repository_id = ?1 AND t.digest = ?2 AND t.until_at IS NOT NULL \
      ORDER BY t.until_at DESC LIMIT 1), \
     (SELECT r.name FROM repositories r WHERE r.id = ?1)";

/// Notes that a manifest may be needed by nothing since now.
pub(crate) async fn note(tx: &mut Tx<'_>, place: Place<'_>) -> Result<(), Error> {
    let now = tx.now();
    note_since(tx, place, now).await
}

pub(super) async fn note_since(
    tx: &mut Tx<'_>,
    (repository, digest): Place<'_>,
    since_at: Timestamp,
) -> Result<(), Error> {
    tx.execute(NOTE, &params![repository.0, digest.to_bytes(), since_at]).await?;
    Ok(())
}

/// Notes several at once.
pub(crate) async fn note_all(tx: &mut Tx<'_>, repository: RepositoryId, digests: &[Digest]) -> Result<(), Error> {
    if digests.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    tx.execute(NOTE_ALL, &params![repository.0, hex_list(digests)?, now]).await?;
    Ok(())
}

/// Up to `limit` manifests that were noted before `before`, the oldest first.
pub(super) async fn due(db: &Db, before: Timestamp, limit: usize) -> Result<Vec<Review>, Error> {
    let rows = db.list(DUE, &params![before, count(limit)]).await?;
    let reviews = rows.iter().map(|row| {
        let repository = RepositoryId(row.integer(0)?);
        Ok(Review { repository, digest: digest(row, 1)?, since_at: row.timestamp(2)? })
    });
    reviews.collect()
}

/// Ends a review; says whether it was there and still the same.
pub(super) async fn take(tx: &mut Tx<'_>, review: &Review) -> Result<bool, Error> {
    let changed = tx.execute(TAKE, &params![review.repository.0, review.digest.to_bytes(), review.since_at]).await?;
    Ok(changed > 0)
}

/// A manifest by what others know it by.
pub(super) async fn resting(tx: &mut Tx<'_>, (repository, digest): Place<'_>) -> Result<Resting, Error> {
    const MALFORMED: Error = Error::MalformedRow { what: "a repository" };
    let row = tx.query_opt("SELECT project_id, name FROM repositories WHERE id = ?1", &params![repository.0]).await?;
    let row = row.ok_or(MALFORMED)?;
    let repository = row.text(1)?.parse().map_err(|_| MALFORMED)?;
    Ok(Resting { project: ProjectId(row.integer(0)?), repository, digest: *digest })
}

/// What may need a manifest.
pub(crate) async fn needs(
    tx: &mut Tx<'_>,
    (repository, digest): Place<'_>,
    environments: &Environments,
) -> Result<Needs, Error> {
    let row = tx.query_opt(NEEDS, &params![repository.0, digest.to_bytes()]).await?;
    let row = row.ok_or(Error::MalformedRow { what: "what a manifest is needed by" })?;
    let name: Option<RepositoryName> = row.optional_text(6)?.and_then(|name| name.parse().ok());
    let is = |column| Ok::<_, Error>(row.optional_integer(column)?.is_some());
    Ok(Needs {
        is_there: is(0)?,
        has_tag: is(1)?,
        has_index: is(2)?,
        has_referrer: is(3)?,
        has_subject: is(4)?,
        is_promoted: name.is_some_and(|name| environments.environment(&name).is_some()),
        tag_ended_at: row.optional_timestamp(5)?,
    })
}
