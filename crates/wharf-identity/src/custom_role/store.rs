//! SQL of `custom_roles`.

use wharf_context::{Power, Powers, ProjectId};
use wharf_db::{Db, Row, Tx, params};

use super::CustomRole;
use crate::error::Error;
use crate::role::RoleName;

pub(super) async fn list(db: &Db, owner: ProjectId, after: &str, rows: i64) -> Result<Vec<CustomRole>, Error> {
    const SQL: &str = "SELECT name, powers, created_at FROM custom_roles \
                       WHERE project_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
    db.list(SQL, &params![owner, after, rows]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<CustomRole, Error> {
    Ok(CustomRole {
        name: row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a role" })?,
        powers: read_powers(row.text(1)?),
        created_at: row.timestamp(2)?,
    })
}

pub(super) async fn put(
    tx: &mut Tx<'_>,
    owner: ProjectId,
    (name, powers): (&RoleName, Powers),
) -> Result<CustomRole, Error> {
    const SQL: &str = "INSERT INTO custom_roles (project_id, name, powers, created_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (project_id, name) DO UPDATE SET powers = excluded.powers \
         RETURNING name, powers, created_at";
    let row = tx.query_opt(SQL, &params![owner, name.as_str(), write_powers(powers), tx.now()]).await?;
    read(&row.ok_or(Error::MalformedRow { what: "a role" })?)
}

/// `false` when there was no such role.
pub(super) async fn delete(tx: &mut Tx<'_>, owner: ProjectId, name: &RoleName) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM custom_roles WHERE project_id = ?1 AND name = ?2";
    Ok(tx.execute(SQL, &params![owner, name.as_str()]).await? > 0)
}

/// Whether somebody has the role, or repositories are reserved for it. A role of the server may be used in every project.
pub(super) async fn is_used(tx: &mut Tx<'_>, owner: ProjectId, name: &RoleName) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM role_assignments WHERE role = ?2 AND (CAST(?1 AS bigint) = 0 OR project_id = ?1) \
         UNION ALL SELECT 1 FROM reservations WHERE role = ?2 AND (CAST(?1 AS bigint) = 0 OR project_id = ?1) LIMIT 1";
    Ok(tx.query_opt(SQL, &params![owner, name.as_str()]).await?.is_some())
}

/// Refuses a role that is neither built-in nor the project's or the server's.
pub(crate) async fn resolve(tx: &mut Tx<'_>, project: ProjectId, name: &RoleName) -> Result<(), Error> {
    const SQL: &str = "SELECT 1 FROM custom_roles WHERE project_id IN (0, ?1) AND name = ?2 LIMIT 1";
    let is_known = name.built_in().is_some() || tx.query_opt(SQL, &params![project, name.as_str()]).await?.is_some();
    if is_known { Ok(()) } else { Err(Error::RoleUnknown(name.clone())) }
}

/// Deletes the roles of a project that is deleted.
pub(crate) async fn delete_project(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute("DELETE FROM custom_roles WHERE project_id = ?1", &params![project]).await?;
    Ok(())
}

// An unknown name, which a newer version may have written, is a power that this one does not grant.
pub(crate) fn read_powers(text: &str) -> Powers {
    text.split(',').filter_map(Power::from_name).collect()
}

fn write_powers(powers: Powers) -> String {
    powers.iter().map(Power::name).collect::<Vec<_>>().join(",")
}
