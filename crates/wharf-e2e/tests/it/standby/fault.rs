//! The wire between the two is cut, the log goes on without the standby, and what is deleted is deleted on both.

use std::thread;
use std::time::Duration;

use super::{Pair, blobs, has, metric, push, readyz, wait};
use crate::http::Payload;
use crate::relay::{Mode, Relay};
use crate::specification::Repository;

#[test]
fn a_synchronous_primary_refuses_writes_while_its_standby_is_away_and_takes_them_when_it_is_back() {
    let pair = Pair::new();
    let primary = pair.primary("a");
    let relay = Relay::to(&primary.address);
    let standby = pair.standby("b", &relay.address);
    pair.wait_until_level("b");
    let content = push(&primary, "wire/before");
    relay.set(Mode::Cut);
    wait("writes are refused", || {
        let client = primary.administrator();
        client.send("POST", "/v2/wire/app/blobs/uploads/", &[], Payload::Empty).status == 503
    });
    has(&primary, "wire/before", &content);
    assert_eq!(metric(&primary, "wharf_standby_level"), Some(0.0));
    wait("it says so", || metric(&primary, "wharf_read_only") == Some(1.0));
    assert!(readyz(&standby).1.contains("following: failed"));
    relay.set(Mode::Pass);
    pair.wait_until_level("b");
    wait("writes are taken", || metric(&primary, "wharf_read_only") == Some(0.0));
    let after = push(&primary, "wire/after");
    pair.take_over("b");
    has(&standby, "wire/before", &content);
    has(&standby, "wire/after", &after);
}

#[test]
fn a_wire_that_hangs_counts_as_one_that_is_cut() {
    let pair = Pair::new();
    let primary = pair.primary("a");
    let relay = Relay::to(&primary.address);
    let standby = pair.standby("b", &relay.address);
    pair.wait_until_level("b");
    push(&primary, "wire/before");
    relay.set(Mode::Hold);
    let client = primary.administrator();
    let begin = || client.send("POST", "/v2/wire/app/blobs/uploads/", &[], Payload::Empty).status;
    assert_eq!(begin(), 503);
    relay.set(Mode::Pass);
    // The standby has not noticed anything yet, and says that all is well.
    wait("writes are taken", || begin() == 202);
    pair.wait_until_level("b");
    let content = push(&primary, "wire/app");
    pair.take_over("b");
    has(&standby, "wire/app", &content);
}

#[test]
fn an_asynchronous_primary_goes_on_and_the_standby_catches_up_also_with_what_is_no_longer_kept() {
    // So little is kept that the standby has to begin anew.
    for buffer in ["64MiB", "1MiB"] {
        let pair = Pair::with(&[("WHARF_STANDBY_MODE", "asynchronous"), ("WHARF_STANDBY_BUFFER", buffer)]);
        let primary = pair.primary("a");
        let relay = Relay::to(&primary.address);
        let standby = pair.standby("b", &relay.address);
        pair.wait_until_level("b");
        relay.set(Mode::Cut);
        let contents: Vec<_> = (0..10).map(|number| push(&primary, &format!("wire/app{number}"))).collect();
        assert!(metric(&primary, "wharf_standby_lag_bytes").is_some_and(|bytes| bytes > 100_000.0));
        assert!(pair.does("a", &["status"])["primary"]["lag_bytes"].as_u64().is_some_and(|bytes| bytes > 100_000));
        relay.set(Mode::Pass);
        pair.wait_until_level("b");
        wait("nothing is behind", || metric(&primary, "wharf_standby_lag_bytes") == Some(0.0));
        let copies = standby.log().matches("copies the primary").count();
        assert_eq!(copies, if buffer == "1MiB" { 2 } else { 1 }, "with {buffer}");
        assert_eq!(blobs(&pair.data("a")), blobs(&pair.data("b")));
        pair.take_over("b");
        for (number, content) in contents.iter().enumerate() {
            has(&standby, &format!("wire/app{number}"), content);
        }
    }
}

#[test]
fn a_primary_that_may_continue_alone_does_so_and_says_so() {
    let pair = Pair::with(&[("WHARF_STANDBY_WHEN_AWAY", "continue"), ("WHARF_STANDBY_AWAY_AFTER", "1s")]);
    let primary = pair.primary("a");
    let mut standby = pair.standby("b", &primary.address);
    pair.wait_until_level("b");
    standby.kill();
    let content = push(&primary, "alone/app");
    wait("it says so", || primary.log().contains("the standby is away"));
    assert_eq!(metric(&primary, "wharf_standby_level"), Some(0.0));
    standby.restart();
    pair.wait_until_level("b");
    pair.take_over("b");
    has(&standby, "alone/app", &content);
}

#[test]
fn what_is_deleted_is_deleted_on_both() {
    let pair =
        Pair::with(&[("WHARF_COLLECTION_GRACE", "1s"), ("WHARF_COLLECTION_INTERVAL", "1s"), ("WHARF_BIN_KEEP", "0s")]);
    let primary = pair.primary("a");
    let mut standby = pair.standby("b", &primary.address);
    pair.wait_until_level("b");
    push(&primary, "gone/app");
    let kept = push(&primary, "kept/app");
    let client = primary.administrator();
    let gone = Repository::new(&client, "gone/app");
    let digest = gone.get("manifests/v1").header("docker-content-digest").expect("a digest").to_owned();
    client.delete(&gone.at(&format!("manifests/{digest}"))).expect(202);
    let has_fewer = || blobs(&pair.data("a")).len() <= kept.blobs.len();
    wait("the bytes are collected", has_fewer);
    wait("they are deleted on the standby, too", || blobs(&pair.data("a")) == blobs(&pair.data("b")));
    // What went while the standby was away goes when it is back.
    let again = push(&primary, "gone/again");
    for digest in again.blobs.keys() {
        client.delete(&format!("/v2/gone/again/blobs/{digest}"));
    }
    standby.kill();
    thread::sleep(Duration::from_secs(2));
    standby.restart();
    pair.wait_until_level("b");
    wait("both have the same", || blobs(&pair.data("a")) == blobs(&pair.data("b")));
    pair.take_over("b");
    let client = standby.administrator();
    let repository = Repository::new(&client, "kept/app");
    let manifest = repository.get("manifests/v1").expect(200).text();
    for (digest, bytes) in kept.blobs.iter().filter(|(digest, _)| manifest.contains(*digest)) {
        repository.has_blob(digest, bytes);
    }
}
