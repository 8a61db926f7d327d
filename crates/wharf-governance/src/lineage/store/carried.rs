//! SQL of what images carry: over the graph, and what governance knows of placements, containers and holds.

use std::collections::BTreeSet;

use wharf_context::Timestamp;
use wharf_db::{Reading, Row, Statement, params};
use wharf_oci::Digest;

use super::{digest, hex_list, id_list};
use crate::error::Error;

// By layers; by annotation, which names an image or an index. CROSS JOIN keeps SQLite's order: from the few digests on.
const BEARING: Statement = Statement::dialects(
    "SELECT b.digest FROM json_each(?1) j CROSS JOIN lineage_images b ON b.digest = unhex(j.value) \
     WHERE (b.is_whole = 1 AND EXISTS (SELECT 1 FROM lineage_images i WHERE i.base_chain_id = b.chain_id)) \
     OR EXISTS (SELECT 1 FROM lineage_images i WHERE i.base_digest = b.digest) \
     UNION SELECT x.digest FROM json_each(?1) j CROSS JOIN lineage_images x ON x.digest = unhex(j.value) AND x.kind = 1 \
     CROSS JOIN lineage_members m ON m.index_id = x.id CROSS JOIN lineage_images b ON b.digest = m.digest \
     WHERE (b.is_whole = 1 AND EXISTS (SELECT 1 FROM lineage_images i WHERE i.base_chain_id = b.chain_id)) \
     OR EXISTS (SELECT 1 FROM lineage_images i WHERE i.base_digest = b.digest)",
    "WITH wanted AS (SELECT decode(j.value, 'hex') AS digest FROM json_array_elements_text(CAST(?1 AS text)::json) j (value)), \
     part AS (SELECT w.digest AS root, b.digest, b.chain_id, b.is_whole FROM wanted w \
       JOIN lineage_images b ON b.digest = w.digest \
      UNION ALL SELECT w.digest, b.digest, b.chain_id, b.is_whole FROM wanted w \
       JOIN lineage_images x ON x.digest = w.digest AND x.kind = 1 \
       JOIN lineage_members m ON m.index_id = x.id JOIN lineage_images b ON b.digest = m.digest) \
     SELECT DISTINCT p.root FROM part p \
     WHERE (p.is_whole = 1 AND EXISTS (SELECT 1 FROM lineage_images i WHERE i.base_chain_id = p.chain_id)) \
     OR EXISTS (SELECT 1 FROM lineage_images i WHERE i.base_digest = p.digest)",
);
// Where lineage has not noted yet that something was placed, the placement says so.
const MUST_STAY: Statement = Statement::dialects(
    "SELECT i.digest, 'which stands in environment `' || p.environment || '`' FROM json_each(?1) j \
      CROSS JOIN lineage_images i ON i.id = j.value \
      CROSS JOIN lineage_places p ON p.image_id = i.id AND p.environment <> '' \
     UNION ALL SELECT i.digest, 'which stands in environment `' || l.environment || '`' FROM json_each(?1) j \
      CROSS JOIN lineage_images i ON i.id = j.value CROSS JOIN lineage_places p ON p.image_id = i.id \
      CROSS JOIN placements l ON l.project_id = p.project_id AND l.digest = i.digest AND l.until_at IS NULL \
     UNION ALL SELECT i.digest, 'which runs on `' || r.host || '`' FROM json_each(?1) j \
      CROSS JOIN lineage_images i ON i.id = j.value \
      CROSS JOIN running r ON r.digest = i.digest AND r.stopped_at IS NULL AND r.seen_at >= ?2 \
     UNION ALL SELECT i.digest, 'which hold ' || h.id || ' is on' FROM json_each(?1) j \
      CROSS JOIN lineage_images i ON i.id = j.value CROSS JOIN lineage_places p ON p.image_id = i.id \
      CROSS JOIN holds h ON h.project_id = p.project_id AND h.lifted_at IS NULL \
       AND (h.until_at IS NULL OR h.until_at > ?3) \
       AND (h.digest = i.digest OR (h.digest IS NULL AND h.repository = p.repository)) LIMIT 1",
    "WITH wanted AS (SELECT i.id, i.digest FROM json_array_elements_text(CAST(?1 AS text)::json) j (value) \
       JOIN lineage_images i ON i.id = j.value::bigint) \
     SELECT w.digest, 'which stands in environment `' || p.environment || '`' FROM wanted w \
      JOIN lineage_places p ON p.image_id = w.id AND p.environment <> '' \
     UNION ALL SELECT w.digest, 'which stands in environment `' || l.environment || '`' FROM wanted w \
      JOIN lineage_places p ON p.image_id = w.id \
      JOIN placements l ON l.project_id = p.project_id AND l.digest = w.digest AND l.until_at IS NULL \
     UNION ALL SELECT w.digest, 'which runs on `' || r.host || '`' FROM wanted w \
      JOIN running r ON r.digest = w.digest AND r.stopped_at IS NULL AND r.seen_at >= CAST(?2 AS bigint) \
     UNION ALL SELECT w.digest, 'which hold ' || CAST(h.id AS text) || ' is on' FROM wanted w \
      JOIN lineage_places p ON p.image_id = w.id \
      JOIN holds h ON h.project_id = p.project_id AND h.lifted_at IS NULL \
       AND (h.until_at IS NULL OR h.until_at > CAST(?3 AS bigint)) \
       AND (h.digest = w.digest OR (h.digest IS NULL AND h.repository = p.repository)) LIMIT 1",
);

/// Of `digests`, those that anything stands on: themselves, or something that they list.
pub(in crate::lineage) async fn bearing(
    from: &mut impl Reading,
    digests: &[Digest],
) -> Result<BTreeSet<Digest>, Error> {
    let rows = from.list(BEARING, &params![hex_list(digests)]).await?;
    rows.iter().map(|row| digest(row, 0)).collect()
}

/// One of these images that is placed, runs or is held, and which of that.
pub(in crate::lineage) async fn must_stay(
    from: &mut impl Reading,
    images: &[i64],
    (seen_since, now): (Timestamp, Timestamp),
) -> Result<Option<(Digest, String)>, Error> {
    let row = from.get(MUST_STAY, &params![id_list(images), seen_since, now]).await?;
    row.map(|row: Row| Ok((digest(&row, 0)?, row.text(1)?.to_owned()))).transpose()
}
