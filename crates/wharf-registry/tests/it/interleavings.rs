//! Two use cases meet at every step: what a client was told stays true, and in the end nothing is kept or lost in vain.
//!
//! The schedules are made, not found by chance: after each run the last decision that could have been another one is
//! taken differently, until all orders with at most [`SWITCHES`] changes between the two were run.

use std::pin::Pin;
use std::sync::Arc;

use wharf_blob::{Memory, Store};
use wharf_context::{Context, FakeClock, Govern, ProjectId};
use wharf_db::Db;
use wharf_oci::RepositoryName;
use wharf_registry::bin::Overwriting;
use wharf_registry::blob::MountSource;
use wharf_registry::manifest::Accept;
use wharf_registry::{Error, Placing, Precondition, Registry, Settings};

use crate::fixture::{GRACE, chunk, image, manifest, name, owner, settings, sha256};
use crate::stage::{Choice, Stage, Staged};

/// How often the turn may pass from one that could go on to the other.
const SWITCHES: usize = 2;
/// The same where every transaction takes milliseconds.
const SWITCHES_ON_A_SERVER: usize = 1;

/// What stands in the catalog when the two meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// A layer that no manifest names, whose grace is over.
    Orphan,
    /// A deleted image whose time in the bin is over.
    BinOver,
    /// A deleted image whose time in the bin is over, and whose bin was emptied: its blobs are to be looked at.
    Emptied,
    /// An image under a tag.
    Live,
    /// An image in the bin.
    Binned,
    /// An untagged image whose time is over, in a registry that puts such into the bin.
    Untagged,
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Asks for each blob, pushes what is not there, then the manifest under the tag.
    Push,
    /// Mounts the layer into another repository and pushes the manifest there.
    Mount,
    /// Pushes another image under the same tag.
    Retag,
    /// Places the image in an environment.
    Place,
    DeleteManifest,
    DeleteTag,
    Restore,
    Collect,
}

#[rustfmt::skip]
const PAIRS: [(Scene, Act, Act); 27] = [
    (Scene::Orphan,   Act::Push,           Act::Collect),
    (Scene::Orphan,   Act::Mount,          Act::Collect),
    (Scene::Orphan,   Act::Collect,        Act::Collect),
    (Scene::BinOver,  Act::Push,           Act::Collect),
    (Scene::BinOver,  Act::Mount,          Act::Collect),
    (Scene::BinOver,  Act::Restore,        Act::Collect),
    (Scene::BinOver,  Act::Collect,        Act::Collect),
    (Scene::Emptied,  Act::Push,           Act::Collect),
    (Scene::Emptied,  Act::Mount,          Act::Collect),
    (Scene::Live,     Act::Push,           Act::DeleteManifest),
    (Scene::Live,     Act::Mount,          Act::DeleteManifest),
    (Scene::Live,     Act::Retag,          Act::DeleteManifest),
    (Scene::Live,     Act::Retag,          Act::DeleteTag),
    (Scene::Live,     Act::Retag,          Act::Push),
    (Scene::Live,     Act::DeleteManifest, Act::Collect),
    (Scene::Live,     Act::Place,          Act::DeleteManifest),
    (Scene::Live,     Act::Place,          Act::Retag),
    (Scene::Live,     Act::Place,          Act::Place),
    (Scene::Live,     Act::Place,          Act::Collect),
    (Scene::Binned,   Act::Place,          Act::Restore),
    (Scene::Untagged, Act::Place,          Act::Collect),
    (Scene::Binned,   Act::Restore,        Act::Push),
    (Scene::Binned,   Act::Restore,        Act::Retag),
    (Scene::Binned,   Act::Restore,        Act::Restore),
    (Scene::Untagged, Act::Push,           Act::Collect),
    (Scene::Untagged, Act::Mount,          Act::Collect),
    (Scene::Untagged, Act::Collect,        Act::Collect),
];

/// One catalog and one store, and two nodes on them whose every step waits for its turn.
struct World {
    db: Db,
    memory: Arc<Memory>,
    clock: Arc<FakeClock>,
    stage: Arc<Stage>,
    free: Registry,
    /// Whoever governs decides here, and waits for its turn like the nodes.
    paced: Db,
    nodes: [Registry; 2],
    switches: usize,
    _database: Option<wharf_testkit::Database>,
}

/// One run's own names.
#[derive(Debug, Clone)]
struct Names {
    a: RepositoryName,
    b: RepositoryName,
    test: RepositoryName,
    layer: Vec<u8>,
    ctx: Context,
}

impl World {
    async fn open() -> Self {
        let database = wharf_testkit::Database::open().await;
        let clock = Arc::clone(&database.clock);
        let (db, switches, database) = if database.is_postgres() {
            (database.db.clone(), SWITCHES_ON_A_SERVER, Some(database))
        } else {
            let settings = wharf_db::Settings::new("sqlite::memory:");
            (Db::open(&settings, Arc::clone(&clock) as _, Vec::new()).await.expect("opens"), SWITCHES, None)
        };
        let (memory, stage) = (Arc::new(Memory::new()), Arc::new(Stage::default()));
        let settings = Settings { untagged_after: Some(GRACE * 100), ..settings() };
        let registry = |db: &Db, store: Arc<dyn Store>| {
            Registry::new(settings.clone(), db.clone(), store, Arc::clone(&clock) as _)
        };
        let paced = db.clone().with_pace(Arc::clone(&stage) as _);
        let node = || registry(&paced, Arc::new(Staged::new(&memory, &stage)));
        let nodes = [node(), node()];
        let free = registry(&db, Arc::clone(&memory) as _);
        Self { db, memory, clock, stage, free, paced, nodes, switches, _database: database }
    }

    fn names(run: usize) -> Names {
        let (a, b, test) = (format!("p/a{run}"), format!("p/b{run}"), format!("t/p/a{run}"));
        let ctx = owner(&[&a, &b, &test]);
        Names { a: name(&a), b: name(&b), test: name(&test), layer: format!("layer {run}").into_bytes(), ctx }
    }

    async fn prepare(&self, scene: Scene, names: &Names) {
        let Names { a, layer, ctx, .. } = names;
        let digest = sha256(layer);
        for content in [b"{}".as_slice(), layer] {
            self.free.push_blob(ctx, a, &sha256(content), chunk(content)).await.expect("pushed");
        }
        let text = image(std::str::from_utf8(layer).expect("text").as_bytes());
        let image_digest = sha256(text.as_bytes());
        if scene == Scene::Orphan {
            assert!(self.free.find_blob(ctx, a, &digest).await.is_ok());
            return self.clock.advance(GRACE * 2);
        }
        let reference = if scene == Scene::Untagged { image_digest.to_string() } else { "v1".to_owned() };
        self.free.put_manifest(ctx, a, &manifest(&reference, text)).await.expect("pushed");
        self.clock.advance(GRACE * 2);
        self.free.collect().await.expect("nothing is due but reviews");
        let delete = async || {
            self.free.delete_manifest(ctx, a, &image_digest, &Precondition::None).await.expect("deleted");
        };
        match scene {
            Scene::Orphan | Scene::Live => {}
            Scene::Binned => delete().await,
            Scene::BinOver => {
                delete().await;
                self.clock.advance(GRACE * 2);
            }
            Scene::Emptied => {
                delete().await;
                self.free.empty_bin(ctx, a).await.expect("emptied");
                self.clock.advance(GRACE * 2);
            }
            Scene::Untagged => self.clock.advance(GRACE * 120),
        }
    }

    fn act(&self, node: usize, act: Act, names: &Names) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let (registry, names, paced) = (self.nodes[node].clone(), names.clone(), self.paced.clone());
        Box::pin(async move {
            let Names { a, b, test, layer, ctx } = &names;
            let text = image(layer);
            let digest = sha256(text.as_bytes());
            match act {
                Act::Push => push(&registry, ctx, a, layer).await,
                Act::Mount => mount(&registry, (a, b), ctx, layer).await,
                Act::Place => {
                    let tags = ["v1".parse().expect("tag")];
                    let govern = Govern::decided(ProjectId(1));
                    let placing = Placing { govern, from: a, digest: &digest, to: test, tags: &tags };
                    let placed = paced.transaction(async |tx| registry.place(tx, ctx, &placing).await).await;
                    assert!(matches!(placed, Ok(_) | Err(Error::ManifestUnknown { .. })), "{placed:?}");
                    if placed.is_ok() {
                        readable(&registry, ctx, (test, layer)).await;
                    }
                }
                Act::Retag => push(&registry, ctx, a, &[layer.as_slice(), b"!"].concat()).await,
                Act::DeleteManifest => {
                    let deleted = registry.delete_manifest(ctx, a, &digest, &Precondition::None).await;
                    assert!(matches!(deleted, Ok(()) | Err(Error::ManifestUnknown { .. })), "{deleted:?}");
                }
                Act::DeleteTag => {
                    let tag = "v1".parse().expect("tag");
                    let deleted = registry.delete_tag(ctx, a, &tag, &Precondition::None).await;
                    assert!(matches!(deleted, Ok(()) | Err(Error::ManifestUnknown { .. })), "{deleted:?}");
                }
                Act::Restore => {
                    let tag = "v1".parse().expect("tag");
                    let restored = registry.restore_tag(ctx, (a, &tag), None, Overwriting::Refused).await;
                    let is_fine = matches!(restored, Ok(_) | Err(Error::NotInBin { .. } | Error::TagTaken { .. }));
                    assert!(is_fine, "{restored:?}");
                    if let Ok(restored) = restored {
                        // The tag may have moved on by now.
                        let reference = wharf_oci::Reference::Digest(restored.digest);
                        let found = registry.get_manifest(ctx, a, &reference, &Accept::Anything).await;
                        assert_eq!(found.expect("what was restored is there").digest, digest);
                    }
                }
                Act::Collect => {
                    registry.collect().await.expect("collected");
                }
            }
        })
    }

    /// Whatever the order was: what is named is there, and when all times are over, nothing else is.
    async fn check(&self, names: &Names, (scene, acts): (Scene, (Act, Act))) {
        self.named_is_there().await;
        let Names { a, b, test, layer, ctx } = names;
        let deletes = |act| matches!(act, Act::DeleteManifest | Act::DeleteTag);
        let has = |wanted| acts.0 == wanted || acts.1 == wanted;
        if has(Act::Push) && !deletes(acts.0) && !deletes(acts.1) && !has(Act::Retag) {
            readable(&self.free, ctx, (a, layer)).await;
        }
        if has(Act::Mount) {
            readable(&self.free, ctx, (b, layer)).await;
        }
        let v1 = "v1".parse().expect("tag");
        let is_placed = self.free.get_manifest(ctx, test, &v1, &Accept::Anything).await.is_ok();
        let must_be_placed = scene == Scene::Live && has(Act::Place) && !deletes(acts.1);
        assert!(is_placed || !must_be_placed, "nobody took it away before");
        for _ in 0..4 {
            self.clock.advance(GRACE * 2);
            self.free.collect().await.expect("collected");
        }
        self.named_is_there().await;
        if is_placed {
            readable(&self.free, ctx, (test, layer)).await;
        }
        let unnamed = "SELECT COUNT(*) FROM blobs b WHERE NOT EXISTS \
                       (SELECT 1 FROM manifest_references f WHERE f.digest = b.digest)";
        assert_eq!(self.number(unnamed).await, 0, "blobs that no manifest names are gone");
        let rows = self.number("SELECT COUNT(*) FROM blobs").await;
        let stored = self.memory.list(None, 100_000).await.expect("listed").len();
        assert_eq!(i64::try_from(stored).expect("few"), rows, "the store holds what the catalog knows");
    }

    async fn named_is_there(&self) {
        let missing = "SELECT COUNT(*) FROM manifest_references f WHERE f.kind = 0 AND NOT EXISTS \
                       (SELECT 1 FROM repository_blobs l JOIN blobs b ON b.digest = l.digest AND b.state = 0 \
                        WHERE l.digest = f.digest AND l.repository_id = f.repository_id)";
        assert_eq!(self.number(missing).await, 0, "what a manifest names is linked and present");
    }

    async fn number(&self, sql: &'static str) -> i64 {
        let row = self.db.get(sql, &[]).await.expect("counted").expect("a row");
        row.integer(0).expect("a number")
    }
}

/// A client that pushes an image: what it is told to be there, it does not push.
async fn push(registry: &Registry, ctx: &Context, repository: &RepositoryName, layer: &[u8]) {
    for content in [b"{}".as_slice(), layer] {
        let digest = sha256(content);
        match registry.stat_blob(ctx, repository, &digest).await {
            Ok(_) => {}
            Err(Error::BlobUnknown(_)) => {
                registry.push_blob(ctx, repository, &digest, chunk(content)).await.expect("blob is pushed");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    registry.put_manifest(ctx, repository, &manifest("v1", image(layer))).await.expect("its blobs are there");
}

/// A client that mounts: what cannot be mounted, it pushes.
async fn mount(registry: &Registry, (a, b): (&RepositoryName, &RepositoryName), ctx: &Context, layer: &[u8]) {
    for content in [b"{}".as_slice(), layer] {
        let digest = sha256(content);
        let mounted = registry.mount_blob(ctx, b, &digest, MountSource::Repository(a)).await.expect("answered");
        if mounted.is_none() {
            registry.push_blob(ctx, b, &digest, chunk(content)).await.expect("blob is pushed");
        }
    }
    registry.put_manifest(ctx, b, &manifest("v1", image(layer))).await.expect("its blobs are there");
}

async fn readable(registry: &Registry, ctx: &Context, (repository, layer): (&RepositoryName, &[u8])) {
    let tag = "v1".parse().expect("tag");
    let stored = registry.get_manifest(ctx, repository, &tag, &Accept::Anything).await.expect("the tag is there");
    assert_eq!(stored.digest, sha256(image(layer).as_bytes()));
    let blob = registry.find_blob(ctx, repository, &sha256(layer)).await.expect("its layer is there");
    let reader = registry.read_blob(&blob, None).await.expect("and can be read");
    assert_eq!(reader.size_bytes(), layer.len() as u64);
}

/// The schedule after the one that made `choices`; `None` when all were run.
fn next(choices: &[Choice], switches: usize) -> Option<Vec<usize>> {
    let used = |to: usize| {
        choices[..to]
            .windows(2)
            .filter(|pair| pair[0].taken != pair[1].taken && pair[1].possible.contains(&pair[0].taken))
    };
    (0..choices.len()).rev().find_map(|at| {
        let choice = &choices[at];
        // The one that goes on by itself was taken first; the other one comes after it.
        let stays = if at == 0 { 0 } else { choices[at - 1].taken };
        let can_switch = choice.possible.len() == 2 && choice.taken == stays && used(at).count() < switches;
        can_switch.then(|| {
            let mut wanted: Vec<usize> = choices[..at].iter().map(|choice| choice.taken).collect();
            wanted.push(1 - choice.taken);
            wanted
        })
    })
}

#[test]
fn no_order_of_two_use_cases_loses_or_keeps_anything_in_vain() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        let mut run = 0;
        for (scene, one, other) in PAIRS {
            let world = World::open().await;
            let mut wanted = Some(Vec::new());
            while let Some(schedule) = wanted {
                run += 1;
                let names = World::names(run);
                world.prepare(scene, &names).await;
                let actors = [world.act(0, one, &names), world.act(1, other, &names)];
                let choices = world.stage.run(actors, &schedule).await;
                world.check(&names, (scene, (one, other))).await;
                wanted = next(&choices, world.switches);
            }
        }
        assert!(run > 2 * PAIRS.len(), "{run}");
    });
}
