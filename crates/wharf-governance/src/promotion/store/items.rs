//! Rows of `promotion_items` and `approvals`, which belong to a promotion.

use wharf_context::{ProjectId, Timestamp};
use wharf_db::{Reading, Row, Statement, Tx, params};
use wharf_oci::{Digest, Tag};

use super::super::{Decision, Item, Promotion};
use super::row::{json, parse, read, sql};
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "a promotion's item" };
const ITEMS: Statement = Statement::dialects(
    "SELECT promotion_id, repository, digest, reference, tags, before_id FROM promotion_items \
     WHERE promotion_id IN (SELECT value FROM json_each(?1)) ORDER BY promotion_id, repository",
    "SELECT promotion_id, repository, digest, reference, tags, before_id FROM promotion_items \
     WHERE promotion_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) \
     ORDER BY promotion_id, repository",
);
const DECISIONS: Statement = Statement::dialects(
    "SELECT promotion_id, person, account, decision, comment, decided_at FROM approvals \
     WHERE promotion_id IN (SELECT value FROM json_each(?1)) ORDER BY promotion_id, decided_at, person",
    "SELECT promotion_id, person, account, decision, comment, decided_at FROM approvals \
     WHERE promotion_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) \
     ORDER BY promotion_id, decided_at, person",
);

/// Reads the items and decisions of promotions.
pub(crate) async fn fill(mut from: impl Reading, promotions: &mut [Promotion]) -> Result<(), Error> {
    let rows: Vec<i64> = promotions.iter().map(|promotion| promotion.row).collect();
    let list = json(&rows)?;
    for row in &from.list(ITEMS, &params![list.as_str()]).await? {
        let (of, item) = (row.integer(0)?, item(row)?);
        promotions.iter_mut().filter(|promotion| promotion.row == of).for_each(|it| it.items.push(item.clone()));
    }
    for row in &from.list(DECISIONS, &params![list]).await? {
        let (of, decision) = (row.integer(0)?, decision(row)?);
        promotions
            .iter_mut()
            .filter(|promotion| promotion.row == of)
            .for_each(|it| it.decisions.push(decision.clone()));
    }
    Ok(())
}

fn item(row: &Row) -> Result<Item, Error> {
    let reference = row.text(3)?;
    let tags: Vec<String> = parse(row.text(4)?)?;
    Ok(Item {
        repository: row.text(1)?.parse().map_err(|_| MALFORMED)?,
        digest: Digest::from_bytes(row.bytes(2)?).ok_or(MALFORMED)?,
        reference: if reference.is_empty() { None } else { Some(reference.parse().map_err(|_| MALFORMED)?) },
        tags: tags.iter().map(|tag| tag.parse().map_err(|_| MALFORMED)).collect::<Result<_, _>>()?,
        before: row.optional_integer(5)?,
    })
}

fn decision(row: &Row) -> Result<Decision, Error> {
    Ok(Decision {
        person: row.text(1)?.to_owned(),
        account: row.text(2)?.to_owned(),
        is_approval: row.text(3)? == "approve",
        comment: row.text(4)?.to_owned(),
        decided_at: row.timestamp(5)?,
    })
}

pub(crate) async fn insert_items(tx: &mut Tx<'_>, promotion: i64, new: &Promotion) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO promotion_items (promotion_id, repository, project_id, digest, reference, tags, before_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    for item in &new.items {
        let tags: Vec<&str> = item.tags.iter().map(Tag::as_str).collect();
        let reference = item.reference.as_ref().map(Tag::as_str).unwrap_or_default();
        tx.execute(
            SQL,
            &params![
                promotion,
                item.repository.as_str(),
                new.project,
                item.digest.to_bytes(),
                reference,
                json(&tags)?,
                item.before
            ],
        )
        .await?;
    }
    Ok(())
}

/// Keeps what a person said. `false` where they had said something before.
pub(crate) async fn insert_decision(
    tx: &mut Tx<'_>,
    promotion: &Promotion,
    decision: &Decision,
) -> Result<bool, Error> {
    const SQL: &str = "INSERT INTO approvals (promotion_id, person, account, decision, digest, comment, decided_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (promotion_id, person) DO NOTHING";
    let word = if decision.is_approval { "approve" } else { "reject" };
    let Timestamp(at) = decision.decided_at;
    let changed = tx
        .execute(
            SQL,
            &params![
                promotion.row,
                decision.person.as_str(),
                decision.account.as_str(),
                word,
                promotion.digest.to_bytes(),
                decision.comment.as_str(),
                at
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// The promotions of a digest in a project, the oldest first, at most `limit`; with items and decisions.
pub(crate) async fn of_digest(
    mut from: impl Reading,
    project: ProjectId,
    digest: &Digest,
    limit: i64,
) -> Result<Vec<Promotion>, Error> {
    let sql = sql!(
        "WHERE p.id IN (SELECT i.promotion_id FROM promotion_items i WHERE i.project_id = ?1 AND i.digest = ?2) ORDER BY p.id LIMIT ?3"
    );
    let rows = from.list(sql.into(), &params![project, digest.to_bytes(), limit]).await?;
    let mut promotions = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    fill(from, &mut promotions).await?;
    Ok(promotions)
}
