//! oras: artifacts of any type, and what refers to them.

use std::path::Path;

use crate::client::stored;
use crate::command::{Program, has};
use crate::random;
use crate::server::{ADMINISTRATOR, Server};

fn oras(home: &Path) -> Program {
    Program::new("oras", home)
}

fn log_in(server: &Server, home: &Path) {
    oras(home)
        .args(["login", "--plain-http", "--username", ADMINISTRATOR, "--password", &server.password, &server.address])
        .run();
}

#[test]
fn oras_pushes_an_artifact_attaches_to_it_and_discovers_that() {
    if !has(&["oras"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let artifact = random::bytes(70_000);
    std::fs::write(home.join("artifact.bin"), &artifact).expect("a writable folder");
    std::fs::write(home.join("note.txt"), random::word()).expect("a writable folder");
    let remote = format!("{}/demo/artifact:v1", server.address);
    log_in(&server, &home);
    let kind = "application/vnd.example.thing";
    oras(&home)
        .args(["push", "--plain-http", "--artifact-type", kind, &remote, "artifact.bin:application/octet-stream"])
        .run();
    let note = "application/vnd.example.note";
    oras(&home).args(["attach", "--plain-http", "--artifact-type", note, &remote, "note.txt:text/plain"]).run();
    let found = oras(&home).args(["discover", "--plain-http", "--format", "json", &remote]).run();
    assert!(found.contains(note), "{found}");
    let other = oras(&home)
        .args([
            "discover",
            "--plain-http",
            "--format",
            "json",
            "--artifact-type",
            "application/vnd.example.none",
            &remote,
        ])
        .run();
    assert!(!other.contains(note), "{other}");
    std::fs::remove_file(home.join("artifact.bin")).expect("it is ours");
    oras(&home).args(["pull", "--plain-http", &remote]).run();
    assert!(std::fs::read(home.join("artifact.bin")).expect("oras wrote it") == artifact, "other bytes came back");
}

#[test]
fn oras_copies_with_referrers_and_lists() {
    if !has(&["oras"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    std::fs::write(home.join("one.txt"), random::word()).expect("a writable folder");
    let image = |name: &str| format!("{}/{name}", server.address);
    log_in(&server, &home);
    oras(&home)
        .args([
            "push",
            "--plain-http",
            "--artifact-type",
            "application/vnd.example.thing",
            &image("demo/from:v1"),
            "one.txt",
        ])
        .run();
    oras(&home)
        .args([
            "attach",
            "--plain-http",
            "--artifact-type",
            "application/vnd.example.note",
            &image("demo/from:v1"),
            "one.txt",
        ])
        .run();
    oras(&home)
        .args([
            "copy",
            "--recursive",
            "--from-plain-http",
            "--to-plain-http",
            &image("demo/from:v1"),
            &image("demo/to:v1"),
        ])
        .run();
    assert_eq!(stored(&server, "demo/from", "v1"), stored(&server, "demo/to", "v1"));
    let found = oras(&home).args(["discover", "--plain-http", "--format", "json", &image("demo/to:v1")]).run();
    assert!(found.contains("application/vnd.example.note"), "{found}");
    let tags = oras(&home).args(["repo", "tags", "--plain-http", &image("demo/to")]).run();
    assert!(tags.lines().any(|tag| tag == "v1"), "{tags}");
    assert_eq!(oras(&home).args(["repo", "ls", "--plain-http", &server.address]).run(), "demo/from\ndemo/to");
    oras(&home).args(["manifest", "delete", "--force", "--plain-http", &image("demo/to:v1")]).run();
    server.administrator().get("/v2/demo/to/manifests/v1").expect(404);
}
