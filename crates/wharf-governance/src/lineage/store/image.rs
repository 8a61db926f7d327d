//! SQL of `lineage_images` and `lineage_members`: writing.

use wharf_db::{Db, Statement, Tx, params};
use wharf_oci::Digest;

use super::hex_list;
use crate::error::Error;
use crate::lineage::facts::{Facts, Sort};

/// An image's place in the graph.
#[derive(Debug, Clone, Copy)]
pub(in crate::lineage) struct Stand {
    pub(in crate::lineage) chain: Option<i64>,
    pub(in crate::lineage) is_whole: bool,
    pub(in crate::lineage) base: Option<i64>,
}

const INSERT: &str = "INSERT INTO lineage_images (digest, kind, chain_id, is_whole, base_chain_id, base_digest, base_name, \
     claim, problem, platform, layers, size_bytes, made_at, run_as, labels, seen_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) RETURNING id";
const MEMBERS: Statement = Statement::dialects(
    "INSERT INTO lineage_members (index_id, digest) SELECT ?1, unhex(value) FROM json_each(?2)",
    "INSERT INTO lineage_members (index_id, digest) \
     SELECT CAST(?1 AS bigint), decode(value, 'hex') FROM json_array_elements_text(CAST(?2 AS text)::json)",
);

/// Whether an image is known.
pub(in crate::lineage) async fn is_known(db: &Db, digest: &Digest) -> Result<bool, Error> {
    Ok(db.get("SELECT 1 FROM lineage_images WHERE digest = ?1", &params![digest.to_bytes()]).await?.is_some())
}

/// An image's row.
pub(in crate::lineage) async fn id(tx: &mut Tx<'_>, digest: &Digest) -> Result<Option<i64>, Error> {
    let row = tx.query_opt("SELECT id FROM lineage_images WHERE digest = ?1", &params![digest.to_bytes()]).await?;
    Ok(row.map(|row| row.integer(0)).transpose()?)
}

/// Makes an image's row.
pub(in crate::lineage) async fn insert(
    tx: &mut Tx<'_>,
    digest: &Digest,
    facts: &Facts,
    stand: Stand,
) -> Result<i64, Error> {
    let now = tx.now();
    let labels = serde_json::to_string(&facts.labels).map_err(|_| Error::MalformedRow { what: "an image's labels" })?;
    let kind: i64 = match facts.sort {
        Sort::Image => 0,
        Sort::Index { .. } => 1,
    };
    let params = params![
        digest.to_bytes(),
        kind,
        stand.chain,
        stand.is_whole,
        stand.base,
        facts.base_digest.map(|digest| digest.to_bytes()),
        facts.base_name.clone(),
        facts.claim.number(),
        facts.problem.clone(),
        facts.platform.as_str(),
        facts.layers,
        facts.size_bytes,
        facts.made_at,
        facts.run_as.as_str(),
        labels,
        now
    ];
    let row = tx.query_opt(INSERT, &params).await?;
    let id = row.ok_or(Error::MalformedRow { what: "an image" })?.integer(0)?;
    if let Sort::Index { members } = &facts.sort {
        tx.execute(MEMBERS, &params![id, hex_list(members)]).await?;
    }
    Ok(id)
}

/// Where an image stands in the graph.
pub(in crate::lineage) async fn stand(tx: &mut Tx<'_>, image: i64) -> Result<Stand, Error> {
    let sql = "SELECT chain_id, is_whole, base_chain_id FROM lineage_images WHERE id = ?1";
    let row = tx.query_opt(sql, &params![image]).await?.ok_or(Error::MalformedRow { what: "an image" })?;
    Ok(Stand { chain: row.optional_integer(0)?, is_whole: row.boolean(1)?, base: row.optional_integer(2)? })
}

/// Forgets an image.
pub(in crate::lineage) async fn delete(tx: &mut Tx<'_>, image: i64) -> Result<(), Error> {
    tx.execute("DELETE FROM lineage_members WHERE index_id = ?1", &params![image]).await?;
    tx.execute("DELETE FROM lineage_images WHERE id = ?1", &params![image]).await?;
    Ok(())
}
