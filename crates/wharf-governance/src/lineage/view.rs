//! What lies below images, as one caller may see it: where bases are, and what took their place.

use std::collections::{BTreeMap, BTreeSet};

use wharf_context::ProjectId;
use wharf_oci::{Pattern, RepositoryName};

use super::answer::{Base, Image, Newer, NewerPlace, Place, Places, Viewer};
use super::line::{Candidates, MAX_CANDIDATES};
use super::policy::{BaseKind, LineagePolicy};
use super::rule::{self, By};
use super::store::walk as store;
use super::store::walk::{ImageRow, PlaceRow};
use super::verdict::{Beneath, Stands};
use super::walk::{Bases, Below};
use crate::error::Error;
use crate::governance::Governance;
use wharf_db::Reading;

/// The images of manifests: themselves, or those of an index.
pub(super) struct Members(BTreeMap<i64, BTreeSet<i64>>);

impl Members {
    pub(super) async fn load(from: &mut impl Reading, manifests: &[i64]) -> Result<Self, Error> {
        let rows = store::images(from, manifests).await?;
        let (indexes, images): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.is_index);
        let indexes: Vec<i64> = indexes.into_iter().map(|row| row.id).collect();
        let mut members: BTreeMap<i64, BTreeSet<i64>> =
            images.into_iter().map(|row| (row.id, BTreeSet::from([row.id]))).collect();
        for (index, image) in store::members(from, &indexes).await? {
            members.entry(index).or_default().insert(image);
        }
        Ok(Self(members))
    }

    pub(super) fn of(&self, manifest: i64) -> BTreeSet<i64> {
        self.0.get(&manifest).cloned().unwrap_or_default()
    }

    pub(super) fn all(&self) -> Vec<i64> {
        self.0.values().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Where images are, as one caller may see it.
pub(super) struct PlacesOf {
    by_image: BTreeMap<i64, Places>,
    /// All of them, for what is compared and not shown.
    all: BTreeMap<i64, Vec<PlaceRow>>,
}

impl PlacesOf {
    pub(super) async fn load(
        governance: &Governance,
        viewer: &Viewer<'_>,
        policy: &LineagePolicy,
        images: &[i64],
    ) -> Result<Self, Error> {
        let indexes = store::indexes(&mut &governance.db, images).await?;
        let wanted: BTreeSet<i64> = images.iter().copied().chain(indexes.iter().map(|(_, index)| *index)).collect();
        let wanted: Vec<i64> = wanted.into_iter().collect();
        let mut of_manifest: BTreeMap<i64, Vec<PlaceRow>> = BTreeMap::new();
        for place in store::places(&mut &governance.db, &wanted).await? {
            of_manifest.entry(place.image).or_default().push(place);
        }
        let mut all: BTreeMap<i64, Vec<PlaceRow>> = BTreeMap::new();
        for (image, manifest) in images.iter().map(|image| (*image, *image)).chain(indexes) {
            all.entry(image).or_default().extend(of_manifest.get(&manifest).into_iter().flatten().cloned());
        }
        let show = |rows: &Vec<PlaceRow>| shown(governance, viewer, policy, rows);
        let by_image = all.iter().map(|(image, rows)| (*image, show(rows))).collect();
        Ok(Self { by_image, all })
    }

    pub(super) fn of(&self, image: i64) -> Places {
        self.by_image.get(&image).cloned().unwrap_or_default()
    }
}

/// The places of one image, each repository once.
fn shown(governance: &Governance, viewer: &Viewer<'_>, policy: &LineagePolicy, rows: &[PlaceRow]) -> Places {
    let mut hidden: BTreeSet<&RepositoryName> = BTreeSet::new();
    let mut seen: BTreeMap<&RepositoryName, Place> = BTreeMap::new();
    for row in rows {
        if !viewer.may_see(row.project) {
            hidden.insert(&row.repository);
            continue;
        }
        let (_, canonical) = governance.environments.split(&row.repository);
        let place = seen.entry(&row.repository).or_insert_with(|| Place {
            repository: row.repository.clone(),
            environment: row.environment.clone(),
            tags: Vec::new(),
            kind: policy.kind_of(&canonical).map(|kind| kind.name.clone()),
        });
        let tags = row.tags.iter().map(|tag| tag.tag.clone());
        let fresh: Vec<String> = tags.filter(|tag| !place.tags.contains(tag)).collect();
        place.tags.extend(fresh);
    }
    Places { seen: seen.into_values().collect(), hidden: hidden.len() }
}

/// Bases as one caller may see them, and what took their place.
pub(super) struct View {
    images: BTreeMap<i64, Image>,
    places: PlacesOf,
    newer: BTreeMap<i64, Vec<Newer>>,
    /// The kinds that the policy says each is of, seen or not.
    kinds: BTreeMap<i64, BTreeSet<String>>,
}

impl View {
    pub(super) async fn load(
        governance: &Governance,
        viewer: &Viewer<'_>,
        policy: &LineagePolicy,
        bases: &[i64],
    ) -> Result<Self, Error> {
        let rows = store::images(&mut &governance.db, bases).await?;
        let images = rows.into_iter().map(|row| (row.id, row.into())).collect();
        let places = PlacesOf::load(governance, viewer, policy, bases).await?;
        let newer = newer_ones(governance, viewer, policy, &places.all).await?;
        let kinds = places.all.iter().map(|(image, rows)| (*image, kinds(governance, policy, rows))).collect();
        Ok(Self { images, places, newer, kinds })
    }

    /// What a verdict about an image needs to know.
    pub(super) fn stands(&self, row: &ImageRow, bases: &Bases) -> Stands {
        let below = bases.below(row.id);
        let beneath = below.keys().map(|id| Beneath {
            name: self.name(*id),
            kinds: self.kinds.get(id).cloned().unwrap_or_default(),
            is_root: bases.is_root(*id),
        });
        Stands {
            own_kinds: self.kinds.get(&row.id).cloned().unwrap_or_default(),
            depth: below.values().map(|(distance, _)| *distance).max().unwrap_or(0) + 1,
            bases: beneath.collect(),
            claim: row.claim,
            problem: row.problem.clone(),
        }
    }

    fn name(&self, image: i64) -> String {
        let seen = self.places.of(image).seen;
        seen.first().map_or_else(
            || "something that you may not see".to_owned(),
            |place| match place.tags.first() {
                Some(tag) => format!("{}:{tag}", place.repository),
                None => place.repository.to_string(),
            },
        )
    }

    /// The bases of one image, the nearest first.
    pub(super) fn bases(&self, below: &Below) -> Vec<Base> {
        let base = |(id, (distance, by)): (&i64, &(u32, By))| {
            let image = self.images.get(id)?.clone();
            let newer = self.newer.get(id).cloned().unwrap_or_default();
            Some(Base { image, distance: *distance, by: *by, places: self.places.of(*id), newer })
        };
        let mut bases: Vec<Base> = below.iter().filter_map(base).collect();
        bases.sort_by_key(|base| (base.distance, base.image.digest));
        bases
    }
}

fn kinds(governance: &Governance, policy: &LineagePolicy, rows: &[PlaceRow]) -> BTreeSet<String> {
    let names = rows.iter().map(|row| governance.environments.split(&row.repository).1);
    names.filter_map(|name| policy.kind_of(&name).map(|kind| kind.name.clone())).collect()
}

/// For each base that is outdated somewhere in development, what took its place.
async fn newer_ones(
    governance: &Governance,
    viewer: &Viewer<'_>,
    policy: &LineagePolicy,
    places: &BTreeMap<i64, Vec<PlaceRow>>,
) -> Result<BTreeMap<i64, Vec<Newer>>, Error> {
    let in_development = places.values().flatten().filter(|place| place.environment.is_empty());
    let repositories: BTreeMap<&RepositoryName, ProjectId> =
        in_development.map(|place| (&place.repository, place.project)).collect();
    let mut newer: BTreeMap<i64, Vec<Newer>> = BTreeMap::new();
    for (repository, project) in repositories {
        let kind = policy.kind_of(repository);
        let lines = kind.map_or_else(|| vec![Pattern::anything()], BaseKind::lines);
        let limit = if kind.is_some_and(|kind| !kind.tags.is_empty()) { MAX_CANDIDATES } else { 1 };
        let mut candidates = Candidates::load(&mut &governance.db, repository, limit).await?;
        let here = places.iter().flat_map(|(base, rows)| rows.iter().map(move |row| (*base, row)));
        let here: Vec<(i64, &PlaceRow)> = here.filter(|(_, row)| row.repository == *repository).collect();
        candidates.add(&here);
        for base in here.iter().map(|(base, _)| *base).collect::<BTreeSet<i64>>() {
            let Some((newest, tag)) = rule::newer(base, &candidates.all, &lines) else { continue };
            let digest = candidates.digests.get(&newest.manifest).copied();
            let place = digest.filter(|_| viewer.may_see(project)).map(|digest| NewerPlace {
                repository: repository.clone(),
                tag: tag.to_owned(),
                digest,
            });
            newer.entry(base).or_default().push(Newer { place });
        }
    }
    Ok(newer)
}
