//! Lineage at governance's door: bases found by layers in any order, lies, annotations, what is outdated.

mod family;
mod jobs;

use std::collections::BTreeMap;

use serde_json::json;
use wharf_context::Visibility;
use wharf_governance::lineage::{By, Claim, ImageLineage, Lineage, StandingQuery, Viewer};
use wharf_governance::{Error, Policy};
use wharf_oci::{Digest, Reference};

use crate::fixture::{Fixture, user, warrant};
use crate::images::{TestImage, index, name, owner, push, push_manifest};

const PAY: i64 = 1;
const BASE: i64 = 2;

/// Pushes and looks at once, as the job does.
pub(crate) async fn arrive(fixture: &Fixture, place: (&str, i64), tag: &str, image: &TestImage) -> Digest {
    let digest = push(&fixture.registry, place, tag, image).await;
    fixture.governance.see_manifest(&name(place.0), &digest).await.expect("looked at");
    digest
}

pub(crate) async fn lineage(fixture: &Fixture, repository: &str, reference: &str) -> Lineage {
    as_seen_by(fixture, &Visibility::All, repository, reference).await.expect("found")
}

async fn as_seen_by(
    fixture: &Fixture,
    visibility: &Visibility,
    repository: &str,
    reference: &str,
) -> Result<Lineage, Error> {
    let viewer = Viewer { warrant: &warrant(), visibility };
    let reference: Reference = reference.parse().expect("valid");
    fixture.governance.get_lineage(&viewer, &name(repository), &reference).await
}

async fn one(fixture: &Fixture, repository: &str, reference: &str) -> ImageLineage {
    let mut found = lineage(fixture, repository, reference).await;
    assert_eq!(found.images.len(), 1, "{found:?}");
    found.images.remove(0)
}

/// Bases with distances.
fn bases(lineage: &ImageLineage) -> Vec<(Digest, u32, By)> {
    lineage.bases.iter().map(|base| (base.image.digest, base.distance, base.by)).collect()
}

#[tokio::test]
async fn the_nearest_base_is_the_longest_stack_that_is_an_image_in_whatever_order_they_come() {
    let os = TestImage::of(&["os"]);
    let runtime = TestImage::of(&["os", "java"]);
    let app = TestImage::of(&["os", "java", "app"]);
    let all = [("base/os", BASE, &os), ("base/java", BASE, &runtime), ("pay/app", PAY, &app)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let fixture = Fixture::open().await;
        for at in order {
            let (repository, project, image) = all[at];
            arrive(&fixture, (repository, project), "1", image).await;
        }
        let found = one(&fixture, "pay/app", "1").await;
        let expected = [(runtime.digest(), 1, By::Layers), (os.digest(), 2, By::Layers)];
        assert_eq!((found.depth, bases(&found)), (3, expected.to_vec()), "{order:?}");
        assert_eq!((found.image.layers, found.image.claim), (3, Claim::Right));
        let viewer_of_base =
            wharf_context::Warrant::granted(wharf_context::ProjectId(BASE), "base".parse().expect("valid"));
        let viewer = Viewer { warrant: &viewer_of_base, visibility: &Visibility::All };
        let of_os = fixture.governance.get_lineage(&viewer, &name("base/os"), &"1".parse().expect("valid")).await;
        assert_eq!(of_os.expect("found").images[0].standing, BTreeMap::from([(String::new(), 2)]), "{order:?}");
    }
}

#[tokio::test]
async fn a_base_that_goes_leaves_what_stood_on_it_on_what_lies_below() {
    let fixture = Fixture::open().await;
    let (os, runtime) = (TestImage::of(&["os"]), TestImage::of(&["os", "java"]));
    let app = TestImage::of(&["os", "java", "app"]);
    for (tag, image) in [("os", &os), ("runtime", &runtime), ("app", &app)] {
        arrive(&fixture, ("pay/all", PAY), tag, image).await;
    }
    let ctx = owner("pay/all", PAY);
    let (repository, digest, none) = (name("pay/all"), runtime.digest(), wharf_registry::Precondition::None);
    fixture.registry.delete_manifest(&ctx, &repository, &digest, &none).await.expect("deleted");
    fixture.governance.see_manifest(&name("pay/all"), &runtime.digest()).await.expect("looked at");
    assert_eq!(bases(&one(&fixture, "pay/all", "app").await), [(os.digest(), 1, By::Layers)]);
    arrive(&fixture, ("pay/all", PAY), "runtime", &runtime).await;
    let found = one(&fixture, "pay/all", "app").await;
    assert_eq!(bases(&found), [(runtime.digest(), 1, By::Layers), (os.digest(), 2, By::Layers)]);
}

#[tokio::test]
async fn a_claim_that_is_wrong_is_told_and_never_used() {
    let fixture = Fixture::open().await;
    let os = TestImage::of(&["os"]);
    arrive(&fixture, ("pay/os", PAY), "1", &os).await;
    let claims = Some(vec![crate::images::sha256(b"os").to_string(), crate::images::sha256(b"app").to_string()]);
    let liar = TestImage { claims, ..TestImage::of(&["something else", "app"]) };
    arrive(&fixture, ("pay/app", PAY), "1", &liar).await;
    let found = one(&fixture, "pay/app", "1").await;
    assert_eq!((found.image.claim, bases(&found)), (Claim::Wrong, Vec::new()));
    let hiding = TestImage { claims: Some(Vec::new()), ..TestImage::of(&["os", "app"]) };
    arrive(&fixture, ("pay/app", PAY), "2", &hiding).await;
    let found = one(&fixture, "pay/app", "2").await;
    assert_eq!((found.image.claim, bases(&found)), (Claim::Wrong, vec![(os.digest(), 1, By::Layers)]));
}

#[tokio::test]
async fn annotations_name_a_base_that_layers_do_not_show() {
    let fixture = Fixture::open().await;
    let os = TestImage::of(&["os"]);
    let squashed = TestImage {
        annotations: vec![
            ("org.opencontainers.image.base.digest", os.digest().to_string()),
            ("org.opencontainers.image.base.name", "registry/base/os:1".to_owned()),
        ],
        ..TestImage::of(&["all in one"])
    };
    arrive(&fixture, ("pay/app", PAY), "1", &squashed).await;
    let found = one(&fixture, "pay/app", "1").await;
    assert!(found.bases.is_empty());
    let named = found.named_base.expect("it names one that is not here");
    assert_eq!((named.digest, named.name.as_deref()), (Some(os.digest()), Some("registry/base/os:1")));
    arrive(&fixture, ("base/os", BASE), "1", &os).await;
    let found = one(&fixture, "pay/app", "1").await;
    assert_eq!((bases(&found), found.named_base), (vec![(os.digest(), 1, By::Annotation)], None));
}

#[tokio::test]
async fn twins_are_all_shown() {
    let fixture = Fixture::open().await;
    let one_of_them = TestImage::of(&["os"]);
    let other = TestImage { note: "other".to_owned(), ..one_of_them.clone() };
    let app = TestImage::of(&["os", "app"]);
    for (tag, image) in [("a", &one_of_them), ("b", &other), ("app", &app)] {
        arrive(&fixture, ("pay/all", PAY), tag, image).await;
    }
    let mut expected = vec![(one_of_them.digest(), 1, By::Layers), (other.digest(), 1, By::Layers)];
    expected.sort();
    assert_eq!(bases(&one(&fixture, "pay/all", "app").await), expected);
    assert_eq!(one(&fixture, "pay/all", "a").await.twins, [other.digest()]);
}

#[tokio::test]
async fn layers_that_cannot_be_unpacked_are_a_problem_and_no_failure() {
    let fixture = Fixture::open().await;
    let os = TestImage::of(&["os"]);
    arrive(&fixture, ("pay/os", PAY), "1", &os).await;
    let mut broken = TestImage::of(&["os"]);
    broken.layers.push(vec![0x1f, 0x8b, 8, 0, 1, 2, 3]);
    arrive(&fixture, ("pay/app", PAY), "1", &broken).await;
    let found = one(&fixture, "pay/app", "1").await;
    assert_eq!(bases(&found), [(os.digest(), 1, By::Layers)], "what lies below is known");
    assert!(found.image.problem.as_deref().is_some_and(|problem| problem.contains("layer `sha256:")), "{found:?}");
}

#[tokio::test]
async fn what_others_have_is_counted_and_not_named() {
    let fixture = Fixture::open().await;
    let (os, app) = (TestImage::of(&["os"]), TestImage::of(&["os", "app"]));
    arrive(&fixture, ("base/os", BASE), "1", &os).await;
    arrive(&fixture, ("pay/app", PAY), "1", &app).await;
    let few = Visibility::Projects(Vec::new());
    let found = as_seen_by(&fixture, &few, "pay/app", "1").await.expect("found");
    let places = &found.images[0].bases[0].places;
    assert_eq!((places.seen.len(), places.hidden), (0, 1));
    let everything = one(&fixture, "pay/app", "1").await;
    assert_eq!(everything.bases[0].places.seen[0].repository, name("base/os"));
    let elsewhere = as_seen_by(&fixture, &Visibility::All, "base/os", "1").await;
    assert!(elsewhere.is_err(), "the warrant is for another project");
}

#[tokio::test]
async fn a_base_is_outdated_when_its_line_moves_on_and_an_index_counts_as_its_images() {
    let fixture = Fixture::open().await;
    let (old, new) = (TestImage::of(&["os 1"]), TestImage::of(&["os 2"]));
    let app = TestImage::of(&["os 1", "app"]);
    for image in [&old, &new] {
        arrive(&fixture, ("base/os", BASE), "", image).await;
    }
    let first = push_manifest(&fixture.registry, ("base/os", BASE), "12.1", index(&[&old])).await;
    fixture.governance.see_manifest(&name("base/os"), &first).await.expect("looked at");
    arrive(&fixture, ("pay/app", PAY), "1", &app).await;
    assert!(one(&fixture, "pay/app", "1").await.bases[0].newer.is_empty());
    let outdated = async || {
        let viewer = Viewer { warrant: &warrant(), visibility: &Visibility::All };
        fixture.governance.list_outdated(&viewer, None, 10).await.expect("listed").entries
    };
    assert!(outdated().await.is_empty());

    fixture.turn(1);
    let second = push_manifest(&fixture.registry, ("base/os", BASE), "12.2", index(&[&new])).await;
    fixture.governance.see_manifest(&name("base/os"), &second).await.expect("looked at");
    let found = one(&fixture, "pay/app", "1").await;
    let place = found.bases[0].newer[0].place.clone().expect("it may be seen");
    assert_eq!((place.tag.as_str(), place.digest), ("12.2", second));
    assert_eq!(found.bases[0].places.seen[0].tags, ["12.1"]);
    let listed = outdated().await;
    assert_eq!((listed.len(), listed[0].repository.clone()), (1, name("pay/app")));

    let policy: Policy = serde_json::from_value(json!({ "lineage": { "kinds": [
        { "name": "osbase", "repositories": ["base/*"], "tags": ["12.1*", "12.2*"] } ] } }))
    .expect("a policy");
    fixture.governance.put_policy(&user(1), &warrant(), &policy, None).await.expect("put");
    assert!(outdated().await.is_empty(), "two lines");
    assert_eq!(one(&fixture, "pay/app", "1").await.bases[0].places.seen[0].kind.as_deref(), Some("osbase"));
}

#[tokio::test]
async fn what_stands_on_an_image_comes_in_pages() {
    let fixture = Fixture::open().await;
    arrive(&fixture, ("pay/os", PAY), "1", &TestImage::of(&["os"])).await;
    for number in 0..5 {
        arrive(&fixture, ("pay/app", PAY), &format!("v{number}"), &TestImage::of(&["os", &format!("app {number}")]))
            .await;
    }
    let warrant = warrant();
    let viewer = Viewer { warrant: &warrant, visibility: &Visibility::All };
    let (repository, reference) = (name("pay/os"), "1".parse().expect("valid"));
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let query = StandingQuery { environment: Some(String::new()), after, limit: 2 };
        let page = fixture.governance.list_standing(&viewer, (&repository, &reference), &query).await.expect("a page");
        seen.extend(page.entries.iter().map(|stander| stander.places.seen[0].tags[0].clone()));
        match page.entries.last() {
            Some(last) if page.has_more => after = last.position,
            _ => break,
        }
    }
    assert_eq!(seen, ["v0", "v1", "v2", "v3", "v4"]);
    let elsewhere = StandingQuery { environment: Some("p".to_owned()), after: 0, limit: 2 };
    let page = fixture.governance.list_standing(&viewer, (&repository, &reference), &elsewhere).await.expect("a page");
    assert!(page.entries.is_empty());
}
