//! The way out: whole, read back, and only what may go.

use serde_json::Value;
use wharf_archive::{ArchiveState, Archives, Error, NewArchive};
use wharf_context::Visibility;
use wharf_governance::search::{Position, Query};
use wharf_governance::{HoldKind, NewHold};
use wharf_oci::Environments;

use crate::fixture::{APP, Fixture, image, index, name, sha256, user, warrant};

fn read(path: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("the file is there")).expect("JSON")
}

#[tokio::test]
async fn an_image_leaves_with_its_referrers_and_records_as_an_oci_layout() {
    let fixture = Fixture::open().await;
    let digest = fixture.push(Some("v1"), "one").await;
    fixture.push(Some("latest"), "one").await;
    let referrer = fixture.attach(&image("one")).await;
    let archive = fixture.archive("v1").await;
    assert_eq!((archive.state, archive.digest, archive.figures.manifests), (ArchiveState::Archived, digest, 2));
    let bundle = fixture.bundle(&digest);
    assert_eq!(archive.place, Some(format!("file://{}", bundle.canonicalize().expect("it is there").display())));
    assert_eq!(read(&bundle.join("oci-layout"))["imageLayoutVersion"], "1.0.0");
    let listed = read(&bundle.join("index.json"));
    let names: Vec<(&str, Option<&str>)> = listed["manifests"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            let name = entry["annotations"]["org.opencontainers.image.ref.name"].as_str();
            (entry["digest"].as_str().expect("a digest"), name)
        })
        .collect();
    let (root, referrer) = (digest.to_string(), referrer.to_string());
    assert_eq!(names, [(root.as_str(), Some("latest")), (root.as_str(), Some("v1")), (referrer.as_str(), None)]);
    for content in [image("one").as_bytes(), b"one", b"{}"] {
        let blob = bundle.join("blobs/sha256").join(sha256(content).hex());
        assert_eq!(std::fs::read(blob).expect("the blob is there"), content);
    }
    let records = read(&bundle.join("records.json"));
    assert_eq!((&records["reason"], &records["requested_by"]), (&"the project ends".into(), &"user-1".into()));
    let actions: Vec<&str> =
        records["audit"].as_array().expect("rows").iter().filter_map(|row| row["action"].as_str()).collect();
    assert!(actions.contains(&"manifest.push") && actions.contains(&"archive.request"), "{actions:?}");
    assert_eq!(records["tags"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_has_left_is_told_to_who_pulls_it_and_still_found() {
    let fixture = Fixture::open().await;
    let digest = fixture.push(Some("v1"), "one").await;
    let archive = fixture.archive("v1").await;
    let hint =
        format!("is in archive {}, and not in the registry; bring it back with `wharf restore pay/app", archive.id);
    for reference in ["v1".to_owned(), digest.to_string()] {
        let said = fixture.pull(&reference).await.expect_err("it is gone");
        assert!(said.contains(&hint), "{said}");
    }
    assert_eq!(fixture.pull("v2").await, Err("manifest `v2` is not known in repository `pay/app`".to_owned()));
    fixture.forget_the_bin().await;
    assert_eq!(fixture.stored().await, 0, "nothing is left in the registry");
    let find = async |query: &str| {
        let query = Query::parse(query).expect("a query");
        let found = fixture.governance.search(&Visibility::All, &query, (Position::START, 10)).await.expect("found").0;
        found.into_iter().map(|found| (found.digest, found.tags, found.is_archived)).collect::<Vec<_>>()
    };
    let wanted = vec![(digest, vec!["v1".to_owned()], true)];
    assert_eq!((find("tag:v1").await, find("is:archived").await), (wanted.clone(), wanted));
    assert!(find("-is:archived").await.is_empty());
    let history = fixture.governance.history(&warrant(), &name(APP), &digest).await.expect("it has one");
    let archives = fixture.archives.archives_of(&warrant(), &name(APP), &digest).await.expect("listed");
    assert_eq!(archives.iter().map(|archive| archive.id).collect::<Vec<_>>(), [archive.id]);
    assert_eq!(history.pushed.map(|pushed| pushed.by), Some("user-1".to_owned()));
}

#[tokio::test]
async fn what_is_placed_held_or_a_part_does_not_leave() {
    let fixture = Fixture::open().await;
    let placed = fixture.push(Some("placed"), "one").await;
    fixture.place("t", &placed).await;
    let held = fixture.push(Some("held"), "two").await;
    let hold = NewHold {
        kind: HoldKind::Legal,
        repository: name(APP),
        reference: Some("held".parse().expect("a tag")),
        reason: "case 4711".to_owned(),
        until: None,
    };
    fixture.governance.set_hold(&user(2), &warrant(), &hold).await.expect("the hold is set");
    let child = fixture.push(None, "three").await;
    fixture.put(Some("many"), &index(&["three"])).await;
    let why = async |reference: &str| match fixture.request(reference).await {
        Err(Error::MustStay { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(why("placed").await, "it stands in environment `t`");
    assert!(why("held").await.contains("case 4711"));
    assert!(why(&held.to_string()).await.contains("case 4711"), "whatever it is named by");
    assert!(why(&child.to_string()).await.contains("belongs to another manifest"));
    assert!(matches!(fixture.request("nothing").await, Err(Error::NotInDevelopment { .. })));
}

#[tokio::test]
async fn a_hold_that_comes_while_it_is_copied_lets_it_stay() {
    let fixture = Fixture::open().await;
    let digest = fixture.push(Some("v1"), "one").await;
    let archive = fixture.request("v1").await.expect("it is asked for");
    let again = fixture.request("v1").await;
    assert!(matches!(again, Err(Error::ArchiveOpen { id, .. }) if id == archive.id), "{again:?}");
    let hold = NewHold {
        kind: HoldKind::Legal,
        repository: name(APP),
        reference: Some(digest.to_string().parse().expect("a digest")),
        reason: "case 4711".to_owned(),
        until: None,
    };
    fixture.governance.set_hold(&user(2), &warrant(), &hold).await.expect("the hold is set");
    let archive = fixture.settle(archive.id).await;
    assert_eq!(archive.state, ArchiveState::Failed);
    assert!(archive.explanation.contains("case 4711"), "{}", archive.explanation);
    assert!(fixture.pull("v1").await.is_ok());
}

#[tokio::test]
async fn an_image_without_all_its_blobs_stays() {
    let fixture = Fixture::open().await;
    let digest = fixture.push(Some("v1"), "one").await;
    let layer = sha256(b"one");
    let ctx = crate::fixture::owner(APP);
    fixture.registry.delete_blob(&ctx, &name(APP), &layer).await.expect("the link goes");
    let archive = fixture.archive("v1").await;
    assert_eq!(archive.state, ArchiveState::Failed);
    assert!(archive.explanation.contains(&layer.to_string()) && archive.explanation.contains("wharf fsck"));
    assert!(fixture.pull(&digest.to_string()).await.is_ok());
}

#[tokio::test]
async fn what_does_not_read_back_is_stored_again_before_anything_leaves() {
    let fixture = Fixture::open().await;
    let digest = fixture.push(Some("v1"), "one").await;
    // As another attempt left it that was cut off by a power loss.
    let folder = fixture.bundle(&digest).join("blobs/sha256");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(sha256(b"one").hex()), b"xxx").expect("written");
    let archive = fixture.archive("v1").await;
    assert_eq!(archive.state, ArchiveState::Archived);
    assert_eq!(std::fs::read(folder.join(sha256(b"one").hex())).expect("read"), b"one");
}

#[tokio::test]
async fn a_server_without_a_cold_place_says_so() {
    let fixture = Fixture::open().await;
    fixture.push(Some("v1"), "one").await;
    let (registry, governance) = (fixture.registry.clone(), fixture.governance.clone());
    let archives = Archives::new(fixture.db().clone(), registry, governance, Environments::default());
    let new = NewArchive { repository: name(APP), reference: "v1".parse().expect("a tag"), reason: String::new() };
    let refused = archives.request_archive(&user(1), &warrant(), &new).await.expect_err("no place");
    assert!(refused.to_string().contains("`archive.url`"), "{refused}");
}
