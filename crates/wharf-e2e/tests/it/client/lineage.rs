//! Lineage with real clients: images that stand on each other, pushed by skopeo in the wrong order.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::skopeo;
use crate::command::{Program, has};
use crate::http::Payload;
use crate::layout::{self, Layout, TAG};
use crate::server::{ADMINISTRATOR, Server, binary};

fn push(server: &Server, home: &Path, layout: &Layout, name: &str) {
    let from = format!("oci:{}:{TAG}", layout.path.display());
    let to = format!("docker://{}/{name}", server.address);
    Program::new("skopeo", home).args(["copy", "--dest-tls-verify=false", &from, &to]).run();
}

/// A command of wharf against the server.
fn wharf(server: &Server, home: &Path, words: &[&str]) -> String {
    const LINE: &str = r#"program="$0" WHARF_PASSWORD_FILE="$1" WHARF_USERNAME="$2" WHARF_SERVER="$3"
        export WHARF_PASSWORD_FILE WHARF_USERNAME WHARF_SERVER; shift 3; exec "$program" "$@""#;
    let password = server.folder.path().join("password").display().to_string();
    let (program, url) = (binary().display().to_string(), format!("http://{}", server.address));
    let first = ["-c", LINE, &program, &password, ADMINISTRATOR, &url];
    Program::new("sh", home).args(first.iter().chain(words)).run()
}

/// A document of the management API; nothing where it is not there.
fn api(server: &Server, path: &str) -> Value {
    let authorization = server.basic();
    let headers = [("Authorization", authorization.as_str())];
    let target = format!("/api/v1/projects/demo/{path}");
    let answer = server.anonymous().exchange("GET", &target, &headers, Payload::Empty).expect("the server answers");
    if answer.status == 200 { answer.json() } else { Value::Null }
}

/// Asks until the answer is as wanted: what follows from a push is done a moment later.
fn eventually(what: &str, mut ask: impl FnMut() -> Value, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let answer = ask();
        if is_wanted(&answer) {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: {answer:#}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn bases(lineage: &Value) -> Vec<(u64, String)> {
    let bases = lineage["images"][0]["bases"].as_array().cloned().unwrap_or_default();
    bases
        .iter()
        .map(|base| {
            let digest = base["image"]["digest"].as_str().expect("a digest");
            (base["distance"].as_u64().expect("a number"), digest.to_owned())
        })
        .collect()
}

#[test]
fn bases_are_found_without_labels_whatever_compresses_them_and_whatever_comes_first() {
    if !has(&["skopeo", "tar", "gzip"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let [os, runtime, app] = layout::family::<3>(&home);
    skopeo::log_in(&server, &home);
    push(&server, &home, &app, "demo/app:1");
    push(&server, &home, &os, "demo/os:1");
    push(&server, &home, &runtime, "demo/java:1");
    let expected = [(1, runtime.digest.clone()), (2, os.digest.clone())];
    let found = eventually(
        "both bases are found",
        || api(&server, "lineage?repository=demo/app&reference=1"),
        |found| bases(found) == expected,
    );
    assert_eq!((&found["images"][0]["depth"], &found["images"][0]["image"]["claim"]), (&3.into(), &"right".into()));

    let policy = home.join("policy.json");
    let kinds = r#"{"lineage":{"max_depth":3,"kinds":[{"name":"osbase","repositories":["demo/os"],"rebuild":true}]}}"#;
    std::fs::write(&policy, kinds).expect("a writable folder");
    let told = wharf(&server, &home, &["lineage", "demo/app:1"]);
    assert!(told.contains("1  demo/java:1  by layers") && told.contains("2  demo/os:1  by layers"), "{told}");
    wharf(&server, &home, &["policy", "apply", "demo", &policy.display().to_string()]);
    let [newer] = layout::family::<1>(&home);
    push(&server, &home, &newer, "demo/os:2");
    let shown = eventually(
        "a rebuild is opened",
        || api(&server, "rebuilds/1"),
        |shown| shown["items"].as_array().is_some_and(|items| items.len() == 2),
    );
    let state = |at: usize| shown["items"][at]["state"].as_str().map(str::to_owned);
    assert_eq!((state(0).as_deref(), state(1).as_deref()), (Some("wanted"), Some("waiting")), "{shown:#}");
    assert_eq!(shown["items"][0]["repository"], "demo/java");
    let told = wharf(&server, &home, &["rebuild", "show", "demo", "1"]);
    assert!(told.contains("demo/java") && told.contains("waiting"), "{told}");
}
