//! `wharf image diff` on layouts that lie on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use wharf_oci::{Algorithm, Digest, MediaType};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A folder with layouts in it.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a blob into a layout and answers its descriptor.
    fn blob(&self, layout: &str, media_type: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(Algorithm::Sha256, bytes);
        let blobs = self.path(layout).join("blobs/sha256");
        std::fs::create_dir_all(&blobs).expect("is made");
        std::fs::write(blobs.join(digest.hex()), bytes).expect("is written");
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
    }

    /// A layer with these files.
    fn layer(&self, layout: &str, files: &[(&str, &str)]) -> Value {
        let tree = TempDir::new_in(self.0.path()).expect("a folder");
        for (path, content) in files {
            let file = tree.path().join(path);
            std::fs::create_dir_all(file.parent().expect("it is in a folder")).expect("is made");
            std::fs::write(file, content).expect("is written");
        }
        let archive = self.path("layer.tar");
        let mut tar = Command::new("tar");
        tar.args(["--sort=name", "--owner=0", "--group=0", "--mode=0755", "--mtime=@0", "-cf"]).arg(&archive);
        assert!(tar.arg("-C").arg(tree.path()).arg(".").status().expect("runs").success());
        self.blob(layout, LAYER, &std::fs::read(&archive).expect("is read"))
    }

    fn image(&self, layout: &str, config: &Value, layers: &[Value]) -> Value {
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": config, "rootfs": { "type": "layers", "diff_ids": [] },
        });
        let config = self.blob(layout, CONFIG, config.to_string().as_bytes());
        let media_type = MediaType::OciManifest.as_str();
        let manifest = json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers });
        self.blob(layout, media_type, manifest.to_string().as_bytes())
    }

    fn list(&self, layout: &str, entries: &[Value]) {
        let index = json!({ "schemaVersion": 2, "manifests": entries });
        std::fs::write(self.path(layout).join("index.json"), index.to_string()).expect("is written");
        std::fs::write(self.path(layout).join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("is written");
    }

    /// Two images that share a layer and differ in all that can differ.
    fn two_images(&self) {
        let base = [("etc/name", "base"), ("etc/old", "x")];
        let top = self.layer("one", &[("app/run", "1")]);
        let first = json!({ "Env": ["A=1"], "User": "app" });
        let one = self.image("one", &first, &[self.layer("one", &base), top]);
        self.list("one", &[one]);
        let top = self.layer("two", &[("app/run", "22"), ("app/help", "new"), ("etc/name", "BASE")]);
        let gone = self.layer("two", &[("etc/.wh.old", "")]);
        let two = self.image("two", &json!({ "Env": ["A=2"] }), &[self.layer("two", &base), top, gone]);
        self.list("two", &[two]);
    }

    fn diff(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
        command.current_dir(self.0.path()).args(["image", "diff"]).args(arguments).output().expect("runs")
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = self.diff(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

#[test]
fn two_images_differ_in_config_layers_and_files() {
    let bench = Bench::new();
    bench.two_images();
    let told = bench.told(&["oci:one", "oci:two"]);
    let lines: Vec<&str> = told.lines().map(str::trim).collect();
    for line in [
        r#"~ Env A: "1" → "2""#,
        r#"- User: "app""#,
        "~ /app/run  content 1 B → 2 B",
        "+ /app/help  3 B",
        "~ /etc/name  content, of the same size",
        "- /etc/old  1 B",
        "files: 1 added (3 B), 1 removed (1 B), 2 changed (6 B)",
    ] {
        assert!(lines.contains(&line), "{line} in\n{told}");
    }
    let signs: Vec<&str> = lines.iter().filter(|line| line.contains("sha256:")).map(|line| &line[..1]).collect();
    assert_eq!(signs, ["=", "-", "+", "+"]);
}

#[test]
fn scripts_get_the_same_as_json() {
    let bench = Bench::new();
    bench.two_images();
    let told: Value = serde_json::from_str(&bench.told(&["oci:one", "oci:two", "--json"])).expect("JSON");
    assert_eq!(told["before"]["name"], "oci:one");
    assert_eq!(told["config"][0], json!({ "name": "Env A", "before": "1", "after": "2" }));
    let places: Vec<_> = told["layers"].as_array().expect("a list").iter().map(|layer| layer["in"].clone()).collect();
    assert_eq!(places, ["both", "before", "after", "after"]);
    let files = told["files"].as_array().expect("a list");
    let run = files.iter().find(|file| file["path"] == "/app/run").expect("it changed");
    assert_eq!(run["change"], "changed");
    let content = Digest::of(Algorithm::Sha256, b"22").to_string();
    let after = json!({ "type": "file", "mode": "0755", "uid": 0, "gid": 0, "size_bytes": 2, "content": content });
    assert_eq!(run["after"], after);
}

#[test]
fn an_image_does_not_differ_from_itself_and_nothing_is_read() {
    let bench = Bench::new();
    bench.two_images();
    for blob in std::fs::read_dir(bench.path("one/blobs/sha256")).expect("is read") {
        let path = blob.expect("is read").path();
        if std::fs::metadata(&path).expect("is there").len() >= 10_240 {
            std::fs::remove_file(path).expect("is removed");
        }
    }
    assert!(bench.told(&["oci:one", "oci:one"]).ends_with("files: 0 added (0 B), 0 removed (0 B), 0 changed (0 B)\n"));
}

#[test]
fn a_platform_is_chosen() {
    let bench = Bench::new();
    let entry = |architecture: &str, content: &str| {
        let mut image = bench.image("many", &json!({}), &[bench.layer("many", &[("file", content)])]);
        image["platform"] = json!({ "os": "linux", "architecture": architecture });
        image
    };
    let media_type = MediaType::OciIndex.as_str();
    let manifests = [entry("s390x", "1"), entry("riscv64", "22")];
    let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests });
    let index = bench.blob("many", media_type, index.to_string().as_bytes());
    bench.list("many", &[index]);
    let one = bench.image("one", &json!({}), &[bench.layer("one", &[("file", "1")])]);
    bench.list("one", &[one]);
    let told = |platform: &str| bench.told(&["oci:one", "oci:many", "--platform", platform]);
    assert!(told("linux/s390x").contains("0 changed"));
    assert!(told("linux/riscv64").contains("~ /file"));
    let refused = bench.diff(&["oci:one", "oci:many"]);
    assert_eq!(refused.status.code(), Some(7), "{refused:?}");
}

#[test]
fn what_is_no_image_is_refused_and_says_why() {
    let bench = Bench::new();
    bench.two_images();
    let artifact = json!({
        "schemaVersion": 2, "mediaType": MediaType::OciManifest.as_str(), "artifactType": "text/plain",
        "config": bench.blob("file", "application/vnd.oci.empty.v1+json", b"{}"), "layers": [],
    });
    let artifact = bench.blob("file", MediaType::OciManifest.as_str(), artifact.to_string().as_bytes());
    bench.list("file", &[artifact]);
    let hostile = bench.blob("bad", LAYER, &[1; 1024]);
    let hostile = bench.image("bad", &json!({}), &[hostile]);
    bench.list("bad", &[hostile]);
    for (other, code, words) in [
        ("oci:file", 2, "is no image with a file system"),
        ("oci:missing", 7, "cannot open"),
        ("oci:two:tag", 7, "there is no image `tag`"),
        ("oci:bad", 1, "a header's checksum is wrong"),
    ] {
        let refused = bench.diff(&["oci:one", other]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(code), "{other}: {said}");
        assert!(said.contains(words), "{said}");
        assert!(said.contains("hint: "), "{said}");
    }
    assert!(Path::new(&bench.path("missing")).symlink_metadata().is_err(), "reading makes nothing");
}
