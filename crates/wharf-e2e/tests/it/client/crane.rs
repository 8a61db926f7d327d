//! crane: the registry tool of go-containerregistry.

use std::collections::BTreeSet;
use std::path::Path;

use crate::client::stored;
use crate::command::{Program, has};
use crate::layout;
use crate::server::{ADMINISTRATOR, Server};

fn crane(home: &Path) -> Program {
    Program::new("crane", home)
}

fn log_in(server: &Server, home: &Path) {
    crane(home)
        .args(["auth", "login", &server.address, "--username", ADMINISTRATOR, "--password", &server.password])
        .run();
}

#[test]
fn crane_pushes_pulls_lists_copies_and_deletes() {
    if !has(&["crane"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let made = layout::image(&home);
    let image = |name: &str| format!("{}/{name}", server.address);
    log_in(&server, &home);
    crane(&home).args([Path::new("push"), &made.path, Path::new(&image("demo/app:v1"))]).run();
    assert_eq!(crane(&home).args(["digest", &image("demo/app:v1")]).run(), made.digest);
    crane(&home).args(["pull", "--format", "oci", &image("demo/app:v1"), "back"]).run();
    layout::same(&made.path, &home.join("back"));
    crane(&home).args(["tag", &image("demo/app:v1"), "stable"]).run();
    let tags = crane(&home).args(["ls", &image("demo/app")]).run();
    assert_eq!(tags.lines().collect::<BTreeSet<_>>(), BTreeSet::from(["stable", "v1"]));
    // Between repositories of one registry blobs are mounted, not sent again.
    crane(&home).args(["copy", &image("demo/app:v1"), &image("demo/copy:v1")]).run();
    assert_eq!(stored(&server, "demo/copy", "v1").0, made.digest);
    assert_eq!(crane(&home).args(["catalog", &server.address]).run(), "demo/app\ndemo/copy");
    crane(&home).args(["delete", &format!("{}@{}", image("demo/copy"), made.digest)]).run();
    crane(&home).args(["digest", &image("demo/copy:v1")]).refused();
    assert_eq!(crane(&home).args(["digest", &image("demo/app:v1")]).run(), made.digest);
}

#[test]
fn crane_pushes_an_index_and_is_refused_without_login() {
    if !has(&["crane"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let made = layout::index(&home);
    let remote = format!("{}/demo/many:v1", server.address);
    let push = || crane(&home).args([Path::new("push"), Path::new("--index"), &made.path, Path::new(&remote)]);
    push().refused();
    log_in(&server, &home);
    push().run();
    // crane pushes the layout's own index.json, whose one entry is our index.
    let (_, outer) = stored(&server, "demo/many", "v1");
    assert!(String::from_utf8_lossy(&outer).contains(&made.digest));
    stored(&server, "demo/many", &made.digest);
}
