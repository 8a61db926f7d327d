//! SQL that joins projects with who has a role in them.

use wharf_context::ProjectId;
use wharf_db::{Db, Reading, Row, params};
use wharf_oci::ProjectName;

use super::rule::{Assigned, Membership, Reserved, Standing};
use crate::account::Account;
use crate::assignment::store::{powers_of, read_limits};
use crate::error::Error;
use crate::role::Role;

const MALFORMED: Error = Error::MalformedRow { what: "a role" };

// By index, whatever the number of members; one row for each role, and one where there is none. Roles within limits and
// reserved repositories are few and in most projects none: only where there are some, they are asked for.
const STANDING: &str = "SELECT p.id, p.is_public, m.role, m.group_name, \
     CAST(CASE WHEN EXISTS (SELECT 1 FROM role_assignments a WHERE a.project_id = p.id) THEN 1 ELSE 0 END AS bigint), \
     CAST(CASE WHEN EXISTS (SELECT 1 FROM reservations v WHERE v.project_id = p.id) THEN 1 ELSE 0 END AS bigint) \
     FROM projects p LEFT JOIN ( \
       SELECT m.project_id, m.role, '' AS group_name FROM project_members m WHERE m.kind = 0 AND m.member_id = ?2 \
       UNION ALL SELECT m.project_id, m.role, g.name FROM group_users u \
         JOIN project_members m ON m.kind = 1 AND m.member_id = u.group_id JOIN user_groups g ON g.id = u.group_id \
         WHERE u.user_id = ?2) m ON m.project_id = p.id WHERE p.name = ?1";
const ASSIGNED: &str = "SELECT a.role, a.repositories, a.environments, a.tags, g.name, COALESCE(o.powers, s.powers) \
     FROM role_assignments a \
     LEFT JOIN user_groups g ON a.kind = 1 AND g.id = a.member_id \
     LEFT JOIN custom_roles o ON o.project_id = a.project_id AND o.name = a.role \
     LEFT JOIN custom_roles s ON s.project_id = 0 AND s.name = a.role \
     WHERE a.project_id = ?1 AND ((a.kind = 0 AND a.member_id = ?2) OR (a.kind = 2 AND a.member_id = ?3) \
     OR (a.kind = 1 AND a.member_id IN (SELECT u.group_id FROM group_users u WHERE u.user_id = ?2))) ORDER BY a.id";
const RESERVED: &str = "SELECT pattern, role FROM reservations WHERE project_id = ?1 ORDER BY pattern";

/// A project as an account meets it.
pub(crate) async fn standing(
    mut from: impl Reading,
    name: &ProjectName,
    account: &Account,
) -> Result<Option<Standing>, Error> {
    let rows = from.list(STANDING.into(), &params![name.as_str(), account.user_id()]).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let project = ProjectId(first.integer(0)?);
    let memberships = rows.iter().map(membership).collect::<Result<Vec<_>, _>>()?;
    let mut standing = Standing {
        project,
        is_public: first.boolean(1)?,
        memberships: memberships.into_iter().flatten().collect(),
        assigned: Vec::new(),
        reservations: Vec::new(),
    };
    if first.boolean(4)? {
        let rows = from.list(ASSIGNED.into(), &params![project, account.user_id(), account.robot_id()]).await?;
        standing.assigned = rows.iter().map(assigned).collect::<Result<_, _>>()?;
    }
    if first.boolean(5)? {
        let rows = from.list(RESERVED.into(), &params![project]).await?;
        standing.reservations = rows.iter().map(reserved).collect::<Result<_, _>>()?;
    }
    Ok(Some(standing))
}

fn membership(row: &Row) -> Result<Option<Membership>, Error> {
    let Some(number) = row.optional_integer(2)? else { return Ok(None) };
    let role = Role::from_number(number).ok_or(MALFORMED)?;
    let group = row.optional_text(3)?.filter(|name| !name.is_empty());
    Ok(Some(Membership { role, group: group.map(str::parse).transpose().map_err(|_| MALFORMED)? }))
}

fn assigned(row: &Row) -> Result<Assigned, Error> {
    let role = row.text(0)?.parse().map_err(|_| MALFORMED)?;
    let powers = powers_of(&role, row.optional_text(5)?);
    let group = row.optional_text(4)?.map(str::parse).transpose().map_err(|_| MALFORMED)?;
    Ok(Assigned { role, powers, limits: read_limits(row, 1)?, group })
}

fn reserved(row: &Row) -> Result<Reserved, Error> {
    let pattern = row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a reservation" })?;
    Ok(Reserved { pattern, role: row.text(1)?.parse().map_err(|_| MALFORMED)? })
}

/// Public projects, and those in which the account has a role as a member. Who has one within limits must not learn the
/// names of all repositories.
pub(crate) async fn visible_projects(db: &Db, account: &Account) -> Result<Vec<ProjectId>, Error> {
    let rows = db
        .list(
            "SELECT id FROM projects WHERE is_public = 1 \
             UNION SELECT project_id FROM project_members WHERE kind = 0 AND member_id = ?1 \
             UNION SELECT m.project_id FROM group_users g JOIN project_members m \
             ON m.kind = 1 AND m.member_id = g.group_id WHERE g.user_id = ?1",
            &params![account.user_id()],
        )
        .await?;
    rows.iter().map(|row| Ok(ProjectId(row.integer(0)?))).collect()
}

/// Projects of which some repositories are reserved.
pub(crate) async fn with_reservations(db: &Db) -> Result<Vec<ProjectId>, Error> {
    let rows = db.list("SELECT DISTINCT project_id FROM reservations", &params![]).await?;
    rows.iter().map(|row| Ok(ProjectId(row.integer(0)?))).collect()
}
