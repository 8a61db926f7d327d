//! Tags: listed in pages, deleted one by one.

use wharf_context::{Permission, TagLimit};
use wharf_registry::bin::Overwriting;
use wharf_registry::{Error, Precondition};

use crate::fixture::{Fixture, GRACE, image, name, owner, sha256};

#[tokio::test]
async fn tags_are_listed_in_byte_order_and_in_pages() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    for tag in ["b", "a", "B", "a-1", "_", "10", "9"] {
        fixture.push_image(&ctx, "p/app", tag, b"layer").await;
    }
    assert_eq!(fixture.tags(&ctx, "p/app").await, ["10", "9", "B", "_", "a", "a-1", "b"]);
    let page = fixture.registry.list_tags(&ctx, &app, Some("B"), Some(2)).await.expect("listed");
    let names: Vec<String> = page.entries.iter().map(ToString::to_string).collect();
    assert_eq!((names, page.has_more), (vec!["_".to_owned(), "a".to_owned()], true));
    let last = fixture.registry.list_tags(&ctx, &app, Some("a"), Some(2)).await.expect("listed");
    assert!(!last.has_more);
    let none = fixture.registry.list_tags(&ctx, &app, None, Some(0)).await.expect("listed");
    assert!(none.entries.is_empty());
}

#[tokio::test]
async fn a_repository_that_is_not_there_has_no_list() {
    let fixture = Fixture::open().await;
    let listed = fixture.registry.list_tags(&owner(&["p/app"]), &name("p/app"), None, None).await;
    assert!(matches!(listed, Err(Error::RepositoryUnknown(_))));
}

#[tokio::test]
async fn deleting_a_tag_leaves_its_siblings_and_its_manifest() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    let digest = fixture.push_image(&ctx, "p/app", "v1", b"layer").await;
    fixture.put(&ctx, "p/app", "v2", image(b"layer")).await.expect("second tag");
    let tag = "v1".parse().expect("tag");
    fixture.registry.delete_tag(&ctx, &app, &tag, &Precondition::Exists).await.expect("deleted");
    assert_eq!(fixture.tags(&ctx, "p/app").await, ["v2"]);
    assert!(fixture.get(&ctx, "p/app", &digest.to_string()).await.is_ok());
    let again = fixture.registry.delete_tag(&ctx, &app, &tag, &Precondition::None).await;
    assert!(matches!(again, Err(Error::ManifestUnknown { .. })));
}

#[tokio::test]
async fn a_tags_history_is_where_it_pointed_and_who_moved_it() {
    let fixture = Fixture::open().await;
    let (ctx, app, tag) = (owner(&["p/app"]), name("p/app"), "v1".parse().expect("tag"));
    // The third comes at the same moment as the second.
    let a = fixture.push_image(&ctx, "p/app", "v1", b"a").await;
    fixture.clock.advance(GRACE);
    let b = fixture.push_image(&ctx, "p/app", "v1", b"b").await;
    let c = fixture.push_image(&ctx, "p/app", "v1", b"c").await;
    fixture.push_image(&ctx, "p/app", "v1", b"c").await;
    let page = async |after: Option<&str>, wanted| {
        fixture.registry.tag_history(&ctx, (&app, &tag), after, Some(wanted)).await.expect("listed")
    };
    let all = page(None, 10).await;
    let moves: Vec<_> = all.entries.iter().map(|entry| (entry.digest, entry.from)).collect();
    assert_eq!(moves, [(c, Some(b)), (b, Some(a)), (a, None)]);
    assert_eq!((all.entries[0].until, all.entries[2].until, all.next), (None, Some(all.entries[1].since), None));
    assert_eq!(all.entries[0].changed_by, "alice");
    let first = page(None, 2).await;
    assert_eq!(first.entries, all.entries[..2]);
    assert_eq!(page(first.next.as_deref(), 2).await.entries, all.entries[2..]);
    let one = page(None, 1).await;
    assert_eq!(page(one.next.as_deref(), 1).await.entries, all.entries[1..2]);
    // Deleted, it has a history still; made anew, it was moved from nowhere.
    fixture.clock.advance(GRACE);
    fixture.registry.delete_tag(&ctx, &app, &tag, &Precondition::None).await.expect("deleted");
    assert!(page(None, 10).await.entries[0].until.is_some());
    fixture.clock.advance(GRACE);
    fixture.push_image(&ctx, "p/app", "v1", b"a").await;
    assert_eq!(page(None, 1).await.entries[0].from, None);
}

#[tokio::test]
async fn a_tag_that_never_was_has_no_history() {
    let fixture = Fixture::open().await;
    let (ctx, app) = (owner(&["p/app"]), name("p/app"));
    fixture.push_image(&ctx, "p/app", "v1", b"a").await;
    let history = async |tag: &str, after| {
        fixture.registry.tag_history(&ctx, (&app, &tag.parse().expect("tag")), after, None).await
    };
    assert!(matches!(history("v2", None).await, Err(Error::ManifestUnknown { .. })));
    for bad in ["x", "1", "1.x", ".1", "1.1.1"] {
        assert!(matches!(history("v1", Some(bad)).await, Err(Error::BadPage)), "{bad}");
    }
}

#[tokio::test]
async fn a_move_is_announced_and_stands_in_the_log() {
    let fixture = Fixture::open().await;
    let (ctx, app, tag) = (owner(&["p/app"]), name("p/app"), "v1".parse().expect("tag"));
    let a = fixture.push_image(&ctx, "p/app", "v1", b"a").await;
    let b = fixture.push_image(&ctx, "p/app", "v1", b"b").await;
    fixture.registry.restore_tag(&ctx, (&app, &tag), Some(&a), Overwriting::Allowed).await.expect("moved back");
    let log = fixture.db().audit(&wharf_db::AuditFilter::default(), None, 100).await.expect("the log");
    let moves: Vec<_> = log.records.iter().rev().filter(|record| record.action == "tag.move").collect();
    let details = |from, to| format!(r#"{{"from":"{from}","to":"{to}"}}"#);
    let told: Vec<_> = moves.iter().map(|record| record.details.clone()).collect();
    assert_eq!(told, [details(a, b), details(b, a)]);
    assert!(moves.iter().all(|record| record.resource == "p/app:v1"));
}

#[tokio::test]
async fn a_role_for_some_tags_pushes_moves_and_deletes_these_alone() {
    let fixture = Fixture::open().await;
    let all = owner(&["p/app"]);
    let limit = |permission| TagLimit { permission, patterns: vec!["1.*".parse().expect("valid")] };
    let limits = [Permission::Push, Permission::Overwrite, Permission::Delete].map(limit).to_vec();
    let some = owner(&["p/app"]).limited_to_tags(&name("p/app"), limits);
    let digest = fixture.push_image(&some, "p/app", "1.0", b"one").await;
    fixture.push_image(&all, "p/app", "2.0", b"one").await;
    fixture.push_blob(&all, "p/app", b"two").await;
    let refused = |outcome: Result<(), Error>, wanted: &str| {
        let error = outcome.expect_err("refused").to_string();
        let sentence = format!("you may not {wanted} in repository `p/app`: your role is for other tags");
        assert_eq!(error, sentence);
    };
    let put = async |tag: &str, layer: &[u8]| fixture.put(&some, "p/app", tag, image(layer)).await.map(drop);
    put("1.0", b"two").await.expect("moved");
    put("2.0", b"one").await.expect("it points there already");
    refused(put("2.0", b"two").await, "overwrite tag `2.0`");
    refused(put("3.0", b"two").await, "push tag `3.0`");
    let (registry, app) = (&fixture.registry, name("p/app"));
    let delete =
        async |tag: &str| registry.delete_tag(&some, &app, &tag.parse().expect("tag"), &Precondition::None).await;
    refused(delete("2.0").await, "delete tag `2.0`");
    delete("1.0").await.expect("deleted");
    let manifest = registry.delete_manifest(&some, &app, &digest, &Precondition::None).await;
    refused(manifest, "delete tag `2.0`");
    // What knows no tags could take what stands under any.
    assert!(registry.empty_bin(&some, &app).await.is_err() && registry.empty_bin(&all, &app).await.is_ok());
    assert!(registry.delete_blob(&some, &app, &sha256(b"two")).await.is_err());
    assert_eq!(fixture.get(&all, "p/app", "2.0").await.expect("as it was").digest, digest);
}
