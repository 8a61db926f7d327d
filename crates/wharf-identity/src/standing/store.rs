//! SQL that reads users, groups and members for standings.

use wharf_context::ProjectId;
use wharf_db::{Tx, params};

use crate::error::Error;
use crate::person;
use crate::role::Role;

/// An account's row, in the table of its kind.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kind: i64,
    pub(super) id: i64,
    /// Whether it is a user's, who may log in: robots have no roles.
    pub(super) is_enabled_user: bool,
}

/// The account that logs in as `login`: a user's name, or `PROJECT+NAME` of a robot.
pub(super) async fn account(tx: &mut Tx<'_>, login: &str) -> Result<Option<Found>, Error> {
    const USER: &str = "SELECT id, is_disabled FROM users WHERE name = ?1";
    const ROBOT: &str =
        "SELECT r.id FROM robots r JOIN projects p ON p.id = r.project_id WHERE p.name = ?1 AND r.name = ?2";
    if let Some((project, robot)) = login.split_once('+') {
        let row = tx.query_opt(ROBOT, &params![project, robot]).await?;
        let found =
            row.map(|row| Ok(Found { kind: person::store::ROBOT, id: row.integer(0)?, is_enabled_user: false }));
        return found.transpose();
    }
    let row = tx.query_opt(USER, &params![login]).await?;
    let found =
        row.map(|row| Ok(Found { kind: person::store::USER, id: row.integer(0)?, is_enabled_user: !row.boolean(1)? }));
    found.transpose()
}

/// The names of roles that a user was given in a project without limits.
pub(super) async fn further_roles(tx: &mut Tx<'_>, project: ProjectId, user: i64) -> Result<Vec<String>, Error> {
    const SQL: &str = "SELECT DISTINCT a.role FROM role_assignments a WHERE a.project_id = ?1 \
         AND a.repositories = '' AND a.environments = '' AND a.tags = '' AND ((a.kind = 0 AND a.member_id = ?2) \
         OR (a.kind = 1 AND a.member_id IN (SELECT u.group_id FROM group_users u WHERE u.user_id = ?2))) ORDER BY a.role";
    let rows = tx.query(SQL, &params![project, user]).await?;
    rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
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
