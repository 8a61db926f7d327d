//! A node is stopped for longer than its leases, in the middle of everything, while another goes on; then it wakes up.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Pushed, SOON, eventually, push, status, try_push, verify};
use crate::command::{skip, variable};
use crate::http::{Client, Payload};
use crate::random;
use crate::server::{DATABASE_URL, Server, Settings, fresh_database};

const PUSHERS: usize = 4;
const REPOSITORY: &str = "faults/node";
/// A check's lease, the time until another node looks for it, and the check itself.
const TAKEOVER: Duration = Duration::from_secs(150);
/// Of a size that nothing else has.
const DAMAGED_BYTES: usize = 123_457;

/// Two nodes on one PostgreSQL and one folder, which collect what they can as soon as they can.
struct Nodes {
    nodes: [Server; 2],
    folder: tempfile::TempDir,
}

impl Nodes {
    fn start() -> Option<Self> {
        let Some(url) = variable("WHARF_TEST_POSTGRES") else {
            skip("WHARF_TEST_POSTGRES names no PostgreSQL");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("master.key");
        std::fs::write(&key, random::bytes(32)).expect("a writable folder");
        let variables = vec![
            (DATABASE_URL, fresh_database(&url, folder.path())),
            ("WHARF_STORAGE_URL", format!("file:{}", folder.path().join("blobs").display())),
            ("WHARF_STORAGE_SHARED", "true".to_owned()),
            ("WHARF_ENCRYPTION_MASTER_KEY_FILE", key.display().to_string()),
            ("WHARF_DATABASE_TRANSACTION_TIMEOUT", "5s".to_owned()),
            ("WHARF_COLLECTION_GRACE", "5s".to_owned()),
            ("WHARF_COLLECTION_UPLOAD_EXPIRY", "5s".to_owned()),
            ("WHARF_COLLECTION_INTERVAL", "1s".to_owned()),
            ("WHARF_BIN_KEEP", "1s".to_owned()),
        ];
        let node = |password| Server::with(Settings { variables: variables.clone(), password, ..Settings::default() });
        let first = node(None);
        let second = node(Some(first.password.clone()));
        Some(Self { nodes: [first, second], folder })
    }

    /// The file of the blob that has [`DAMAGED_BYTES`].
    fn damaged_file(&self) -> PathBuf {
        find(&self.folder.path().join("blobs")).expect("its file")
    }
}

/// Ends what people do, also when the test fails.
struct End<'p>(&'p People);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

fn find(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let found = entries.map(|entry| entry.path()).filter_map(|path| match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => find(&path),
        Ok(metadata) if metadata.len() == DAMAGED_BYTES as u64 => Some(path),
        _ => None,
    });
    found.take(1).next()
}

/// What people do meanwhile, half of them at each node; whoever is turned away, or gets no answer, tries the other one.
struct People {
    clients: [Client; 2],
    /// Layers that come and go, so that collection and pushes meet.
    fleeting: Vec<Vec<u8>>,
    kept: Mutex<Vec<Pushed>>,
    pushes: AtomicUsize,
    is_over: AtomicBool,
}

impl People {
    fn push_until_over(&self, pusher: usize) {
        for turn in 0.. {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            if turn % 2 == 0 {
                let image = self.push(pusher, random::bytes(30_000));
                self.kept.lock().expect("no pusher panics").push(image);
            } else {
                let image = self.push(pusher, self.fleeting[turn / 2 % self.fleeting.len()].clone());
                self.delete(pusher, &image);
            }
            self.pushes.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn push(&self, pusher: usize, layer: Vec<u8>) -> Pushed {
        self.retry(pusher, |client| match try_push(client, REPOSITORY, layer.clone())? {
            Ok(image) => Ok(image),
            Err(refused) => Err(io::Error::other(format!("{} {}", refused.status, refused.text()))),
        })
    }

    fn delete(&self, pusher: usize, image: &Pushed) {
        let digest = crate::image::Algorithm::Sha256.digest(&image.manifest);
        let target = format!("/v2/{REPOSITORY}/manifests/{digest}");
        self.retry(pusher, |client| match client.try_send("DELETE", &target, &[], Payload::Empty)?.status {
            202 | 404 => Ok(()),
            status => Err(io::Error::other(status.to_string())),
        });
    }

    fn retry<T>(&self, pusher: usize, mut attempt: impl FnMut(&Client) -> io::Result<T>) -> T {
        let start = Instant::now();
        for client in self.clients.iter().cycle().skip(pusher) {
            match attempt(client) {
                Ok(done) => return done,
                Err(error) => assert!(start.elapsed() < TAKEOVER, "however often it is tried: {error}"),
            }
            thread::sleep(Duration::from_millis(20));
        }
        unreachable!("a cycle has no end")
    }

    /// Waits until so many more pushes have gone through.
    fn wait_for_pushes(&self, more: usize) {
        let before = self.pushes.load(Ordering::SeqCst);
        eventually("people push", || self.pushes.load(Ordering::SeqCst) >= before + more);
    }
}

#[test]
fn a_node_that_sleeps_through_its_leases_harms_nothing_when_it_wakes() {
    let Some(nodes) = Nodes::start() else { return };
    let [sleeper, other] = &nodes.nodes;
    let clients = [sleeper.administrator(), other.administrator()];
    let damaged = push(&clients[1], REPOSITORY, DAMAGED_BYTES).expect("pushed");
    for _ in 0..20 {
        push(&clients[1], "faults/ballast", 1_000_000).expect("pushed");
    }
    let file = nodes.damaged_file();
    let mut bytes = std::fs::read(&file).expect("readable");
    bytes[77] ^= 1;
    std::fs::write(&file, bytes).expect("writable");
    let people = People {
        clients,
        fleeting: (0..6).map(|_| random::bytes(20_000)).collect(),
        kept: Mutex::default(),
        pushes: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    };
    let checked = thread::scope(|scope| {
        for pusher in 0..PUSHERS {
            let people = &people;
            scope.spawn(move || people.push_until_over(pusher));
        }
        let _end = End(&people);
        people.wait_for_pushes(20);
        // The node that is asked for a check goes about it: the slowly read ballast lasts for seconds.
        sleeper.manage("POST", "fsck", &json!({ "reads_bytes": true, "bytes_per_second": 4_000_000 }));
        thread::sleep(Duration::from_millis(1_500));
        sleeper.signal("-STOP");
        people.wait_for_pushes(20);
        let checked = done(other);
        // Somebody has pushed it again, and it is whole.
        let healed = people.push(1, damaged.blobs.values().max_by_key(|blob| blob.len()).expect("blobs").clone());
        people.kept.lock().expect("no pusher panics").push(healed);
        sleeper.signal("-CONT");
        people.wait_for_pushes(40);
        checked
    });
    eventually("it serves again", || status(&people.clients[0], "/readyz") == 200);
    let kept = people.kept.into_inner().expect("no pusher panics");
    for client in &people.clients {
        verify(client, REPOSITORY, &damaged);
        kept.iter().for_each(|image| verify(client, REPOSITORY, image));
    }
    // The sleeper has added nothing to the check that the other ended, and what it woke up in has not touched the blob.
    assert_eq!(sleeper.manage("GET", "fsck", &Value::Null), checked);
    sleeper.manage("POST", "fsck", &json!({ "reads_bytes": true, "bytes_per_second": 0 }));
    done(sleeper);
    let found = sleeper.manage("GET", "fsck/findings", &Value::Null);
    let found = found["entries"].as_array().expect("a list");
    // Bytes whose push was in its last transaction when the node was stopped stay, as after a crash: they may be a blob's.
    assert!(found.iter().all(|finding| finding["problem"] == "bytes_unknown"), "{found:?}");
    assert!(found.len() <= PUSHERS, "no more than was under way: {found:?}");
}

/// Waits until the check has been done.
fn done(node: &Server) -> Value {
    let start = Instant::now();
    loop {
        let check = node.manage("GET", "fsck", &Value::Null);
        if check["state"] == "done" {
            return check;
        }
        assert!(start.elapsed() < TAKEOVER + SOON, "nobody goes on with the check: {check}");
        thread::sleep(Duration::from_millis(100));
    }
}
