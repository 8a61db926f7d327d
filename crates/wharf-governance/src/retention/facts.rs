//! What must stay: facts about tags, taken in the transaction that judges or executes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wharf_context::Timestamp;
use wharf_db::Tx;
use wharf_oci::Digest;
use wharf_registry::Registry;
use wharf_registry::keeping::{Governed, Tagged};

use super::rule::Protection;
use crate::error::Error;
use crate::hold::{self, Hold};
use crate::running;

/// What was found about digests: where they stand, and where they run.
#[derive(Debug, Default)]
struct Found {
    placed: HashMap<Digest, BTreeSet<String>>,
    running: HashMap<Digest, (String, i64)>,
}

/// Why each of `tags` must stay, whatever the rules say. A tag stands for what it points to with all that this lists, and,
/// where it is attached to a manifest, for that one, too.
pub(super) async fn protections(
    tx: &mut Tx<'_>,
    registry: &Registry,
    place: Governed<'_>,
    (tags, seen_since): (&[&Tagged], Timestamp),
) -> Result<Vec<Vec<Protection>>, Error> {
    let roots: BTreeSet<Digest> = tags.iter().flat_map(|tagged| roots(tagged)).collect();
    let roots: Vec<Digest> = roots.into_iter().collect();
    let mut parts: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
    for (root, part) in Registry::components(tx, place, &roots).await? {
        parts.entry(root).or_default().push(part);
    }
    let all: BTreeSet<Digest> = parts.values().flatten().copied().collect();
    let all: Vec<Digest> = all.into_iter().collect();
    let holds = hold::store::in_force(tx, (place.0.project(), place.1), &all).await?;
    let mut found = Found::default();
    for (digest, environment) in registry.placed(tx, place, &all).await? {
        found.placed.entry(digest).or_default().insert(environment.to_string());
    }
    for (digest, host, containers) in running::store::among(tx, place.0.project(), &all, seen_since).await? {
        found.running.insert(digest, (host, containers));
    }
    let of_tag = tags.iter().map(|tagged| {
        let digests: Vec<Digest> = roots_and_parts(tagged, &parts);
        found.about(tagged, &digests, &holds)
    });
    Ok(of_tag.collect())
}

fn roots(tagged: &Tagged) -> impl Iterator<Item = Digest> {
    tagged.tag.attached_to().into_iter().chain([tagged.digest])
}

fn roots_and_parts(tagged: &Tagged, parts: &BTreeMap<Digest, Vec<Digest>>) -> Vec<Digest> {
    roots(tagged).flat_map(|root| parts.get(&root).cloned().unwrap_or_else(|| vec![root])).collect()
}

impl Found {
    fn about(&self, tagged: &Tagged, digests: &[Digest], holds: &[Hold]) -> Vec<Protection> {
        let held = holds.iter().filter(|hold| hold.is_on(Some(&tagged.tag), digests));
        let held = held.map(|hold| Protection::Held { hold: hold.id, reason: hold.reason.clone() });
        let placed: BTreeSet<&String> = digests.iter().filter_map(|digest| self.placed.get(digest)).flatten().collect();
        let placed = placed.into_iter().map(|environment| Protection::Placed { environment: environment.clone() });
        let running = digests.iter().filter_map(|digest| self.running.get(digest));
        let running =
            running.map(|(host, containers)| Protection::Running { host: host.clone(), containers: *containers });
        let all: BTreeSet<Protection> = held.chain(placed).chain(running).collect();
        all.into_iter().collect()
    }
}
