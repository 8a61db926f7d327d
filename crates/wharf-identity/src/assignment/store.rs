//! SQL of `role_assignments`.

use std::fmt::Display;
use std::str::FromStr;

use wharf_context::{Powers, ProjectId};
use wharf_db::{Db, Row, Tx, params};

use super::{Assignment, HolderName, NewAssignment};
use crate::access::entitlement::Limits;
use crate::custom_role::store::read_powers;
use crate::error::Error;
use crate::group::GroupId;
use crate::role::{Role, RoleName};

const MALFORMED: Error = Error::MalformedRow { what: "a role that was given" };

pub(super) async fn list(db: &Db, project: ProjectId, after: i64, rows: i64) -> Result<Vec<Assignment>, Error> {
    const SQL: &str = "SELECT id, kind, name, role, since_at, repositories, environments, tags FROM role_assignments \
                       WHERE project_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    db.list(SQL, &params![project, after, rows]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Assignment, Error> {
    let text = row.text(2)?;
    let holder = match row.integer(1)? {
        0 => text.parse().map(HolderName::User),
        1 => text.parse().map(HolderName::Group),
        _ => text.parse().map(HolderName::Robot),
    };
    Ok(Assignment {
        id: row.integer(0)?,
        holder: holder.map_err(|_| MALFORMED)?,
        role: row.text(3)?.parse().map_err(|_| MALFORMED)?,
        limits: read_limits(row, 5)?,
        since: row.timestamp(4)?,
    })
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    project: ProjectId,
    (member, new): (i64, &NewAssignment),
) -> Result<i64, Error> {
    const SQL: &str = "INSERT INTO role_assignments \
         (project_id, kind, member_id, name, role, repositories, environments, tags, since_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id";
    let (_, kind, name) = new.holder.parts();
    let Limits { repositories, environments, tags } = &new.limits;
    let params = params![
        project,
        kind,
        member,
        name,
        new.role.as_str(),
        write(repositories),
        write(environments),
        write(tags),
        tx.now(),
    ];
    tx.query_opt(SQL, &params).await?.ok_or(MALFORMED)?.integer(0).map_err(Into::into)
}

/// Takes one away; what it was.
pub(super) async fn take(tx: &mut Tx<'_>, project: ProjectId, id: i64) -> Result<Option<Assignment>, Error> {
    const SQL: &str = "DELETE FROM role_assignments WHERE project_id = ?1 AND id = ?2 \
                       RETURNING id, kind, name, role, since_at, repositories, environments, tags";
    tx.query_opt(SQL, &params![project, id]).await?.map(|row| read(&row)).transpose()
}

/// Takes all of a user, group or robot who is deleted.
pub(crate) async fn delete_user(tx: &mut Tx<'_>, user: i64) -> Result<(), Error> {
    delete_holder(tx, 0, user).await
}

/// The same of a group.
pub(crate) async fn delete_group(tx: &mut Tx<'_>, group: GroupId) -> Result<(), Error> {
    delete_holder(tx, 1, group.0).await
}

/// The same of a robot.
pub(crate) async fn delete_robot(tx: &mut Tx<'_>, robot: i64) -> Result<(), Error> {
    delete_holder(tx, 2, robot).await
}

async fn delete_holder(tx: &mut Tx<'_>, kind: i64, id: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM role_assignments WHERE kind = ?1 AND member_id = ?2", &params![kind, id]).await?;
    Ok(())
}

/// Takes all in a project that is deleted.
pub(crate) async fn delete_project(tx: &mut Tx<'_>, project: ProjectId) -> Result<(), Error> {
    tx.execute("DELETE FROM role_assignments WHERE project_id = ?1", &params![project]).await?;
    Ok(())
}

/// What a role allows, where `custom` is what stands in the catalog for its name.
pub(crate) fn powers_of(role: &RoleName, custom: Option<&str>) -> Powers {
    let built_in = role.built_in().map(Role::powers);
    built_in.unwrap_or_else(|| custom.map_or_else(Powers::default, read_powers))
}

/// The limits in the three columns from `at` on. One that cannot be read must not be left out: none at all limits nothing.
pub(crate) fn read_limits(row: &Row, at: usize) -> Result<Limits, Error> {
    Ok(Limits { repositories: words(row, at)?, environments: words(row, at + 1)?, tags: words(row, at + 2)? })
}

fn words<T: FromStr>(row: &Row, at: usize) -> Result<Vec<T>, Error> {
    row.text(at)?.split_whitespace().map(|word| word.parse().map_err(|_| MALFORMED)).collect()
}

fn write<T: Display>(words: &[T]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
