//! buildah: builds images and pushes them.

use std::path::Path;

use crate::client::stored;
use crate::command::{Program, has, is_root};
use crate::random;
use crate::server::{ADMINISTRATOR, Server};

fn buildah(home: &Path, store: &str) -> Program {
    let root = home.join(store);
    let program = Program::new("buildah", home).args(["--storage-driver", "vfs"]);
    program.args([Path::new("--root"), &root.join("root"), Path::new("--runroot"), &root.join("run")])
}

#[test]
fn buildah_builds_from_nothing_pushes_and_pulls_the_same_image() {
    if !has(&["buildah"]) || !is_root() {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    std::fs::write(home.join("unique"), random::bytes(50_000)).expect("a writable folder");
    let credentials = format!("{ADMINISTRATOR}:{}", server.password);
    let remote = format!("docker://{}/demo/built:v1", server.address);
    let container = buildah(&home, "one").args(["from", "scratch"]).run();
    buildah(&home, "one").args(["copy", "--quiet", &container, "unique", "/unique"]).run();
    let id = buildah(&home, "one").args(["commit", "--quiet", &container, "built"]).run();
    buildah(&home, "one")
        .args([
            "push",
            "--quiet",
            "--tls-verify=false",
            "--creds",
            &credentials,
            "--digestfile",
            "digest",
            &id,
            &remote,
        ])
        .run();
    let digest = std::fs::read_to_string(home.join("digest")).expect("buildah wrote it");
    assert_eq!(stored(&server, "demo/built", "v1").0, digest.trim());
    let pulled =
        buildah(&home, "two").args(["pull", "--quiet", "--tls-verify=false", "--creds", &credentials, &remote]).run();
    assert_eq!(pulled, id);
}
