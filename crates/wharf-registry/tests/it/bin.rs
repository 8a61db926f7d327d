//! The bin: what was deleted in one go comes back in one go, until its time is over.

use wharf_context::Permission;
use wharf_registry::bin::{BinScope, BinnedItem, Overwriting};
use wharf_registry::{Error, Precondition, Registry};

use crate::fixture::{Fixture, GRACE, IMAGE, caller, image, image_with, index, name, owner, sha256};

/// What the bin of a repository lists: tags by name, manifests by `-`.
async fn listed(fixture: &Fixture, repository: &str) -> Vec<String> {
    let ctx = owner(&[repository]);
    let scope = Registry::bin_scope(&ctx, &name(repository)).expect("may delete");
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.registry.list_bin(&scope, after.as_deref(), Some(1)).await.expect("listed");
        assert!(page.entries.len() <= 1);
        names.extend(page.entries.iter().map(|entry| match &entry.item {
            BinnedItem::Tag { name, .. } => name.to_string(),
            BinnedItem::Manifest { .. } => "-".to_owned(),
        }));
        match page.next {
            Some(next) => after = Some(next),
            None => return names,
        }
    }
}

#[tokio::test]
async fn a_deleted_tag_comes_back_with_its_deleted_manifest() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"one").await;
    fixture.registry.delete_manifest(&ctx, &app, &digest, &Precondition::None).await.expect("deleted");
    assert_eq!(listed(&fixture, "p/app").await, ["v1", "-"]);
    let tag = "v1".parse().expect("tag");
    let restored = fixture.registry.restore_tag(&ctx, (&app, &tag), None, Overwriting::Refused).await;
    assert_eq!(restored.map(|restored| (restored.digest, restored.manifests)).expect("restored"), (digest, 1));
    assert_eq!(fixture.get(&ctx, "p/app", "v1").await.expect("back").digest, digest);
    let again = fixture.registry.restore_tag(&ctx, (&app, &tag), None, Overwriting::Refused).await;
    assert!(matches!(again, Err(Error::NotInBin { .. })));
    assert!(listed(&fixture, "p/app").await.contains(&"v1".to_owned()), "its history stays");
}

#[tokio::test]
async fn a_tag_that_points_elsewhere_is_moved_back_only_when_told_to() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let one = fixture.push_image(&ctx, "p/app", "v1", b"one").await;
    fixture.clock.advance(GRACE / 8);
    let two = fixture.push_image(&ctx, "p/app", "v1", b"two").await;
    let tag = "v1".parse().expect("tag");
    let refused = fixture.registry.restore_tag(&ctx, (&app, &tag), None, Overwriting::Refused).await;
    assert!(matches!(refused, Err(Error::TagTaken { current, .. }) if current == two));
    let restored = fixture.registry.restore_tag(&ctx, (&app, &tag), None, Overwriting::Allowed).await;
    assert_eq!(restored.expect("moved back").digest, one);
    fixture.clock.advance(GRACE / 8);
    let forth = fixture.registry.restore_tag(&ctx, (&app, &tag), Some(&two), Overwriting::Allowed).await;
    assert_eq!(forth.expect("moved forth").digest, two);
}

#[tokio::test]
async fn an_index_goes_and_comes_with_its_children_and_its_referrers() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    fixture.push_blob(&ctx, "p/app", b"{}").await;
    for layer in [b"one", b"two"] {
        fixture.push_blob(&ctx, "p/app", layer).await;
    }
    let (one, two) = (image(b"one"), image(b"two"));
    for child in [&one, &two] {
        let reference = sha256(child.as_bytes()).to_string();
        fixture.put(&ctx, "p/app", &reference, child.clone()).await.expect("child");
    }
    let list = index(&[&one, &two]);
    let digest = fixture.put(&ctx, "p/app", "list", list.clone()).await.expect("index").digest;
    let about = image_with(
        b"one",
        &format!(
            r#","artifactType":"a/b","subject":{{"mediaType":"{IMAGE}","digest":"{digest}","size":{}}}"#,
            list.len()
        ),
    );
    let signature = sha256(about.as_bytes()).to_string();
    fixture.put(&ctx, "p/app", &signature, about).await.expect("referrer");
    fixture.put(&ctx, "p/app", "kept", two.clone()).await.expect("a tag of its own");

    fixture.registry.delete_manifest(&ctx, &app, &digest, &Precondition::None).await.expect("deleted");
    let is_there = async |reference: &str| fixture.get(&ctx, "p/app", reference).await.is_ok();
    assert!(!is_there(&sha256(one.as_bytes()).to_string()).await, "nothing else needs the child");
    assert!(!is_there(&signature).await);
    assert!(is_there("kept").await);

    let restored = fixture.registry.restore_manifest(&ctx, &app, &digest).await.expect("restored");
    assert_eq!(restored.manifests, 3);
    for reference in [sha256(one.as_bytes()).to_string(), signature, digest.to_string()] {
        assert!(is_there(&reference).await, "{reference}");
    }
    assert!(!is_there("list").await, "only the manifest was asked for");
}

#[tokio::test]
async fn what_went_along_may_be_deleted_by_name_afterwards_and_nothing_else_twice() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let child = fixture.push_image(&ctx, "p/app", "v1", b"one").await;
    let parent = fixture.put(&ctx, "p/app", "all", index(&[&image(b"one")])).await.expect("pushed").digest;
    fixture.registry.delete_tag(&ctx, &app, &"v1".parse().expect("tag"), &Precondition::None).await.expect("deleted");
    fixture.clock.advance(GRACE * 2);
    let delete = async |digest| fixture.registry.delete_manifest(&ctx, &app, digest, &Precondition::None).await;
    delete(&parent).await.expect("deleted");
    assert!(matches!(fixture.get(&ctx, "p/app", &child.to_string()).await, Err(Error::ManifestUnknown { .. })));
    delete(&child).await.expect("it is deleted, as was asked for");
    assert!(matches!(delete(&parent).await, Err(Error::ManifestUnknown { .. })));
}

#[tokio::test]
async fn an_index_that_is_pushed_takes_its_children_out_of_the_bin() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let child = fixture.push_image(&ctx, "p/app", "v1", b"one").await;
    fixture.registry.delete_manifest(&ctx, &app, &child, &Precondition::None).await.expect("deleted");
    fixture.put(&ctx, "p/app", "list", index(&[&image(b"one")])).await.expect("index");
    assert!(fixture.get(&ctx, "p/app", &child.to_string()).await.is_ok());
}

#[tokio::test]
async fn when_the_time_is_over_nothing_comes_back_and_the_space_does() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"one").await;
    fixture.registry.delete_manifest(&ctx, &app, &digest, &Precondition::None).await.expect("deleted");
    fixture.clock.advance(GRACE * 2);
    let late = fixture.registry.restore_manifest(&ctx, &app, &digest).await;
    assert!(matches!(late, Err(Error::NotInBin { .. })), "also before collection came by");
    assert!(listed(&fixture, "p/app").await.is_empty());
    for _ in 0..2 {
        fixture.registry.collect().await.expect("collected");
        fixture.clock.advance(GRACE * 2);
    }
    fixture.registry.collect().await.expect("collected");
    assert_eq!(fixture.stored().await.len(), 0);
}

#[tokio::test]
async fn an_emptied_bin_gives_space_back_after_the_grace_alone() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"one").await;
    fixture.registry.delete_manifest(&ctx, &app, &digest, &Precondition::None).await.expect("deleted");
    assert_eq!(fixture.registry.empty_bin(&ctx, &app).await.expect("emptied"), 1);
    assert!(listed(&fixture, "p/app").await.is_empty());
    let gone = fixture.registry.restore_manifest(&ctx, &app, &digest).await;
    assert!(matches!(gone, Err(Error::NotInBin { .. })));
    fixture.registry.collect().await.expect("collected");
    assert_eq!(fixture.stored().await.len(), 2, "the grace goes on");
    fixture.clock.advance(GRACE * 3 / 2);
    assert_eq!(fixture.registry.collect().await.expect("collected").blobs, 2);
}

#[tokio::test]
async fn a_projects_bin_is_listed_repository_by_repository() {
    let fixture = Fixture::open().await;
    let repositories = ["p/a", "p/a/b", "p/c"];
    let ctx = owner(&repositories);
    for repository in repositories {
        let digest = fixture.push_image(&ctx, repository, "v1", b"one").await;
        let deleted = fixture.registry.delete_manifest(&ctx, &name(repository), &digest, &Precondition::None).await;
        deleted.expect("deleted");
    }
    let scope = BinScope::Project(wharf_context::ProjectId(1));
    let page = fixture.registry.list_bin(&scope, None, Some(3)).await.expect("listed");
    let next = page.next.expect("there are more");
    let rest = fixture.registry.list_bin(&scope, Some(&next), None).await.expect("listed");
    let found: Vec<_> = page.entries.iter().chain(&rest.entries).map(|entry| entry.repository.to_string()).collect();
    assert_eq!(found, ["p/a", "p/a", "p/a/b", "p/a/b", "p/c", "p/c"]);
    assert_eq!(rest.next, None);
}

#[tokio::test]
async fn restoring_takes_the_right_to_delete() {
    let fixture = Fixture::open().await;
    let digest = fixture.push_image(&owner(&["p/app"]), "p/app", "v1", b"one").await;
    let developer = caller(&["p/app"], &[Permission::Pull, Permission::Push]);
    let refused = fixture.registry.restore_manifest(&developer, &name("p/app"), &digest).await;
    assert!(matches!(refused, Err(Error::Authorize(_))));
    assert!(Registry::bin_scope(&developer, &name("p/app")).is_err());
}
