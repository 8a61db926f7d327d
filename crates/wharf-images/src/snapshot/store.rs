//! SQL of `snapshots` and `layer_blobs`.

use wharf_context::Timestamp;
use wharf_db::{Db, Row, params};
use wharf_layer::Compression;
use wharf_oci::Digest;

use super::Layer;
use crate::error::Error;

const CHAIN: &str = "WITH RECURSIVE below(chain, parent, diff_id, diff_bytes, depth) AS (\
     SELECT chain, parent, diff_id, diff_bytes, 0 FROM snapshots WHERE chain = ?1 \
     UNION ALL SELECT s.chain, s.parent, s.diff_id, s.diff_bytes, depth + 1 \
     FROM below JOIN snapshots s ON s.chain = below.parent) \
     SELECT chain, diff_id, diff_bytes, parent FROM below ORDER BY depth DESC";

/// The layers of a chain, the lowest first; empty where it is not known whole.
pub(super) async fn chain(db: &Db, chain: &Digest) -> Result<Vec<Layer>, Error> {
    let rows = db.list(CHAIN, &params![chain.to_bytes()]).await?;
    let is_whole = rows.first().is_some_and(|row| row.optional_bytes(3).ok().flatten().is_none());
    if !is_whole {
        return Ok(Vec::new());
    }
    rows.iter().map(layer).collect()
}

fn layer(row: &Row) -> Result<Layer, Error> {
    Ok(Layer { chain: digest(row, 0)?, diff_id: digest(row, 1)?, diff_bytes: unsigned(row.integer(2)?) })
}

fn digest(row: &Row, column: usize) -> Result<Digest, Error> {
    let bytes = row.bytes(column)?;
    Digest::from_bytes(bytes).ok_or(Error::NoSnapshot { chain: Digest::of(wharf_oci::Algorithm::Sha256, bytes) })
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const PUT: &str = "INSERT INTO snapshots (chain, parent, diff_id, diff_bytes, inodes, created_at, used_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (chain) DO UPDATE SET used_at = ?6";

/// Notes a layer that was unpacked.
pub(super) async fn put(db: &Db, layer: &Layer, parent: Option<&Digest>, inodes: u64) -> Result<(), Error> {
    let parent = parent.map(Digest::to_bytes);
    db.transaction(async |tx| {
        let (chain, diff_id) = (layer.chain.to_bytes(), layer.diff_id.to_bytes());
        let (bytes, inodes, now) = (signed(layer.diff_bytes), signed(inodes), tx.now());
        tx.execute(PUT, &params![chain, parent.clone(), diff_id, bytes, inodes, now]).await?;
        Ok(())
    })
    .await
}

/// Notes that chains were used, each with all below.
pub(super) async fn touch(db: &Db, chains: &[Digest]) -> Result<(), Error> {
    const TOUCH: &str = "WITH RECURSIVE below(chain, parent) AS (\
         SELECT chain, parent FROM snapshots WHERE chain = ?1 \
         UNION ALL SELECT s.chain, s.parent FROM below JOIN snapshots s ON s.chain = below.parent) \
         UPDATE snapshots SET used_at = ?2 WHERE chain IN (SELECT chain FROM below)";
    db.transaction(async |tx| {
        for chain in chains {
            tx.execute(TOUCH, &params![chain.to_bytes(), tx.now()]).await?;
        }
        Ok(())
    })
    .await
}

/// Which blob is a layer in this compression: its digest and size.
pub(super) async fn blob(db: &Db, diff_id: &Digest, compression: Compression) -> Result<Option<(Digest, u64)>, Error> {
    const GET: &str = "SELECT digest, size_bytes FROM layer_blobs WHERE diff_id = ?1 AND compression = ?2";
    let row = db.get(GET, &params![diff_id.to_bytes(), compression.to_string()]).await?;
    row.map(|row| Ok((digest(&row, 0)?, unsigned(row.integer(1)?)))).transpose()
}

/// Notes which blob is a layer.
pub(crate) async fn put_blob(
    db: &Db,
    diff_id: &Digest,
    compression: Compression,
    (blob, size_bytes): (&Digest, u64),
) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO layer_blobs (diff_id, compression, digest, size_bytes) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (diff_id, compression) DO UPDATE SET digest = ?3, size_bytes = ?4";
    db.transaction(async |tx| {
        let (diff_id, blob) = (diff_id.to_bytes(), blob.to_bytes());
        tx.execute(PUT, &params![diff_id, compression.to_string(), blob, signed(size_bytes)]).await?;
        Ok(())
    })
    .await
}

/// What collection knows of an unpacked layer.
#[derive(Debug, Clone)]
pub(crate) struct Weight {
    pub(crate) chain: Digest,
    pub(crate) parent: Option<Digest>,
    pub(crate) diff_bytes: u64,
    pub(crate) inodes: u64,
    pub(crate) used_at: Timestamp,
}

/// All unpacked layers, the least recently used first.
pub(crate) async fn weights(db: &Db) -> Result<Vec<Weight>, Error> {
    const LIST: &str = "SELECT chain, parent, diff_bytes, inodes, used_at FROM snapshots ORDER BY used_at, created_at";
    let rows = db.list(LIST, &[]).await?;
    let weight = |row: &Row| {
        let parent = row.optional_bytes(1)?.and_then(Digest::from_bytes);
        let (diff_bytes, inodes) = (unsigned(row.integer(2)?), unsigned(row.integer(3)?));
        Ok(Weight { chain: digest(row, 0)?, parent, diff_bytes, inodes, used_at: row.timestamp(4)? })
    };
    rows.iter().map(weight).collect()
}

/// Forgets an unpacked layer.
pub(crate) async fn delete(db: &Db, chain: &Digest) -> Result<(), Error> {
    db.transaction(async |tx| {
        tx.execute("DELETE FROM snapshots WHERE chain = ?1", &params![chain.to_bytes()]).await?;
        Ok(())
    })
    .await
}
