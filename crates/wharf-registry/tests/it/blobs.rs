//! Blobs: stored once, seen only through their repositories, healed by a new push.

use std::sync::Arc;

use wharf_blob::Store as _;
use wharf_context::{Permission, ProjectId, Visibility};
use wharf_db::Tx;
use wharf_oci::RepositoryName;
use wharf_registry::blob::MountSource;
use wharf_registry::ports::BoxFuture;
use wharf_registry::{Error, Projects};

use crate::fixture::{Fixture, caller, chunk, name, owner, sha256};

#[tokio::test]
async fn a_blob_is_readable_only_through_a_repository_that_links_it() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app", "p/other"]);
    let digest = fixture.push_blob(&ctx, "p/app", b"layer").await;
    assert_eq!(fixture.read(&ctx, "p/app", &digest).await.expect("linked"), b"layer");
    assert!(matches!(fixture.read(&ctx, "p/other", &digest).await, Err(Error::BlobUnknown(_))));
}

#[tokio::test]
async fn mounting_takes_pull_on_the_source() {
    let fixture = Fixture::open().await;
    let digest = fixture.push_blob(&owner(&["p/app"]), "p/app", b"layer").await;
    let (app, other) = (name("p/app"), name("p/other"));
    let stranger = caller(&["p/other"], &[Permission::Pull, Permission::Push]);
    let hidden = fixture.registry.mount_blob(&stranger, &other, &digest, MountSource::Repository(&app)).await;
    assert!(matches!(hidden, Ok(None) | Err(Error::Authorize(_))), "{hidden:?}");
    let member = owner(&["p/app", "p/other"]);
    let mounted = fixture.registry.mount_blob(&member, &other, &digest, MountSource::Repository(&app)).await;
    assert_eq!(mounted.expect("mounted"), Some(digest));
    assert_eq!(fixture.read(&member, "p/other", &digest).await.expect("linked"), b"layer");
}

#[tokio::test]
async fn mounting_from_anywhere_finds_what_the_caller_may_see() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/app", "p/other"]);
    let digest = fixture.push_blob(&ctx, "p/app", b"layer").await;
    let other = name("p/other");
    for (visible, expected) in [
        (Visibility::Projects(vec![ProjectId(2)]), None),
        (Visibility::Projects(vec![ProjectId(2), ProjectId(1)]), Some(digest)),
        (Visibility::All, Some(digest)),
    ] {
        let mounted = fixture.registry.mount_blob(&ctx, &other, &digest, MountSource::Anywhere(&visible)).await;
        assert_eq!(mounted.expect("answered"), expected, "{visible:?}");
    }
}

#[tokio::test]
async fn equal_blobs_are_stored_once_whoever_pushes_them() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/a", "p/b"]);
    let pushes = (0..16).map(|i| fixture.push_blob(&ctx, if i % 2 == 0 { "p/a" } else { "p/b" }, b"layer"));
    futures_util::future::join_all(pushes).await;
    assert_eq!(fixture.stored().await.len(), 1);
    for repository in ["p/a", "p/b"] {
        assert_eq!(fixture.read(&ctx, repository, &sha256(b"layer")).await.expect("readable"), b"layer");
    }
}

#[tokio::test]
async fn lost_bytes_are_noticed_and_healed_by_a_new_push() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let digest = fixture.push_blob(&ctx, "p/app", b"layer").await;
    let keys = fixture.stored().await;
    fixture.store.delete(&keys).await.expect("lost");
    assert!(matches!(fixture.registry.stat_blob(&ctx, &app, &digest).await, Err(Error::BlobUnknown(_))));
    assert!(matches!(fixture.read(&ctx, "p/app", &digest).await, Err(Error::BlobUnknown(_))));
    fixture.push_blob(&ctx, "p/app", b"layer").await;
    assert_eq!(fixture.read(&ctx, "p/app", &digest).await.expect("healed"), b"layer");
    // Nothing is left of what was lost.
    assert_eq!(fixture.registry.collect().await.expect("collected").blobs, 1);
    assert_eq!(fixture.stored().await.len(), 1);
}

#[tokio::test]
async fn a_deleted_blob_stays_in_other_repositories() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/a", "p/b"]);
    let digest = fixture.push_blob(&ctx, "p/a", b"layer").await;
    fixture.push_blob(&ctx, "p/b", b"layer").await;
    fixture.registry.delete_blob(&ctx, &name("p/a"), &digest).await.expect("deleted");
    assert!(matches!(fixture.read(&ctx, "p/a", &digest).await, Err(Error::BlobUnknown(_))));
    assert_eq!(fixture.read(&ctx, "p/b", &digest).await.expect("kept"), b"layer");
    let again = fixture.registry.delete_blob(&ctx, &name("p/a"), &digest).await;
    assert!(matches!(again, Err(Error::BlobUnknown(_))));
}

#[tokio::test]
async fn deleting_takes_the_right_to_delete() {
    let fixture = Fixture::open().await;
    let digest = fixture.push_blob(&owner(&["p/a"]), "p/a", b"layer").await;
    let developer = caller(&["p/a"], &[Permission::Pull, Permission::Push]);
    let refused = fixture.registry.delete_blob(&developer, &name("p/a"), &digest).await;
    assert!(matches!(refused, Err(Error::Authorize(_))));
}

/// Says that every project was deleted.
#[derive(Debug)]
struct Gone;

impl Projects for Gone {
    fn is_current<'a>(
        &'a self,
        _tx: &'a mut Tx<'_>,
        _project: ProjectId,
        _repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<bool, wharf_db::Error>> {
        Box::pin(async { Ok(false) })
    }
}

#[tokio::test]
async fn no_repository_begins_in_a_project_that_was_deleted() {
    let fixture = Fixture::open().await;
    let ctx = owner(&["p/old", "p/new"]);
    let digest = fixture.push_blob(&ctx, "p/old", b"layer").await;
    let registry = fixture.registry.clone().with_projects(Arc::new(Gone));
    let refused = registry.push_blob(&ctx, &name("p/new"), &digest, chunk(b"layer")).await;
    assert!(matches!(refused, Err(Error::RepositoryUnknown(_))), "{refused:?}");
    registry.push_blob(&ctx, &name("p/old"), &digest, chunk(b"layer")).await.expect("what exists is not asked about");
}

#[tokio::test]
async fn many_who_push_images_on_one_base_at_once_all_succeed() {
    let fixture = Fixture::open().await;
    let repositories: Vec<String> = (0..24).map(|i| format!("p/app{i}")).collect();
    let names: Vec<&str> = repositories.iter().map(String::as_str).collect();
    let ctx = owner(&names);
    let pushes = names.iter().map(|repository| fixture.push_image(&ctx, repository, "v1", b"base"));
    futures_util::future::join_all(pushes).await;
    assert_eq!(fixture.stored().await.len(), 2);
}
