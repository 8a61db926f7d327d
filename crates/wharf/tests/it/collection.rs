//! `wharf gc`, `wharf bin` and `wharf admin usage` against a running server: what was deleted comes back, or its space.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use wharf_oci::{Algorithm, Digest, MediaType};

use super::management::{Shell, administrator};
use super::server::{Server, eventually, read_answer};

const CONFIG: &[u8] = b"{}";

/// An image that was pushed.
pub(crate) struct Pushed {
    pub(crate) manifest: String,
    layer: String,
}

/// A server that anyone may push to, that collects when it is asked to, and after a second.
pub(crate) fn server() -> Server {
    Server::start_with(&["--open"], |command| {
        command.env("WHARF_COLLECTION_GRACE", "1s").env("WHARF_COLLECTION_INTERVAL", "1h");
    })
}

fn send(server: &Server, request: &str, media_type: &str, body: &[u8]) -> String {
    let mut stream = server.connect();
    let head = format!("{request} HTTP/1.1\r\nhost: a\r\ncontent-type: {media_type}\r\n");
    write!(stream, "{head}content-length: {}\r\n\r\n", body.len()).expect("sent");
    stream.write_all(body).expect("sent");
    read_answer(&mut stream)
}

fn push_blob(server: &Server, repository: &str, bytes: &[u8]) -> String {
    let digest = Digest::of(Algorithm::Sha256, bytes).to_string();
    let request = format!("POST /v2/{repository}/blobs/uploads/?digest={digest}");
    let answer = send(server, &request, "application/octet-stream", bytes);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    digest
}

pub(crate) fn push_image(server: &Server, repository: &str, tag: &str, layer: &[u8]) -> Pushed {
    let descriptor = |kind: &str, bytes: &[u8]| {
        let digest = push_blob(server, repository, bytes);
        json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest, "size": bytes.len() })
    };
    let media_type = MediaType::OciManifest.as_str();
    let layer = descriptor("layer.v1.tar", layer);
    let config = descriptor("config.v1+json", CONFIG);
    let manifest = json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [layer] });
    let bytes = manifest.to_string().into_bytes();
    let answer = send(server, &format!("PUT /v2/{repository}/manifests/{tag}"), media_type, &bytes);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let digest = Digest::of(Algorithm::Sha256, &bytes).to_string();
    Pushed { manifest: digest, layer: manifest["layers"][0]["digest"].as_str().expect("a digest").to_owned() }
}

/// What a GET of `path` is answered with.
fn code(server: &Server, path: &str) -> String {
    server.get(path).split(' ').nth(1).expect("a code").to_owned()
}

/// How many bytes lie below a folder.
fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { bytes_below(&path) } else { path.metadata().expect("a file").len() }).sum()
}

/// The entries of a list that comes line by line.
fn lines(shell: &Shell, words: &str) -> Vec<Value> {
    let text = shell.run(&format!("{words} --json")).done();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn what_was_deleted_is_listed_restored_and_pulled_again() {
    let server = server();
    let admin = administrator(&server);
    let pushed = push_image(&server, "shop/web", "v1", b"one");
    let manifest = format!("/v2/shop/web/manifests/{}", pushed.manifest);
    admin.run(&format!("rm {}/shop/web@{}", server.address(), pushed.manifest)).done();
    assert_eq!((code(&server, &manifest), code(&server, "/v2/shop/web/manifests/v1")), ("404".into(), "404".into()));
    for place in ["shop", "shop/web"] {
        let binned = lines(&admin, &format!("bin ls {place}"));
        let listed: Vec<_> = binned.iter().map(|entry| (&entry["tag"], &entry["digest"])).collect();
        let digest = Value::from(pushed.manifest.clone());
        assert_eq!(listed, [(&"v1".into(), &digest), (&Value::Null, &digest)], "{place}");
    }
    assert_eq!(lines(&admin, "bin ls shop/api"), [] as [Value; 0]);

    assert!(admin.run("bin restore shop/web:v1").done().contains(&pushed.manifest));
    admin.run("gc").done();
    assert_eq!(code(&server, "/v2/shop/web/manifests/v1"), "200");
    assert_eq!(code(&server, &format!("/v2/shop/web/blobs/{}", pushed.layer)), "200");

    push_image(&server, "shop/web", "v1", b"two");
    let refused = admin.run(&format!("bin restore shop/web:v1@{}", pushed.manifest)).failed(8);
    assert!(refused.contains("v1"), "{refused}");
    admin.run(&format!("bin restore shop/web:v1@{} --overwrite", pushed.manifest)).done();
    assert_eq!(code(&server, &manifest), "200");
    assert!(server.get("/v2/shop/web/manifests/v1").contains(&pushed.manifest), "the tag is back");
    let actions: Vec<_> = admin.run("audit list --json").json().as_array().expect("a list").clone();
    let actions: Vec<_> = actions.iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(actions.contains(&"tag.restore") && actions.contains(&"manifest.delete"), "{actions:?}");
}

#[test]
fn after_the_bin_is_emptied_and_the_grace_is_over_the_disk_has_its_bytes_back() {
    const LAYER: usize = 1 << 20;
    let server = server();
    let admin = administrator(&server);
    let blobs = server.data().join("blobs");
    let kept = push_image(&server, "shop/api", "v1", b"kept");
    let before = bytes_below(&blobs);
    let pushed = push_image(&server, "shop/web", "v1", &vec![7; LAYER]);
    admin.run(&format!("rm {}/shop/web@{}", server.address(), pushed.manifest)).done();
    let with_layer = bytes_below(&blobs);
    assert!(with_layer >= before + LAYER as u64);

    eventually("the grace is over", || admin.run("gc status --json").json()["backlog"]["reviews"].as_u64() > Some(0));
    admin.run("gc").done();
    assert!(bytes_below(&blobs) >= before + LAYER as u64, "the bin keeps it");
    let held = admin.run(&format!("gc why {} --json", pushed.layer)).json();
    assert_eq!(held["manifests"][0]["digest"], pushed.manifest);
    assert!(held["manifests"][0]["binned_until"].is_string(), "{held}");

    assert!(admin.run("bin empty shop/web").done().contains("manifests gone  1"));
    assert!(admin.run("bin restore shop/web:v1").failed(7).contains("not in the bin"));
    let mut passes = Vec::new();
    eventually("the bytes are gone", || {
        passes.push(admin.run("gc --json").json());
        bytes_below(&blobs) == before
    });
    let given_back: u64 = passes.iter().filter_map(|pass| pass["size_bytes"].as_u64()).sum();
    assert!(given_back >= LAYER as u64, "{passes:?}");
    admin.run(&format!("gc why {}", pushed.layer)).failed(7);
    assert_eq!(code(&server, &format!("/v2/shop/api/blobs/{}", kept.layer)), "200");
    let status = admin.run("gc status --json").json();
    assert_eq!((&status["backlog"]["deleting"], &status["is_running"]), (&0.into(), &false.into()), "{status}");
    assert!(admin.run("gc status").done().contains("0 to delete (0 bytes)"));
}

#[test]
fn a_dry_run_says_what_will_go_and_takes_nothing() {
    let server = server();
    let admin = administrator(&server);
    let pushed = push_image(&server, "shop/web", "v1", b"one");
    let unused = push_blob(&server, "shop/web", b"nobody names it");
    admin.run(&format!("rm {}/shop/web@{}", server.address(), pushed.manifest)).done();
    let forecast = lines(&admin, "gc --dry-run");
    let reason = |digest: &str| {
        let entry = forecast.iter().find(|entry| entry["digest"] == digest);
        entry.map(|entry| entry["reason"].as_str().expect("a reason"))
    };
    assert_eq!(reason(&unused), Some("unused"));
    assert_eq!(reason(&pushed.manifest), Some("binned"));
    assert_eq!(reason(&pushed.layer), None, "what is in the bin holds it");
    assert!(forecast.iter().all(|entry| entry["due_at"].is_string()));
    let table = admin.run("gc --dry-run").done();
    assert!(table.starts_with("REASON ") && table.contains(&unused), "{table}");
    assert_eq!(code(&server, &format!("/v2/shop/web/blobs/{unused}")), "200");
}

#[test]
fn why_says_what_holds_a_digest() {
    let server = server();
    let admin = administrator(&server);
    let pushed = push_image(&server, "shop/web", "v1", b"one");
    push_image(&server, "shop/api", "v2", b"one");
    let held = admin.run(&format!("gc why {} --json", pushed.layer)).json();
    let all = |part: &str, member: &str| -> Vec<_> {
        held[part].as_array().expect("a list").iter().map(|entry| entry[member].clone()).collect()
    };
    assert_eq!(all("links", "is_named"), [true, true]);
    assert_eq!(all("manifests", "repository"), ["shop/web", "shop/api"]);
    assert_eq!(all("manifests", "tags"), [json!(["v1"]), json!(["v2"])]);
    assert_eq!(held["stored"][0]["is_present"], true);
    let told = admin.run(&format!("gc why {}", pushed.manifest)).done();
    assert!(told.contains("shop/web") && told.contains("v2"), "{told}");
    assert!(
        admin.run(&format!("gc why sha256:{}", "0".repeat(64))).failed(7).contains("neither a blob nor a manifest")
    );
    assert!(admin.run("gc why nonsense").failed(1).contains("a digest reads"));
    let shell = server.get("/api/v1/collection");
    assert!(shell.starts_with("HTTP/1.1 4"), "not for everybody: {shell}");
}

#[test]
fn what_is_shared_and_what_is_held_alone_adds_up() {
    const SHARED: u64 = 6;
    let server = server();
    let admin = administrator(&server);
    push_image(&server, "shop/web", "v1", b"shared");
    push_image(&server, "shop/web", "v2", b"alone in web");
    push_image(&server, "shop/api", "v1", b"shared");
    push_image(&server, "other/app", "v1", b"alone in the other");
    let usage = |words: &str| -> Vec<_> {
        let entries = lines(&admin, &format!("admin usage{words}"));
        let number = |entry: &Value, member: &str| entry[member].as_u64().expect("a number");
        let name = |entry: &Value| entry["name"].as_str().expect("a name").to_owned();
        entries.iter().map(|entry| (name(entry), number(entry, "size_bytes"), number(entry, "alone_bytes"))).collect()
    };
    let config = CONFIG.len() as u64;
    // Both projects hold the config.
    assert_eq!(
        usage(""),
        [("shop".to_owned(), SHARED + 12 + config, SHARED + 12), ("other".to_owned(), 18 + config, 18)]
    );
    assert_eq!(
        usage(" shop"),
        [("shop/api".to_owned(), SHARED + config, 0), ("shop/web".to_owned(), SHARED + 12 + config, 12)]
    );
    assert_eq!(usage(" shop/web"), [("v1".to_owned(), SHARED + config, 0), ("v2".to_owned(), 12 + config, 12)]);
    assert!(admin.run("admin usage shop").done().starts_with("NAME "));
    assert!(admin.run("admin usage nowhere").failed(7).contains("nowhere"));
    assert!(admin.run("admin usage shop/nowhere").failed(7).contains("shop/nowhere"));
}

#[test]
fn what_waits_stands_in_the_metrics() {
    let server = server();
    push_blob(&server, "shop/web", b"nobody names it");
    let line = |name: &str| {
        let text = server.get("/metrics");
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok())
    };
    eventually("the blob is due and counted", || line("wharf_collection_due_blobs ") == Some(1));
    assert_eq!(line("wharf_collection_rows_per_second "), Some(0));
    assert_eq!(line("wharf_collection_deleting_bytes "), Some(0));
    administrator(&server).run("gc").done();
    eventually("it is done", || line("wharf_collection_due_blobs ") == Some(0));
}
