//! The old primary after a take-over: it is fenced, and becomes the standby.

use std::thread;
use std::time::Duration;

use super::{Pair, has, push, readyz, wait};
use crate::http::Payload;

#[test]
fn an_old_primary_that_goes_on_is_fenced_and_becomes_a_standby_by_its_start() {
    let pair = Pair::new();
    let mut old = pair.primary("a");
    let mut new = pair.standby("b", &old.address);
    pair.wait_until_level("b");
    let before = push(&old, "back/before");
    assert_eq!(pair.take_over("b")["primary_stopped"], true);
    let refused = old.administrator().send("POST", "/v2/back/app/blobs/uploads/", &[], Payload::Empty).expect(503);
    assert!(refused.text().contains("taken over"), "{}", refused.text());
    assert_eq!(readyz(&old).0, 503);
    old.kill();
    let reason = old.try_restart().expect_err("a fenced server does not start as a primary");
    assert!(reason.contains("--standby-of"), "{reason}");
    let after = push(&new, "back/after");
    let settings = pair.settings("a", Some(&format!("http://{}", new.address)));
    old.set(|present| *present = settings);
    old.restart();
    pair.wait_until_level("a");
    assert!(pair.data("a").join("wharf.db.epoch-1").is_file(), "what it had is kept");
    // And back: the first one is the primary again.
    assert_eq!(pair.take_over("a")["epoch"], 3);
    has(&old, "back/before", &before);
    has(&old, "back/after", &after);
    // It was told whom to follow, and does so.
    new.kill();
    new.restart();
    pair.wait_until_level("b");
}

#[test]
fn an_old_primary_that_was_down_learns_of_it_when_it_comes_back() {
    let pair = Pair::with(&[("WHARF_STANDBY_MODE", "asynchronous")]);
    let mut old = pair.primary("a");
    let new = pair.standby("b", &old.address);
    pair.wait_until_level("b");
    let content = push(&old, "back/app");
    pair.wait_until_level("b");
    old.kill();
    assert_eq!(pair.take_over("b")["primary_stopped"], false);
    has(&new, "back/app", &content);
    // It starts as what it was, as nobody has told it.
    old.set(|settings| settings.is_standby = true);
    old.restart();
    wait("it is fenced", || readyz(&old).0 == 503);
    let refused = old.administrator().send("POST", "/v2/back/app/blobs/uploads/", &[], Payload::Empty);
    assert_eq!(refused.status, 503);
}

#[test]
fn a_take_over_that_is_killed_in_the_middle_is_repeated() {
    for moment in [0, 5, 20, 60, 150] {
        let pair = Pair::new();
        let mut old = pair.primary("a");
        let mut new = pair.standby("b", &old.address);
        pair.wait_until_level("b");
        let content = push(&old, "middle/app");
        old.kill();
        thread::scope(|scope| {
            scope.spawn(|| pair.run("b", &["take-over"]));
            thread::sleep(Duration::from_millis(moment));
            new.kill();
        });
        // Where no server runs the command does it by itself; or the server does when it is there again.
        if moment == 5 {
            new.restart();
        }
        wait("it is the primary", || pair.run("b", &["take-over"]).status.success());
        if moment != 5 {
            let settings = pair.settings("b", None);
            new.set(|present| *present = settings);
            new.restart();
        }
        has(&new, "middle/app", &content);
    }
}

#[test]
fn a_fenced_server_becomes_the_primary_again_where_the_other_is_lost() {
    let pair = Pair::new();
    let mut old = pair.primary("a");
    let mut new = pair.standby("b", &old.address);
    pair.wait_until_level("b");
    let content = push(&old, "lost/app");
    pair.take_over("b");
    new.kill();
    old.kill();
    assert!(pair.refuses("a", &["take-over"]).contains("--force"));
    assert_eq!(pair.does("a", &["take-over", "--force"])["epoch"], 3);
    old.restart();
    has(&old, "lost/app", &content);
}
