//! A promotion into an environment at another Wharf: done when that one has it, also when it was away; and the evidence of
//! it, verified without any server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::Program;
use crate::image::{Algorithm, Content, Shape};
use crate::server::{ADMINISTRATOR, Server, Settings, binary};
use crate::specification::Repository;

const PATIENCE: Duration = Duration::from_secs(60);

/// Pushes an image with something that refers to it: their digests.
fn push(server: &Server) -> [String; 2] {
    let client = server.administrator();
    let repository = Repository::new(&client, "demo/app");
    let mut content = Content::new(Algorithm::Sha256);
    let image = content.image();
    let members = vec![("subject", image.clone())];
    let note = content.shaped(&Shape { members, artifact_type: Some("application/x-note"), layers: Some(1) });
    content.blobs.iter().for_each(|(digest, bytes)| repository.push(digest, bytes));
    for document in &content.documents {
        let reference = if document.subject.is_some() { document.digest.as_str() } else { "v1" };
        repository.put(reference, &document.media_type, &document.bytes).expect(201);
    }
    [image, note].map(|descriptor| descriptor["digest"].as_str().expect("a digest").to_owned())
}

/// The promotion, once it is what `is_there` says.
fn wait(server: &Server, id: &str, is_there: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let promotion = server.manage("GET", &format!("projects/demo/promotions/{id}"), &Value::Null);
        if is_there(&promotion) {
            return promotion;
        }
        assert!(begun.elapsed() < PATIENCE, "{promotion}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

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

#[test]
fn a_promotion_to_another_wharf_is_done_when_that_has_it_and_its_evidence_is_verified_by_nobody_s_help() {
    let mut far = Server::start();
    far.manage("POST", "projects", &json!({ "name": "zone" }));
    let near = Server::with(Settings {
        variables: vec![("WHARF_TRANSFERS_HOSTS", far.address.clone())],
        ..Settings::default()
    });
    near.manage("POST", "projects", &json!({ "name": "demo" }));
    let [image, note] = push(&near);
    let url = format!("http://{}/zone", far.address);
    let remote = json!({ "url": url, "account": ADMINISTRATOR, "secret": far.password });
    near.manage("PUT", "projects/demo/remotes/far", &remote);
    let way = json!({ "name": "t", "remote": "far", "promotion": { "approvals": [] } });
    let policy = json!({ "environments": { "ladder": [{ "name": "d" }, way] } });
    near.manage("PUT", "projects/demo/policy", &json!({ "policy": policy }));

    far.kill();
    let new = json!({ "repository": "demo/app", "reference": "v1", "to": "t", "reason": "the test" });
    let asked = near.manage("POST", "projects/demo/promotions", &new);
    let id = asked["id"].as_str().expect("an id").to_owned();
    let failing =
        |promotion: &Value| promotion["explanation"].as_str().is_some_and(|text| text.contains("attempt 1 failed"));
    let waiting = wait(&near, &id, failing);
    assert_eq!(waiting["state"], "transferring");
    far.restart();
    let done = wait(&near, &id, |promotion| promotion["state"] != "transferring");
    assert_eq!(done["state"], "done", "{done}");
    let there = Repository::new(&far.administrator(), "zone/demo/app").get("manifests/v1").expect(200).body;
    assert_eq!(Algorithm::Sha256.digest(&there), image, "byte for byte");
    let referrers =
        Repository::new(&far.administrator(), "zone/demo/app").get(&format!("referrers/{image}")).expect(200);
    assert!(referrers.text().contains(&note), "what refers to it has come along");

    evidence(&near, &image);
}

/// Evidence is made, and verified with the keys that were noted down.
fn evidence(server: &Server, image: &str) {
    let home = server.folder.path();
    let subject = format!("demo/app@{image}");
    wharf(server, &["history", &subject, "--evidence", "evidence.json"]).run();
    std::fs::write(home.join("keys.json"), wharf(server, &["audit", "keys", "--json"]).run())
        .expect("a writable folder");
    let verify = |about: &str| {
        let words = ["history", "verify", "evidence.json", "--keys", "keys.json", "--about", about];
        Program::new(&binary().display().to_string(), home).args(words)
    };
    let told = verify(image).run();
    assert!(told.contains(&subject) && told.contains("stood in: t"), "{told}");
    let other = Algorithm::Sha256.digest(b"another");
    assert!(verify(&other).refused().contains("it is not about"));
    let document = std::fs::read_to_string(home.join("evidence.json")).expect("it was written");
    let changed = document.replacen("\"sig\":\"", "\"sig\":\"AAAA", 1);
    std::fs::write(home.join("evidence.json"), changed).expect("a writable folder");
    assert!(verify(image).refused().contains("none of the keys signed it"));
}
