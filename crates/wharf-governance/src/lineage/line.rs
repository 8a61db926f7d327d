//! Lines: which manifest of a base's repository is the newest, and which ones it follows.

use std::collections::{BTreeMap, BTreeSet};

use wharf_context::ProjectId;
use wharf_oci::{Digest, Pattern, RepositoryName};

use super::rule::{self, Candidate};
use super::store::walk as store;
use super::store::walk::PlaceRow;
use super::view::Members;
use crate::error::Error;
use wharf_db::Reading;

/// How many manifests of a base's repository are compared to find the newest of each line.
pub(super) const MAX_CANDIDATES: i64 = 500;

/// The newest manifest of a line, or of a whole repository.
#[derive(Debug, Clone)]
pub(crate) struct Newest {
    pub(crate) project: ProjectId,
    pub(crate) tag: String,
    pub(crate) digest: Digest,
    /// Itself, or the images that the index lists.
    pub(crate) images: BTreeSet<i64>,
}

/// A line of a base.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) newest: Newest,
    /// The images that came before the newest.
    pub(crate) older: BTreeSet<i64>,
}

impl Line {
    /// The line of a pattern of tags; `None` where no tag is of it.
    pub(crate) async fn load(
        from: &mut impl Reading,
        repository: &RepositoryName,
        pattern: &Pattern,
    ) -> Result<Option<Self>, Error> {
        let places = store::tagged(from, repository, MAX_CANDIDATES).await?;
        let Some(project) = places.first().map(|place| place.project) else { return Ok(None) };
        let candidates = Candidates::of(from, places).await?;
        let Some((newest, tag)) = rule::newest(&candidates.all, pattern) else { return Ok(None) };
        let Some(digest) = candidates.digests.get(&newest.manifest).copied() else { return Ok(None) };
        let older = candidates.all.iter().filter(|one| one.is_of(pattern)).flat_map(|one| &one.images);
        let older = older.filter(|image| !newest.images.contains(image)).copied().collect();
        let newest = Newest { project, tag: tag.to_owned(), digest, images: newest.images.clone() };
        Ok(Some(Self { newest, older }))
    }
}

/// The newest manifest of a repository.
pub(crate) async fn newest(from: &mut impl Reading, repository: &RepositoryName) -> Result<Option<Newest>, Error> {
    let places = store::latest(from, repository, 1).await?;
    let Some(project) = places.first().map(|place| place.project) else { return Ok(None) };
    let candidates = Candidates::of(from, places).await?;
    let Some((newest, tag)) = rule::newest(&candidates.all, &Pattern::anything()) else { return Ok(None) };
    let digest = candidates.digests.get(&newest.manifest).copied();
    Ok(digest.map(|digest| Newest { project, tag: tag.to_owned(), digest, images: newest.images.clone() }))
}

/// The tagged manifests of a base's repository, the latest of them.
pub(super) struct Candidates {
    pub(super) all: Vec<Candidate>,
    pub(super) digests: BTreeMap<i64, Digest>,
}

impl Candidates {
    /// Adds where bases are, whatever their age: of which lines they are, their own tags say.
    pub(super) fn add(&mut self, here: &[(i64, &PlaceRow)]) {
        for (base, row) in here {
            match self.all.iter_mut().find(|one| one.manifest == row.image) {
                Some(one) => {
                    one.images.insert(*base);
                }
                None => self.all.push(Candidate {
                    manifest: row.image,
                    images: BTreeSet::from([*base]),
                    tags: row.tags.clone(),
                }),
            }
        }
    }

    /// The manifests of a repository that a tag points to, the latest of them.
    pub(super) async fn load(from: &mut impl Reading, repository: &RepositoryName, limit: i64) -> Result<Self, Error> {
        let latest = store::latest(from, repository, limit).await?;
        Self::of(from, latest).await
    }

    async fn of(from: &mut impl Reading, places: Vec<PlaceRow>) -> Result<Self, Error> {
        let manifests: Vec<i64> = places.iter().map(|place| place.image).collect();
        let members = Members::load(from, &manifests).await?;
        let rows = store::images(from, &manifests).await?;
        let all = places.into_iter().map(|place| Candidate {
            manifest: place.image,
            images: members.of(place.image),
            tags: place.tags,
        });
        Ok(Self { all: all.collect(), digests: rows.into_iter().map(|row| (row.id, row.digest)).collect() })
    }
}
