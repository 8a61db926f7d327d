//! Random histories of pushes, deletes and collections, compared with a plain model of what must be readable.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wharf_context::Context;
use wharf_registry::Precondition;

use crate::fixture::{Fixture, GRACE, image, name, owner, sha256};

#[derive(Debug, Clone)]
enum Step {
    Push { repository: usize, tag: usize, layer: u8 },
    DeleteTag { repository: usize, tag: usize },
    DeleteManifest { repository: usize, layer: u8 },
    Wait,
    Collect,
}

const REPOSITORIES: [&str; 2] = ["p/a", "p/b"];
const TAGS: [&str; 3] = ["x", "y", "z"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2usize, 0..3usize, 0..4u8).prop_map(|(repository, tag, layer)| Step::Push { repository, tag, layer }),
        1 => (0..2usize, 0..3usize).prop_map(|(repository, tag)| Step::DeleteTag { repository, tag }),
        2 => (0..2usize, 0..4u8).prop_map(|(repository, layer)| Step::DeleteManifest { repository, layer }),
        2 => Just(Step::Wait),
        2 => Just(Step::Collect),
    ]
}

#[derive(Debug, Default)]
struct Model {
    tags: BTreeMap<(usize, usize), u8>,
    manifests: BTreeSet<(usize, u8)>,
}

async fn run(fixture: &Fixture, ctx: &Context, model: &mut Model, step: &Step) {
    match *step {
        Step::Push { repository, tag, layer } => {
            fixture.push_image(ctx, REPOSITORIES[repository], TAGS[tag], &[layer; 16]).await;
            model.tags.insert((repository, tag), layer);
            model.manifests.insert((repository, layer));
        }
        Step::DeleteTag { repository, tag } => {
            let (repository_name, name_of_tag) = (name(REPOSITORIES[repository]), TAGS[tag].parse().expect("tag"));
            let deleted =
                fixture.registry.delete_tag(ctx, &repository_name, &name_of_tag, &Precondition::None).await.is_ok();
            assert_eq!(deleted, model.tags.remove(&(repository, tag)).is_some());
        }
        Step::DeleteManifest { repository, layer } => {
            let digest = sha256(image(&[layer; 16]).as_bytes());
            let repository_name = name(REPOSITORIES[repository]);
            let deleted =
                fixture.registry.delete_manifest(ctx, &repository_name, &digest, &Precondition::None).await.is_ok();
            assert_eq!(deleted, model.manifests.remove(&(repository, layer)));
            model.tags.retain(|(owner, _), tagged| (*owner, *tagged) != (repository, layer));
        }
        Step::Wait => fixture.clock.advance(GRACE * 2),
        Step::Collect => {
            fixture.registry.collect().await.expect("collected");
        }
    }
}

/// Everything that the model holds is readable, byte for byte, and nothing else is.
async fn check(fixture: &Fixture, ctx: &Context, model: &Model) {
    for (repository, repository_name) in REPOSITORIES.iter().enumerate() {
        for (tag, tag_name) in TAGS.iter().enumerate() {
            let found = fixture.get(ctx, repository_name, tag_name).await.ok().map(|stored| stored.bytes);
            let expected = model.tags.get(&(repository, tag)).map(|layer| image(&[*layer; 16]));
            assert_eq!(found.as_deref(), expected.as_ref().map(String::as_bytes));
        }
        for layer in 0..4u8 {
            let digest = sha256(image(&[layer; 16]).as_bytes()).to_string();
            let is_there = fixture.get(ctx, repository_name, &digest).await.is_ok();
            assert_eq!(is_there, model.manifests.contains(&(repository, layer)));
            if is_there {
                let bytes =
                    fixture.read(ctx, repository_name, &sha256(&[layer; 16])).await.expect("its layer is there");
                assert_eq!(bytes, [layer; 16]);
            }
        }
    }
}

/// When all graces are over, the store holds exactly what a full mark from the manifests finds.
async fn settle(fixture: &Fixture, model: &Model) {
    for _ in 0..3 {
        fixture.clock.advance(GRACE * 2);
        fixture.registry.collect().await.expect("collected");
    }
    let layers: BTreeSet<u8> = model.manifests.iter().map(|(_, layer)| *layer).collect();
    let configs = usize::from(!layers.is_empty());
    assert_eq!(fixture.stored().await.len(), layers.len() + configs);
}

#[test]
fn collection_keeps_exactly_what_a_full_mark_keeps() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    let histories = prop::collection::vec(step(), 1..40);
    let outcome = runner.run(&histories, |steps| {
        runtime.block_on(async {
            let fixture = Fixture::open().await;
            let (ctx, mut model) = (owner(&REPOSITORIES), Model::default());
            for step in &steps {
                run(&fixture, &ctx, &mut model, step).await;
            }
            check(&fixture, &ctx, &model).await;
            settle(&fixture, &model).await;
            check(&fixture, &ctx, &model).await;
        });
        Ok(())
    });
    outcome.expect("every history holds");
}
