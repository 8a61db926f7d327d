//! kill -9 in the middle of many pushes, again and again: all that was acknowledged is there afterwards, byte by byte.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::variable;
use crate::http::{Client, Payload};
use crate::image::{Algorithm, Content, OCI_MANIFEST};
use crate::random;
use crate::server::Server;
use crate::specification::{Repository, with};

const PUSHERS: usize = 32;
/// How often the server is killed, unless this variable says otherwise.
const CRASHES: (&str, usize) = ("WHARF_E2E_CRASHES", 6);
/// How long the first acknowledgement may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const BYTES: (&str, &str) = ("Content-Type", "application/octet-stream");

/// Something that the server has said is stored.
#[derive(Debug)]
pub(crate) struct Acknowledged {
    /// Where it is read.
    pub(crate) target: String,
    pub(crate) bytes: Vec<u8>,
}

#[test]
fn what_was_acknowledged_outlives_kill_9_in_the_middle_of_32_pushes() {
    let crashes = variable(CRASHES.0).map_or(CRASHES.1, |number| number.parse().expect("a number"));
    let mut server = Server::start();
    let acknowledged = Mutex::new(Vec::new());
    for crash in 0..crashes {
        let count = || acknowledged.lock().expect("no pusher panics").len();
        let before = count();
        let client = server.administrator();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for pusher in 0..PUSHERS {
                let (client, acknowledged, is_over) = (&client, &acknowledged, &is_over);
                scope.spawn(move || push_until(client, pusher, acknowledged, is_over));
            }
            let start = Instant::now();
            while count() == before && start.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(20));
            }
            // Each time at another moment; long enough that all of them are at it.
            let moment = u64::from(random::bytes(1)[0]) * 3;
            thread::sleep(Duration::from_millis(300 + moment));
            server.kill();
            is_over.store(true, Ordering::SeqCst);
        });
        server.restart();
        assert!(count() > before, "nothing was pushed before crash {crash}");
        let acknowledged = acknowledged.lock().expect("no pusher panics");
        verify(&server.administrator(), &acknowledged);
    }
}

/// Pushes images until the server is gone, and notes what it said yes to.
pub(crate) fn push_until(
    client: &Client,
    pusher: usize,
    acknowledged: &Mutex<Vec<Acknowledged>>,
    is_over: &AtomicBool,
) {
    let repository = Repository::new(client, &format!("crash/pusher{pusher}"));
    while !is_over.load(Ordering::SeqCst) {
        let mut content = Content::new(Algorithm::Sha256);
        content.image();
        content.blob("application/octet-stream", random::bytes(40_000));
        let note = |target: String, bytes: &[u8]| {
            acknowledged.lock().expect("no pusher panics").push(Acknowledged { target, bytes: bytes.to_vec() });
        };
        for (digest, bytes) in &content.blobs {
            if push_blob(&repository, digest, bytes).is_none() {
                return;
            }
            note(repository.at(&format!("blobs/{digest}")), bytes);
        }
        let document = &content.documents[0];
        // A tag of its own for each push: what a tag points to is part of what was acknowledged.
        let target = repository.at(&format!("manifests/{}", random::word()));
        let put = client.try_send("PUT", &target, &[("Content-Type", OCI_MANIFEST)], Payload::Sized(&document.bytes));
        match put {
            Ok(answer) => {
                answer.expect(201);
                note(target, &document.bytes);
            }
            Err(_) => return,
        }
    }
}

/// Pushes in two pieces; None when the server is gone.
fn push_blob(repository: &Repository<'_>, digest: &str, bytes: &[u8]) -> Option<()> {
    let client = repository.client;
    let upload =
        client.try_send("POST", &repository.at("blobs/uploads/"), &[], Payload::Empty).ok()?.expect(202).location();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let upload = client.try_send("PATCH", &upload, &[BYTES], Payload::Sized(first)).ok()?.expect(202).location();
    client.try_send("PUT", &with(&upload, "digest", digest), &[BYTES], Payload::Sized(second)).ok()?.expect(201);
    Some(())
}

pub(crate) fn verify(client: &Client, acknowledged: &[Acknowledged]) {
    for stored in acknowledged {
        let answer = client.send("GET", &stored.target, &[("Accept", OCI_MANIFEST)], Payload::Empty);
        assert_eq!(answer.status, 200, "{} was acknowledged: {}", stored.target, answer.text());
        assert!(answer.body == stored.bytes, "{} has other bytes", stored.target);
    }
}
