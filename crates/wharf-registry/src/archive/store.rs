//! SQL of what leaves and returns, over the tables of manifests, tags and blobs.

use wharf_db::{Statement, Tx, params};

use super::{Member, MemberTag};
use crate::blob::store::digest;
use crate::error::Error;
use crate::manifest::store::id_list;
use crate::repository::RepositoryId;

const MEMBERS: Statement = Statement::dialects(
    "SELECT m.digest, m.media_type, m.subject, LENGTH(m.body), m.pushed_by, m.pushed_at \
     FROM json_each(?1) j CROSS JOIN manifests m ON m.id = j.value ORDER BY m.id",
    "SELECT m.digest, m.media_type, m.subject, CAST(LENGTH(m.body) AS bigint), m.pushed_by, m.pushed_at FROM manifests m \
     WHERE m.id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?1 AS text)::json)) ORDER BY m.id",
);
const TAGS: Statement = Statement::dialects(
    "SELECT t.name, t.digest, t.changed_by, t.since_at FROM json_each(?2) j CROSS JOIN manifests m ON m.id = j.value \
     CROSS JOIN tags t ON t.repository_id = ?1 AND t.digest = m.digest AND t.until_at IS NULL ORDER BY t.name",
    "SELECT t.name, t.digest, t.changed_by, t.since_at FROM manifests m \
     JOIN tags t ON t.repository_id = ?1 AND t.digest = m.digest AND t.until_at IS NULL \
     WHERE m.id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?2 AS text)::json)) ORDER BY t.name",
);

pub(super) async fn members(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<Member>, Error> {
    let rows = tx.query(MEMBERS, &params![id_list(ids)?]).await?;
    let members = rows.into_iter().map(|mut row| {
        Ok(Member {
            digest: digest(&row, 0)?,
            media_type: row.take_text(1)?,
            subject: row.optional_bytes(2)?.map(|_| digest(&row, 2)).transpose()?,
            size_bytes: row.integer(3)?.unsigned_abs(),
            pushed_by: row.take_text(4)?,
            pushed_at: row.timestamp(5)?,
        })
    });
    members.collect()
}

pub(super) async fn tags(tx: &mut Tx<'_>, repository: RepositoryId, ids: &[i64]) -> Result<Vec<MemberTag>, Error> {
    let rows = tx.query(TAGS, &params![repository.0, id_list(ids)?]).await?;
    let tags = rows.into_iter().map(|mut row| {
        Ok(MemberTag {
            tag: row.text(0)?.parse().map_err(|_| Error::MalformedRow { what: "a tag" })?,
            digest: digest(&row, 1)?,
            changed_by: row.take_text(2)?,
            since: row.timestamp(3)?,
        })
    });
    tags.collect()
}
