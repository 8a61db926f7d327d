//! SQL of `uploads`.

use uuid::Uuid;
use wharf_blob::{UploadKey, UploadState};
use wharf_context::{Context, Permit, Push, Timestamp};
use wharf_db::{Db, Row, Tx, params};

use super::Record;
use crate::error::Error;

pub(super) async fn insert(
    tx: &mut Tx<'_>,
    permit: &Permit<Push>,
    ctx: &Context,
    record: &Record,
) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO uploads (id, project_id, repository, upload_key, state, started_by, touched_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &params![
            record.id.as_bytes().as_slice(),
            permit.project().0,
            permit.repository().as_str(),
            record.key.to_string(),
            record.state.to_bytes(),
            ctx.caller.name.as_str(),
            now
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn find(db: &Db, permit: &Permit<Push>, id: Uuid) -> Result<Option<Record>, Error> {
    let row = db
        .get(
            "SELECT upload_key, state, generation FROM uploads WHERE id = ?1 AND project_id = ?2 AND repository = ?3",
            &params![id.as_bytes().as_slice(), permit.project().0, permit.repository().as_str()],
        )
        .await?;
    row.map(|row| record(id, &row)).transpose()
}

/// Writes down where the upload stands, unless somebody else has moved it since it was loaded.
pub(super) async fn update(tx: &mut Tx<'_>, record: &Record) -> Result<(), Error> {
    let now = tx.now();
    let changed = tx
        .execute(
            "UPDATE uploads SET state = ?2, generation = generation + 1, touched_at = ?3 WHERE id = ?1 AND generation = ?4",
            &params![record.id.as_bytes().as_slice(), record.state.to_bytes(), now, record.generation],
        )
        .await?;
    if changed == 0 {
        return Err(Error::UploadBusy(record.id));
    }
    Ok(())
}

/// Says whether the upload was there: of two requests that end it, one goes on.
pub(super) async fn delete(tx: &mut Tx<'_>, id: Uuid) -> Result<bool, Error> {
    let changed = tx.execute("DELETE FROM uploads WHERE id = ?1", &params![id.as_bytes().as_slice()]).await?;
    Ok(changed > 0)
}

/// The same, unless somebody has moved the upload since it was loaded.
pub(super) async fn delete_untouched(tx: &mut Tx<'_>, record: &Record) -> Result<bool, Error> {
    let changed = tx
        .execute(
            "DELETE FROM uploads WHERE id = ?1 AND generation = ?2",
            &params![record.id.as_bytes().as_slice(), record.generation],
        )
        .await?;
    Ok(changed > 0)
}

/// Up to `limit` uploads that nobody has touched since `before`.
pub(crate) async fn expired(db: &Db, before: Timestamp, limit: usize) -> Result<Vec<Record>, Error> {
    let rows = db
        .list(
            "SELECT upload_key, state, generation, id FROM uploads WHERE touched_at < ?1 ORDER BY touched_at LIMIT ?2",
            &params![before, i64::try_from(limit).unwrap_or(i64::MAX)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let id = Uuid::from_slice(row.bytes(3)?).map_err(|_| Error::MalformedRow { what: "an upload" })?;
            record(id, row)
        })
        .collect()
}

/// Whether any upload's row owns bytes in the store.
pub(crate) async fn is_known(db: &Db, key: &UploadKey) -> Result<bool, Error> {
    let row = db.get("SELECT 1 FROM uploads WHERE upload_key = ?1", &params![key.to_string()]).await?;
    Ok(row.is_some())
}

fn record(id: Uuid, row: &Row) -> Result<Record, Error> {
    let key = row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "an upload" })?;
    let state = UploadState::from_bytes(row.bytes(1)?).ok_or(Error::MalformedRow { what: "an upload" })?;
    Ok(Record { id, key, state, generation: row.integer(2)? })
}
