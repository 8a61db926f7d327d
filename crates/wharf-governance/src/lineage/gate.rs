//! The gate `lineage`: what stands on something else than the policy allows does not come into an environment.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use wharf_db::{Reading, Tx};
use wharf_oci::RepositoryName;

use super::policy::LineagePolicy;
use super::store::walk as store;
use super::store::walk::{ImageRow, PlaceRow};
use super::verdict::{Beneath, Stands, judge};
use super::view::Members;
use super::walk::Bases;
use crate::error::Error;
use crate::gate::{Case, Gate, Outcome, Verdict};
use crate::ports::BoxFuture;

/// The gate. It passes where the policy demands nothing of the environment.
#[derive(Debug)]
pub(crate) struct LineageGate;

impl Gate for LineageGate {
    fn name(&self) -> &'static str {
        "lineage"
    }

    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        match parameters.keys().next() {
            Some(other) => {
                Err(format!("the gate `lineage` takes no `{other}`: what it asks for is the section `lineage`"))
            }
            None => Ok(()),
        }
    }

    fn check<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        _: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(ask(tx, case))
    }
}

async fn ask(tx: &mut Tx<'_>, case: &Case<'_>) -> Result<Verdict, Error> {
    let policy = &case.policy.lineage;
    if policy.max_depth.is_none() && !policy.environments.contains_key(case.to) {
        return Ok(Verdict::pass("nothing is demanded of what it stands on"));
    }
    if case.image.configs.is_empty() {
        return Ok(Verdict::pass("it is no image"));
    }
    let from = tx;
    let manifests = store::by_digest(from, &[*case.digest]).await?;
    let members = Members::load(from, &manifests).await?.all();
    let images = store::images(from, &members).await?;
    if images.len() < case.image.configs.len() {
        return Ok(unread());
    }
    let mut complaints = Vec::new();
    for image in &images {
        let known = stands(from, policy, image).await?;
        complaints.extend(judge(policy, case.to, &known));
    }
    complaints.sort();
    complaints.dedup();
    if complaints.is_empty() {
        return Ok(Verdict::pass("it stands on what is allowed"));
    }
    let fix = format!("build it on what `lineage.environments` of the policy allows in `{}`", case.to);
    Ok(Verdict::fail(complaints.join("; "), fix))
}

async fn stands(from: &mut impl Reading, policy: &LineagePolicy, image: &ImageRow) -> Result<Stands, Error> {
    let bases = Bases::of(from, &[image.id]).await?;
    let below = bases.below(image.id);
    let ids: Vec<i64> = below.keys().copied().chain([image.id]).collect();
    let indexes = store::indexes(from, &ids).await?;
    let all: Vec<i64> = ids.iter().copied().chain(indexes.iter().map(|(_, index)| *index)).collect();
    let places = store::places(from, &all).await?;
    let of = |id: i64| {
        let manifests: BTreeSet<i64> =
            indexes.iter().filter(|(image, _)| *image == id).map(|(_, index)| *index).chain([id]).collect();
        places.iter().filter(move |place| manifests.contains(&place.image)).collect::<Vec<_>>()
    };
    let beneath = below.keys().map(|id| {
        let here = of(*id);
        let name = here.first().map_or_else(|| "something".to_owned(), |place| called(place));
        Beneath { name, kinds: kinds(policy, &here), is_root: bases.is_root(*id) }
    });
    Ok(Stands {
        own_kinds: kinds(policy, &of(image.id)),
        depth: below.values().map(|(distance, _)| *distance).max().unwrap_or(0) + 1,
        bases: beneath.collect(),
        claim: image.claim,
        problem: image.problem.clone(),
    })
}

fn kinds(policy: &LineagePolicy, places: &[&PlaceRow]) -> BTreeSet<String> {
    let names = places.iter().filter_map(|place| in_development(place));
    names.filter_map(|name| policy.kind_of(&name).map(|kind| kind.name.clone())).collect()
}

/// What a repository is called in development.
fn in_development(place: &PlaceRow) -> Option<RepositoryName> {
    let name = place.repository.as_str();
    let below = if place.environment.is_empty() {
        Some(name)
    } else {
        name.strip_prefix(&place.environment)?.strip_prefix('/')
    };
    below?.parse().ok()
}

fn called(place: &PlaceRow) -> String {
    match place.tags.iter().max_by_key(|tag| tag.since) {
        Some(tag) => format!("{}:{}", place.repository, tag.tag),
        None => place.repository.to_string(),
    }
}

fn unread() -> Verdict {
    let fix = "wait a moment; `wharf admin jobs list` says whether reading it failed".to_owned();
    Verdict { outcome: Outcome::Pending, reason: "its layers have not been read yet".to_owned(), fix }
}
