//! SQL of `robots`.

use wharf_context::{Permission, Permissions, ProjectId};
use wharf_db::{Db, Reading, Row, Tx, params};
use wharf_oci::{ProjectName, RepositoryPattern};

use super::{NewRobot, Robot, RobotChange};
use crate::account::RobotAccount;
use crate::error::Error;
use crate::login::RobotLogin;
use crate::name::RobotName;
use crate::secret::Fingerprint;

const MALFORMED: Error = Error::MalformedRow { what: "a robot" };

/// The row as log-in needs it.
pub(crate) async fn find_login(db: &Db, project: &ProjectName, name: &RobotName) -> Result<Option<RobotLogin>, Error> {
    const SQL: &str = "SELECT r.id, r.project_id, p.name, r.name, r.permissions, r.repositories, r.revision, \
                       r.secret_hash, r.is_disabled, r.expires_at \
                       FROM projects p JOIN robots r ON r.project_id = p.id WHERE p.name = ?1 AND r.name = ?2";
    db.get(SQL, &params![project.as_str(), name.as_str()]).await?.map(|row| login(&row)).transpose()
}

/// The same by number.
pub(crate) async fn find_login_by_id(db: &Db, id: i64) -> Result<Option<RobotLogin>, Error> {
    const SQL: &str = "SELECT r.id, r.project_id, p.name, r.name, r.permissions, r.repositories, r.revision, \
                       r.secret_hash, r.is_disabled, r.expires_at \
                       FROM robots r JOIN projects p ON r.project_id = p.id WHERE r.id = ?1";
    db.get(SQL, &params![id]).await?.map(|row| login(&row)).transpose()
}

fn login(row: &Row) -> Result<RobotLogin, Error> {
    Ok(RobotLogin {
        account: account(row)?,
        secret: Fingerprint::from_bytes(row.bytes(7)?).ok_or(MALFORMED)?,
        is_disabled: row.boolean(8)?,
        expires_at: row.optional_timestamp(9)?,
    })
}

/// The account of a number, unless it is disabled.
pub(crate) async fn active(mut from: impl Reading, id: i64) -> Result<Option<RobotAccount>, Error> {
    const SQL: &str = "SELECT r.id, r.project_id, p.name, r.name, r.permissions, r.repositories, r.revision \
                       FROM robots r JOIN projects p ON r.project_id = p.id WHERE r.id = ?1 AND r.is_disabled = 0";
    from.get(SQL.into(), &params![id]).await?.map(|row| account(&row)).transpose()
}

fn account(row: &Row) -> Result<RobotAccount, Error> {
    Ok(RobotAccount {
        id: row.integer(0)?,
        project: ProjectId(row.integer(1)?),
        project_name: row.text(2)?.parse().map_err(|_| MALFORMED)?,
        name: row.text(3)?.parse().map_err(|_| MALFORMED)?,
        permissions: read_permissions(row.text(4)?),
        repositories: read_repositories(row.text(5)?)?,
        revision: row.integer(6)?,
    })
}

pub(crate) async fn get(
    mut from: impl Reading,
    project: &ProjectName,
    name: &RobotName,
) -> Result<Option<(i64, Robot)>, Error> {
    const SQL: &str = "SELECT p.name, r.name, r.permissions, r.repositories, r.expires_at, r.is_disabled, r.created_at, r.id \
         FROM projects p JOIN robots r ON r.project_id = p.id WHERE p.name = ?1 AND r.name = ?2";
    let row = from.get(SQL.into(), &params![project.as_str(), name.as_str()]).await?;
    row.map(|row| Ok((row.integer(7)?, robot(&row)?))).transpose()
}

pub(super) async fn list(db: &Db, project: &ProjectName, after: &str, rows: i64) -> Result<Vec<Robot>, Error> {
    const SQL: &str = "SELECT p.name, r.name, r.permissions, r.repositories, r.expires_at, r.is_disabled, r.created_at \
         FROM projects p JOIN robots r ON r.project_id = p.id WHERE p.name = ?1 AND r.name > ?2 \
         ORDER BY r.name LIMIT ?3";
    db.list(SQL, &params![project.as_str(), after, rows]).await?.iter().map(robot).collect()
}

fn robot(row: &Row) -> Result<Robot, Error> {
    Ok(Robot {
        project: row.text(0)?.parse().map_err(|_| MALFORMED)?,
        name: row.text(1)?.parse().map_err(|_| MALFORMED)?,
        permissions: read_permissions(row.text(2)?),
        repositories: read_repositories(row.text(3)?)?,
        expires_at: row.optional_timestamp(4)?,
        is_disabled: row.boolean(5)?,
        created_at: row.timestamp(6)?,
    })
}

/// Adds a robot; `false` when the name is in use.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    project: ProjectId,
    robot: &NewRobot,
    secret: &Fingerprint,
) -> Result<bool, Error> {
    const SQL: &str = "INSERT INTO robots \
         (project_id, name, secret_hash, permissions, repositories, expires_at, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (project_id, name) DO NOTHING";
    let params = params![
        project,
        robot.name.as_str(),
        secret.as_bytes(),
        write_permissions(robot.permissions),
        write_repositories(&robot.repositories),
        robot.expires_at,
        tx.now(),
    ];
    Ok(tx.execute(SQL, &params).await? == 1)
}

pub(super) async fn update(tx: &mut Tx<'_>, id: i64, change: &RobotChange) -> Result<(), Error> {
    if let Some(permissions) = change.permissions {
        const SQL: &str = "UPDATE robots SET permissions = ?2 WHERE id = ?1";
        tx.execute(SQL, &params![id, write_permissions(permissions)]).await?;
    }
    if let Some(repositories) = &change.repositories {
        const SQL: &str = "UPDATE robots SET repositories = ?2 WHERE id = ?1";
        tx.execute(SQL, &params![id, write_repositories(repositories)]).await?;
    }
    if let Some(expires_at) = change.expires_at {
        tx.execute("UPDATE robots SET expires_at = ?2 WHERE id = ?1", &params![id, expires_at]).await?;
    }
    if let Some(is_disabled) = change.is_disabled {
        const SQL: &str = "UPDATE robots SET is_disabled = ?2, revision = revision + 1 WHERE id = ?1";
        tx.execute(SQL, &params![id, is_disabled]).await?;
    }
    Ok(())
}

pub(super) async fn set_secret(tx: &mut Tx<'_>, id: i64, secret: &Fingerprint) -> Result<(), Error> {
    const SQL: &str = "UPDATE robots SET secret_hash = ?2, revision = revision + 1 WHERE id = ?1";
    tx.execute(SQL, &params![id, secret.as_bytes()]).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM robots WHERE id = ?1", &params![id]).await?;
    Ok(())
}

/// Deletes the robots of a project that is deleted.
pub(crate) async fn delete_project(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute("DELETE FROM robots WHERE project_id = ?1", &params![project]).await?;
    Ok(())
}

// An unknown name, which a newer version may have written, is a permission that this one does not grant.
fn read_permissions(text: &str) -> Permissions {
    Permissions::of(&text.split(',').filter_map(Permission::from_name).collect::<Vec<_>>())
}

fn write_permissions(permissions: Permissions) -> String {
    permissions.iter().map(Permission::name).collect::<Vec<_>>().join(",")
}

// An unknown pattern must not be left out: no pattern at all means the whole project.
fn read_repositories(text: &str) -> Result<Vec<RepositoryPattern>, Error> {
    text.split_whitespace().map(|pattern| pattern.parse().map_err(|_| MALFORMED)).collect()
}

fn write_repositories(patterns: &[RepositoryPattern]) -> String {
    patterns.iter().map(RepositoryPattern::as_str).collect::<Vec<_>>().join(" ")
}
