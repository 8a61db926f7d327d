//! What lies on the disk says nothing, the master key opens it, and a node without that key does not start.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::management::administrator;
use super::server::{Server, run, wharf, write};
use super::transfers::{ZEROS, push_zeros};

/// How every PKCS#8 document says that its key is an Ed25519 one.
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn holds(path: &Path, wanted: &[u8]) -> bool {
    std::fs::read(path).expect("read").windows(wanted.len()).any(|window| window == wanted)
}

/// Why a server on the same folder does not start.
fn refusal(data: &Path, variables: &[(&str, &Path)]) -> String {
    let (code, _, problem) = run(|command| {
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.envs(variables.iter().copied());
    });
    assert_ne!(code, 0);
    problem
}

#[test]
fn the_first_start_makes_a_master_key_and_no_private_key_lies_plain() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    admin.run("key rotate").done();
    let key = server.data().join("master.key");
    assert_eq!(std::fs::metadata(&key).expect("a file").permissions().mode() & 0o777, 0o600);
    let catalog: Vec<_> =
        files(&server.data()).into_iter().filter(|path| path.display().to_string().contains("wharf.db")).collect();
    assert!(!catalog.is_empty());
    assert!(!catalog.iter().any(|path| holds(path, &ED25519)), "{catalog:?}");
    let keys = admin.run("key list-data --json").json();
    assert_eq!(keys[0]["purpose"], "catalog");
}

#[test]
fn sealed_blobs_are_pulled_as_they_were_pushed_and_plain_ones_stay() {
    let server = Server::start_with(&["--open"], |command| {
        command.env("WHARF_ENCRYPTION_BLOBS", "true");
    });
    let blob = push_zeros(&server, ZEROS.0, ZEROS.1);
    let stored = files(&server.data().join("blobs"));
    assert_eq!(stored.len(), 1);
    assert!(!holds(&stored[0], &[0; 64]), "64 zeros in a row would be plaintext");
    let answer = server.get(&blob);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains(&format!("content-length: {}", ZEROS.0)), "{head}");
    assert!(body.len() == ZEROS.0 && body.bytes().all(|byte| byte == 0));
    let admin = administrator(&server);
    assert_eq!(admin.run("fsck --json").json()["looked_at"]["read_bytes"], ZEROS.0);
    admin.run("key rotate-data").done();
    assert!(server.get(&blob).starts_with("HTTP/1.1 200"), "what was sealed stays readable");
}

#[test]
fn a_node_needs_the_catalogs_master_key_and_says_so() {
    let mut server = Server::start(&[]);
    let data = server.data();
    server.signal("TERM");
    server.wait();
    let other = data.join("other.key");
    write(&other, &"ab".repeat(32));
    let problem = refusal(&data, &[("WHARF_ENCRYPTION_MASTER_KEY_FILE", &other)]);
    assert!(problem.contains("every node needs the same master key"), "{problem}");
    assert!(problem.contains("are wrapped by master key `"), "it is named: {problem}");
    std::fs::rename(data.join("master.key"), data.join("away.key")).expect("renamed");
    let problem = refusal(&data, &[]);
    assert!(problem.contains("master key is not in") && problem.contains("encryption.master_key_file"), "{problem}");
    assert!(!data.join("master.key").exists(), "none is made in its place");
    write(&other, "not a key");
    let problem = refusal(&data, &[("WHARF_ENCRYPTION_MASTER_KEY_FILE", &other)]);
    assert!(problem.contains("holds no master key"), "{problem}");
}

#[test]
fn a_master_key_of_systemd_takes_over_by_command() {
    let mut first = Server::start(&[]);
    let (data, address, admin) = (first.data(), first.address().to_string(), administrator(&first));
    let old = admin.run("key list-data --json").json()[0]["master_key"].clone();
    first.signal("TERM");
    first.wait();
    let credentials = tempfile::tempdir().expect("a folder");
    write(&credentials.path().join("wharf-master-key"), &"cd".repeat(32));
    let start = |previous: Option<&Path>| {
        let mut command = wharf();
        command.args(["serve", "--listen", &address, "--data"]).arg(&data);
        command.env("CREDENTIALS_DIRECTORY", credentials.path());
        previous.map(|path| command.env("WHARF_ENCRYPTION_PREVIOUS_MASTER_KEY_FILES", path));
        Server::spawn(command, tempfile::tempdir().expect("a folder"))
    };
    let mut both = start(Some(&data.join("master.key")));
    assert_eq!(admin.run("key list-data --json").json()[0]["master_key"], old, "nothing changes by itself");
    let rewrapped = admin.run("key rotate-master --json").json();
    assert!(rewrapped["rewrapped"].as_u64() >= Some(1) && rewrapped["master_key"] != old, "{rewrapped}");
    both.signal("TERM");
    both.wait();
    std::fs::remove_file(data.join("master.key")).expect("removed");
    let _new = start(None);
    assert_eq!(admin.run("key list-data --json").json()[0]["master_key"], rewrapped["master_key"]);
}
