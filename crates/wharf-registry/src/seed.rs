//! Seed: a large catalog to measure on, the same for the same seed. Not part of the program (feature `seed`).
//!
//! Rows are made as pushes would have made them, but without bytes in the store, and without what pushes cost: usage is
//! not counted. Beside this module no table's rows are made in any other way than by the use cases.

mod store;

use serde::Serialize;
use wharf_context::ProjectId;
use wharf_db::{Db, Tx};
use wharf_oci::{Algorithm, Digest, RepositoryName};

use crate::error::Error;

/// Manifests of one repository, each with a tag.
pub const MANIFESTS_EACH: usize = 1_000;

/// Blobs that the images of one repository are made of.
const BLOBS_EACH: usize = 20;

/// The layers of one image.
const LAYERS: usize = 3;

const BLOB_BYTES: usize = 4_096;

/// One image with its tag, as the databases unfold it from JSON.
#[derive(Debug, Serialize)]
struct Image {
    tag: String,
    /// The digest's catalog bytes in hexadecimal.
    digest: String,
    body: String,
    blobs: Vec<String>,
}

/// The name of the repository with this number.
pub fn repository_name(number: usize) -> String {
    format!("seed/r{number:06}")
}

/// The tag with this number.
pub fn tag_name(number: usize) -> String {
    format!("v{number:04}")
}

/// The project of a repository that is there.
pub async fn project_of(db: &Db, repository: &RepositoryName) -> Result<Option<ProjectId>, Error> {
    store::project_of(db, repository).await
}

/// Makes the repository with this number, with its images and tags. One transaction.
pub async fn add_repository(db: &Db, project: ProjectId, seed: u64, number: usize) -> Result<(), Error> {
    let blobs: Vec<Digest> = (0..BLOBS_EACH).map(|blob| digest_of(&format!("{seed}/{number}/{blob}"))).collect();
    let images: Vec<Image> = (0..MANIFESTS_EACH).map(|image| self::image(&blobs, image)).collect();
    db.transaction(async |tx: &mut Tx<'_>| {
        let repository = store::insert_repository(tx, project, &repository_name(number)).await?;
        store::insert_blobs(tx, repository, &blobs, BLOB_BYTES).await?;
        store::insert_images(tx, repository, &images).await
    })
    .await
}

fn digest_of(content: &str) -> Digest {
    Digest::of(Algorithm::Sha256, content.as_bytes())
}

fn image(blobs: &[Digest], number: usize) -> Image {
    let all: Vec<&Digest> = (0..=LAYERS).map(|place| &blobs[(number + place) % blobs.len()]).collect();
    let descriptor = |kind: &str, digest: &Digest| serde_json::json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest.to_string(), "size": BLOB_BYTES });
    let layers: Vec<_> = all[1..].iter().map(|digest| descriptor("layer.v1.tar+gzip", digest)).collect();
    let body = serde_json::json!({
        "schemaVersion": 2, "mediaType": store::MEDIA_TYPE, "config": descriptor("config.v1+json", all[0]), "layers": layers,
        "annotations": { "org.opencontainers.image.version": number.to_string() },
    });
    let body = body.to_string();
    let hex = |digest: &Digest| data_encoding::HEXLOWER.encode(&digest.to_bytes());
    Image { tag: tag_name(number), digest: hex(&digest_of(&body)), body, blobs: all.into_iter().map(hex).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_images() {
        let blobs: Vec<Digest> = (0..BLOBS_EACH).map(|blob| digest_of(&blob.to_string())).collect();
        assert_eq!(image(&blobs, 7).digest, image(&blobs, 7).digest);
        assert_ne!(image(&blobs, 7).digest, image(&blobs, 27).digest);
        assert_eq!(image(&blobs, 19).blobs.len(), LAYERS + 1);
    }
}
