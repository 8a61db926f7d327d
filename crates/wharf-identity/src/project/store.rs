//! SQL of `projects`.

use wharf_context::ProjectId;
use wharf_db::{Db, Reading, Row, Tx, params};
use wharf_oci::ProjectName;

use super::Project;
use crate::account::Account;
use crate::error::Error;

pub(super) async fn get(mut from: impl Reading, name: &ProjectName) -> Result<Option<Project>, Error> {
    const SQL: &str = "SELECT id, name, is_public, created_at FROM projects WHERE name = ?1";
    from.get(SQL.into(), &params![name.as_str()]).await?.map(|row| read(&row)).transpose()
}

pub(super) async fn list(db: &Db, after: &str, rows: i64) -> Result<Vec<Project>, Error> {
    const SQL: &str = "SELECT id, name, is_public, created_at FROM projects WHERE name > ?1 ORDER BY name LIMIT ?2";
    db.list(SQL, &params![after, rows]).await?.iter().map(read).collect()
}

/// Public projects, those in which the caller has a role, and a robot's own. Each comes from an index of its own, so
/// that a page costs no more where most projects are not seen.
pub(super) async fn list_visible(db: &Db, account: &Account, after: &str, rows: i64) -> Result<Vec<Project>, Error> {
    const SQL: &str = "SELECT p.id, p.name, p.is_public, p.created_at FROM ( \
         SELECT id FROM (SELECT id FROM projects WHERE is_public = 1 AND name > ?1 ORDER BY name LIMIT ?2) AS public \
         UNION SELECT project_id FROM project_members WHERE kind = 0 AND member_id = ?3 \
         UNION SELECT m.project_id FROM group_users g JOIN project_members m \
         ON m.kind = 1 AND m.member_id = g.group_id WHERE g.user_id = ?3 \
         UNION SELECT project_id FROM role_assignments WHERE kind = 0 AND member_id = ?3 \
         UNION SELECT a.project_id FROM group_users g JOIN role_assignments a \
         ON a.kind = 1 AND a.member_id = g.group_id WHERE g.user_id = ?3 \
         UNION SELECT id FROM projects WHERE id = ?4) AS seen \
         JOIN projects p ON p.id = seen.id WHERE p.name > ?1 ORDER BY p.name LIMIT ?2";
    let own = match account {
        Account::Robot(robot) => robot.project,
        Account::Anonymous | Account::User(_) | Account::System => ProjectId(0),
    };
    db.list(SQL, &params![after, rows, account.user_id(), own]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Project, Error> {
    Ok(Project {
        id: ProjectId(row.integer(0)?),
        name: row.text(1)?.parse().map_err(|_| Error::MalformedRow { what: "a project" })?,
        is_public: row.boolean(2)?,
        created_at: row.timestamp(3)?,
    })
}

pub(super) async fn insert(tx: &mut Tx<'_>, name: &ProjectName, is_public: bool) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO projects (name, is_public, created_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
        &params![name.as_str(), is_public, tx.now()],
    )
    .await?;
    Ok(())
}

pub(super) async fn set_public(tx: &mut Tx<'_>, project: ProjectId, is_public: bool) -> Result<(), Error> {
    tx.execute("UPDATE projects SET is_public = ?2 WHERE id = ?1", &params![project, is_public]).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute("DELETE FROM projects WHERE id = ?1", &params![project]).await?;
    Ok(())
}

/// Whether this is still the project of that name.
pub(super) async fn id_of(tx: &mut Tx<'_>, name: &ProjectName) -> Result<Option<ProjectId>, wharf_db::Error> {
    let row = tx.query_opt("SELECT id FROM projects WHERE name = ?1", &params![name.as_str()]).await?;
    row.map(|row| row.integer(0).map(ProjectId)).transpose()
}

/// The name of a project.
pub(super) async fn name_of(tx: &mut Tx<'_>, project: ProjectId) -> Result<Option<ProjectName>, wharf_db::Error> {
    let row = tx.query_opt("SELECT name FROM projects WHERE id = ?1", &params![project]).await?;
    Ok(row.map(|row| row.text(0).map(str::to_owned)).transpose()?.and_then(|name| name.parse().ok()))
}

pub(super) async fn is_current(
    tx: &mut Tx<'_>,
    project: ProjectId,
    name: &ProjectName,
) -> Result<bool, wharf_db::Error> {
    const SQL: &str = "SELECT id FROM projects WHERE id = ?1 AND name = ?2";
    Ok(tx.query_opt(SQL, &params![project, name.as_str()]).await?.is_some())
}
