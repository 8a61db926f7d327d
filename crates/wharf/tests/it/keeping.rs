//! `wharf hold`, `wharf running` and `wharf retention` against a running server.

use std::io::Write as _;

use serde_json::Value;

use super::collection::{push_image, server};
use super::management::{Shell, administrator};
use super::server::{Server, read_answer, write};

fn policy(admin: &Shell, text: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.yaml");
    write(&file, text);
    admin.run(&format!("policy apply shop {}", file.display())).done();
}

/// The JSON objects that a command prints, one after another.
fn objects(text: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(text).into_iter().map(|value| value.expect("JSON")).collect()
}

/// Sends a report as the administrator.
fn report_running(server: &Server, report: &str) -> String {
    let password = server.welcome("password").expect("a first run");
    let pair = format!("admin:{}", password.split(' ').next().expect("a word"));
    let authorization = data_encoding::BASE64.encode(pair.as_bytes());
    let mut stream = server.connect();
    let head = "POST /api/v1/running HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let head = format!("{head}authorization: Basic {authorization}\r\ncontent-length: {}\r\n\r\n", report.len());
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(report.as_bytes()).expect("sent");
    read_answer(&mut stream)
}

#[test]
fn what_the_rules_say_goes_but_for_what_is_held_or_runs() {
    let server = server();
    let admin = administrator(&server);
    for tag in ["v1", "v2", "v3", "v4"] {
        push_image(&server, "shop/web", tag, tag.as_bytes());
    }
    let runs = push_image(&server, "shop/web", "v2", b"v2").manifest;
    policy(&admin, "retention:\n  rules:\n    - {name: all but the newest, action: delete, beyond: 1}\n");
    admin.run("hold set shop/web:v1 --reason court").done();
    let report = format!(
        r#"{{"project":"shop","containers":[{{"host":"n","container":"c","digest":"{runs}","started_at":"2026-01-01T00:00:00Z"}}]}}"#
    );
    let answer = report_running(&server, &report);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let listed = admin.run("running ls shop").done();
    assert!(listed.contains(&runs), "{listed}");

    let plan = objects(&admin.run("retention plan shop --json").done());
    let going: Vec<_> = plan[1..].iter().map(|item| item["tag"].as_str().expect("a tag")).collect();
    assert_eq!(going, ["v3"]);
    assert!(admin.run("retention why shop/web:v1").done().contains("hold 1 is on it: court"));
    assert!(admin.run("retention why shop/web:v4").done().contains("no rule is about it"));
    let run = objects(&admin.run("retention run shop --json").done());
    assert_eq!((&run[0]["state"], &run[0]["left"]), (&"done".into(), &0.into()));
    assert_eq!(run[1..].len(), going.len());
    assert!(admin.run("bin ls shop/web").done().contains("v3"), "what went lies in the bin");
    admin.run("bin restore shop/web:v3").done();

    let refused = admin.run(&format!("rm {}/shop/web:v1", server.address()));
    assert!(refused.code == 6 && refused.problem.contains("legal hold 1"), "{}: {}", refused.code, refused.problem);
    admin.run("hold lift shop 1 --reason settled").done();
    assert!(admin.run("hold ls shop --ended").done().contains("court"));
    admin.run(&format!("rm {}/shop/web:v1", server.address())).done();
    assert!(admin.run("retention ls shop").done().contains("done"));
    assert!(admin.run("retention show shop 1 --all").done().contains("no rule is about it"));
    admin.run("retention show shop 99").failed(7);
}
