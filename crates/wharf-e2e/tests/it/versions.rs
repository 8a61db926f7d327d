//! Versions and tag rules as people and pipelines meet them: `wharf version next`, pushes by real clients, and two hundred
//! callers at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::command::{Program, has};
use crate::http::Payload;
use crate::layout::{self, TAG};
use crate::server::{ADMINISTRATOR, Server, binary};

/// A server whose project `pay` takes versions by date and Git commits.
fn strict() -> Server {
    let server = Server::start();
    server.manage("POST", "projects", &json!({ "name": "pay" }));
    let rule = json!({ "accept": ["date", "git_sha"], "latest": "forbid" });
    server.manage("PUT", "projects/pay/policy", &json!({ "policy": { "tags": { "rules": [rule] } } }));
    server
}

/// `wharf`, as the administrator of a server.
fn wharf(server: &Server, words: &[&str]) -> Program {
    let password = server.folder.path().join("password");
    let variables = [
        format!("WHARF_SERVER=http://{}", server.address),
        format!("WHARF_USERNAME={ADMINISTRATOR}"),
        format!("WHARF_PASSWORD_FILE={}", password.display()),
        binary().display().to_string(),
    ];
    Program::new("env", server.folder.path()).args(variables).args(words)
}

fn skopeo(server: &Server, home: &Path, tag: &str) -> Program {
    let made = layout::image(home);
    let source = format!("oci:{}:{TAG}", made.path.display());
    let target = format!("docker://{}/pay/app:{tag}", server.address);
    let credentials = format!("{ADMINISTRATOR}:{}", server.password);
    let words = ["copy", "--dest-tls-verify=false", "--dest-creds", &credentials, &source, &target];
    Program::new("skopeo", home).args(words)
}

#[test]
fn a_refused_tag_says_how_to_get_one_and_that_one_is_taken() {
    if !has(&["skopeo"]) {
        return;
    }
    let server = strict();
    let home = server.subfolder("home");
    let said = skopeo(&server, &home, "v1").refused();
    assert!(said.contains("tag rule 1 of project `pay` takes a date version"), "{said}");
    assert!(said.contains("`wharf version next pay/app` gives one"), "{said}");
    assert!(skopeo(&server, &home, "latest").refused().contains("forbids it"));
    let version = wharf(&server, &["version", "next", "pay/app", "--for", "release 7"]).run();
    assert!(version.ends_with("_01") && version.len() == 11, "{version}");
    skopeo(&server, &home, &version).run();
    assert!(skopeo(&server, &home, &version).refused().contains("and of nothing else"));
    let shown = wharf(&server, &["version", "ls", "pay/app"]).run();
    assert!(shown.contains(&version) && shown.contains("used") && shown.contains("release 7"), "{shown}");
}

#[test]
fn a_version_that_is_void_stays_void() {
    if !has(&["skopeo"]) {
        return;
    }
    let server = strict();
    let home = server.subfolder("home");
    let version = wharf(&server, &["version", "next", "pay/app"]).run();
    let what = format!("pay/app:{version}");
    wharf(&server, &["version", "void", &what, "--reason", "the build failed"]).run();
    assert!(skopeo(&server, &home, &version).refused().contains("is void: the build failed"));
    let next = wharf(&server, &["version", "next", "pay/app", "--json"]).run();
    let next: Value = serde_json::from_str(&next).expect("JSON");
    assert_eq!((next["state"].as_str(), next["repository"].as_str()), (Some("allocated"), Some("pay/app")));
    assert!(next["version"].as_str().expect("a text").ends_with("_02"), "{next}");
}

#[test]
fn two_hundred_requests_at_once_get_two_hundred_versions() {
    let server = Arc::new(strict());
    let callers: Vec<_> = (0..200)
        .map(|_| {
            let server = Arc::clone(&server);
            std::thread::spawn(move || {
                let allocated = server.manage("POST", "projects/pay/versions", &json!({ "repository": "pay/app" }));
                allocated["version"].as_str().expect("a text").to_owned()
            })
        })
        .collect();
    let got: BTreeSet<String> = callers.into_iter().map(|caller| caller.join().expect("no panic")).collect();
    assert_eq!(got.len(), 200);
    // A night that falls in between begins anew; each day is without gaps.
    let days: BTreeSet<&str> = got.iter().filter_map(|version| version.split('_').next()).collect();
    for day in days {
        let numbers = got.iter().filter_map(|version| version.strip_prefix(day)?.strip_prefix('_')?.parse().ok());
        let numbers: BTreeSet<usize> = numbers.collect();
        assert_eq!(numbers.iter().copied().collect::<Vec<_>>(), (1..=numbers.len()).collect::<Vec<_>>());
    }
}

#[test]
fn a_robot_that_may_push_to_a_repository_gets_its_versions_and_no_others() {
    let server = strict();
    let robot = json!({ "name": "ci", "permissions": ["pull", "push"], "repositories": ["pay/app"] });
    let robot = server.manage("POST", "projects/pay/robots", &robot);
    let word = |member: &str| robot[member].as_str().expect("a text").to_owned();
    let pair = format!("{}:{}", word("login"), word("secret"));
    let authorization = format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes()));
    let ask = |repository: &str| {
        let body = json!({ "repository": repository }).to_string();
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let target = "/api/v1/projects/pay/versions";
        server
            .anonymous()
            .exchange("POST", target, &headers, Payload::Sized(body.as_bytes()))
            .expect("an answer")
            .status
    };
    assert_eq!(ask("pay/app"), 200);
    assert!([403, 404].contains(&ask("pay/other")));
    assert_eq!(ask("shop/app"), 400);
}

#[test]
fn a_tags_history_says_who_moved_it_from_where() {
    if !has(&["skopeo"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    server.manage("POST", "projects", &json!({ "name": "pay" }));
    skopeo(&server, &home, "stable").run();
    skopeo(&server, &home, "stable").run();
    let lines = wharf(&server, &["tags", "history", "pay/app:stable", "--json"]).run();
    let entries: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(entries.len(), 2, "{lines}");
    assert_eq!(entries[0]["from"], entries[1]["digest"]);
    assert_eq!((&entries[0]["until"], &entries[1]["from"]), (&Value::Null, &Value::Null));
    assert_eq!((&entries[0]["since"], entries[0]["changed_by"].as_str()), (&entries[1]["until"], Some(ADMINISTRATOR)));
    let shown = wharf(&server, &["tags", "history", "pay/app:stable"]).run();
    assert!(shown.starts_with("SINCE") && shown.contains("now"), "{shown}");
    let log = server.manage("GET", "audit?object=pay%2Fapp%3Astable", &Value::Null);
    let moves = log["entries"].as_array().expect("a list").iter().filter(|entry| entry["action"] == "tag.move");
    assert_eq!(moves.map(|entry| entry["details"]["from"].clone()).collect::<Vec<_>>(), [entries[1]["digest"].clone()]);
}
