//! Random histories of all that adds, takes away and brings back, on two repositories; compared with a plain model of
//! what must be readable, and in the end with a full mark.
//!
//! Bytes wait before they are deleted, as with a store that gives out URLs, so that pushes meet bytes that are going.

mod model;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wharf_context::{Clock as _, Context};
use wharf_oci::Algorithm;
use wharf_registry::bin::Overwriting;
use wharf_registry::blob::MountSource;
use wharf_registry::{Precondition, Settings};

use self::model::Model;
use crate::fixture::{Fixture, GRACE, chunk, image, name, owner, settings, sha256};

#[derive(Debug, Clone, Copy)]
enum Step {
    /// All of an image, whether it is there or not.
    Push {
        at: (usize, usize),
        layer: u8,
    },
    /// Only its manifest.
    Tag {
        at: (usize, usize),
        layer: u8,
    },
    /// The manifest, after its blobs were mounted from the other repository.
    Mount {
        at: (usize, usize),
        layer: u8,
    },
    /// A layer that no manifest names.
    Blob {
        repository: usize,
        layer: u8,
    },
    /// Some bytes, and then nothing.
    Upload {
        repository: usize,
    },
    DeleteTag {
        at: (usize, usize),
    },
    DeleteManifest {
        repository: usize,
        layer: u8,
    },
    RestoreTag {
        at: (usize, usize),
        overwriting: Overwriting,
    },
    RestoreManifest {
        repository: usize,
        layer: u8,
    },
    EmptyBin {
        repository: usize,
    },
    /// An image comes to stand in the environment, under a tag.
    Place {
        from: usize,
        tag: usize,
        layer: u8,
    },
    /// A tag of the environment ends.
    Withdraw {
        tag: usize,
    },
    /// Two fifths of every time that there is: no two moments are exactly such a time apart.
    Wait,
    WaitLong,
    Collect,
}

/// Two of development, and an environment's, which governance alone changes.
const REPOSITORIES: [&str; 3] = ["p/a", "p/b", "t/p/a"];
const DEVELOPMENT: usize = 2;
const ENVIRONMENT: usize = 2;
const TAGS: [&str; 3] = ["x", "y", "z"];
const LAYERS: u8 = 4;

fn step() -> impl Strategy<Value = Step> {
    let at = || (0..DEVELOPMENT, 0..TAGS.len());
    let repository = || 0..DEVELOPMENT;
    let overwriting = prop_oneof![Just(Overwriting::Allowed), Just(Overwriting::Refused)];
    prop_oneof![
        4 => (at(), 0..LAYERS).prop_map(|(at, layer)| Step::Push { at, layer }),
        2 => (at(), 0..LAYERS).prop_map(|(at, layer)| Step::Tag { at, layer }),
        2 => (at(), 0..LAYERS).prop_map(|(at, layer)| Step::Mount { at, layer }),
        1 => (repository(), 0..LAYERS).prop_map(|(repository, layer)| Step::Blob { repository, layer }),
        1 => repository().prop_map(|repository| Step::Upload { repository }),
        2 => at().prop_map(|at| Step::DeleteTag { at }),
        3 => (repository(), 0..LAYERS).prop_map(|(repository, layer)| Step::DeleteManifest { repository, layer }),
        2 => (at(), overwriting).prop_map(|(at, overwriting)| Step::RestoreTag { at, overwriting }),
        2 => (repository(), 0..LAYERS).prop_map(|(repository, layer)| Step::RestoreManifest { repository, layer }),
        1 => repository().prop_map(|repository| Step::EmptyBin { repository }),
        3 => (at(), 0..LAYERS).prop_map(|((from, tag), layer)| Step::Place { from, tag, layer }),
        2 => (0..TAGS.len()).prop_map(|tag| Step::Withdraw { tag }),
        3 => Just(Step::Wait),
        1 => Just(Step::WaitLong),
        4 => Just(Step::Collect),
    ]
}

/// A registry, who uses it, and what it must hold.
struct History {
    fixture: Fixture,
    ctx: Context,
    model: Model,
}

impl History {
    async fn begin() -> Self {
        let fixture = Fixture::with(Settings { presigned_for: GRACE / 5, ..settings() }).await;
        let model = Model::at(fixture.clock.now().0);
        Self { fixture, ctx: owner(&REPOSITORIES), model }
    }

    async fn run(&mut self, step: Step) {
        match step {
            Step::Push { at, layer } => {
                self.fixture.push_image(&self.ctx, REPOSITORIES[at.0], TAGS[at.1], &[layer; 16]).await;
                self.model.point(at, layer);
            }
            Step::Tag { at, layer } => {
                let is_there = self.model.manifests.contains(&(at.0, layer));
                self.tag(at, layer, is_there).await;
            }
            Step::Mount { at, layer } => self.mount(at, layer).await,
            Step::Blob { repository, layer } => {
                self.fixture.push_blob(&self.ctx, REPOSITORIES[repository], &[layer; 16]).await;
            }
            Step::Upload { repository } => self.upload(REPOSITORIES[repository]).await,
            Step::Wait => self.wait(GRACE * 2 / 5),
            Step::WaitLong => self.wait(GRACE * 2),
            Step::Collect => {
                self.fixture.registry.collect().await.expect("collected");
            }
            Step::DeleteTag { .. } | Step::DeleteManifest { .. } => self.delete(step).await,
            Step::RestoreTag { .. } | Step::RestoreManifest { .. } | Step::EmptyBin { .. } => self.restore(step).await,
            Step::Place { from, tag, layer } => self.place(from, tag, layer).await,
            Step::Withdraw { tag } => self.withdraw(tag).await,
        }
    }

    async fn place(&mut self, from: usize, tag: usize, layer: u8) {
        let digest = sha256(image(&[layer; 16]).as_bytes());
        let way = ((REPOSITORIES[from], &digest), (REPOSITORIES[ENVIRONMENT], &[TAGS[tag]][..]));
        let placed = self.fixture.place(&self.ctx, way.0, way.1).await;
        assert_eq!(placed.is_ok(), self.model.manifests.contains(&(from, layer)), "{placed:?}");
        if let Ok(placed) = placed {
            let is_new = !self.model.manifests.contains(&(ENVIRONMENT, layer));
            assert_eq!((placed.manifests, placed.missing_blobs), (usize::from(is_new), 0));
            self.model.point((ENVIRONMENT, tag), layer);
        }
    }

    async fn withdraw(&mut self, tag: usize) {
        let at = (ENVIRONMENT, tag);
        let layer = self.model.tags.get(&at).copied();
        let withdrawn = self.fixture.withdraw(&self.ctx, REPOSITORIES[ENVIRONMENT], TAGS[tag]).await;
        assert_eq!(withdrawn.is_ok(), self.model.untag(at), "{withdrawn:?}");
        let is_named = |layer| (0..TAGS.len()).any(|tag| self.model.tags.get(&(ENVIRONMENT, tag)) == Some(&layer));
        if let Some(layer) = layer.filter(|layer| !is_named(*layer)) {
            self.model.delete(ENVIRONMENT, layer);
        }
    }

    fn wait(&mut self, time: std::time::Duration) {
        self.fixture.clock.advance(time);
        self.model.now = self.fixture.clock.now().0;
    }

    /// Puts an image's manifest. Where its blobs may have gone, it may be refused; what is accepted must be whole.
    async fn tag(&mut self, at: (usize, usize), layer: u8, must_be_taken: bool) {
        let put = self.fixture.put(&self.ctx, REPOSITORIES[at.0], TAGS[at.1], image(&[layer; 16])).await;
        assert!(put.is_ok() || !must_be_taken, "{put:?}");
        if put.is_ok() {
            self.model.point(at, layer);
        }
    }

    async fn mount(&mut self, at: (usize, usize), layer: u8) {
        let (repository, other) = (name(REPOSITORIES[at.0]), name(REPOSITORIES[1 - at.0]));
        let mut is_mounted = true;
        for digest in [sha256(b"{}"), sha256(&[layer; 16])] {
            let source = MountSource::Repository(&other);
            let mounted = self.fixture.registry.mount_blob(&self.ctx, &repository, &digest, source).await;
            is_mounted &= mounted.expect("the catalog answers").is_some();
        }
        assert!(
            is_mounted || !self.model.manifests.contains(&(1 - at.0, layer)),
            "what a manifest names can be mounted"
        );
        self.tag(at, layer, is_mounted).await;
    }

    async fn upload(&self, repository: &str) {
        let repository = name(repository);
        let upload = self.fixture.registry.open_upload(&self.ctx, &repository, Algorithm::Sha256).await.expect("open");
        let appended = self.fixture.registry.append_upload(&self.ctx, &repository, upload.id, chunk(b"some")).await;
        appended.expect("appended");
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other step is another function's")]
    async fn delete(&mut self, step: Step) {
        let registry = &self.fixture.registry;
        match step {
            Step::DeleteTag { at } => {
                let tag = TAGS[at.1].parse().expect("tag");
                let deleted =
                    registry.delete_tag(&self.ctx, &name(REPOSITORIES[at.0]), &tag, &Precondition::None).await;
                assert_eq!(deleted.is_ok(), self.model.untag(at));
            }
            Step::DeleteManifest { repository, layer } => {
                let digest = sha256(image(&[layer; 16]).as_bytes());
                let place = name(REPOSITORIES[repository]);
                let deleted = registry.delete_manifest(&self.ctx, &place, &digest, &Precondition::None).await;
                let was_there = self.model.manifests.contains(&(repository, layer));
                assert_eq!(deleted.is_ok(), was_there && self.model.delete(repository, layer));
            }
            other => panic!("{other:?} deletes nothing"),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other step is another function's")]
    async fn restore(&mut self, step: Step) {
        let registry = &self.fixture.registry;
        match step {
            Step::RestoreTag { at, overwriting } => {
                let (repository, tag) = (name(REPOSITORIES[at.0]), TAGS[at.1].parse().expect("tag"));
                let restored = registry.restore_tag(&self.ctx, (&repository, &tag), None, overwriting).await;
                let is_free = overwriting == Overwriting::Allowed || !self.model.tags.contains_key(&at);
                let layer = self.model.restorable(at).filter(|_| is_free);
                let expected = layer.map(|layer| sha256(image(&[layer; 16]).as_bytes()));
                assert_eq!(restored.ok().map(|restored| restored.digest), expected);
                if let Some(layer) = layer {
                    self.model.point(at, layer);
                }
            }
            Step::RestoreManifest { repository, layer } => {
                let digest = sha256(image(&[layer; 16]).as_bytes());
                let restored = registry.restore_manifest(&self.ctx, &name(REPOSITORIES[repository]), &digest).await;
                let is_binned = self.model.is_binned(repository, layer);
                assert_eq!(restored.is_ok(), is_binned, "{restored:?}");
                if is_binned {
                    self.model.manifests.insert((repository, layer));
                }
            }
            Step::EmptyBin { repository } => {
                // A repository that nothing was pushed to is not known.
                drop(registry.empty_bin(&self.ctx, &name(REPOSITORIES[repository])).await);
                self.model.bin.retain(|(owner, ..)| *owner != repository);
            }
            other => panic!("{other:?} restores nothing"),
        }
    }

    /// Everything that the model holds is readable, byte for byte, and nothing else is; and it is what is charged for.
    async fn check(&self) {
        let (fixture, ctx) = (&self.fixture, &self.ctx);
        for (repository, repository_name) in REPOSITORIES.iter().enumerate() {
            for (tag, tag_name) in TAGS.iter().enumerate() {
                let found = fixture.get(ctx, repository_name, tag_name).await.ok().map(|stored| stored.bytes);
                let expected = self.model.tags.get(&(repository, tag)).map(|layer| image(&[*layer; 16]));
                assert_eq!(found.as_deref(), expected.as_ref().map(String::as_bytes));
            }
            for layer in 0..LAYERS {
                let digest = sha256(image(&[layer; 16]).as_bytes()).to_string();
                let is_there = fixture.get(ctx, repository_name, &digest).await.is_ok();
                assert_eq!(is_there, self.model.manifests.contains(&(repository, layer)));
                for blob in [&[layer; 16][..], b"{}"].iter().filter(|_| is_there) {
                    let bytes = fixture.read(ctx, repository_name, &sha256(blob)).await.expect("its blob is there");
                    assert_eq!(bytes, *blob);
                }
            }
        }
        assert_eq!(fixture.quota().await.usage, fixture.full_count().await);
    }

    /// When all times are over, the store holds exactly what a full mark from the manifests finds.
    async fn settle(&mut self) {
        for _ in 0..3 {
            self.wait(GRACE * 2);
            self.fixture.registry.collect().await.expect("collected");
        }
        let layers: BTreeSet<u8> = self.model.manifests.iter().map(|(_, layer)| *layer).collect();
        let configs = usize::from(!layers.is_empty());
        assert_eq!(self.fixture.stored().await.len(), layers.len() + configs);
        assert_eq!(self.fixture.store_uploads().await, 0);
    }
}

#[test]
fn collection_keeps_exactly_what_a_full_mark_keeps() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let mut runner = TestRunner::new(Config { cases: 32, ..Config::default() });
    let histories = prop::collection::vec(step(), 1..60);
    let outcome = runner.run(&histories, |steps| {
        runtime.block_on(async {
            let mut history = History::begin().await;
            for step in &steps {
                history.run(*step).await;
                if matches!(step, Step::Collect) {
                    history.check().await;
                }
            }
            history.settle().await;
            history.check().await;
        });
        Ok(())
    });
    outcome.expect("every history holds");
}
