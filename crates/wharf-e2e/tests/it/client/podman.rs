//! podman: Docker's commands without a daemon.

use std::path::Path;

use crate::client::stored;
use crate::command::{Program, has, is_root};
use crate::random;
use crate::server::{ADMINISTRATOR, Server};

/// A podman with a store of its own below `home`; `vfs` needs nothing of the kernel.
pub(crate) fn podman(home: &Path, store: &str) -> Program {
    let root = home.join(store);
    let program = Program::new("podman", home).args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]);
    program
        .args([Path::new("--root"), &root.join("root"), Path::new("--runroot"), &root.join("run")])
        .args([Path::new("--tmpdir"), &root.join("tmp")])
}

/// Makes an image of one file that no other image has; returns its id.
pub(super) fn import(home: &Path) -> String {
    std::fs::write(home.join("unique"), random::bytes(50_000)).expect("a writable folder");
    Program::new("tar", home).args(["-cf", "root.tar", "unique"]).run();
    podman(home, "one").args(["import", "--quiet", "root.tar"]).run()
}

fn login(server: &Server, home: &Path, password: &str) -> Program {
    let words = ["login", "--tls-verify=false", "--username", ADMINISTRATOR, "--password", password, &server.address];
    podman(home, "one").args(words)
}

pub(super) fn log_in(server: &Server, home: &Path) {
    login(server, home, &server.password).run();
}

#[test]
fn podman_logs_in_pushes_and_pulls_the_same_image() {
    if !has(&["podman"]) || !is_root() {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let remote = format!("{}/demo/app:v1", server.address);
    login(&server, &home, "wrong").refused();
    log_in(&server, &home);
    let id = import(&home);
    podman(&home, "one").args(["push", "--quiet", "--tls-verify=false", "--digestfile", "digest", &id, &remote]).run();
    let digest = std::fs::read_to_string(home.join("digest")).expect("podman wrote it");
    assert_eq!(stored(&server, "demo/app", "v1").0, digest.trim());
    // Another store, so that nothing of the image is there.
    let by_digest = format!("{}/demo/app@{}", server.address, digest.trim());
    let pulled = podman(&home, "two").args(["pull", "--quiet", "--tls-verify=false", &by_digest]).run();
    assert_eq!(pulled, id.trim_start_matches("sha256:"));
}
