//! SQL of `webhooks` and `webhook_lanes`.

use wharf_context::{Context, EditWebhook, ProjectId, Timestamp, Warrant};
use wharf_db::{Db, Row, Statement, Tx, params};

use super::{LaneState, NewWebhook, Template, Webhook, WebhookName};
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "a webhook" };

const GET: &str = "SELECT w.id, w.name, w.url, w.events, w.repositories, w.template, w.git_ref, \
     w.credential IS NOT NULL, w.former_until, w.is_disabled, w.created_by, w.created_at, \
     l.due_at, l.failures, l.dropped, w.project \
     FROM webhooks w JOIN webhook_lanes l ON l.webhook_id = w.id WHERE w.project_id = ?1 AND w.name = ?2";
const LIST: &str = "SELECT w.id, w.name, w.url, w.events, w.repositories, w.template, w.git_ref, \
     w.credential IS NOT NULL, w.former_until, w.is_disabled, w.created_by, w.created_at, \
     l.due_at, l.failures, l.dropped, w.project \
     FROM webhooks w JOIN webhook_lanes l ON l.webhook_id = w.id \
     WHERE w.project_id = ?1 AND w.name > ?2 ORDER BY w.name LIMIT ?3";
const WANTING: &str =
    "SELECT id, events, repositories FROM webhooks WHERE project_id = ?1 AND is_disabled = 0 ORDER BY id";
const SENDER: &str = "SELECT project_id, project, name, url, template, git_ref, secret, former_secret, former_until, \
     credential, is_disabled FROM webhooks WHERE id = ?1";
const TAKE: Statement = Statement::dialects(
    "UPDATE webhook_lanes SET token = ?1, leased_until = ?2 WHERE webhook_id IN (\
        SELECT webhook_id FROM webhook_lanes WHERE due_at <= ?3 AND (leased_until IS NULL OR leased_until <= ?3) \
        ORDER BY due_at LIMIT ?4) RETURNING webhook_id, failures",
    "UPDATE webhook_lanes SET token = ?1, leased_until = ?2 WHERE webhook_id = ANY(ARRAY(\
        SELECT webhook_id FROM webhook_lanes WHERE due_at <= ?3 AND (leased_until IS NULL OR leased_until <= ?3) \
        ORDER BY due_at LIMIT ?4 FOR UPDATE SKIP LOCKED)) RETURNING webhook_id, failures",
);

/// What is needed to send: secrets still sealed.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) project: ProjectId,
    pub(crate) project_name: String,
    pub(crate) name: WebhookName,
    pub(crate) url: String,
    pub(crate) template: Template,
    pub(crate) git_ref: Option<String>,
    pub(crate) secret: Vec<u8>,
    pub(crate) former: Option<(Vec<u8>, Timestamp)>,
    pub(crate) credential: Option<Vec<u8>>,
    pub(crate) is_disabled: bool,
}

pub(super) async fn find(db: &Db, project: ProjectId, name: &WebhookName) -> Result<Option<Webhook>, Error> {
    db.get(GET, &params![project.0, name.as_str()]).await?.map(|row| read(&row)).transpose()
}

pub(crate) async fn get(tx: &mut Tx<'_>, project: ProjectId, name: &WebhookName) -> Result<Option<Webhook>, Error> {
    tx.query_opt(GET, &params![project.0, name.as_str()]).await?.map(|row| read(&row)).transpose()
}

pub(super) async fn list(db: &Db, project: ProjectId, after: &str, limit: i64) -> Result<Vec<Webhook>, Error> {
    db.list(LIST, &params![project.0, after, limit]).await?.iter().map(read).collect()
}

pub(super) async fn count(tx: &mut Tx<'_>, project: ProjectId) -> Result<i64, Error> {
    let row = tx.query_opt("SELECT COUNT(*) FROM webhooks WHERE project_id = ?1", &params![project.0]).await?;
    Ok(row.ok_or(MALFORMED)?.integer(0)?)
}

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    ctx: &Context,
    warrant: &Warrant<EditWebhook>,
    new: &NewWebhook,
    (secret, credential): (&[u8], Option<&[u8]>),
) -> Result<(), Error> {
    let now = tx.now();
    let row = tx
        .query_opt(
            "INSERT INTO webhooks (project_id, project, name, url, events, repositories, template, git_ref, secret, \
             credential, created_by, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING id",
            &params![
                warrant.project().0,
                warrant.name().as_str(),
                new.name.as_str(),
                &new.url,
                render(&new.events),
                render(&new.repositories),
                new.template.name(),
                new.git_ref.as_deref(),
                secret,
                credential,
                &ctx.caller.name,
                now
            ],
        )
        .await?;
    let id = row.ok_or(MALFORMED)?.integer(0)?;
    tx.execute("INSERT INTO webhook_lanes (webhook_id) VALUES (?1)", &params![id]).await?;
    Ok(())
}

pub(super) async fn update(tx: &mut Tx<'_>, webhook: &Webhook) -> Result<(), Error> {
    tx.execute(
        "UPDATE webhooks SET url = ?2, events = ?3, repositories = ?4, template = ?5, git_ref = ?6, is_disabled = ?7 \
         WHERE id = ?1",
        &params![
            webhook.id,
            &webhook.url,
            render(&webhook.events),
            render(&webhook.repositories),
            webhook.template.name(),
            webhook.git_ref.as_deref(),
            webhook.is_disabled
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn set_credential(tx: &mut Tx<'_>, id: i64, credential: Option<&[u8]>) -> Result<(), Error> {
    tx.execute("UPDATE webhooks SET credential = ?2 WHERE id = ?1", &params![id, credential]).await?;
    Ok(())
}

pub(super) async fn rotate(tx: &mut Tx<'_>, id: i64, secret: &[u8], until: Timestamp) -> Result<(), Error> {
    tx.execute(
        "UPDATE webhooks SET former_secret = secret, former_until = ?3, secret = ?2 WHERE id = ?1",
        &params![id, secret, until],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM webhook_lanes WHERE webhook_id = ?1", &params![id]).await?;
    tx.execute("DELETE FROM webhooks WHERE id = ?1", &params![id]).await?;
    Ok(())
}

/// Who may want an event of a project: number, events, repositories.
pub(super) async fn wanting(
    tx: &mut Tx<'_>,
    project: ProjectId,
) -> Result<Vec<(i64, Vec<String>, Vec<String>)>, Error> {
    let rows = tx.query(WANTING, &params![project.0]).await?;
    rows.iter().map(|row| Ok((row.integer(0)?, texts(row.text(1)?)?, texts(row.text(2)?)?))).collect()
}

pub(crate) async fn sender(db: &Db, id: i64) -> Result<Option<Sender>, Error> {
    db.get(SENDER, &params![id]).await?.map(read_sender).transpose()
}

fn read_sender(row: Row) -> Result<Sender, Error> {
    let former = row.optional_bytes(7)?.map(<[u8]>::to_vec).zip(row.optional_timestamp(8)?);
    Ok(Sender {
        project: ProjectId(row.integer(0)?),
        project_name: row.text(1)?.to_owned(),
        name: row.text(2)?.parse().map_err(|_| MALFORMED)?,
        url: row.text(3)?.to_owned(),
        template: Template::from_name(row.text(4)?).ok_or(MALFORMED)?,
        git_ref: row.optional_text(5)?.map(str::to_owned),
        secret: row.bytes(6)?.to_vec(),
        former,
        credential: row.optional_bytes(9)?.map(<[u8]>::to_vec),
        is_disabled: row.boolean(10)?,
    })
}

/// Takes lanes that are due: number and failures in a row.
pub(super) async fn take(
    tx: &mut Tx<'_>,
    token: &[u8; 16],
    until: Timestamp,
    limit: usize,
) -> Result<Vec<(i64, u32)>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = tx.query(TAKE, &params![token, until, tx.now(), limit]).await?;
    rows.iter().map(|row| Ok((row.integer(0)?, u32::try_from(row.integer(1)?).unwrap_or(u32::MAX)))).collect()
}

/// Whether a lane is due that nobody holds; a look that costs no transaction.
pub(super) async fn is_due(db: &Db, now: Timestamp) -> Result<bool, Error> {
    let due = "SELECT 1 FROM webhook_lanes WHERE due_at <= ?1 AND (leased_until IS NULL OR leased_until <= ?1) LIMIT 1";
    Ok(db.get(due, &params![now]).await?.is_some())
}

/// Keeps a lane for longer. False when another node has it by now.
pub(super) async fn renew(tx: &mut Tx<'_>, id: i64, token: &[u8; 16], until: Timestamp) -> Result<bool, Error> {
    let renew = "UPDATE webhook_lanes SET leased_until = ?3 WHERE webhook_id = ?1 AND token = ?2";
    Ok(tx.execute(renew, &params![id, token, until]).await? == 1)
}

/// Gives a lane back; it is due when its first delivery is, and not before `not_before`.
pub(super) async fn release(
    tx: &mut Tx<'_>,
    id: i64,
    token: &[u8; 16],
    (failures, not_before): (u32, Timestamp),
) -> Result<(), Error> {
    tx.execute(
        Statement::dialects(
            "UPDATE webhook_lanes SET token = NULL, leased_until = NULL, failures = ?3, \
             due_at = (SELECT MAX(MIN(d.due_at), ?4) FROM webhook_deliveries d WHERE d.webhook_id = ?1 AND d.state = 0) \
             WHERE webhook_id = ?1 AND token = ?2",
            "UPDATE webhook_lanes SET token = NULL, leased_until = NULL, failures = ?3, \
             due_at = (SELECT CASE WHEN MIN(d.due_at) > ?4 THEN MIN(d.due_at) WHEN MIN(d.due_at) IS NULL THEN NULL \
             ELSE ?4 END FROM webhook_deliveries d WHERE d.webhook_id = ?1 AND d.state = 0) \
             WHERE webhook_id = ?1 AND token = ?2",
        ),
        &params![id, token, failures, not_before],
    )
    .await?;
    Ok(())
}

/// Lets a lane be taken now, unless it waits for a receiver that is away.
pub(crate) async fn wake_lane(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.execute(
        "UPDATE webhook_lanes SET due_at = ?2 \
         WHERE webhook_id = ?1 AND (due_at IS NULL OR (due_at > ?2 AND failures = 0))",
        &params![id, tx.now()],
    )
    .await?;
    Ok(())
}

/// Lets a lane be taken at once, whatever it waited for.
pub(super) async fn recompute_lane(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.execute("UPDATE webhook_lanes SET due_at = ?2, failures = 0 WHERE webhook_id = ?1", &params![id, tx.now()])
        .await?;
    Ok(())
}

/// Counts an event that was not kept.
pub(super) async fn count_dropped(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.execute("UPDATE webhook_lanes SET dropped = dropped + 1 WHERE webhook_id = ?1", &params![id]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Webhook, Error> {
    let lane = LaneState {
        due_at: row.optional_timestamp(12)?,
        failures: u32::try_from(row.integer(13)?).unwrap_or(u32::MAX),
        dropped: u64::try_from(row.integer(14)?).unwrap_or_default(),
    };
    Ok(Webhook {
        id: row.integer(0)?,
        name: row.text(1)?.parse().map_err(|_| MALFORMED)?,
        url: row.text(2)?.to_owned(),
        events: texts(row.text(3)?)?,
        repositories: texts(row.text(4)?)?,
        template: Template::from_name(row.text(5)?).ok_or(MALFORMED)?,
        git_ref: row.optional_text(6)?.map(str::to_owned),
        has_credential: row.boolean(7)?,
        former_secret_until: row.optional_timestamp(8)?,
        is_disabled: row.boolean(9)?,
        created_by: row.text(10)?.to_owned(),
        created_at: row.timestamp(11)?,
        lane,
    })
}

fn render(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}

fn texts(json: &str) -> Result<Vec<String>, Error> {
    serde_json::from_str(json).map_err(|_| MALFORMED)
}
