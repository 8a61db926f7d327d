//! Clocks apart: nodes whose clocks differ by hours are one registry all the same.

use super::{push, verify};
use crate::command::{has, skip, variable};
use crate::http::Payload;
use crate::random;
use crate::server::{DATABASE_URL, Server, Settings, fresh_database};

#[test]
fn nodes_whose_clocks_are_hours_apart_accept_each_others_tokens_and_uploads() {
    let Some(url) = variable("WHARF_TEST_POSTGRES") else { return skip("WHARF_TEST_POSTGRES names no PostgreSQL") };
    if !has(&["faketime"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let database = fresh_database(&url, folder.path());
    let blobs = format!("file:{}", folder.path().join("blobs").display());
    let key = folder.path().join("master.key");
    std::fs::write(&key, random::bytes(32)).expect("a writable folder");
    let node = |wrapper: Vec<&'static str>, password: Option<String>| {
        let variables = vec![
            (DATABASE_URL, database.clone()),
            ("WHARF_STORAGE_URL", blobs.clone()),
            ("WHARF_STORAGE_SHARED", "true".to_owned()),
            ("WHARF_ENCRYPTION_MASTER_KEY_FILE", key.display().to_string()),
        ];
        Server::with(Settings { variables, wrapper, password, ..Settings::default() })
    };
    let right = node(Vec::new(), None);
    let late = node(vec!["faketime", "-f", "-3h"], Some(right.password.clone()));
    let early = node(vec!["faketime", "-f", "+3h"], Some(right.password.clone()));
    for (one, other) in [(&right, &late), (&late, &early), (&early, &right)] {
        let (client, elsewhere) = (one.administrator(), other.administrator());
        let pushed = push(&client, "faults/clock", 10_000).expect("pushed");
        verify(&elsewhere, "faults/clock", &pushed);
        // A token of one is one of the other.
        let target = "/v2/faults/clock/tags/list";
        let authorization = client.log_in(target);
        let answer = elsewhere.exchange("GET", target, &[("Authorization", &authorization)], Payload::Empty);
        answer.expect("an answer").expect(200);
    }
}
