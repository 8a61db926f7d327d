//! SQL of `image_configs`.

use wharf_context::Timestamp;
use wharf_db::{Db, Row, Tx, params};
use wharf_oci::Digest;

use super::ImageConfig;
use crate::error::Error;

const MALFORMED: Error = Error::MalformedRow { what: "an image's config" };
const BY_DIGEST: &str = "SELECT labels, created_at FROM image_configs WHERE digest = ?1";

pub(super) async fn find(db: &Db, digest: &Digest) -> Result<Option<ImageConfig>, Error> {
    db.get(BY_DIGEST, &params![digest.to_bytes()]).await?.map(|row| read(&row, digest)).transpose()
}

pub(crate) async fn get(tx: &mut Tx<'_>, digest: &Digest) -> Result<Option<ImageConfig>, Error> {
    tx.query_opt(BY_DIGEST, &params![digest.to_bytes()]).await?.map(|row| read(&row, digest)).transpose()
}

fn read(row: &Row, digest: &Digest) -> Result<ImageConfig, Error> {
    let labels = serde_json::from_str(row.text(0)?).map_err(|_| MALFORMED)?;
    Ok(ImageConfig { digest: *digest, labels, created_at: row.optional_integer(1)?.map(Timestamp) })
}

pub(super) async fn put(tx: &mut Tx<'_>, config: &ImageConfig) -> Result<(), Error> {
    let labels = serde_json::to_string(&config.labels).map_err(|_| MALFORMED)?;
    tx.execute(
        "INSERT INTO image_configs (digest, labels, created_at) VALUES (?1, ?2, ?3) ON CONFLICT (digest) DO NOTHING",
        &params![config.digest.to_bytes(), labels, config.created_at.map(|created| created.0)],
    )
    .await?;
    Ok(())
}
