//! From a push to test and back, as people with Wharf's command line and machines with skopeo go.

use std::path::Path;

use serde_json::{Value, json};

use crate::client::skopeo;
use crate::command::{Program, has};
use crate::layout::{self, TAG};
use crate::server::{Server, binary};

const PASSWORD: &str = "correct horse battery staple";

/// `wharf` as one of the project's people.
fn wharf(server: &Server, home: &Path, user: &str) -> Program {
    let file = home.join(format!("{user}.password"));
    std::fs::write(&file, PASSWORD).expect("written");
    let server = format!("WHARF_SERVER=http://{}", server.address);
    let password = format!("WHARF_PASSWORD_FILE={}", file.display());
    let words = [server, format!("WHARF_USERNAME={user}"), password, binary().display().to_string()];
    Program::new("env", home).args(words)
}

/// A server with project `pay`, and people in it.
fn server() -> Server {
    let server = Server::start();
    server.manage("POST", "projects", &json!({ "name": "pay" }));
    for (user, role) in [("dev", "developer"), ("ada", "maintainer"), ("bob", "maintainer")] {
        server.manage("POST", "users", &json!({ "name": user, "password": PASSWORD }));
        server.manage("PUT", &format!("projects/pay/members/user:{user}"), &json!({ "role": role }));
    }
    server
}

#[test]
fn an_image_is_pushed_promoted_by_approval_pulled_and_rolled_back() {
    if !has(&["skopeo"]) {
        return;
    }
    let server = server();
    let home = server.subfolder("home");
    let local = format!("oci:{}:{TAG}", layout::image(&home).path.display());
    skopeo::log_in(&server, &home);
    let copy = |from: &str, to: &str| {
        let words = ["copy", "--src-tls-verify=false", "--dest-tls-verify=false", from, to];
        Program::new("skopeo", &home).args(words)
    };
    let remote = |repository: &str, tag: &str| format!("docker://{}/{repository}:{tag}", server.address);
    copy(&local, &remote("pay/app", "20261130_01")).run();
    let json = |user: &str, words: &[&str]| -> Value {
        serde_json::from_str(&wharf(&server, &home, user).args(words).args(["--json"]).run()).expect("JSON")
    };
    let asked = json("dev", &["promote", "pay/app:20261130_01", "--to", "t", "--reason", "CHG-1"]);
    let (id, digest) = (asked["id"].as_str().expect("an id"), asked["digest"].as_str().expect("a digest"));
    let name = format!("pay/{id}");
    copy(&remote("t/pay/app", "20261130_01"), &format!("oci:{}:x", home.join("early").display())).refused();
    // Who asked does not approve, and nobody approves what they did not see.
    wharf(&server, &home, "dev").args(["approve", &name, "--digest", digest]).refused();
    let other = format!("sha256:{}", "0".repeat(64));
    wharf(&server, &home, "ada").args(["approve", &name, "--digest", &other]).refused();
    let done = json("ada", &["approve", &name, "--digest", digest, "--comment", "tested"]);
    assert_eq!(done["state"], "done", "{done}");
    copy(&remote("t/pay/app", "20261130_01"), &format!("oci:{}:x", home.join("late").display())).run();

    let inventory = json("dev", &["env", "inventory", "pay", "t"]);
    assert_eq!((&inventory[0]["digest"], inventory.as_array().map(Vec::len)), (&Value::from(digest), Some(1)));
    let said = copy(&local, &remote("t/pay/app", "20261130_02")).refused();
    assert!(said.contains("images get there by promotion only"), "{said}");
    wharf(&server, &home, "ada").args(["rollback", "pay/app", "--in", "t"]).refused();

    let history = json("dev", &["history", &format!("pay/app@{digest}")]);
    assert_eq!(
        (&history["promotions"][0]["state"], &history["placements"][0]["environment"]),
        (&"done".into(), &"t".into())
    );
    // A pipeline that waits for what nobody approves is told so by its exit code.
    let waits = wharf(&server, &home, "dev")
        .args(["promote", "pay/app:20261130_01", "--to", "s1", "--wait", "--timeout", "1s"])
        .output();
    assert_eq!(waits.status.code(), Some(12), "{}", String::from_utf8_lossy(&waits.stderr));
}
