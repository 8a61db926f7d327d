//! SQL of `project_members`.

use wharf_context::ProjectId;
use wharf_db::{Db, Row, Tx, params};

use super::{Member, MemberName};
use crate::error::Error;
use crate::group::GroupId;
use crate::role::Role;

const MALFORMED: Error = Error::MalformedRow { what: "a member" };

pub(super) async fn list(
    db: &Db,
    project: ProjectId,
    after: Option<&MemberName>,
    rows: i64,
) -> Result<Vec<Member>, Error> {
    const SQL: &str = "SELECT kind, name, role, since_at FROM project_members \
                       WHERE project_id = ?1 AND (kind, name) > (?2, ?3) ORDER BY kind, name LIMIT ?4";
    let (kind, name) = after.map_or((0, ""), |after| (after.number(), after.as_str()));
    db.list(SQL, &params![project, kind, name, rows]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Member, Error> {
    let text = row.text(1)?;
    let name = match row.integer(0)? {
        0 => text.parse().map(MemberName::User),
        _ => text.parse().map(MemberName::Group),
    };
    Ok(Member {
        name: name.map_err(|_| MALFORMED)?,
        role: Role::from_number(row.integer(2)?).ok_or(MALFORMED)?,
        since: row.timestamp(3)?,
    })
}

/// The role that a member has.
pub(super) async fn role(tx: &mut Tx<'_>, project: ProjectId, name: &MemberName) -> Result<Option<Role>, Error> {
    const SQL: &str = "SELECT role FROM project_members WHERE project_id = ?1 AND kind = ?2 AND name = ?3";
    let row = tx.query_opt(SQL, &params![project, name.number(), name.as_str()]).await?;
    row.map(|row| Role::from_number(row.integer(0)?).ok_or(MALFORMED)).transpose()
}

pub(super) async fn put(
    tx: &mut Tx<'_>,
    project: ProjectId,
    (name, id): (&MemberName, i64),
    role: Role,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO project_members (project_id, kind, name, member_id, role, since_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (project_id, kind, name) DO UPDATE SET role = excluded.role, since_at = excluded.since_at",
        &params![project, name.number(), name.as_str(), id, role.number(), tx.now()],
    )
    .await?;
    Ok(())
}

/// `false` when there was no such member.
pub(super) async fn delete(tx: &mut Tx<'_>, project: ProjectId, name: &MemberName) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM project_members WHERE project_id = ?1 AND kind = ?2 AND name = ?3";
    Ok(tx.execute(SQL, &params![project, name.number(), name.as_str()]).await? > 0)
}

/// Takes all roles from a user who is deleted.
pub(crate) async fn delete_user(tx: &mut Tx<'_>, user: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM project_members WHERE kind = 0 AND member_id = ?1", &params![user]).await?;
    Ok(())
}

/// Takes all roles from a group that is deleted.
pub(crate) async fn delete_group(tx: &mut Tx<'_>, group: GroupId) -> Result<(), Error> {
    tx.execute("DELETE FROM project_members WHERE kind = 1 AND member_id = ?1", &params![group.0]).await?;
    Ok(())
}

/// Takes all roles in a project that is deleted.
pub(crate) async fn delete_project(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute("DELETE FROM project_members WHERE project_id = ?1", &params![project]).await?;
    Ok(())
}
