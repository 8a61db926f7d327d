//! Lineage: which image stands on which, found by their layers.
//!
//! An image stands on another when its layers begin with all layers of the other. Layers are compared by DiffIDs that were
//! computed from their bytes ([`facts`](Claim)), so neither labels nor a pusher's claim make or hide a base; annotations that
//! name a base are shown as such. The graph grows as images arrive, in any order ([`job`]). What it costs to ask does not
//! depend on how many images there are. A base that is not the newest of its line any more is outdated; whether images must
//! be rebuilt for that, and in which order, is [`crate::rebuild`]'s.

mod answer;
pub(crate) mod carried;
pub mod catch_up;
pub(crate) mod chain;
pub(crate) mod config;
pub(crate) mod facts;
pub(crate) mod gate;
pub mod job;
pub(crate) mod line;
pub mod policy;
pub(crate) mod reach;
mod rule;
#[cfg(feature = "seed")]
pub mod seed;
mod store;
mod verdict;
mod view;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use wharf_oci::{Digest, EnvironmentName, Reference, RepositoryName};

pub use self::answer::{
    Base, Image, ImageLineage, Lineage, NamedBase, Newer, NewerPlace, Outdated, OutdatedPage, Place, Places, Stander,
    StandingPage, StandingQuery, Viewer,
};
pub use self::facts::Claim;
pub use self::policy::LineagePolicy;
pub use self::rule::By;
use self::store::walk::ImageRow;
use self::view::{Members, PlacesOf, View};
use self::walk::{Bases, Standing};
use crate::error::Error;
use crate::governance::Governance;

impl Governance {
    /// What a reference stands on, and how much stands on it.
    pub async fn get_lineage(
        &self,
        viewer: &Viewer<'_>,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Lineage, Error> {
        let digest = self.registry.resolve_in(viewer.warrant.project(), repository, reference).await?;
        self.lineage_of(viewer, digest).await
    }

    pub(super) async fn lineage_of(&self, viewer: &Viewer<'_>, digest: Digest) -> Result<Lineage, Error> {
        let policy = self.lineage_policy(viewer).await?;
        let images = self.images_of(&digest).await?;
        let bases = Bases::of(&mut &self.db, &images).await?;
        let all: BTreeSet<i64> = bases.all().into_iter().chain(images.iter().copied()).collect();
        let view = View::load(self, viewer, &policy, &all.into_iter().collect::<Vec<_>>()).await?;
        let mut lineages = Vec::new();
        for row in store::walk::images(&mut &self.db, &images).await? {
            let stands = view.stands(&row, &bases);
            let verdict = |environment: &EnvironmentName| verdict::judge(&policy, environment, &stands);
            let refused = policy.environments.keys().map(|environment| (environment.clone(), verdict(environment)));
            let refused = refused.filter(|(_, complaints)| !complaints.is_empty()).collect();
            let found = self.image_lineage(row, &bases, &view).await?;
            lineages.push(ImageLineage { refused, ..found });
        }
        Ok(Lineage { digest, images: lineages })
    }

    async fn image_lineage(&self, row: ImageRow, bases: &Bases, view: &View) -> Result<ImageLineage, Error> {
        let twins = store::walk::twins(&mut &self.db, row.id).await?;
        let twins = store::walk::images(&mut &self.db, &twins).await?;
        let standing = Standing::on(&mut &self.db, &[row.id]).await?;
        let above: Vec<i64> = standing.images.keys().copied().collect();
        let below = view.bases(&bases.below(row.id));
        let is_here = |digest: &Digest| below.iter().any(|base| base.by != By::Layers && base.image.digest == *digest);
        let named = NamedBase { name: row.base_name.clone(), digest: row.base_digest };
        let is_named = named.name.is_some() || named.digest.is_some();
        let by_annotation = below.iter().any(|base| base.distance == 1 && base.by != By::Layers);
        let is_known = named.digest.as_ref().is_some_and(is_here) || by_annotation;
        Ok(ImageLineage {
            depth: below.iter().map(|base| base.distance).max().unwrap_or(0) + 1,
            bases: below,
            named_base: (is_named && !is_known).then_some(named),
            refused: BTreeMap::new(),
            twins: twins.into_iter().map(|twin| twin.digest).collect(),
            standing: store::walk::counts(&mut &self.db, &above).await?,
            standing_is_cut: standing.is_cut,
            image: row.into(),
        })
    }

    /// What stands on a reference.
    pub async fn list_standing(
        &self,
        viewer: &Viewer<'_>,
        (repository, reference): (&RepositoryName, &Reference),
        query: &StandingQuery,
    ) -> Result<StandingPage, Error> {
        let digest = self.registry.resolve_in(viewer.warrant.project(), repository, reference).await?;
        self.standing_on(viewer, digest, query).await
    }

    pub(super) async fn standing_on(
        &self,
        viewer: &Viewer<'_>,
        digest: Digest,
        query: &StandingQuery,
    ) -> Result<StandingPage, Error> {
        let policy = self.lineage_policy(viewer).await?;
        let standing = Standing::on(&mut &self.db, &self.images_of(&digest).await?).await?;
        let mut wanted: Vec<i64> = standing.images.keys().copied().collect();
        if let Some(environment) = &query.environment {
            wanted = store::walk::in_environment(&mut &self.db, &wanted, environment).await?;
            wanted.sort_unstable();
        }
        wanted.retain(|image| *image > query.after);
        let has_more = wanted.len() > query.limit;
        wanted.truncate(query.limit);
        let places = PlacesOf::load(self, viewer, &policy, &wanted).await?;
        let rows = store::walk::images(&mut &self.db, &wanted).await?;
        let entries = rows.into_iter().map(|row| Stander {
            position: row.id,
            distance: standing.images.get(&row.id).copied().unwrap_or_default(),
            places: places.of(row.id),
            image: row.into(),
        });
        Ok(StandingPage { entries: entries.collect(), has_more })
    }

    /// The repositories of a project whose newest image stands on something that is outdated.
    pub async fn list_outdated(
        &self,
        viewer: &Viewer<'_>,
        after: Option<&RepositoryName>,
        limit: usize,
    ) -> Result<OutdatedPage, Error> {
        let policy = self.lineage_policy(viewer).await?;
        let after = after.map_or("", RepositoryName::as_str);
        let project = viewer.warrant.project();
        let newest = store::walk::newest_of_project(&mut &self.db, project, (after, limit)).await?;
        let repositories: BTreeSet<&RepositoryName> = newest.iter().map(|place| &place.repository).collect();
        let next = repositories.last().filter(|_| repositories.len() >= limit).map(|last| (*last).clone());
        let manifests: Vec<i64> = newest.iter().map(|place| place.image).collect();
        let members = Members::load(&mut &self.db, &manifests).await?;
        let bases = Bases::of(&mut &self.db, &members.all()).await?;
        let view = View::load(self, viewer, &policy, &bases.all()).await?;
        let rows = store::walk::images(&mut &self.db, &members.all()).await?;
        let rows: BTreeMap<i64, ImageRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        let mut entries = Vec::new();
        for place in &newest {
            for image in members.of(place.image) {
                let outdated = view.bases(&bases.below(image)).into_iter().filter(|base| !base.newer.is_empty());
                let outdated: Vec<Base> = outdated.collect();
                let Some(row) = rows.get(&image).filter(|_| !outdated.is_empty()) else { continue };
                let latest = place.tags.iter().filter(|tag| tag.now).max_by_key(|tag| tag.since);
                entries.push(Outdated {
                    repository: place.repository.clone(),
                    tag: latest.map(|tag| tag.tag.clone()).unwrap_or_default(),
                    image: row.clone().into(),
                    bases: outdated,
                });
            }
        }
        Ok(OutdatedPage { entries, next })
    }

    async fn lineage_policy(&self, viewer: &Viewer<'_>) -> Result<LineagePolicy, Error> {
        Ok(self.get_policy(viewer.warrant).await?.policy.lineage)
    }

    /// The images that a digest stands for.
    async fn images_of(&self, digest: &Digest) -> Result<Vec<i64>, Error> {
        let manifests = store::walk::by_digest(&mut &self.db, &[*digest]).await?;
        Ok(Members::load(&mut &self.db, &manifests).await?.all())
    }
}
