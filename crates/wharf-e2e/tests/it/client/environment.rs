//! A promoted environment: every client shows the administrator why nothing is pushed or deleted there, and how images get
//! there instead. What passes through a promotion is tested where promotion is.

use std::path::Path;

use serde_json::json;

use crate::client::{docker, podman, skopeo};
use crate::command::{Program, has, is_root};
use crate::layout::{self, TAG};
use crate::server::{ADMINISTRATOR, Server};

const SENTENCE: &str = "`t/demo/app` is the environment `t`: images get there by promotion only, see `wharf promote`";

/// A server with a project whose images could be promoted, and the name of one in its test environment.
fn server() -> (Server, String) {
    let server = Server::start();
    server.manage("POST", "projects", &json!({ "name": "demo" }));
    let remote = format!("{}/t/demo/app:v1", server.address);
    (server, remote)
}

fn refused(server: &Server, program: Program) {
    let said = program.refused();
    assert!(said.replace("\\", "").contains(SENTENCE), "{said}");
    server.administrator().get("/v2/t/demo/app/tags/list").expect(404);
}

#[test]
fn skopeo_shows_how_images_get_into_an_environment() {
    if !has(&["skopeo"]) {
        return;
    }
    let (server, remote) = server();
    let home = server.subfolder("home");
    let local = format!("oci:{}:{TAG}", layout::image(&home).path.display());
    skopeo::log_in(&server, &home);
    let copy = |from: &str, to: &str| {
        let words = ["copy", "--src-tls-verify=false", "--dest-tls-verify=false", from, to];
        Program::new("skopeo", &home).args(words)
    };
    refused(&server, copy(&local, &format!("docker://{remote}")));
    let development = format!("docker://{}/demo/app:v1", server.address);
    copy(&local, &development).run();
    // Also where no byte would be sent.
    refused(&server, copy(&development, &format!("docker://{remote}")));
}

#[test]
fn crane_shows_how_images_get_into_an_environment_and_that_nothing_is_deleted_there() {
    if !has(&["crane"]) {
        return;
    }
    let (server, remote) = server();
    let home = server.subfolder("home");
    let made = layout::image(&home);
    let words = ["auth", "login", &server.address, "--username", ADMINISTRATOR, "--password", &server.password];
    Program::new("crane", &home).args(words).run();
    let crane = || Program::new("crane", &home);
    refused(&server, crane().args([Path::new("push"), &made.path, Path::new(&remote)]));
    // Development by its other name.
    let development = format!("{}/d/demo/app:v1", server.address);
    crane().args([Path::new("push"), &made.path, Path::new(&development)]).run();
    assert_eq!(crane().args(["digest", &format!("{}/demo/app:v1", server.address)]).run(), made.digest);
    refused(&server, crane().args(["copy", &development, &remote]));
    refused(&server, crane().args(["delete", &remote]));
}

#[test]
fn podman_shows_how_images_get_into_an_environment() {
    if !has(&["podman"]) || !is_root() {
        return;
    }
    let (server, remote) = server();
    let home = server.subfolder("home");
    let id = podman::import(&home);
    podman::log_in(&server, &home);
    refused(&server, podman::podman(&home, "one").args(["push", "--tls-verify=false", &id, &remote]));
}

#[test]
fn root_docker_shows_how_images_get_into_an_environment() {
    if !has(&["docker", "dockerd"]) || !is_root() {
        return;
    }
    let (server, remote) = server();
    let home = server.subfolder("home");
    let daemon = docker::Daemon::start(&home);
    daemon.import(&remote);
    daemon.log_in(&server, &server.password).run();
    refused(&server, daemon.docker().args(["push", &remote]));
}
