//! `wharf fsck` against a running server whose disk went wrong.

use std::path::{Path, PathBuf};

use super::management::administrator;
use super::server::Server;
use super::transfers::{ZEROS, push_zeros};

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_flipped_bit_is_found_quarantined_and_healed_by_a_push() {
    let server = Server::start(&["--open"]);
    let admin = administrator(&server);
    let blob = push_zeros(&server, ZEROS.0, ZEROS.1);
    let clean = admin.run("fsck --json").json();
    assert_eq!((&clean["state"], &clean["looked_at"]["read_bytes"]), (&"done".into(), &ZEROS.0.into()), "{clean}");

    let stored = files(&server.data().join("blobs"));
    let [path] =
        stored.iter().filter(|path| path.parent().is_some_and(|it| !it.ends_with("uploads"))).collect::<Vec<_>>()[..]
    else {
        panic!("one blob: {stored:?}");
    };
    let mut bytes = std::fs::read(path).expect("read");
    bytes[12_345_678] ^= 1;
    std::fs::write(path, &bytes).expect("written");
    drop(admin.run("fsck --no-bytes --json").json());
    let found = admin.run("fsck --rate 1GB");
    assert_eq!(found.code, 10);
    assert!(found.out.contains("blob_digest") && found.out.contains("a/b"), "{}", found.out);
    let told = admin.run("fsck --status --json");
    assert_eq!(told.code, 10);
    let told: serde_json::Value = serde_json::from_str(&told.out).expect("JSON");
    assert_eq!(told["found"][0]["problem"], "blob_digest");
    assert_eq!(told["found"][0]["resolution"], "quarantined");
    assert!(server.get(&blob).starts_with("HTTP/1.1 404"));
    assert!(path.exists(), "nothing is deleted");

    push_zeros(&server, ZEROS.0, ZEROS.1);
    admin.run("fsck").done();
    assert!(server.get(&blob).starts_with("HTTP/1.1 200"));
}
