//! SQL of `hooks`, `hook_receipts` and `commits`.

use wharf_context::{Context, EditWebhook, ProjectId, Timestamp, Warrant};
use wharf_db::{Db, Row, Tx, params};

use super::{Commit, Hook, KeptCommit, Sender};
use crate::error::Error;
use crate::webhook::WebhookName;

const MALFORMED: Error = Error::MalformedRow { what: "a hook" };
/// Receipts that one transaction forgets at most.
const FORGET_ROWS: i64 = 100;

const GET: &str =
    "SELECT name, sender, created_by, created_at, taken_at FROM hooks WHERE project_id = ?1 AND name = ?2";

/// What is needed to judge a body.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) hook: i64,
    pub(super) project: ProjectId,
    pub(super) sender: Sender,
    pub(super) secret: Vec<u8>,
}

pub(super) async fn find(db: &Db, project: ProjectId, name: &WebhookName) -> Result<Option<Hook>, Error> {
    db.get(GET, &params![project, name.as_str()]).await?.map(|row| read(&row)).transpose()
}

pub(super) async fn get(tx: &mut Tx<'_>, project: ProjectId, name: &WebhookName) -> Result<Option<Hook>, Error> {
    tx.query_opt(GET, &params![project, name.as_str()]).await?.map(|row| read(&row)).transpose()
}

pub(super) async fn list(db: &Db, project: ProjectId, after: &str, limit: i64) -> Result<Vec<Hook>, Error> {
    const LIST: &str = "SELECT name, sender, created_by, created_at, taken_at FROM hooks \
                        WHERE project_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
    db.list(LIST, &params![project, after, limit]).await?.iter().map(read).collect()
}

pub(super) async fn count(tx: &mut Tx<'_>, project: ProjectId) -> Result<i64, Error> {
    let row = tx.query_opt("SELECT COUNT(*) FROM hooks WHERE project_id = ?1", &params![project]).await?;
    Ok(row.ok_or(MALFORMED)?.integer(0)?)
}

pub(super) async fn put(
    tx: &mut Tx<'_>,
    ctx: &Context,
    warrant: &Warrant<EditWebhook>,
    (name, sender): (&WebhookName, Sender),
    secret: &[u8],
) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO hooks (project_id, project, name, sender, secret, created_by, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (project_id, name) DO UPDATE SET sender = excluded.sender, secret = excluded.secret",
        &params![
            warrant.project(),
            warrant.name().as_str(),
            name.as_str(),
            sender.name(),
            secret,
            &ctx.caller.name,
            now
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, project: ProjectId, name: &WebhookName) -> Result<bool, Error> {
    let delete = "DELETE FROM hooks WHERE project_id = ?1 AND name = ?2";
    Ok(tx.execute(delete, &params![project, name.as_str()]).await? == 1)
}

/// The hook of the newest project of that name: whether it is the one of this moment is asked later.
pub(super) async fn door(db: &Db, project: &str, name: &WebhookName) -> Result<Option<Door>, Error> {
    const DOOR: &str = "SELECT id, project_id, sender, secret FROM hooks WHERE project = ?1 AND name = ?2 \
                        ORDER BY project_id DESC LIMIT 1";
    let Some(row) = db.get(DOOR, &params![project, name.as_str()]).await? else { return Ok(None) };
    Ok(Some(Door {
        hook: row.integer(0)?,
        project: ProjectId(row.integer(1)?),
        sender: Sender::from_name(row.text(2)?).ok_or(MALFORMED)?,
        secret: row.bytes(3)?.to_vec(),
    }))
}

/// Remembers a body. False when it is remembered already.
pub(super) async fn remember(tx: &mut Tx<'_>, hook: i64, digest: &[u8]) -> Result<bool, Error> {
    let now = tx.now();
    let remember =
        "INSERT INTO hook_receipts (hook_id, digest, received_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(remember, &params![hook, digest, now]).await? == 1)
}

pub(super) async fn forget_receipts(tx: &mut Tx<'_>, before: Timestamp) -> Result<(), Error> {
    let forget = "DELETE FROM hook_receipts WHERE received_at IN (\
                  SELECT received_at FROM hook_receipts WHERE received_at < ?1 ORDER BY received_at LIMIT ?2)";
    tx.execute(forget, &params![before, FORGET_ROWS]).await?;
    Ok(())
}

pub(super) async fn touch(tx: &mut Tx<'_>, hook: i64) -> Result<(), Error> {
    let now = tx.now();
    tx.execute("UPDATE hooks SET taken_at = ?2 WHERE id = ?1", &params![hook, now]).await?;
    Ok(())
}

/// Keeps a commit. False when it was kept before.
pub(super) async fn keep(
    tx: &mut Tx<'_>,
    project: ProjectId,
    hook: &WebhookName,
    commit: &Commit,
) -> Result<bool, Error> {
    let now = tx.now();
    let kept = tx
        .execute(
            "INSERT INTO commits (project_id, source, revision, git_ref, author, title, made_at, received_at, hook) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
            &params![
                project,
                &commit.source,
                &commit.revision,
                &commit.git_ref,
                &commit.author,
                &commit.title,
                commit.made_at,
                now,
                hook.as_str()
            ],
        )
        .await?;
    Ok(kept == 1)
}

pub(super) async fn commits(
    db: &Db,
    project: ProjectId,
    revision: Option<&str>,
    (before, limit): (i64, i64),
) -> Result<Vec<KeptCommit>, Error> {
    const LIST: &str = "SELECT id, source, revision, git_ref, author, title, made_at, received_at, hook FROM commits \
                        WHERE project_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    const OF: &str = "SELECT id, source, revision, git_ref, author, title, made_at, received_at, hook FROM commits \
                      WHERE project_id = ?1 AND id < ?2 AND revision >= ?4 AND revision < ?5 ORDER BY id DESC LIMIT ?3";
    let rows = match revision {
        None => db.list(LIST, &params![project, before, limit]).await?,
        // Behind every hex digit comes `g`.
        Some(begin) => db.list(OF, &params![project, before, limit, begin, format!("{begin}g")]).await?,
    };
    rows.iter().map(read_commit).collect()
}

fn read_commit(row: &Row) -> Result<KeptCommit, Error> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(KeptCommit {
        id: row.integer(0)?,
        commit: Commit {
            source: text(1)?,
            revision: text(2)?,
            git_ref: text(3)?,
            author: text(4)?,
            title: text(5)?,
            made_at: row.optional_timestamp(6)?,
        },
        received_at: row.timestamp(7)?,
        hook: text(8)?,
        images: Vec::new(),
    })
}

fn read(row: &Row) -> Result<Hook, Error> {
    Ok(Hook {
        name: row.text(0)?.parse().map_err(|_| MALFORMED)?,
        sender: Sender::from_name(row.text(1)?).ok_or(MALFORMED)?,
        created_by: row.text(2)?.to_owned(),
        created_at: row.timestamp(3)?,
        taken_at: row.optional_timestamp(4)?,
    })
}
