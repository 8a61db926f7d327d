//! SQL of `lineage_chains`: stacks of layers, and what stands on which.

use std::collections::HashMap;

use wharf_db::{Statement, Tx, params};
use wharf_oci::Digest;

use super::{digest, hex_list, id_list};
use crate::error::Error;

/// How many stacks one statement is about.
const AT_ONCE: usize = 1_000;

const FIND: Statement = Statement::dialects(
    "SELECT c.chain_id, c.id FROM json_each(?1) j CROSS JOIN lineage_chains c ON c.chain_id = unhex(j.value)",
    "SELECT c.chain_id, c.id FROM json_array_elements_text(CAST(?1 AS text)::json) j \
     JOIN lineage_chains c ON c.chain_id = decode(j.value, 'hex')",
);
const INSERT: &str = "INSERT INTO lineage_chains (chain_id, parent_id, layers) VALUES (?1, ?2, ?3) \
     ON CONFLICT (chain_id) DO UPDATE SET layers = excluded.layers RETURNING id";
const HIGHEST: Statement = Statement::dialects(
    "SELECT c.id FROM json_each(?1) j CROSS JOIN lineage_chains c ON c.id = j.value \
     WHERE EXISTS (SELECT 1 FROM lineage_images i WHERE i.chain_id = c.id AND i.is_whole = 1) \
     ORDER BY c.layers DESC LIMIT 1",
    "SELECT c.id FROM json_array_elements_text(CAST(?1 AS text)::json) j JOIN lineage_chains c ON c.id = j.value::bigint \
     WHERE EXISTS (SELECT 1 FROM lineage_images i WHERE i.chain_id = c.id AND i.is_whole = 1) \
     ORDER BY c.layers DESC LIMIT 1",
);
const IS_HELD: &str = "SELECT 1 FROM lineage_images WHERE chain_id = ?1 AND is_whole = 1 LIMIT 1";
// Above a whole image nobody looks further: what stands there stands on that image.
const ABOVE: &str = "WITH RECURSIVE above (id) AS (\
         SELECT id FROM lineage_chains WHERE parent_id = ?1 \
         UNION ALL \
         SELECT n.id FROM above a JOIN lineage_chains n ON n.parent_id = a.id \
         WHERE NOT EXISTS (SELECT 1 FROM lineage_images w WHERE w.chain_id = a.id AND w.is_whole = 1)) \
     SELECT id FROM above";
const ADOPT: Statement = Statement::dialects(
    "UPDATE lineage_images SET base_chain_id = ?1 WHERE chain_id IN (SELECT value FROM json_each(?2))",
    "UPDATE lineage_images SET base_chain_id = ?1 \
     WHERE chain_id IN (SELECT value::bigint FROM json_array_elements_text(CAST(?2 AS text)::json))",
);
const ADOPT_PARTS: &str = "UPDATE lineage_images SET base_chain_id = ?1 WHERE chain_id = ?1 AND is_whole = 0";
const HAND_OVER: &str = "UPDATE lineage_images SET base_chain_id = ?2 WHERE base_chain_id = ?1";
const PRUNE: &str = "DELETE FROM lineage_chains WHERE id = ?1 \
     AND NOT EXISTS (SELECT 1 FROM lineage_chains n WHERE n.parent_id = ?1) \
     AND NOT EXISTS (SELECT 1 FROM lineage_images i WHERE i.chain_id = ?1) RETURNING parent_id";

/// The rows of a stack's ChainIDs, the lowest first; made where they are missing. Also says whether the highest was made:
/// then nothing stands on it yet.
pub(in crate::lineage) async fn path(tx: &mut Tx<'_>, chain_ids: &[Digest]) -> Result<(Vec<i64>, bool), Error> {
    let rows = tx.query(FIND, &params![hex_list(chain_ids)]).await?;
    let known: Result<HashMap<Digest, i64>, Error> =
        rows.iter().map(|row| Ok((digest(row, 0)?, row.integer(1)?))).collect();
    let known = known?;
    let mut path: Vec<i64> = Vec::with_capacity(chain_ids.len());
    for (below, chain_id) in chain_ids.iter().enumerate() {
        let id = match known.get(chain_id) {
            Some(id) => *id,
            None => insert(tx, chain_id, path.last().copied(), below + 1).await?,
        };
        path.push(id);
    }
    let is_new = chain_ids.last().is_some_and(|highest| !known.contains_key(highest));
    Ok((path, is_new))
}

async fn insert(tx: &mut Tx<'_>, chain_id: &Digest, parent: Option<i64>, layers: usize) -> Result<i64, Error> {
    let layers = i64::try_from(layers).unwrap_or(i64::MAX);
    let row = tx.query_opt(INSERT, &params![chain_id.to_bytes(), parent, layers]).await?;
    Ok(row.ok_or(Error::MalformedRow { what: "a stack of layers" })?.integer(0)?)
}

/// The highest of these stacks that is a whole image.
pub(in crate::lineage) async fn highest_image(tx: &mut Tx<'_>, path: &[i64]) -> Result<Option<i64>, Error> {
    let row = tx.query_opt(HIGHEST, &params![id_list(path)]).await?;
    Ok(row.map(|row| row.integer(0)).transpose()?)
}

/// Whether a stack is a whole image.
pub(in crate::lineage) async fn is_image(tx: &mut Tx<'_>, chain: i64) -> Result<bool, Error> {
    Ok(tx.query_opt(IS_HELD, &params![chain]).await?.is_some())
}

/// A stack that was only in the middle of others is an image now: what stands on it directly is told so.
pub(in crate::lineage) async fn adopt(tx: &mut Tx<'_>, chain: i64) -> Result<(), Error> {
    let rows = tx.query(ABOVE, &params![chain]).await?;
    let above: Vec<i64> = rows.iter().map(|row| row.integer(0)).collect::<Result<_, _>>()?;
    for some in above.chunks(AT_ONCE) {
        tx.execute(ADOPT, &params![chain, id_list(some)]).await?;
    }
    tx.execute(ADOPT_PARTS, &params![chain]).await?;
    Ok(())
}

/// The last image of a stack is gone: what stood on it stands on what it stood on.
pub(in crate::lineage) async fn hand_over(tx: &mut Tx<'_>, chain: i64, base: Option<i64>) -> Result<(), Error> {
    tx.execute(HAND_OVER, &params![chain, base]).await?;
    Ok(())
}

/// Forgets a stack that nothing has any more, and those below it of which the same is true.
pub(in crate::lineage) async fn prune(tx: &mut Tx<'_>, chain: i64) -> Result<(), Error> {
    let mut next = Some(chain);
    while let Some(chain) = next {
        let pruned = tx.query_opt(PRUNE, &params![chain]).await?;
        next = pruned.map(|row| row.optional_integer(0)).transpose()?.flatten();
    }
    Ok(())
}
