//! SQL of `holds`.

use wharf_context::{Context, ProjectId, Timestamp};
use wharf_db::{Db, Row, Statement, Tx, params};
use wharf_oci::{Digest, Reference, RepositoryName, Tag};

use super::{Hold, HoldKind, HoldsQuery, Lifted, NewHold};
use crate::digests;
use crate::error::Error;

const GET: &str = "SELECT id, kind, repository, tag, digest, reason, set_by, set_at, until_at, lifted_by, lifted_at, lift_reason \
     FROM holds WHERE project_id = ?1 AND id = ?2";
const IN_FORCE: Statement = Statement::dialects(
    "SELECT id, kind, repository, tag, digest, reason, set_by, set_at, until_at, NULL, NULL, NULL FROM holds \
     WHERE project_id = ?1 AND repository = ?2 AND lifted_at IS NULL AND (until_at IS NULL OR until_at > ?3) \
     UNION SELECT h.id, h.kind, h.repository, h.tag, h.digest, h.reason, h.set_by, h.set_at, h.until_at, NULL, NULL, NULL \
     FROM json_each(?4) j CROSS JOIN holds h ON h.project_id = ?1 AND h.digest = unhex(j.value) AND h.lifted_at IS NULL \
     AND h.digest IS NOT NULL AND h.tag IS NULL AND (h.until_at IS NULL OR h.until_at > ?3) ORDER BY 1",
    "SELECT id, kind, repository, tag, digest, reason, set_by, set_at, until_at, \
     CAST(NULL AS text), CAST(NULL AS bigint), CAST(NULL AS text) FROM holds \
     WHERE project_id = ?1 AND repository = ?2 AND lifted_at IS NULL AND (until_at IS NULL OR until_at > ?3) \
     UNION SELECT h.id, h.kind, h.repository, h.tag, h.digest, h.reason, h.set_by, h.set_at, h.until_at, \
     CAST(NULL AS text), CAST(NULL AS bigint), CAST(NULL AS text) \
     FROM json_array_elements_text(CAST(?4 AS text)::json) j JOIN holds h \
     ON h.project_id = ?1 AND h.digest = decode(j.value, 'hex') AND h.lifted_at IS NULL \
     AND h.digest IS NOT NULL AND h.tag IS NULL AND (h.until_at IS NULL OR h.until_at > ?3) ORDER BY 1",
);
const ALL_IN_FORCE: &str = "SELECT id, kind, repository, tag, digest, reason, set_by, set_at, until_at, \
     lifted_by, lifted_at, lift_reason FROM holds \
     WHERE project_id = ?1 AND lifted_at IS NULL AND (until_at IS NULL OR until_at > ?3) \
     AND (repository = ?2 OR (tag IS NULL AND digest IS NOT NULL)) ORDER BY id";
const LIST: &str = "SELECT id, kind, repository, tag, digest, reason, set_by, set_at, until_at, lifted_by, lifted_at, lift_reason \
     FROM holds WHERE project_id = ?1 AND id < ?2 AND (CAST(?3 AS bigint) = 1 OR \
     (lifted_at IS NULL AND (until_at IS NULL OR until_at > ?4))) \
     AND (CAST(?5 AS bigint) = 1 OR repository = ?6) ORDER BY id DESC LIMIT ?7";

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (project, new): (ProjectId, &NewHold),
    digest: Option<Digest>,
) -> Result<Hold, Error> {
    let now = tx.now();
    let tag = match &new.reference {
        Some(Reference::Tag(tag)) => Some(tag.clone()),
        Some(Reference::Digest(_)) | None => None,
    };
    let row = tx
        .query_opt(
            "INSERT INTO holds (project_id, kind, repository, tag, digest, reason, set_by, set_at, until_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
            &params![
                project,
                number(new.kind),
                new.repository.as_str(),
                tag.as_ref().map(Tag::as_str),
                digest.map(|digest| digest.to_bytes()),
                new.reason.as_str(),
                ctx.caller.name.as_str(),
                now,
                new.until
            ],
        )
        .await?;
    Ok(Hold {
        id: row.ok_or(Error::MalformedRow { what: "a hold" })?.integer(0)?,
        kind: new.kind,
        repository: new.repository.clone(),
        tag,
        digest,
        reason: new.reason.clone(),
        set_by: ctx.caller.name.clone(),
        set_at: now,
        until: new.until,
        lifted: None,
    })
}

pub(super) async fn lift(tx: &mut Tx<'_>, (project, id): (ProjectId, i64), lifted: &Lifted) -> Result<(), Error> {
    tx.execute(
        "UPDATE holds SET lifted_by = ?3, lifted_at = ?4, lift_reason = ?5 WHERE project_id = ?1 AND id = ?2",
        &params![project, id, lifted.by.as_str(), lifted.at, lifted.reason.as_str()],
    )
    .await?;
    Ok(())
}

pub(super) async fn get(tx: &mut Tx<'_>, project: ProjectId, id: i64) -> Result<Option<Hold>, Error> {
    tx.query_opt(GET, &params![project, id]).await?.map(|row| read(&row)).transpose()
}

pub(super) async fn find(db: &Db, project: ProjectId, id: i64) -> Result<Option<Hold>, Error> {
    db.get(GET, &params![project, id]).await?.map(|row| read(&row)).transpose()
}

/// Whether a project has a hold that nobody has lifted.
pub(super) async fn is_any_in_force(tx: &mut Tx<'_>, project: ProjectId) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM holds WHERE project_id = ?1 AND lifted_at IS NULL LIMIT 1";
    Ok(tx.query_opt(SQL, &params![project]).await?.is_some())
}

/// The holds in force that are on a repository or something in it, and those on `digests` in the whole project.
pub(crate) async fn in_force(
    tx: &mut Tx<'_>,
    (project, repository): (ProjectId, &RepositoryName),
    digests: &[Digest],
) -> Result<Vec<Hold>, Error> {
    let now = tx.now();
    let rows = tx.query(IN_FORCE, &params![project, repository.as_str(), now, digests::hex_list(digests)]).await?;
    rows.iter().map(read).collect()
}

/// The holds in force that are on a repository or something in it, and those on any digest in the whole project.
pub(super) async fn all_in_force(
    tx: &mut Tx<'_>,
    (project, repository): (ProjectId, &RepositoryName),
) -> Result<Vec<Hold>, Error> {
    let now = tx.now();
    let rows = tx.query(ALL_IN_FORCE, &params![project, repository.as_str(), now]).await?;
    rows.iter().map(read).collect()
}

pub(crate) async fn list(
    db: &Db,
    (project, now): (ProjectId, Timestamp),
    query: &HoldsQuery,
    limit: usize,
) -> Result<Vec<Hold>, Error> {
    let repository = query.repository.as_ref().map(RepositoryName::as_str);
    let params = params![
        project,
        query.before.unwrap_or(i64::MAX),
        query.with_ended,
        now,
        repository.is_none(),
        repository.unwrap_or_default(),
        i64::try_from(limit).unwrap_or(i64::MAX)
    ];
    db.list(LIST, &params).await?.iter().map(read).collect()
}

fn number(kind: HoldKind) -> i64 {
    match kind {
        HoldKind::Legal => 0,
        HoldKind::Quarantine => 1,
    }
}

fn read(row: &Row) -> Result<Hold, Error> {
    const MALFORMED: Error = Error::MalformedRow { what: "a hold" };
    let lifted = match (row.optional_text(9)?, row.optional_timestamp(10)?) {
        (Some(by), Some(at)) => {
            let reason = row.optional_text(11)?.unwrap_or_default().to_owned();
            Some(Lifted { by: by.to_owned(), at, reason })
        }
        (_, _) => None,
    };
    Ok(Hold {
        id: row.integer(0)?,
        kind: match row.integer(1)? {
            0 => HoldKind::Legal,
            1 => HoldKind::Quarantine,
            _ => return Err(MALFORMED),
        },
        repository: row.text(2)?.parse().map_err(|_| MALFORMED)?,
        tag: row.optional_text(3)?.map(str::parse).transpose().map_err(|_| MALFORMED)?,
        digest: digests::read_if_any(row, 4)?,
        reason: row.text(5)?.to_owned(),
        set_by: row.text(6)?.to_owned(),
        set_at: row.timestamp(7)?,
        until: row.optional_timestamp(8)?,
        lifted,
    })
}
