//! SQL of `users`.

use wharf_db::{Db, Reading, Row, Tx, params};

use super::{User, UserChange};
use crate::account::UserAccount;
use crate::error::Error;
use crate::login::UserLogin;
use crate::name::UserName;
use crate::password::PasswordHash;
use crate::role::SystemRole;

const MALFORMED: Error = Error::MalformedRow { what: "a user" };

/// The row as log-in needs it.
pub(crate) async fn find_login(db: &Db, name: &UserName) -> Result<Option<UserLogin>, Error> {
    let row = db
        .get(
            "SELECT id, name, system_role, revision, password_hash, is_disabled FROM users WHERE name = ?1",
            &params![name.as_str()],
        )
        .await?;
    row.map(|row| {
        let hash = row.optional_text(4)?.map(PasswordHash::from_catalog);
        Ok(UserLogin { account: account(&row)?, hash, is_disabled: row.boolean(5)? })
    })
    .transpose()
}

/// The account of a number, unless it is disabled.
pub(crate) async fn active(mut from: impl Reading, id: i64) -> Result<Option<UserAccount>, Error> {
    const SQL: &str = "SELECT id, name, system_role, revision FROM users WHERE id = ?1 AND is_disabled = 0";
    from.get(SQL.into(), &params![id]).await?.map(|row| account(&row)).transpose()
}

/// The account of a name, disabled or not.
pub(crate) async fn find(mut from: impl Reading, name: &UserName) -> Result<Option<UserAccount>, Error> {
    const SQL: &str = "SELECT id, name, system_role, revision FROM users WHERE name = ?1";
    from.get(SQL.into(), &params![name.as_str()]).await?.map(|row| account(&row)).transpose()
}

fn account(row: &Row) -> Result<UserAccount, Error> {
    Ok(UserAccount {
        id: row.integer(0)?,
        name: row.text(1)?.parse().map_err(|_| MALFORMED)?,
        system_role: row.optional_integer(2)?.and_then(SystemRole::from_number),
        revision: row.integer(3)?,
    })
}

pub(super) async fn get(mut from: impl Reading, name: &UserName) -> Result<Option<User>, Error> {
    const SQL: &str = "SELECT name, system_role, is_disabled, password_hash IS NOT NULL, created_at \
                       FROM users WHERE name = ?1";
    from.get(SQL.into(), &params![name.as_str()]).await?.map(|row| user(&row)).transpose()
}

pub(super) async fn get_by_id(db: &Db, id: i64) -> Result<Option<User>, Error> {
    const SQL: &str = "SELECT name, system_role, is_disabled, password_hash IS NOT NULL, created_at \
                       FROM users WHERE id = ?1";
    db.get(SQL, &params![id]).await?.map(|row| user(&row)).transpose()
}

pub(super) async fn list(db: &Db, after: &str, rows: i64) -> Result<Vec<User>, Error> {
    const SQL: &str = "SELECT name, system_role, is_disabled, password_hash IS NOT NULL, created_at \
                       FROM users WHERE name > ?1 ORDER BY name LIMIT ?2";
    db.list(SQL, &params![after, rows]).await?.iter().map(user).collect()
}

fn user(row: &Row) -> Result<User, Error> {
    Ok(User {
        name: row.text(0)?.parse().map_err(|_| MALFORMED)?,
        system_role: row.optional_integer(1)?.and_then(SystemRole::from_number),
        is_disabled: row.boolean(2)?,
        has_password: row.boolean(3)?,
        created_at: row.timestamp(4)?,
    })
}

/// Adds a user; `false` when the name is in use.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    name: &UserName,
    hash: Option<&PasswordHash>,
    system_role: Option<SystemRole>,
) -> Result<bool, Error> {
    let rows = tx
        .execute(
            "INSERT INTO users (name, password_hash, system_role, created_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (name) DO NOTHING",
            &params![name.as_str(), hash.map(PasswordHash::as_str), system_role.map(SystemRole::number), tx.now()],
        )
        .await?;
    Ok(rows == 1)
}

pub(super) async fn update(tx: &mut Tx<'_>, id: i64, change: &UserChange) -> Result<(), Error> {
    if let Some(role) = change.system_role {
        tx.execute("UPDATE users SET system_role = ?2 WHERE id = ?1", &params![id, role.map(SystemRole::number)])
            .await?;
    }
    if let Some(is_disabled) = change.is_disabled {
        tx.execute(
            "UPDATE users SET is_disabled = ?2, revision = revision + 1 WHERE id = ?1",
            &params![id, is_disabled],
        )
        .await?;
    }
    Ok(())
}

/// Another password, unless the row has moved since `user` was read.
pub(super) async fn set_password(tx: &mut Tx<'_>, user: &UserAccount, hash: &PasswordHash) -> Result<(), Error> {
    let rows = tx
        .execute(
            "UPDATE users SET password_hash = ?3, revision = revision + 1 WHERE id = ?1 AND revision = ?2",
            &params![user.id, user.revision, hash.as_str()],
        )
        .await?;
    if rows == 1 { Ok(()) } else { Err(Error::Changed { what: "the user" }) }
}

/// The same password in a better hash: nothing that it was shown for ends.
pub(crate) async fn renew_hash(tx: &mut Tx<'_>, id: i64, old: &PasswordHash, new: &PasswordHash) -> Result<(), Error> {
    tx.execute(
        "UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2",
        &params![id, old.as_str(), new.as_str()],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM users WHERE id = ?1", &params![id]).await?;
    Ok(())
}

/// Whether somebody else who can log in may do everything.
pub(super) async fn has_other_administrator(tx: &mut Tx<'_>, id: i64) -> Result<bool, Error> {
    const SQL: &str = "SELECT id FROM users WHERE system_role = 1 AND is_disabled = 0 AND password_hash IS NOT NULL \
                       AND id <> ?1 LIMIT 1";
    Ok(tx.query_opt(SQL, &params![id]).await?.is_some())
}

/// Whether anybody was ever made administrator.
pub(super) async fn has_administrator(mut from: impl Reading) -> Result<bool, Error> {
    const SQL: &str = "SELECT id FROM users WHERE system_role = 1 LIMIT 1";
    Ok(from.get(SQL.into(), &params![]).await?.is_some())
}
