//! Facts about tags, taken in the transaction that judges or executes: what must stay, where it stood, when it was pulled.
//!
//! A tag stands for what it points to with all that this lists, and, where it is attached to a manifest, for that one, too.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wharf_context::Timestamp;
use wharf_db::{Reading, Tx};
use wharf_oci::Digest;
use wharf_registry::Registry;
use wharf_registry::keeping::{Governed, Tagged};

use super::rule::{Facts, Labels, Protection, Stay};
use crate::environment::placement::Standpoint;
use crate::environment::store as placements;
use crate::error::Error;
use crate::hold::{self, Hold};
use crate::lineage::carried::{self, Carried};
use crate::running;

/// What was found about the digests that tags stand for.
#[derive(Debug, Default)]
struct Found {
    /// Each digest that a tag points to or is attached to, with all that it lists.
    parts: BTreeMap<Digest, Vec<Digest>>,
    holds: Vec<Hold>,
    /// The environments whose views of the repository have it.
    lying: HashMap<Digest, BTreeSet<String>>,
    stays: HashMap<Digest, Vec<Standpoint>>,
    running: HashMap<Digest, (String, i64)>,
    pulled: HashMap<Digest, Timestamp>,
}

/// What is known of each of `tags`, without labels and without what stands on them.
pub(super) async fn facts(
    tx: &mut Tx<'_>,
    registry: &Registry,
    place: Governed<'_>,
    (tags, seen_since): (&[&Tagged], Timestamp),
) -> Result<Vec<Facts>, Error> {
    let roots: BTreeSet<Digest> = tags.iter().flat_map(|tagged| roots(tagged)).collect();
    let roots: Vec<Digest> = roots.into_iter().collect();
    let mut found = Found::default();
    for (root, part) in Registry::components(tx, place, &roots).await? {
        found.parts.entry(root).or_default().push(part);
    }
    let all: BTreeSet<Digest> = found.parts.values().flatten().copied().collect();
    let all: Vec<Digest> = all.into_iter().collect();
    let project = place.0.project();
    found.holds = hold::store::in_force(tx, (project, place.1), &all).await?;
    for (digest, environment) in registry.placed(tx, place, &all).await? {
        found.lying.entry(digest).or_default().insert(environment.to_string());
    }
    for standpoint in placements::among(tx, project, place.1, &all).await? {
        found.stays.entry(standpoint.digest).or_default().push(standpoint);
    }
    for (digest, host, containers) in running::store::among(tx, project, &all, seen_since).await? {
        found.running.insert(digest, (host, containers));
    }
    found.pulled.extend(Registry::last_pulls(tx, place.1, &all).await?);
    Ok(tags.iter().map(|tagged| found.about(tagged)).collect())
}

/// Why a manifest must stay, whatever the rules say: by the tags that point to it, and by what stands on it.
pub(crate) async fn protections_of(
    tx: &mut Tx<'_>,
    registry: &Registry,
    place: Governed<'_>,
    (digest, seen_since): (&Digest, Timestamp),
) -> Result<Vec<Protection>, Error> {
    let names = Registry::tags_at(tx, place.0.project(), place.1, digest).await?;
    // What no tag points to goes by a name that no tag has.
    let nameless = digest.hex().parse().map_err(|_| Error::MalformedRow { what: "a digest" })?;
    let names = if names.is_empty() { vec![nameless] } else { names };
    let now = tx.now();
    let tagged = |tag| Tagged { tag, digest: *digest, since: now, is_index: false };
    let tags: Vec<Tagged> = names.into_iter().map(tagged).collect();
    let tags: Vec<&Tagged> = tags.iter().collect();
    let found = facts(tx, registry, place, (&tags, seen_since)).await?;
    let carried = carried(tx, &tags[..1], (seen_since, now)).await?;
    Ok(found.into_iter().flat_map(|facts| facts.protections).chain(carried.into_iter().flatten()).collect())
}

/// Of each of `tags`, whether something stands on it that must stay. Walks through what stands there: asked before a
/// transaction where it is about many, in it for each one that goes.
pub(super) async fn carried(
    from: &mut impl Reading,
    tags: &[&Tagged],
    (seen_since, now): (Timestamp, Timestamp),
) -> Result<Vec<Option<Protection>>, Error> {
    if carried::is_catching_up(from).await? {
        let unknown = || Protection::Unknown {
            what: "lineage still reads images from before, and may find it is a base".to_owned(),
        };
        return Ok(tags.iter().map(|_| Some(unknown())).collect());
    }
    let digests: BTreeSet<Digest> = tags.iter().map(|tagged| tagged.digest).collect();
    let bearing = carried::bearing(from, &digests.into_iter().collect::<Vec<_>>()).await?;
    let mut protections: HashMap<Digest, Option<Protection>> = HashMap::new();
    for digest in bearing {
        let carried = carried::first_carried(from, &[digest], (seen_since, now)).await?;
        protections.insert(digest, carried.map(Into::into));
    }
    Ok(tags.iter().map(|tagged| protections.get(&tagged.digest).cloned().flatten()).collect())
}

impl From<Carried> for Protection {
    fn from(carried: Carried) -> Self {
        match carried {
            Carried::Image { digest, because } => Self::Base { of: digest, because },
            Carried::Unknown(what) => Self::Unknown { what },
        }
    }
}

/// What a tag is about: what it points to, or what it is attached to.
fn subject(tagged: &Tagged) -> Digest {
    tagged.tag.attached_to().unwrap_or(tagged.digest)
}

fn roots(tagged: &Tagged) -> impl Iterator<Item = Digest> {
    tagged.tag.attached_to().into_iter().chain([tagged.digest])
}

impl Found {
    fn about(&self, tagged: &Tagged) -> Facts {
        let digests: Vec<Digest> = roots(tagged).flat_map(|root| self.parts_of(root)).collect();
        let held = self.holds.iter().filter(|hold| hold.is_on(Some(&tagged.tag), &digests));
        let mut protections: BTreeSet<Protection> =
            held.map(|hold| Protection::Held { hold: hold.id, reason: hold.reason.clone() }).collect();
        let running = digests.iter().filter_map(|digest| self.running.get(digest));
        protections.extend(
            running.map(|(host, containers)| Protection::Running { host: host.clone(), containers: *containers }),
        );
        let standpoints: Vec<&Standpoint> =
            digests.iter().filter_map(|digest| self.stays.get(digest)).flatten().collect();
        let mut stays: Vec<Stay> = standpoints.iter().map(|at| at.stay()).collect();
        let mut left = Vec::new();
        for environment in digests.iter().filter_map(|digest| self.lying.get(digest)).flatten().collect::<BTreeSet<_>>()
        {
            match self.standing(subject(tagged), environment, &standpoints) {
                Some(protection) => {
                    if standpoints.iter().all(|at| at.environment != *environment) {
                        stays.push(Stay { environment: environment.clone(), ended: None });
                    }
                    protections.insert(protection);
                }
                None => left.push(environment.clone()),
            }
        }
        let pulled = digests.iter().filter_map(|digest| self.pulled.get(digest)).max().copied();
        Facts { protections: protections.into_iter().collect(), left, stays, pulled, labels: Labels::Unknown }
    }

    fn parts_of(&self, root: Digest) -> Vec<Digest> {
        self.parts.get(&root).cloned().unwrap_or_else(|| vec![root])
    }

    /// Why something that lies in an environment must stay; `None` where it stood there once and something else does now.
    fn standing(&self, subject: Digest, environment: &str, all: &[&Standpoint]) -> Option<Protection> {
        let here = || all.iter().filter(|at| at.environment == environment);
        if here().any(|at| at.ended.is_none()) || !here().any(|at| at.digest == subject) {
            return Some(Protection::Placed { environment: environment.to_owned() });
        }
        here()
            .any(|at| at.is_rollback_target)
            .then(|| Protection::RollbackTarget { environment: environment.to_owned() })
    }
}

impl Standpoint {
    fn stay(&self) -> Stay {
        Stay { environment: self.environment.clone(), ended: self.ended }
    }
}
