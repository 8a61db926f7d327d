//! SQL of `image_names`.

use wharf_db::{Db, Row, params};
use wharf_oci::{Descriptor, Digest};

use super::Named;
use crate::error::Error;

const COLUMNS: &str = "SELECT name, digest, media_type, size_bytes FROM image_names WHERE name = ?1";

/// What a name points to.
pub(super) async fn find(db: &Db, name: &str) -> Result<Option<Descriptor>, Error> {
    let row = db.get(COLUMNS, &params![name]).await?;
    row.map(|row| named(&row).map(|named| named.descriptor)).transpose()
}

/// All names.
pub(super) async fn list(db: &Db) -> Result<Vec<Named>, Error> {
    const LIST: &str = "SELECT name, digest, media_type, size_bytes FROM image_names ORDER BY name";
    db.list(LIST, &[]).await?.iter().map(named).collect()
}

fn named(row: &Row) -> Result<Named, Error> {
    let bytes = row.bytes(1)?;
    let unreadable = || Error::NotAnImage {
        digest: Digest::of(wharf_oci::Algorithm::Sha256, bytes),
        reason: "the node's database holds no digest for its name",
    };
    let digest = Digest::from_bytes(bytes).ok_or_else(unreadable)?;
    let size = u64::try_from(row.integer(3)?).unwrap_or_default();
    Ok(Named { name: row.text(0)?.to_owned(), descriptor: Descriptor::new(row.text(2)?, digest, size) })
}

/// Points a name to a manifest.
pub(super) async fn put(db: &Db, name: &str, to: &Descriptor) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO image_names (name, digest, media_type, size_bytes, since) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (name) DO UPDATE SET digest = ?2, media_type = ?3, size_bytes = ?4, since = ?5";
    db.transaction(async |tx| {
        let size = i64::try_from(to.size).unwrap_or(i64::MAX);
        let (digest, media_type, now) = (to.digest.to_bytes(), to.media_type.as_str(), tx.now());
        tx.execute(PUT, &params![name, digest, media_type, size, now]).await?;
        Ok(())
    })
    .await
}

/// Forgets a name; whether it was there.
pub(super) async fn delete(db: &Db, name: &str) -> Result<bool, Error> {
    db.transaction(async |tx| Ok(tx.execute("DELETE FROM image_names WHERE name = ?1", &params![name]).await? > 0))
        .await
}
