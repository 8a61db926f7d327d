//! SQL of `persons` and `person_accounts`.

use std::collections::BTreeMap;

use wharf_context::PersonId;
use wharf_db::{Db, Statement, Tx, params};

use super::{LinkedAccount, Person, PersonName};
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "a person" };

/// The kind of a user's identities.
pub(crate) const USER: i64 = 0;
/// The kind of a robot that a person answers for.
pub(crate) const ROBOT: i64 = 1;

/// What a person logs in as.
pub(crate) async fn logins(tx: &mut Tx<'_>, person: PersonId) -> Result<Vec<String>, wharf_db::Error> {
    const SQL: &str = "SELECT COALESCE(u.name, p.name || '+' || r.name) FROM person_accounts a \
         LEFT JOIN users u ON a.kind = 0 AND u.id = a.account_id \
         LEFT JOIN robots r ON a.kind = 1 AND r.id = a.account_id LEFT JOIN projects p ON p.id = r.project_id \
         WHERE a.person_id = ?1 ORDER BY a.kind, a.account_id";
    let rows = tx.query(SQL, &params![person.0]).await?;
    rows.iter().filter_map(|row| row.optional_text(0).map(|name| name.map(str::to_owned)).transpose()).collect()
}

/// Whose identity it is.
pub(crate) async fn of_account(tx: &mut Tx<'_>, kind: i64, id: i64) -> Result<Option<PersonId>, wharf_db::Error> {
    const SQL: &str = "SELECT person_id FROM person_accounts WHERE kind = ?1 AND account_id = ?2";
    let row = tx.query_opt(SQL, &params![kind, id]).await?;
    row.map(|row| row.integer(0).map(PersonId)).transpose()
}

pub(super) async fn list(db: &Db, after: &str, rows: i64) -> Result<Vec<Person>, Error> {
    const SQL: &str = "SELECT id, name, created_at FROM persons WHERE name > ?1 ORDER BY name LIMIT ?2";
    let rows = db.list(SQL, &params![after, rows]).await?;
    let mut persons = Vec::with_capacity(rows.len());
    let mut ids = Vec::with_capacity(rows.len());
    for row in &rows {
        ids.push(row.integer(0)?);
        let name = row.text(1)?.parse().map_err(|_| MALFORMED)?;
        persons.push(Person { name, created_at: row.timestamp(2)?, accounts: Vec::new() });
    }
    let mut accounts = accounts(db, &ids).await?;
    for (id, person) in ids.iter().zip(&mut persons) {
        person.accounts = accounts.remove(id).unwrap_or_default();
    }
    Ok(persons)
}

const ACCOUNTS: Statement = Statement::dialects(
    "SELECT a.person_id, COALESCE(u.name, p.name || '+' || r.name), a.linked_by, a.linked_at \
     FROM json_each(?1) j CROSS JOIN person_accounts a ON a.person_id = j.value \
     LEFT JOIN users u ON a.kind = 0 AND u.id = a.account_id \
     LEFT JOIN robots r ON a.kind = 1 AND r.id = a.account_id LEFT JOIN projects p ON p.id = r.project_id \
     ORDER BY a.person_id, a.kind, a.account_id",
    "SELECT a.person_id, COALESCE(u.name, p.name || '+' || r.name), a.linked_by, a.linked_at \
     FROM person_accounts a \
     LEFT JOIN users u ON a.kind = 0 AND u.id = a.account_id \
     LEFT JOIN robots r ON a.kind = 1 AND r.id = a.account_id LEFT JOIN projects p ON p.id = r.project_id \
     WHERE a.person_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) \
     ORDER BY a.person_id, a.kind, a.account_id",
);

async fn accounts(db: &Db, persons: &[i64]) -> Result<BTreeMap<i64, Vec<LinkedAccount>>, Error> {
    let ids = serde_json::to_string(persons).map_err(|_| MALFORMED)?;
    let mut accounts: BTreeMap<i64, Vec<LinkedAccount>> = BTreeMap::new();
    for row in &db.list(ACCOUNTS, &params![ids]).await? {
        let (login, linked_by) = (row.text(1)?.to_owned(), row.text(2)?.to_owned());
        let account = LinkedAccount { login, linked_by, linked_at: row.timestamp(3)? };
        accounts.entry(row.integer(0)?).or_default().push(account);
    }
    Ok(accounts)
}

pub(super) async fn get(tx: &mut Tx<'_>, name: &PersonName) -> Result<Option<i64>, Error> {
    let row = tx.query_opt("SELECT id FROM persons WHERE name = ?1", &params![name.as_str()]).await?;
    Ok(row.map(|row| row.integer(0)).transpose()?)
}

/// Adds a person; `false` when the name is in use.
pub(super) async fn insert(tx: &mut Tx<'_>, name: &PersonName) -> Result<bool, Error> {
    const SQL: &str = "INSERT INTO persons (name, created_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
    Ok(tx.execute(SQL, &params![name.as_str(), tx.now()]).await? == 1)
}

pub(super) async fn delete(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM person_accounts WHERE person_id = ?1", &params![id]).await?;
    tx.execute("DELETE FROM persons WHERE id = ?1", &params![id]).await?;
    Ok(())
}

/// Makes an identity a person's, whoever's it was.
pub(super) async fn link(tx: &mut Tx<'_>, person: i64, ((kind, account), by): ((i64, i64), &str)) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO person_accounts (kind, account_id, person_id, linked_by, linked_at) \
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (kind, account_id) DO UPDATE SET \
         person_id = excluded.person_id, linked_by = excluded.linked_by, linked_at = excluded.linked_at";
    tx.execute(SQL, &params![kind, account, person, by, tx.now()]).await?;
    Ok(())
}

/// `false` when it was not theirs.
pub(super) async fn unlink(tx: &mut Tx<'_>, person: i64, (kind, account): (i64, i64)) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM person_accounts WHERE kind = ?1 AND account_id = ?2 AND person_id = ?3";
    Ok(tx.execute(SQL, &params![kind, account, person]).await? > 0)
}

/// Forgets whose a user was who is deleted.
pub(crate) async fn delete_user(tx: &mut Tx<'_>, user: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM person_accounts WHERE kind = 0 AND account_id = ?1", &params![user]).await?;
    Ok(())
}

/// Forgets whose a robot was that is deleted.
pub(crate) async fn delete_robot(tx: &mut Tx<'_>, robot: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM person_accounts WHERE kind = 1 AND account_id = ?1", &params![robot]).await?;
    Ok(())
}

/// The same of all robots of a project that is deleted.
pub(crate) async fn delete_project(tx: &mut Tx<'_>, project: wharf_context::ProjectId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM person_accounts WHERE kind = 1 AND account_id IN \
                       (SELECT id FROM robots WHERE project_id = ?1)";
    tx.execute(SQL, &params![project]).await?;
    Ok(())
}
