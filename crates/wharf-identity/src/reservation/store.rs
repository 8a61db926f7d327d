//! SQL of `reservations`.

use wharf_context::ProjectId;
use wharf_db::{Db, Row, Tx, params};
use wharf_oci::RepositoryPattern;

use super::Reservation;
use crate::error::Error;
use crate::role::RoleName;

pub(super) async fn list(db: &Db, project: ProjectId, after: &str, rows: i64) -> Result<Vec<Reservation>, Error> {
    const SQL: &str = "SELECT pattern, role, since_at FROM reservations \
                       WHERE project_id = ?1 AND pattern > ?2 ORDER BY pattern LIMIT ?3";
    db.list(SQL, &params![project, after, rows]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Reservation, Error> {
    let malformed = || Error::MalformedRow { what: "a reservation" };
    Ok(Reservation {
        pattern: row.text(0)?.parse().map_err(|_| malformed())?,
        role: row.text(1)?.parse().map_err(|_| malformed())?,
        since: row.timestamp(2)?,
    })
}

pub(super) async fn put(
    tx: &mut Tx<'_>,
    project: ProjectId,
    (pattern, role): (&RepositoryPattern, &RoleName),
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO reservations (project_id, pattern, role, since_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (project_id, pattern) DO UPDATE SET role = excluded.role, since_at = excluded.since_at";
    tx.execute(SQL, &params![project, pattern.as_str(), role.as_str(), tx.now()]).await?;
    Ok(())
}

/// `false` when there was no such reservation.
pub(super) async fn delete(tx: &mut Tx<'_>, project: ProjectId, pattern: &RepositoryPattern) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM reservations WHERE project_id = ?1 AND pattern = ?2";
    Ok(tx.execute(SQL, &params![project, pattern.as_str()]).await? > 0)
}

/// Ends all of a project that is deleted.
pub(crate) async fn delete_project(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute("DELETE FROM reservations WHERE project_id = ?1", &params![project]).await?;
    Ok(())
}
