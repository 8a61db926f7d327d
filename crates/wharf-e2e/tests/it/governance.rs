//! Verbs of governance as people type them, one after the other on one server: rebuilds, standards, releases.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::command::{Program, has};
use crate::layout::{self, Layout, TAG};
use crate::server::{ADMINISTRATOR, Server, binary};

/// How long what is done after a push may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

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

fn push(server: &Server, home: &Path, (made, name): (&Layout, &str)) {
    let source = format!("oci:{}:{TAG}", made.path.display());
    let target = format!("docker://{}/{name}", server.address);
    let credentials = format!("{ADMINISTRATOR}:{}", server.password);
    let words = ["copy", "--dest-tls-verify=false", "--dest-creds", &credentials, &source, &target];
    Program::new("skopeo", home).args(words).run();
}

/// What a command says as soon as it says `text`.
fn said_at_last(server: &Server, words: &[&str], text: &str) -> String {
    let start = Instant::now();
    loop {
        let said = wharf(server, words).run();
        if said.contains(text) {
            return said;
        }
        assert!(start.elapsed() < PATIENCE, "{words:?} never says `{text}`: {said}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn rebuilds_standards_and_releases_are_managed_by_their_verbs() {
    if !has(&["skopeo"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    server.manage("POST", "projects", &json!({ "name": "pay" }));
    let kinds = json!([{ "name": "os", "repositories": ["pay/os"], "rebuild": true }]);
    let standards = json!({ "named": { "repositories": ["pay/app"], "labels": ["team"] } });
    let policy = json!({ "lineage": { "kinds": kinds }, "standards": standards });
    server.manage("PUT", "projects/pay/policy", &json!({ "policy": policy }));

    let [old, app] = layout::family(&home);
    push(&server, &home, (&old, "pay/os:1"));
    push(&server, &home, (&app, "pay/app:1"));
    said_at_last(&server, &["lineage", "pay/app:1"], "pay/os");
    push(&server, &home, (&layout::image(&home), "pay/os:2"));
    said_at_last(&server, &["rebuild", "ls", "pay"], "pay/os");
    said_at_last(&server, &["rebuild", "show", "pay", "1"], "pay/app");
    // Its layers do not show that it is the answer: it stands on nothing that is known.
    let answer = layout::image(&home);
    push(&server, &home, (&answer, "pay/app:2"));
    let said = wharf(&server, &["rebuild", "answer", "1", "pay/app:2"]).run();
    assert!(said.contains("rebuild 1 has its answer for pay/app"), "{said}");
    let shown = wharf(&server, &["rebuild", "show", "pay", "1"]).run();
    assert!(shown.contains("answered"), "{shown}");

    let complaint = wharf(&server, &["standard", "check", "pay/app:1"]).output();
    let said = String::from_utf8_lossy(&complaint.stdout).into_owned();
    assert_eq!(complaint.status.code(), Some(10), "{said}");
    assert!(said.contains("named: ") && said.contains("team"), "{said}");
    let said = wharf(&server, &["standard", "check", "pay/os:1"]).run();
    assert!(said.contains("no standard is for pay/os"), "{said}");

    wharf(&server, &["release", "new", "pay", "1", "pay/app:1"]).run();
    wharf(&server, &["release", "set", "pay", "1", "pay/app:2", "--note", "the rebuilt one"]).run();
    let shown = wharf(&server, &["release", "show", "pay", "1"]).run();
    assert!(shown.contains(&answer.digest) && !shown.contains(&app.digest), "{shown}");
    wharf(&server, &["release", "seal", "pay", "1"]).run();
    let refused = wharf(&server, &["release", "set", "pay", "1", "pay/app:1"]).refused();
    assert!(refused.contains("sealed"), "{refused}");
}
