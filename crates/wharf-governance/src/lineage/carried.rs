//! What images carry: whether anything stands on them that must stay. For retention.
//!
//! What stands on an image is read with it, and need not be in the same project. Nothing here decides what becomes of an
//! image that carries something.

use std::collections::BTreeSet;

use wharf_context::Timestamp;
use wharf_db::Reading;
use wharf_oci::Digest;

use super::rule::MAX_DEPTH;
use super::store::{carried as store, catch_up, walk};
use super::view::Members;
use super::walk::MAX_STANDING;
use crate::error::Error;

/// Something that stands on an image and must stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carried {
    /// This one, and why, in a sentence's part.
    Image { digest: Digest, because: String },
    /// Nobody can say: lineage has not read all images from before it, or too much stands there.
    Unknown(String),
}

/// Whether images from before lineage are still being read: what stands on what is not known then.
pub(crate) async fn is_catching_up(from: &mut impl Reading) -> Result<bool, Error> {
    catch_up::is_going_on(from).await
}

/// Of `digests`, those that something stands on, whatever that is.
pub(crate) async fn bearing(from: &mut impl Reading, digests: &[Digest]) -> Result<BTreeSet<Digest>, Error> {
    store::bearing(from, digests).await
}

/// What stands on any of `digests` and is placed, runs (as reported since `seen_since`) or is held, in whatever project.
pub(crate) async fn first_carried(
    from: &mut impl Reading,
    digests: &[Digest],
    (seen_since, now): (Timestamp, Timestamp),
) -> Result<Option<Carried>, Error> {
    let manifests = walk::by_digest(from, digests).await?;
    let mut level = Members::load(from, &manifests).await?.all();
    let mut seen: BTreeSet<i64> = level.iter().copied().collect();
    for _ in 0..MAX_DEPTH {
        let found = walk::standing(from, &level, MAX_STANDING + seen.len() + 1).await?;
        level = found.into_iter().filter(|image| seen.insert(*image)).collect();
        if level.is_empty() {
            return Ok(None);
        }
        let indexes = walk::indexes(from, &level).await?;
        let wanted: BTreeSet<i64> = level.iter().copied().chain(indexes.into_iter().map(|(_, index)| index)).collect();
        let wanted: Vec<i64> = wanted.into_iter().collect();
        if let Some((digest, because)) = store::must_stay(from, &wanted, (seen_since, now)).await? {
            return Ok(Some(Carried::Image { digest, because }));
        }
        if seen.len() > MAX_STANDING {
            return Ok(Some(Carried::Unknown(format!("more than {MAX_STANDING} images stand on it"))));
        }
    }
    Ok(None)
}
