//! SQL of `standard_checks`.

use wharf_context::ProjectId;
use wharf_db::{Reading, Tx, params};
use wharf_oci::{Digest, RepositoryName};

use super::{NewCheck, StandardCheck};
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "a check of standards" };

/// What is known of an image, and about which standards.
pub(super) async fn get(
    from: &mut impl Reading,
    (project, repository): (ProjectId, &RepositoryName),
    digest: &Digest,
) -> Result<Option<(Digest, StandardCheck)>, Error> {
    let sql = "SELECT standards, passes, results, problem, checked_at FROM standard_checks \
         WHERE project_id = ?1 AND repository = ?2 AND digest = ?3";
    let row = from.get(sql.into(), &params![project, repository.as_str(), digest.to_bytes()]).await?;
    let Some(row) = row else { return Ok(None) };
    let check = StandardCheck {
        digest: *digest,
        passes: row.boolean(1)?,
        results: serde_json::from_str(row.text(2)?).map_err(|_| MALFORMED)?,
        problem: row.optional_text(3)?.map(str::to_owned),
        checked_at: row.timestamp(4)?,
        is_current: false,
    };
    Ok(Some((Digest::from_bytes(row.bytes(0)?).ok_or(MALFORMED)?, check)))
}

pub(super) async fn put(tx: &mut Tx<'_>, check: &NewCheck<'_>) -> Result<(), Error> {
    let now = tx.now();
    let results = serde_json::to_string(&check.results).map_err(|_| MALFORMED)?;
    tx.execute(
        "INSERT INTO standard_checks (project_id, repository, digest, standards, passes, results, problem, checked_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (project_id, repository, digest) DO UPDATE SET \
         standards = excluded.standards, passes = excluded.passes, results = excluded.results, \
         problem = excluded.problem, checked_at = excluded.checked_at",
        &params![
            check.project,
            check.repository.as_str(),
            check.digest.to_bytes(),
            check.standards.to_bytes(),
            check.passes(),
            results,
            check.problem.clone(),
            now
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn forget(tx: &mut Tx<'_>, repository: &RepositoryName, digest: &Digest) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM standard_checks WHERE repository = ?1 AND digest = ?2",
        &params![repository.as_str(), digest.to_bytes()],
    )
    .await?;
    Ok(())
}
