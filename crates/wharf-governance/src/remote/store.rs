//! SQL of `remotes`.

use wharf_context::ProjectId;
use wharf_db::{Db, Reading, Row, Tx, params};

use super::{Destination, Remote};
use crate::error::Error;

use crate::webhook::WebhookName;

const MALFORMED: Error = Error::MalformedRow { what: "a remote" };

pub(super) async fn list(mut from: impl Reading, project: ProjectId) -> Result<Vec<Remote>, Error> {
    const SQL: &str =
        "SELECT name, url, account, changed_by, changed_at FROM remotes WHERE project_id = ?1 ORDER BY name";
    from.list(SQL.into(), &params![project]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Remote, Error> {
    Ok(Remote {
        name: row.text(0)?.parse().map_err(|_| MALFORMED)?,
        url: row.text(1)?.to_owned(),
        account: row.optional_text(2)?.map(str::to_owned),
        changed_by: row.text(3)?.to_owned(),
        changed_at: row.timestamp(4)?,
    })
}

pub(super) async fn put(
    tx: &mut Tx<'_>,
    project: ProjectId,
    (remote, secret): (&Remote, Option<&[u8]>),
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO remotes (project_id, name, url, account, secret, changed_by, changed_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (project_id, name) DO UPDATE SET url = excluded.url, \
         account = excluded.account, secret = excluded.secret, changed_by = excluded.changed_by, \
         changed_at = excluded.changed_at";
    let Remote { name, url, account, changed_by, changed_at } = remote;
    let params =
        params![project, name.as_str(), url.as_str(), account.as_deref(), secret, changed_by.as_str(), *changed_at];
    tx.execute(SQL, &params).await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, project: ProjectId, name: &WebhookName) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM remotes WHERE project_id = ?1 AND name = ?2";
    Ok(tx.execute(SQL, &params![project, name.as_str()]).await? == 1)
}

pub(super) async fn destination(db: &Db, project: ProjectId, name: &WebhookName) -> Result<Option<Destination>, Error> {
    const SQL: &str = "SELECT url, account, secret FROM remotes WHERE project_id = ?1 AND name = ?2";
    let Some(row) = db.get(SQL, &params![project, name.as_str()]).await? else { return Ok(None) };
    Ok(Some(Destination {
        name: name.clone(),
        url: row.text(0)?.parse().map_err(|_| MALFORMED)?,
        account: row.optional_text(1)?.map(str::to_owned),
        secret: row.optional_bytes(2)?.map(<[u8]>::to_vec),
    }))
}
