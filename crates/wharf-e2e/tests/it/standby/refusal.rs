//! What is no pair: another token, another key, another registry, another place for catalog or bytes.

use super::{Pair, push, wait};
use crate::random;
use crate::server::{DATABASE_URL, Server};

/// What the standby says about not following.
#[track_caller]
fn trouble(pair: &Pair, name: &str, wanted: &str) {
    let mut said = String::new();
    wait(wanted, || {
        said = pair.does(name, &["status"])["standby"]["trouble"].as_str().unwrap_or_default().to_owned();
        said.contains(wanted)
    });
}

#[test]
fn a_standby_with_another_token_or_another_master_key_does_not_follow() {
    let pair = Pair::new();
    let primary = pair.primary("a");
    let strange = pair.folder.path().join("strange");
    std::fs::write(&strange, random::word() + &random::word() + &random::word()).expect("a writable folder");
    let mut settings = pair.settings("b", Some(&format!("http://{}", primary.address)));
    settings.variables.push(("WHARF_STANDBY_TOKEN_FILE", strange.display().to_string()));
    let _standby = Server::with(settings);
    trouble(&pair, "b", "token");

    std::fs::write(&strange, random::bytes(32)).expect("a writable folder");
    let mut settings = pair.settings("c", Some(&format!("http://{}", primary.address)));
    settings.variables.push(("WHARF_ENCRYPTION_MASTER_KEY_FILE", strange.display().to_string()));
    let _standby = Server::with(settings);
    trouble(&pair, "c", "master key");
    assert!(pair.refuses("c", &["take-over"]).contains("never met its primary"));
}

#[test]
fn strangers_find_nothing_where_nobody_may_follow_and_no_answer_where_somebody_may() {
    let pair = Pair::new();
    let primary = pair.primary("a");
    for path in ["hello", "log", "base", "blobs", "fence", "epoch", "done"] {
        let path = format!("/standby/v1/{path}");
        primary.anonymous().get(&path).expect(401);
        let headers = [("Authorization", "Bearer 0123456789abcdef0123456789abcdef")];
        primary.anonymous().send("POST", &path, &headers, crate::http::Payload::Empty).expect(401);
    }
    let alone = Server::start();
    alone.anonymous().get("/standby/v1/epoch").expect(404);
}

#[test]
fn a_folder_with_a_registry_of_its_own_becomes_no_standby() {
    let pair = Pair::new();
    let primary = pair.primary("a");
    let mut other = Server::with(crate::server::Settings {
        data: Some(pair.data("b")),
        variables: vec![(DATABASE_URL, format!("sqlite:{}", pair.data("b").join("wharf.db").display()))],
        ..crate::server::Settings::default()
    });
    push(&other, "own/app");
    other.kill();
    let settings = pair.settings("b", Some(&format!("http://{}", primary.address)));
    let reason = Server::try_with(settings).expect_err("it holds a registry");
    assert!(reason.contains("registry of its own"), "{reason}");
    // One that was a primary of its own pair follows nobody else, either.
    let mut own = pair.primary("c");
    own.kill();
    let settings = pair.settings("c", Some(&format!("http://{}", primary.address)));
    let _own = Server::with(settings);
    trouble(&pair, "c", "another registry");
}

#[test]
fn a_pair_is_for_files() {
    let pair = Pair::new();
    for (name, value, wanted) in [
        (DATABASE_URL, "postgres://wharf@127.0.0.1/wharf", "SQLite"),
        ("WHARF_STORAGE_URL", "s3://bucket/prefix", "files"),
        ("WHARF_STORAGE_SHARED", "true", "shared"),
        ("WHARF_STANDBY_OF", "http://127.0.0.1:1/path", "without a path"),
    ] {
        let mut settings = pair.settings("a", None);
        settings.variables.push((name, value.to_owned()));
        let reason = Server::try_with(settings).expect_err("it is refused");
        assert!(reason.contains(wanted), "{name}: {reason}");
    }
}

#[test]
fn another_version_is_refused_in_words() {
    let pair = Pair::new();
    let primary = pair.primary("a");
    let token = std::fs::read_to_string(pair.folder.path().join("token")).expect("the pair has a token");
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let hello = serde_json::json!({
        "version": "9.9.9", "catalog": "0", "history": null, "epoch": 0, "lineage": null, "done": 0, "url": null
    });
    let hello = hello.to_string();
    let payload = crate::http::Payload::Sized(hello.as_bytes());
    let answer = primary.anonymous().exchange("POST", "/standby/v1/hello", &headers, payload).expect("an answer");
    assert_eq!(answer.status, 409);
    assert!(answer.text().contains("wharf 9.9.9") && answer.text().contains("must be the same"), "{}", answer.text());
}
