//! What holds a digest: why collection leaves a blob or a manifest where it is.

use wharf_context::{Inspect, Timestamp};
use wharf_oci::{Digest, RepositoryName, Tag};

use super::store::holders as store;
use crate::error::Error;
use crate::registry::Registry;

/// How many links, and how many manifests, are told.
const TOLD: usize = 100;

/// All that is known of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders {
    /// The digest.
    pub digest: Digest,
    /// Its bytes; several where some are being deleted.
    pub stored: Vec<StoredBytes>,
    /// When collection looks at it; `None` where nobody suspects it.
    pub review_after: Option<Timestamp>,
    /// Repositories that link it.
    pub links: Vec<BlobLink>,
    /// Manifests that name it, and manifests that it is the digest of.
    pub manifests: Vec<HoldingManifest>,
    /// Whether there are more links or manifests than are told.
    pub has_more: bool,
}

/// Bytes in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBytes {
    /// How many.
    pub size_bytes: u64,
    /// Whether they can be read; else they are lost, or being deleted.
    pub is_present: bool,
    /// Since when they are being deleted.
    pub deleting_since: Option<Timestamp>,
    /// Not before this moment they are.
    pub delete_after: Option<Timestamp>,
}

/// A repository's link to a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobLink {
    /// The repository.
    pub repository: RepositoryName,
    /// Since when.
    pub linked_at: Timestamp,
    /// Whether a manifest there names it. A link alone goes at the review.
    pub is_named: bool,
}

/// A manifest that holds a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldingManifest {
    /// Its repository.
    pub repository: RepositoryName,
    /// Its digest; the one that is asked about, where it is that manifest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Until when it can be restored, where it is in the bin.
    pub binned_until: Option<Timestamp>,
    /// Tags that point to it, the first ten.
    pub tags: Vec<Tag>,
}

impl Registry {
    /// What holds a digest.
    pub async fn find_holders(&self, _: Inspect, digest: &Digest) -> Result<Holders, Error> {
        let db = &self.db;
        let mut links = store::links(db, digest, TOLD + 1).await?;
        let mut manifests = store::naming(db, digest, (self.settings.bin_keep, TOLD + 1)).await?;
        manifests.extend(store::being(db, digest, (self.settings.bin_keep, TOLD + 1)).await?);
        let has_more = links.len() > TOLD || manifests.len() > TOLD;
        links.truncate(TOLD);
        manifests.truncate(TOLD);
        let mut held = Vec::with_capacity(manifests.len());
        for (repository, manifest) in manifests {
            let tags = store::tags_of(db, repository, &manifest.digest).await?;
            held.push(HoldingManifest { tags, ..manifest });
        }
        let stored = store::stored(db, digest).await?;
        let review_after = store::review_after(db, digest).await?;
        if stored.is_empty() && held.is_empty() && links.is_empty() {
            return Err(Error::DigestUnknown(*digest));
        }
        Ok(Holders { digest: *digest, stored, review_after, links, manifests: held, has_more })
    }
}
