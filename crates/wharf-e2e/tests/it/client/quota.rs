//! A project that is full: every client shows the sentence and ends, nothing stays of what was refused, and the same push
//! passes when there is room.

use std::path::Path;

use serde_json::json;

use crate::client::{docker, podman, skopeo, stored};
use crate::command::{Program, has, is_root};
use crate::layout::{self, TAG};
use crate::server::{ADMINISTRATOR, Server};

/// Less than any layer that is pushed here.
const TOO_LITTLE: u64 = 40_000;

/// Sets the limit of the project that is pushed to; returns what it uses.
fn limit(server: &Server, hard: Option<u64>) -> u64 {
    let limits = json!({ "bytes": { "hard": hard, "warn": null }, "manifests": { "hard": null, "warn": null } });
    let quota = server.manage("PUT", "projects/demo/quota", &limits);
    quota["bytes"]["used"].as_u64().expect("a number")
}

/// A server whose project `demo` has no room for a layer.
fn full() -> Server {
    let server = Server::start();
    server.manage("POST", "projects", &json!({ "name": "demo" }));
    limit(&server, Some(TOO_LITTLE));
    server
}

/// Pushes where there is no room, then where there is.
fn push_twice(server: &Server, push: impl Fn() -> Program) {
    let said = push().refused();
    assert!(said.contains("project `demo` may hold 40 kB"), "{said}");
    // The config may have found room: it is small.
    let used = limit(server, None);
    assert!(used < TOO_LITTLE, "{used} bytes are charged for");
    assert!(stored_bytes(&server.folder.path().join("data/blobs")) < TOO_LITTLE, "bytes stayed");
    server.administrator().get("/v2/demo/app/manifests/v1").expect(404);
    push().run();
    stored(server, "demo/app", "v1");
    assert!(limit(server, None) > TOO_LITTLE);
}

/// All bytes below a folder.
fn stored_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => stored_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

#[test]
fn skopeo_shows_why_a_full_project_takes_nothing() {
    if !has(&["skopeo"]) {
        return;
    }
    let server = full();
    let home = server.subfolder("home");
    let made = layout::image(&home);
    skopeo::log_in(&server, &home);
    let (local, remote) =
        (format!("oci:{}:{TAG}", made.path.display()), format!("docker://{}/demo/app:v1", server.address));
    push_twice(&server, || Program::new("skopeo", &home).args(["copy", "--dest-tls-verify=false", &local, &remote]));
}

#[test]
fn crane_shows_why_a_full_project_takes_nothing() {
    if !has(&["crane"]) {
        return;
    }
    let server = full();
    let home = server.subfolder("home");
    let made = layout::image(&home);
    let words = ["auth", "login", &server.address, "--username", ADMINISTRATOR, "--password", &server.password];
    Program::new("crane", &home).args(words).run();
    let remote = format!("{}/demo/app:v1", server.address);
    push_twice(&server, || Program::new("crane", &home).args([Path::new("push"), &made.path, Path::new(&remote)]));
}

#[test]
fn podman_shows_why_a_full_project_takes_nothing() {
    if !has(&["podman"]) || !is_root() {
        return;
    }
    let server = full();
    let home = server.subfolder("home");
    let id = podman::import(&home);
    podman::log_in(&server, &home);
    let remote = format!("{}/demo/app:v1", server.address);
    push_twice(&server, || podman::podman(&home, "one").args(["push", "--tls-verify=false", &id, &remote]));
}

#[test]
fn root_docker_shows_why_a_full_project_takes_nothing() {
    if !has(&["docker", "dockerd"]) || !is_root() {
        return;
    }
    let server = full();
    let home = server.subfolder("home");
    let daemon = docker::Daemon::start(&home);
    let remote = format!("{}/demo/app:v1", server.address);
    daemon.import(&remote);
    daemon.log_in(&server, &server.password).run();
    push_twice(&server, || daemon.docker().args(["push", &remote]));
}
