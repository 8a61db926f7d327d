//! docker: the client and a daemon of the test's own, because `docker login` and `docker push` go through the daemon.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::stored;
use crate::command::{Program, has, is_root};
use crate::layout::{self, TAG};
use crate::random;
use crate::server::{ADMINISTRATOR, Server, binary};

/// A daemon without network and cgroup demands; it trusts plain HTTP on loopback, as every dockerd does.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    home: PathBuf,
}

impl Daemon {
    pub(super) fn start(home: &Path) -> Self {
        let log = std::fs::File::create(home.join("dockerd.log")).expect("a writable folder");
        let below = |name: &str| home.join(name).display().to_string();
        let mut command = Command::new("dockerd");
        command.args(["--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs"]);
        command.args(["--host", &format!("unix://{}", below("docker.sock")), "--data-root", &below("dockerd")]);
        command.args(["--exec-root", &below("exec"), "--pidfile", &below("dockerd.pid")]);
        command.env("PATH", format!("{}:/usr/sbin:/sbin", crate::command::variable("PATH").unwrap_or_default()));
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("dockerd starts");
        let mut daemon = Self { child, home: home.to_owned() };
        let start = Instant::now();
        while !daemon.docker().args(["version"]).output().status.success() {
            let log = std::fs::read_to_string(home.join("dockerd.log")).unwrap_or_default();
            let end = daemon.child.try_wait().expect("dockerd is our child");
            assert!(end.is_none() && start.elapsed() < Duration::from_secs(60), "dockerd does not answer:\n{log}");
            std::thread::sleep(Duration::from_millis(200));
        }
        daemon
    }

    /// Makes an image of one file that no other image has; returns its id.
    pub(super) fn import(&self, remote: &str) -> String {
        std::fs::write(self.home.join("unique"), random::bytes(50_000)).expect("a writable folder");
        Program::new("tar", &self.home).args(["-cf", "root.tar", "unique"]).run();
        self.docker().args(["import", "root.tar", remote]).run()
    }

    pub(super) fn log_in(&self, server: &Server, password: &str) -> Program {
        self.docker().args(["login", "--username", ADMINISTRATOR, "--password", password, &server.address])
    }

    pub(super) fn docker(&self) -> Program {
        let socket = self.home.join("docker.sock");
        Program::new("docker", &self.home).args(["--host", &format!("unix://{}", socket.display())])
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Asked to end, so that it ends its containerd too.
        let id = self.child.id().to_string();
        Program::new("kill", &self.home).args(["-TERM", &id]).output();
        drop(self.child.wait());
    }
}

#[test]
fn root_docker_logs_in_pushes_and_pulls_the_same_image() {
    if !has(&["docker", "dockerd"]) || !is_root() {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let daemon = Daemon::start(&home);
    let remote = format!("{}/demo/app:v1", server.address);
    let id = daemon.import(&remote);
    daemon.docker().args(["push", &remote]).refused();
    daemon.log_in(&server, "wrong").refused();
    daemon.log_in(&server, &server.password).run();
    daemon.docker().args(["push", &remote]).run();
    let (digest, _) = stored(&server, "demo/app", "v1");
    daemon.docker().args(["rmi", "--force", &id]).run();
    daemon.docker().args(["pull", &remote]).run();
    let inspect = ["image", "inspect", "--format", "{{.Id}} {{index .RepoDigests 0}}", remote.as_str()];
    let pulled = daemon.docker().args(inspect).run();
    assert_eq!(pulled, format!("{id} {}/demo/app@{digest}", server.address));
}

#[test]
fn root_docker_loads_what_wharf_writes_and_wharf_reads_what_docker_saves() {
    if !has(&["docker", "dockerd"]) || !is_root() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    let daemon = Daemon::start(home);
    let wharf = |words: &[&str]| Program::new(&binary().display().to_string(), home).args(words).run();
    let made = layout::image(home);
    let source = format!("oci:{}:{TAG}", made.path.display());
    wharf(&["copy", &source, "docker-archive:ours.tar:localhost/demo/app:v1"]);
    let said = daemon.docker().args(["load", "--input", "ours.tar"]).run();
    assert!(said.contains("localhost/demo/app:v1"), "{said}");
    daemon.docker().args(["save", "--output", "theirs.tar", "localhost/demo/app:v1"]).run();
    let told = wharf(&["image", "diff", &source, "docker-archive:theirs.tar"]);
    assert!(told.contains("files: 0 added (0 B), 0 removed (0 B), 0 changed (0 B)"), "{told}");
    assert!(!told.contains("config"), "{told}");
}
