//! SQL of `user_groups` and `group_users`.

use wharf_db::{Db, Reading, Row, Tx, params};

use super::{Group, GroupId};
use crate::account::UserAccount;
use crate::error::Error;
use crate::name::{GroupName, UserName};

pub(crate) async fn get(mut from: impl Reading, name: &GroupName) -> Result<Option<(GroupId, Group)>, Error> {
    const SQL: &str = "SELECT id, name, created_at FROM user_groups WHERE name = ?1";
    from.get(SQL.into(), &params![name.as_str()]).await?.map(|row| read(&row)).transpose()
}

pub(super) async fn list(db: &Db, after: &str, rows: i64) -> Result<Vec<Group>, Error> {
    const SQL: &str = "SELECT id, name, created_at FROM user_groups WHERE name > ?1 ORDER BY name LIMIT ?2";
    db.list(SQL, &params![after, rows]).await?.iter().map(|row| Ok(read(row)?.1)).collect()
}

fn read(row: &Row) -> Result<(GroupId, Group), Error> {
    let name = row.text(1)?.parse().map_err(|_| Error::MalformedRow { what: "a group" })?;
    Ok((GroupId(row.integer(0)?), Group { name, created_at: row.timestamp(2)? }))
}

/// Adds a group; `false` when the name is in use.
pub(super) async fn insert(tx: &mut Tx<'_>, name: &GroupName) -> Result<bool, Error> {
    const SQL: &str = "INSERT INTO user_groups (name, created_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
    Ok(tx.execute(SQL, &params![name.as_str(), tx.now()]).await? == 1)
}

pub(super) async fn delete(tx: &mut Tx<'_>, group: GroupId) -> Result<(), Error> {
    tx.execute("DELETE FROM group_users WHERE group_id = ?1", &params![group.0]).await?;
    tx.execute("DELETE FROM user_groups WHERE id = ?1", &params![group.0]).await?;
    Ok(())
}

pub(super) async fn list_users(db: &Db, group: GroupId, after: &str, rows: i64) -> Result<Vec<UserName>, Error> {
    const SQL: &str =
        "SELECT user_name FROM group_users WHERE group_id = ?1 AND user_name > ?2 ORDER BY user_name LIMIT ?3";
    let rows = db.list(SQL, &params![group.0, after, rows]).await?;
    rows.iter().map(|row| row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a group" })).collect()
}

/// `false` when the user was in the group.
pub(super) async fn add_user(tx: &mut Tx<'_>, group: GroupId, user: &UserAccount) -> Result<bool, Error> {
    const SQL: &str = "INSERT INTO group_users (group_id, user_name, user_id) VALUES (?1, ?2, ?3) \
                       ON CONFLICT (group_id, user_name) DO NOTHING";
    Ok(tx.execute(SQL, &params![group.0, user.name.as_str(), user.id]).await? == 1)
}

/// `false` when the user was not in the group.
pub(super) async fn remove_user(tx: &mut Tx<'_>, group: GroupId, user: &UserName) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM group_users WHERE group_id = ?1 AND user_name = ?2";
    Ok(tx.execute(SQL, &params![group.0, user.as_str()]).await? > 0)
}

/// Takes a user out of all groups.
pub(crate) async fn delete_user(tx: &mut Tx<'_>, user: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM group_users WHERE user_id = ?1", &params![user]).await?;
    Ok(())
}
