//! `wharf build`, as people use it: what comes out is looked at by others.

mod cache;
mod config;
mod files;
mod outputs;
mod running;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Program, has, is_root};
use crate::server::binary;

/// A node of its own with a base image: busybox, and nothing else.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// None where this machine cannot build; then it has said so.
    fn new() -> Option<Self> {
        if !has(&["busybox"]) || !is_root() {
            return None;
        }
        let bench = Self { folder: tempfile::tempdir().expect("a folder") };
        let base = bench.folder.path().join("base");
        for name in ["bin", "etc", "tmp", "root", "proc", "sys", "dev"] {
            std::fs::create_dir_all(base.join(name)).expect("a writable folder");
        }
        std::fs::copy(busybox(), base.join("bin/busybox")).expect("busybox is there");
        for name in [
            "sh", "cat", "ls", "echo", "mkdir", "touch", "rm", "ln", "cp", "mv", "chmod", "id", "env", "stat", "sleep",
            "hostname", "nslookup", "test", "find", "sort", "grep", "wc", "dd", "pwd", "head", "mount",
        ] {
            std::os::unix::fs::symlink("busybox", base.join("bin").join(name)).expect("linked");
        }
        std::fs::write(base.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home:/bin/sh\n")
            .expect("written");
        std::fs::write(base.join("etc/group"), "root:x:0:\nteam:x:1001:\n").expect("written");
        bench.wharf(&["image", "import", "base", "base:1"]).run();
        Some(bench)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn wharf(&self, words: &[&str]) -> Program {
        let program = Program::new(binary().to_str().expect("a path"), self.path()).args(words);
        program.args([Path::new("--store"), &self.path().join("store")])
    }

    /// Writes a file of the context.
    fn write(&self, path: &str, content: &str) {
        let path = self.path().join("context").join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, content).expect("written");
    }

    /// Builds the context with this Dockerfile.
    fn build(&self, dockerfile: &str, words: &[&str]) -> Program {
        self.write("Dockerfile", dockerfile);
        self.wharf(&["build", "context", "--progress=plain"]).args(words)
    }

    /// Builds it and gives the config, and the file system in a folder.
    fn built(&self, dockerfile: &str, words: &[&str]) -> (Value, PathBuf) {
        let (layout, tree) = (self.path().join("layout"), self.path().join("tree"));
        drop((std::fs::remove_dir_all(&layout), std::fs::remove_dir_all(&tree)));
        let outputs = ["--output", "type=oci,tar=false,dest=layout", "--output", "type=local,dest=tree"];
        self.build(dockerfile, &outputs).args(words).run();
        let blob = |digest: &Value| {
            let digest = digest.as_str().expect("a digest").trim_start_matches("sha256:").to_owned();
            let bytes = std::fs::read(layout.join("blobs/sha256").join(digest)).expect("a blob");
            serde_json::from_slice::<Value>(&bytes).expect("JSON")
        };
        let index: Value =
            serde_json::from_slice(&std::fs::read(layout.join("index.json")).expect("an index")).expect("JSON");
        let manifest = blob(&index["manifests"][0]["digest"]);
        (blob(&manifest["config"]["digest"]), tree)
    }
}

fn busybox() -> PathBuf {
    ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from).into_iter().find(|path| path.is_file()).expect("installed")
}

/// What stands in a file of a built tree.
fn text(tree: &Path, path: &str) -> String {
    std::fs::read_to_string(tree.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
