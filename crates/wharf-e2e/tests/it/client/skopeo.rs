//! skopeo: the copy tool of the podman family.

use std::path::Path;

use crate::client::stored;
use crate::command::{Program, has};
use crate::layout::{self, TAG};
use crate::server::{ADMINISTRATOR, Server};

fn skopeo(home: &Path) -> Program {
    Program::new("skopeo", home)
}

pub(crate) fn log_in(server: &Server, home: &Path) {
    let words =
        ["login", "--tls-verify=false", "--username", ADMINISTRATOR, "--password", &server.password, &server.address];
    skopeo(home).args(words).run();
}

#[test]
fn skopeo_is_told_when_its_password_is_wrong() {
    if !has(&["skopeo"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let words = ["login", "--tls-verify=false", "--username", ADMINISTRATOR, "--password", "wrong", &server.address];
    let said = skopeo(&home).args(words).refused();
    assert!(said.contains("invalid username/password") || said.contains("unauthorized"), "{said}");
}

#[test]
fn skopeo_brings_an_image_back_byte_for_byte() {
    if !has(&["skopeo"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let made = layout::image(&home);
    let remote = format!("docker://{}/demo/app:v1", server.address);
    let local = |path: &Path| format!("oci:{}:{TAG}", path.display());
    log_in(&server, &home);
    skopeo(&home).args(["copy", "--dest-tls-verify=false", &local(&made.path), &remote]).run();
    assert_eq!(stored(&server, "demo/app", "v1").0, made.digest);
    let back = home.join("back");
    skopeo(&home).args(["copy", "--src-tls-verify=false", &remote, &local(&back)]).run();
    layout::same(&made.path, &back);
    let tags =
        skopeo(&home).args(["list-tags", "--tls-verify=false", &format!("docker://{}/demo/app", server.address)]).run();
    assert!(tags.contains("\"v1\""), "{tags}");
}

#[test]
fn skopeo_copies_every_platform_of_an_index_and_deletes_it() {
    if !has(&["skopeo"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let made = layout::index(&home);
    let remote = format!("docker://{}/demo/many:v1", server.address);
    let local = |path: &Path| format!("oci:{}:{TAG}", path.display());
    log_in(&server, &home);
    skopeo(&home).args(["copy", "--all", "--dest-tls-verify=false", &local(&made.path), &remote]).run();
    assert_eq!(stored(&server, "demo/many", "v1").0, made.digest);
    let back = home.join("back");
    skopeo(&home).args(["copy", "--all", "--src-tls-verify=false", &remote, &local(&back)]).run();
    layout::same(&made.path, &back);
    skopeo(&home).args(["delete", "--tls-verify=false", &remote]).run();
    server.administrator().get("/v2/demo/many/manifests/v1").expect(404);
}
