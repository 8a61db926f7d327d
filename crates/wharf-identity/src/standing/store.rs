//! SQL that reads users, groups and members for standings.

use wharf_context::ProjectId;
use wharf_db::{Tx, params};

use crate::error::Error;
use crate::role::Role;

/// The row of a user who may log in.
pub(super) async fn enabled_user(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>, Error> {
    let row = tx.query_opt("SELECT id FROM users WHERE name = ?1 AND is_disabled = 0", &params![name]).await?;
    Ok(row.map(|row| row.integer(0)).transpose()?)
}

pub(super) async fn role(tx: &mut Tx<'_>, project: ProjectId, user: i64) -> Result<Option<Role>, Error> {
    const SQL: &str = "SELECT MAX(role) FROM (\
         SELECT m.role FROM project_members m WHERE m.kind = 0 AND m.member_id = ?2 AND m.project_id = ?1 \
         UNION ALL SELECT m.role FROM group_users g JOIN project_members m \
         ON m.kind = 1 AND m.member_id = g.group_id AND m.project_id = ?1 WHERE g.user_id = ?2) roles";
    let row = tx.query_opt(SQL, &params![project, user]).await?;
    Ok(row.map(|row| row.optional_integer(0)).transpose()?.flatten().and_then(Role::from_number))
}

pub(super) async fn groups(tx: &mut Tx<'_>, user: i64) -> Result<Vec<String>, Error> {
    const SQL: &str = "SELECT g.name FROM group_users u JOIN user_groups g ON g.id = u.group_id \
         WHERE u.user_id = ?1 ORDER BY g.name";
    let rows = tx.query(SQL, &params![user]).await?;
    rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
}
