//! Tag rules as a push meets them: through the registry, in its transaction.

use std::time::Duration;

use serde_json::json;
use wharf_governance::VersionState;
use wharf_governance::promotion::{Asked, NewPromotion, TagChoice};
use wharf_registry::Precondition;

use crate::fixture::{Fixture, user, version, warrant};

#[tokio::test]
async fn without_a_rule_every_tag_is_taken() {
    let fixture = Fixture::open().await;
    fixture.demand(json!({ "tags": { "rules": [{ "repositories": ["pay/web"], "accept": ["date"] }] } })).await;
    for tag in ["latest", "v1", "20260101_07"] {
        fixture.push("pay/app", tag, "a").await.expect("pushed");
    }
    assert!(fixture.refused("pay/web", "v1", "a").await.contains("wharf version next pay/web"));
}

#[tokio::test]
async fn a_version_that_was_not_allocated_is_refused_and_one_that_was_is_used_once() {
    let fixture = Fixture::open().await;
    fixture.demand(json!({ "tags": { "rules": [{ "accept": ["date", "git_sha"] }] } })).await;
    assert!(fixture.refused("pay/app", "20260101_01", "a").await.contains("was not allocated to `pay/app`"));
    fixture.next(Some("pay/app")).await.expect("allocated");
    assert!(fixture.refused("pay/web", "20260101_01", "a").await.contains("was not allocated to `pay/web`"));
    fixture.push("pay/app", "20260101_01", "a").await.expect("pushed");
    fixture.push("pay/app", "20260101_01", "a").await.expect("the same again");
    fixture.push("pay/app", "9fceb02d0ae5", "a").await.expect("the commit on the same digest");
    assert!(fixture.refused("pay/app", "20260101_01", "b").await.contains("and of nothing else"));
    let versions = fixture.governance.list_versions(&warrant(), None, (None, None)).await.expect("listed");
    assert!(matches!(versions.entries[0].state, VersionState::Used { .. }), "{versions:?}");
    // Not even after it was deleted.
    let (app, tag) = ("pay/app".parse().expect("valid"), "20260101_01".parse().expect("valid"));
    fixture.registry.delete_tag(&user(1), &app, &tag, &Precondition::None).await.expect("deleted");
    assert!(fixture.refused("pay/app", "20260101_01", "b").await.contains("and of nothing else"));
    fixture.push("pay/app", "20260101_01", "a").await.expect("what it was");
}

#[tokio::test]
async fn a_void_version_is_refused_with_its_reason() {
    let fixture = Fixture::open().await;
    fixture.demand(json!({ "tags": { "unused_days": 2, "rules": [{ "accept": ["date"] }] } })).await;
    let app = "pay/app".parse().expect("valid");
    for _ in 0..2 {
        fixture.next(Some("pay/app")).await.expect("allocated");
    }
    let first = (Some(&app), version("20260101_01"));
    fixture.governance.void_version(&user(1), &warrant(), first, "the build failed").await.expect("void");
    assert!(fixture.refused("pay/app", "20260101_01", "a").await.contains("is void: the build failed"));
    fixture.clock.advance(Duration::from_secs(2 * 24 * 3600));
    assert!(fixture.refused("pay/app", "20260101_02", "a").await.contains("nobody used it in time"));
}

#[tokio::test]
async fn a_version_of_the_project_stands_on_an_image_of_each_repository() {
    let fixture = Fixture::open().await;
    fixture.demand(json!({ "tags": { "rules": [{ "accept": ["date"], "sequence": "project" }] } })).await;
    fixture.next(None).await.expect("allocated");
    fixture.push("pay/app", "20260101_01", "a").await.expect("pushed");
    fixture.push("pay/web", "20260101_01", "b").await.expect("pushed");
    assert!(fixture.refused("pay/web", "20260101_01", "c").await.contains("and of nothing else"));
}

#[tokio::test]
async fn a_push_that_fails_uses_no_version() {
    let fixture = Fixture::open().await;
    fixture.demand(json!({ "tags": { "rules": [{ "accept": ["date"] }] } })).await;
    fixture.next(Some("pay/app")).await.expect("allocated");
    let (app, blob) = ("pay/app".parse().expect("valid"), format!("sha256:{}", "0".repeat(64)));
    let image = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{{"mediaType":"application/json","digest":"{blob}","size":2}},
            "layers":[{{"mediaType":"application/x","digest":"{blob}","size":2}}]}}"#
    );
    let new = wharf_registry::NewManifest {
        reference: "20260101_01".parse().expect("valid"),
        tags: Vec::new(),
        content_type: None,
        precondition: Precondition::None,
        bytes: image.into(),
    };
    let failed = fixture.registry.put_manifest(&user(1), &app, &new).await;
    assert!(matches!(failed, Err(wharf_registry::Error::ManifestBlobUnknown(_))), "{failed:?}");
    fixture.push("pay/app", "20260101_01", "a").await.expect("it is still to be had");
}

#[tokio::test]
async fn an_immutable_tag_keeps_its_digest_even_if_it_was_deleted() {
    let fixture = Fixture::open().await;
    fixture.push("pay/app", "1.0", "a").await.expect("pushed");
    fixture.demand(json!({ "tags": { "rules": [{ "immutable": [{ "tags": ["*"], "except": ["latest"] }] }] } })).await;
    assert!(fixture.refused("pay/app", "1.0", "b").await.contains("makes it immutable"));
    let (app, tag) = ("pay/app".parse().expect("valid"), "1.0".parse().expect("valid"));
    fixture.registry.delete_tag(&user(1), &app, &tag, &Precondition::None).await.expect("deleted");
    assert!(fixture.refused("pay/app", "1.0", "b").await.contains("makes it immutable"));
    fixture.push("pay/app", "1.0", "a").await.expect("what it was");
    fixture.push("pay/app", "latest", "a").await.expect("pushed");
    fixture.push("pay/app", "latest", "b").await.expect("moved");
}

#[tokio::test]
async fn what_tools_attach_is_exempt() {
    let fixture = Fixture::open().await;
    fixture.demand(json!({ "tags": { "rules": [{ "accept": ["date"], "immutable": [{}] }] } })).await;
    let tag = format!("sha256-{}.sig", "0".repeat(64));
    fixture.push("pay/app", &tag, "a").await.expect("pushed");
    fixture.push("pay/app", &tag, "b").await.expect("a second signature");
}

#[tokio::test]
async fn a_tag_stays_from_the_environment_on_that_the_rule_names() {
    let fixture = Fixture::open().await;
    let ladder = json!([{ "name": "d" }, { "name": "t", "promotion": { "approvals": [] } }]);
    let rules = json!([{ "immutable": [{ "tags": ["v*"], "placed_in": ["t", "p"] }] }]);
    fixture.demand(json!({ "environments": { "ladder": ladder }, "tags": { "rules": rules } })).await;
    fixture.push("pay/app", "v1", "a").await.expect("pushed");
    fixture.push("pay/app", "v1", "b").await.expect("it stands in development alone, and moves");
    let what = Asked::Image {
        repository: "pay/app".parse().expect("valid"),
        reference: "v1".parse().expect("valid"),
        tags: TagChoice::Named,
    };
    let new = NewPromotion { what, to: "t".parse().expect("valid"), reason: String::new() };
    fixture.governance.request_promotion(&user(1), &warrant(), &new).await.expect("promoted");
    let sentence = fixture.refused("pay/app", "v1", "c").await;
    assert!(sentence.contains("which was placed in environment `t`: tag rule 1"), "{sentence}");
    fixture.push("pay/app", "v1", "b").await.expect("what it is");
    fixture.push("pay/app", "v2", "b").await.expect("another name of it");
    fixture.refused("pay/app", "v2", "c").await;
    let (app, tag) = ("pay/app".parse().expect("valid"), "v1".parse().expect("valid"));
    fixture.registry.delete_tag(&user(1), &app, &tag, &Precondition::None).await.expect("deleted");
    fixture.refused("pay/app", "v1", "c").await;
    fixture.push("pay/app", "main", "b").await.expect("pushed");
    fixture.push("pay/app", "main", "c").await.expect("the rule is not about it");
}
