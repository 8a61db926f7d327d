//! The way back: the same bytes, the tags that are free, as of who pushed it then.

use wharf_archive::{ArchiveState, Error};

use crate::fixture::{APP, Fixture, image, index, name, sha256, warrant};

#[tokio::test]
async fn an_image_comes_back_byte_for_byte_with_tags_referrers_and_its_push() {
    let fixture = Fixture::open().await;
    fixture.push(None, "one").await;
    fixture.push(None, "two").await;
    let digest = fixture.put(Some("v1"), &index(&["one", "two"])).await;
    let referrer = fixture.attach(&index(&["one", "two"])).await;
    let history = async || fixture.governance.history(&warrant(), &name(APP), &digest).await.expect("it has one");
    let pushed = history().await.pushed;
    let archive = fixture.archive("v1").await;
    fixture.forget_the_bin().await;
    assert_eq!(fixture.stored().await, 0);
    let archive = fixture.restore(archive.id).await;
    assert_eq!((archive.state, archive.restored_by.as_deref()), (ArchiveState::Restored, Some("user-2")));
    assert_eq!(archive.explanation, "");
    for reference in ["v1".to_owned(), digest.to_string()] {
        assert_eq!(fixture.pull(&reference).await, Ok(index(&["one", "two"]).into_bytes()));
    }
    for child in ["one", "two"] {
        assert_eq!(fixture.pull(&sha256(image(child).as_bytes()).to_string()).await, Ok(image(child).into_bytes()));
    }
    assert!(fixture.pull(&referrer.to_string()).await.is_ok());
    let after = history().await;
    assert_eq!(after.pushed.map(|pushed| (pushed.by, pushed.at)), pushed.map(|pushed| (pushed.by, pushed.at)));
    let spells: Vec<bool> = after.tags.iter().map(|spell| spell.until.is_none()).collect();
    assert_eq!(spells, [true, false], "it was tagged, was not, and is again");
    // It stays when the time of what lies in the bin is over.
    fixture.forget_the_bin().await;
    assert!(fixture.pull("v1").await.is_ok());
}

#[tokio::test]
async fn a_tag_that_is_taken_stays_where_it_is() {
    let fixture = Fixture::open().await;
    let first = fixture.push(Some("v1"), "one").await;
    let archive = fixture.archive("v1").await;
    let second = fixture.push(Some("v1"), "two").await;
    let archive = fixture.restore(archive.id).await;
    assert_eq!(archive.state, ArchiveState::Restored);
    assert_eq!(archive.explanation, format!("tag `v1` points to `{second}` by now"));
    assert_eq!(fixture.pull("v1").await, Ok(image("two").into_bytes()));
    assert_eq!(fixture.pull(&first.to_string()).await, Ok(image("one").into_bytes()));
}

#[tokio::test]
async fn what_was_restored_can_leave_again_and_a_state_is_restored_once() {
    let fixture = Fixture::open().await;
    fixture.push(Some("v1"), "one").await;
    let first = fixture.archive("v1").await;
    let moved = fixture.archives.restore_archive(&crate::fixture::user(2), &warrant(), (first.id, Some(1))).await;
    assert!(matches!(moved, Err(Error::ArchiveMoved { .. })), "{moved:?}");
    fixture.restore(first.id).await;
    let again = fixture.archives.restore_archive(&crate::fixture::user(2), &warrant(), (first.id, None)).await;
    assert!(matches!(again, Err(Error::ArchiveState { .. })), "{again:?}");
    let second = fixture.archive("v1").await;
    assert!(second.id > first.id && second.state == ArchiveState::Archived && second.place == first.place);
    // Out of the bin, or pushed anew: then it may leave once more.
    fixture.push(Some("v1"), "one").await;
    let third = fixture.archive("v1").await;
    assert_eq!((fixture.show(second.id).await.state, third.state), (ArchiveState::Restored, ArchiveState::Archived));
}

#[tokio::test]
async fn a_damaged_bundle_says_so_and_changes_nothing() {
    let fixture = Fixture::open().await;
    let digest = fixture.push(Some("v1"), "one").await;
    let archive = fixture.archive("v1").await;
    fixture.forget_the_bin().await;
    let layer = fixture.bundle(&digest).join("blobs/sha256").join(sha256(b"one").hex());
    std::fs::write(&layer, b"eno").expect("written");
    let archive = fixture.restore(archive.id).await;
    assert_eq!(archive.state, ArchiveState::Archived, "it can be tried again");
    assert!(archive.explanation.contains("is damaged"), "{}", archive.explanation);
    assert!(fixture.pull("v1").await.is_err());
    std::fs::write(&layer, b"one").expect("mended");
    assert_eq!(fixture.restore(archive.id).await.state, ArchiveState::Restored);
    assert!(fixture.pull("v1").await.is_ok());
}
