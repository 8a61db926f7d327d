//! SQL of `idempotency_keys`.

use wharf_context::Timestamp;
use wharf_db::{Tx, params};
use wharf_oci::Digest;

use super::{Answered, Begun};
use crate::error::Error;

pub(super) async fn begin(tx: &mut Tx<'_>, (caller, key): (&str, &str), fingerprint: &Digest) -> Result<Begun, Error> {
    const TAKE: &str = "INSERT INTO idempotency_keys (caller, key, fingerprint, begun_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (caller, key) DO NOTHING";
    const FIND: &str =
        "SELECT fingerprint, status, location, answer FROM idempotency_keys WHERE caller = ?1 AND key = ?2";
    let now = tx.now();
    if tx.execute(TAKE, &params![caller, key, fingerprint.to_bytes(), now]).await? == 1 {
        return Ok(Begun::First);
    }
    let Some(row) = tx.query_opt(FIND, &params![caller, key]).await? else { return Ok(Begun::Running) };
    if row.bytes(0)? != fingerprint.to_bytes() {
        return Ok(Begun::Other);
    }
    let Some(status) = row.optional_integer(1)? else { return Ok(Begun::Running) };
    Ok(Begun::Answered(Answered {
        status: u16::try_from(status).map_err(|_| Error::MalformedRow { what: "an answer" })?,
        location: row.optional_text(2)?.map(str::to_owned),
        document: row.text(3)?.to_owned(),
    }))
}

pub(super) async fn finish(tx: &mut Tx<'_>, (caller, key): (&str, &str), answer: &Answered) -> Result<(), Error> {
    tx.execute(
        "UPDATE idempotency_keys SET status = ?3, location = ?4, answer = ?5 WHERE caller = ?1 AND key = ?2",
        &params![caller, key, i64::from(answer.status), answer.location.clone(), answer.document.as_str()],
    )
    .await?;
    Ok(())
}

pub(super) async fn forget(tx: &mut Tx<'_>, (caller, key): (&str, &str)) -> Result<(), Error> {
    tx.execute("DELETE FROM idempotency_keys WHERE caller = ?1 AND key = ?2 AND status IS NULL", &params![caller, key])
        .await?;
    Ok(())
}

pub(super) async fn forget_before(tx: &mut Tx<'_>, before: Timestamp) -> Result<(), Error> {
    tx.execute("DELETE FROM idempotency_keys WHERE begun_at < ?1", &params![before]).await?;
    Ok(())
}
