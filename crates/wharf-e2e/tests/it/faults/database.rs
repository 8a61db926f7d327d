//! PostgreSQL goes away, falls silent, talks nonsense, is slow.

use std::time::{Duration, Instant};

use super::{eventually, push, status, verify};
use crate::command::{skip, variable};
use crate::relay::{Mode, Relay};
use crate::server::{DATABASE_URL, Server, Settings, fresh_database};

/// A server whose PostgreSQL is at the end of a wire; `None` without a PostgreSQL to test with.
fn server() -> Option<(Server, Relay)> {
    let Some(url) = variable("WHARF_TEST_POSTGRES") else {
        skip("WHARF_TEST_POSTGRES names no PostgreSQL");
        return None;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let url = fresh_database(&url, folder.path());
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (authority, database) = rest.split_once('/').expect("a URL that names a database");
    let (user, host) = authority.rsplit_once('@').expect("a URL that names a user");
    let relay = Relay::to(host);
    let url = format!("{scheme}://{user}@{}/{database}", relay.address);
    let patience =
        [("WHARF_DATABASE_WAIT_TIMEOUT", "2s".to_owned()), ("WHARF_DATABASE_TRANSACTION_TIMEOUT", "2s".to_owned())];
    let variables = [(DATABASE_URL, url)].into_iter().chain(patience).collect();
    Some((Server::with(Settings { variables, ..Settings::default() }), relay))
}

#[test]
fn a_database_that_fails_is_told_and_missed_by_nobody_afterwards() {
    let Some((server, relay)) = server() else { return };
    let client = server.administrator();
    let before = push(&client, "faults/app", 10_000).expect("pushed");
    verify(&client, "faults/app", &before);
    let manifest = format!("/v2/faults/app/manifests/{}", before.tag);
    for mode in [Mode::Cut, Mode::Garble, Mode::Hold] {
        relay.set(mode);
        let start = Instant::now();
        let refused = push(&client, "faults/app", 10_000).expect_err("not without a catalog");
        assert!([500, 503].contains(&refused.status), "{mode:?}: {} {}", refused.status, refused.text());
        assert!([500, 503].contains(&status(&client, &manifest)), "{mode:?}");
        assert_eq!(status(&client, "/readyz"), 503, "{mode:?}");
        assert_eq!(status(&client, "/livez"), 200, "{mode:?}: a restart would help nobody");
        assert!(start.elapsed() < Duration::from_secs(30), "{mode:?} took {:?}", start.elapsed());
        relay.set(Mode::Pass);
        eventually("ready again", || status(&client, "/readyz") == 200);
        verify(&client, "faults/app", &before);
        let after = push(&client, "faults/app", 10_000).expect("pushed again");
        verify(&client, "faults/app", &after);
    }
    assert!(relay.connections() < 200, "{} connections are a storm", relay.connections());
}

#[test]
fn a_slow_database_makes_slow_answers_and_no_wrong_ones() {
    let Some((server, relay)) = server() else { return };
    let client = server.administrator();
    let before = push(&client, "faults/app", 10_000).expect("pushed");
    relay.set(Mode::Trickle);
    for _ in 0..5 {
        verify(&client, "faults/app", &before);
        // What is refused is refused whole.
        if let Ok(pushed) = push(&client, "faults/app", 10_000) {
            verify(&client, "faults/app", &pushed);
        }
    }
}
