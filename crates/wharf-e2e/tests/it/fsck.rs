//! `wharf fsck` beside another registry that has the same content: what is damaged here comes from there.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::Program;
use crate::http::Payload;
use crate::image::{Algorithm, Content, OCI_MANIFEST, Shape};
use crate::random;
use crate::server::{ADMINISTRATOR, Server, Settings, binary};
use crate::specification::Repository;

const LAYER_BYTES: usize = 3_456_789;

/// Pushes the same image to a repository.
fn push(server: &Server, repository: &str, content: &Content) {
    let client = server.administrator();
    let repository = Repository::new(&client, repository);
    content.blobs.iter().for_each(|(digest, bytes)| repository.push(digest, bytes));
    repository.put("v1", OCI_MANIFEST, &content.documents[0].bytes).expect(201);
}

/// The file that holds a blob, found by what is in it.
fn file_of(digest: &str, folder: &Path) -> Option<PathBuf> {
    let mut entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    entries.find_map(|path| match std::fs::read(&path) {
        Ok(bytes) if Algorithm::Sha256.digest(&bytes) == digest => Some(path),
        Ok(_) => None,
        Err(_) => file_of(digest, &path),
    })
}

/// Runs `wharf fsck` and returns its exit code and what it found.
fn fsck(server: &Server) -> (Option<i32>, Value) {
    let home = server.subfolder("home");
    let password = server.folder.path().join("password");
    let line = r#"exec "$0" fsck --json --server "$1" --username "$2" --password-stdin < "$3""#;
    let words =
        [Path::new("-c"), Path::new(line), &binary(), Path::new(&server.address), Path::new(ADMINISTRATOR), &password];
    let output = Program::new("sh", &home).args(words).output();
    let text = String::from_utf8_lossy(&output.stdout);
    let told = serde_json::from_str(&text);
    (output.status.code(), told.unwrap_or_else(|error| panic!("{error}: {text} {output:?}")))
}

/// A log-in file as `docker login` writes it.
fn logins(folder: &Path, server: &Server) -> String {
    let auth = server.basic().trim_start_matches("Basic ").to_owned();
    let path = folder.join("config.json");
    std::fs::write(&path, serde_json::json!({ "auths": { &server.address: { "auth": auth } } }).to_string())
        .expect("a writable folder");
    path.display().to_string()
}

#[test]
fn damaged_and_lost_blobs_come_back_from_another_registry() {
    let mut content = Content::new(Algorithm::Sha256);
    let layer = content.blob("application/octet-stream", random::bytes(LAYER_BYTES));
    content.shaped(&Shape {
        members: vec![("layers", serde_json::json!([layer]))],
        layers: Some(0),
        ..Shape::default()
    });
    let whole = Server::start();
    push(&whole, "copies/ours/shop/app", &content);

    let folder = tempfile::tempdir().expect("a folder");
    // The first source knows nothing, the second wants a log-in.
    let sources = format!("http://127.0.0.1:9,http://{}/copies/ours", whole.address);
    let variables =
        vec![("WHARF_FSCK_SOURCES", sources), ("WHARF_FSCK_CREDENTIALS_FILE", logins(folder.path(), &whole))];
    let server = Server::with(Settings { variables, ..Settings::default() });
    push(&server, "shop/app", &content);
    assert_eq!(fsck(&server).0, Some(0), "nothing is wrong yet");

    let digest = layer["digest"].as_str().expect("a digest");
    let file = || file_of(digest, &server.folder.path().join("data/blobs")).expect("the layer's file");
    let damage = |file: &Path| {
        let mut bytes = std::fs::read(file).expect("readable");
        bytes[1_000_000] ^= 1;
        std::fs::write(file, bytes).expect("writable");
    };
    let lose = |file: &Path| std::fs::remove_file(file).expect("removed");
    for harm in [&damage as &dyn Fn(&Path), &lose] {
        harm(&file());
        let (code, told) = fsck(&server);
        assert_eq!(code, Some(0), "{told}");
        let [found] = told["found"].as_array().expect("findings").as_slice() else { panic!("{told}") };
        assert_eq!((&found["subject"], &found["resolution"]), (&digest.into(), &"repaired".into()));
        assert!(found["details"].as_str().is_some_and(|text| text.contains(&whole.address)), "{told}");
        Repository::new(&server.administrator(), "shop/app").has_blob(digest, &content.blobs[digest]);
    }
    let figures = server.anonymous().exchange("GET", "/metrics", &[], Payload::Empty).expect("an answer").text();
    assert!(figures.contains("wharf_fsck_findings 0"), "{figures}");

    // What nobody has stays away, and is told.
    drop(whole);
    damage(&file());
    let (code, told) = fsck(&server);
    assert_eq!((code, &told["found"][0]["resolution"]), (Some(10), &"quarantined".into()), "{told}");
    server.administrator().get(&format!("/v2/shop/app/blobs/{digest}")).expect(404);
}
