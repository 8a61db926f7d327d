//! SQL of `tags`.

use wharf_context::Context;
use wharf_db::{Db, Tx, params};
use wharf_oci::{Digest, Tag};

use crate::blob::store::digest;
use crate::collection::untagged;
use crate::error::Error;
use crate::repository::RepositoryId;

/// A page of a repository's tags.
const LIST: &str =
    "SELECT name FROM tags WHERE repository_id = ?1 AND until_at IS NULL AND name > ?2 ORDER BY name LIMIT ?3";

pub(super) async fn list(db: &Db, repository: RepositoryId, last: &str, limit: i64) -> Result<Vec<Tag>, Error> {
    let rows = db.list(LIST, &params![repository.0, last, limit]).await?;
    rows.iter().map(|row| row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a tag" })).collect()
}

/// What a tag points to now.
pub(crate) async fn current(tx: &mut Tx<'_>, repository: RepositoryId, tag: &Tag) -> Result<Option<Digest>, Error> {
    let row = tx
        .query_opt(
            "SELECT digest FROM tags WHERE repository_id = ?1 AND name = ?2 AND until_at IS NULL",
            &params![repository.0, tag.as_str()],
        )
        .await?;
    row.map(|row| digest(&row, 0)).transpose()
}

/// The tags that point to a manifest.
pub(crate) async fn of(tx: &mut Tx<'_>, repository: RepositoryId, digest: &Digest) -> Result<Vec<Tag>, Error> {
    const SQL: &str =
        "SELECT name FROM tags WHERE repository_id = ?1 AND digest = ?2 AND until_at IS NULL ORDER BY name";
    let rows = tx.query(SQL, &params![repository.0, digest.to_bytes()]).await?;
    rows.iter().map(|row| row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a tag" })).collect()
}

/// Ends what a tag points to now; the row stays as history. Nothing else may need its manifest.
pub(crate) async fn end(tx: &mut Tx<'_>, repository: RepositoryId, tag: &Tag) -> Result<(), Error> {
    let now = tx.now();
    let row = tx
        .query_opt(
            "UPDATE tags SET until_at = ?3 WHERE repository_id = ?1 AND name = ?2 AND until_at IS NULL RETURNING digest",
            &params![repository.0, tag.as_str(), now],
        )
        .await?;
    match row {
        Some(row) => untagged::store::note(tx, (repository, &digest(&row, 0)?)).await,
        None => Ok(()),
    }
}

/// Ends all tags of a manifest.
pub(crate) async fn end_all(tx: &mut Tx<'_>, repository: RepositoryId, digest: &Digest) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "UPDATE tags SET until_at = ?3 WHERE repository_id = ?1 AND digest = ?2 AND until_at IS NULL",
        &params![repository.0, digest.to_bytes(), now],
    )
    .await?;
    Ok(())
}

/// Points a tag that points to nothing now.
pub(crate) async fn point(
    tx: &mut Tx<'_>,
    ctx: &Context,
    repository: RepositoryId,
    tag: &Tag,
    digest: &Digest,
) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO tags (repository_id, name, digest, changed_by, since_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        &params![repository.0, tag.as_str(), digest.to_bytes(), ctx.caller.name.as_str(), now],
    )
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use wharf_db::Value;
    use wharf_testkit::Database;

    use super::*;

    #[tokio::test]
    async fn a_page_of_tags_comes_out_of_an_index_alone() {
        let database = Database::open().await;
        if database.is_postgres() {
            return;
        }
        let sql: &'static str = Box::leak(format!("EXPLAIN QUERY PLAN {LIST}").into_boxed_str());
        let steps = database.db.list(sql, &[Value::Null, Value::Null, Value::Null]).await.expect("explained");
        let steps: Vec<_> = steps.iter().map(|step| step.text(3).expect("a step")).collect();
        assert!(matches!(steps[..], [step] if step.contains("COVERING INDEX tags_listed")), "{steps:?}");
    }
}
