//! Date versions: in order, each once, none without a record.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use wharf_governance::{AllocatedVersion, Error, VersionState};

use crate::fixture::{Fixture, user, version, warrant};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn listed(fixture: &Fixture, repository: Option<&str>) -> Vec<AllocatedVersion> {
    let repository = repository.map(|name| name.parse().expect("valid"));
    let page = fixture.governance.list_versions(&warrant(), repository.as_ref(), (None, Some(1_000))).await;
    page.expect("listed").entries
}

async fn next(fixture: &Fixture, repository: Option<&str>) -> String {
    fixture.next(repository).await.expect("allocated").version.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_get_two_hundred_versions_in_order() {
    let fixture = Arc::new(Fixture::open().await);
    let callers = (0..200).map(|_| {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move { fixture.next(Some("pay/app")).await.expect("allocated").version })
    });
    let mut got = BTreeSet::new();
    for caller in callers.collect::<Vec<_>>() {
        assert!(got.insert(caller.await.expect("no panic")), "the same version twice");
    }
    let wanted: Vec<_> = (1..=200).map(|number| version(&format!("20260101_{number:02}"))).collect();
    assert_eq!(got.into_iter().collect::<Vec<_>>(), wanted);
    // In the order of their rows, too, and each has one.
    let mut rows: Vec<_> = listed(&fixture, Some("pay/app")).await.iter().map(|entry| entry.version).collect();
    rows.reverse();
    assert_eq!(rows, wanted);
}

#[tokio::test]
async fn each_sequence_counts_for_itself_and_begins_anew_each_day() {
    let fixture = Fixture::open().await;
    fixture.demand(json!({ "tags": { "rules": [{ "repositories": ["pay/web"], "sequence": "project" }] } })).await;
    assert_eq!(next(&fixture, Some("pay/app")).await, "20260101_01");
    assert_eq!(next(&fixture, Some("pay/app")).await, "20260101_02");
    assert_eq!(next(&fixture, Some("pay/base/os")).await, "20260101_01");
    assert_eq!(next(&fixture, None).await, "20260101_01");
    assert_eq!(next(&fixture, Some("pay/web")).await, "20260101_02");
    fixture.clock.advance(DAY);
    assert_eq!(next(&fixture, Some("pay/app")).await, "20260102_01");
    assert_eq!(listed(&fixture, Some("pay/app")).await.len(), 3);
    assert_eq!(listed(&fixture, Some("pay/web")).await.len(), 2);
    assert_eq!(listed(&fixture, None).await.len(), 6);
}

#[tokio::test]
async fn the_day_is_that_of_the_projects_time_zone() {
    let fixture = Fixture::open().await;
    fixture.clock.advance(Duration::from_secs(16 * 3600));
    assert_eq!(next(&fixture, Some("pay/app")).await, "20260101_01");
    fixture.demand(json!({ "tags": { "time_zone": "Asia/Seoul" } })).await;
    assert_eq!(next(&fixture, Some("pay/app")).await, "20260102_01");
}

#[tokio::test]
async fn a_list_comes_in_pages_the_last_first() {
    let fixture = Fixture::open().await;
    for _ in 0..5 {
        next(&fixture, Some("pay/app")).await;
    }
    let page = async |before| {
        let page = fixture.governance.list_versions(&warrant(), None, (before, Some(2))).await.expect("listed");
        let last = page.entries.last().map(|entry| entry.id);
        (page.entries.iter().map(|entry| entry.version.to_string()).collect::<Vec<_>>(), page.has_more, last)
    };
    let (first, has_more, last) = page(None).await;
    assert_eq!((first, has_more), (vec!["20260101_05".to_owned(), "20260101_04".to_owned()], true));
    let (_, _, last) = page(last).await;
    assert_eq!(page(last).await.0, ["20260101_01"]);
}

#[tokio::test]
async fn what_is_not_used_is_void_by_word_or_by_time_and_keeps_its_record() {
    let fixture = Fixture::open().await;
    let app = "pay/app".parse().expect("valid");
    for _ in 0..2 {
        next(&fixture, Some("pay/app")).await;
    }
    let first = (Some(&app), version("20260101_01"));
    let void = fixture.governance.void_version(&user(2), &warrant(), first, "the build failed").await.expect("void");
    let by_word = |state: &VersionState| matches!(state, VersionState::Void { by: Some(by), reason, .. } if by == "user-2" && reason == "the build failed");
    assert!(by_word(&void.state), "{void:?}");
    let again = fixture.governance.void_version(&user(1), &warrant(), first, "another reason").await.expect("void");
    assert!(by_word(&again.state), "what was said stays: {again:?}");
    fixture.clock.advance(7 * DAY);
    let states: Vec<_> = listed(&fixture, None).await.into_iter().map(|entry| entry.state).collect();
    assert!(matches!(&states[0], VersionState::Void { by: None, .. }), "{states:?}");
    assert!(by_word(&states[1]), "{states:?}");
    assert_eq!(next(&fixture, Some("pay/app")).await, "20260108_01");
}

#[tokio::test]
async fn what_was_never_given_out_or_is_used_is_not_made_void() {
    let fixture = Fixture::open().await;
    let app = "pay/app".parse().expect("valid");
    fixture.demand(json!({ "tags": { "rules": [{ "accept": ["date"] }] } })).await;
    let void = async |text: &str, reason: &str| {
        fixture.governance.void_version(&user(1), &warrant(), (Some(&app), version(text)), reason).await
    };
    assert!(matches!(void("20260101_01", "no").await, Err(Error::VersionUnknown { .. })));
    next(&fixture, Some("pay/app")).await;
    assert!(matches!(void("20260101_01", "").await, Err(Error::NoteInvalid { .. })));
    assert!(matches!(void("20260101_01", "two\nlines").await, Err(Error::NoteInvalid { .. })));
    fixture.push("pay/app", "20260101_01", "a").await.expect("pushed");
    assert!(matches!(void("20260101_01", "no").await, Err(Error::VersionUsed { .. })));
}
