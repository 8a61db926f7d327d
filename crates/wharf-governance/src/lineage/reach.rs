//! How far images reach: which repositories stand on them, and which they stand on. For rebuilds.

use std::collections::{BTreeMap, BTreeSet};

use wharf_oci::{Digest, RepositoryName};

use super::store::walk as store;
use super::view::Members;
use super::walk::{Bases, Standing};
use crate::error::Error;
use wharf_db::Reading;

/// What stands on some images.
pub(crate) struct Reached {
    pub(crate) images: BTreeSet<i64>,
    /// The repositories in development that have any of them, or an index that lists one.
    pub(crate) repositories: BTreeSet<RepositoryName>,
}

/// What stands on any of `images`; of the repositories at most `limit`.
pub(crate) async fn repositories_on(
    from: &mut impl Reading,
    images: &BTreeSet<i64>,
    limit: usize,
) -> Result<Reached, Error> {
    let images: Vec<i64> = images.iter().copied().collect();
    let standing = Standing::on(from, &images).await?;
    let above: Vec<i64> = standing.images.keys().copied().collect();
    let repositories = in_development(from, &above).await?;
    Ok(Reached { images: above.into_iter().collect(), repositories: repositories.into_iter().take(limit).collect() })
}

/// The repositories in development that have anything below any of `images`.
pub(crate) async fn repositories_below(
    from: &mut impl Reading,
    images: &BTreeSet<i64>,
) -> Result<BTreeSet<RepositoryName>, Error> {
    let images: Vec<i64> = images.iter().copied().collect();
    let bases = Bases::of(from, &images).await?;
    in_development(from, &bases.all()).await
}

async fn in_development(from: &mut impl Reading, images: &[i64]) -> Result<BTreeSet<RepositoryName>, Error> {
    let places = store::places(from, images).await?;
    Ok(places.into_iter().filter(|place| place.environment.is_empty()).map(|place| place.repository).collect())
}

/// The tagged manifest of a repository that an image is, or that lists it, if that stands on `base`.
pub(crate) async fn standing_on(
    tx: &mut wharf_db::Tx<'_>,
    (repository, image): (&RepositoryName, i64),
    base: &Digest,
) -> Result<Option<Digest>, Error> {
    let from = tx;
    let base = store::by_digest(from, &[*base]).await?;
    let wanted = Members::load(from, &base).await?.all();
    let indexes = store::indexes(from, &[image]).await?;
    let manifests: Vec<i64> = std::iter::once(image).chain(indexes.into_iter().map(|(_, index)| index)).collect();
    let places = store::places(from, &manifests).await?;
    let tagged = places.into_iter().filter(|place| place.repository == *repository);
    for place in tagged.filter(|place| place.tags.iter().any(|tag| tag.now)) {
        let members = Members::load(from, &[place.image]).await?.all();
        let below = Bases::of(from, &members).await?.all();
        if below.iter().any(|base| wanted.contains(base)) {
            let rows = store::images(from, &[place.image]).await?;
            return Ok(rows.first().map(|row| row.digest));
        }
    }
    Ok(None)
}

/// The images that a digest stands for: itself, or those of the index.
pub(crate) async fn images_of(from: &mut impl Reading, digest: &Digest) -> Result<Vec<Digest>, Error> {
    let manifests = store::by_digest(from, &[*digest]).await?;
    let images = Members::load(from, &manifests).await?.all();
    Ok(store::images(from, &images).await?.into_iter().map(|row| row.digest).collect())
}

/// What an image stands on, or those of an index: each base, with over how many images at least.
pub(crate) async fn bases_of(from: &mut impl Reading, digest: &Digest) -> Result<Vec<(Digest, u32)>, Error> {
    let manifests = store::by_digest(from, &[*digest]).await?;
    let images = Members::load(from, &manifests).await?.all();
    let bases = Bases::of(from, &images).await?;
    let mut nearest: BTreeMap<i64, u32> = BTreeMap::new();
    for (base, (distance, _)) in images.iter().flat_map(|image| bases.below(*image)) {
        let known = nearest.entry(base).or_insert(distance);
        *known = distance.min(*known);
    }
    let ids: Vec<i64> = nearest.keys().copied().collect();
    let rows = store::images(from, &ids).await?;
    let mut found: Vec<(Digest, u32)> =
        rows.into_iter().filter_map(|row| Some((row.digest, nearest.get(&row.id).copied()?))).collect();
    found.sort_by_key(|(digest, distance)| (*distance, *digest));
    Ok(found)
}
