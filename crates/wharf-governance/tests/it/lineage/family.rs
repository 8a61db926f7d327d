//! Families of images that come and go in any order, compared with a naive model that looks at all of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use wharf_governance::lineage::By;
use wharf_oci::Digest;

use super::{PAY, arrive, bases, lineage};
use crate::fixture::Fixture;
use crate::images::{TestImage, name, owner};

/// What happens to one image.
#[derive(Debug, Clone)]
enum Step {
    Push(Vec<u8>, bool),
    Delete(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop::collection::vec(0_u8..2, 1..6), any::<bool>()).prop_map(|(layers, note)| Step::Push(layers, note)),
        1 => (0_usize..40).prop_map(Step::Delete),
    ]
}

fn image(layers: &[u8], note: bool) -> TestImage {
    // A layer's bytes depend on its height: the same layer is not twice in a stack.
    let layers = layers.iter().enumerate().map(|(height, layer)| format!("{height}/{layer}").into_bytes()).collect();
    TestImage { layers, note: note.to_string(), ..TestImage::default() }
}

/// All bases of an image among those that are there, with their distances.
fn expected(live: &BTreeMap<Digest, Vec<u8>>, layers: &[u8]) -> Vec<(Digest, u32, By)> {
    let (mut found, mut distance) = (Vec::new(), 0);
    for height in (1..layers.len()).rev() {
        let here: Vec<Digest> =
            live.iter().filter(|(_, other)| other[..] == layers[..height]).map(|(digest, _)| *digest).collect();
        distance += u32::from(!here.is_empty());
        found.extend(here.into_iter().map(|digest| (digest, distance, By::Layers)));
    }
    found
}

async fn play(steps: Vec<Step>) {
    let fixture = Fixture::open().await;
    let mut live: BTreeMap<Digest, Vec<u8>> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Push(layers, note) => {
                let digest = arrive(&fixture, ("pay/all", PAY), "", &image(&layers, note)).await;
                live.insert(digest, layers);
            }
            Step::Delete(number) => {
                let Some(digest) = live.keys().nth(number % live.len().max(1)).copied() else { continue };
                let (ctx, repository) = (owner("pay/all", PAY), name("pay/all"));
                let none = wharf_registry::Precondition::None;
                fixture.registry.delete_manifest(&ctx, &repository, &digest, &none).await.expect("deleted");
                fixture.governance.see_manifest(&repository, &digest).await.expect("looked at");
                live.remove(&digest);
            }
        }
    }
    for (digest, layers) in &live {
        let found = lineage(&fixture, "pay/all", &digest.to_string()).await;
        assert_eq!(bases(&found.images[0]), expected(&live, layers), "{layers:?} among {live:?}");
        let on_it = |other: &&Vec<u8>| other.len() > layers.len() && other[..layers.len()] == layers[..];
        let standing = i64::try_from(live.values().filter(on_it).count()).expect("few");
        let counted = found.images[0].standing.get("").copied().unwrap_or(0);
        assert_eq!(counted, standing, "{layers:?} among {live:?}");
        let twins: BTreeSet<Digest> = found.images[0].twins.iter().copied().collect();
        let same = live.iter().filter(|(other, stack)| *other != digest && *stack == layers);
        assert_eq!(twins, same.map(|(other, _)| *other).collect::<BTreeSet<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_graph_is_what_a_look_at_everything_says(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(play(steps));
    }
}
