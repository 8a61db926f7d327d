//! SQL that lists `manifests` by subject.

use std::collections::BTreeMap;

use wharf_context::{Permit, Pull};
use wharf_db::{Db, Row, params};
use wharf_oci::descriptor::Descriptor;

use super::ReferrersQuery;
use crate::blob::store::digest;
use crate::error::Error;
use crate::page;

/// What was found, and how much of the page's bytes it fills.
pub(super) struct Found {
    pub(super) rows: Vec<(i64, Descriptor)>,
    pub(super) bytes: i64,
}

/// About what a descriptor needs besides its annotations.
const DESCRIPTOR_BYTES: i64 = 400;

/// Reads a page. The inner selects look at sizes only; annotations, up to 4 MiB each, are read for the rows that fit.
pub(super) async fn list(
    db: &Db,
    permit: &Permit<Pull>,
    query: &ReferrersQuery,
    max_bytes: i64,
) -> Result<Found, Error> {
    let rows = db
        .list(
            "SELECT m.id, m.digest, m.media_type, m.artifact_type, CAST(LENGTH(m.body) AS bigint), m.annotations \
             FROM (SELECT id, SUM(size) OVER (ORDER BY id) - size AS before FROM \
                (SELECT c.id, COALESCE(LENGTH(c.annotations), 0) + ?6 AS size FROM manifests c \
                 JOIN repositories r ON r.id = c.repository_id \
                 WHERE r.name = ?1 AND r.project_id = ?2 AND c.subject = ?3 AND c.deleted_at IS NULL AND c.id > ?4 \
                   AND (?5 = '' OR c.artifact_type = ?5) ORDER BY c.id LIMIT ?7) s) p \
             JOIN manifests m ON m.id = p.id WHERE p.before < ?8 ORDER BY m.id",
            &params![
                permit.repository().as_str(),
                permit.project().0,
                query.subject.to_bytes(),
                query.last,
                query.artifact_type.as_deref().unwrap_or_default(),
                DESCRIPTOR_BYTES,
                page::limit_and_one(page::limit(query.wanted)),
                max_bytes
            ],
        )
        .await?;
    let mut found = Found { rows: Vec::with_capacity(rows.len()), bytes: 0 };
    for row in &rows {
        let annotations = row.optional_text(5)?.unwrap_or_default();
        found.bytes += DESCRIPTOR_BYTES + i64::try_from(annotations.len()).unwrap_or(max_bytes);
        found.rows.push((row.integer(0)?, descriptor(row, annotations)?));
    }
    Ok(found)
}

fn descriptor(row: &Row, annotations: &str) -> Result<Descriptor, Error> {
    let malformed = || Error::MalformedRow { what: "a referrer" };
    let size = u64::try_from(row.integer(4)?).map_err(|_| malformed())?;
    let annotations: BTreeMap<String, String> = if annotations.is_empty() {
        BTreeMap::new()
    } else {
        serde_json::from_str(annotations).map_err(|_| malformed())?
    };
    Ok(Descriptor {
        artifact_type: row.optional_text(3)?.map(str::to_owned),
        annotations,
        ..Descriptor::new(row.text(2)?, digest(row, 1)?, size)
    })
}
