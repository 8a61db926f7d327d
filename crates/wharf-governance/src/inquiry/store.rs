//! SQL of `inquiries`.

use wharf_db::{Reading, Row, Tx, params};
use wharf_oci::{Digest, RepositoryName};

use super::{Answer, Decision, Inquiry};
use crate::digests;
use crate::error::Error;
use crate::promotion::{Item, Promotion};

const MALFORMED: Error = Error::MalformedRow { what: "an inquiry" };

/// A statement that reads inquiries, in the order that [`read`] takes.
macro_rules! sql {
    ($rest:literal) => {
        concat!(
            "SELECT key, promotion_id, webhook_id, repository, digest, asked_at, decision, reason FROM inquiries ",
            $rest
        )
    };
}

fn read(row: &Row) -> Result<Inquiry, Error> {
    let decision = row.optional_text(6)?.map(|name| Decision::from_name(name).ok_or(MALFORMED)).transpose()?;
    let reason = row.optional_text(7)?.unwrap_or_default().to_owned();
    Ok(Inquiry {
        id: row.text(0)?.to_owned(),
        promotion: row.integer(1)?,
        webhook: row.integer(2)?,
        repository: row.text(3)?.parse().map_err(|_| MALFORMED)?,
        digest: digests::read(row, 4)?,
        asked_at: row.timestamp(5)?,
        answer: decision.map(|decision| Answer { decision, reason }),
    })
}

/// One inquiry.
pub(super) async fn find(mut from: impl Reading, id: &str) -> Result<Option<Inquiry>, Error> {
    from.get(sql!("WHERE key = ?1").into(), &params![id]).await?.map(|row| read(&row)).transpose()
}

/// What was asked about one thing of a promotion.
pub(super) async fn of(
    tx: &mut Tx<'_>,
    promotion: i64,
    (repository, digest): (&RepositoryName, &Digest),
) -> Result<Option<Inquiry>, Error> {
    let sql = sql!("WHERE promotion_id = ?1 AND repository = ?2 AND digest = ?3");
    let row = tx.query_opt(sql, &params![promotion, repository.as_str(), digest.to_bytes()]).await?;
    row.map(|row| read(&row)).transpose()
}

/// Keeps that something is asked.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    promotion: &Promotion,
    (id, webhook): (&str, i64),
    item: &Item,
) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO inquiries (key, promotion_id, webhook_id, repository, digest, asked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (repository, digest, now) = (item.repository.as_str(), item.digest.to_bytes(), tx.now());
    tx.execute(SQL, &params![id, promotion.row, webhook, repository, digest, now]).await?;
    Ok(())
}

/// Keeps an answer. False where there is one already.
pub(super) async fn answer(tx: &mut Tx<'_>, id: &str, answer: &Answer) -> Result<bool, Error> {
    const SQL: &str =
        "UPDATE inquiries SET decision = ?2, reason = ?3, answered_at = ?4 WHERE key = ?1 AND decision IS NULL";
    let params = params![id, answer.decision.name(), answer.reason.as_str(), tx.now()];
    Ok(tx.execute(SQL, &params).await? == 1)
}
