//! kill -9 in the middle of a run of retention: what was to stay stays, what was to go lies in the bin, nothing is done twice.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::{has, skip, variable};
use crate::http::Payload;
use crate::server::Server;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Tags that go, and tags that stay.
const TAGS: (usize, usize) = (160, 20);
/// How long a busy machine may take for each part.
const PATIENCE: Duration = Duration::from_secs(60);

/// An index of nothing, which needs no blob.
fn artifact(number: usize) -> String {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "annotations": { "n": number.to_string() } })
        .to_string()
}

/// The run, as soon as `is_wanted` says so.
fn run_when(server: &Server, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let run = server.manage("GET", "projects/pay/retention/runs/1", &Value::Null);
        if is_wanted(&run) {
            return run;
        }
        assert!(start.elapsed() < PATIENCE, "{run}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_run_of_retention_outlives_kill_9_and_does_everything_once() {
    if !has(&["faketime"]) {
        return;
    }
    if variable("WHARF_TEST_POSTGRES").is_some() {
        return skip("PostgreSQL tells the time, and minutes would go by until the killed job's lease ends");
    }
    let mut server = Server::start();
    server.manage("POST", "projects", &json!({ "name": "pay" }));
    let client = server.administrator();
    for number in 0..TAGS.0 + TAGS.1 {
        let (tag, body) = (if number < TAGS.0 { "old" } else { "new" }, artifact(number));
        let target = format!("/v2/pay/app/manifests/{tag}-{number}");
        client.send("PUT", &target, &[("Content-Type", INDEX)], Payload::Sized(body.as_bytes())).expect(201);
    }
    let rules = json!([{ "name": "old", "action": "delete", "tags": ["old-*"] }]);
    server.manage("PUT", "projects/pay/policy", &json!({ "policy": { "retention": { "rules": rules } } }));
    server.manage("POST", "projects/pay/retention/runs", &json!({ "is_plan": false }));
    let before = run_when(&server, |run| run["done"].as_u64() > Some(0));
    server.kill();
    assert!(before["ended_at"].is_null(), "the run was over before the kill: {before}");
    // The lease of the job that was killed ends in the time that has passed. What waits goes on by the clock that nobody sets.
    let late = vec!["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", "+5m"];
    server.set(|settings| settings.wrapper = late);
    server.restart();
    let run = run_when(&server, |run| !run["ended_at"].is_null());
    let counts = ["keep", "delete", "done", "left"].map(|name| run[name].as_u64().unwrap_or_default());
    let (old, new) = (TAGS.0 as u64, TAGS.1 as u64);
    assert_eq!((run["state"].as_str(), counts), (Some("done"), [new, old, old, 0]), "{run}");
    let tags = server.administrator().get("/v2/pay/app/tags/list").json();
    assert_eq!(tags["tags"].as_array().map(Vec::len), Some(TAGS.1), "{tags}");
    for number in [0, TAGS.0 - 1] {
        let restored = server.manage(
            "POST",
            "projects/pay/bin/restore",
            &json!({ "repository": "pay/app", "tag": format!("old-{number}") }),
        );
        assert!(restored.is_object(), "{restored}");
    }
}
