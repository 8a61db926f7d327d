//! SQL of `manifest_pulls`.

use std::time::Duration;

use wharf_context::Timestamp;
use wharf_db::{Statement, Tx, params};
use wharf_oci::{Digest, RepositoryName};

use crate::blob::store::{digest, hex_list};
use crate::error::Error;

const MARK: &str = "\
    INSERT INTO manifest_pulls (manifest_id, pulled_at) \
    SELECT m.id, CAST(?3 AS bigint) FROM repositories r JOIN manifests m ON m.repository_id = r.id AND m.deleted_at IS NULL \
    WHERE r.name = ?1 AND m.digest = ?2 \
    ON CONFLICT (manifest_id) DO UPDATE SET pulled_at = excluded.pulled_at WHERE manifest_pulls.pulled_at <= ?4";
const LAST_PULLED: &str = "\
    SELECT p.pulled_at FROM repositories r \
    JOIN manifests m ON m.repository_id = r.id AND m.deleted_at IS NULL \
    JOIN manifest_pulls p ON p.manifest_id = m.id WHERE r.name = ?1 AND m.digest = ?2";
// CROSS JOIN keeps SQLite's order: from the few digests to what is looked for.
const LAST_PULLS: Statement = Statement::dialects(
    "SELECT m.digest, p.pulled_at FROM repositories r CROSS JOIN json_each(?2) j \
     CROSS JOIN manifests m ON m.repository_id = r.id AND m.digest = unhex(j.value) AND m.deleted_at IS NULL \
     CROSS JOIN manifest_pulls p ON p.manifest_id = m.id WHERE r.name = ?1",
    "SELECT m.digest, p.pulled_at FROM repositories r CROSS JOIN json_array_elements_text(CAST(?2 AS text)::json) j \
     JOIN manifests m ON m.repository_id = r.id AND m.digest = decode(j.value, 'hex') AND m.deleted_at IS NULL \
     JOIN manifest_pulls p ON p.manifest_id = m.id WHERE r.name = ?1",
);

/// Marks a manifest as pulled, unless it was within the last `interval`. One that is gone meanwhile is nobody's loss.
pub(super) async fn mark(
    tx: &mut Tx<'_>,
    (repository, digest): (&RepositoryName, &Digest),
    at: Timestamp,
    interval: Duration,
) -> Result<(), wharf_db::Error> {
    let params = params![repository.as_str(), digest.to_bytes(), at, at.minus(interval)];
    tx.execute(MARK, &params).await.map(drop)
}

pub(super) async fn last_pulled(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Timestamp>, wharf_db::Error> {
    let row = tx.query_opt(LAST_PULLED, &params![repository.as_str(), digest.to_bytes()]).await?;
    row.map(|row| row.timestamp(0)).transpose()
}

pub(super) async fn last_pulls(
    tx: &mut Tx<'_>,
    repository: &RepositoryName,
    digests: &[Digest],
) -> Result<Vec<(Digest, Timestamp)>, Error> {
    let rows = tx.query(LAST_PULLS, &params![repository.as_str(), hex_list(digests)?]).await?;
    rows.iter().map(|row| Ok((digest(row, 0)?, row.timestamp(1)?))).collect()
}
