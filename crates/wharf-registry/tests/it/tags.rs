//! Tags: listed in pages, deleted one by one.

use wharf_registry::{Error, Precondition};

use crate::fixture::{Fixture, image, name, owner};

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
