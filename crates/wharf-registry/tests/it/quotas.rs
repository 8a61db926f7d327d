//! Quotas: nothing is taken that has no room, nothing is refused that has, and what goes gives its room back.

use std::sync::Arc;

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wharf_context::quota::{Amount, Limit, Limits, Quota, Resource};
use wharf_context::{Context, InspectProject, MaintainProject, ProjectId};
use wharf_oci::Algorithm;
use wharf_registry::blob::MountSource;
use wharf_registry::{Error, Precondition, Settings};

use crate::fixture::{Fixture, GRACE, chunk, end, image, name, owner, settings, sha256};

const PROJECT: ProjectId = ProjectId(1);

fn maintain() -> MaintainProject {
    MaintainProject { id: PROJECT, name: "p".parse().expect("valid") }
}

fn bytes(hard: i64) -> Limits {
    Limits { bytes: Limit { hard: Some(hard), warn: None }, ..Limits::default() }
}

fn manifests(hard: i64) -> Limits {
    Limits { manifests: Limit { hard: Some(hard), warn: None }, ..Limits::default() }
}

impl Fixture {
    async fn limit(&self, limits: Limits) {
        self.registry.set_quota(&owner(&["p/app"]), &maintain(), &limits).await.expect("limits are set");
    }

    pub(crate) async fn quota(&self) -> Quota {
        let project = InspectProject { id: PROJECT, name: "p".parse().expect("valid") };
        self.registry.get_quota(&project).await.expect("a quota")
    }

    async fn usage(&self) -> Amount {
        self.quota().await.usage
    }

    /// By how much the counters are off.
    async fn drift(&self) -> Amount {
        self.registry.recount_quota(&owner(&["p/app"]), &maintain()).await.expect("counted").1
    }

    async fn push(&self, repository: &str, content: &[u8]) -> Result<(), Error> {
        self.registry.push_blob(&owner(&[repository]), &name(repository), &sha256(content), chunk(content)).await
    }
}

fn is_refused<T: std::fmt::Debug>(result: &Result<T, Error>) -> bool {
    match result {
        Ok(_) => false,
        Err(Error::QuotaExceeded { .. }) => true,
        Err(error) => panic!("{error:?}"),
    }
}

/// Content of a size that is like no other's.
fn content(number: usize, size: usize) -> Vec<u8> {
    let mut content = number.to_be_bytes().to_vec();
    content.resize(size, 7);
    content
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_pushes_at_once_fill_a_project_exactly() {
    let fixture = Arc::new(Fixture::open().await);
    // Room for 100 of 192 blobs, and not for one byte more.
    fixture.limit(bytes(100 * 50)).await;
    let pushers = (0..64usize).map(|pusher| {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move {
            let mut taken = 0;
            for turn in 0..3 {
                let refused =
                    is_refused(&fixture.push(&format!("p/r{}", pusher % 8), &content(pusher * 3 + turn, 50)).await);
                assert!(!refused || fixture.usage().await.bytes == 5_000, "refused while there was room");
                taken += usize::from(!refused);
            }
            taken
        })
    });
    let taken: usize = join_all(pushers).await.into_iter().map(|taken| taken.expect("no panic")).sum();
    assert_eq!(taken, 100);
    assert_eq!(fixture.usage().await, Amount { bytes: 5_000, manifests: 0 });
    assert_eq!(fixture.stored().await.len(), 100, "nothing is left of what was refused");
    assert_eq!(fixture.drift().await, Amount::default());
    assert!(fixture.registry.figures().quota_refusals >= 92);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pushes_of_all_sizes_at_once_leave_no_room_that_one_of_them_fits_in() {
    let fixture = Arc::new(Fixture::open().await);
    fixture.limit(bytes(20_000)).await;
    let sizes: Vec<usize> = (0..64).map(|number| 20 + number * 17).collect();
    let pushers = sizes.iter().enumerate().map(|(number, size)| {
        let (fixture, content) = (Arc::clone(&fixture), content(number, *size));
        tokio::spawn(async move { is_refused(&fixture.push("p/app", &content).await) })
    });
    let refused: Vec<bool> = join_all(pushers).await.into_iter().map(|refused| refused.expect("no panic")).collect();
    let used = fixture.usage().await.bytes;
    let taken: usize = sizes.iter().zip(&refused).filter(|(_, refused)| !**refused).map(|(size, _)| size).sum();
    assert_eq!(i64::try_from(taken).expect("small"), used);
    let smallest = sizes.iter().zip(&refused).filter(|(_, refused)| **refused).map(|(size, _)| *size).min();
    assert!(used <= 20_000 && used + i64::try_from(smallest.expect("some")).expect("small") > 20_000, "{used}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_manifests_at_once_fill_a_project_exactly() {
    let fixture = Arc::new(Fixture::open().await);
    let ctx = owner(&["p/app"]);
    fixture.push_blob(&ctx, "p/app", b"{}").await;
    for number in 0..64u8 {
        fixture.push_blob(&ctx, "p/app", &[number]).await;
    }
    fixture.limit(manifests(40)).await;
    let pushers = (0..64u8).map(|number| {
        let (fixture, ctx) = (Arc::clone(&fixture), ctx.clone());
        tokio::spawn(
            async move { is_refused(&fixture.put(&ctx, "p/app", &format!("v{number}"), image(&[number])).await) },
        )
    });
    let refused = join_all(pushers).await.into_iter().filter(|refused| *refused.as_ref().expect("no panic")).count();
    assert_eq!((refused, fixture.usage().await.manifests, fixture.tags(&ctx, "p/app").await.len()), (24, 40, 40));
    assert_eq!(fixture.drift().await, Amount::default());
}

#[tokio::test]
async fn a_blob_of_two_repositories_counts_once_and_a_copy_elsewhere_counts_there() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/a", "p/b"]);
    fixture.limit(bytes(10)).await;
    let digest = fixture.push_blob(&ctx, "p/a", b"0123456789").await;
    let (a, b) = (name("p/a"), name("p/b"));
    fixture.registry.mount_blob(&ctx, &b, &digest, MountSource::Repository(&a)).await.expect("no room is needed");
    fixture.push("p/b", b"0123456789").await.expect("pushed again, it needs none either");
    assert_eq!(fixture.usage().await.bytes, 10);
    assert!(is_refused(&fixture.push("p/a", b"x").await));
}

#[tokio::test]
async fn a_mount_needs_room() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/a"]);
    let digest = fixture.push_blob(&ctx, "p/a", b"0123456789").await;
    let other = fixture.other_project("q/b", &["p/a"]);
    let limits = bytes(9);
    let project = MaintainProject { id: ProjectId(2), name: "q".parse().expect("valid") };
    fixture.registry.set_quota(&ctx, &project, &limits).await.expect("set");
    let (a, b) = (name("p/a"), name("q/b"));
    let mounted = fixture.registry.mount_blob(&other, &b, &digest, MountSource::Repository(&a)).await;
    assert!(is_refused(&mounted));
    fixture.registry.set_quota(&ctx, &project, &bytes(10)).await.expect("set");
    fixture.registry.mount_blob(&other, &b, &digest, MountSource::Repository(&a)).await.expect("there is room");
}

#[tokio::test]
async fn an_upload_that_has_no_room_is_refused_before_its_bytes_are_taken_and_leaves_nothing() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    fixture.limit(bytes(2 << 20)).await;
    let upload = fixture.registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("there is room");
    let large = wharf_registry::upload::Chunk { length_bytes: Some(3 << 20), ..chunk(b"never read") };
    assert!(is_refused(&fixture.registry.append_upload(&ctx, &app, upload.id, large).await));
    assert_eq!(fixture.registry.figures().pushed_bytes, 0);
    assert!(matches!(fixture.registry.get_upload(&ctx, &app, upload.id).await, Err(Error::UploadUnknown(_))));
    // Without a length, its end is refused.
    let content = vec![1; (2 << 20) + 1];
    let upload = fixture.registry.open_upload(&ctx, &app, Algorithm::Sha256).await.expect("there is room");
    let last = Some(chunk(&content));
    assert!(is_refused(&fixture.registry.commit_upload(&ctx, &app, end(upload.id, sha256(&content), last)).await));
    assert_eq!(fixture.store_uploads().await, 0);
    assert!(fixture.stored().await.is_empty());
    fixture.push("p/app", &content[1..]).await.expect("this fits exactly");
    assert!(
        is_refused(&fixture.registry.open_upload(&ctx, &app, Algorithm::Sha256).await),
        "a full project takes none"
    );
}

#[tokio::test]
async fn what_is_deleted_gives_its_room_back_when_it_is_gone() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
    let full = fixture.usage().await;
    assert_eq!(full, Amount { bytes: 7 + i64::try_from(image(b"layer").len()).expect("small"), manifests: 1 });
    fixture.limit(Limits { manifests: Limit { hard: Some(1), warn: None }, ..bytes(full.bytes) }).await;
    fixture.registry.delete_manifest(&ctx, &app, &digest, &Precondition::None).await.expect("deleted");
    assert_eq!(fixture.usage().await, Amount { manifests: 0, ..full }, "what is in the bin takes up bytes");
    for _ in 0..3 {
        fixture.clock.advance(GRACE * 3);
        fixture.registry.collect().await.expect("collected");
    }
    assert_eq!(fixture.usage().await, Amount::default());
    fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
    assert_eq!(fixture.usage().await, full);
}

#[tokio::test]
async fn what_comes_back_from_the_bin_needs_room_for_its_number() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"one").await;
    fixture.registry.delete_manifest(&ctx, &app, &digest, &Precondition::None).await.expect("deleted");
    fixture.push_image(&ctx, "p/app", "v2", b"two").await;
    fixture.limit(manifests(1)).await;
    assert!(is_refused(&fixture.registry.restore_manifest(&ctx, &app, &digest).await));
    fixture.limit(manifests(2)).await;
    fixture.registry.restore_manifest(&ctx, &app, &digest).await.expect("there is room");
    assert_eq!(fixture.usage().await.manifests, 2);
    assert_eq!(fixture.drift().await, Amount::default());
}

#[tokio::test]
async fn a_limit_below_the_usage_keeps_what_is_there_and_takes_nothing_until_there_is_room() {
    let fixture = Fixture::open().await;
    fixture.push("p/app", &content(1, 60)).await.expect("no limit");
    fixture.push("p/app", &content(2, 40)).await.expect("no limit");
    fixture.limit(bytes(70)).await;
    assert!(is_refused(&fixture.push("p/app", &content(3, 8)).await));
    for _ in 0..2 {
        fixture.clock.advance(GRACE * 3);
        fixture.registry.collect().await.expect("collected");
    }
    assert_eq!(fixture.usage().await.bytes, 0);
    fixture.push("p/app", &content(4, 70)).await.expect("room again");
    assert!(is_refused(&fixture.push("p/app", &content(5, 8)).await));
}

#[tokio::test]
async fn people_are_told_once_for_each_crossing() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    fixture.limit(Limits { bytes: Limit { hard: Some(1_000), warn: Some(100) }, ..Limits::default() }).await;
    fixture.push("p/app", &content(1, 100)).await.expect("room");
    assert_eq!((fixture.warnings().await, fixture.registry.quota_warning(&ctx, &app)), (0, None));
    let contents: Vec<_> = (2..10).map(|number| content(number, 10)).collect();
    join_all(contents.iter().map(|content| fixture.push("p/app", content))).await;
    assert_eq!(fixture.warnings().await, 1);
    assert!(fixture.registry.quota_warning(&ctx, &app).is_some_and(|text| text.contains("of 1 kB")));
    fixture.registry.tend_quotas().await.expect("tended");
    assert_eq!(fixture.registry.figures().quota_warned_projects, 1);
    for _ in 0..2 {
        fixture.clock.advance(GRACE * 3);
        fixture.registry.collect().await.expect("collected");
    }
    fixture.registry.tend_quotas().await.expect("tended");
    assert_eq!(
        (fixture.registry.figures().quota_warned_projects, fixture.registry.quota_warning(&ctx, &app)),
        (0, None)
    );
    fixture.push("p/app", &content(1, 101)).await.expect("room");
    assert_eq!(fixture.warnings().await, 2);
}

#[tokio::test]
async fn a_catalog_from_before_is_counted_and_drift_is_repaired() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/a", "p/b"]);
    fixture.push_image(&ctx, "p/a", "v1", b"layer").await;
    fixture.push_image(&ctx, "p/b", "v1", b"layer").await;
    let usage = fixture.usage().await;
    fixture.forget_figures().await;
    assert_eq!(fixture.usage().await, Amount::default());
    assert!(!fixture.quota().await.is_counted);
    fixture.push_image(&ctx, "p/a", "v2", b"another").await;
    fixture.registry.tend_quotas().await.expect("counted");
    let more = Amount { bytes: 7 + i64::try_from(image(b"another").len()).expect("small"), manifests: 1 };
    assert_eq!(
        fixture.usage().await,
        Amount { bytes: usage.bytes + more.bytes, manifests: usage.manifests + more.manifests }
    );
    assert!(fixture.quota().await.is_counted);
    assert_eq!(fixture.drift().await, Amount::default());
}

#[tokio::test]
async fn new_projects_have_the_limits_of_the_settings_and_keep_them() {
    let fixture = Fixture::with(Settings { quota: bytes(10), ..settings() }).await;
    assert_eq!(fixture.quota().await.limits, bytes(10));
    assert!(is_refused(&fixture.push("p/app", b"0123456789x").await));
    fixture.push("p/app", b"0123456789").await.expect("fits");
    fixture.limit(Limits::default()).await;
    fixture.push("p/app", b"0123456789x").await.expect("no limit now");
    let wrong = Limits { bytes: Limit { hard: Some(1), warn: Some(2) }, ..Limits::default() };
    let refused = fixture.registry.set_quota(&owner(&["p/app"]), &maintain(), &wrong).await;
    assert!(matches!(refused, Err(Error::QuotaInvalid { resource: Resource::Bytes })));
}

#[derive(Debug, Clone)]
enum Step {
    Push { repository: usize, layer: u8 },
    Mount { from: usize, layer: u8 },
    DeleteManifest { repository: usize, layer: u8 },
    Restore { repository: usize, layer: u8 },
    DeleteBlob { repository: usize, layer: u8 },
    Limit { bytes: i64, manifests: i64 },
    Wait,
    Collect,
}

const REPOSITORIES: [&str; 2] = ["p/a", "p/b"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..2usize, 0..5u8).prop_map(|(repository, layer)| Step::Push { repository, layer }),
        2 => (0..2usize, 0..5u8).prop_map(|(from, layer)| Step::Mount { from, layer }),
        2 => (0..2usize, 0..5u8).prop_map(|(repository, layer)| Step::DeleteManifest { repository, layer }),
        2 => (0..2usize, 0..5u8).prop_map(|(repository, layer)| Step::Restore { repository, layer }),
        1 => (0..2usize, 0..5u8).prop_map(|(repository, layer)| Step::DeleteBlob { repository, layer }),
        1 => (0..3_000i64, 0..6i64).prop_map(|(bytes, manifests)| Step::Limit { bytes, manifests }),
        1 => Just(Step::Wait),
        3 => Just(Step::Collect),
    ]
}

/// Does a step; what is refused for want of quota, or because it is not there, is no matter here.
async fn run(fixture: &Fixture, ctx: &Context, step: &Step) {
    let repository = |at: usize| name(REPOSITORIES[at]);
    match *step {
        Step::Push { repository: at, layer } => {
            for content in [b"{}".as_slice(), &[layer; 200]] {
                let pushed = fixture.registry.push_blob(ctx, &repository(at), &sha256(content), chunk(content)).await;
                is_refused(&pushed);
            }
            fixture.put(ctx, REPOSITORIES[at], &format!("v{layer}"), image(&[layer; 200])).await.ok();
        }
        Step::Mount { from, layer } => {
            let (source, target, digest) = (repository(from), repository(1 - from), sha256(&[layer; 200]));
            fixture.registry.mount_blob(ctx, &target, &digest, MountSource::Repository(&source)).await.ok();
        }
        Step::DeleteManifest { repository: at, layer } => {
            let digest = sha256(image(&[layer; 200]).as_bytes());
            fixture.registry.delete_manifest(ctx, &repository(at), &digest, &Precondition::None).await.ok();
        }
        Step::Restore { repository: at, layer } => {
            let digest = sha256(image(&[layer; 200]).as_bytes());
            fixture.registry.restore_manifest(ctx, &repository(at), &digest).await.ok();
        }
        Step::DeleteBlob { repository: at, layer } => {
            fixture.registry.delete_blob(ctx, &repository(at), &sha256(&[layer; 200])).await.ok();
        }
        Step::Limit { bytes: hard, manifests: count } => {
            fixture.limit(Limits { manifests: manifests(count).manifests, ..bytes(hard) }).await;
        }
        Step::Wait => fixture.clock.advance(GRACE * 2),
        Step::Collect => {
            fixture.registry.collect().await.expect("collected");
        }
    }
}

#[test]
fn the_counters_are_what_a_full_count_finds_after_any_history() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    let outcome = runner.run(&prop::collection::vec(step(), 1..40), |steps| {
        runtime.block_on(async {
            let fixture = Fixture::open().await;
            let ctx = owner(&REPOSITORIES);
            for step in &steps {
                let used = fixture.quota().await;
                run(&fixture, &ctx, step).await;
                let now = fixture.quota().await;
                for resource in Resource::ALL {
                    let (limit, used, now) =
                        (now.limits.of(resource), *used.usage.of(resource), *now.usage.of(resource));
                    assert!(now <= used || limit.hard.is_none_or(|hard| now <= hard), "{step:?}: {now} of {limit:?}");
                }
                assert_eq!(now.usage, fixture.full_count().await, "{step:?}");
            }
            assert_eq!(fixture.drift().await, Amount::default());
        });
        Ok(())
    });
    outcome.expect("every history holds");
}
