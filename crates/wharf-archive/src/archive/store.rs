//! SQL of `archives`, `archive_members` and `archive_tags`.

use data_encoding::HEXLOWER;
use wharf_context::{Context, ProjectId};
use wharf_db::{Db, Row, Statement, Tx, params};
use wharf_oci::{Digest, Reference, RepositoryName};

use super::{Archive, ArchiveFigures, ArchiveState, ArchivesQuery, Contents};
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "an archive" };

/// The columns of an archive, and what follows.
macro_rules! sql {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, a.project_id, a.repository, a.digest, a.state, a.revision, a.reason, a.requested_by, \
             a.requested_at, a.place, a.archived_at, a.restored_by, a.restored_at, a.explanation, a.manifests, a.blobs, \
             a.size_bytes FROM archives a ",
            $rest
        )
    };
}

/// States in which an image is on its way, or gone: one archive of it at a time.
const OPEN: &str =
    sql!("WHERE a.project_id = ?1 AND a.repository = ?2 AND a.digest = ?3 AND a.state < 3 ORDER BY a.id DESC LIMIT 1");

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (project, repository, digest): (ProjectId, &RepositoryName, &Digest),
    reason: &str,
) -> Result<Archive, Error> {
    const SQL: &str = "INSERT INTO archives (project_id, repository, digest, state, reason, requested_by, requested_at) \
         VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6) RETURNING id";
    let now = tx.now();
    let (by, bytes) = (ctx.caller.name.as_str(), digest.to_bytes());
    let row = tx.query_opt(SQL, &params![project, repository.as_str(), bytes, reason, by, now]).await?;
    let id = row.ok_or(MALFORMED)?.integer(0)?;
    get(tx, id).await?.ok_or(MALFORMED)
}

/// Writes down where an archive stands, if nobody changed it since revision `before`.
pub(super) async fn update(tx: &mut Tx<'_>, archive: &Archive, before: i64) -> Result<bool, Error> {
    const SQL: &str = "UPDATE archives SET state = ?2, revision = ?3, explanation = ?4, archived_at = ?5, restored_at = ?6 \
         WHERE id = ?1 AND revision = ?7";
    let params = params![
        archive.id,
        number(archive.state),
        archive.revision,
        archive.explanation.as_str(),
        archive.archived_at,
        archive.restored_at,
        before
    ];
    Ok(tx.execute(SQL, &params).await? == 1)
}

pub(super) async fn note_restorer(tx: &mut Tx<'_>, id: i64, by: &str) -> Result<(), Error> {
    tx.execute("UPDATE archives SET restored_by = ?2 WHERE id = ?1", &params![id, by]).await?;
    Ok(())
}

const INSERT_MEMBERS: Statement = Statement::dialects(
    "INSERT INTO archive_members (archive_id, digest) SELECT ?1, unhex(value) FROM json_each(?2) WHERE true \
     ON CONFLICT (archive_id, digest) DO NOTHING",
    "INSERT INTO archive_members (archive_id, digest) \
     SELECT CAST(?1 AS bigint), decode(value, 'hex') FROM json_array_elements_text(CAST(?2 AS text)::json) \
     ON CONFLICT (archive_id, digest) DO NOTHING",
);
const INSERT_TAGS: Statement = Statement::dialects(
    "INSERT INTO archive_tags (archive_id, tag, digest) \
     SELECT ?1, j.value ->> 0, unhex(j.value ->> 1) FROM json_each(?2) j WHERE true \
     ON CONFLICT (archive_id, tag) DO NOTHING",
    "INSERT INTO archive_tags (archive_id, tag, digest) \
     SELECT CAST(?1 AS bigint), value ->> 0, decode(value ->> 1, 'hex') FROM json_array_elements(CAST(?2 AS text)::json) \
     ON CONFLICT (archive_id, tag) DO NOTHING",
);

/// Keeps what an archive has, and where it is.
pub(super) async fn keep(
    tx: &mut Tx<'_>,
    archive: &Archive,
    (contents, place): (&Contents, &str),
) -> Result<(), Error> {
    const SQL: &str =
        "UPDATE archives SET place = ?2, contents = ?3, manifests = ?4, blobs = ?5, size_bytes = ?6 WHERE id = ?1";
    let sizes = contents.manifests.iter().map(|member| member.size_bytes);
    let size_bytes = sizes.chain(contents.blobs.iter().map(|blob| blob.size_bytes)).fold(0_u64, u64::saturating_add);
    let document = serde_json::to_string(contents).map_err(|_| MALFORMED)?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let params = params![
        archive.id,
        place,
        document,
        count(contents.manifests.len()),
        count(contents.blobs.len()),
        i64::try_from(size_bytes).unwrap_or(i64::MAX)
    ];
    tx.execute(SQL, &params).await?;
    let members: Vec<Digest> = contents.manifests.iter().map(|member| member.digest).collect();
    tx.execute(INSERT_MEMBERS, &params![archive.id, hex_list(&members)]).await?;
    let tags: Vec<[String; 2]> =
        contents.tags.iter().map(|tag| [tag.tag.to_string(), HEXLOWER.encode(&tag.digest.to_bytes())]).collect();
    let tags = serde_json::to_string(&tags).map_err(|_| MALFORMED)?;
    tx.execute(INSERT_TAGS, &params![archive.id, tags]).await?;
    Ok(())
}

pub(super) async fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Archive>, Error> {
    tx.query_opt(sql!("WHERE a.id = ?1"), &params![id]).await?.map(|row| read(&row)).transpose()
}

/// An archive with what it has; nothing yet, where it has not been stored.
pub(super) async fn find(db: &Db, id: i64) -> Result<Option<(Archive, Contents)>, Error> {
    let Some(row) = db.get(sql!("WHERE a.id = ?1"), &params![id]).await? else { return Ok(None) };
    let contents = db.get("SELECT contents FROM archives WHERE id = ?1", &params![id]).await?;
    let contents = contents.map(|row| contents_of(&row, 0)).transpose()?.flatten();
    Ok(Some((read(&row)?, contents.unwrap_or_default())))
}

/// The archive of an image that is on its way, or gone.
pub(super) async fn open_of(
    tx: &mut Tx<'_>,
    (project, repository): (ProjectId, &RepositoryName),
    digest: &Digest,
) -> Result<Option<Archive>, Error> {
    let row = tx.query_opt(OPEN, &params![project, repository.as_str(), digest.to_bytes()]).await?;
    row.map(|row| read(&row)).transpose()
}

/// The archives of an image, the first first.
pub(crate) async fn of_digest(
    db: &Db,
    (project, repository): (ProjectId, &RepositoryName),
    digest: &Digest,
) -> Result<Vec<(Archive, Contents)>, Error> {
    const CONTENTS: &str = "SELECT a.id, a.contents FROM archives a \
         WHERE a.project_id = ?1 AND a.repository = ?2 AND a.digest = ?3 ORDER BY a.id LIMIT 100";
    let sql = sql!("WHERE a.project_id = ?1 AND a.repository = ?2 AND a.digest = ?3 ORDER BY a.id LIMIT 100");
    let params = params![project, repository.as_str(), digest.to_bytes()];
    let (rows, contents) = (db.list(sql, &params).await?, db.list(CONTENTS, &params).await?);
    let archives = rows.iter().map(|row| {
        let archive = read(row)?;
        let found = contents.iter().find(|row| row.integer(0).is_ok_and(|id| id == archive.id));
        let contents = found.map(|row| contents_of(row, 1)).transpose()?.flatten();
        Ok((archive, contents.unwrap_or_default()))
    });
    archives.collect()
}

/// The archive that a reference of a repository is in now, and nowhere else as far as archives know.
pub(crate) async fn absent(
    db: &Db,
    (project, repository): (ProjectId, &RepositoryName),
    reference: &Reference,
) -> Result<Option<Archive>, wharf_db::Error> {
    let row = match reference {
        Reference::Digest(digest) => {
            let sql = sql!(
                "JOIN archive_members m ON m.archive_id = a.id WHERE m.digest = ?3 AND a.project_id = ?1 \
                 AND a.repository = ?2 AND a.state IN (1, 2) ORDER BY a.id DESC LIMIT 1"
            );
            db.get(sql, &params![project, repository.as_str(), digest.to_bytes()]).await?
        }
        Reference::Tag(tag) => {
            let sql = sql!(
                "JOIN archive_tags t ON t.archive_id = a.id WHERE t.tag = ?3 AND a.project_id = ?1 \
                 AND a.repository = ?2 AND a.state IN (1, 2) ORDER BY a.id DESC LIMIT 1"
            );
            db.get(sql, &params![project, repository.as_str(), tag.as_str()]).await?
        }
    };
    Ok(row.and_then(|row| read(&row).ok()))
}

/// Whether a manifest of a repository is in an archive now.
pub(crate) async fn is_archived(tx: &mut Tx<'_>, repository: &str, digest: &Digest) -> Result<bool, Error> {
    const SQL: &str = "SELECT 1 FROM archive_members m JOIN archives a ON a.id = m.archive_id \
         WHERE m.digest = ?2 AND a.repository = ?1 AND a.state IN (1, 2) LIMIT 1";
    Ok(tx.query_opt(SQL, &params![repository, digest.to_bytes()]).await?.is_some())
}

pub(super) async fn list(
    db: &Db,
    project: ProjectId,
    query: &ArchivesQuery,
    (before, rows): (i64, i64),
) -> Result<Vec<Archive>, Error> {
    let sql = sql!(
        "WHERE a.project_id = ?1 AND a.id < ?2 AND (CAST(?4 AS bigint) = 1 OR a.repository = ?5) \
         AND (CAST(?6 AS bigint) < 0 OR a.state = ?6) ORDER BY a.id DESC LIMIT ?3"
    );
    let repository = query.repository.as_ref().map(RepositoryName::as_str);
    let state = query.state.map_or(-1, number);
    let params = params![project, before, rows, repository.is_none(), repository.unwrap_or_default(), state];
    db.list(sql, &params).await?.iter().map(read).collect()
}

fn contents_of(row: &Row, column: usize) -> Result<Option<Contents>, Error> {
    let document = row.optional_text(column)?;
    document.map(|document| serde_json::from_str(document).map_err(|_| MALFORMED)).transpose()
}

fn number(state: ArchiveState) -> i64 {
    match state {
        ArchiveState::Storing => 0,
        ArchiveState::Archived => 1,
        ArchiveState::Restoring => 2,
        ArchiveState::Restored => 3,
        ArchiveState::Failed => 4,
    }
}

fn read(row: &Row) -> Result<Archive, Error> {
    let state = row.integer(4)?;
    let state = ArchiveState::ALL.into_iter().find(|known| number(*known) == state).ok_or(MALFORMED)?;
    let text = |column: usize| Ok::<_, Error>(row.optional_text(column)?.map(str::to_owned));
    Ok(Archive {
        id: row.integer(0)?,
        project: ProjectId(row.integer(1)?),
        repository: row.text(2)?.parse().map_err(|_| MALFORMED)?,
        digest: digest(row, 3)?,
        state,
        revision: row.integer(5)?,
        reason: row.text(6)?.to_owned(),
        requested_by: row.text(7)?.to_owned(),
        requested_at: row.timestamp(8)?,
        place: text(9)?,
        archived_at: row.optional_timestamp(10)?,
        restored_by: text(11)?,
        restored_at: row.optional_timestamp(12)?,
        explanation: row.text(13)?.to_owned(),
        figures: ArchiveFigures { manifests: row.integer(14)?, blobs: row.integer(15)?, size_bytes: row.integer(16)? },
    })
}

/// Digests as a JSON list of hexadecimal texts, which both databases unfold into rows.
fn hex_list(digests: &[Digest]) -> String {
    let list: Vec<String> = digests.iter().map(|digest| HEXLOWER.encode(&digest.to_bytes())).collect();
    serde_json::Value::from(list).to_string()
}

fn digest(row: &Row, column: usize) -> Result<Digest, Error> {
    Digest::from_bytes(row.bytes(column)?).ok_or(MALFORMED)
}
