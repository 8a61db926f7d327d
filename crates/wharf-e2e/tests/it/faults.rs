//! What fails around the server: it says so, loses nothing, leaves nothing behind, and serves again without a restart.
//!
//! `docs/admin/faults.md` tells what a user sees of each.

mod clock;
mod connection;
mod database;
mod disk;
mod sync;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::http::{Client, Payload, Response};
use crate::image::{Algorithm, Content, OCI_MANIFEST};
use crate::random;
use crate::specification::{Repository, with};

const BYTES: (&str, &str) = ("Content-Type", "application/octet-stream");
/// How long anything may take to be as it was.
const SOON: Duration = Duration::from_secs(60);

/// An image that was pushed whole.
#[derive(Debug)]
struct Pushed {
    tag: String,
    manifest: Vec<u8>,
    blobs: BTreeMap<String, Vec<u8>>,
}

/// Pushes an image whose layer has this many bytes; what refuses is answered.
fn push(client: &Client, repository: &str, layer_bytes: usize) -> Result<Pushed, Response> {
    let repository = Repository::new(client, repository);
    let mut content = Content::new(Algorithm::Sha256);
    content.image();
    content.blob("application/octet-stream", random::bytes(layer_bytes));
    for (digest, bytes) in &content.blobs {
        let target = with(&repository.at("blobs/uploads/"), "digest", digest);
        done(client.send("POST", &target, &[BYTES], Payload::Sized(bytes)))?;
    }
    let (tag, manifest) = (random::word(), content.documents[0].bytes.clone());
    let target = repository.at(&format!("manifests/{tag}"));
    done(client.send("PUT", &target, &[("Content-Type", OCI_MANIFEST)], Payload::Sized(&manifest)))?;
    Ok(Pushed { tag, manifest, blobs: content.blobs })
}

fn done(answer: Response) -> Result<(), Response> {
    if answer.status == 201 { Ok(()) } else { Err(answer) }
}

/// All of an image is there, byte by byte.
#[track_caller]
fn verify(client: &Client, repository: &str, pushed: &Pushed) {
    let repository = Repository::new(client, repository);
    let target = repository.at(&format!("manifests/{}", pushed.tag));
    let manifest = client.send("GET", &target, &[("Accept", OCI_MANIFEST)], Payload::Empty).expect(200);
    assert!(manifest.body == pushed.manifest, "the manifest has other bytes");
    for (digest, bytes) in &pushed.blobs {
        assert!(repository.get(&format!("blobs/{digest}")).expect(200).body == *bytes, "{digest} has other bytes");
    }
}

/// Asks again until it is so.
#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < SOON, "not in {SOON:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The status of an answer, or 0 when there was none.
fn status(client: &Client, target: &str) -> u16 {
    client.try_send("GET", target, &[], Payload::Empty).map_or(0, |answer| answer.status)
}
